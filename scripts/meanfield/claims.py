"""
The paper's statements, judged on the members of an ensemble. config/published/claims.yaml says how a verdict follows.

Axes: `published` is the published draw alone, `seeds` the ensemble of initial weights, `splits` that of divisions into
training and test samples. For each an axis maps the tasks of the claims to the datasets that were run.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import yaml
from scipy import stats

from meanfield.activations import ACTIVATIONS
from meanfield.errors import MeanfieldError
from meanfield.members import ALL, MEASURES, RANGES, label, over_architectures

PUBLISHED, SEEDS, SPLITS = AXES = ("published", "seeds", "splits")
HOLDS, OPPOSITE, OPEN, TOO_FEW = OUTCOMES = ("holds", "opposite", "open", "too few members")
SUPPORTED, PARTLY, NOT_SUPPORTED, NOT_TESTABLE = VERDICTS = ("supported", "partly", "not supported", "not testable")
LEAST, LEAST_FOR_RANKS = 3, 10  # members for any test; for Wilcoxon's


class ClaimTest(NamedTuple):
    """One entry of a claim's tests, as claims.yaml explains it."""

    tasks: list[str]
    measure: str
    activation: str
    expect: str = ""
    than: Sequence[str] = ()
    architectures: Sequence[str] = ()
    than_architecture: str = ""
    within: Sequence[float] = ()

    def rivals(self) -> list[tuple[str, str]]:
        """What the activation is compared with: (activation, architecture or "" for the same); for an interval one blank."""
        if self.within:
            return [("", "")]
        return [(self.activation, self.than_architecture)] if self.than_architecture else [(name, "") for name in self.than]

    def words(self, rival: tuple[str, str]) -> str:
        """The comparison in words, without task and architecture."""
        name = ACTIVATIONS[self.activation].label
        if self.within:
            return f"{label(self.measure)} of {name} {_interval(*self.within)}"
        other = f"with {rival[1]}" if rival[1] else ACTIVATIONS[rival[0]].label
        return f"{label(self.measure)} of {name} {'lower' if self.expect == 'less' else 'higher'} than {other}"


class Claim(NamedTuple):
    """A statement, the paper's figure for it, the column of indices.csv that shows it along training, and its tests."""

    name: str
    figure: str
    statement: str
    curve: str | None
    tests: list[ClaimTest]


def _interval(low: float, high: float) -> str:
    """An interval in words."""
    if low == high:
        return f"equal to {low:g}"
    if np.isinf(high):
        return f"at least {low:g}"
    return f"at most {high:g}" if np.isinf(low) else f"from {low:g} to {high:g}"


def read(path: str | Path) -> tuple[list[Claim], float, list[str]]:
    """The claims, the level of significance, the published architectures. MeanfieldError for what is not understood."""
    with open(path) as stream:
        content = yaml.safe_load(stream)
    known = {*MEASURES, *(f"{name}_range" for name in RANGES)}
    claims = []
    for name, entry in content["claims"].items():
        try:
            tests = [ClaimTest(**test) for test in entry["tests"]]
            claims.append(Claim(name, str(entry["figure"]), entry["statement"], entry["curve"], tests))
        except (TypeError, KeyError) as error:
            raise MeanfieldError(f"{path}: claim {name} is not understood: {error}; its header says what is") from error
        for test in tests:
            if test.measure not in known:
                raise MeanfieldError(f"{path}: claim {name} has measure {test.measure}; allowed: {', '.join(sorted(known))}")
            if bool(test.within) == (test.expect in ("less", "greater")) or not test.rivals():
                raise MeanfieldError(
                    f"{path}: claim {name} needs either within: [low, high], or expect: less or greater with than or "
                    "than_architecture"
                )
    return claims, content["level"], content["published_architectures"]


