"""The figures along training: the numbers that are drawn are those of the table."""

import subprocess
import sys
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from examples import ROOT, synthetic_dataset, synthetic_run
from jinja2 import Template
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from meanfield.ensemble.members import MEMBER, drawn
from meanfield.figures import curves, style
from meanfield.model.registry import ACTIVATIONS
from pandas.api.types import is_numeric_dtype as is_number
from pictures import cut, overlaps, pale, smallest, texts
from PIL import Image

NAMES = ("esp", "relu", "sigmoid")
FIGURES = {
    curves.overview: ("update", ["cost", "alpha", "gamma"]),
    curves.fig3a_cost: ("update", ["cost"]),
    curves.fig3b_alpha: ("cost", ["alpha_published", "alpha"]),
    curves.fig4a_zero_residuals: ("update", ["zero_residuals"]),
    curves.accuracy: ("cost", ["train_accuracy", "test_accuracy"]),
}


@pytest.fixture(scope="module")
def indices() -> pd.DataFrame:
    """Of two tasks, the second a stand-in, three activations, two seeds."""
    frames = []
    for dataset, source in (("linear", "mirror"), ("nonlinear", "stand-in")):
        for name in NAMES:
            *_, table = synthetic_run(name, synthetic_dataset(source=source), seeds=2)
            frames.append(table.assign(dataset=dataset, architecture="3", activation=name))
    return drawn(pd.concat(frames))


@pytest.fixture(scope="module")
def published(indices) -> curves.Published:
    """Published columns for one run, recorded less often, and longer than ours."""
    columns = ["cost", "alpha_published", "gamma_published", "zero_residuals", "train_accuracy", "test_accuracy"]
    table = {name: np.linspace(0.9, 0.1, 4) for name in columns}
    return {("linear", "3", "relu"): pd.DataFrame({"update": [0, 21, 41, 61], **table})}


def rows(indices: pd.DataFrame, dataset: str, activation: str, seed: int) -> pd.DataFrame:
    return indices[(indices.dataset == dataset) & (indices.activation == activation) & (indices.seed == seed)]


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_curves_are_the_columns_of_the_table(indices, published, draw):
    x, quantities = FIGURES[draw]
    panels = np.array(draw(indices, published).axes).reshape(len(quantities), 2)
    for row, quantity in zip(panels, quantities, strict=True):
        for axes, dataset in zip(row, ("linear", "nonlinear"), strict=True):
            drawn = [line for line in axes.lines if line.get_label() != style.PUBLISHED and len(line.get_xdata())]
            assert len(drawn) == 3 * len(NAMES)
            for name, *curves_of_one in zip(NAMES, drawn[::3], drawn[1::3], drawn[2::3], strict=True):
                seeds = [rows(indices, dataset, name, seed)[[x, quantity]].to_numpy(float) for seed in (1, 2)]
                for line, expected in zip(curves_of_one, [*seeds, np.median(seeds, axis=0)], strict=True):
                    np.testing.assert_array_equal(line.get_xydata(), expected)
                    assert line.get_color() == style.colour(name)
                widths = [line.get_linewidth() for line in curves_of_one]
                assert max(widths[:2]) < widths[2] / 3


