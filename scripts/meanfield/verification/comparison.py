"""
Our numbers against the published ones, quantity by quantity: a verdict on each, with the tolerance it rests on.
"""

import json

import numpy as np
import pandas as pd
import xarray as xr

from meanfield.curvature import spectrum
from meanfield.data import storage
from meanfield.errors import MeanfieldError
from meanfield.model.network import Network
from meanfield.model.propagation import Objective
from meanfield.training.schedule import published_updates
from meanfield.verification.tolerances import (
    COUNTED,
    ENVELOPE,
    FLOAT32,
    QUANTITIES,
    RELATIVE,
    SOLVER,
    averaging_noise,
    bounds_of,
    deviation,
    quantities,
    solver_noise,
)

IDENTICAL = "identical"
DIFFERS, NOT_COMPARABLE, NOT_AVAILABLE = "differs", "not comparable (stand-in data)", "not available"
VERDICTS = (IDENTICAL, FLOAT32, ENVELOPE, SOLVER, DIFFERS, NOT_COMPARABLE, NOT_AVAILABLE)

COLUMNS = ["quantity", "records", "worst", "tolerance", "tolerance_from", "verdict"]

ORIGINS = {
    IDENTICAL: "none needed",
    FLOAT32: "a unit of float32, or the order of summation",
    ENVELOPE: "re-training from parameters moved by one unit",
    SOLVER: "eigenvalues that no solver resolves from 0",
}
"""Where the tolerance behind a verdict comes from."""

DERIVED = {"train_accuracy": "accuracy", "test_accuracy": "accuracy", "zero_residuals": "residual"}
"""Quantities that come from a published array of another name."""

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


