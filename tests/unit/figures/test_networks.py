"""Figures of networks: the numbers that are drawn are those of the stored arrays."""

import numpy as np
import pytest
import xarray as xr
from examples import illegible, named_dataset, synthetic_dataset, synthetic_run
from matplotlib.collections import PathCollection
from matplotlib.text import Text
from meanfield.figures import decision, networks
from meanfield.model.losses import REGRESSION
from meanfield.model.network import Network
from meanfield.model.registry import ACTIVATIONS, from_formula

NAMES = ("esp", "relu", "sigmoid")


@pytest.fixture(scope="module", params=[(2, 1, "mirror"), (5, 3, "stand-in")], ids=["two features", "five features"])
def case(request) -> tuple[xr.Dataset, dict, dict]:
    """Dataset, trajectories and spectra: binary in the plane, and several labels in more dimensions."""
    dataset = synthetic_dataset(*request.param)
    runs = {name: synthetic_run(name, dataset, "3-2") for name in NAMES}
    return dataset, {name: run[0] for name, run in runs.items()}, {name: run[1] for name, run in runs.items()}


def test_eigenvalues_show_alpha_and_gamma(case):
    _, _, spectra = case
    published = {"relu": xr.Dataset({"eigenvalues": (("a", "b"), spectra["relu"].eigenvalues.values[0, :, ::-1])})}
    figure = networks.eigenvalues("task", spectra, [0, 20, "last"], published)
    assert [axes.get_title() for axes in figure.axes] == ["update 0", "update 21", "update 41"]
    for axes, record in zip(figure.axes, (0, 2, 4), strict=True):
        tau = max(float(spectrum.tolerance.max()) for spectrum in spectra.values())
        for line, spectrum in zip(axes.lines, spectra.values(), strict=False):
            x, share = line.get_data()
            values = spectrum.eigenvalues.values[0, record]
            assert share[x <= -tau].max(initial=0) == pytest.approx((values < -tau).mean())
            assert share[x <= tau].max(initial=0) == pytest.approx((values <= tau).mean())
            assert share.max() == 1
        np.testing.assert_array_equal(axes.lines[3].get_xdata(), spectra["relu"].eigenvalues.values[0, record])


def test_eigenvectors_are_squared_and_their_spread_is_named(case):
    _, trajectories, spectra = case
    figure = networks.eigenvectors("task", spectra, trajectories)
    assert "update 41" in figure.get_suptitle()
    for above, below, spectrum in zip(figure.axes[:3], figure.axes[3:6], spectra.values(), strict=True):
        last = spectrum.isel(seed=0, vector_update=-1)
        np.testing.assert_array_equal(above.images[0].get_array(), last.eigenvectors.values**2)
        ratio = last.participation_ratio.values / last.sizes["mode"]
        np.testing.assert_array_equal(below.lines[0].get_ydata(), ratio)
        assert f"{ratio.mean():.3f}" in above.get_title()


def test_eigenvectors_that_were_not_stored_are_told(case):
    _, trajectories, spectra = case
    bare = {name: spectrum.drop_vars(["eigenvectors", "participation_ratio"]) for name, spectrum in spectra.items()}
    assert "none stored" in networks.eigenvectors("task", bare, trajectories).get_suptitle()


def test_parameters_are_percentiles_and_every_beta(case):
    _, trajectories, _ = case
    figure = networks.parameters("task", trajectories)
    *weights, beta = figure.axes
    for axes, run in zip(weights, trajectories.values(), strict=True):
        chosen = [name.startswith("W") for name in run.parameter.values]
        np.testing.assert_allclose(axes.lines[0].get_ydata(), np.median(run.parameters.values[0][:, chosen], axis=1))
    drawn = np.array([line.get_ydata() for line in beta.lines])
    chosen = [name.startswith("beta") for name in trajectories["esp"].parameter.values]
    np.testing.assert_array_equal(drawn, trajectories["esp"].parameters.values[0][:, chosen].T)


def test_boundaries_are_the_networks_outputs(case):
    dataset, trajectories, _ = case
    figure = networks.boundaries("task", "3-2", trajectories, dataset)
    plane = decision.plane(dataset, networks.GRID)
    for axes, (name, run) in zip(figure.axes, trajectories.items(), strict=True):
        network = Network.of("3-2", name, dataset.sizes["feature"], dataset.sizes["label"])
        values = decision.predictions(run.parameters.values[0, -1], network, plane.features(), dataset)
        expected = values[:, 0] if dataset.sizes["label"] == 1 else values.argmax(axis=1)
        np.testing.assert_array_equal(axes.images[0].get_array().ravel(), expected)
        scattered = [points for points in axes.collections if isinstance(points, PathCollection)]
        points = np.concatenate([points.get_offsets() for points in scattered])
        assert len(points) == len(dataset.features)
        assert f"{float(run.test_accuracy[0, -1]):.3f}" in axes.get_title()


