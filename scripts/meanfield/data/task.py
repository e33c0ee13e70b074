"""What a dataset asks of a network: its task, its splits, its training and test samples, and the problem they pose."""

import numpy as np
import xarray as xr

from meanfield.model.losses import CLASSIFICATION, LOSS_OF, Loss, loss
from meanfield.model.network import Network
from meanfield.model.propagation import Objective


def task_of(dataset: xr.Dataset) -> str:
    """The task of a dataset or of what was derived from it: classification, or regression."""
    return dataset.attrs.get("task", CLASSIFICATION)


def loss_of(dataset: xr.Dataset) -> Loss:
    """The loss that a dataset asks for, by its attribute `loss` or else by its task."""
    return loss(dataset.attrs["loss"]) if "loss" in dataset.attrs else LOSS_OF[task_of(dataset)]


def splits_of(dataset: xr.Dataset) -> list[int]:
    """The split seeds of a dataset with several splits, one for each member; else none."""
    return dataset.seed.values.tolist() if "seed" in dataset.dims else []


def part(dataset: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(features [sample, feature], target [sample, label]), float64, of the "train" or the "test" samples.

    Of a dataset with several splits [seed, sample, feature] and [seed, sample, label].
    """
    chosen = dataset.isel(sample=(dataset.split == name).values)
    return chosen.features.values, chosen.target.values


def problem(
    dataset: xr.Dataset, architecture: str, activation: str, precision: str, l2: float = 0.0
) -> tuple[Network, Objective]:
    """The network and what it minimises: the dataset's loss over its training samples, averaged in `precision`, and l2."""
    features, target = part(dataset, "train")
    network = Network.of(architecture, activation, features.shape[1], target.shape[1])
    chosen = loss_of(dataset)
    return network, Objective(chosen, features, target, chosen.averaging(*target.shape, precision), l2)
