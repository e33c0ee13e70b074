"""What verification found, to look at: the verdicts as a figure and as a page, the measured tolerances."""

from html import escape

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from meanfield.data.description import RUN
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

CELL = 0.3  # inches
SAME = {"ls": "", "marker": "|", "ms": 6, "mew": 0.8}


def _labelled(run: str) -> str:
    """A run's name with its activation as figures name it."""
    *place, activation = run.split()
    return " ".join([*place, ACTIVATIONS[activation].label])


def tolerances(runs: list[tuple[dict, xr.Dataset, xr.Dataset]]) -> Figure:
    """What rounding does along training: how far re-trainings lie apart in cost; eigenvalues that no solver resolves from 0.

    `runs` holds for each its name (dataset, architecture, activation), retraining.nc and spectrum.nc. Records at which all
    re-trainings have the same cost are ticks at the foot of a panel; runs all of whose eigenvalues are resolved are named.
    """
    pairs = list(dict.fromkeys((run["dataset"], run["architecture"]) for run, *_ in runs))
    activations = list(dict.fromkeys(run["activation"] for run, *_ in runs))
    shares = [(spectrum.flat - spectrum.zero_rows).isel(seed=0) / spectrum.sizes["mode"] for *_, spectrum in runs]
    rows = 1 + any(share.any() for share in shares)
    figure = Figure(figsize=(max(2.6 * len(pairs), 4.2), 2.2 * rows + 0.8), layout="constrained")
    axes = figure.subplots(rows, len(pairs), sharey="row", squeeze=False)
    for (run, retraining, _), share in zip(runs, shares, strict=True):
        above, *below = axes[:, pairs.index((run["dataset"], run["architecture"]))]
        if not above.lines:
            style.title(above, f"{run['dataset']} {run['architecture']}", retraining.attrs["source"])
        look = style.look(run["activation"]) | {"ms": 3, "markevery": 0.1, "lw": 1.2}
        spread = retraining.cost.max("member")
        above.plot(spread["update"][spread > 0], spread[spread > 0], **look)
        same, place = spread["update"][spread == 0], 0.04 + 0.05 * activations.index(run["activation"])
        above.plot(same, np.full(same.shape, place), color=look["color"], transform=above.get_xaxis_transform(), **SAME)
        if share.any():
            below[0].plot(share["update"], share, **look)
    for axis in axes[-1]:
        axis.set_xlabel("update")
    for axis in (axis for axis in axes[1:].flat if not axis.lines):
        axis.set_axis_off()
    first = axes[0, 0]
    if any((retraining.cost.max("member") == 0).any() for _, retraining, _ in runs):
        first.plot([], [], color="0.3", label="the same cost in every re-training", **SAME)
    first.set(yscale="log", ylabel="spread of the cost\nover re-trainings")
    low, high = first.get_ylim()
    first.set_ylim(low * (low / high) ** (0.06 * len(activations)), high)  # room for the ticks
    for axis in axes[1:, 0]:
        axis.set_ylim(bottom=-0.02)
        axis.set_ylabel("share of eigenvalues\nunresolved from 0")
    resolved = [[run[part] for part in RUN] for (run, *_), share in zip(runs, shares, strict=True) if not share.any()]
    style.legend(figure, f"every eigenvalue is resolved, all along: {style.listed(resolved)}" if resolved else "")
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
        colour = "white" if verdict in DARK else "black"
        axes.text(column, row, SIGNS.get(verdict, ""), ha="center", va="center", color=colour)
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
