"""
What a network decides, drawn in a plane: the features themselves where there are two, else their two principal components.

With more than two features the plane goes through the mean of the training samples; what the network decides is computed on
the plane itself, and samples are drawn where they project onto it. Two features that were scaled are drawn in the units of
their file, principal components are those of the scaled features.
"""

from typing import NamedTuple

import numpy as np
import xarray as xr

from meanfield.data.task import (
    class_names,
    classes,
    feature_names,
    is_shifted,
    label_names,
    loss_of,
    original,
    part,
    task_of,
)
from meanfield.errors import MeanfieldError
from meanfield.model.losses import REGRESSION
from meanfield.model.network import Network

MARGIN = 0.08  # of the samples' range, on each side
NO_CLASS = -1
MOST = 3000  # samples that a picture shows
NAMED = 2  # features that a principal component is described by


class Plane(NamedTuple):
    """A plane in feature space, float64: origin [feature], directions [2, feature]; names of its two axes.

    onto [feature, 2] takes features to coordinates: the directions' transpose if they are orthonormal. x and y [grid] are
    the coordinates of a grid that holds all samples.
    """

    origin: np.ndarray
    directions: np.ndarray
    onto: np.ndarray
    names: tuple[str, str]
    x: np.ndarray
    y: np.ndarray

    def coordinates(self, features: np.ndarray) -> np.ndarray:
        """Where samples [sample, feature] project onto the plane: [sample, 2]."""
        return (features - self.origin) @ self.onto

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
        mean, deviation = original(dataset, "features")
        origin, directions, onto = 0 - mean / deviation, np.diag(1 / deviation), np.diag(deviation)
        names = tuple(map(shorten, feature_names(dataset)))
    else:
        origin = train.mean(axis=0)
        centred = train - origin
        directions = np.linalg.eigh(centred.T @ centred)[1].T[:-3:-1].copy()
        directions *= np.sign(directions.sum(axis=1, keepdims=True))  # LAPACK leaves the sign open
        names, onto = _components(directions, dataset), directions.T
    where = (dataset.features.values - origin) @ onto
    low, high = where.min(axis=0), where.max(axis=0)
    low, high = low - MARGIN * (high - low), high + MARGIN * (high - low)
    x, y = np.linspace(low, high, points).T
    return Plane(origin, directions, onto, names, x, y)


def _components(directions: np.ndarray, dataset: xr.Dataset) -> tuple[str, str]:
    """Names of principal components [2, feature]; where features have names, the largest weights on lines below."""
    names, scaled = [], " (scaled)" if "features_mean" in dataset else ""
    for number, weights in enumerate(directions, start=1):
        name = f"principal component {number}{scaled}"
        if "feature" in dataset.coords:
            largest = np.argsort(-np.abs(weights), kind="stable")[:NAMED]
            shares = [f"{weights[k]:+.2f}".replace("-", "−") + f" {shorten(feature_names(dataset)[k], 17)}" for k in largest]
            name = "\n".join([name.removeprefix("principal "), *shares])  # short, for it stands beside a small picture, too
        names.append(name)
    return tuple(names)


def thinned(dataset: xr.Dataset) -> xr.Dataset:
    """MOST of the samples, evenly, where there are more; the attribute `samples` is how many there are."""
    count = dataset.sizes["sample"]
    some = np.linspace(0, count - 1, min(count, MOST)).round().astype(int)
    return dataset.isel(sample=some).assign_attrs(samples=count)


def of_how_many(shown: xr.Dataset) -> str:
    """That a picture does not show all samples, in words; nothing if it does."""
    drawn, count = shown.sizes["sample"], shown.attrs["samples"]
    return f"{drawn:,} of the {count:,} samples are drawn." if drawn < count else ""


def shorten(name: str, longest: int = 20) -> str:
    """A name of the user's own with at most so many letters, for a place in a picture that holds no more."""
    return name if len(name) <= longest else name[: longest - 1] + "…"


def predictions(theta: np.ndarray, network: Network, features: np.ndarray, dataset: xr.Dataset) -> np.ndarray:
    """ŷ of each label, float64 [batch, sample, label], for parameters theta [batch, P] and features [sample, feature].

    Classification: probabilities, by the dataset's loss; of a square, what is between 0 and 1. Regression: z itself.
    """
    values = loss_of(dataset).prediction(network.forward(network.unpack(theta), features)[-1].value)
    return values if task_of(dataset) == REGRESSION else np.clip(values, 0, 1)


def between_targets(values: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Values of a regression, of any shape, from 0 at the smallest target to 1 at the largest, clipped."""
    return np.clip((values - target.min()) / np.ptp(target), 0, 1)


def true_classes(target: np.ndarray) -> np.ndarray:
    """The class of targets [..., label], int64 [...]; NO_CLASS where all of several labels are 0, as digit 0 in 2018."""
    return np.where((target.shape[-1] == 1) | target.any(axis=-1), classes(target), NO_CLASS)


def wrong(theta: np.ndarray, network: Network, dataset: xr.Dataset) -> np.ndarray:
    """Whether each sample of a classification is decided wrongly, bool [sample], as the accuracy counts; theta [P].

    As in 2018 a sample without a label counts as label 0.
    """
    values = predictions(theta, network, dataset.features.values, dataset)
    return classes(values) != classes(dataset.target.values)


def class_titles(dataset: xr.Dataset) -> list[str]:
    """What each class is called where it stands by itself, as in a legend; the last, at NO_CLASS, is having none."""
    return [*class_names(dataset, column=True), "digit 0 (no label)" if is_shifted(dataset) else "no label"]


def said(dataset: xr.Dataset) -> list[str]:
    """What is said of each training sample: its row in the file, if that is known, and its class or target."""
    training = dataset.isel(sample=(dataset.split == "train").values)
    if task_of(dataset) == REGRESSION:
        mean, deviation = original(dataset, "target")
        names = label_names(dataset)
        what = [
            ", ".join(f"{name} {value:.4g}" for name, value in zip(names, values, strict=True))
            for values in training.target.values * deviation + mean
        ]
    else:
        names = class_titles(dataset)
        what = [names[number] for number in true_classes(training.target.values)]
    return [f"row {row}: {text}" for row, text in zip(training.row.values, what, strict=True)] if "row" in training else what
