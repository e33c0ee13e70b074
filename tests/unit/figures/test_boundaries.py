"""Decisions in a plane: what is drawn is what the networks compute, and the picture says what it shows."""

import numpy as np
import pytest
import xarray as xr
from examples import named_dataset, synthetic_dataset, synthetic_run
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from meanfield.data import datasets
from meanfield.data.task import DIGITS, classes
from meanfield.figures import boundaries, decision, style
from meanfield.model.losses import REGRESSION
from meanfield.model.network import Network
from meanfield.training.scores import accuracy
from pictures import cut, overlaps

NAMES = ("esp", "relu", "sigmoid")
CASES = pytest.mark.parametrize(
    ("features", "labels"), [(2, 1), (5, 3)], ids=["two features, two classes", "five features, several labels"]
)


def crosses(axes) -> PathCollection:
    """The samples of a panel that are marked as decided wrongly."""
    [found] = [
        points
        for points in axes.collections
        if points.get_linewidths()[0] == style.WRONG["lw"] and len(points.get_offsets())
    ]
    return found


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_of_many_samples_some_are_drawn_evenly_and_it_is_said(monkeypatch, task):
    dataset = synthetic_dataset(5, 3).assign_attrs(task=task)
    trajectories = {"esp": synthetic_run("esp", synthetic_dataset(5, 3), "3-2")[0]}
    trajectories["esp"]["test_r2"] = trajectories["esp"].test_accuracy
    whole = boundaries.boundaries("task", "3-2", trajectories, dataset)
    assert "are drawn" not in " ".join(legend.get_title().get_text() for legend in whole.legends)
    monkeypatch.setattr(decision, "MOST", 4)
    some = decision.thinned(dataset)
    assert some.features.values.tolist() == dataset.features.values[[0, 4, 7, 11]].tolist()
    figure = boundaries.boundaries("task", "3-2", trajectories, dataset)
    [note] = [legend.get_title().get_text().replace("\n", " ") for legend in figure.legends]
    assert "4 of the 12 samples are drawn." in note
    where = decision.plane(dataset, 5).coordinates(some.features.values)
    drawn = [points.get_offsets() for points in figure.axes[0].collections if isinstance(points, PathCollection)]
    assert {tuple(point) for points in drawn for point in np.asarray(points).round(9)} == {
        tuple(point) for point in where.round(9)
    }


def test_principal_components_are_those_of_the_singular_value_decomposition():
    dataset = synthetic_dataset(5, 3)
    train = dataset.features.values[dataset.split.values == "train"]
    found = decision.plane(dataset, 5).directions
    expected = np.linalg.svd(train - train.mean(axis=0))[2][:2]
    np.testing.assert_allclose(np.abs((found * expected).sum(axis=1)), 1, rtol=1e-12)
    np.testing.assert_allclose(found @ found.T, np.eye(2), atol=1e-12)


@CASES
def test_boundaries_are_the_networks_outputs(features, labels):
    dataset = synthetic_dataset(features, labels)
    trajectories = {name: synthetic_run(name, dataset, "3-2")[0] for name in NAMES}
    figure = boundaries.boundaries("task", "3-2", trajectories, dataset)
    plane = decision.plane(dataset, boundaries.GRID)
    for axes, (name, run) in zip(figure.axes, trajectories.items(), strict=True):
        network = Network.of("3-2", name, dataset.sizes["feature"], dataset.sizes["label"])
        values = decision.predictions(run.parameters.values[0, -1], network, plane.features(), dataset)
        expected = values[:, 0] if dataset.sizes["label"] == 1 else values.argmax(axis=1)
        np.testing.assert_array_equal(axes.images[0].get_array().ravel(), expected)
        scattered = [points for points in axes.collections if isinstance(points, PathCollection)]
        samples = sum(len(points.get_offsets()) for points in scattered if points is not crosses(axes))
        assert samples == len(dataset.features)
        assert f"{float(run.test_accuracy[0, -1]):.3f}" in axes.get_title()


@CASES
def test_as_many_samples_are_crossed_as_the_accuracy_misses(features, labels):
    dataset = synthetic_dataset(features, labels)
    trajectories = {name: synthetic_run(name, dataset, "3-2")[0] for name in NAMES}
    figure = boundaries.boundaries("task", "3-2", trajectories, dataset)
    where = decision.plane(dataset, 2).coordinates(dataset.features.values)
    for axes, (name, run) in zip(figure.axes, trajectories.items(), strict=True):
        network, theta = Network.of("3-2", name, features, labels), run.parameters.values[0, -1]
        z = network.forward(network.unpack(theta), dataset.features.values)[-1].value
        share = len(crosses(axes).get_offsets()) / len(where)
        assert 1 - share == pytest.approx(accuracy(z.T[None], dataset.target.values.T)[0])
        kinds = classes(1 / (1 + np.exp(-z))) != classes(dataset.target.values)
        np.testing.assert_array_equal(crosses(axes).get_offsets(), where[kinds])
    assert "decided wrongly" in texts(figure)


