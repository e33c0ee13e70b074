"""
The three tasks of the paper, and datasets of one's own (`user_data`): obtain, encode, split and scale.

A published .mat file comes from a mirror, else from its pinned address, else, so that a machine without network can still
run everything, from a deterministic stand-in of the same size and difficulty, marked as such in all that follows.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pooch
import scipy.io
import xarray as xr
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from meanfield.data import user_data
from meanfield.data.published import MIRROR_VARIABLE, PINNED, Unavailable, published_file
from meanfield.data.storage import STAND_IN
from meanfield.data.task import part, splits_of
from meanfield.errors import MeanfieldError
from meanfield.model.losses import CLASSIFICATION, REGRESSION


def binary_from_mat(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """X float64 [sample, 2] and y float64 [sample, 1] of a published .mat file."""
    content = scipy.io.loadmat(path)
    return content["X"].astype(float), content["y"].astype(float)


def digits(labels: str, pixel_scale: float) -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's packaged 8×8 digits: pixels 0…16 over `pixel_scale`, labels one-hot, float64.

    `labels: shifted` repeats the original's error: the class number minus one is encoded, so that digit 0 becomes an
    all-zero target (docs/protocol.md, section Defects, 1).
    """
    data = load_digits()
    shift = {"shifted": 1, "one-hot": 0}[labels]
    target = (data.target[:, None] - shift == np.arange(10)).astype(float)
    return data.data / pixel_scale, target


def stand_in(name: str) -> tuple[np.ndarray, np.ndarray]:
    """A deterministic substitute for a published binary task: same size, class counts and ranges, similar difficulty."""
    rng = np.random.default_rng(2018)
    return STAND_INS[name](rng)


def _draw(
    rng: np.random.Generator, low: tuple, high: tuple, counts: tuple[int, int], boundary: Callable, margin: float
) -> tuple[np.ndarray, np.ndarray]:
    """`counts` points of class 0 and 1, uniform in the box, where boundary(x, y) < −margin and > margin."""
    points = rng.uniform(low, high, size=(100 * sum(counts), 2))
    values = boundary(*points.T)
    chosen = [np.flatnonzero(values < -margin)[: counts[0]], np.flatnonzero(values > margin)[: counts[1]]]
    labels = np.repeat([0.0, 1.0], counts)[:, None]
    return points[np.concatenate(chosen)], labels


