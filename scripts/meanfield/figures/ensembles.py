"""
Figures of an ensemble: α and γ against cost and gradient norm, and for each claim what it is judged by.

Every member is drawn, thin; on top the median over members at each record and the band that holds the central 80 %.
"""

from collections.abc import Callable
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from meanfield.data.description import RUN
from meanfield.ensemble.claims import HOLDS, LACKING, OPEN, OPPOSITE, SEEDS, TOO_FEW, Claim, ClaimTest, compared
from meanfield.ensemble.members import INTERVAL, label
from meanfield.figures import style
from meanfield.model.registry import ACTIVATIONS

AXES = {"cost": "cost ε", "gradient_norm": "gradient norm ‖∇ℓ‖"}
CURVES = style.LABELS | {"zero_residuals": "zero residuals", "bulk_width": "width of the bulk"}
SHOWN = {*RUN, "seed", "update", "source", "gamma_rows", "alpha_error", "gamma_error", *CURVES, *AXES}
"""The columns of indices.csv that are drawn."""
LOGARITHMIC = ("cost", "bulk_width", "gradient_norm")
COLOURS = {HOLDS: "#5B2C83", OPPOSITE: "#B8860B", OPEN: "0.5", TOO_FEW: "0.75"}  # none of an activation
COLOURS |= dict.fromkeys(LACKING.values(), "0.75")
WIDTH, ROW = 9, 0.21  # inches of a claim's figure, in which its type can be read on a page; for one comparison
NETWORKS, PANELS = 3, 2  # of a claim's figure beside each other; panels of tests
SMALL = 8  # points of its smallest type


def _networks(axes: np.ndarray, indices: pd.DataFrame, ylabel: str, draw: Callable[[Axes, pd.DataFrame], None]) -> None:
    """One panel for each dataset (rows) and architecture (columns) of the table, its lines handed to `draw`."""
    datasets, architectures = (list(indices[name].unique()) for name in ("dataset", "architecture"))
    for (row, column), panel in np.ndenumerate(axes):
        runs = indices[(indices.dataset == datasets[row]) & (indices.architecture == architectures[column])]
        if runs.empty:
            panel.set_axis_off()
            continue
        style.title(panel, f"{datasets[row]} {architectures[column]}", runs.source.iloc[0])
        draw(panel, runs)
        labelled = any(other.axison and other.get_ylabel() for other in axes[row])
        if panel.get_subplotspec().is_first_col() or not labelled:
            panel.set_ylabel(ylabel)


def _by_record(run: pd.DataFrame, column: str) -> pd.DataFrame:
    """Median, low and high over the members of one run at each record."""
    groups = run.groupby("update")[column]
    low, high = map(groups.quantile, INTERVAL)
    return pd.DataFrame({"median": groups.median(), "low": low, "high": high})


def _along_training(panel: Axes, runs: pd.DataFrame, column: str) -> None:
    """A column against the update, for each activation: members, band, median."""
    for activation, run in runs.groupby("activation", sort=False):
        _members(panel, activation, run, "update", column, _by_record(run, column).reset_index())
    _key(panel, f"the central {INTERVAL[1] - INTERVAL[0]:.0%}")
    panel.set_xlabel("update")
    if column in LOGARITHMIC:
        style.logarithmic(panel, "y")
    else:
        panel.set_ylim(-0.03, 1.03)


def _members(panel: Axes, activation: str, run: pd.DataFrame, x: str, y: str, band: pd.DataFrame) -> None:
    """Every member of one run, thin; on top the band's median between its low and high, at its x."""
    look = style.look(activation)
    panel.plot(*_as_one_line(run, x, y), color=look["color"], lw=0.3, alpha=0.25)
    panel.fill_between(band[x], band.low, band.high, color=look["color"], alpha=0.2, lw=0)
    panel.plot(band[x], band["median"], **look, lw=1.3, ms=3, markevery=0.15)


def _key(panel: Axes, band: str) -> None:
    """Entries of the legend that say what is thin, bold, and a band."""
    style.key_to_members(panel)
    panel.fill_between([], [], [], color="0.3", alpha=0.2, lw=0, label=f"band: {band}")


