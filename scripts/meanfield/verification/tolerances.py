"""
What is compared with the publication, and the measured tolerances for it.

A tolerance is never chosen. It is the rounding of float32, in which the original averaged; or the rounding envelope, by
which re-training from initial parameters moved by one unit in the last place changes a quantity; or the solver noise, which
no solver resolves in one and the same Hessian.
"""

from collections.abc import Callable, Iterable

import numpy as np
import xarray as xr

from meanfield.curvature import hessian, spectrum
from meanfield.model.network import Network
from meanfield.model.propagation import Objective

FLOAT32, ENVELOPE, SOLVER = "within float32 rounding", "within the rounding envelope", "within solver noise"
KINDS = {FLOAT32: "float32", ENVELOPE: "envelope", SOLVER: "solver"}

COUNTED = ("zero_residuals", "alpha", "gamma")  # shares of a count: no float32 rounding
RELATIVE = ("eigenvalues", "hessians")  # compared relative to the largest eigenvalue or entry of the record
QUANTITIES = ("cost", "train_accuracy", "test_accuracy", "zero_residuals", "residual", "alpha", "gamma", *RELATIVE)
LARGE_EVERY = 8  # beyond spectrum.SMALL parameters, spectra of just the first member are taken, at every eighth record


def quantities(trajectory: xr.Dataset, spectra: xr.Dataset, network: Network, objective: Objective) -> dict[str, np.ndarray]:
    """What is compared, of every seed (or member): arrays [seed, epoch, …], by the names in QUANTITIES.

    α and γ in the published sense. Hessians only up to spectrum.SMALL parameters, as far as the publication has them.
    """
    result = _of_trajectory(trajectory)
    result["alpha"] = spectra.negative_published.values / network.size
    result["gamma"] = spectra.zero_rows.values / network.size
    result["eigenvalues"] = spectra.eigenvalues.values
    if network.size <= spectrum.SMALL:
        result["hessians"] = hessian.hessian(trajectory.parameters.values, network, objective)
    return result


def _of_trajectory(trajectory: xr.Dataset) -> dict[str, np.ndarray]:
    """The quantities that need no spectrum."""
    result = {name: trajectory[name].values for name in ("cost", "train_accuracy", "test_accuracy", "residual")}
    result["zero_residuals"] = spectrum.zero_residuals(result["residual"])
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
    values |= _of_trajectory(trajectory)
    result = {}
    for name, array in values.items():
        full = np.full((len(members), len(epochs)), np.nan)
        step = 1 if array.shape[1] == len(epochs) else LARGE_EVERY
        for member in range(1, len(array)):
            full[member - 1, ::step] = deviation(name, array[member], array[0])
        result[name] = (("member", "epoch"), full)
    return xr.Dataset(result, coords={"member": members, "epoch": epochs})


def solver_noise(hessians: np.ndarray) -> xr.Dataset:
    """What a solver may make of Hessians [epoch, P, P]: alpha_low and alpha_high, the ends of α, and eigenvalues [epoch].

    Exactly zero rows are removed first. Any solver must count the eigenvalues below −τ as negative and may count those
    within ±τ, which it cannot resolve. Eigenvalues: the largest difference between the general solver, as in the original,
    and the symmetric one, on the matrix and on its transpose, relative to the largest eigenvalue.
    """
    rows = []
    for matrix in hessians:
        kept = spectrum.without(matrix, spectrum.zero_rows(matrix))
        values = np.linalg.eigvalsh(kept)
        largest = np.abs(values).max()
        tau = spectrum.tolerance(len(matrix), largest)
        others = [np.sort(np.linalg.eigvals(variant).real) for variant in (kept, kept.T)]
        shift = max(np.abs(other - values).max() for other in others) / largest
        rows.append(((values < -tau).sum() / len(matrix), (values <= tau).sum() / len(matrix), shift))
    names = ("alpha_low", "alpha_high", "eigenvalues")
    return xr.Dataset(
        {name: ("epoch", np.array(values)) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
    )


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


def bounds_of(name: str, mine: np.ndarray, theirs: np.ndarray, noise: dict[str, xr.Dataset]) -> dict[str, np.ndarray]:
    """The measured tolerances of a quantity at each record, [epoch], by kind; mine and theirs [epoch, …].

    Rounding errors grow along training and members are few: the envelope is the running maximum over records and members.
    The solver's interval of α is not symmetric about ours: the tolerance is that on the side where theirs lies.
    """
    bounds = {kind: np.asarray(measured[name]) for kind, measured in noise.items() if name in measured}
    if ENVELOPE in bounds:
        bounds[ENVELOPE] = np.maximum.accumulate(np.nan_to_num(bounds[ENVELOPE]).max(axis=0))
    if name == "alpha" and SOLVER in noise:
        low, high = noise[SOLVER].alpha_low.values, noise[SOLVER].alpha_high.values
        inside = (mine >= low - 1e-12) & (mine <= high + 1e-12)
        bounds[SOLVER] = np.where(inside, np.where(theirs > mine, high - mine, mine - low), 0.0).round(12)
    return bounds
