"""Figures of what was checked: the verdicts, the measured tolerances, both protocols side by side."""

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from meanfield import style
from meanfield.activations import ACTIVATIONS
from meanfield.verdicts import COLOURS, SIGNS


def _label(activation: str) -> str:
    """The activation as figures name it."""
    return ACTIVATIONS[activation].label


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
    labels = {"test_accuracy": "test accuracy, last record"} | {name: style.LABELS[name] for name in ("alpha", "gamma")}
    for axis, (quantity, label) in zip(axes, labels.items(), strict=True):
        for form, look in forms.items():
            if f"{quantity}_{form}" in table:
                axis.scatter(table[f"{quantity}_{form}"], table.index, label=form, **look)
        axis.set_xlabel(label)
        axis.grid(axis="y", color="0.9", lw=0.6)
        axis.set_axisbelow(True)
    marks = [f"{style.mark(source)}  " if style.mark(source) else "" for source in table.source]
    names = table.dataset + " " + table.architecture + " " + table.activation.map(_label)
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
        style.title(column[0], f"{run['dataset']} {run['architecture']}", values.attrs["source"])
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
    for axes_without in (panel for panel in axes.flat if not panel.lines):
        style.unavailable(axes_without, "not measured")
    axes[0, 0].set_ylabel("rounding envelope of the cost")
    axes[1, 0].set_ylabel("unresolved share of α")
    style.legend(figure)
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
    axes.set_yticks(range(len(overview)), [" ".join([*run.split()[:-1], _label(run.split()[-1])]) for run in overview.index])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    patches = [
        Patch(facecolor=COLOURS[verdict], edgecolor="0.6", label=f"{SIGNS[verdict]}  {verdict}") for verdict in COLOURS
    ]
    figure.legend(handles=patches, loc="outside lower center", ncols=4, frameon=False)
    return figure
