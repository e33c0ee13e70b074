"""
What each member of an ensemble came to: one line a member, and the statistics over the members of each run.

A member is one training: a run (dataset, architecture, activation) with one seed of the initial weights or one split.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from meanfield.data.description import RUN
from meanfield.data.storage import diverged_members
from meanfield.data.task import SCORES

LATE = 0.75  # of the updates: `late_fall` looks at what comes after
INTERVAL = (0.1, 0.9)  # quantiles over members: the central 80 %
SHOWN = 100  # members of a run that pictures show; median and interval are of all
MEMBER, MEDIAN, LOW, HIGH = "member", "median", "low", "high"  # what a line of `drawn` is of


Grids = dict[str, pd.DataFrame]
"""The columns of one run's indices.csv, each float64 [seed, update]."""


def _late_fall(run: Grids) -> pd.Series:
    """By which share the cost falls in the last part of the training; NaN if just the last record lies in it."""
    updates = run["cost"].columns
    late = run["cost"].loc[:, updates >= LATE * updates[-1]]
    return 1 - late.iloc[:, -1] / (late.iloc[:, 0] if late.shape[1] > 1 else np.nan)


def _bulk_width_kept(run: Grids) -> pd.Series:
    """The last width of the bulk over the largest; NaN if all are 0."""
    return _last("bulk_width")(run) / _largest("bulk_width")(run).replace(0, np.nan)


def _participation(run: Grids) -> pd.Series | float:
    """The last participation ratio over P; NaN where it was not computed."""
    return _last("participation_ratio")(run) / _last("parameters")(run) if "participation_ratio" in run else np.nan


def _cost_mean(run: Grids) -> np.ndarray:
    """The cost's mean over the updates, by the trapezoidal rule."""
    updates = run["cost"].columns.to_numpy()
    return np.trapezoid(run["cost"], updates, axis=1) / np.ptp(updates)


def _last(column: str) -> Callable[[Grids], pd.Series]:
    """That column at the last record."""
    return lambda run: run[column].iloc[:, -1]


def _largest(column: str) -> Callable[[Grids], pd.Series]:
    """The largest value of that column."""
    return lambda run: run[column].max(axis=1)


FINAL_SCORES = {
    f"{part}_{score}_last": (f"{part}_{score}", f"final {words} {name}")
    for score, name in SCORES.items()
    for part, words in (("train", "training"), ("test", "test"))
}
"""Measures for which a table may lack the column: name → column, label."""

# One run → a number for each member, in the order of its seeds. The label is what tables and figures call it.
MEASURES: dict[str, tuple[str, Callable[[Grids], pd.Series | np.ndarray | float]]] = {
    "cost_mean": ("mean cost over training", _cost_mean),
    "cost_last": ("final cost", _last("cost")),
    "late_fall": ("fall of the cost in the last quarter", _late_fall),
    **{name: (words, _last(column)) for name, (column, words) in FINAL_SCORES.items()},
    "zero_residuals_last": ("final share of zero residuals", _last("zero_residuals")),
    "alpha_mean": ("mean α over the records", lambda run: run["alpha"].mean(axis=1)),
    "alpha_last": ("final α", _last("alpha")),
    "gamma_last": ("final γ", _last("gamma")),
    "gamma_max": ("largest γ", _largest("gamma")),
    "gamma_published_last": ("final γ as published", _last("gamma_published")),
    "gamma_published_max": ("largest γ as published", _largest("gamma_published")),
    "bulk_width_last": ("final width of the bulk", _last("bulk_width")),
    "bulk_width_kept": ("final over largest width of the bulk", _bulk_width_kept),
    "participation": ("participation ratio / P", _participation),
}
NEEDS = {"bulk_width_last": "eigenvalues", "bulk_width_kept": "eigenvalues", "participation": "eigenvectors"}
"""What a measure needs that estimates do not give; it is NaN without."""
ESTIMATED = {"alpha_mean": "alpha", "alpha_last": "alpha", "gamma_last": "gamma", "gamma_max": "gamma"}
"""Measures that estimates have errors of, and the column of indices.csv with which they grow."""
ALL = "all"  # the architecture of the following measures, which span the architectures: of what, how, in words
SPANS: dict[str, tuple[str, Callable[[np.ndarray], float], str]] = {
    "cost_last_range": ("cost_last", np.ptp, "final cost, range over architectures"),
    "cost_last_ratio": (
        "cost_last",
        lambda costs: costs.max() / costs.min(),
        "final cost, largest over smallest architecture's",
    ),
    "test_accuracy_last_range": ("test_accuracy_last", np.ptp, "final test accuracy, range over architectures"),
}
FINAL_TEST = [name for name in FINAL_SCORES if name.startswith("test")]
SUMMARISED = ["cost_mean", "cost_last", *FINAL_TEST, "zero_residuals_last", "alpha_mean", "gamma_last"]


def label(measure: str) -> str:
    """A measure in words."""
    return SPANS[measure][2] if measure in SPANS else MEASURES[measure][0]