def legend_of(figure) -> list[str]:
    [legend] = figure.legends
    return [text.get_text() for text in legend.texts]


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_the_legend_says_what_is_bold_and_what_is_thin_where_there_are_seeds(indices, draw):
    of_seeds = {"bold: median of the seeds", "thin: each seed"}
    assert of_seeds < set(legend_of(draw(indices, {})))
    assert not of_seeds & set(legend_of(draw(indices[indices.seed == 1], {})))


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_published_points_lie_at_their_updates_up_to_our_last(indices, published, draw):
    x, quantities = FIGURES[draw]
    theirs = published["linear", "3", "relu"].iloc[:3]
    points = [line for axes in draw(indices, published).axes for line in axes.lines if line.get_label() == "published"]
    expected = [name for name in quantities if name in theirs and draw is not curves.overview]
    assert len(points) == len(expected)
    for line, quantity in zip(points, expected, strict=True):
        np.testing.assert_array_equal(line.get_xydata(), theirs[[x, quantity]].to_numpy(float))
        assert line.get_markeredgecolor() == style.colour("relu")


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_published_points_leave_the_curve_in_sight(indices, draw):
    """Of 100 published records of a curve fewer than half are drawn."""
    run = indices[(indices.dataset == "linear") & (indices.activation == "esp") & (indices.seed == 1)]
    records = np.arange(100)
    long = pd.DataFrame(
        {name: np.interp(records, np.linspace(0, 99, len(run)), run[name]) for name in run if is_number(run[name])}
    )
    long = long.assign(**{name: run[name].iloc[0] for name in run if name not in long})
    figure = draw(long, {("linear", "3", "esp"): long})
    for axes in figure.axes:
        for points in (line for line in axes.lines if line.get_label() == style.PUBLISHED):
            assert 1 <= rings(points) <= 40


def rings(line) -> int:
    """How many markers of a line are drawn."""
    canvas = RendererAgg(400, 400, 100)
    with patch.object(canvas, "draw_markers", wraps=canvas.draw_markers) as drawn:
        line.draw(canvas)
    return sum(len(call.args[3].vertices) for call in drawn.call_args_list)


@pytest.fixture
def by_cause(indices) -> pd.DataFrame:
    """The table with γ by every cause, but for sigmoid on the linear task, whose γ is 0."""
    flat = (indices.activation == "sigmoid") & (indices.dataset == "linear")
    causes = np.random.default_rng(0).uniform(0, 0.3, (len(indices), 3)) * ~flat.to_numpy()[:, None]
    return indices.assign(**dict(zip(curves.CAUSES, causes.T, strict=True)), gamma=causes.sum(axis=1))


def test_gamma_by_cause_adds_up_and_is_drawn_where_there_is_any(by_cause, published):
    figure = curves.fig4b_gamma(by_cause, published)
    panels = np.array(figure.axes).reshape(5, 2)
    runs = [
        (dataset, name) for dataset in ("linear", "nonlinear") for name in NAMES if (dataset, name) != ("linear", "sigmoid")
    ]
    *shown, empty = panels[2:].flat
    assert not empty.axison
    for axes, (dataset, name) in zip(shown, runs, strict=True):
        run = rows(by_cause, dataset, name, 1)
        edges = [np.unique(area.get_paths()[0].vertices[:, 1]).max() for area in axes.collections]
        causes = run[list(curves.CAUSES)].cumsum(axis=1)
        np.testing.assert_allclose(edges, causes.max(), atol=1e-15)
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), run.gamma)
        assert axes.get_title() == f"{dataset} 3\n{ACTIVATIONS[name].label}"
    [legend] = figure.legends
    assert legend.get_title().get_text() == "γ is 0 all along, first seed: linear 3 sigmoid"
    [points] = [line for line in panels[0, 0].lines if line.get_label() == "published"]
    np.testing.assert_array_equal(points.get_ydata(), published["linear", "3", "relu"].gamma_published[:3])


def test_where_nothing_is_flat_no_cause_is_drawn(by_cause):
    run = by_cause[(by_cause.dataset == "linear") & (by_cause.activation == "sigmoid") & (by_cause.seed == 1)]
    figure = curves.fig4b_gamma(run, {})
    assert len(figure.axes) == 2
    assert all(axes.get_xlabel() for axes in figure.axes[1:])