def published_quantities(arrays: dict[str, np.ndarray], records: int, parameters: int) -> dict[str, np.ndarray]:
    """The published arrays of a run under our names, [epoch, …]. MeanfieldError for an array of unexpected shape."""
    shapes = {
        "cost": (records,),
        "accuracy": (2, records),
        "alpha": (records,),
        "gamma": (records,),
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
        result["zero_residuals"] = spectrum.zero_residuals(arrays["residual"])
    if "eigenvalues" in arrays:
        result["eigenvalues"] = np.sort(arrays["eigenvalues"], axis=-1)
    return result


def published_columns(published: xr.Dataset, headline: pd.Series) -> pd.DataFrame:
    """The published quantities with one number a record, as far as they are at hand, and `epoch`; columns of indices.csv."""
    arrays = {name: array.values for name, array in published.items()}
    quantities = published_quantities(arrays, int(headline.records), int(headline.parameters))
    names = {"alpha": "alpha_published", "gamma": "gamma_published"}
    columns = {names.get(name, name): array for name, array in quantities.items() if array.ndim == 1}
    return pd.DataFrame({"epoch": published_updates(int(headline.records)), **columns})


def published_tables(
    indices: pd.DataFrame, runs: list[dict], paths: list[str], summary: str
) -> dict[tuple[str, str, str], pd.DataFrame]:
    """`published_columns` of the runs whose data are not a stand-in, by (dataset, architecture, activation).

    `indices` the joint table, `paths` the published arrays of `runs`, `summary` config/published/summary.csv.
    """
    headlines = pd.read_csv(summary).set_index(["experiment", "activation"])
    sources = indices.groupby(["dataset", "architecture", "activation"]).source.first()
    result = {}
    for entry, path in zip(runs, paths, strict=True):
        run = entry["dataset"], entry["architecture"], entry["activation"]
        if sources[run] != storage.STAND_IN:
            result[run] = published_columns(storage.read(path), headlines.loc[f"{run[0]}_{run[1]}", run[2]])
    return result


def judge(name: str, difference: np.ndarray, theirs: np.ndarray, bounds: dict[str, np.ndarray]) -> dict:
    """One row of verdicts for the deviations [epoch] of a quantity; `bounds` the measured tolerances [epoch] of each kind.

    Every record must keep to its own tolerance. Tried in this order, each on top of the ones before: float32 rounding (at
    least one unit in the last place of the record's largest value, nothing for counts), the envelope, the solver noise; for
    α, where the solver is the likelier cause, the solver noise before the envelope. NaN differs.
    """
    largest = np.abs(theirs).reshape(len(theirs), -1).max(axis=1)
    unit = np.spacing(np.float32(np.ones_like(largest) if name in RELATIVE else largest)).astype(float)
    tolerance = np.zeros(len(difference)) if name in COUNTED else np.maximum(unit, bounds.get(FLOAT32, 0.0))
    order = (SOLVER, ENVELOPE) if name == "alpha" else (ENVELOPE, SOLVER)
    steps = [(IDENTICAL, np.zeros(len(difference))), (FLOAT32, tolerance)]
    for kind in order:
        if kind in bounds:
            tolerance = np.maximum(tolerance, bounds[kind])
            steps.append((kind, tolerance))
    verdict, tolerance = next(((kind, t) for kind, t in steps if (difference <= t).all()), (DIFFERS, tolerance))
    record = int(
        np.argmax(np.where(np.isnan(difference), np.inf, difference - tolerance if verdict == DIFFERS else difference))
    )
    row = (
        name,
        len(difference),
        float(difference[record]),
        float(tolerance[record]),
        ORIGINS.get(verdict, "all of them"),
        verdict,
    )
    return dict(zip(COLUMNS, row, strict=True))


def unjudged(name: str, verdict: str, reason: str = "") -> dict:
    """A row for a quantity that cannot be compared, with the reason in place of the tolerance's origin."""
    return dict(zip(COLUMNS, (name, 0, np.nan, np.nan, reason, verdict), strict=True))


def compare(ours: dict, theirs: dict, noise: dict[str, xr.Dataset], missing: dict[str, str] | None = None) -> list[dict]:
    """Verdict rows of all quantities of one run; ours and theirs [epoch, …] over the same records.

    `noise` holds the measured deviations, […, epoch] by quantity, of each of FLOAT32, ENVELOPE and SOLVER; `missing` says
    why a quantity that was published could not be had.
    """
    rows, missing = [], missing or {}
    for name in QUANTITIES:
        if name not in theirs:
            rows.append(unjudged(name, NOT_AVAILABLE, missing.get(name, "not published")))
            continue
        mine, published = ours[name], theirs[name]
        if mine.shape != published.shape:
            raise MeanfieldError(f"{name} has shape {mine.shape} here and {published.shape} in the publication")
        rows.append(judge(name, deviation(name, mine, published), published, bounds_of(name, mine, published, noise)))
    return rows


def compare_headlines(ours: dict, headline: pd.Series, noise: dict[str, xr.Dataset]) -> list[dict]:
    """Verdict rows of the headline figures of one run (a row of config/published/summary.csv), where arrays are missing.

    The tolerance is the one at the figure's record. The last record's figures are left out if this run stops before it.
    """
    rows = []
    whole = len(ours["cost"]) == headline.records
    for figure, (name, record) in HEADLINES.items():
        if pd.isna(headline[figure]) or (record == -1 and not whole):
            continue
        published = np.full_like(ours[name], headline[figure])
        bounds = {kind: values[[record]] for kind, values in bounds_of(name, ours[name], published, noise).items()}
        theirs, mine = published[[record]], ours[name][[record]]
        rows.append(judge(name, deviation(name, mine, theirs), theirs, bounds) | {"quantity": figure})
    return rows


def stand_in_rows() -> list[dict]:
    """The rows of a run whose data are a stand-in."""
    return [unjudged(name, NOT_COMPARABLE) for name in QUANTITIES]


def run_rows(
    trajectory: xr.Dataset,
    spectra: xr.Dataset,
    rounding: xr.Dataset,
    published: xr.Dataset,
    headline: pd.Series,
    network: Network,
    objective: Objective,
) -> tuple[list[dict], dict[str, xr.Dataset]]:
    """Verdict rows of one run, and the tolerances that were measured for them.

    `trajectory` and `spectra` of the published seed alone, `rounding` its envelope, `published` its arrays, as far as they
    can be had (the attribute `unavailable` gives the reasons for the others, in JSON), `headline` its row of summary.csv.
    Compared are the updates that both have recorded.
    """
    _, mine, records = np.intersect1d(trajectory.epoch, published_updates(int(headline.records)), return_indices=True)
    trajectory, spectra, rounding = (values.isel(epoch=mine) for values in (trajectory, spectra, rounding))
    ours = {name: array[0] for name, array in quantities(trajectory, spectra, network, objective).items()}
    arrays = {name: array.values for name, array in published.items()}
    theirs = published_quantities(arrays, int(headline.records), int(headline.parameters))
    theirs = {name: array[records] for name, array in theirs.items()}
    noise = {FLOAT32: averaging_noise(trajectory.parameters.values[0], network, objective), ENVELOPE: rounding}
    hessians = theirs.get("hessians", ours.get("hessians"))
    if hessians is not None:
        noise[SOLVER] = solver_noise(hessians)
    reasons = json.loads(published.attrs["unavailable"])
    for derived, source in DERIVED.items():
        reasons |= {derived: reasons[source]} if source in reasons else {}
    rows = compare(ours, theirs, noise, reasons)
    return rows if theirs else rows + compare_headlines(ours, headline, noise), noise


def table(run: str, rows: list[dict]) -> pd.DataFrame:
    """The rows of one run as a table, its name first."""
    result = pd.DataFrame(rows, columns=COLUMNS)
    result.insert(0, "run", run)
    return result
