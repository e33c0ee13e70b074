"""What a dataset asks of a network: its task, splits, samples and what they are called, and the problem they pose."""

import re
from collections.abc import Container

import numpy as np
import xarray as xr

from meanfield.data.description import SCORES
from meanfield.model.losses import CLASSIFICATION, LOSS_OF, LOSSES, REGRESSION, Loss
from meanfield.model.network import Network
from meanfield.model.propagation import Objective

DIGITS = "sklearn.datasets.load_digits"
"""The address of the packaged dataset that the publication used, too."""


def task_of(dataset: xr.Dataset) -> str:
    """The task of a dataset or of what was derived from it: classification, or regression."""
    return dataset.attrs.get("task", CLASSIFICATION)


def loss_of(dataset: xr.Dataset) -> Loss:
    """The loss that a dataset asks for, by its attribute `loss` or else by its task."""
    return LOSSES[dataset.attrs["loss"]] if "loss" in dataset.attrs else LOSS_OF[task_of(dataset)]


def is_own(dataset: xr.Dataset) -> bool:
    """Whether a dataset is one of the user's own, a table or a packaged one, and none of the publication's."""
    source = dataset.attrs.get("source")
    return source == "own" or (source == "packaged" and dataset.attrs.get("address") != DIGITS)


def scores_of(dataset: xr.Dataset) -> list[str]:
    """What the runs of a dataset are scored by, the first for figures and in short; names in SCORES."""
    if task_of(dataset) == REGRESSION:
        return ["r2"]
    return ["accuracy", "balanced_accuracy"] if is_own(dataset) else ["accuracy"]


def scores_in(columns: Container[str]) -> list[str]:
    """The scores that a trajectory or a table has, given itself or the names of its columns; names in SCORES."""
    return [name for name in SCORES if f"test_{name}" in columns]


def splits_of(dataset: xr.Dataset) -> list[int]:
    """The split seeds of a dataset with several splits, one for each member; else none."""
    return dataset.seed.values.tolist() if "seed" in dataset.dims else []


def part(dataset: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(features [sample, feature], target [sample, label]), float64, of the "train" or the "test" samples.

    Of a dataset with several splits [seed, sample, feature] and [seed, sample, label].
    """
    chosen = dataset.isel(sample=(dataset.split == name).values)
    return chosen.features.values, chosen.target.values


def classes(probabilities: np.ndarray) -> np.ndarray:
    """The class decided for probabilities [..., label], int64 [...]: above ½ with one label, else the largest."""
    return (probabilities[..., 0] > 0.5).astype(int) if probabilities.shape[-1] == 1 else probabilities.argmax(axis=-1)


def feature_names(dataset: xr.Dataset) -> list[str]:
    """What the features are called in the file, if that is known, else feature 1, feature 2, …"""
    if "feature" in dataset.coords:
        return dataset.feature.values.tolist()
    return [f"feature {number}" for number in range(1, dataset.sizes["feature"] + 1)]


def is_shifted(dataset: xr.Dataset) -> bool:
    """Whether these are the digits with the labels of 2018: digit k + 1 has label k, digit 0 none (docs/protocol.md)."""
    return dataset.attrs.get("address") == DIGITS and not dataset.target.values.any(axis=-1).all()


def label_names(dataset: xr.Dataset) -> list[str]:
    """What the outputs are called: targets of a regression, classes; label 0, label 1, … where that is not known."""
    if "label" in dataset.coords:
        return dataset.label.values.tolist()
    return [f"label {number}" for number in range(dataset.sizes["label"])]


def class_names(dataset: xr.Dataset, column: bool = False) -> list[str]:
    """What the classes are called in the file, if that is known, else their numbers; two classes have one label.

    With `column`, names that say nothing by themselves, such as 1 or True, follow that of their column.
    """
    labels = dataset.sizes["label"]
    if dataset.attrs.get("address") == DIGITS:
        return _digits(labels, is_shifted(dataset), column)
    names = [str(name) for name in dataset.target.attrs.get("classes", range(max(labels, 2)))]
    if not column:
        return names
    of = dataset.target.attrs.get("column", "class" if labels == 1 else "label")
    return [f"{of} {name}" if re.fullmatch(r"[-+.\d]*|_.*|True|False", name) else name for name in names]


def _digits(labels: int, shifted: bool, column: bool) -> list[str]:
    """What the labels of the digits stand for; shifted, the last stands for none."""
    if not column:
        return [str(label + shifted) for label in range(labels)]
    if not shifted:
        return [f"digit {label}" for label in range(labels)]
    return [*(f"digit {label + 1} (label {label})" for label in range(labels - 1)), f"no digit (label {labels - 1})"]


def original(dataset: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation, float64 [column], of "features" or "target"; values · deviation + mean are in original units."""
    scaled = f"{name}_mean" in dataset
    neutral = np.zeros(dataset[name].shape[-1]), np.ones(dataset[name].shape[-1])
    return (dataset[f"{name}_mean"].values, dataset[f"{name}_deviation"].values) if scaled else neutral


def problem(
    dataset: xr.Dataset, architecture: str, activation: str, precision: str, l2: float = 0.0
) -> tuple[Network, Objective]:
    """The network and what it minimises: the dataset's loss over its training samples, averaged in `precision`, and l2."""
    features, target = part(dataset, "train")
    network = Network.of(architecture, activation, features.shape[1], target.shape[1])
    chosen = loss_of(dataset)
    return network, Objective(chosen, features, target, chosen.averaging(*target.shape, precision), l2)
