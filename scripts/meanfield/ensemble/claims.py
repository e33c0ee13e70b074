"""
The paper's statements, judged on the members of an ensemble. config/published/claims.yaml says how a verdict follows.

Axes: `published` is the published draw alone, `seeds` the ensemble of initial weights, `splits` that of divisions into
training and test samples, `independent` that of initial weights without the original's defect, each layer drawn for itself.
For each an axis maps the tasks of the claims to the datasets that were run.
"""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import yaml
from scipy import stats

from meanfield.ensemble import judging
from meanfield.ensemble.members import MEASURES, NEEDS, SPANS, label, over_architectures
from meanfield.errors import MeanfieldError
from meanfield.model.registry import ACTIVATIONS

PUBLISHED, SEEDS, SPLITS, INDEPENDENT = AXES = ("published", "seeds", "splits", "independent")
COLUMNS = {SEEDS: "verdict", PUBLISHED: "published_draw", SPLITS: "splits", INDEPENDENT: "independent"}
"""Columns of the verdicts on each axis, in order; {column}_counts beside them. SHOWN are their heads for people."""
SHOWN = ("over seeds", "published draw", "over splits", "independent weights")
HOLDS, OPPOSITE, OPEN, TOO_FEW = OUTCOMES = ("holds", "opposite", "open", "too few members")
LACKING = {needed: f"no {needed}" for needed in dict.fromkeys(NEEDS.values())}
"""Outcomes where a measure needs what was not computed."""
SUPPORTED, PARTLY, NOT_SUPPORTED, NOT_TESTABLE = VERDICTS = ("supported", "partly", "not supported", "not testable")
TASKS = ("linear", "nonlinear", "digits")
CURVES = (None, "cost", "alpha", "gamma", "zero_residuals", "bulk_width")


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


def read(
    path: str | Path, tasks: Collection[str] = TASKS, activations: Collection[str] = ACTIVATIONS
) -> tuple[list[Claim], float, dict[str, list[str]]]:
    """The claims, the level, the published architectures by task. MeanfieldError for what is not understood.

    `tasks` are those that the axes know; `activations` by default those that are known by now (`registry.learn`).
    """
    with open(path) as stream:
        content = yaml.safe_load(stream)
    claims = []
    for name, entry in content["claims"].items():
        try:
            tests = [ClaimTest(**test) for test in entry["tests"]]
            claims.append(Claim(name, str(entry.get("figure", "own")), entry["statement"], entry["curve"], tests))
        except (TypeError, KeyError) as error:
            raise MeanfieldError(f"{path}: claim {name} is not understood: {error}; its header says what is") from error
        for problem in _problems(claims[-1], tasks, activations):
            raise MeanfieldError(f"{path}: claim {name} {problem}")
    return claims, content["level"], content.get("published_architectures", {})


def _problems(claim: Claim, tasks: Collection[str], activations: Collection[str]) -> Iterator[str]:
    """What is wrong with a claim, in words."""
    named = [("curve", claim.curve, CURVES)]
    for test in claim.tests:
        named += [("task", task, tasks) for task in test.tasks] + [("measure", test.measure, (*MEASURES, *SPANS))]
        named += [("activation", name, activations) for name in (test.activation, *test.than)]
        widths = (*test.architectures, *filter(None, [test.than_architecture]))
        if not all(isinstance(width, str) for width in widths):
            yield f"has architectures {widths}; put each in quotes"
        forms = bool(test.within) + bool(test.than) + bool(test.than_architecture)
        if forms != 1 or bool(test.within) == (test.expect in ("less", "greater")):
            yield "needs either within: [low, high], or expect: less or greater with than or than_architecture"
        if test.within and (len(test.within) != 2 or not test.within[0] <= test.within[1]):
            yield f"has within {test.within}; allowed: [low, high], low first"
    for what, value, allowed in named:
        if value not in allowed:
            yield f"has {what} {value}; allowed: {', '.join(map(str, allowed))}"


