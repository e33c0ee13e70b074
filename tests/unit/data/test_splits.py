"""Splits: by class, with names, rows and units that stay; what is too few for that is told."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from meanfield.data import datasets, storage, user_data
from meanfield.data.task import class_names, classes, feature_names, label_names, original
from meanfield.errors import MeanfieldError
from meanfield.model.losses import CLASSIFICATION, REGRESSION


@pytest.fixture
def read(tmp_path):
    """A table whose target is given, and two random features a and b, read."""

    def go(kind, task=CLASSIFICATION):
        rng = np.random.default_rng(0)
        table = pd.DataFrame(rng.normal([3, 50], [1, 9], size=(len(kind), 2)), columns=["a", "b"]).assign(kind=kind)
        table.to_csv(tmp_path / "t.csv", index=False)
        return table, *user_data.read(str(tmp_path / "t.csv"), None, "kind", task)

    return go


@given(st.lists(st.integers(2, 30), min_size=2, max_size=5), st.integers(0, 99))
def test_each_class_has_its_share_in_both_parts(counts, seed):
    numbers = np.repeat(np.arange(len(counts)), counts)
    target = (numbers[:, None] == np.arange(len(counts))).astype(float)
    dataset = datasets.split(np.zeros((len(numbers), 2)), target, 0.5, seed, stratified=True)
    test = classes(dataset.target.values[(dataset.split == "test").values])
    found = np.bincount(test, minlength=len(counts))
    assert (np.abs(found - np.array(counts) / 2) < 1).all()


IRIS, DIGITS = {"packaged": "iris"}, {"packaged": "digits"}


@pytest.mark.parametrize(
    ("settings", "labels", "expected"),
    [
        (IRIS, 3, "softmax cross-entropy"),
        (IRIS | {"loss": "sigmoid"}, 3, "sigmoid cross-entropy"),
        ({"table": "t.csv"}, 5, "softmax cross-entropy"),
        ({"table": "t.csv"}, 1, "sigmoid cross-entropy"),
        ({"table": "t.csv", "task": REGRESSION}, 2, "squared error"),
        ({"packaged": "breast_cancer"}, 1, "sigmoid cross-entropy"),
        (DIGITS, 10, "sigmoid cross-entropy"),
        (DIGITS | {"loss": "softmax"}, 10, "softmax cross-entropy"),
        ({"file": "TF/Lindata.mat"}, 1, "sigmoid cross-entropy"),
    ],
)
def test_the_loss_is_softmax_for_several_classes_of_ones_own(settings, labels, expected):
    assert datasets.loss(settings, labels, "mine") == expected


def test_a_softmax_of_one_label_is_refused():
    with pytest.raises(MeanfieldError, match="mine has two classes, so one label, and loss softmax; set loss: sigmoid"):
        datasets.loss({"table": "t.csv", "loss": "softmax"}, 1, "mine")


@pytest.mark.parametrize(("part", "words"), [("train", "training targets of b are"), ("test", "2 test targets of b are")])
def test_a_constant_target_among_several_is_named(part, words):
    target = np.random.default_rng(0).normal(size=(8, 2))
    split = np.repeat(["train", "test"], [6, 2])
    target[split == part, 1] = 3
    dataset = xr.Dataset(
        {"features": (("sample", "feature"), target), "target": (("sample", "label"), target), "split": ("sample", split)},
        coords={"label": ["a", "b"]},
    )
    with pytest.raises(MeanfieldError, match=f"mine: the {words} all the same"):
        datasets.check_parts(dataset, REGRESSION, "mine")


def test_four_positives_in_400_are_in_both_parts_and_warned_about(read):
    _, features, target = read(["no"] * 396 + ["yes"] * 4)
    dataset = datasets.split(features, target, 0.25, 0, stratified=True)
    assert datasets.few(dataset) == "'yes' 1, beside 3 for training"
    several = datasets.splits(features, target, 0.25, [0, 1, 2])
    fewest = several.target.values[:, (several.split == "test").values, 0].sum(axis=1).min()
    assert datasets.few(several).startswith(f"'yes' {fewest:.0f}, beside")
    many = datasets.split(*read(["no"] * 60 + ["yes"] * 40)[1:], 0.25, 0, stratified=True)
    assert datasets.few(many) == ""


def test_a_class_with_one_sample_is_one_line_with_the_remedy(read):
    _, features, target = read(["x"] * 20 + ["y"] * 20 + ["z"])
    with pytest.raises(MeanfieldError, match=r"class 'z' has one sample, .* or set stratify: false"):
        datasets.split(features, target, 0.25, 0, stratified=True)
    assert "'z'" in datasets.few(datasets.split(features, target, 0.25, 0))
    with pytest.raises(
        MeanfieldError, match=r"test_size 0.02 does not split .* each of the 2 classes .* set stratify: false"
    ):
        datasets.split(features[:40], target[:40], 0.02, 0, stratified=True)


@pytest.mark.parametrize("seeds", [0, [3, 4]])
def test_names_rows_and_units_stay_through_split_and_file(read, tmp_path, seeds):
    table, features, target = read([f"kind {number % 3}" for number in range(60)])
    dataset = datasets.splits(features, target, 0.25, seeds, ["features"], stratified=True)
    storage.write(dataset, tmp_path / "d.nc")
    stored = storage.read(tmp_path / "d.nc")
    assert feature_names(stored) == ["a", "b"]
    assert class_names(stored) == label_names(stored) == ["kind 0", "kind 1", "kind 2"]
    for parts in [stored] if isinstance(seeds, int) else [stored.sel(seed=seed) for seed in seeds]:
        mean, deviation = original(parts, "features")
        rows = table.iloc[parts.row.values - 1]
        np.testing.assert_allclose(parts.features.values * deviation + mean, rows[["a", "b"]], rtol=1e-13)
        assert [class_names(stored)[number] for number in classes(parts.target.values)] == rows.kind.tolist()


def test_a_scaled_target_keeps_its_units(read):
    table, features, target = read(np.geomspace(1, 100, 40), REGRESSION)
    dataset = datasets.split(features, target, 0.25, 0, ["features", "target"])
    mean, deviation = original(dataset, "target")
    known = dataset.target.values * deviation + mean
    np.testing.assert_allclose(known[:, 0], table.kind.iloc[dataset.row.values - 1])


def test_arrays_without_names_stay_without_names_and_unscaled():
    dataset = datasets.split(np.zeros((8, 3)), np.tile([[0.0], [1.0]], (4, 1)), 0.25, 0)
    assert set(dataset.variables) == {"features", "target", "split"}
    assert feature_names(dataset) == ["feature 1", "feature 2", "feature 3"]
    assert class_names(dataset, column=True) == ["class 0", "class 1"]
    assert [values.tolist() for values in original(dataset, "target")] == [[0], [1]]
    assert datasets.few(dataset) == ""


def test_names_that_say_nothing_follow_their_column(read):
    _, features, target = read(np.repeat([1, 2, 10], 8))
    dataset = datasets.split(features, target, 0.25, 0)
    assert class_names(dataset) == ["1", "2", "10"]
    assert class_names(dataset, column=True) == ["kind 1", "kind 2", "kind 10"]
