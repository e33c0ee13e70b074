"""
Columns as numbers: features as they are or as indicators of their categories, targets as values or classes.

Tables are pandas', their index is the row in the file, counted from 1. Every mistake is answered in one line that names the
column and the first row.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from sklearn.preprocessing import LabelBinarizer

from meanfield.errors import MeanfieldError
from meanfield.model.losses import REGRESSION

MOST_CLASSES = 100


class Target(NamedTuple):
    """A target: values float64 [sample, label], the names of its labels, and of the classes, if any, in order.

    Two classes have one label, which is 1 for the second and bears its name.
    """

    values: np.ndarray
    labels: list[str]
    classes: list[str]


def complete(
    table: pd.DataFrame, path: str, missing: str, say: Callable[[str], None], marks: dict[str, dict[int, str]]
) -> pd.DataFrame:
    """The rows without missing values if `missing` is "drop", which says how many are left out; else all.

    `marks` are cells such as NA, by column and row: a missing value in a column of numbers; in one of text a name like any
    other, which is said, for it may have been meant otherwise. MeanfieldError for the first column with missing values if
    `missing` is "error", and if no row is left.
    """
    for name, cells in marks.items():
        if cells and not is_numeric_dtype(table[name]):
            read = ", ".join(map(repr, sorted(set(cells.values()))))
            say(f"{path}: '{name}' reads {read} in {len(cells)} rows, taken as a name; only an empty cell is missing there")
    gaps = table.isna()
    counts = gaps.sum()
    counts = counts[counts > 0]
    if counts.empty:
        return table
    if missing == "error":
        name = counts.index[0]
        row = gaps[name].idxmax()
        text = f", which reads {marks[name][row]!r}" if row in marks.get(name, {}) else ""
        raise MeanfieldError(
            f"{path}: '{name}' has {counts[name]} missing values, first in sample {row}{text}; fill them, or set "
            "missing: drop, which leaves those samples out"
        )
    kept = table[~gaps.any(axis=1)].infer_objects()
    where = ", ".join(f"'{name}' {count}" for name, count in counts.items())
    if kept.empty:
        raise MeanfieldError(f"{path}: each of the {len(table)} rows has a missing value ({where}); nothing is left")
    say(f"{path}: {len(table) - len(kept)} of {len(table)} rows dropped, since values are missing ({where})")
    return kept


def features(table: pd.DataFrame, encode: Sequence[str], path: str, decimal: str = ".") -> pd.DataFrame:
    """All columns as float64, every value finite; in place of each of `encode` an indicator of each of its categories.

    The indicators of a column island are called island=Dream and so on, in sorted order.
    """
    stray = [name for name in encode if name not in table]
    if stray:
        raise MeanfieldError(f"{path}: '{stray[0]}' is under encode and not among the features; add it to them")
    parts = [
        _indicators(table[name], f"{path}: '{name}'")
        if name in encode
        else _numbers(table[name], f"{path}: '{name}'", decimal, "; name it under encode, or leave it out of features")
        for name in table
    ]
    return beside(parts, path)


def beside(parts: Sequence[pd.DataFrame | pd.Series], path: str) -> pd.DataFrame:
    """Tables and columns side by side. MeanfieldError if two columns then have the same name."""
    joined = pd.concat(parts, axis=1)
    twice = joined.columns[joined.columns.duplicated()]
    if len(twice):
        raise MeanfieldError(f"{path}: two columns would be called '{twice[0]}'; rename one")
    return joined


def _indicators(column: pd.Series, name: str) -> pd.DataFrame:
    """A column of 0 and 1 for each category."""
    categories = _names(column)
    found, samples = categories.nunique(), len(column)
    if not 2 <= found <= _most(samples):
        number = "one category" if found == 1 else f"{found} categories"
        raise MeanfieldError(f"{name} has {number} in {samples} samples; leave it out of encode and of features")
    return pd.get_dummies(categories, prefix=column.name, prefix_sep="=", dtype=float)


def _names(column: pd.Series) -> pd.Series:
    """A column's values as text, without spaces around it; whole numbers without a point."""
    return column.convert_dtypes().astype(str).str.strip()