def compared(test: ClaimTest, table: pd.DataFrame) -> Iterator[tuple[str, tuple[str, str], np.ndarray, np.ndarray]]:
    """(architecture, rival, values, errors) for each comparison of a test in a task: values [member], or pairs [member, 2].

    Errors [member] are those of the values or of their differences, 0 where they are exact. Comparisons of which a run is
    not there are left out, and so are members with a NaN.
    """
    if test.measure in SPANS:
        table = over_architectures(table)
    form = {"index": "seed", "columns": ["architecture", "activation"]}
    values = table.pivot(**form, values=test.measure).loc[table.seed.unique()]
    known = table.assign(error=table.get(f"{test.measure}_error", 0.0))
    errors = known.pivot(**form, values="error").fillna(0.0)
    for architecture in test.architectures or table.architecture.unique():
        for rival in test.rivals():
            columns = [(architecture, test.activation)]
            if not test.within:
                columns.append((rival[1] or architecture, rival[0]))
            if set(columns) <= set(values.columns):
                found = values[columns].dropna()
                error = errors.loc[found.index, columns].sum(axis=1).to_numpy()  # of a difference: however they depend
                yield architecture, rival, found.to_numpy().squeeze(axis=1 if test.within else ()), error


def _judged(test: ClaimTest, values: np.ndarray, errors: np.ndarray) -> dict:
    """Number of members, medians, share of members that agree, effect with its 95 % interval, p, and the sign of the effect.

    The effect is the median of the paired differences, with a bootstrap interval (percentiles), or, for `within`, the share
    of members inside, with Wilson's interval.
    """
    result = {"members": len(values)}
    if test.within:
        low, high = test.within
        result |= {"median": np.median(values) if len(values) else np.nan}
        return result | judging.with_errors(judging.inside, np.minimum(values - low, high - values), errors)
    left, right = values.T
    claimed = -1 if test.expect == "less" else 1
    if len(values):
        result |= {"median": np.median(left), "median_other": np.median(right)}
    return result | judging.with_errors(
        lambda agreeing: judging.differing(claimed * agreeing, claimed), claimed * (left - right), errors
    )


def comparisons(claims: list[Claim], table: pd.DataFrame, axes: dict, level: float, published: dict) -> pd.DataFrame:
    """Every comparison of every claim on every axis, a line each; `table` as `members.members` gives it.

    Columns: claim, test, axis, task, architecture, comparison, measure, members, median, median_other, agree, effect, low,
    high, p, p_corrected, sign, tie, outcome. The published axis has the published architectures of each task, and those that
    a test names.
    """
    rows = []
    for axis in AXES:
        for claim in claims:
            for number, test in enumerate(claim.tests):
                for task in test.tasks:
                    runs = table[table.dataset == axes[axis].get(task)]
                    if axis == PUBLISHED:
                        runs = runs[runs.seed == runs.groupby("dataset").seed.transform("first")]
                        named = (*test.architectures, *filter(None, [test.than_architecture]))
                        runs = runs[runs.architecture.isin(named or published.get(task, ()))]
                    for architecture, rival, values, errors in compared(test, runs):
                        place = {"claim": claim.name, "test": number, "axis": axis, "task": task}
                        words = {"architecture": architecture, "comparison": test.words(rival), "measure": test.measure}
                        rows.append(place | words | _judged(test, values, errors))
    columns = ["claim", "test", "axis", "task", "architecture", "comparison", "measure", "members", "median", "median_other"]
    columns += ["agree", "effect", "low", "high", "p", "sign", "tie"]
    result = pd.DataFrame(rows, columns=columns)
    result.insert(result.columns.get_loc("p") + 1, "p_corrected", np.nan)
    for axis in (SEEDS, SPLITS, INDEPENDENT):
        tested = (result.axis == axis) & result.p.notna()
        if tested.any():
            result.loc[tested, "p_corrected"] = stats.false_discovery_control(result.p[tested], method="by")
    significant, draw = result.p_corrected <= level, result.axis == PUBLISHED
    cases = {
        HOLDS: (significant & (result.sign > 0)) | (draw & (result.agree > 0.5)),
        OPPOSITE: (significant & (result.sign < 0)) | (draw & (result.agree <= 0.5) & ~result.tie.eq(True)),
        OPEN: result.p.notna() | (draw & result.tie.eq(True)),
    }
    lacking = result.measure.map(NEEDS).map(LACKING).where(result.members == 0, TOO_FEW)
    result["outcome"] = np.select(list(cases.values()), list(cases), lacking.fillna(TOO_FEW))
    return result


