"""What verification found, to look at: the verdicts as a figure and as a page, the measured tolerances."""

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from meanfield.figures import style
from meanfield.model.registry import ACTIVATIONS
from meanfield.verification.verdicts import DIFFERS, IDENTICAL, SIGNS, VERDICTS, overview, sentence

_GREENS = ("#1b7837", "#4d9f57", "#7fbf7b", "#a6dba0", "#d9f0d3")
COLOURS = dict(zip(VERDICTS, (*_GREENS, "#b2182b", "#dddddd", "#f7f7f7"), strict=True))

CELL = 0.3  # inches


def _labelled(run: str) -> str:
    """A run's name with its activation as figures name it."""
    *place, activation = run.split()
    return " ".join([*place, ACTIVATIONS[activation].label])


def tolerances(runs: list[tuple[dict, xr.Dataset, xr.Dataset]]) -> Figure:
    """What rounding does along training: how far re-trainings lie apart in cost; eigenvalues that no solver resolves from 0.

    `runs` holds for each its name (dataset, architecture, activation), retraining.nc and spectrum.nc.
    """
    experiments = list(dict.fromkeys((run["dataset"], run["architecture"]) for run, *_ in runs))
    figure = Figure(figsize=(2.6 * max(len(experiments), 2), 4.6), layout="constrained")
    axes = figure.subplots(2, len(experiments), sharex="col", squeeze=False)
    for run, retraining, spectrum in runs:
        above, below = axes[:, experiments.index((run["dataset"], run["architecture"]))]
        look = style.look(run["activation"]) | {"markersize": 3, "markevery": 0.1, "lw": 1.2}
        above.plot(retraining["update"], retraining.cost.max("member"), **look)
        unresolved = (spectrum.flat - spectrum.zero_rows).isel(seed=0) / spectrum.sizes["mode"]
        below.plot(spectrum["update"], unresolved, **look)
        style.title(above, f"{run['dataset']} {run['architecture']}", retraining.attrs["source"])
        above.set_yscale("symlog", linthresh=1e-16)
        above.set_yticks([0, *10.0 ** np.arange(-15, 1, 3)])
        above.minorticks_off()
        below.set(ylim=(-0.01, 0.51), xlabel="update")
    axes[0, 0].set_ylabel("spread of the cost\nover re-trainings")
    axes[1, 0].set_ylabel("share of eigenvalues\nunresolved from 0")
    style.legend(figure)
    return figure


def verdicts(table: pd.DataFrame) -> Figure:
    """The overview of all verdict rows in colours and signs."""
    wide = overview(table)
    drawn = [verdict for verdict in COLOURS if verdict in set(wide.values.ravel())]
    names, runs = [name.replace("_", " ") for name in wide], [_labelled(run) for run in wide.index]
    above = 0.06 * max(map(len, names)) + 0.3  # inches that names take, which stand aslant and reach as far to the right
    width, height = CELL * len(names) + 0.08 * max(map(len, runs)) + above, CELL * len(runs) + above + 0.5 + 0.1 * len(drawn)
    figure = Figure(figsize=(max(width, 4.5), height), layout="constrained")
    axes = figure.subplots()
    order = {verdict: number for number, verdict in enumerate(COLOURS)}
    numbers = wide.apply(lambda column: column.map(order))
    axes.imshow(numbers, cmap=ListedColormap(COLOURS.values()), vmin=-0.5, vmax=len(COLOURS) - 0.5)
    for (row, column), verdict in np.ndenumerate(wide.values):
        dark = verdict in (IDENTICAL, DIFFERS)
        axes.text(column, row, SIGNS.get(verdict, ""), ha="center", va="center", color="white" if dark else "black")
    axes.set_xticks(range(wide.shape[1]), names, rotation=45, ha="left")
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(wide)), runs)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    for verdict in drawn:
        label = f"{SIGNS[verdict]}  {verdict}"
        axes.scatter([], [], marker="s", s=60, facecolor=COLOURS[verdict], edgecolor="0.6", label=label)
    style.legend(figure)
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
