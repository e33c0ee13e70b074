"""
Our numbers against the published ones: deviations, measured tolerances, verdicts.

A tolerance is never chosen. It is one unit of float32, in which the original averaged; or the rounding envelope, by which
re-training from initial parameters moved by one unit in the last place changes a quantity; or the solver noise, by which
eigenvalues of one and the same Hessian depend on the solver.
"""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
import xarray as xr

from meanfield import hessian, spectrum
from meanfield.errors import MeanfieldError
from meanfield.network import Network
from meanfield.propagation import Objective

IDENTICAL, FLOAT32, ENVELOPE, SOLVER = (
    "identical",
    "within float32 rounding",
    "within the rounding envelope",
    "within solver noise",
)
DIFFERS, NOT_COMPARABLE, NOT_AVAILABLE = "differs", "not comparable (stand-in data)", "not available"
VERDICTS = (IDENTICAL, FLOAT32, ENVELOPE, SOLVER, DIFFERS, NOT_COMPARABLE, NOT_AVAILABLE)

COUNTED = ("zero_residuals", "alpha", "gamma")  # shares of a count: no float32 rounding
RELATIVE = ("eigenvalues", "hessians")  # compared relative to the largest eigenvalue or entry of the record
QUANTITIES = ("cost", "train_accuracy", "test_accuracy", "zero_residuals", "residual", "alpha", "gamma", *RELATIVE)
LARGE_EVERY = 8  # beyond spectrum.SMALL parameters, spectra of just the first member are taken, at every eighth record
COLUMNS = ["quantity", "records", "worst", "tolerance", "tolerance_from", "verdict"]

KINDS = {FLOAT32: "float32", ENVELOPE: "envelope", SOLVER: "solver"}

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


def quantities(trajectory: xr.Dataset, spectra: xr.Dataset, network: Network, objective: Objective) -> dict[str, np.ndarray]:
    """What is compared, of every seed (or member): arrays [seed, epoch, …], by the names in QUANTITIES.

    α and γ in the published sense. Hessians only up to spectrum.SMALL parameters, as far as the publication has them.
    """
    result = {name: trajectory[name].values for name in ("cost", "train_accuracy", "test_accuracy", "residual")}
    result["zero_residuals"] = (np.abs(result["residual"]) <= spectrum.ZERO_RESIDUAL).mean(axis=(-2, -1))
    result["alpha"] = spectra.negative_published.values / network.size
    result["gamma"] = spectra.zero_rows.values / network.size
    result["eigenvalues"] = spectra.eigenvalues.values
    if network.size <= spectrum.SMALL:
        result["hessians"] = hessian.hessian(trajectory.parameters.values, network, objective)
    return result


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
        result["zero_residuals"] = (np.abs(arrays["residual"]) <= spectrum.ZERO_RESIDUAL).mean(axis=(-2, -1))
    if "eigenvalues" in arrays:
        result["eigenvalues"] = np.sort(arrays["eigenvalues"], axis=-1)
    return result


