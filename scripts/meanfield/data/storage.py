"""Labelled arrays in and out: NetCDF through xarray, with the attributes that say where the numbers come from."""

import os
from collections.abc import Container, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import h5netcdf
import h5py
import numpy as np
import pandas as pd
import xarray as xr
from xarray.backends import H5NetCDFStore

from meanfield.data.description import RUN, described
from meanfield.errors import MeanfieldError

STAND_IN = "stand-in"
_RECORDED_PACKAGES = ("numpy", "scipy", "scikit-learn", "tensorflow", "xarray", "h5netcdf")


def read(path: str | Path, first_seed: bool = False, only: Sequence[str] = ()) -> xr.Dataset:
    """The whole dataset, or its first seed alone, or `only` these variables, as far as it has them, in memory; file closed.

    MeanfieldError for no readable NetCDF, and for a first seed that diverged: pictures have nothing to show then.
    """
    try:
        with xr.open_dataset(path, engine="h5netcdf") as dataset:
            dataset = dataset.isel(seed=[0]) if first_seed else dataset
            diverged = first_seed and any(dataset[name].isnull().any() for name in ("cost", "tolerance") if name in dataset)
            dataset = (dataset[[name for name in only if name in dataset]] if only else dataset).load()
    except OSError as error:
        raise MeanfieldError(f"{path} cannot be read as NetCDF ({error}); delete it and run the workflow again") from error
    if diverged:
        raise MeanfieldError(
            f"{path}: its first member, seed {dataset.seed.item()}, diverged, and it is the one that pictures show; lower "
            "optimizer.learning_rate"
        )
    return dataset


def write(dataset: xr.Dataset, path: str | Path, origin: xr.Dataset | None = None) -> None:
    """Write NetCDF-4, deterministic bytes, described (`description`); `origin` passes its attributes on.

    `packages` names the versions that made the file. The step puts the finished file in place (see `step`).
    """
    inherited = {} if origin is None else origin.attrs
    dataset = described(dataset.assign_attrs(inherited | dataset.attrs, packages=package_versions()))
    compressed = {name: {"zlib": True, "complevel": 1} for name, array in dataset.items() if array.dtype.kind == "f"}
    with timeless(path) as raw:
        with h5netcdf.File(raw, "w") as file:
            dataset.dump_to_store(H5NetCDFStore(file), encoding=compressed)
        raw.flush()
        image = raw.id.get_file_image()
    Path(path).write_bytes(image)


def read_table(path: str | Path, columns: Container[str] = (), lines: int | None = None) -> pd.DataFrame:
    """A table whose lines are of runs: what names these is text, also where it reads like a number, or like nothing.

    Of its columns these alone, if any are named; at most so many lines.
    """
    wanted = (lambda name: name in columns) if columns else None
    named = dict.fromkeys(RUN, str)
    return pd.read_csv(path, dtype=named, usecols=wanted, nrows=lines, keep_default_na=False, na_values=[""])


def timeless(path: str | Path, in_memory: bool = True) -> h5py.File:
    """A new HDF5 file whose root group has no time stamp: h5py offers that for its datasets only.

    In memory, since the HDF5 library may crash where a disk is full or a file too large; Python says so.
    """
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    if in_memory:
        access.set_fapl_core(2**20, False)
    creation = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    creation.set_obj_track_times(False)
    ordered = h5py.h5p.CRT_ORDER_TRACKED | h5py.h5p.CRT_ORDER_INDEXED  # as NetCDF-4 asks for
    creation.set_link_creation_order(ordered)
    creation.set_attr_creation_order(ordered)
    return h5py.File(h5py.h5f.create(os.fsencode(path), h5py.h5f.ACC_TRUNC, fcpl=creation, fapl=access))


def diverged_members(diverged: np.ndarray, seeds: Sequence[int]) -> str:
    """Which members diverged, and at which update, for a message or a table; diverged [seed] is negative where none did."""
    return ", ".join(f"seed {seed} at update {at:.0f}" for seed, at in zip(seeds, diverged, strict=True) if at >= 0)


def package_versions() -> str:
    """Versions of the packages that make numbers, as far as this environment has them: "numpy 2.4.6, scipy 1.17.1"."""
    found = []
    for name in _RECORDED_PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found.append(f"{name} {metadata.version(name)}")
    return ", ".join(found)
