"""What is compared with the publication: our numbers and the published ones under the same names, record by record."""

import json
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from meanfield.curvature import eigen, hessian, spectrum
from meanfield.curvature.indices import zero_residuals
from meanfield.data import storage
from meanfield.errors import MeanfieldError
from meanfield.model.network import Network
from meanfield.model.propagation import Objective
from meanfield.training.schedule import published_updates

OF_TRAJECTORY = ("cost", "train_accuracy", "test_accuracy", "gradient", "residual")
AVERAGED = ("cost", "train_accuracy", "test_accuracy")  # in float32, over samples
COUNTED = ("zero_residuals", "alpha", "gamma", "alpha_resolved", "gamma_resolved")  # shares of a count
RELATIVE = ("eigenvalues", "hessians")  # compared relative to the largest eigenvalue or entry of the record
QUANTITIES = (
    *AVERAGED,
    "zero_residuals",
    "residual",
    "gradient",
    "alpha",
    "gamma",
    "alpha_resolved",
    "gamma_resolved",
    *RELATIVE,
)

DERIVED = {
    "train_accuracy": "accuracy",
    "test_accuracy": "accuracy",
    "zero_residuals": "residual",
    "alpha_resolved": "eigenvalues",
    "gamma_resolved": "eigenvalues",
}
"""Quantities that come from a published array of another name."""

UNPUBLISHED = {"gradient": "published as a pickle alone, which is never opened"}

HEADLINES = {
    "cost_first": ("cost", 0),
    "cost_last": ("cost", -1),
    "train_accuracy_last": ("train_accuracy", -1),
    "test_accuracy_last": ("test_accuracy", -1),
    "alpha_first": ("alpha", 0),
    "alpha_last": ("alpha", -1),
    "gamma_first": ("gamma", 0),
    "gamma_last": ("gamma", -1),
    "zero_residual_fraction_last": ("zero_residuals", -1),
}
"""Figures of config/published/summary.csv: the quantity and the record they stand for."""


class Pair(NamedTuple):
    """A published quantity: how rows name it, which of ours it is, at which of our records, its values [record, …]."""

    name: str
    quantity: str
    records: np.ndarray
    theirs: np.ndarray


def resolved(eigenvalues: np.ndarray) -> dict[str, np.ndarray]:
    """α and γ beyond the resolution τ of each spectrum itself, for eigenvalues [..., P]: shares [...]."""
    tau = eigen.tolerance(eigenvalues.shape[-1], np.abs(eigenvalues).max(axis=-1, keepdims=True))
    return {
        "alpha_resolved": (eigenvalues < -tau).mean(axis=-1),
        "gamma_resolved": (np.abs(eigenvalues) <= tau).mean(axis=-1),
    }


def ours(
    trajectory: xr.Dataset, eigenvalues: np.ndarray, zero_rows: np.ndarray, network: Network, objective: Objective
) -> dict[str, np.ndarray]:
    """What is compared, of every seed (or member): arrays [seed, update, …], by the names in QUANTITIES.

    From eigenvalues [seed, update, P] and the number of zero rows [seed, update]; α and γ in the published sense. Hessians
    only up to spectrum.SMALL parameters, as far as the publication has them.
    """
    result = {name: trajectory[name].values for name in OF_TRAJECTORY}
    result["zero_residuals"] = zero_residuals(result["residual"])
    result["alpha"] = np.where(np.isnan(zero_rows), np.nan, (eigenvalues < 0).mean(axis=-1))
    result["gamma"] = zero_rows / network.size
    result["eigenvalues"] = eigenvalues
    result |= resolved(result["eigenvalues"])
    if network.size <= spectrum.SMALL:
        result["hessians"] = hessian.hessian(trajectory.parameters.values, network, objective)
    return result


