"""What verification found, to look at: the verdicts as a figure and as a page, the measured tolerances."""

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from meanfield.figures import style
from meanfield.model.activations import ACTIVATIONS
from meanfield.verification.comparison import DIFFERS, IDENTICAL, VERDICTS
from meanfield.verification.verdicts import SIGNS, overview, sentence

COLOURS = dict(zip(VERDICTS, ("#1b7837", "#5aae61", "#a6dba0", "#d9f0d3", "#b2182b", "#dddddd", "#f7f7f7"), strict=True))


def _labelled(run: str) -> str:
    """A run's name with its activation as figures name it."""
    *place, activation = run.split()
    return " ".join([*place, ACTIVATIONS[activation].label])


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


def verdicts(table: pd.DataFrame) -> Figure:
    """The overview of all verdict rows in colours and signs."""
    wide = overview(table)
    figure = Figure(figsize=(0.62 * wide.shape[1] + 2.4, 0.32 * len(wide) + 2.6), layout="constrained")
    axes = figure.subplots()
    order = {verdict: number for number, verdict in enumerate(COLOURS)}
    axes.imshow(wide.apply(lambda column: column.map(order)), cmap=ListedColormap(COLOURS.values()), vmin=-0.5, vmax=6.5)
    for (row, column), verdict in np.ndenumerate(wide.values):
        dark = verdict in (IDENTICAL, DIFFERS)
        axes.text(column, row, SIGNS.get(verdict, ""), ha="center", va="center", color="white" if dark else "black")
    axes.set_xticks(range(wide.shape[1]), [name.replace("_", " ") for name in wide], rotation=45, ha="left")
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(wide)), [_labelled(run) for run in wide.index])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    patches = [
        Patch(facecolor=COLOURS[verdict], edgecolor="0.6", label=f"{SIGNS[verdict]}  {verdict}") for verdict in COLOURS
    ]
    figure.legend(handles=patches, loc="outside lower center", ncols=4, frameon=False)
    return figure


def page(table: pd.DataFrame) -> str:
    """The overview with coloured cells and the numbers as tooltips: a page of its own."""
    wide = overview(table)
    numbers = table.set_index(["run", "quantity"])

    def tip(run: str, quantity: str) -> str:
        row = numbers.loc[(run, quantity)]
        return f"{row.verdict}: worst {row.worst:.1e}, tolerance {row.tolerance:.1e} ({row.tolerance_from})"

    tips = pd.DataFrame(
        {name: [tip(run, name) if pd.notna(wide.loc[run, name]) else "" for run in wide.index] for name in wide},
        index=wide.index,
    )
    style = wide.fillna("").style.map(lambda verdict: f"background-color: {COLOURS.get(verdict, 'white')}")
    style = style.map(lambda verdict: "color: white" if verdict in (IDENTICAL, DIFFERS) else "").set_tooltips(tips)
    style = style.set_caption(sentence(table)).set_table_styles(
        [{"selector": "td, th", "props": "padding: 4px 6px; font: 12px sans-serif; text-align: left"}]
    )
    page = style.set_uuid("verdicts").to_html()
    return f'<!doctype html><meta charset="utf-8"><title>Verdicts</title>{page}\n'