def test_what_a_penalty_lifts_lies_on_top_of_gamma(by_cause, published):
    lifted = by_cause.assign(gamma_lifted=0.125)
    panels = np.array(curves.fig4b_gamma(lifted, published).axes).reshape(5, 2)
    area = panels[2, 0].collections[-1]
    run = rows(by_cause, "linear", NAMES[0], 1)
    causes = run[list(curves.CAUSES)].sum(axis=1)
    assert area.get_label() == "lifted by the weight penalty"
    assert area.get_paths()[0].vertices[:, 1].max() == pytest.approx(causes.max() + 0.125, abs=1e-15)


def test_activations_and_derivatives(indices, published):
    values, slopes = curves.fig2_activations(indices, published).axes
    assert len(values.lines) == len(slopes.lines) == len(curves.BETAS) + 2
    for line, slope in zip(values.lines, slopes.lines, strict=True):
        h, f = line.get_data()
        np.testing.assert_allclose(
            np.gradient(f, h)[5:-5], slope.get_ydata()[5:-5], atol=0.6 if "ReLU" in line.get_label() else 0.05
        )
    assert [line.get_label() for line in values.lines][-1] == ACTIVATIONS["sigmoid"].label


@pytest.mark.parametrize("draw", [*FIGURES, curves.fig4b_gamma], ids=lambda draw: draw.__name__)
def test_stand_ins_are_marked_and_nothing_else_is(indices, published, draw):
    figure = draw(indices, published)
    marked = [axes.get_title() for axes in figure.axes for text in axes.texts if "STAND-IN" in text.get_text()]
    assert marked == ["nonlinear 3"]
    assert all(axes.get_xlabel() for axes in figure.axes[-2:])


