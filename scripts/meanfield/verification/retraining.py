"""
Re-training a run from initial parameters moved by one unit in the last place: what rounding alone makes of it.

By TensorFlow's kernels, all members at once; `rank` says where the published run stands among them.
"""

from collections.abc import Callable, Iterable

import numpy as np
import xarray as xr

from meanfield.curvature import spectrum
from meanfield.data.task import problem
from meanfield.training.initial import initial_members
from meanfield.training.train import train

LARGE_EVERY = 8  # beyond spectrum.SMALL parameters, spectra are taken at every eighth record, and the last


def moved_by_one_unit(theta: np.ndarray, members: int) -> np.ndarray:
    """`members` copies of theta [P] in which every entry is moved to a neighbouring float64, at random: [members, P].

    Zeros move too, by one unit in the last place of the smallest non-zero entry; exact zeros would hide the rounding.
    """
    rng = np.random.default_rng(1)
    direction = rng.choice([-np.inf, np.inf], size=(members, theta.size))
    smallest = np.spacing(np.abs(theta[theta != 0]).min(initial=1.0))
    return np.where(theta == 0, np.sign(direction) * smallest, np.nextafter(theta, direction))


def members(
    dataset: xr.Dataset,
    architecture: str,
    activation: str,
    initial: dict,
    protocol: dict,
    number: int,
    progress: Callable[[Iterable, str], Iterable] = lambda items, unit: items,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Trajectory and spectra of `number` re-trainings of graph seed 1, by TensorFlow's kernels.

    `initial` and `protocol` are keyword arguments of `initial_members` and `train`. Beyond spectrum.SMALL parameters the
    spectra are those of every eighth record and the last, NaN at the others.
    """
    network, objective = problem(dataset, architecture, activation, protocol["averaging"])
    [published] = initial_members(network, [1], **initial)
    moved = moved_by_one_unit(published, number)
    trajectory = train(network, dataset, moved, seeds=range(1, number + 1), **protocol, progress=progress)
    records = trajectory.sizes["epoch"]
    every = range(records) if network.size <= spectrum.SMALL else sorted({*range(0, records, LARGE_EVERY), records - 1})
    chosen = trajectory.isel(epoch=list(every))
    spectra = spectrum.along_trajectory(chosen, network, objective, progress=progress)
    return trajectory, spectra.reindex(epoch=trajectory.epoch)


def spread(trajectory: xr.Dataset, spectra: xr.Dataset) -> xr.Dataset:
    """How far members lie from their mean: {quantity} [member, epoch], of what needs no Hessian; for the figure."""
    size = spectra.sizes["parameter"]
    values = {name: trajectory[name].values for name in ("cost", "train_accuracy", "test_accuracy", "residual")}
    values |= {"alpha": spectra.negative_published.values / size, "eigenvalues": spectra.eigenvalues.values}
    distances = {
        name: np.abs(array - array.mean(axis=0)).reshape(*array.shape[:2], -1).max(axis=-1) for name, array in values.items()
    }
    coords = {"member": trajectory.seed.values, "epoch": trajectory.epoch.values}
    return xr.Dataset({name: (("member", "epoch"), array) for name, array in distances.items()}, coords=coords)
