"""Figures of networks: the numbers that are drawn are those of the stored arrays."""

import numpy as np
import pytest
import xarray as xr
from examples import named_dataset, synthetic_dataset, synthetic_run
from meanfield.curvature import quadrature
from meanfield.figures import boundaries, networks, style
from meanfield.model.registry import ACTIVATIONS, from_formula
from pictures import cut, overlaps, smallest

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


@pytest.fixture(scope="module")
def estimates() -> dict[str, xr.Dataset]:
    """Spectra of random networks, estimated."""
    form = {"architecture": "8-3", "probes": 2, "steps": 9}
    return {name: synthetic_run(name, synthetic_dataset(), **form)[1] for name in NAMES}


def test_the_distribution_of_estimates_has_a_band(estimates):
    figure = networks.eigenvalues("task", estimates, [0, "last"])
    for axes, record in zip(figure.axes, (0, -1), strict=True):
        bands = [area for area in axes.collections if area.get_paths()]
        for line, band, spectrum in zip(axes.lines, bands, estimates.values(), strict=True):
            last = spectrum.isel(seed=0, update=record)
            x, share = line.get_data()
            density = last.nodes.values, last.weights.values, int(last.zero_rows), last.attrs["parameters"]
            expected, low, high = quadrature.cumulative(*density, x[1:])
            np.testing.assert_array_equal(share, np.append(0, expected))
            assert set(np.concatenate([low, high])) <= set(band.get_paths()[0].vertices[:, 1])
            assert share[-1] == 1
    [note] = [legend.get_title().get_text() for legend in figure.legends]
    assert "2 random probes of 9 Lanczos steps" in note.replace("\n", " ")
    assert "band of an estimate" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert cut(figure) == overlaps(figure) == []
    assert smallest(figure, pixels=410) > 5.5
    assert smallest(figure, pixels=1280) > 17


def test_eigenvectors_are_squared_and_their_spread_is_named(case):
    _, trajectories, spectra = case
    figure = networks.eigenvectors("task", spectra, trajectories)
    assert "update 41" in figure.get_suptitle()
    for above, below, spectrum in zip(figure.axes[:3], figure.axes[3:6], spectra.values(), strict=True):
        last = spectrum.isel(seed=0, vector_update=-1)
        np.testing.assert_array_equal(above.images[0].get_array(), last.eigenvectors.values**2)
        ratio = last.participation_ratio.values / last.sizes["mode"]
        np.testing.assert_array_equal(below.lines[0].get_ydata(), ratio)
        assert f"mean participation ratio / P:\n{ratio.mean():.3f}" in below.get_title()
        assert below.lines[1].get_ydata() == pytest.approx([ratio.mean()] * 2)
        assert 0 < ratio.max() < below.get_ylim()[1]
        assert below.get_ylim() == figure.axes[3].get_ylim()


@pytest.mark.parametrize("architecture", ["3", "2-2-2-2-2-2"])
def test_every_block_of_parameters_has_its_name_and_its_border(architecture):
    dataset = synthetic_dataset()
    run, spectrum, _ = synthetic_run("esp", dataset, architecture)
    figure = networks.eigenvectors("task", {"esp": spectrum}, {"esp": run})
    axes, kinds = figure.axes[0], [name.split("[")[0] for name in run.parameter.values]
    names = list(dict.fromkeys(kinds))
    assert names[:3] == ["W1", "b1", "beta1"]
    assert len(names) == 3 * (architecture.count("-") + 2)
    assert [label.get_text() for label in axes.get_yticklabels()] == [name.replace("beta", "β") for name in names]
    ends = [line.get_ydata()[0] for line in axes.lines if line.get_color() == networks.BORDER]
    assert ends == [kinds.index(name) - 0.5 for name in names[1:]]
    leaders = [(mark.xy[1], mark.xyann[1]) for mark in axes.texts]
    middles = [kinds.index(name) + kinds.count(name) / 2 - 0.5 for name in names]
    np.testing.assert_allclose(leaders, np.transpose([middles, axes.get_yticks()]))
    assert cut(figure) == overlaps(figure) == []


def test_published_eigenvalues_are_rings_in_the_colour_of_their_activation_few_enough_to_see_the_curve(case):
    _, _, spectra = case
    published = {name: xr.Dataset({"eigenvalues": (("a", "b"), run.eigenvalues.values[0])}) for name, run in spectra.items()}
    figure = networks.eigenvalues("task", spectra, ["last"], published)
    rings = figure.axes[0].lines[len(spectra) :]
    assert [ring.get_markeredgecolor() for ring in rings] == [style.colour(name) for name in spectra]
    assert all(ring.get_markerfacecolor() == "none" and ring.get_markevery() == 0.1 for ring in rings)


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


def test_layers_of_beta_are_told_apart_however_many():
    run, _, _ = synthetic_run("esp", synthetic_dataset(), "2-2-2-2-2-2")
    beta = networks.parameters("task", {"esp": run}).axes[1]
    looks = {(line.get_linestyle(), tuple(np.atleast_1d(line.get_color()))) for line in beta.lines}
    assert len(looks) == 7 == sum(not line.get_label().startswith("_") for line in beta.lines)


def test_every_portrait_is_marked_where_data_are_a_stand_in(case):
    dataset, trajectories, spectra = case
    for figure in (
        networks.eigenvalues("task", spectra, ["last"]),
        networks.eigenvectors("task", spectra, trajectories),
        networks.parameters("task", trajectories),
        boundaries.boundaries("task", "3-2", trajectories, dataset),
    ):
        marks = [text.get_text() for text in figure.texts if "STAND-IN" in text.get_text()]
        assert len(marks) == (dataset.attrs["source"] == "stand-in")


@pytest.mark.parametrize(
    ("names", "labels"),
    [(["esp"], 10), (NAMES, 1), pytest.param(list(ACTIVATIONS), 10, marks=pytest.mark.long)],
    ids=["one activation", "three", "seven"],
)
def test_nothing_is_cut_or_overlaps_and_type_keeps_its_size(names, labels):
    dataset = synthetic_dataset(3, labels, "stand-in")
    runs = {name: synthetic_run(name, dataset, "3-2") for name in names}
    trajectories, spectra = ({name: run[part] for name, run in runs.items()} for part in (0, 1))
    title = "nonlinear-corrected 3-2"
    for figure in (
        networks.eigenvalues(title, spectra, ["last"]),
        networks.eigenvalues(title, spectra, [0, 10, 20, 30, 40]),
        networks.eigenvectors(title, spectra, trajectories),
        networks.parameters(title, trajectories),
        boundaries.boundaries(title, "3-2", trajectories, dataset),
    ):
        assert cut(figure) == overlaps(figure) == []
        assert smallest(figure, pixels=410) > 5.5  # seven panels side by side had 2.1
        assert smallest(figure, pixels=1280) > 17


@pytest.mark.long
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
        boundaries.boundaries("mine 3-2", "3-2", trajectories, dataset),
    ):
        assert cut(figure) == overlaps(figure) == []
