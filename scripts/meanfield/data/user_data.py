"""
Datasets of one's own: a CSV, NPZ or .mat file with named columns, or one that scikit-learn ships. Read, checked, encoded.

Every mistake is answered in one line that names the file, the column and the first place; nothing is ever unpickled.
"""

import math
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.io
import sklearn.datasets
from scipy.io.matlab import MatReadError

from meanfield.errors import MeanfieldError
from meanfield.model.losses import REGRESSION

PACKAGED = {
    "diabetes": sklearn.datasets.load_diabetes,
    "iris": sklearn.datasets.load_iris,
    "wine": sklearn.datasets.load_wine,
    "breast_cancer": sklearn.datasets.load_breast_cancer,
}
SHOWN = 10  # names of columns in a message
MOST_CLASSES = 100
MOST_BYTES = 2**30  # of a file's arrays, unpacked
UNREADABLE = (ValueError, TypeError, IndexError, KeyError, OSError, EOFError, NotImplementedError, MemoryError, Warning)
UNREADABLE += (pd.errors.ParserError, MatReadError, zipfile.BadZipFile)


def packaged(name: str, task: str) -> tuple[np.ndarray, np.ndarray]:
    """Features [sample, feature] and target [sample, label], float64, of a dataset that scikit-learn ships."""
    features, target = PACKAGED[name](return_X_y=True)
    return features.astype(float), encoded(target, task, f"scikit-learn's {name}")


def read(path: str, features: str | Sequence[str], target: str, task: str) -> tuple[np.ndarray, np.ndarray]:
    """Features [sample, feature] and target [sample, label], float64, from the named columns of a file.

    CSV: columns by the names in its first line. NPZ and .mat: arrays by their names, one sample a row; an array with several
    columns gives as many features. MeanfieldError, naming the culprit, for whatever is missing or unfit.
    """
    names = [features] if isinstance(features, str) else list(features)
    if target in names:
        raise MeanfieldError(f"{path}: '{target}' is both a feature and the target; take it out of the features")
    columns = _columns(path, [*names, target])
    samples = columns[target].size
    columns = {name: column.ravel() if column.size == samples else column for name, column in columns.items()}
    lengths = {name: column.shape[0] if column.ndim else 0 for name, column in columns.items()}
    if not samples or len(set(lengths.values())) > 1:
        raise MeanfieldError(f"{path}: the columns have {lengths} rows; as many are needed in each, and at least one")
    joined = np.column_stack([_numbers(columns[name], f"{path}: '{name}'") for name in names])
    if joined.shape[1] < 2:
        raise MeanfieldError(f"{path}: one feature is given; at least two are needed, for decisions are drawn in a plane")
    return joined, encoded(columns[target], task, f"{path}: '{target}'")


def _columns(path: str, names: list[str]) -> dict[str, np.ndarray]:
    """The named columns of a file, as they are in it."""
    how = {".csv": _csv, ".npz": _npz, ".mat": _mat}[Path(path).suffix]
    try:
        known, column = how(path)
        missing = [name for name in names if name not in known]
        if not missing:
            return {name: np.asarray(column(name)) for name in names}
    except FileNotFoundError as error:
        raise MeanfieldError(f"{path} does not exist; the path is relative to where snakemake runs") from error
    except UNREADABLE as error:
        reason = str(error).strip()
        if isinstance(error, NotImplementedError):  # SciPy's answer to MATLAB 7.3
            reason = "it is of MATLAB 7.3; save it with -v7"
        elif "allow_pickle" in reason:
            reason = "it holds objects; save plain arrays"
        raise MeanfieldError(f"{path} cannot be read as {how.__name__[1:]} ({type(error).__name__}: {reason})") from error
    shown = ", ".join(map(repr, known[:SHOWN])) + (f" and {len(known) - SHOWN} more" if len(known) > SHOWN else "")
    raise MeanfieldError(f"{path} has no column {', '.join(map(repr, missing))}; it has {shown}")