@CASES
def test_beyond_two_features_the_picture_says_that_it_is_a_slice_and_samples_are_projected(features, labels):
    dataset = synthetic_dataset(features, labels)
    figure = boundaries.boundaries("task", "3", {"esp": synthetic_run("esp", dataset)[0]}, dataset)
    said = " ".join(texts(figure)).replace("\n", " ")
    assert (boundaries.PROJECTED in said) == ("slice" in said) == (features > 2)
    assert boundaries.SHIFTED not in said


@pytest.mark.parametrize("labels", ["shifted", "one-hot"])
def test_labels_of_the_digits_are_called_what_they_stand_for(labels):
    features, target = (values[:300] for values in datasets.digits(labels, 255))
    dataset = datasets.split(features, target, 0.2, 0).assign_attrs(source="packaged", address=DIGITS)
    network = Network.of("4", "esp", 64, 10)
    theta = np.random.default_rng(1).normal(size=(1, 1, network.size))
    run = xr.Dataset(
        {"parameters": (("seed", "update", "parameter"), theta), "test_accuracy": (("seed", "update"), [[0.1]])}
    )
    figure = boundaries.boundaries("digits 4", "4", {"esp": run}, dataset)
    assert cut(figure) == overlaps(figure) == []
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    numerals = {text.get_text() for text in figure.axes[0].texts}
    if labels == "shifted":
        assert {"digit 0 (no label)", "digit 1 (label 0)", "digit 9 (label 8)"} <= legend
        assert numerals == set("123456789")  # not those of their labels; digit 0 has none
        assert "Labels are shifted" in figure.legends[0].get_title().get_text()
    else:
        assert {f"digit {number}" for number in range(10)} <= legend
        assert numerals == set("0123456789")
        assert "shifted" not in figure.legends[0].get_title().get_text()
    for text in figure.axes[0].texts:  # a numeral stands in the row of its class's mean, or near
        digit = int(text.get_text())
        found = decision.plane(dataset, 2).coordinates(features[datasets.load_digits().target[:300] == digit])
        assert abs(text.get_position()[0] - found[:, 0].mean()) < 0.01


@pytest.mark.parametrize("labels", ["shifted", "one-hot"])
def test_a_region_whose_label_no_sample_has_is_in_the_legend(labels):
    features, target = datasets.digits(labels, 255)
    dataset = datasets.split(features, target, 0.2, 0).assign_attrs(source="packaged", address=DIGITS)
    titles = decision.class_titles(dataset)
    assert titles[-2] == {"shifted": "no digit (label 9)", "one-hot": "digit 9"}[labels]
    figure = Figure()
    boundaries._key(figure.subplots(), dataset, {9})
    assert figure.axes[0].get_legend_handles_labels()[1].count(titles[-2]) == 1


def test_a_regression_shows_predictions_and_targets_in_the_same_colours():
    dataset = synthetic_dataset(4).assign_attrs(task=REGRESSION)
    trajectories = {name: synthetic_run(name, dataset)[0] for name in NAMES}
    figure = boundaries.boundaries("task", "3", trajectories, dataset)
    plane = decision.plane(dataset, boundaries.GRID)
    for axes, (name, run) in zip(figure.axes, trajectories.items(), strict=False):
        z = Network.of("3", name, 4, 1).forward(
            Network.of("3", name, 4, 1).unpack(run.parameters.values[0, -1]), plane.features()
        )
        np.testing.assert_array_equal(axes.images[0].get_array().ravel(), z[-1].value[:, 0])
        np.testing.assert_array_equal(axes.collections[0].get_array(), dataset.target.values[:, 0])
        assert axes.collections[0].get_clim() == axes.images[0].get_clim() == (dataset.target.min(), dataset.target.max())
        assert "R²" in axes.get_title()


def texts(figure) -> set[str]:
    """Labels of axes and legends, and what is written in panels."""
    written = [text.get_text() for text in figure.findobj(Text)]
    return {text.strip() for text in written if text.strip()}


