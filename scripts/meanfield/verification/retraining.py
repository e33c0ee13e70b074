"""
Re-training a run with rounding at random: what the order of summation and the last bit, and nothing else, make of it.

Each member adds its samples in an order of its own, starts from parameters moved by one unit in the last place, and moves
them again, or not, after every update: random rounding, as in Monte Carlo arithmetic (Parker 1997; Vignes 2004, Numer.
Algorithms 37:377). Moving the start alone is not enough: the members then share every rounding that the publication does not
share. By TensorFlow's kernels, all members at once; `rank` says where the published run stands among them.
"""

from collections.abc import Callable, Iterable

import numpy as np
import xarray as xr

from meanfield.curvature import eigen, hessian, spectrum
from meanfield.data.task import problem, scores_in
from meanfield.model.network import Network
from meanfield.model.propagation import Objective
from meanfield.training.initial import initial_members
from meanfield.training.train import train

LARGE_EVERY = 27  # beyond spectrum.SMALL parameters, spectra are taken at every 27th record, and the last


def moved_by_one_unit(theta: np.ndarray, members: int) -> np.ndarray:
    """`members` copies of theta [P] in which every entry is moved to a neighbouring float64, at random: [members, P].

    Zeros move too, by one unit in the last place of the smallest non-zero entry; exact zeros would hide the rounding.
    """
    rng = np.random.default_rng(1)
    direction = rng.choice([-np.inf, np.inf], size=(members, theta.size))
    smallest = np.spacing(np.abs(theta[theta != 0]).min(initial=1.0))
    return np.where(theta == 0, np.sign(direction) * smallest, np.nextafter(theta, direction))


def _orders(dataset: xr.Dataset, number: int) -> xr.DataArray:
    """Orders of a dataset's samples [seed, sample] in which the training samples, which come first, are shuffled."""
    rng, training = np.random.default_rng(2), int((dataset.split == "train").sum())
    rest = np.arange(training, dataset.sizes["sample"])
    return xr.DataArray([np.append(rng.permutation(training), rest) for _ in range(number)], dims=("seed", "sample"))


def members(
    dataset: xr.Dataset,
    architecture: str,
    activation: str,
    initial: dict,
    protocol: dict,
    number: int,
    progress: Callable[[Iterable, str], Iterable] = lambda items, unit: items,
) -> tuple[xr.Dataset, np.ndarray, np.ndarray]:
    """Trajectory, eigenvalues [member, update, P] and zero rows [member, update] of `number` re-trainings of graph seed 1.

    `initial` and `protocol` are keyword arguments of `initial_members` and `train`. Samples are in the
    dataset's order. Beyond spectrum.SMALL parameters spectra are those of every 27th record and the last, NaN at the others.
    """
    network, objective = problem(dataset, architecture, activation, protocol["averaging"])
    [published] = initial_members(network, [1], **initial)
    names, orders = range(1, number + 1), _orders(dataset, number)
    shuffled = dataset.isel(sample=orders).assign_coords(seed=names).assign(split=dataset.split)
    draw = moved_by_one_unit(published, number)
    trajectory = train(network, shuffled, draw, seeds=names, **protocol, random_rounding=True, progress=progress)
    back = xr.DataArray(orders.values[:, : trajectory.sizes["sample"]].argsort(axis=1), dims=("seed", "sample"))
    trajectory["residual"] = trajectory.residual.isel(sample=back)
    eigenvalues, zero_rows = _spectra(trajectory.parameters.values, network, objective, progress)
    return trajectory, eigenvalues, zero_rows


def _spectra(
    parameters: np.ndarray, network: Network, objective: Objective, progress: Callable[[Iterable, str], Iterable]
) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and numbers of zero rows of parameters [member, update, P], NaN at records that are left out."""
    records, large = range(parameters.shape[1]), network.size > spectrum.SMALL
    chosen = sorted({*records[::LARGE_EVERY], records[-1]}) if large else records
    eigenvalues, zero_rows = np.full(parameters.shape, np.nan), np.full(parameters.shape[:2], np.nan)
    for record in progress(chosen, "spectrum"):
        for members_of_block in np.array_split(np.arange(len(parameters)), len(parameters) if large else 1):
            finite = np.isfinite(parameters[members_of_block, record]).all(axis=-1)
            block = members_of_block[finite]  # one that diverged has no spectrum
            if not block.size:
                continue
            matrices = hessian.hessian(parameters[block, record], network, objective)
            zero = eigen.zero_rows(matrices)
            eigenvalues[block, record] = eigen.eigenvalues(matrices, zero)
            zero_rows[block, record] = zero.sum(axis=-1)
    return eigenvalues, zero_rows


def spread(trajectory: xr.Dataset, eigenvalues: np.ndarray, zero_rows: np.ndarray) -> xr.Dataset:
    """How far members lie from their mean: {quantity} [member, update], of what needs no Hessian; for the figure."""
    scores = [f"{part}_{score}" for score in scores_in(trajectory) for part in ("train", "test")]
    values = {name: trajectory[name].values for name in ("cost", *scores, "residual")}
    values |= {"gamma": zero_rows / eigenvalues.shape[-1], "eigenvalues": eigenvalues}
    distances = {
        name: np.abs(array - array.mean(axis=0)).reshape(*array.shape[:2], -1).max(axis=-1) for name, array in values.items()
    }
    coords = {"member": trajectory.seed.values, "update": trajectory["update"].values}
    dims, said = ("member", "update"), "largest distance from the mean over the members: "
    variables = {name: (dims, array, {"long_name": said + name, "units": "1"}) for name, array in distances.items()}
    return xr.Dataset(variables, coords=coords)