def _csv(path: str) -> tuple[list, object]:
    """Names, and a function from a name to its column. A line that is longer than the first is an error, not an index."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        table = pd.read_csv(path, encoding="utf-8-sig", skipinitialspace=True, index_col=False)
    head = pd.read_csv(path, encoding="utf-8-sig", skipinitialspace=True, header=None, nrows=1, dtype=str).iloc[0].tolist()
    twice = [name for name in head if head.count(name) > 1]
    if twice:
        raise ValueError(f"two columns are named {twice[0]!r}")
    return list(table), lambda name: table[name].to_numpy()


def _npz(path: str) -> tuple[list, object]:
    with zipfile.ZipFile(path) as parts:
        _check_size(sum(part.file_size for part in parts.infolist()))
    archive = np.load(path, allow_pickle=False)
    return list(archive), archive.__getitem__


def _mat(path: str) -> tuple[list, object]:
    found = {name: (shape, kind) for name, shape, kind in scipy.io.whosmat(path)}

    def column(name: str) -> np.ndarray:
        shape, kind = found[name]
        if kind in ("cell", "struct", "object", "function", "opaque"):
            raise ValueError(f"'{name}' is a {kind}, no array of numbers")
        _check_size(8 * math.prod(shape))
        return scipy.io.loadmat(path, variable_names=[name])[name]

    return list(found), column


def _check_size(size: int) -> None:
    """Refuse, before anything is unpacked, what would fill the memory."""
    if size > MOST_BYTES:
        raise ValueError(f"it would unpack to {size / 2**30:.1f} GiB, more than the {MOST_BYTES // 2**30} GiB allowed")


def _numbers(column: np.ndarray, name: str) -> np.ndarray:
    """A column as float64, every value finite; [sample] or [sample, feature]."""
    if column.ndim not in (1, 2) or column.dtype.kind not in "biufOUT" or (column.ndim == 2 and column.dtype.kind in "OUT"):
        raise MeanfieldError(f"{name} is no column of numbers (shape {column.shape}, type {column.dtype})")
    numbers = column.astype(float) if column.dtype.kind in "biuf" else _parsed(column, name)
    bad = np.flatnonzero(~np.isfinite(numbers.reshape(len(numbers), -1)).all(axis=1))
    if bad.size:
        raise MeanfieldError(
            f"{name} has {bad.size} missing or infinite values, first in sample {bad[0] + 1}; fill or drop them"
        )
    return numbers


def _parsed(column: np.ndarray, name: str) -> np.ndarray:
    """Numbers from text; MeanfieldError for the first that is none."""
    numbers = pd.to_numeric(pd.Series(column), errors="coerce").to_numpy(float)
    wrong = np.flatnonzero(np.isnan(numbers) & ~pd.isna(column))
    if wrong.size:
        raise MeanfieldError(f"{name}, sample {wrong[0] + 1}, is {column[wrong[0]]!r}, which is no number")
    return numbers


def encoded(target: np.ndarray, task: str, name: str) -> np.ndarray:
    """A target column [sample] as float64 [sample, label].

    Regression: its values. Classification: 0 and 1 for two classes, one label for each of several, in sorted order.
    """
    if target.ndim != 1:
        raise MeanfieldError(f"{name} has shape {target.shape}; a target is one column")
    if task == REGRESSION:
        values = _numbers(target, name)
        if np.ptp(values) == 0:
            raise MeanfieldError(f"{name} is constant ({values[0]:g}); there is nothing to learn")
        return values[:, None]
    empty = np.flatnonzero(pd.isna(target))
    if empty.size:
        raise MeanfieldError(f"{name} has {empty.size} missing values, first in sample {empty[0] + 1}; fill or drop them")
    text = target.dtype.kind not in "biuf"
    classes, indices = np.unique([str(value).strip() for value in target] if text else target, return_inverse=True)
    if len(classes) < 2:
        raise MeanfieldError(f"{name} has one class only ({classes[0]}); at least two are needed")
    most = min(MOST_CLASSES, max(2, len(target) // 2))
    if len(classes) > most or (not text and (classes % 1).any()):
        raise MeanfieldError(f"{name} has {len(classes)} classes in {len(target)} samples; is the task regression?")
    return (
        indices[:, None].astype(float) if len(classes) == 2 else (indices[:, None] == np.arange(len(classes))).astype(float)
    )
