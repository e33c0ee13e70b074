"""
Datasets of one's own: a file with named columns (`tables`), or one that scikit-learn ships; as numbers (`encoding`).

Both come as labelled arrays: what the features, labels and classes are called, and the row of each sample in the file, stay
with the numbers.
"""

from collections.abc import Callable, Sequence

import pandas as pd
import sklearn.datasets
import xarray as xr

from meanfield.data import encoding, tables
from meanfield.errors import MeanfieldError

PACKAGED = {
    "diabetes": sklearn.datasets.load_diabetes,
    "iris": sklearn.datasets.load_iris,
    "wine": sklearn.datasets.load_wine,
    "breast_cancer": sklearn.datasets.load_breast_cancer,
}


def packaged(name: str, task: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Features and target of a dataset that scikit-learn ships, as `read` gives them."""
    data, where = PACKAGED[name](as_frame=True), f"scikit-learn's {name}"
    table = data.frame.set_axis(pd.RangeIndex(1, len(data.frame) + 1), axis=0)
    target = encoding.target(table[["target"]], task, where)
    if "target_names" in data:
        target = encoding.named(target.values, list(map(str, data.target_names)))
    return _labelled(encoding.features(table[data.feature_names], (), where), target, "target")


def read(
    path: str,
    features: str | Sequence[str] | None,
    target: str | Sequence[str],
    task: str,
    *,
    encode: Sequence[str] = (),
    missing: str = "error",
    delimiter: str | None = None,
    decimal: str = ".",
    say: Callable[[str], None] = print,
) -> tuple[xr.DataArray, xr.DataArray]:
    """Features [sample, feature] and target [sample, label], float64, from the named columns of a file.

    No `features` are all columns but the target. `encode` names those whose categories become indicators; `missing` says
    whether a sample with a missing value is an error, or dropped; `delimiter` and `decimal` are those of a CSV or TSV file.

    Coordinates: feature and label (names), row [sample] (in the file, without its head, from 1). The target's attributes:
    `column`, what it is called in the file, and, of a classification, `classes`, their names. MeanfieldError, naming the
    culprit, for whatever is missing or unfit.
    """
    wanted, targets = _listed(features), _listed(target)
    for name in targets:
        if name in wanted:
            raise MeanfieldError(f"{path}: '{name}' is both a feature and the target; take it out of the features")
    columns = tables.read(path, wanted, targets, delimiter, decimal)
    chosen = wanted or [name for name in columns if name not in targets]
    if not chosen:
        raise MeanfieldError(f"{path} has no column but the target; at least two features are needed")
    parts = [pd.concat([columns[name] for name in names], axis=1) for names in (chosen, targets)]
    marks = {name: columns[name].attrs.get("marks", {}) for name in (*chosen, *targets)}
    whole = encoding.complete(encoding.beside(parts, path), path, missing, say, marks)
    table, answers = whole[parts[0].columns], whole[parts[1].columns]
    numbers = encoding.features(table, encode, path, decimal)
    if numbers.shape[1] < 2:
        raise MeanfieldError(f"{path}: one feature is given; at least two are needed, for decisions are drawn in a plane")
    return _labelled(numbers, encoding.target(answers, task, path, decimal), ", ".join(targets))


def _listed(names: str | Sequence[str] | None) -> list[str]:
    return [names] if isinstance(names, str) else list(names or [])


def _labelled(features: pd.DataFrame, target: encoding.Target, column: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Features and target with the names and rows that belong to them."""
    rows = {"row": ("sample", features.index.to_numpy())}
    attributes = {"column": column} | ({"classes": target.classes} if target.classes else {})
    return (
        xr.DataArray(features.to_numpy(), rows | {"feature": features.columns.tolist()}, ("sample", "feature")),
        xr.DataArray(target.values, rows | {"label": target.labels}, ("sample", "label"), attrs=attributes),
    )