def _as_one_line(run: pd.DataFrame, x: str, y: str) -> tuple[np.ndarray, np.ndarray]:
    """The curves of all members as one, with gaps: much faster to draw than one by one."""
    parts = [np.vstack([member[[x, y]].values, [np.nan, np.nan]]) for _, member in run.groupby("seed", sort=False)]
    return tuple(np.concatenate(parts).T)


def _against(panel: Axes, runs: pd.DataFrame, x: str, y: str) -> None:
    """α or γ against cost or gradient norm; the bands are what no solver resolves, between the medians.

    Eigenvalues within ±τ may be negative or zero: α lies between α and α + γ − γ_rows, γ between γ_rows and γ. Errors of
    estimates add to that.
    """
    for activation, run in runs.groupby("activation", sort=False):
        errors = run.reindex(columns=["alpha_error", "gamma_error"]).fillna(0)
        gamma = run.gamma + errors.gamma_error
        alpha = run.alpha - errors.alpha_error, run.alpha + errors.alpha_error + gamma - run.gamma_rows
        ends = [end.clip(0, 1) for end in alpha] if y == "alpha" else (run.gamma_rows, gamma.clip(0, 1))
        medians = run.assign(low=ends[0], high=ends[1]).groupby("update")[[x, y, "low", "high"]].median()
        _members(panel, activation, run, x, y, medians.rename(columns={y: "median"}))
    _key(panel, "unresolved from 0" + (", with errors of estimates" if "alpha_error" in runs else ""))
    style.logarithmic(panel, "x")
    panel.invert_xaxis()
    panel.set(ylim=(-0.02, 1.02), xlabel=AXES[x])


def landscape(indices: pd.DataFrame, x: str) -> Figure:
    """α (upper rows) and γ (lower rows) against `x`, a row each per dataset, a column per architecture."""
    datasets, architectures = indices.dataset.unique(), indices.architecture.unique()
    if not len(datasets):
        figure = Figure(figsize=(6, 3))
        style.unavailable(figure.subplots(), "none of the claims' datasets was run")
        return figure
    figure = Figure(figsize=(2.3 * len(architectures) + 0.4, 4.4 * len(datasets) + 0.6), layout="constrained")
    axes = figure.subplots(2 * len(datasets), len(architectures), squeeze=False)
    for rows, y in ((axes[: len(datasets)], "alpha"), (axes[len(datasets) :], "gamma")):
        _networks(rows, indices, style.LABELS[y], lambda panel, runs, y=y: _against(panel, runs, x, y))
    style.legend(figure)
    return figure