def test_bytes_do_not_depend_on_the_time(indices, published, tmp_path, monkeypatch):
    for name in ("one", "two"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1" if name == "one" else "2000000000")
        style.save(curves.overview(indices, published), tmp_path / f"{name}.png", tmp_path / f"{name}.pdf")
    for ending in ("png", "pdf"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()


def test_a_picture_is_the_same_before_and_after_its_pdf(indices, published, tmp_path):
    for order in (("a.png", "a.pdf"), ("b.pdf", "b.png")):
        style.save(curves.overview(indices, published), *(tmp_path / name for name in order))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_scores_are_labelled_by_what_they_are(indices):
    """A published task, one of one's own with two scores, a regression: each panel says what it shows."""
    one = indices[indices.dataset == "linear"]
    balanced = one.assign(dataset="mine", train_balanced_accuracy=0.25, test_balanced_accuracy=0.75)
    renamed = {"train_accuracy": "train_r2", "test_accuracy": "test_r2"}
    regression = one.rename(columns=renamed).assign(dataset="prices", task="regression")
    figure = curves.accuracy(pd.concat([one, balanced, regression], ignore_index=True), {})
    panels = np.array(figure.axes).reshape(4, 3)
    assert [[axes.get_ylabel() for axes in row] for row in panels] == [
        ["training accuracy", "", "training R²"],
        ["test accuracy", "", "test R²"],
        ["", "training balanced accuracy", ""],
        ["", "test balanced accuracy", ""],
    ]
    assert [[axes.axison for axes in row] for row in panels] == [[True] * 3] * 2 + [[False, True, False]] * 2
    assert [axes.get_xlabel() != "" for axes in panels[:, 0]] == [False, True, False, False]
    assert {tuple(line.get_ydata()) for line in panels[3, 1].lines if len(line.get_ydata())} == {(0.75,) * 5}
    np.testing.assert_array_equal(panels[0, 2].lines[0].get_ydata(), regression.train_r2[:5])
    assert cut(figure) == overlaps(figure) == []


def test_unknown_quantities_are_left_out(indices):
    unknown = indices.assign(alpha_published=indices.alpha_published.where(indices.dataset == "nonlinear"))
    above, _, below, _ = curves.fig3b_alpha(unknown, {}).axes
    assert not above.lines
    assert [text.get_text() for text in above.texts if text.get_text()] == ["not known\nwithout eigenvalues"]
    assert below.lines


@pytest.fixture(scope="module")
def estimates() -> pd.DataFrame:
    """One task, two activations, two seeds, estimated; counted exactly at the last record."""
    settings = {"seeds": 2, "probes": 2, "steps": 4, "resolution": 1e-2}
    runs = {name: synthetic_run(name, synthetic_dataset(), **settings)[2] for name in ("esp", "relu")}
    table = pd.concat(run.assign(dataset="linear", architecture="3", activation=name) for name, run in runs.items())
    last = table["update"] == table["update"].max()
    return drawn(table.assign(alpha_exact=table.alpha.where(last), gamma_exact=table.gamma.where(last)))


@pytest.mark.parametrize(
    ("draw", "x", "quantities"),
    [
        (curves.overview, "update", ["cost", "alpha", "gamma"]),
        (curves.fig3b_alpha, "cost", ["alpha"]),
        (curves.fig4b_gamma, "cost", ["gamma_published", "gamma"]),
    ],
)
def test_estimates_have_bands_and_exact_counts_are_crosses(estimates, published, draw, x, quantities):
    theirs = {("linear", "3", "relu"): next(iter(published.values())).assign(alpha=0.5, gamma=0.5)}
    each = estimates[estimates.of == MEMBER]
    for axes, quantity in zip(draw(estimates, theirs).axes, quantities, strict=False):
        bands = [area for area in axes.collections if area.get_paths()]  # the legend's has none
        crosses = [line for line in axes.lines if line.get_label() == "exact count"]
        if quantity not in ("alpha", "gamma"):
            assert bands == crosses == []
            continue
        assert not any(line.get_label() == style.PUBLISHED for line in axes.lines), "another tolerance"
        for band, (_, run) in zip(bands, each.groupby("activation", sort=False), strict=True):
            ends = [(run[quantity] + sign * run[f"{quantity}_error"]).clip(0, 1) for sign in (-1, 1)]
            medians = np.concatenate([end.groupby(run["update"]).median() for end in ends])
            corners = band.get_paths()[0].vertices
            assert set(medians.round(12)) <= set(corners[:, 1].round(12))
            assert set(run.groupby("update")[x].median().round(12) if x == "cost" else run[x]) <= set(
                corners[:, 0].round(12)
            )
        [points] = crosses
        exact = each[each[f"{quantity}_exact"].notna()]
        np.testing.assert_array_equal(points.get_xydata(), exact[[x, f"{quantity}_exact"]])


def test_flat_directions_whose_symmetries_are_not_known_are_one_cause(estimates):
    run = estimates[(estimates.activation == "esp") & (estimates.seed == 1)].assign(gamma_symmetry=np.nan, gamma_flat=np.nan)
    none = run.assign(gamma=0.0, gamma_rows=0.0)  # in large networks nobody knows what is a symmetry's
    assert "γ is 0 all along" in curves.fig4b_gamma(none, {}).legends[0].get_title().get_text()
    cause = curves.fig4b_gamma(run, {}).axes[2]
    labels = [area.get_label() for area in cause.collections]
    assert labels[:2] == [curves.CAUSES["gamma_rows"][0], curves.EITHER[1][0]]
    assert cause.collections[1].get_paths()[0].vertices[:, 1].max() == pytest.approx(run.gamma.max())


@pytest.mark.parametrize("draw", [curves.overview, curves.fig3b_alpha, curves.fig4b_gamma], ids=lambda draw: draw.__name__)
def test_nothing_is_cut_or_overlaps_beside_estimates(estimates, draw):
    figure = draw(estimates, {})
    assert cut(figure) == overlaps(figure) == pale(figure) == []
    assert "band: what an estimate may be" in [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize(
    "names", [["esp"], pytest.param(list(ACTIVATIONS), marks=pytest.mark.long)], ids=["one activation", "seven activations"]
)
@pytest.mark.parametrize("draw", [*FIGURES, curves.fig2_activations, curves.fig4b_gamma], ids=lambda draw: draw.__name__)
def test_nothing_is_cut_or_overlaps(draw, names):
    dataset = synthetic_dataset(source="stand-in")
    frames = [
        synthetic_run(name, dataset)[2].assign(dataset="nonlinear", architecture="3", activation=name) for name in names
    ]
    table = drawn(pd.concat(frames))
    points = {("nonlinear", "3", name): table[table.activation == name] for name in names}
    for published in ({}, points):
        figure = draw(table, published)
        assert cut(figure) == overlaps(figure) == pale(figure) == []
        assert draw is curves.fig2_activations or smallest(figure, 410) >= 9, "one column is what the README shows so narrow"


@pytest.mark.parametrize("draw", [*FIGURES, curves.fig2_activations, curves.fig4b_gamma], ids=lambda draw: draw.__name__)
def test_the_publication_is_not_named_where_nothing_was_published(indices, draw):
    said = " ".join(text.get_text() for text in texts(draw(indices, {})))
    assert "publi" not in said.replace("STAND-IN DATA, not the published", "")
    assert "Figure" not in said


@pytest.mark.parametrize("draw", [curves.fig3b_alpha, curves.fig4b_gamma])
def test_what_was_published_is_named_where_it_was(indices, published, draw):
    assert "as published" in draw(indices, published).axes[0].get_ylabel()


def test_a_column_is_drawn_of_a_run_s_results(indices, tmp_path):
    (tmp_path / "results/tables").mkdir(parents=True)
    each = indices[indices.of == MEMBER].drop(columns=["of", "alpha_bound"])
    each.to_csv(tmp_path / "results/tables/indices.csv", index=False)
    command = [sys.executable, ROOT / "docs/column.py", "results", ".", "linear", "3", "fig3b_alpha", "overview"]
    subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT / "scripts")}, check=True)
    drawn = [Image.open(tmp_path / f"{name}-linear-3.png") for name in ("fig3b_alpha", "overview")]
    assert {image.width for image in drawn} == {curves.NARROWEST * style.DPI}


