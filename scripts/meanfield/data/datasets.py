"""
The three tasks of the paper, MNIST (`mnist`) and datasets of one's own (`user_data`): obtain, encode, split and scale.

A published file comes from a mirror, else from its pinned address, else, so that a machine without network can still run
everything, from a deterministic stand-in of the same size and difficulty, marked as such in all that follows.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import pandas as pd
import pooch
import scipy.io
import xarray as xr
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from meanfield.data import mnist, user_data
from meanfield.data.description import SPLIT
from meanfield.data.published import MIRROR_VARIABLE, PINNED, Unavailable, published_file
from meanfield.data.storage import STAND_IN
from meanfield.data.task import DIGITS, class_names, classes, label_names, part, splits_of
from meanfield.errors import MeanfieldError
from meanfield.model.losses import CLASSIFICATION, LOSS_OF, REGRESSION, WORDS

Array = np.ndarray | xr.DataArray
Found = TypeVar("Found")
FEW = 10  # test samples: with fewer of a class one that is misjudged changes its share by more than a tenth


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
) -> tuple[Array, Array, dict]:
    """(features [sample, feature], target [sample, label], provenance) of the dataset that `settings` describe.

    Labelled arrays, as `user_data.read` describes them, of all but the published datasets, which have no names.

    Provenance holds source, address, sha256, license, task. The address is the pinned one also when a mirror served the
    file: where a mirror lies differs from machine to machine and belongs in the log. MeanfieldError if the published file is
    required and unavailable.
    """
    task = settings.get("task", CLASSIFICATION)
    if "table" in settings:
        path = settings["table"]
        form = {key: settings[key] for key in ("encode", "missing", "delimiter", "decimal") if key in settings}
        features, target = user_data.read(path, settings.get("features"), settings["target"], task, **form, say=say)
        return features, target, _origin("own", path, task, license="not known", sha256=pooch.file_hash(path))
    if settings.get("packaged") in user_data.PACKAGED:
        name = settings["packaged"]
        return *user_data.packaged(name, task), _origin("packaged", f"sklearn.datasets.load_{name}", task, "BSD-3-Clause")
    if "packaged" in settings:
        return *digits(settings["labels"], settings["pixel_scale"]), _origin("packaged", DIGITS, task, "BSD-3-Clause")
    with TemporaryDirectory() as folder:
        if "downloaded" in settings:
            return _mnist(settings, task, require_published, lambda: mnist.download(mirror, folder, say))
        name = settings["file"]
        found = _or_none(lambda: published_file(name, checksums, mirror, folder, say), require_published)
        if not found:
            return *stand_in(name), _origin(STAND_IN, "generated", task, "Apache-2.0")
        features, target = binary_from_mat(found[0])
    return features, target, _origin(found[1], PINNED + name, task, "Apache-2.0", checksums[name])


def _or_none(download: Callable[[], Found], require_published: bool) -> Found | None:
    """What a download gives, or None where no place answers; MeanfieldError if the published data are required then."""
    try:
        return download()
    except Unavailable as unavailable:
        if not require_published:
            return None
        raise Unavailable(
            f"{unavailable}, and require_published_data is true: connect to the network, name a mirror (config key mirror "
            f"or environment variable {MIRROR_VARIABLE}), or set require_published_data to false"
        ) from unavailable


def _mnist(
    settings: dict, task: str, require_published: bool, download: Callable[[], tuple[dict, str]]
) -> tuple[xr.DataArray, xr.DataArray, dict]:
    """MNIST, or its stand-in, as `obtain` gives it."""
    samples, found = settings.get("samples"), _or_none(download, require_published)
    if found:
        parts, sha256 = found[0], " ".join(mnist.FILES.values())
        origin = _origin(found[1], mnist.ADDRESS + "mnist/", task, mnist.LICENSE, sha256)
    else:
        parts, origin = mnist.stand_in(samples), _origin(STAND_IN, "generated from " + DIGITS, task, "BSD-3-Clause")
    return *mnist.arrays(parts, samples, settings.get("pixel_scale", mnist.WHITE)), origin


def _origin(source: str, address: str, task: str, license: str, sha256: str = "") -> dict[str, str]:
    """Where a dataset comes from, as `storage.ORIGIN` names it."""
    return {"source": source, "address": address, "sha256": sha256, "license": license, "task": task}


def loss(settings: dict, labels: int, name: str) -> str:
    """The name of the loss: that of the task, but a softmax for several classes of one's own data; or the one chosen.

    MeanfieldError for a softmax of one label, which two classes have.
    """
    own = "table" in settings or settings.get("packaged") in user_data.PACKAGED
    several = labels > 1 and settings.get("task", CLASSIFICATION) == CLASSIFICATION
    chosen = settings.get("loss", "softmax" if own and several else None)
    if chosen == "softmax" and labels == 1:
        raise MeanfieldError(f"{name} has two classes, so one label, and loss softmax; set loss: sigmoid, or leave it out")
    usual = LOSS_OF[settings.get("task", CLASSIFICATION)]
    return WORDS[chosen].name if chosen else usual.name


def split(
    features: Array,
    target: Array,
    test_size: float,
    random_state: int,
    scaled: Sequence[str] = (),
    stratified: bool = False,
) -> xr.Dataset:
    """Training samples first, then test samples, each in scikit-learn's order: the last bits of averages depend on it.

    `scaled` names what is scaled to mean 0 and variance 1 on the training samples: "features", "target". `stratified`: each
    class has the same share of training and test samples.

    Dims: features [sample, feature], target [sample, label], split [sample] ("train" or "test"); the names and rows of
    labelled arrays stay with them. For each that is scaled mean and deviation, {name}_mean and {name}_deviation, so that
    values · deviation + mean are the original ones (of a constant column the deviation is 1).
    """
    whole = xr.Dataset({"features": _labelled(features, "feature"), "target": _labelled(target, "label")})
    numbers = np.arange(len(features))
    kinds = classes(whole.target.values) if stratified else None
    if stratified:
        _check_classes(kinds, class_names(whole))
    try:
        train, test = train_test_split(numbers, test_size=test_size, random_state=random_state, stratify=kinds)
    except ValueError as error:
        remedy = "choose another"
        if stratified:
            remedy = (
                f"each of the {len(np.unique(kinds))} classes needs a sample in both; choose another, or set stratify: false"
            )
        raise MeanfieldError(f"test_size {test_size} does not split {len(features)} samples in two; {remedy}") from error
    parts = whole.isel(sample=np.concatenate([train, test]))
    for name in scaled:
        _standardise(parts, name, len(train))
    return parts.assign(split=("sample", np.repeat(["train", "test"], [len(train), len(test)])))


def _labelled(array: Array, column: str) -> xr.DataArray:
    return array if isinstance(array, xr.DataArray) else xr.DataArray(array, dims=("sample", column))


def _check_classes(kinds: np.ndarray, names: Sequence[str]) -> None:
    """MeanfieldError if a class, of kinds [sample], has one sample only."""
    present, counts = np.unique(kinds, return_counts=True)
    alone = present[counts == 1]
    if len(alone):
        raise MeanfieldError(
            f"class {names[alone[0]]!r} has one sample, which cannot be both in the training and the test samples; "
            "add samples of it, or take it out, or set stratify: false"
        )


def splits(
    features: Array,
    target: Array,
    test_size: float,
    seeds: int | Sequence[int],
    scaled: Sequence[str] = (),
    stratified: bool = False,
) -> xr.Dataset:
    """`split` with one random state or, with a leading dim `seed`, with several: one split for each member of a run."""
    if isinstance(seeds, int):
        return split(features, target, test_size, seeds, scaled, stratified)
    each = [split(features, target, test_size, seed, scaled, stratified) for seed in seeds]
    joined = xr.concat([parts.drop_vars("split") for parts in each], dim=pd.Index(seeds, name="seed"), coords="all")
    return joined.assign(split=each[0].split).assign_coords(seed=("seed", list(seeds), {"long_name": SPLIT}))


def divided(features: Array, target: Array, settings: dict) -> xr.Dataset:
    """Training and test samples as `splits` gives them, divided and scaled as the settings ask.

    Data that come in two parts, with a coordinate `split`, keep these.
    """
    if "split" in getattr(features, "coords", ()):
        return xr.Dataset({"features": features, "target": target}).reset_coords("split")
    scaled = {"none": [], "features": ["features"], "all": ["features", "target"]}[settings.get("scaling", "none")]
    stratified = settings.get("stratify", "classes" in getattr(target, "attrs", {}))  # published: not by classes
    return splits(features, target, settings["test_size"], settings["split_seed"], scaled, stratified)


def _standardise(parts: xr.Dataset, name: str, training: int) -> None:
    """Scale, in place, to the mean 0 and variance 1 of the first so many samples; a constant column becomes 0."""
    values, column = parts[name].values, parts[name].dims[1]
    mean, deviation = values[:training].mean(axis=0), values[:training].std(axis=0)
    deviation[deviation == 0] = 1
    parts[name] = parts[name].copy(data=(values - mean) / deviation)
    parts[f"{name}_mean"], parts[f"{name}_deviation"] = (column, mean), (column, deviation)


def few(dataset: xr.Dataset) -> str:
    """The named classes that have fewer than FEW test samples, in one phrase, which is empty if there are none.

    Of several splits the one with the fewest.
    """
    if "classes" not in dataset.target.attrs:
        return ""
    parts = {name: np.atleast_2d(classes(part(dataset, name)[1])) for name in ("train", "test")}
    found = []
    for number, name in enumerate(class_names(dataset)):
        train, test = (int((parts[split] == number).sum(axis=-1).min()) for split in ("train", "test"))
        if test < FEW:
            found.append(f"{name!r} {test}, beside {train} for training")
    return "; ".join(found)


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
    if task != REGRESSION:
        if (target == target[0]).all():
            raise MeanfieldError(f"{name}: the training samples are of one class only; {hint}")
        return
    for label, *columns in zip(label_names(dataset), target.T, test.T, strict=True):
        of = f" of {label}" if target.shape[1] > 1 else ""
        if (columns[0] == columns[0][0]).all():
            raise MeanfieldError(f"{name}: the training targets{of} are all the same; {hint}")
        if (columns[1] == columns[1][0]).all():
            raise MeanfieldError(
                f"{name}: the {len(test)} test targets{of} are all the same, so that R² is undefined; {hint}"
            )