def _linear_stand_in(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two classes on either side of a line, and, as in the original, one outlier beyond it."""
    features, target = _draw(rng, (0.5, 1.6), (4.0, 4.6), (30, 21), lambda x, y: 0.9 * x + y - 5.4, 0.15)
    features[-1] = (0.09, 4.1)
    return features, target


def _nonlinear_stand_in(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Class 0: two upright lobes joined by a bar; class 1 around and between them."""

    def boundary(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        lobes = np.minimum(np.abs(x - 0.32), np.abs(x - 0.70)) / 0.1
        inside = np.maximum(lobes, np.abs(y - 0.64) / 0.24)
        bar = np.maximum(np.abs(x - 0.55) / 0.4, np.abs(y - 0.66) / 0.06)
        return np.minimum(inside, bar) - 1

    return _draw(rng, (0.04, 0.4), (1.0, 0.99), (383, 480), boundary, 0.05)


STAND_INS = {"TF/Lindata.mat": _linear_stand_in, "TF/NLdata.mat": _nonlinear_stand_in}


def obtain(
    settings: dict,
    checksums: dict[str, str],
    mirror: str | None,
    require_published: bool,
    say: Callable[[str], None] = print,
) -> tuple[np.ndarray, np.ndarray, dict]:
    """(features [sample, feature], target [sample, label], provenance) of the dataset that `settings` describe.

    Provenance holds source, address, sha256, licence, task. The address is the pinned one also when a mirror served the
    file: where a mirror lies differs from machine to machine and belongs in the log. MeanfieldError if the published file is
    required and unavailable.
    """
    task = settings.get("task", CLASSIFICATION)
    if "table" in settings:
        path = settings["table"]
        features, target = user_data.read(path, settings["features"], settings["target"], task)
        return features, target, _origin("own", path, task, licence="", sha256=pooch.file_hash(path))
    if settings.get("packaged") in user_data.PACKAGED:
        name = settings["packaged"]
        return *user_data.packaged(name, task), _origin("packaged", f"sklearn.datasets.load_{name}", task, "BSD-3-Clause")
    if "file" not in settings:
        features, target = digits(settings["labels"], settings["pixel_scale"])
        return features, target, _origin("packaged", "sklearn.datasets.load_digits", task, "BSD-3-Clause")
    name = settings["file"]
    with TemporaryDirectory() as folder:
        try:
            path, source = published_file(name, checksums, mirror, folder, say)
        except Unavailable as unavailable:
            if require_published:
                raise Unavailable(
                    f"{unavailable}, and require_published_data is true: connect to the network, name a mirror (config key "
                    f"mirror or environment variable {MIRROR_VARIABLE}), or set require_published_data to false"
                ) from unavailable
            features, target = stand_in(name)
            return features, target, _origin(STAND_IN, "generated", task, "Apache-2.0")
        features, target = binary_from_mat(path)
    return features, target, _origin(source, PINNED + name, task, "Apache-2.0", checksums[name])


def _origin(source: str, address: str, task: str, licence: str, sha256: str = "") -> dict[str, str]:
    """Where a dataset comes from, as `storage.ORIGIN` names it."""
    return {"source": source, "address": address, "sha256": sha256, "licence": licence, "task": task}


def split(
    features: np.ndarray, target: np.ndarray, test_size: float, random_state: int, scaled: Sequence[str] = ()
) -> xr.Dataset:
    """Training samples first, then test samples, each in scikit-learn's order: the last bits of averages depend on it.

    `scaled` names what is scaled to mean 0 and variance 1 on the training samples: "features", "target".

    Dims: features [sample, feature], target [sample, label], split [sample] ("train" or "test").
    """
    try:
        parts = train_test_split(features, target, test_size=test_size, random_state=random_state)
    except ValueError as error:
        raise MeanfieldError(
            f"test_size {test_size} does not split {len(features)} samples in two; choose another"
        ) from error
    train, test, train_target, test_target = parts
    if "features" in scaled:
        train, test = _standardised(train, test)
    if "target" in scaled:
        train_target, test_target = _standardised(train_target, test_target)
    return xr.Dataset(
        {
            "features": (("sample", "feature"), np.vstack([train, test])),
            "target": (("sample", "label"), np.vstack([train_target, test_target])),
            "split": ("sample", np.repeat(["train", "test"], [len(train), len(test)])),
        }
    )


def splits(
    features: np.ndarray, target: np.ndarray, test_size: float, seeds: int | Sequence[int], scaled: Sequence[str] = ()
) -> xr.Dataset:
    """`split` with one random state or, with a leading dim `seed`, with several: one split for each member of a run."""
    if isinstance(seeds, int):
        return split(features, target, test_size, seeds, scaled)
    each = [split(features, target, test_size, seed, scaled) for seed in seeds]
    return xr.concat([parts[["features", "target"]] for parts in each], dim=pd.Index(seeds, name="seed")).assign(
        split=each[0].split
    )


def _standardised(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both parts [sample, column] with the training part's mean 0 and variance 1; a constant column becomes 0."""
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    deviation[deviation == 0] = 1
    return (train - mean) / deviation, (test - mean) / deviation


def check_parts(dataset: xr.Dataset, task: str, name: str) -> None:
    """MeanfieldError if the training samples cannot teach, or the test samples cannot judge, what the task is."""
    for seed in splits_of(dataset):
        check_parts(dataset.sel(seed=seed), task, f"{name}, split {seed}")
    if splits_of(dataset):
        return
    features, target = part(dataset, "train")
    _, test = part(dataset, "test")
    hint = f"change test_size or split_seed of {name}, or add samples"
    if len(features) < features.shape[1]:
        raise MeanfieldError(f"{name} has {len(features)} training samples and {features.shape[1]} features; {hint}")
    if (target == target[0]).all():
        what = "targets are all the same" if task == REGRESSION else "samples are of one class only"
        raise MeanfieldError(f"{name}: the training {what}; {hint}")
    if task == REGRESSION and (test == test[0]).all():
        raise MeanfieldError(f"{name}: the {len(test)} test targets are all the same, so that R² is undefined; {hint}")