def members(indices: pd.DataFrame) -> pd.DataFrame:
    """One line per member of the joint table of indices: its run, seed, MEASURES, `diverged` and `source`.

    The measures of a member that diverged are NaN, and `diverged` is the update; else that is NaN. Of the scores those that
    the table has. Of estimates there is also `{measure}_error` of each in ESTIMATED, and those that need more are NaN.
    """
    absent = [name for name, (column, _) in FINAL_SCORES.items() if column not in indices]
    measures = {name: measure for name, (_, measure) in MEASURES.items() if name not in absent}
    tables = []
    for key, run in indices.groupby(RUN, sort=False):
        wide = run.pivot(index="seed", columns="update").loc[run.seed.unique()]
        grids = {name: wide[name] for name in run.select_dtypes("number") if name not in ("seed", "update")}
        values = {name: measure(grids) for name, measure in measures.items()}
        if "alpha_error" in run:
            values |= dict.fromkeys(NEEDS, np.nan) | {f"{name}_error": _error(grids, name) for name in ESTIMATED}
        diverged = wide.diverged.iloc[:, 0]
        found = pd.DataFrame(values, index=wide.index).mask(diverged.notna())
        ends = {"diverged": diverged, "source": run.source.iloc[0]}
        tables.append(found.assign(**ends).reset_index().assign(**dict(zip(RUN, key, strict=True))))
    result = pd.concat(tables, ignore_index=True)
    return result[[*RUN, *result.columns.drop(RUN)]]


def _error(run: Grids, measure: str) -> pd.Series:
    """How far a measure lies from where it would be with its column at either end of the errors, at all records at once."""
    column, of = ESTIMATED[measure], MEASURES[measure][1]
    ends = [of(run | {column: run[column] + sign * run[f"{column}_error"]}) for sign in (-1, 1)]
    return np.maximum(*(abs(end - of(run)) for end in ends))


def drawn(indices: pd.DataFrame) -> pd.DataFrame:
    """What pictures show of runs: the lines of each one's first SHOWN members and, of several, their summary at each record.

    The column `of` says what a line is of: MEMBER, or MEDIAN, LOW or HIGH (INTERVAL) over all members, column by column; in
    these there is no seed. α and γ have columns `_low` and `_high`, where they are within their errors, themselves if exact;
    `alpha_bound` is the largest α if all eigenvalues within ±τ were negative, too.
    """
    errors = indices.reindex(columns=["alpha_error", "gamma_error"]).fillna(0).set_axis(["alpha", "gamma"], axis=1)
    shares, rows = indices.reindex(columns=["alpha", "gamma"]), indices.reindex(columns=["gamma_rows"]).gamma_rows
    low, high = (shares - errors).clip(lower=0), (shares + errors).clip(upper=1)
    bound = (shares.sum(axis=1, skipna=False) + errors.sum(axis=1) - rows).clip(upper=1)
    indices = indices.assign(**low.add_suffix("_low"), **high.add_suffix("_high"), alpha_bound=bound)
    parts = []
    for key, run in indices.groupby(RUN, sort=False):
        seeds = run.seed.unique()
        parts.append(run[run.seed.isin(seeds[:SHOWN])].assign(of=MEMBER))
        if len(seeds) > 1:
            place = dict(zip(RUN, key, strict=True)) | {"source": run.source.iloc[0]}
            records = run.drop(columns="seed").groupby("update")
            ends = {of: records.quantile(share, numeric_only=True) for of, share in zip((LOW, HIGH), INTERVAL, strict=True)}
            summary = {MEDIAN: records.median(numeric_only=True)} | ends
            parts += [lines.reset_index().assign(of=of, **place) for of, lines in summary.items()]
    return pd.concat(parts, ignore_index=True)


def lines_of(run: pd.DataFrame, of: str) -> pd.DataFrame:
    """Those lines of one run, as `drawn` gives it, that are MEDIAN, LOW or HIGH; of a single member, that one's."""
    lines = run[run.of == of]
    return run if lines.empty else lines


def over_architectures(table: pd.DataFrame) -> pd.DataFrame:
    """Lines of architecture `all` with the measures in SPANS, for each member of each dataset and activation.

    NaN for a seed that lacks an architecture which other members have, or of which one diverged, and for a score that the
    table lacks.
    """
    rows = []
    for (dataset, activation), runs in table.groupby(["dataset", "activation"], sort=False):
        spans = {}
        for name, (measure, span, _) in SPANS.items():
            runs = runs.assign(**{measure: runs.get(measure, np.nan)})
            values = runs.pivot(index="seed", columns="architecture", values=measure)
            spans[name] = values.apply(lambda seed, span=span: span(seed.to_numpy()), axis=1)  # NaN if one is
        place = {"dataset": dataset, "architecture": ALL, "activation": activation}
        rows.append(pd.DataFrame(spans).reset_index().assign(**place))
    return pd.concat(rows) if rows else pd.DataFrame(columns=[*RUN, "seed", *SPANS])


def statistics(table: pd.DataFrame) -> pd.DataFrame:
    """One line per run: how many members, which diverged, and of the others median and central 80 % of SUMMARISED.

    Of estimates also the largest of the members' errors.
    """
    rows = []
    for key, run in table.groupby(RUN, sort=False):
        row = dict(zip(RUN, key, strict=True)) | {"members": len(run), "diverged": diverged_members(run.diverged, run.seed)}
        for name in filter(run.columns.__contains__, SUMMARISED):
            low, high = run[name].quantile(INTERVAL)
            row |= {f"{name}_median": run[name].median(), f"{name}_low": low, f"{name}_high": high}
            if f"{name}_error" in run:
                row[f"{name}_error"] = run[f"{name}_error"].max()
        rows.append(row | {"source": run.source.iloc[0]})
    return pd.DataFrame(rows)