def published(arrays: dict[str, np.ndarray], records: int, parameters: int) -> dict[str, np.ndarray]:
    """The published arrays of a run under our names, [update, …]. MeanfieldError for an array of unexpected shape."""
    shapes = {
        "cost": (records,),
        "accuracy": (2, records),
        "alpha": (records,),
        "gamma": (records,),
        "gradient": (records, parameters),
        "eigenvalues": (records, parameters),
        "hessians": (records, parameters, parameters),
    }
    for name, array in arrays.items():
        expected = shapes.get(name, (records, *array.shape[1:]))
        if array.shape != expected:
            raise MeanfieldError(f"the published {name} has shape {array.shape}; {expected} is expected")
        if not np.isfinite(array).all():
            raise MeanfieldError(f"the published {name} contains NaN or infinite values")
    result = {name: array for name, array in arrays.items() if name != "accuracy"}
    if "accuracy" in arrays:
        result["train_accuracy"], result["test_accuracy"] = arrays["accuracy"]
    if "residual" in arrays:
        result["zero_residuals"] = zero_residuals(arrays["residual"])
    if "eigenvalues" in arrays:
        result["eigenvalues"] = np.sort(arrays["eigenvalues"], axis=-1)
        result |= resolved(result["eigenvalues"])
    return result


def pairs(recorded: np.ndarray, arrays: xr.Dataset, headline: pd.Series) -> list[Pair]:
    """All that can be compared of a run that recorded these updates, over the updates that both have recorded.

    `arrays` are the published ones, as far as they are at hand; where none is, the headline figures take their place (the
    last record's are left out if this run stops before it). `headline` is the run's row of summary.csv.
    """
    updates = published_updates(int(headline.records))
    _, mine, theirs = np.intersect1d(recorded, updates, return_indices=True)
    values = {name: array.values for name, array in arrays.items()}
    values = published(values, len(updates), int(headline.parameters))
    if values:
        return [Pair(name, name, mine, values[name][theirs]) for name in QUANTITIES if name in values]
    whole = len(mine) == len(updates)
    return [
        Pair(figure, name, mine[[record]], np.array([headline[figure]]))
        for figure, (name, record) in HEADLINES.items()
        if not pd.isna(headline[figure]) and (record == 0 or whole)
    ]


def missing(arrays: xr.Dataset, compared: list[Pair]) -> dict[str, str]:
    """Why the other quantities of a run cannot be compared: the attribute `unavailable` (JSON) of its arrays says it."""
    reasons = UNPUBLISHED | json.loads(arrays.attrs["unavailable"])
    found = {pair.name for pair in compared}
    return {name: reasons.get(DERIVED.get(name, name), "not published") for name in QUANTITIES if name not in found}


def published_columns(arrays: xr.Dataset, headline: pd.Series) -> pd.DataFrame:
    """The published quantities with one number a record, as far as at hand, and `update`: columns of indices.csv."""
    values = {name: array.values for name, array in arrays.items()}
    values = published(values, int(headline.records), int(headline.parameters))
    names = {"alpha": "alpha_published", "gamma": "gamma_published", "alpha_resolved": "alpha", "gamma_resolved": "gamma"}
    columns = {names.get(name, name): array for name, array in values.items() if array.ndim == 1}
    return pd.DataFrame({"update": published_updates(int(headline.records)), **columns})


def published_tables(
    indices: pd.DataFrame, runs: list[dict], paths: list[str], summary: str
) -> dict[tuple[str, str, str], pd.DataFrame]:
    """`published_columns` of the runs whose data are not a stand-in, by (dataset, architecture, activation).

    `indices` the joint table, `paths` the published arrays of `runs`, `summary` config/published/summary.csv.
    """
    headlines = pd.read_csv(summary).set_index(["experiment", "activation"])
    sources = indices.groupby(storage.RUN).source.first()
    result = {}
    for entry, path in zip(runs, paths, strict=True):
        run = entry["dataset"], entry["architecture"], entry["activation"]
        if sources[run] != storage.STAND_IN:
            result[run] = published_columns(storage.read(path), headlines.loc[f"{run[0]}_{run[1]}", run[2]])
    return result


def deviation(name: str, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Largest difference at each record, [update], for arrays [update, …]; relative to theirs' largest for RELATIVE ones."""
    axes = tuple(range(1, theirs.ndim))
    difference = np.abs(mine - theirs).max(axis=axes)
    if name in COUNTED:
        return difference.round(12)  # shares of whole numbers: the rest is the rounding of a division
    return difference / np.abs(theirs).max(axis=axes) if name in RELATIVE else difference
