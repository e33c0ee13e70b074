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


def _late_fall(run: pd.DataFrame) -> float:
    """By which share the cost falls in the last part of the training; NaN if just the last record lies in it."""
    late = run[run["update"] >= LATE * run["update"].iloc[-1]]
    return 1 - late.cost.iloc[-1] / late.cost.iloc[0] if len(late) > 1 else np.nan


def _bulk_width_kept(run: pd.DataFrame) -> float:
    """The last width of the bulk over the largest; NaN if all are 0."""
    return run.bulk_width.iloc[-1] / run.bulk_width.max() if run.bulk_width.max() > 0 else np.nan


def _participation(run: pd.DataFrame) -> float:
    """The last participation ratio over P; NaN where it was not computed."""
    return run.participation_ratio.iloc[-1] / run.parameters.iloc[-1] if "participation_ratio" in run else np.nan


FINAL_SCORES = {
    f"{part}_{score}_last": (f"{part}_{score}", f"final {words} {name}")
    for score, name in SCORES.items()
    for part, words in (("train", "training"), ("test", "test"))
}
"""Measures for which a table may lack the column: name → column, label."""

# One member's lines of indices.csv, in order → a number. The label is what tables and figures call it.
MEASURES: dict[str, tuple[str, Callable[[pd.DataFrame], float]]] = {
    "cost_mean": ("mean cost over training", lambda run: np.trapezoid(run.cost, run["update"]) / np.ptp(run["update"])),
    "cost_last": ("final cost", lambda run: run.cost.iloc[-1]),
    "late_fall": ("fall of the cost in the last quarter", _late_fall),
    **{name: (words, lambda run, column=column: run[column].iloc[-1]) for name, (column, words) in FINAL_SCORES.items()},
    "zero_residuals_last": ("final share of zero residuals", lambda run: run.zero_residuals.iloc[-1]),
    "alpha_mean": ("mean α over the records", lambda run: run.alpha.mean()),
    "alpha_last": ("final α", lambda run: run.alpha.iloc[-1]),
    "gamma_last": ("final γ", lambda run: run.gamma.iloc[-1]),
    "gamma_max": ("largest γ", lambda run: run.gamma.max()),
    "gamma_published_last": ("final γ as published", lambda run: run.gamma_published.iloc[-1]),
    "gamma_published_max": ("largest γ as published", lambda run: run.gamma_published.max()),
    "bulk_width_last": ("final width of the bulk", lambda run: run.bulk_width.iloc[-1]),
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
    rows = []
    for key, run in indices.groupby([*RUN, "seed"], sort=False):
        diverged = run.diverged.iloc[0]
        values = {name: measure(run) if np.isnan(diverged) else np.nan for name, measure in measures.items()}
        if "alpha_error" in run:
            values |= dict.fromkeys(NEEDS, np.nan) | {f"{name}_error": _error(run, name) for name in ESTIMATED}
        member = dict(zip([*RUN, "seed"], key, strict=True))
        rows.append(member | values | {"diverged": diverged, "source": run.source.iloc[0]})
    return pd.DataFrame(rows)


def _error(run: pd.DataFrame, measure: str) -> float:
    """How far a measure lies from where it would be with its column at either end of the errors, at all records at once."""
    column, of = ESTIMATED[measure], MEASURES[measure][1]
    ends = (of(run.assign(**{column: run[column] + sign * run[f"{column}_error"]})) for sign in (-1, 1))
    return max(abs(end - of(run)) for end in ends)


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
