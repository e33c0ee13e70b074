"""What verification found, to look at: the verdicts as a figure and as a page, the measured tolerances."""

from html import escape

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from meanfield.figures import pages, style
from meanfield.model.registry import ACTIVATIONS
from meanfield.verification.verdicts import DIFFERS, IDENTICAL, SIGNS, VERDICTS, overview, sentence

_GREENS = ("#1b7837", "#4d9f57", "#7fbf7b", "#a6dba0", "#d9f0d3")
COLOURS = dict(zip(VERDICTS, (*_GREENS, "#b2182b", "#dddddd", "#f7f7f7"), strict=True))
DARK = (IDENTICAL, DIFFERS)  # colours on which a sign is white
GRID = """
.grid th + th { writing-mode: vertical-rl; padding: 3px 3px 8px; text-align: right; font-weight: normal; }
.grid td + td { text-align: center; min-width: 24px; border-left: 1px solid white; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 8px 0; padding: 0; }
.legend span { display: inline-block; width: 24px; text-align: center; border: 1px solid #ddd; }
"""


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
    figure = Figure(figsize=(max(0.62 * wide.shape[1] + 2.4, 4.5), 0.32 * len(wide) + 3), layout="constrained")
    axes = figure.subplots()
    order = {verdict: number for number, verdict in enumerate(COLOURS)}
    numbers = wide.apply(lambda column: column.map(order))
    axes.imshow(numbers, cmap=ListedColormap(COLOURS.values()), vmin=-0.5, vmax=len(COLOURS) - 0.5)
    for (row, column), verdict in np.ndenumerate(wide.values):
        axes.text(
            column, row, SIGNS.get(verdict, ""), ha="center", va="center", color="white" if verdict in DARK else "black"
        )
    axes.set_xticks(range(wide.shape[1]), [name.replace("_", " ") for name in wide], rotation=45, ha="left")
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(wide)), [_labelled(run) for run in wide.index])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    for verdict in (name for name in COLOURS if name in set(table.verdict)):
        label = f"{SIGNS[verdict]}  {verdict}"
        axes.scatter([], [], marker="s", s=60, facecolor=COLOURS[verdict], edgecolor="0.6", label=label)
    style.legend(figure)
    return figure


def page(table: pd.DataFrame) -> str:
    """The overview, a sign in each coloured cell, its numbers on pointing at it; the legend; every comparison in a table."""
    wide, rows = overview(table), table.set_index(["run", "quantity"])
    number = {verdict: f"verdict-{place}" for place, verdict in enumerate(COLOURS)}
    colours = "".join(
        f".{number[verdict]} {{ background: {colour}; color: {'white' if verdict in DARK else '#222'}; }}\n"
        for verdict, colour in COLOURS.items()
    )

    def cell(run: str, quantity: str) -> str:
        if pd.isna(verdict := wide.loc[run, quantity]):
            return "<td></td>"
        row = rows.loc[(run, quantity)]
        tip = f"{verdict}: worst {row.worst:.1e}, tolerance {row.tolerance:.1e} ({row.tolerance_from})"
        return f'<td class="{number[verdict]}" title="{escape(tip)}">{SIGNS[verdict]}</td>'

    heads = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in ("run", *wide))
    lines = [f"<tr><td>{escape(run)}</td>{''.join(cell(run, name) for name in wide)}</tr>" for run in wide.index]
    head = f'<table class="grid" data-frozen="1"><thead><tr>{heads}</tr></thead>'
    grid = "\n".join([head, "<tbody>", *lines, "</tbody></table>"])
    found = [verdict for verdict in COLOURS if verdict in set(table.verdict)]
    legend = "".join(
        f'<li><span class="{number[verdict]}">{SIGNS[verdict]}</span> {escape(verdict)}</li>' for verdict in found
    )
    content = [
        "<h1>Verdicts on every published number</h1>", f"<p>{escape(sentence(table))}.</p>",
        f'<ul class="legend">{legend}</ul>', pages.scrolling(grid, "Verdicts by run and quantity"),
        "<h2>Every comparison</h2>", pages.tabulated(table[table.worst.notna()], "Every comparison"), pages.SORTING,
    ]  # fmt: skip
    return pages.page("Verdicts", "\n".join(content), pages.TABLES + GRID + colours)