def verdict(outcomes: pd.Series) -> str:
    """The verdict that follows from the outcomes of a claim's comparisons on one axis."""
    testable = outcomes[outcomes.isin([HOLDS, OPPOSITE, OPEN])]
    if testable.empty:
        return NOT_TESTABLE
    if (testable == HOLDS).all():
        return SUPPORTED
    return PARTLY if (testable == HOLDS).any() else NOT_SUPPORTED


def verdicts(claims: list[Claim], table: pd.DataFrame) -> pd.DataFrame:
    """One line per claim: figure, statement, the verdict on each axis with its counts, and a sentence with the numbers."""
    rows = []
    for claim in claims:
        by_axis = {axis: table[(table.claim == claim.name) & (table.axis == axis)] for axis in AXES}
        row = {"claim": claim.name, "figure": claim.figure, "statement": claim.statement}
        for axis, name in COLUMNS.items():
            row |= {name: verdict(by_axis[axis].outcome), f"{name}_counts": _counts(by_axis[axis].outcome)}
        rows.append(row | {"numbers": _sentence(by_axis[SEEDS])})
    return pd.DataFrame(rows)


def _counts(outcomes: pd.Series) -> str:
    """How many comparisons hold, are open and are the opposite: "9 of 12 hold, 1 opposite"; or what they lack."""
    counts = outcomes.value_counts()
    judged = sum(counts.get(outcome, 0) for outcome in (HOLDS, OPPOSITE, OPEN))
    if not judged:
        lacking = [outcome for outcome in LACKING.values() if outcome in counts]
        return ", ".join(["not judged", *lacking]) if lacking else "none judged"
    others = [
        f"{counts[outcome]} {outcome}" for outcome in (OPPOSITE, OPEN, TOO_FEW, *LACKING.values()) if outcome in counts
    ]
    return ", ".join([f"{counts.get(HOLDS, 0)} of {judged} hold", *others])


def _sentence(seeds: pd.DataFrame) -> str:
    """The numbers behind the verdict over seeds: in how many networks each comparison holds, and how large the effect is."""
    text = "; ".join(_counted(words, group) for words, group in seeds.groupby("comparison", sort=False))
    return text[0].upper() + text[1:] + "." if text else "Not run."


def _counted(words: str, group: pd.DataFrame) -> str:
    """In how many networks a comparison holds, and how large the effect is from network to network."""
    if group.outcome.isin(LACKING.values()).all():
        return f"{words}: {_counts(group.outcome)}"
    paired = group.median_other.notna().any()
    scale, unit, what = (1, "", "median difference") if paired else (100, " %", "members")
    low, high = (f"{scale * value:.3g}".replace("-", "−") for value in (group.effect.min(), group.effect.max()))
    size = f"{low}{unit}" if low == high else f"{low} to {high}{unit}"
    return f"{words}: {_counts(group.outcome)} ({what} {size})"


def markdown(table: pd.DataFrame) -> str:
    """The verdicts as a Markdown table, each with its counts, for people; and one of the numbers, a line a comparison."""
    shown = {
        "figure": table.figure,
        "statement": table.statement,
        **{words: table[name] + ": " + table[f"{name}_counts"] for name, words in zip(COLUMNS.values(), SHOWN, strict=True)},
    }
    return "\n".join([pd.DataFrame(shown).to_markdown(index=False), "", in_numbers(table).to_markdown(index=False), ""])


def in_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """The sentences of the verdicts taken apart: statement (once), comparison, in how many networks it holds, the effect."""
    rows = []
    for verdict in table.itertuples():
        for number, part in enumerate(verdict.numbers.removesuffix(".").split("; ")):
            words, _, size = part.rpartition(": ")
            outcome, _, effect = size.partition(" (")
            words = words[:1].upper() + words[1:]
            rows.append(("" if number else verdict.statement, words, outcome, effect.removesuffix(")")))
    return pd.DataFrame(rows, columns=["statement", "comparison", "outcome", "effect"])
