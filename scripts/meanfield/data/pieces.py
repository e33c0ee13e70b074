"""Files of a run that came in pieces, each some of its members, joined piece by piece: memory does not grow with them."""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import h5netcdf
import numpy as np

from meanfield.data import storage
from meanfield.errors import MeanfieldError

MEMBER = "seed"


def join_tables(paths: Sequence[str | Path], joined: str | Path) -> None:
    """CSV files of the same columns as one, their lines as they stand. MeanfieldError for other columns."""
    with open(joined, "w") as target:
        for number, path in enumerate(paths):
            with open(path) as source:
                head = source.readline()
                if number == 0:
                    columns = head
                    target.write(head)
                if head != columns:
                    raise MeanfieldError(f"{path} has other columns than {paths[0]}; delete it and run the workflow again")
                shutil.copyfileobj(source, target)


def join_arrays(paths: Sequence[str | Path], joined: str | Path) -> None:
    """NetCDF files as one along the dimension `seed`, variable by variable; attributes are those of the first.

    Counts that are whole in some pieces and not in others, where a member diverged, are none of them whole.
    """
    with ExitStack() as stack:
        pieces = [stack.enter_context(h5netcdf.File(path)) for path in paths]
        raw = stack.enter_context(storage.timeless(joined, in_memory=False))
        target = stack.enter_context(h5netcdf.File(raw, "w"))
        first = pieces[0]
        members = sum(piece.dimensions[MEMBER].size for piece in pieces)
        target.dimensions = {name: dimension.size for name, dimension in first.dimensions.items()} | {MEMBER: members}
        target.attrs.update(first.attrs)
        for name in first.variables:
            found = [piece.variables[name] for piece in pieces]
            dtype = np.result_type(*(each.dtype for each in found)) if MEMBER in found[0].dimensions else found[0].dtype
            model = next((each for each in found if each.dtype == dtype), found[0])
            packed = {"compression": "gzip", "compression_opts": 1} if dtype.kind == "f" else {}
            fill = model.attrs.get("_FillValue")
            variable = target.create_variable(name, model.dimensions, dtype, fillvalue=fill, **packed)
            variable.attrs.update({key: value for key, value in model.attrs.items() if key != "_FillValue"})
            if MEMBER not in model.dimensions:
                variable[...] = model[...]
                continue
            start = 0
            for each in found:
                values = each[...]
                variable[start : start + len(values)] = values
                start += len(values)