def test_a_regression_shows_predictions_and_targets_in_the_same_colours():
    dataset = synthetic_dataset(4).assign_attrs(task=REGRESSION)
    trajectories = {name: synthetic_run(name, dataset)[0] for name in NAMES}
    figure = networks.boundaries("task", "3", trajectories, dataset)
    plane = decision.plane(dataset, networks.GRID)
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
    figure = networks.boundaries("task", "3", trajectories, dataset)
    assert illegible(figure) == []
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
    assert illegible(networks.boundaries("task", "3", trajectories, dataset)) == []


def test_the_first_of_several_targets_is_drawn_in_its_units():
    dataset = named_dataset(["a", "b"], scaled=["features", "target"])
    trajectories = {name: synthetic_run(name, dataset)[0] for name in NAMES}
    figure = networks.boundaries("task", "3", trajectories, dataset)
    mean, deviation = dataset.target_mean.values[0], dataset.target_deviation.values[0]
    np.testing.assert_allclose(figure.axes[0].collections[0].get_array(), dataset.target.values[:, 0] * deviation + mean)
    assert 50 < figure.axes[0].images[0].get_clim()[0] < 90
    assert "u, 1 of 2: target, prediction" in texts(figure)
    for axes, run in zip(figure.axes, trajectories.values(), strict=False):
        assert axes.get_title().endswith(f": test R² of 2 targets {float(run.test_r2[0, -1]):.3f}")


def test_every_portrait_is_marked_where_data_are_a_stand_in(case):
    dataset, trajectories, spectra = case
    for figure in (
        networks.eigenvalues("task", spectra, ["last"]),
        networks.eigenvectors("task", spectra, trajectories),
        networks.parameters("task", trajectories),
        networks.boundaries("task", "3-2", trajectories, dataset),
    ):
        marks = [text.get_text() for text in figure.texts if "STAND-IN" in text.get_text()]
        assert len(marks) == (dataset.attrs["source"] == "stand-in")


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


@pytest.mark.parametrize("names", [["esp"], list(ACTIVATIONS)], ids=["one activation", "seven activations"])
@pytest.mark.parametrize("labels", [1, 10])
def test_nothing_is_cut_or_overlaps(names, labels):
    dataset = synthetic_dataset(3, labels, "stand-in")
    runs = {name: synthetic_run(name, dataset, "3-2") for name in names}
    trajectories, spectra = ({name: run[part] for name, run in runs.items()} for part in (0, 1))
    title = "nonlinear-corrected 3-2"
    for figure in (
        networks.eigenvalues(title, spectra, ["last"]),
        networks.eigenvalues(title, spectra, [0, 10, 20, 30, 40]),
        networks.eigenvectors(title, spectra, trajectories),
        networks.parameters(title, trajectories),
        networks.boundaries(title, "3-2", trajectories, dataset),
    ):
        assert illegible(figure) == []


@pytest.mark.parametrize("labels", [1, None], ids=["two classes", "two targets"])
def test_seven_activations_with_the_longest_labels_fit(monkeypatch, labels):
    own = {
        f"own{k}": from_formula(f"own{k}", "h*tanh(beta*h)", "trainable", f"leaky parametric gate({k})") for k in range(7)
    }
    assert {len(activation.label) for activation in own.values()} == {24}
    for name, activation in own.items():
        monkeypatch.setitem(ACTIVATIONS, name, activation)
    dataset = (
        synthetic_dataset(3, labels, "stand-in") if labels else named_dataset(["a", "b"], scaled=["features", "target"])
    )
    runs = {name: synthetic_run(name, dataset, "3-2") for name in own}
    trajectories, spectra = ({name: run[part] for name, run in runs.items()} for part in (0, 1))
    for figure in (
        networks.eigenvectors("mine 3-2", spectra, trajectories),
        networks.parameters("mine 3-2", trajectories),
        networks.boundaries("mine 3-2", "3-2", trajectories, dataset),
    ):
        assert illegible(figure) == []
