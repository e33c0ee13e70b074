"""
What a network decides, drawn in a plane: the features themselves where there are two, else their two principal components.

With more than two features the plane goes through the mean of the training samples; what the network decides is computed on
the plane itself, and samples are drawn where they project onto it.
"""

from typing import NamedTuple

import numpy as np
import scipy  # its subpackages are loaded where they are first used
import xarray as xr

from meanfield.data.task import part
from meanfield.errors import MeanfieldError
from meanfield.model.losses import REGRESSION
from meanfield.model.network import Network

MARGIN = 0.08  # of the samples' range, on each side
NO_CLASS = -1


class Plane(NamedTuple):
    """A plane in feature space, float64: origin [feature], orthonormal directions [2, feature]; names of its two axes.

    x and y [grid] are the coordinates of a grid that holds all samples.
    """

    origin: np.ndarray
    directions: np.ndarray
    names: tuple[str, str]
    x: np.ndarray
    y: np.ndarray

    def coordinates(self, features: np.ndarray) -> np.ndarray:
        """Where samples [sample, feature] project onto the plane: [sample, 2]."""
        return (features - self.origin) @ self.directions.T

    def features(self) -> np.ndarray:
        """The grid's points in feature space, [y·x, feature], x running fastest."""
        x, y = np.meshgrid(self.x, self.y)
        return self.origin + np.column_stack([x.ravel(), y.ravel()]) @ self.directions


def plane(dataset: xr.Dataset, points: int) -> Plane:
    """The plane of a dataset, with a grid of points × points. MeanfieldError if it has but one feature."""
    train, _ = part(dataset, "train")
    if train.shape[1] < 2:
        raise MeanfieldError("decisions are drawn in a plane; the dataset has one feature, at least two are needed")
    if train.shape[1] == 2:
        origin, directions, names = np.zeros(2), np.eye(2), ("feature 1", "feature 2")
    else:
        origin, names = train.mean(axis=0), ("principal component 1", "principal component 2")
        directions = np.linalg.svd(train - origin, full_matrices=False)[2][:2]
        directions *= np.sign(directions.sum(axis=1, keepdims=True))  # LAPACK leaves the sign open
    where = (dataset.features.values - origin) @ directions.T
    low, high = where.min(axis=0), where.max(axis=0)
    low, high = low - MARGIN * (high - low), high + MARGIN * (high - low)
    x, y = np.linspace(low, high, points).T
    return Plane(origin, directions, names, x, y)


def predictions(theta: np.ndarray, network: Network, features: np.ndarray, task: str) -> np.ndarray:
    """ŷ of each label, float64 [batch, sample, label], for parameters theta [batch, P] and features [sample, feature].

    Classification: the probability σ(z). Regression: z itself.
    """
    z = network.forward(network.unpack(theta), features)[-1].value
    return z if task == REGRESSION else scipy.special.expit(z)


def between_targets(values: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Values of a regression, of any shape, from 0 at the smallest target to 1 at the largest, clipped."""
    return np.clip((values - target.min()) / np.ptp(target), 0, 1)


def classes(probabilities: np.ndarray) -> np.ndarray:
    """The class decided for probabilities [..., label], int64 [...]: above ½ with one label, else the largest."""
    return (probabilities[..., 0] > 0.5).astype(int) if probabilities.shape[-1] == 1 else probabilities.argmax(axis=-1)


def true_classes(target: np.ndarray) -> np.ndarray:
    """The class of targets [..., label], int64 [...]; NO_CLASS where all of several labels are 0, as digit 0 in 2018."""
    return np.where((target.shape[-1] == 1) | target.any(axis=-1), classes(target), NO_CLASS)