def deviation(name: str, ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Largest difference at each record, [epoch], for arrays [epoch, …]; relative to theirs' largest for RELATIVE ones."""
    axes = tuple(range(1, theirs.ndim))
    difference = np.abs(ours - theirs).max(axis=axes)
    if name in COUNTED:
        return difference.round(12)  # shares of whole numbers: the rest is the rounding of a division
    return difference / np.abs(theirs).max(axis=axes) if name in RELATIVE else difference


def moved_by_one_unit(theta: np.ndarray, members: int) -> np.ndarray:
    """theta [P] and `members` copies in which every entry is moved to a neighbouring float64, at random: [1 + members, P].

    Zeros move too, by one unit in the last place of the smallest non-zero entry; exact zeros would hide the rounding.
    """
    rng = np.random.default_rng(1)
    direction = rng.choice([-np.inf, np.inf], size=(members, theta.size))
    moved = np.nextafter(theta, direction)
    smallest = np.spacing(np.abs(theta[theta != 0]).min(initial=1.0))
    moved = np.where(theta == 0, np.sign(direction) * smallest, moved)
    return np.vstack([theta, moved])


def envelope(
    trajectory: xr.Dataset,
    network: Network,
    objective: Objective,
    progress: Callable[[Iterable, str], Iterable] = lambda items, unit: items,
) -> xr.Dataset:
    """Rounding envelope: deviation of each moved member (seed 1, 2, …) from the unmoved one (seed 0), [member, epoch].

    Beyond spectrum.SMALL parameters the spectral quantities are NaN but for the first member at every eighth record.
    """
    epochs, members = trajectory.epoch.values, trajectory.seed.values[1:]
    whole = network.size <= spectrum.SMALL
    chosen = trajectory if whole else trajectory.isel(seed=[0, 1], epoch=slice(None, None, LARGE_EVERY))
    spectra = spectrum.along_trajectory(chosen, network, objective, progress=progress)
    values = quantities(chosen, spectra, network, objective)
    residual = trajectory.residual.values
    values |= {name: trajectory[name].values for name in ("cost", "train_accuracy", "test_accuracy", "residual")}
    values["zero_residuals"] = (np.abs(residual) <= spectrum.ZERO_RESIDUAL).mean(axis=(-2, -1))
    result = {}
    for name, array in values.items():
        full = np.full((len(members), len(epochs)), np.nan)
        step = 1 if array.shape[1] == len(epochs) else LARGE_EVERY
        for member in range(1, len(array)):
            full[member - 1, ::step] = deviation(name, array[member], array[0])
        result[name] = (("member", "epoch"), full)
    return xr.Dataset(result, coords={"member": members, "epoch": epochs})


def solver_noise(hessians: np.ndarray, alpha: np.ndarray) -> xr.Dataset:
    """How α [epoch] and the eigenvalues of Hessians [epoch, P, P] depend on the solver: alpha, eigenvalues [epoch].

    Solvers: the general one, as in the original, and the symmetric one, each on the matrix, its transpose, and the matrix
    with its parameters in reverse order; exactly zero rows are removed first. α is compared with the given one, eigenvalues
    with the symmetric solver's, relative to the largest.
    """
    alphas, shifts = [], []
    for matrix, given in zip(hessians, alpha, strict=True):
        kept = spectrum.without(matrix, spectrum.zero_rows(matrix))
        variants = (kept, kept.T, kept[::-1, ::-1])
        solved = [np.sort(solve(v).real) for solve in (np.linalg.eigvalsh, np.linalg.eigvals) for v in variants]
        alphas.append(max(abs((values < 0).sum() / len(matrix) - given).round(12) for values in solved))
        shifts.append(max(np.abs(values - solved[0]).max() for values in solved) / np.abs(solved[0]).max())
    return xr.Dataset({"alpha": ("epoch", np.array(alphas)), "eigenvalues": ("epoch", np.array(shifts))})


def averaging_noise(parameters: np.ndarray, network: Network, objective: Objective, orders: int = 8) -> xr.Dataset:
    """How the cost depends on the order in which float32 losses are summed, at parameters [epoch, P]: cost [epoch].

    The largest deviation from the exact mean, over random orders of a plain running sum; twice, since the published mean
    and ours may deviate to either side.
    """
    rng = np.random.default_rng(1)
    result = []
    for theta in parameters:
        z = network.forward(network.unpack(theta), objective.features)[-1].value
        losses = objective.loss.value(z, objective.target).astype(np.float32).ravel()
        exact = losses.mean(dtype=float)
        sums = [np.cumsum(rng.permutation(losses), dtype=np.float32)[-1] for _ in range(orders)]
        result.append(2 * np.abs(np.array(sums) / np.float32(losses.size) - exact).max())
    return xr.Dataset({"cost": ("epoch", np.array(result))})


def judge(name: str, difference: np.ndarray, theirs: np.ndarray, bounds: dict[str, float]) -> dict:
    """One row of verdicts for the deviations [epoch] of a quantity; `bounds` the measured tolerances that apply to it.

    Tried in this order: float32 rounding (at least one unit in the last place of the largest value, nothing for counts),
    the envelope, the solver noise; for α, where the solver is the likelier cause, the solver noise first.
    """
    worst = float(np.max(difference))
    unit = 0.0 if name in COUNTED else float(np.spacing(np.float32(1.0 if name in RELATIVE else np.abs(theirs).max())))
    order = (SOLVER, ENVELOPE) if name == "alpha" else (ENVELOPE, SOLVER)
    tolerances = {IDENTICAL: 0.0, FLOAT32: max(unit, bounds.get(FLOAT32, 0.0))}
    tolerances |= {bound: bounds[bound] for bound in order if bound in bounds}
    verdict = next((bound for bound, tolerance in tolerances.items() if worst <= tolerance), DIFFERS)
    decisive = verdict if verdict != DIFFERS else max(tolerances, key=tolerances.get)
    row = (name, len(difference), worst, tolerances[decisive], decisive, verdict)
    return dict(zip(COLUMNS, row, strict=True))


def unjudged(name: str, verdict: str, reason: str = "") -> dict:
    """A row for a quantity that cannot be compared, with the reason in place of the tolerance's origin."""
    return dict(zip(COLUMNS, (name, 0, np.nan, np.nan, reason, verdict), strict=True))


def measured_noise(noise: dict[str, xr.Dataset]) -> xr.Dataset:
    """All tolerances of a run in one dataset: {quantity}_{kind} [epoch], kinds as in KINDS; of the envelope the largest."""
    epoch = noise[ENVELOPE].epoch if noise else []
    return xr.Dataset(
        {
            f"{name}_{kind}": ("epoch", (values.max("member") if "member" in values.dims else values).values)
            for key, kind in KINDS.items()
            for name, values in noise.get(key, xr.Dataset()).items()
        },
        coords={"epoch": epoch},
    )


def compare(ours: dict, theirs: dict, noise: dict[str, xr.Dataset]) -> list[dict]:
    """Verdict rows of all quantities of one run; ours and theirs [epoch, …] over the same records.

    `noise` holds the measured deviations, […, epoch] by quantity, of each of FLOAT32, ENVELOPE and SOLVER.
    """
    rows = []
    for name in QUANTITIES:
        if name not in theirs:
            rows.append(unjudged(name, NOT_AVAILABLE, "not published"))
            continue
        mine, published = ours[name], theirs[name]
        if mine.shape != published.shape:
            raise MeanfieldError(f"{name} has shape {mine.shape} here and {published.shape} in the publication")
        bounds = {kind: float(measured[name].max()) for kind, measured in noise.items() if name in measured}
        rows.append(judge(name, deviation(name, mine, published), published, bounds))
    return rows


def compare_headlines(ours: dict, headline: pd.Series, noise: dict[str, xr.Dataset]) -> list[dict]:
    """Verdict rows of the headline figures of one run (a row of config/published/summary.csv), where arrays are missing.

    The tolerance is the one measured at the figure's record, or, where none was measured there, over all records. The last
    record's figures are left out if this run stops before it.
    """
    rows = []
    whole = len(ours["cost"]) == headline.records
    for figure, (name, record) in HEADLINES.items():
        if pd.isna(headline[figure]) or (record == -1 and not whole):
            continue
        theirs, mine = np.array([headline[figure]]), ours[name][[record]]
        bounds = {}
        for kind, measured in noise.items():
            if name in measured:
                there, anywhere = measured[name].isel(epoch=record), measured[name]
                bounds[kind] = float((there if there.notnull().any() else anywhere).max())
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

    `trajectory` and `spectra` of the published seed alone, `rounding` its envelope, `published` its arrays (none, with the
    reason in the attribute `unavailable`, where they cannot be had), `headline` its row of config/published/summary.csv.
    Compared are the records that this run and the published one share.
    """
    records = slice(min(int(headline.records), trajectory.sizes["epoch"]))
    trajectory, spectra, rounding = (values.isel(epoch=records) for values in (trajectory, spectra, rounding))
    ours = {name: array[0] for name, array in quantities(trajectory, spectra, network, objective).items()}
    arrays = {name: array.values for name, array in published.items()}
    theirs = published_quantities(arrays, int(headline.records), int(headline.parameters))
    theirs = {name: array[records] for name, array in theirs.items()}
    noise = {FLOAT32: averaging_noise(trajectory.parameters.values[0], network, objective), ENVELOPE: rounding}
    hessians = theirs.get("hessians", ours.get("hessians"))
    if hessians is not None:
        noise[SOLVER] = solver_noise(hessians, theirs.get("alpha", ours["alpha"]))
    if theirs:
        return compare(ours, theirs, noise), noise
    rows = [unjudged(name, NOT_AVAILABLE, published.attrs["unavailable"]) for name in QUANTITIES]
    return rows + compare_headlines(ours, headline, noise), noise


def table(run: str, rows: list[dict]) -> pd.DataFrame:
    """The rows of one run as a table, its name first."""
    result = pd.DataFrame(rows, columns=COLUMNS)
    result.insert(0, "run", run)
    return result
