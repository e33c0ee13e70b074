"""
The paper's figures along training, from the joint table of indices; the published points, where at hand, on top of ours.

Each function returns a matplotlib figure: one column of panels per dataset and architecture, one curve per activation. With
several seeds the first, which is the published draw, is drawn in full and the others thin.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from meanfield.data.storage import RUN
from meanfield.data.task import SCORES, scores_in
from meanfield.figures import style
from meanfield.model.registry import ACTIVATIONS

Published = dict[tuple[str, str, str], pd.DataFrame]
"""`quantities.published_columns` of the runs (dataset, architecture, activation) whose published arrays are at hand."""

COST, UPDATE = style.LABELS["cost"], "update"
CAUSES = {
    "gamma_rows": ("exactly zero rows", "0.25"),
    "gamma_symmetry": ("by a symmetry", "0.55"),
    "gamma_flat": ("numerically flat, |λ| ≤ τ", "0.85"),
}
"""γ by cause: column of the table; its legend and grey."""
LIFTED = {"facecolor": "none", "edgecolor": "0.55", "hatch": "////", "lw": 0}
BETAS = (0.3, 1, 10)  # of the ESP curves in figure 2


def _columns(indices: pd.DataFrame, rows: int, height: float) -> tuple[Figure, list[tuple[np.ndarray, pd.DataFrame]]]:
    """A figure with `rows` panels, each `height` inches high, per dataset and architecture; and those with their lines."""
    experiments = [runs for _, runs in indices.groupby(RUN[:2], sort=False)]
    figure = Figure(figsize=(2.6 * max(len(experiments), 2), height * rows + 0.6), layout="constrained")
    axes = figure.subplots(rows, len(experiments), squeeze=False)
    for column, runs in zip(axes.T, experiments, strict=True):
        style.title(column[0], " ".join(runs[RUN[:2]].iloc[0]), runs.source.iloc[0])
    return figure, list(zip(axes.T, experiments, strict=True))


def _curves(axes: Axes, runs: pd.DataFrame, x: str, y: str) -> None:
    """Column y against column x: one curve per activation and seed; none where y is unknown (inertia gives no λ < 0)."""
    for (activation, seed), run in runs[runs[y].notna()].groupby(["activation", "seed"], sort=False):
        look = style.look(activation) | {"lw": 1.2, "ms": 3, "markevery": 0.1}
        if seed != runs.seed.min():
            look |= {"label": None, "lw": 0.5, "alpha": 0.4, "marker": None}
        axes.plot(run[x], run[y], **look)


def _points(axes: Axes, runs: pd.DataFrame, published: Published, x: str, y: str) -> None:
    """The published points of the same runs, up to their last update."""
    for run, ours in runs.groupby(RUN, sort=False):
        if run in published and y in published[run]:
            theirs = published[run][published[run]["update"] <= ours["update"].max()]
            axes.plot(theirs[x], theirs[y], **style.points(run[-1]))


def _scales(axes: Axes, x: str, y: str) -> None:
    """A logarithmic cost, decreasing to the right as training goes; shares from 0 to 1; a word if nothing is drawn."""
    if not axes.lines:
        style.unavailable(axes, "not available (inertia)")
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
    """Figure 3b: α against the cost; above as published (λ < 0), below resolved (λ < −τ)."""
    rows = {"alpha_published": "α as published, λ < 0", "alpha": "α resolved, λ < −τ"}
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
    """Figure 4 right: γ as published and resolved against the cost; below, for each activation, γ by cause."""
    activations = list(indices.activation.unique())
    rows = {"gamma_published": "γ as published,\nzero rows", "gamma": "γ resolved,\n|λ| ≤ τ"}
    figure, columns = _columns(indices, len(rows) + len(activations), 1.9)
    for (first, second, *below), runs in columns:
        _quantities((first, second), runs, published, "cost", rows)
        for axes in (first, second):
            axes.set_xlabel(COST)
        for axes, activation in zip(below, activations, strict=True):
            run = runs[(runs.activation == activation) & (runs.seed == runs.seed.min())]
            bottom = np.zeros(len(run))
            for name, (label, grey) in CAUSES.items():
                height = bottom + run[name].to_numpy()
                axes.fill_between(run["update"], bottom, height, color=grey, lw=0, label=label)
                bottom = height
            if "gamma_lifted" in run:
                axes.fill_between(
                    run["update"], bottom, bottom + run.gamma_lifted, label="lifted by the weight penalty", **LIFTED
                )
            look = style.look(activation) | {"lw": 1.2, "ms": 3, "markevery": 0.1, "label": None}
            axes.plot(run["update"], run.gamma, **look)
            axes.set_ylim(-0.03, 1.03)
        below[-1].set_xlabel(UPDATE)
    labels = [*rows.values(), *(f"γ of {ACTIVATIONS[name].label},\nby cause" for name in activations)]
    for axes, label in zip(columns[0][0], labels, strict=True):
        axes.set_ylabel(label)
    style.legend(figure)
    return figure


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
