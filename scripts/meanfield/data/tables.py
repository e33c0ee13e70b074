"""
Files of the user's own: CSV, TSV, NPZ or .mat, their columns by name, as they are in the file.

Every mistake is answered in one line that names the file and the column; nothing is ever unpickled.
"""

import math
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.io
from pandas.api.types import is_numeric_dtype
from scipy.io.matlab import MatReadError

from meanfield.errors import MeanfieldError

DELIMITERS = {".csv": ",", ".tsv": "\t"}  # of files whose settings do not say
KNOWN_DELIMITERS = ";,\t| "  # those that are recognized in the first line of a file that is read with another
SHOWN = 10  # names of columns in a message
MOST_BYTES = 2**30  # of a file's arrays, unpacked
UNREADABLE = (ValueError, TypeError, IndexError, KeyError, OSError, EOFError, NotImplementedError, MemoryError, Warning)
UNREADABLE += (pd.errors.ParserError, MatReadError, zipfile.BadZipFile)

Named = tuple[list[str], Callable[[str], object]]
"""The names in a file, and a function from a name to its column or array."""


def read(
    path: str, names: Sequence[str] = (), needed: Sequence[str] = (), delimiter: str | None = None, decimal: str = "."
) -> dict[str, pd.DataFrame]:
    """The named columns of a file, or all if no `names` are given; of equally many rows, counted from 1 in the index.

    CSV and TSV: a column each, by the names in the first line; its attrs["marks"] are cells such as NA, by row (`_text`).
    NPZ and .mat: arrays by their names, a sample a row; the columns of an array x of several are called x[0], x[1], ….
    MeanfieldError, naming the culprit, for a file that cannot be read, a name in `names` or `needed` that it does not have,
    and for an array that is no column.
    """
    kind = Path(path).suffix
    try:
        known, column = _text(path, delimiter or DELIMITERS[kind], decimal) if kind in DELIMITERS else BINARY[kind](path)
        unnamed = [name for name in known if name.startswith("Unnamed: ") and not names]
        if unnamed:
            raise MeanfieldError(
                f"{path}: a column has no name in the first line; name those that are wanted under features"
            )
        missing = [name for name in (*names, *needed) if name not in known]
        if not missing:
            return _tables(path, {name: column(name) for name in dict.fromkeys([*(names or known), *needed])}, bool(names))
    except FileNotFoundError as error:
        raise MeanfieldError(f"{path} does not exist; the path is relative to where snakemake runs") from error
    except MeanfieldError:
        raise
    except UNREADABLE as error:
        reason = " ".join(str(error).split())
        if isinstance(error, NotImplementedError):  # SciPy's answer to MATLAB 7.3
            reason = "it is of MATLAB 7.3; save it with -v7"
        elif "allow_pickle" in reason:
            reason = "it holds objects; save plain arrays"
        raise MeanfieldError(f"{path} cannot be read as {kind[1:]} ({type(error).__name__}: {reason})") from error
    shown = ", ".join(map(repr, known[:SHOWN])) + (f" and {len(known) - SHOWN} more" if len(known) > SHOWN else "")
    raise MeanfieldError(f"{path} has no column {', '.join(map(repr, missing))}; it has {shown}")


