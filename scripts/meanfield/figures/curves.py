"""
The paper's figures along training, from what `ensemble.members.drawn` makes of the indices; on top the published points.

Each function returns a matplotlib figure: one column of panels per dataset and architecture, one curve per activation; a
table of one dataset and architecture gives that column alone. With several seeds each is thin, and their median bold. Where
α and γ are estimates, a band around their curve holds what they may be, and crosses are exact counts, if there are any.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from meanfield.data.description import RUN
from meanfield.data.task import SCORES, scores_in
from meanfield.ensemble.members import MEDIAN, MEMBER, lines_of
from meanfield.figures import style
from meanfield.model.registry import ACTIVATIONS

Published = dict[tuple[str, str, str], pd.DataFrame]
"""`quantities.published_columns` of the runs (dataset, architecture, activation) whose published arrays are at hand."""

CURVE = {"lw": 1.2, "ms": 3, "markevery": 0.1}
COST, UPDATE = style.LABELS["cost"], "update"
CAUSES = {
    "gamma_rows": ("exactly zero rows", "0.25"),
    "gamma_symmetry": ("by a symmetry", "0.55"),
    "gamma_flat": ("numerically flat, |λ| ≤ τ", "0.85"),
}
"""γ by cause: column of the table; its legend and grey."""
EITHER = ("gamma_either", ("by a symmetry or numerically flat", "0.7"))  # where those two were not told apart
LIFTED = {"facecolor": "none", "edgecolor": "0.55", "hatch": "////", "lw": 0}
BETAS = (0.3, 1, 10)  # of the ESP curves in figure 2
NARROWEST = 4.2  # inches of a figure


def _columns(
    indices: pd.DataFrame, rows: int, height: float, below: int = 0
) -> tuple[Figure, list[tuple[np.ndarray, pd.DataFrame]]]:
    """A figure with `rows` panels, each `height` inches high, per dataset and architecture; and those with their lines.

    More rows are added for so many panels `below`.
    """
    experiments = [runs for _, runs in indices.groupby(RUN[:2], sort=False)]
    rows += -(-below // len(experiments))
    figure = Figure(figsize=(max(2.6 * len(experiments), NARROWEST), height * rows + 0.6), layout="constrained")
    axes = figure.subplots(rows, len(experiments), squeeze=False)
    for column, runs in zip(axes.T, experiments, strict=True):
        style.title(column[0], " ".join(runs[RUN[:2]].iloc[0]), runs.source.iloc[0])
    return figure, list(zip(axes.T, experiments, strict=True))


def _curves(axes: Axes, runs: pd.DataFrame, x: str, y: str) -> None:
    """Column y against column x: one curve per activation; of several seeds each thin, and at each record their median.

    None where y is unknown (inertia gives no λ < 0).
    """
    known, bold = runs[runs[y].notna()], {}
    for activation, run in known.groupby("activation", sort=False):
        if MEDIAN in run.of.values:
            for _, member in run[run.of == MEMBER].groupby("seed", sort=False):
                axes.plot(member[x], member[y], color=style.colour(activation), **style.MEMBER)
            run, bold = run[run.of == MEDIAN], {"lw": 1.8}
        axes.plot(run[x], run[y], **style.look(activation) | CURVE | bold)
    if bold:
        style.key_to_members(axes, runs.seed.nunique())


def _bands(axes: Axes, runs: pd.DataFrame, x: str, y: str) -> None:
    """What an estimated column y may be, around its curve; of several seeds the median of either end.

    Crosses are exact shares, of all seeds.
    """
    if f"{y}_error" in runs:
        for activation, run in runs.groupby("activation", sort=False):
            look = {"color": style.colour(activation), "alpha": style.BAND, "lw": 0, "zorder": 1}
            band = lines_of(run, MEDIAN)
            axes.fill_between(band[x], band[f"{y}_low"], band[f"{y}_high"], **look)
        axes.fill_between([], [], color="0.3", alpha=style.BAND, lw=0, label="band: what an estimate may be")
    if f"{y}_exact" in runs and len(exact := runs[runs[f"{y}_exact"].notna() & (runs.of == MEMBER)]):
        axes.plot(exact[x], exact[f"{y}_exact"], ls="", label="exact count", **style.EXACT)


def _points(axes: Axes, runs: pd.DataFrame, published: Published, x: str, y: str) -> None:
    """The published points of the same runs, up to their last update; none beside estimates, which have another τ."""
    if f"{y}_error" in runs:
        return
    for run, ours in runs.groupby(RUN, sort=False):
        if run in published and y in published[run]:
            theirs = published[run][published[run]["update"] <= ours["update"].max()]
            axes.plot(theirs[x], theirs[y], **style.points(run[-1]))


def _scales(axes: Axes, x: str, y: str) -> None:
    """A logarithmic cost, decreasing to the right as training goes; shares from 0 to 1; a word if nothing is drawn."""
    if not axes.lines:
        style.unavailable(axes, "not known\nwithout eigenvalues")
        return
    if x == "cost":
        style.logarithmic(axes, "x")
        axes.invert_xaxis()
    if y == "cost":
        style.logarithmic(axes, "y")
    else:
        axes.set_ylim(min(-0.03, axes.dataLim.y0), 1.03)  # R² may be negative


def _quantities(panels: Sequence[Axes], runs: pd.DataFrame, published: Published, x: str, names: Iterable[str]) -> None:
    """Each column named against column x, in a panel of its own."""
    for axes, quantity in zip(panels, names, strict=True):
        _curves(axes, runs, x, quantity)
        _bands(axes, runs, x, quantity)
        _points(axes, runs, published, x, quantity)
        _scales(axes, x, quantity)


def _along(indices: pd.DataFrame, published: Published, x: str, rows: dict[str, str], height: float = 2.4) -> Figure:
    """One row of panels per quantity (column: label) against column x."""
    figure, columns = _columns(indices, len(rows), height)
    for column, runs in columns:
        _quantities(column, runs, published, x, rows)
        column[-1].set_xlabel(COST if x == "cost" else UPDATE)
    for axes, label in zip(columns[0][0], rows.values(), strict=True):
        axes.set_ylabel(label)
    style.legend(figure)
    return figure


def overview(indices: pd.DataFrame, published: Published) -> Figure:
    """Cost, α and γ against the update, all runs at a glance."""
    return _along(indices, {}, "update", style.LABELS, height=2)


def fig3a_cost(indices: pd.DataFrame, published: Published) -> Figure:
    """Figure 3a: the cost against the update."""
    return _along(indices, published, "update", {"cost": COST})


def fig3b_alpha(indices: pd.DataFrame, published: Published) -> Figure:
    """Figure 3b: α against the cost; above every λ < 0, as published, if that is known; below resolved (λ < −τ)."""
    signs = {"alpha_published": f"α {'as published' if published else 'by sign'}, λ < 0"}
    rows = (signs if indices.alpha_published.notna().any() else {}) | {"alpha": "α resolved, λ < −τ"}
    return _along(indices, published, "cost", rows)


def fig4a_zero_residuals(indices: pd.DataFrame, published: Published) -> Figure:
    """Figure 4 left: the share of training samples with a residual of zero against the update."""
    return _along(indices, published, "update", {"zero_residuals": "share of zero residuals"})


def accuracy(indices: pd.DataFrame, published: Published) -> Figure:
    """The scores of each task, accuracy or R², on the training and the test set against the cost.

    A panel is labelled where the one to its left has another score, or none.
    """
    parts = {"train": "training", "test": "test"}
    most = max(1, *(len(scores_in(runs.dropna(axis=1, how="all"))) for _, runs in indices.groupby(RUN[:2])))
    figure, columns = _columns(indices, len(parts) * most, 2.4)
    left = [""] * len(parts) * most
    for panels, runs in columns:
        scores = scores_in(runs.dropna(axis=1, how="all"))
        rows = {f"{part}_{score}": f"{words} {SCORES[score]}" for score in scores for part, words in parts.items()}
        _quantities(panels[: len(rows)], runs, published, "cost", rows)
        for axes, label, beside in zip(panels, rows.values(), left, strict=False):
            axes.set_ylabel(label if label != beside else "")
        panels[len(rows) - 1].set_xlabel(COST)
        for axes in panels[len(rows) :]:
            axes.set_axis_off()
        left = [*rows.values(), *[""] * (len(panels) - len(rows))]
    style.legend(figure)
    return figure


def fig4b_gamma(indices: pd.DataFrame, published: Published) -> Figure:
    """Figure 4 right: γ by exactly zero rows, as published, and resolved, against the cost; below, γ by cause.

    By cause are drawn the runs, of several seeds the first, that have a γ above 0 at any record; the others are named.
    """
    rows = {
        "gamma_published": f"γ {'as published,' if published else 'by'}\nzero rows",
        "gamma": "γ resolved,\n|λ| ≤ τ",
    }
    first = indices[indices.groupby(RUN).seed.transform("min") == indices.seed]
    one = ", first seed" if len(first) < len(indices) else ""
    runs = list(first.groupby(RUN, sort=False))
    flat = [(name, run) for name, run in runs if (run.filter(items=["gamma", *CAUSES, "gamma_lifted"]) > 0).any(axis=None)]
    figure, columns = _columns(indices, len(rows), 1.9, below=len(flat))
    for panels, pair in columns:
        _quantities(panels[:2], pair, published, "cost", rows)
        panels[1].set_xlabel(COST)
    for axes, label in zip(columns[0][0], rows.values(), strict=False):
        axes.set_ylabel(label)
    grid = np.transpose([panels[len(rows) :] for panels, _ in columns])
    for axes, (name, run) in zip(grid.flat, flat, strict=False):
        _causes(axes, run)
        axes.set_title(f"{' '.join(name[:2])}\n{ACTIVATIONS[name[2]].label}", fontsize="medium")
        axes.set_xlabel(UPDATE)
    for axes in grid.flat[len(flat) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel("γ by cause" + one)
    zero = [name for name, _ in runs if name not in dict(flat)]
    style.legend(figure, f"γ is 0 all along{one}: {style.listed(zero)}" if zero else "")
    return figure


def _causes(axes: Axes, run: pd.DataFrame) -> None:
    """γ of one run against the update: the causes on top of each other, the curve around them."""
    bottom, causes = np.zeros(len(run)), CAUSES
    if run.gamma_symmetry.isna().any():
        causes = dict([next(iter(CAUSES.items())), EITHER])
        run = run.assign(**{EITHER[0]: run.gamma - run.gamma_rows})
    for name, (label, grey) in causes.items():
        height = bottom + run[name].to_numpy()
        axes.fill_between(run["update"], bottom, height, color=grey, lw=0, label=label)
        bottom = height
    if "gamma_lifted" in run:
        axes.fill_between(run["update"], bottom, bottom + run.gamma_lifted, label="lifted by the weight penalty", **LIFTED)
    axes.plot(run["update"], run.gamma, **style.look(run.activation.iloc[0]) | CURVE | {"label": None})
    _bands(axes, run, "update", "gamma")
    axes.set_ylim(-0.03, 1.03)


def fig2_activations(indices: pd.DataFrame, published: Published) -> Figure:
    """Figure 2: the activations of the runs and their derivatives with respect to h; ESP for several β."""
    h = np.linspace(-6, 6, 601)
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    panels = figure.subplots(1, 2)
    for name in indices.activation.unique():
        activation = ACTIVATIONS[name]
        for beta in BETAS if activation.trainable_beta else (1,):
            result = activation.derivatives(h, np.full_like(h, beta))
            look = style.look(name) | {"lw": 1.4, "ms": 4, "markevery": 60}
            if activation.trainable_beta:
                look |= {"alpha": {BETAS[0]: 0.4, BETAS[1]: 0.7}.get(beta, 1), "label": f"{activation.label}, β = {beta}"}
            for axes, values in zip(panels, (result.value, result.h), strict=True):
                axes.plot(h, np.broadcast_to(values, h.shape), **look)
    panels[0].set(xlabel="pre-activation h", ylabel="activation f(h)", ylim=(-1, 4))
    panels[1].set(xlabel="pre-activation h", ylabel="derivative ∂f/∂h")
    style.legend(figure)
    return figure
