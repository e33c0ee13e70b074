"""
What each member of an ensemble came to: one line a member, and the statistics over the members of each run.

A member is one training: a run (dataset, architecture, activation) with one seed of the initial weights or one split.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

RUN = ["dataset", "architecture", "activation"]
LATE = 0.75  # of the updates: `late_fall` looks at what comes after
INTERVAL = (0.1, 0.9)  # quantiles over members: the central 80 %

# One member's lines of indices.csv, in order → a number. The label is what tables and figures call it.
MEASURES: dict[str, tuple[str, Callable[[pd.DataFrame], float]]] = {
    "cost_mean": ("mean cost over training", lambda run: np.trapezoid(run.cost, run.epoch) / np.ptp(run.epoch)),
    "cost_last": ("final cost", lambda run: run.cost.iloc[-1]),
    "late_fall": ("fall of the cost in the last quarter", lambda run: 1 - run.cost.iloc[-1] / _late(run).cost.iloc[0]),
    "train_accuracy_last": ("final training accuracy", lambda run: run.train_accuracy.iloc[-1]),
    "test_accuracy_last": ("final test accuracy", lambda run: run.test_accuracy.iloc[-1]),
    "zero_residuals_last": ("final share of zero residuals", lambda run: run.zero_residuals.iloc[-1]),
    "alpha_mean": ("mean α over the records", lambda run: run.alpha.mean()),
    "alpha_last": ("final α", lambda run: run.alpha.iloc[-1]),
    "gamma_last": ("final γ", lambda run: run.gamma.iloc[-1]),
    "gamma_max": ("largest γ", lambda run: run.gamma.max()),
    "gamma_published_last": ("final γ as published", lambda run: run.gamma_published.iloc[-1]),
    "gamma_published_max": ("largest γ as published", lambda run: run.gamma_published.max()),
    "bulk_width_last": ("final width of the bulk", lambda run: run.bulk_width.iloc[-1]),
    "bulk_width_ratio": ("final over first width of the bulk", lambda run: _ratio(run.bulk_width)),
    "participation": ("participation ratio / P", lambda run: run.participation_ratio.iloc[-1] / run.parameters.iloc[-1]),
}
RANGES = ("cost_last", "test_accuracy_last")  # of these also the range over architectures, measure …_range
ALL = "all"  # the architecture of those ranges
SUMMARISED = ["cost_mean", "cost_last", "test_accuracy_last", "zero_residuals_last", "alpha_mean", "gamma_last"]


def label(measure: str) -> str:
    """A measure in words."""
    name = measure.removesuffix("_range")
    return MEASURES[name][0] + (", range over architectures" if name != measure else "")


def _ratio(values: pd.Series) -> float:
    """The last over the first; NaN, and so left out, if both are 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.float64(values.iloc[-1]) / values.iloc[0]


def _late(run: pd.DataFrame) -> pd.DataFrame:
    """The lines of the last part of a training."""
    return run[run.epoch >= LATE * run.epoch.iloc[-1]]


def members(indices: pd.DataFrame) -> pd.DataFrame:
    """One line per member of the joint table of indices: its run, seed, all MEASURES, `diverged` and `source`.

    The measures of a member that diverged are NaN, and `diverged` is the update; else that is NaN.
    """
    rows = []
    for key, run in indices.groupby([*RUN, "seed"], sort=False):
        diverged = run.diverged.iloc[0]
        values = {name: measure(run) if np.isnan(diverged) else np.nan for name, (_, measure) in MEASURES.items()}
        member = dict(zip([*RUN, "seed"], key, strict=True))
        rows.append(member | values | {"diverged": diverged, "source": run.source.iloc[0]})
    return pd.DataFrame(rows)


def over_architectures(table: pd.DataFrame) -> pd.DataFrame:
    """Lines of architecture `all`, with the range over architectures of each measure in RANGES, for each member.

    A seed of which a network diverged has NaN.
    """
    groups = table.groupby(["dataset", "activation", "seed"], sort=False)
    whole = {name: groups[name].agg(lambda values: np.ptp(values.to_numpy())) for name in RANGES}  # NaN if one is
    ranges = {f"{name}_range": values for name, values in whole.items()}
    return pd.DataFrame(ranges).reset_index().assign(architecture=ALL)


def statistics(table: pd.DataFrame) -> pd.DataFrame:
    """One line per run: how many members, which diverged, and of the others median and central 80 % of SUMMARISED."""
    rows = []
    for key, run in table.groupby(RUN, sort=False):
        lost = run[run.diverged.notna()]
        row = dict(zip(RUN, key, strict=True)) | {
            "members": len(run),
            "diverged": ", ".join(f"seed {one.seed} at update {one.diverged:.0f}" for one in lost.itertuples()),
        }
        for name in SUMMARISED:
            low, high = run[name].quantile(INTERVAL)
            row |= {f"{name}_median": run[name].median(), f"{name}_low": low, f"{name}_high": high}
        rows.append(row | {"source": run.source.iloc[0]})
    return pd.DataFrame(rows)
