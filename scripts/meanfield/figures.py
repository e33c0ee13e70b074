"""Figures from the tables alone."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterMathtext, NullFormatter

from meanfield import style

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


def save(figure: Figure, *paths: str | Path) -> None:
    """Write the figure to each path, by its ending; the bytes do not depend on the time."""
    for path in paths:
        figure.savefig(path, dpi=150, metadata=METADATA[Path(path).suffix[1:]])