def _text(path: str, delimiter: str, decimal: str) -> Named:
    """Columns of a CSV or TSV file. A line that is longer than the first is an error, not an index.

    Cells such as NA or nan are missing in a column whose other cells are numbers, and text in a column of text, where only
    an empty cell is missing. A column's attrs["marks"] are these cells, by row.
    """
    form = {"sep": delimiter, "encoding": "utf-8-sig", "skipinitialspace": True, "index_col": False}
    plain = form | {"keep_default_na": False, "na_values": [""]}
    head = pd.read_csv(path, **plain, header=None, nrows=1, dtype=str).iloc[0].dropna().str.strip().tolist()
    comment = bool(head) and head[0].startswith("#")
    remark = (
        f"{path} begins with {head[0]!r}; its first line must hold the names of the columns, without #" if comment else ""
    )
    if comment and len(head) == 1:
        raise MeanfieldError(remark)
    other = [sign for sign in KNOWN_DELIMITERS if len(head) == 1 and sign in head[0]]
    if other:
        raise MeanfieldError(
            f"{path} has a single column, {head[0]!r}, which looks separated by {other[0]!r}: "
            f"set delimiter: {yaml(other[0])}"
        )
    twice = [name for name in head if head.count(name) > 1]
    if twice:
        raise ValueError(f"two columns are named {twice[0]!r}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            numbers, cells = (pd.read_csv(path, **kind, decimal=decimal).rename(columns=str.strip) for kind in (form, plain))
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        if comment:
            raise MeanfieldError(remark) from error
        raise

    def column(name: str) -> pd.Series:
        chosen = numbers[name] if is_numeric_dtype(numbers[name]) else cells[name]
        marks = cells[name][numbers[name].isna()].dropna()
        chosen.attrs["marks"] = {row + 1: text for row, text in marks.items()}
        return chosen

    return list(numbers), column  # a column without a name is called "Unnamed: 0" or the like


def yaml(sign: str) -> str:
    """A delimiter as it is written in a configuration."""
    return '"\\t"' if sign == "\t" else f'"{sign}"'


def _npz(path: str) -> Named:
    with zipfile.ZipFile(path) as parts:
        _check_size(sum(part.file_size for part in parts.infolist()))
    archive = np.load(path, allow_pickle=False)
    return list(archive), archive.__getitem__


def _mat(path: str) -> Named:
    found = {name: (shape, kind) for name, shape, kind in scipy.io.whosmat(path)}

    def column(name: str) -> np.ndarray:
        shape, kind = found[name]
        if kind in ("cell", "struct", "object", "function", "opaque"):
            raise ValueError(f"'{name}' is a {kind}, no array of numbers")
        _check_size(8 * math.prod(shape))
        return scipy.io.loadmat(path, variable_names=[name])[name]

    return list(found), column


BINARY = {".npz": _npz, ".mat": _mat}


def _check_size(size: int) -> None:
    """Refuse, before anything is unpacked, what would fill the memory."""
    if size > MOST_BYTES:
        raise ValueError(f"it would unpack to {size / 2**30:.1f} GiB, more than the {MOST_BYTES // 2**30} GiB allowed")


def _tables(path: str, columns: dict[str, object], chosen: bool) -> dict[str, pd.DataFrame]:
    """Columns and arrays as tables of equally many rows; MeanfieldError if they are not, with a hint unless `chosen`."""
    hint = "" if chosen else "; name those that are wanted under features"
    tables = {name: _table(column, name, f"{path}: '{name}'", hint) for name, column in columns.items()}
    lengths = {name: len(table) for name, table in tables.items()}
    if len(set(lengths.values())) != 1 or not all(lengths.values()):
        raise MeanfieldError(f"{path}: the columns have {lengths} rows; as many are needed in each, and at least one{hint}")
    return tables


def _table(column: object, name: str, where: str, hint: str) -> pd.DataFrame:
    """One column (a series) or array; rows are counted from 1."""
    if not isinstance(column, pd.Series):
        column = np.asarray(column)
        column = column.ravel() if column.ndim == 2 and 1 in column.shape else column
        text = column.dtype.kind in "UT"
        if column.ndim not in (1, 2) or column.dtype.kind not in "biufUT" or (text and column.ndim == 2):
            raise MeanfieldError(f"{where} is no column of numbers (shape {column.shape}, type {column.dtype}){hint}")
    rows = pd.RangeIndex(1, len(column) + 1)
    if column.ndim == 1:
        table = pd.DataFrame({name: np.asarray(column)}, index=rows)
        table.attrs = getattr(column, "attrs", {})
        return table
    return pd.DataFrame(column, index=rows, columns=[f"{name}[{number}]" for number in range(column.shape[1])])
