"""
Datasets of one's own: a CSV, NPZ or .mat file with named columns, or one that scikit-learn ships. Read, checked, encoded.

Every mistake is answered in one line that names the file, the column and the first place; nothing is ever unpickled.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.io
import sklearn.datasets

from meanfield.errors import MeanfieldError
from meanfield.losses import REGRESSION

PACKAGED = {
    "diabetes": sklearn.datasets.load_diabetes,
    "iris": sklearn.datasets.load_iris,
    "wine": sklearn.datasets.load_wine,
    "breast_cancer": sklearn.datasets.load_breast_cancer,
}


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
    columns = _columns(path, [*names, target])
    values = [_numbers(columns[name], f"{path}: '{name}'") for name in names]
    lengths = {name: len(columns[name]) for name in [*names, target]}
    if len(set(lengths.values())) > 1:
        raise MeanfieldError(f"{path}: columns have different lengths ({lengths}); give as many rows in each")
    joined = np.column_stack(values)
    if len(joined) < joined.shape[1]:
        raise MeanfieldError(
            f"{path} has {len(joined)} samples and {joined.shape[1]} features; at least as many samples are needed"
        )
    return joined, encoded(columns[target], task, f"{path}: '{target}'")


def _columns(path: str, names: list[str]) -> dict[str, np.ndarray]:
    """The named columns of a file, as they are in it."""
    try:
        match Path(path).suffix:
            case ".csv":
                table = pd.read_csv(path, encoding="utf-8-sig", skipinitialspace=True)
                content = {name: table[name].to_numpy() for name in table}
            case ".npz":
                with np.load(path, allow_pickle=False) as archive:
                    content = {name: archive[name] for name in archive if name in names} | dict.fromkeys(
                        set(archive) - set(names)
                    )
            case _:
                content = {name: array for name, array in scipy.io.loadmat(path).items() if not name.startswith("__")}
    except FileNotFoundError as error:
        raise MeanfieldError(f"{path} does not exist; the path is relative to where snakemake runs") from error
    except (ValueError, OSError, EOFError, NotImplementedError, pd.errors.ParserError) as error:
        raise MeanfieldError(f"{path} cannot be read ({error})") from error
    missing = [name for name in names if name not in content]
    if missing:
        raise MeanfieldError(f"{path} has no column {', '.join(map(repr, missing))}; it has {', '.join(map(repr, content))}")
    return {name: _flat(np.asarray(content[name])) for name in names}


def _flat(array: np.ndarray) -> np.ndarray:
    """A row or column of a .mat file as one dimension."""
    return array.ravel() if array.ndim == 2 and 1 in array.shape else array


def _numbers(column: np.ndarray, name: str) -> np.ndarray:
    """A column as float64, every value finite; [sample] or [sample, feature]."""
    if column.ndim not in (1, 2) or column.dtype.kind not in "biufOUT":
        raise MeanfieldError(f"{name} is no column of numbers (shape {column.shape}, type {column.dtype})")
    numbers = column.astype(float) if column.dtype.kind in "biuf" else _parsed(column, name)
    bad = np.flatnonzero(~np.isfinite(numbers.reshape(len(numbers), -1)).all(axis=1))
    if bad.size:
        raise MeanfieldError(
            f"{name} has {bad.size} missing or infinite values, the first in row {bad[0] + 1}; fill or drop them"
        )
    return numbers


def _parsed(column: np.ndarray, name: str) -> np.ndarray:
    """Numbers from text; MeanfieldError for the first that is none."""
    numbers = pd.to_numeric(pd.Series(column), errors="coerce").to_numpy(float)
    wrong = np.flatnonzero(np.isnan(numbers) & ~pd.isna(column))
    if wrong.size:
        raise MeanfieldError(f"{name}, row {wrong[0] + 1}, is {column[wrong[0]]!r}, which is no number")
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
        raise MeanfieldError(f"{name} has {empty.size} missing values, the first in row {empty[0] + 1}; fill or drop them")
    classes, indices = np.unique(target.astype(str) if target.dtype.kind == "O" else target, return_inverse=True)
    if len(classes) < 2:
        raise MeanfieldError(f"{name} has one class only ({classes[0]}); at least two are needed")
    if len(classes) > max(2, len(target) // 2):
        raise MeanfieldError(f"{name} has {len(classes)} classes in {len(target)} samples; is the task regression?")
    return (
        indices[:, None].astype(float) if len(classes) == 2 else (indices[:, None] == np.arange(len(classes))).astype(float)
    )