def compared(
    test: ClaimTest, table: pd.DataFrame, published: Sequence[str] = ()
) -> Iterator[tuple[str, tuple[str, str], np.ndarray]]:
    """(architecture, rival, values) for each comparison of a test in one task: values [member], or, paired, [member, 2].

    Members with a NaN are left out. With `published` just those architectures, unless the test names its own.
    """
    if test.measure.endswith("_range"):
        table = over_architectures(table)
    values = table.pivot(index="seed", columns=["architecture", "activation"], values=test.measure)
    architectures = test.architectures or [ALL if name == ALL else name for name in table.architecture.unique()]
    for architecture in architectures:
        if published and not test.architectures and architecture not in (*published, ALL):
            continue
        for rival in test.rivals():
            columns = [(architecture, test.activation)]
            if not test.within:
                columns.append((rival[1] or architecture, rival[0]))
            if set(columns) <= set(values.columns):
                yield architecture, rival, values[columns].dropna().values.squeeze(axis=1 if test.within else ())


def _judged(test: ClaimTest, values: np.ndarray) -> dict:
    """Number of members, medians, effect with its 95 % interval, share of members that agree, p, and the sign of the effect.

    The effect is the median of the paired differences, with a bootstrap interval (percentiles), or, for `within`, the share
    of members inside, with Wilson's interval.
    """
    members = len(values)
    if test.within:
        inside = (values >= test.within[0]) & (values <= test.within[1])
        result = {"members": members, "median": np.median(values) if members else np.nan, "agree": inside.mean()}
        if members < LEAST:
            return result
        binomial = stats.binomtest(int(inside.sum()), members)
        interval = binomial.proportion_ci(method="wilson")
        effect = {"effect": inside.mean(), "low": interval.low, "high": interval.high}
        return result | effect | {"p": binomial.pvalue, "sign": np.sign(inside.mean() - 0.5)}
    left, right = values.T
    difference = left - right
    claimed = -1 if test.expect == "less" else 1
    result = {
        "members": members,
        "median": np.median(left) if members else np.nan,
        "median_other": np.median(right) if members else np.nan,
        "agree": (claimed * difference > 0).mean() if members else np.nan,
    }
    if members < LEAST:
        return result
    random = np.random.default_rng(1)
    low, high = stats.bootstrap(
        (difference,), np.median, method="percentile", n_resamples=2000, rng=random
    ).confidence_interval
    effect = {"effect": np.median(difference), "low": low, "high": high}
    if not difference.any():
        return result | effect | {"p": 1.0, "sign": 0.0}
    if members < LEAST_FOR_RANKS:
        p, sign = stats.ttest_1samp(difference, 0).pvalue, np.sign(difference.mean())
    else:
        ranks = np.sign(difference) * stats.rankdata(np.abs(difference))
        p, sign = stats.wilcoxon(difference).pvalue, np.sign(ranks.sum())
    return result | effect | {"p": p, "sign": claimed * sign}


def comparisons(claims: list[Claim], table: pd.DataFrame, axes: dict, level: float, published: list[str]) -> pd.DataFrame:
    """Every comparison of every claim on every axis, a line each; `table` as `members.members` gives it.

    Columns: claim, test, axis, task, architecture, comparison, measure, members, median, median_other, agree, effect, low,
    high, p, p_corrected, sign, outcome.
    """
    rows = []
    for axis in AXES:
        for claim in claims:
            for number, test in enumerate(claim.tests):
                for task in test.tasks:
                    runs = table[table.dataset == axes[axis].get(task)]
                    if axis == PUBLISHED:
                        runs = runs[runs.seed == runs.groupby("dataset").seed.transform("first")]
                    for architecture, rival, values in compared(test, runs, published if axis == PUBLISHED else ()):
                        place = {"claim": claim.name, "test": number, "axis": axis, "task": task}
                        words = {"architecture": architecture, "comparison": test.words(rival), "measure": test.measure}
                        rows.append(place | words | _judged(test, values))
    columns = ["claim", "test", "axis", "task", "architecture", "comparison", "measure", "members", "median", "median_other"]
    columns += ["agree", "effect", "low", "high", "p", "sign"]
    result = pd.DataFrame(rows, columns=columns)
    result.insert(result.columns.get_loc("p") + 1, "p_corrected", np.nan)
    for axis in (SEEDS, SPLITS):
        tested = (result.axis == axis) & result.p.notna()
        if tested.any():
            result.loc[tested, "p_corrected"] = stats.false_discovery_control(result.p[tested], method="by")
    significant = result.p_corrected <= level
    outcomes = [significant & (result.sign > 0), significant & (result.sign < 0), result.p.notna()]
    result["outcome"] = np.select(outcomes, (HOLDS, OPPOSITE, OPEN), TOO_FEW)
    draw = result.axis == PUBLISHED
    result.loc[draw, "outcome"] = np.where(result.agree[draw] > 0.5, HOLDS, OPPOSITE)
    return result


