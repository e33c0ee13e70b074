"""Figures from the tables alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogFormatterMathtext, NullFormatter

from meanfield import style
from meanfield.verdicts import COLOURS, SIGNS

QUANTITIES = {"cost": "cost ε", "alpha": "descent share α", "gamma": "flat share γ"}
METADATA = {"pdf": {"CreationDate": None}, "png": {}}


def overview(indices: pd.DataFrame) -> Figure:
    """Cost, α and γ against the update: one column per dataset and architecture, one curve per activation and seed.

    `indices` is the joint table results/tables/indices.csv.
    """
    experiments = list(indices.groupby(["dataset", "architecture"], sort=False))
    size = (2.6 * max(len(experiments), 2), 6.2)
    figure = Figure(figsize=size)
    axes = figure.subplots(len(QUANTITIES), len(experiments), sharex="col", squeeze=False)
    for column, ((dataset, architecture), table) in zip(axes.T, experiments, strict=True):
        column[0].set_title(f"{dataset} {architecture}", pad=16)
        mark = style.mark(table.source.iloc[0])
        column[0].text(0.5, 1.03, mark, color=style.MARK_COLOUR, size=7, ha="center", transform=column[0].transAxes)
        for (activation, seed), run in table.groupby(["activation", "seed"], sort=False):
            look = style.look(activation) | ({} if seed == table.seed.min() else {"label": None})
            for axis, quantity in zip(column, QUANTITIES, strict=True):
                axis.plot(run.epoch, run[quantity], markersize=3, markevery=0.1, lw=1.2, **look)
        column[0].set_yscale("log")
        column[0].yaxis.set_minor_formatter(NullFormatter())
        column[0].yaxis.set_major_formatter(LogFormatterMathtext(labelOnlyBase=False))
        for axis in column[1:]:
            axis.set_ylim(-0.03, 1.03)
        column[-1].set_xlabel("update")
    for axis, label in zip(axes[:, 0], QUANTITIES.values(), strict=True):
        axis.set_ylabel(label)
    figure.align_ylabels(axes[:, 0])
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(labels), frameon=False)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    return figure


def deviations(table: pd.DataFrame) -> Figure:
    """`tables.deviations` as dots: one row a run; published (circle), resolved (diamond), corrected (filled square)."""
    table = table[table.seed == table.seed.min()].reset_index(drop=True)
    figure = Figure(figsize=(9, 0.28 * len(table) + 1.6), layout="constrained")
    axes = figure.subplots(1, 3, sharey=True)
    colours = [style.colour(name) for name in table.activation]
    forms = {
        "published": {"marker": "o", "facecolors": "none", "edgecolors": colours, "s": 60},
        "resolved": {"marker": "D", "facecolors": "none", "edgecolors": colours, "s": 20},
        "corrected": {"marker": "s", "c": colours, "s": 14},
    }
    labels = {"test_accuracy": "test accuracy, last record", "alpha": "descent share α", "gamma": "flat share γ"}
    for axis, (quantity, label) in zip(axes, labels.items(), strict=True):
        for form, look in forms.items():
            if f"{quantity}_{form}" in table:
                axis.scatter(table[f"{quantity}_{form}"], table.index, label=form, **look)
        axis.set_xlabel(label)
        axis.grid(axis="y", color="0.9", lw=0.6)
        axis.set_axisbelow(True)
    marks = [f"{style.mark(source)}  " if style.mark(source) else "" for source in table.source]
    names = table.dataset + " " + table.architecture + " " + table.activation
    axes[0].set_yticks(table.index, [mark + name for mark, name in zip(marks, names, strict=True)])
    axes[0].invert_yaxis()
    handles = [
        Line2D([], [], ls="", color="0.3", marker="o", mfc="none", ms=8, label="as published"),
        Line2D([], [], ls="", color="0.3", marker="D", mfc="none", ms=5, label="published protocol, resolved beyond τ"),
        Line2D([], [], ls="", color="0.3", marker="s", ms=4, label="corrected protocol, resolved"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    return figure


def tolerances(noise: list[tuple[dict, xr.Dataset]]) -> Figure:
    """The measured tolerances along training: the cost's rounding envelope, the share of eigenvalues that none resolves.

    `noise` pairs a run (dataset, architecture, activation) with its noise.nc.
    """
    experiments = list(dict.fromkeys((run["dataset"], run["architecture"]) for run, _ in noise))
    figure = Figure(figsize=(2.6 * max(len(experiments), 2), 4.6), layout="constrained")
    axes = figure.subplots(2, len(experiments), sharex="col", squeeze=False)
    for run, values in noise:
        column = axes[:, experiments.index((run["dataset"], run["architecture"]))]
        column[0].set_title(f"{run['dataset']} {run['architecture']}")
        curves = {
            "cost_envelope": lambda v: v.cost_envelope,
            "alpha_low_solver": lambda v: v.alpha_high_solver - v.alpha_low_solver,
        }
        for axis, (name, curve) in zip(column, curves.items(), strict=True):
            if name in values:
                look = style.look(run["activation"])
                axis.plot(values.epoch, curve(values), markersize=3, markevery=0.1, lw=1.2, **look)
        column[0].set_yscale("symlog", linthresh=1e-10)
        column[1].set(ylim=(-0.01, 0.51), xlabel="update")
    axes[0, 0].set_ylabel("rounding envelope of the cost")
    axes[1, 0].set_ylabel("unresolved share of α")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def verdicts(overview: pd.DataFrame) -> Figure:
    """The table of verdicts (`meanfield.verdicts.overview`) in colours and signs."""
    figure = Figure(figsize=(0.62 * overview.shape[1] + 2.4, 0.32 * len(overview) + 2.6), layout="constrained")
    axes = figure.subplots()
    order = {verdict: number for number, verdict in enumerate(COLOURS)}
    axes.imshow(overview.apply(lambda column: column.map(order)), cmap=ListedColormap(COLOURS.values()), vmin=-0.5, vmax=6.5)
    for (row, column), verdict in np.ndenumerate(overview.values):
        dark = verdict in ("identical", "differs")
        axes.text(column, row, SIGNS.get(verdict, ""), ha="center", va="center", color="white" if dark else "black")
    axes.set_xticks(range(overview.shape[1]), [name.replace("_", " ") for name in overview], rotation=45, ha="left")
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(overview)), overview.index)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    patches = [
        Patch(facecolor=COLOURS[verdict], edgecolor="0.6", label=f"{SIGNS[verdict]}  {verdict}") for verdict in COLOURS
    ]
    figure.legend(handles=patches, loc="outside lower center", ncols=4, frameon=False)
    return figure


def save(figure: Figure, *paths: str | Path) -> None:
    """Write the figure to each path, by its ending; the bytes do not depend on the time."""
    for path in paths:
        figure.savefig(path, dpi=150, metadata=METADATA[Path(path).suffix[1:]])