@pytest.mark.parametrize("classes", [["Adelie", "Gentoo"], ["Adelie", "Gentoo", "Chinstrap"], ["$5", "_$7", "3"]])
def test_classes_and_features_are_called_what_the_file_calls_them(classes):
    dataset = named_dataset(["length [mm]", "mass $"], classes, ["features"])
    trajectories = {name: synthetic_run(name, dataset)[0] for name in NAMES}
    figure = boundaries.boundaries("task", "3", trajectories, dataset)
    assert cut(figure) == overlaps(figure) == []
    shown = {text.replace(r"\$", "$") for text in texts(figure)}
    assert {"length [mm]", "mass $"} <= shown
    long = {"_$7": "kind _$7", "3": "kind 3"}
    assert {long.get(name, name) for name in classes} <= shown
    assert not any("label" in text or "class" in text or "feature" in text for text in shown)


def test_two_scaled_features_are_drawn_in_the_units_of_the_file():
    dataset = named_dataset(["a", "b"], ["x", "y"], ["features"])
    plane = decision.plane(dataset, 7)
    known = dataset.features.values * dataset.features_deviation.values + dataset.features_mean.values
    np.testing.assert_allclose(plane.coordinates(dataset.features.values), known)
    np.testing.assert_allclose(plane.coordinates(plane.features())[:, 0].reshape(7, 7)[3], plane.x)
    assert (plane.x[0] < known[:, 0].min()) & (known[:, 0].max() < plane.x[-1])


def test_principal_components_name_their_largest_weights():
    dataset = named_dataset(["first", "second", "a name that is far too long"], ["x", "y"], ["features"])
    dataset["features"] = dataset.features * [9, 5, 1]
    plane = decision.plane(dataset, 7)
    for name, weights in zip(plane.names, plane.directions, strict=True):
        head, *shares = name.split("\n")
        assert head.endswith("(scaled)")
        largest = np.argsort(-abs(weights))[:2]
        for share, number in zip(shares, largest, strict=True):
            assert share.startswith("+" if weights[number] > 0 else "−")
            assert f"{abs(weights[number]):.2f}" in share
    assert "first" in plane.names[0].split("\n")[1]
    trajectories = {name: synthetic_run(name, dataset)[0] for name in NAMES}
    figure = boundaries.boundaries("task", "3", trajectories, dataset)
    assert cut(figure) == overlaps(figure) == []


def test_the_first_of_several_targets_is_drawn_in_its_units():
    dataset = named_dataset(["a", "b"], scaled=["features", "target"])
    trajectories = {name: synthetic_run(name, dataset)[0] for name in NAMES}
    figure = boundaries.boundaries("task", "3", trajectories, dataset)
    mean, deviation = dataset.target_mean.values[0], dataset.target_deviation.values[0]
    np.testing.assert_allclose(figure.axes[0].collections[0].get_array(), dataset.target.values[:, 0] * deviation + mean)
    assert 50 < figure.axes[0].images[0].get_clim()[0] < 90
    assert "u, 1 of 2: target, prediction" in texts(figure)
    for axes, run in zip(figure.axes, trajectories.values(), strict=False):
        assert axes.get_title().endswith(f": test R² of 2 targets {float(run.test_r2[0, -1]):.3f}")


def test_plane_of_two_features_is_the_features():
    dataset = synthetic_dataset(2)
    plane = decision.plane(dataset, 7)
    np.testing.assert_array_equal(plane.coordinates(dataset.features.values), dataset.features.values)
    np.testing.assert_allclose(plane.coordinates(plane.features())[:, 0].reshape(7, 7)[3], plane.x)


def test_plane_of_more_features_holds_the_most_variance():
    dataset = synthetic_dataset(5, 3)
    plane = decision.plane(dataset, 7)
    np.testing.assert_allclose(plane.directions @ plane.directions.T, np.eye(2), atol=1e-15)
    train = dataset.features.values[(dataset.split == "train").values]
    captured = plane.coordinates(train).var(axis=0).sum()
    assert captured == pytest.approx(np.linalg.eigvalsh(np.cov(train.T, bias=True))[-2:].sum())


def test_long_names_of_classes_that_lie_together_are_pulled_apart_and_stay_within():
    names = ["a most uncommon name", "another uncommon one", "the third one of them"]
    dataset = named_dataset(["first", "second"], names)
    figure = boundaries.boundaries("mine 3", "3", {name: synthetic_run(name, dataset)[0] for name in NAMES}, dataset)
    assert cut(figure) == overlaps(figure) == []
    for axes in figure.axes:
        assert len(axes.texts) == 3
        for text in axes.texts:
            box, panel = text.get_window_extent(), axes.bbox
            assert panel.x0 <= box.x0
            assert box.x1 <= panel.x1