def _most(samples: int) -> int:
    """How many categories or classes a column of so many samples may have; more are hardly meant to be any."""
    return min(MOST_CLASSES, max(2, samples // 2))


def _numbers(column: pd.Series, name: str, decimal: str = ".", hint: str = "") -> pd.Series:
    """A column as float64, every value finite. MeanfieldError for the first that is not; `hint` if all are text."""
    numbers = column.astype(float) if is_numeric_dtype(column) else _parsed(column, name, decimal, hint)
    infinite = numbers[~np.isfinite(numbers)]
    if len(infinite):
        raise MeanfieldError(
            f"{name} has {len(infinite)} infinite values, first in sample {infinite.index[0]}; replace them"
        )
    return numbers


def _parsed(column: pd.Series, name: str, decimal: str, hint: str) -> pd.Series:
    """Numbers from text; MeanfieldError for the first that is none."""
    text = column.astype(str)
    if decimal != ".":  # then a point separates thousands, if anything
        text = text.mask(text.str.contains(".", regex=False), "").str.replace(decimal, ".", regex=False)
    numbers = pd.to_numeric(text, errors="coerce").astype(float)
    wrong = column[numbers.isna()]
    if len(wrong):
        first, clue = str(wrong.iloc[0]), hint if len(wrong) == len(column) else ""
        if re.fullmatch(r"[+-]?\d*[.,]\d+", first):
            clue = '; set decimal: ","' if "," in first else '; set decimal: "."'
        raise MeanfieldError(f"{name}, sample {wrong.index[0]}, is {first!r}, which is no number{clue}")
    return numbers


def target(table: pd.DataFrame, task: str, path: str, decimal: str = ".") -> Target:
    """The target of a task from its column or columns.

    Regression: the values of each. Classification: of one column its classes in sorted order, of several, which hold a
    single 1 in each row and else 0, the columns; two classes are one label, more are one each.
    """
    names = [f"{path}: '{name}'" for name in table]
    if task == REGRESSION:
        hint = "; is the task classification?"
        values = [_numbers(table[column], name, decimal, hint) for column, name in zip(table, names, strict=True)]
        for name, column in zip(names, values, strict=True):
            if np.ptp(column) == 0:
                raise MeanfieldError(f"{name} is constant ({column.iloc[0]:g}); there is nothing to learn")
        return Target(np.column_stack(values), list(table), [])
    return _one_hot(table, names) if len(names) > 1 else _classes(table.iloc[:, 0], names[0])


def _classes(column: pd.Series, name: str) -> Target:
    """The classes of a column."""
    number = is_numeric_dtype(column) and not is_bool_dtype(column)
    values = _numbers(column, name) if number else _names(column)
    found = values.nunique()
    if found == 1:
        raise MeanfieldError(f"{name} has one class only ({_names(column).iloc[0]}); at least two are needed")
    if found > _most(len(values)) or (number and (values % 1).any()):
        raise MeanfieldError(f"{name} has {found} classes in {len(values)} samples; is the task regression?")
    binarizer = LabelBinarizer()
    indicators = binarizer.fit_transform(values).astype(float)
    return named(indicators, _names(pd.Series(binarizer.classes_)).tolist())


def named(indicators: np.ndarray, classes: list[str]) -> Target:
    """Classes [sample, label] with their names."""
    return Target(indicators, classes[1:] if indicators.shape[1] == 1 else classes, classes)


def _one_hot(table: pd.DataFrame, names: Sequence[str]) -> Target:
    """Classes from a column of 0 and 1 each."""
    numbers = pd.concat([_numbers(table[column], name) for column, name in zip(table, names, strict=True)], axis=1)
    for name, column in zip(names, numbers, strict=True):
        wrong = numbers.index[~numbers[column].isin([0, 1])]
        if len(wrong):
            value = numbers[column][wrong[0]]
            raise MeanfieldError(
                f"{name}, sample {wrong[0]}, is {value:g}; several targets of a classification are one-hot, 0 or 1; is the "
                "task regression?"
            )
        if not numbers[column].any():
            raise MeanfieldError(f"{name} is 0 in all samples, a class without any; leave it out of the target")
    ones = numbers.sum(axis=1)
    if (ones != 1).any():
        row = ones.index[ones != 1][0]
        raise MeanfieldError(
            f"{names[0]} to '{table.columns[-1]}', the one-hot target, have {ones[row]:g} ones in sample "
            f"{row}; exactly one is needed in each"
        )
    return named(numbers.to_numpy()[:, 1 if len(names) == 2 else 0 :], list(table))
