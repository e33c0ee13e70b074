"""What a dataset asks of a network: its task, its splits, its training and test samples, and the problem they pose."""

import numpy as np
import xarray as xr

from meanfield.model.losses import CLASSIFICATION, LOSS_OF, averaging
from meanfield.model.network import Network
from meanfield.model.propagation import Objective


def task_of(dataset: xr.Dataset) -> str:
    """The task of a dataset or of what was derived from it: classification, or regression."""
    return dataset.attrs.get("task", CLASSIFICATION)


def splits_of(dataset: xr.Dataset) -> list[int]:
    """The split seeds of a dataset with several splits, one for each member; else none."""
    return dataset.seed.values.tolist() if "seed" in dataset.dims else []


def part(dataset: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(features [sample, feature], target [sample, label]), float64, of the "train" or the "test" samples.

    Of a dataset with several splits [seed, sample, feature] and [seed, sample, label].
    """
    chosen = dataset.isel(sample=(dataset.split == name).values)
    return chosen.features.values, chosen.target.values


def problem(dataset: xr.Dataset, architecture: str, activation: str, precision: str) -> tuple[Network, Objective]:
    """The network and the loss of the dataset's task over its training samples, averaged in `precision`."""
    features, target = part(dataset, "train")
    network = Network.of(architecture, activation, features.shape[1], target.shape[1])
    return network, Objective(LOSS_OF[task_of(dataset)], features, target, averaging(*target.shape, precision))