def verdict(outcomes: pd.Series) -> str:
    """The verdict that follows from the outcomes of a claim's comparisons on one axis."""
    testable = outcomes[outcomes != TOO_FEW]
    if testable.empty:
        return NOT_TESTABLE
    if (testable == HOLDS).all():
        return SUPPORTED
    return PARTLY if (testable == HOLDS).any() else NOT_SUPPORTED


def verdicts(claims: list[Claim], table: pd.DataFrame, published: list[str]) -> pd.DataFrame:
    """One line per claim: figure, statement, the verdict on each axis, and a sentence with its numbers."""
    rows = []
    for claim in claims:
        mine = table[table.claim == claim.name]
        by_axis = {axis: mine[mine.axis == axis] for axis in AXES}
        rows.append(
            {
                "claim": claim.name,
                "figure": claim.figure,
                "statement": claim.statement,
                "verdict": verdict(by_axis[SEEDS].outcome),
                "published_draw": verdict(by_axis[PUBLISHED].outcome),
                "splits": verdict(by_axis[SPLITS].outcome),
                "numbers": _sentence(by_axis, published),
            }
        )
    return pd.DataFrame(rows)


def _sentence(by_axis: dict[str, pd.DataFrame], published: list[str]) -> str:
    """The numbers behind a verdict: the comparisons over seeds, and how many hold on the paper's networks and other axes."""
    seeds = by_axis[SEEDS][by_axis[SEEDS].outcome != TOO_FEW]
    parts = [_counted(words, group) for words, group in seeds.groupby("comparison", sort=False)]
    shares = {
        "on the paper's own networks": seeds[seeds.architecture.isin([*published, ALL])],
        "on the published draw": by_axis[PUBLISHED],
        "over splits": by_axis[SPLITS][by_axis[SPLITS].outcome != TOO_FEW],
    }
    parts += [f"{(group.outcome == HOLDS).sum()} of {len(group)} {where}" for where, group in shares.items() if len(group)]
    text = "; ".join(parts) or "not run"
    return text[0].upper() + text[1:] + "."


def _counted(words: str, group: pd.DataFrame) -> str:
    """In how many networks a comparison holds, and how large the effect is from network to network."""
    held, opposite = ((group.outcome == outcome).sum() for outcome in (HOLDS, OPPOSITE))
    paired = group.median_other.notna().all()
    scale, unit, what = (1, "", "median difference") if paired else (100, " %", "members")
    low, high = (f"{scale * value:.3g}".replace("-", "−") for value in (group.effect.min(), group.effect.max()))
    size = f"{low}{unit}" if low == high else f"{low} to {high}{unit}"
    counter = f", the opposite in {opposite}" if opposite else ""
    return f"{words} in {held} of {len(group)}{counter} ({what} {size})"


def markdown(table: pd.DataFrame) -> str:
    """The verdicts as a Markdown table, for people."""
    shown = table[["figure", "statement", "verdict", "published_draw", "splits", "numbers"]]
    return shown.rename(columns=lambda name: name.replace("_", " ")).to_markdown(index=False) + "\n"