@pytest.mark.parametrize("draw", [*FIGURES, curves.fig2_activations, curves.fig4b_gamma], ids=lambda draw: draw.__name__)
def test_a_caption_names_the_paper_only_of_its_runs_the_median_only_of_seeds_and_bands_only_of_estimates(draw):
    caption = Template((ROOT / f"workflow/report/{draw.__name__}.rst").read_text())
    params = {"runs": [], "shifted": False}
    cases = [([], 1, "eigenvalues"), (["a run"], 1, "eigenvalues"), ([], 2, "eigenvalues"), ([], 1, "lanczos")]
    own, paper, seeds, estimated = (
        caption.render(
            snakemake={
                "params": params | {"runs": runs},
                "config": {"seeds": number, "activations": NAMES, "spectrum": {"method": method}},
            }
        )
        for runs, number, method in cases
    )
    assert ("Estimated" in estimated) == (draw in (curves.overview, curves.fig3b_alpha, curves.fig4b_gamma))
    assert "Estimated" not in own + paper + seeds
    assert "paper" not in own
    assert "publi" not in own
    assert "paper" in paper or draw is curves.overview
    assert ("median" in seeds) == (draw is not curves.fig2_activations)
    assert "median" not in own + paper


@pytest.mark.parametrize(("width", "rows"), [(13, 1), (4.2, 2), (1.4, 5)])
def test_a_legend_has_as_few_rows_as_fit(width, rows):
    figure = Figure(figsize=(width, 4), layout="constrained")
    axes = figure.subplots()
    for name in NAMES:
        axes.plot([0, 1], **style.look(name))
    for label in ("another entry", "one more"):
        axes.plot([0, 1], label=label)
    style.legend(figure)
    assert cut(figure) == []
    [legend] = figure.legends
    assert len({round(text.get_window_extent().y0) for text in legend.texts}) == rows