def of_claim(claim: Claim, indices: pd.DataFrame, members: pd.DataFrame, comparisons: pd.DataFrame, tasks: dict) -> Figure:
    """What a claim is judged by over seeds: its curve along training, and each comparison, member by member.

    `tasks` maps the claim's tasks to datasets; `indices`, `members` and `comparisons` are the joint tables.
    """
    mine = comparisons[(comparisons.claim == claim.name) & (comparisons.axis == SEEDS)].reset_index(drop=True)
    names = list(dict.fromkeys(name for test in claim.tests for name in (test.activation, *test.than)))
    datasets = [tasks[task] for task in dict.fromkeys(task for test in claim.tests for task in test.tasks) if task in tasks]
    shown = indices[indices.dataset.isin(datasets) & indices.activation.isin(names)]
    shown = shown.assign(dataset=shown.dataset.map({dataset: task for task, dataset in tasks.items()}))
    rows, networks = shown.dataset.nunique() if claim.curve else 0, shown.architecture.nunique()
    lines = -(-networks // NETWORKS)  # of networks, for each dataset
    across = min(len(claim.tests), PANELS)
    down = -(-len(claim.tests) // across)
    compared_lines = max(3, mine.groupby("test").size().max()) if len(mine) else 3
    upper_height, lower_height = 2.1 * rows * lines, down * (ROW * compared_lines + 1)
    figure = Figure(figsize=(WIDTH, 0.9 + upper_height + lower_height), layout="constrained")
    if shown.empty or mine.empty:
        style.unavailable(figure.subplots(), "not run")
        return figure
    upper, lower = figure.subfigures(2, 1, height_ratios=(max(upper_height, 0.01), lower_height))
    if rows:
        beside = min(networks, NETWORKS)
        axes = upper.subplots(rows * lines, beside, squeeze=False).reshape(rows, lines * beside)
        for panel in axes[:, networks:].flat:
            panel.set_axis_off()
        axes, curve = axes[:, :networks], claim.curve
        _networks(axes, shown, CURVES[curve], lambda panel, runs: _along_training(panel, runs, curve))
    panels = lower.subplots(down, across, squeeze=False).ravel()
    for panel in panels[len(claim.tests) :]:
        panel.set_axis_off()
    for number, (panel, test) in enumerate(zip(panels, claim.tests, strict=False)):
        _comparisons(panel, test, mine[mine.test == number], members, tasks)
    figure.suptitle(f"Figure {claim.figure}: {claim.statement}" if claim.figure[0].isdigit() else claim.statement)
    style.legend(figure)
    return figure


def _comparisons(panel: Axes, test: ClaimTest, rows: pd.DataFrame, members: pd.DataFrame, tasks: dict) -> None:
    """The comparisons of one test, a row each: every member's value, or difference from its rival; the effect on top.

    The effect is the median with its bootstrap interval; for an interval test the median alone, and the interval in grey.
    Members that are estimates have their errors.
    """
    if rows.outcome.isin(LACKING.values()).all():
        why = f"not judged, {rows.outcome.iloc[0]}" if len(rows) else "not run"
        style.unavailable(panel, f"{label(test.measure)}\n{why}")
        return
    names, all_values, all_errors = [], [], []
    for task in test.tasks:
        for architecture, rival, values, errors in compared(test, members[members.dataset == tasks.get(task)]):
            all_values.append(values if test.within else values[:, 0] - values[:, 1])
            all_errors.append(errors)
            names.append(f"{task} {architecture}" + (f" − {ACTIVATIONS[rival[0]].label}" if test.than else ""))
    for place, (values, errors, row) in enumerate(zip(all_values, all_errors, rows.itertuples(), strict=True)):
        height = place + np.linspace(-0.3, 0.3, max(len(values), 1))[: len(values)]
        if errors.any():
            panel.hlines(height, values - errors, values + errors, color=COLOURS[row.outcome], alpha=0.4, lw=0.8)
        panel.scatter(values, height, s=5, color=COLOURS[row.outcome], alpha=0.5, lw=0)
        panel.scatter(values[:1], height[:1], s=18, facecolors="none", edgecolors="black", lw=0.6)  # the published draw
        if test.within:
            panel.plot(np.median(values) if len(values) else np.nan, place, "|", color="black", ms=8)
        else:
            panel.plot([row.low, row.high], [place, place], color="black", lw=1)
            panel.plot(row.effect, place, "|", color="black", ms=8)
    together = np.abs(np.concatenate(all_values)) if all_values else np.zeros(0)
    positive = together[together > 0]
    if positive.size and positive.max() > 100 * np.median(positive):
        panel.set_xscale("symlog", linthresh=float(np.median(positive)))
    else:
        panel.locator_params(axis="x", nbins=3)
        panel.xaxis.set_major_formatter("{x:g}")
    if test.within:
        left, right = panel.get_xlim()
        panel.axvspan(max(test.within[0], left), min(test.within[1], right), color="0.9", zorder=0)
        panel.set_xlim(left, right)
    else:
        panel.axvline(0, color="0.3", lw=0.6, zorder=0)
    panel.set_yticks(range(len(names)), names, fontsize=SMALL)
    panel.set_ylim(len(names) - 0.4, -0.6)
    subject = ACTIVATIONS[test.activation].label
    versus = f" − with {test.than_architecture}" if test.than_architecture else "" if test.within else " − that of the other"
    panel.set_xlabel("\n".join(wrap(f"{label(test.measure)} of {subject}{versus}", 40)), fontsize=SMALL)
    panel.tick_params(axis="x", labelsize=SMALL)
    if any(errors.any() for errors in all_errors):
        panel.plot([], [], color=COLOURS[OPEN], lw=0.8, alpha=0.6, label="line: what an estimate may be")
    for outcome in dict.fromkeys(rows.outcome):
        panel.scatter([], [], s=12, color=COLOURS[outcome], label=outcome)
    panel.scatter([], [], s=18, facecolors="none", edgecolors="black", lw=0.6, label="the first seed")
