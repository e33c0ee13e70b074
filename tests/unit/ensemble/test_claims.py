"""Claims: tests, corrections and verdicts against SciPy and by hand; the file of claims; the figures' data."""

import numpy as np
import pandas as pd
import pytest
from examples import ROOT
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from meanfield.ensemble import claims
from meanfield.ensemble.claims import (
    HOLDS,
    NOT_SUPPORTED,
    NOT_TESTABLE,
    OPEN,
    OPPOSITE,
    PARTLY,
    SUPPORTED,
    TOO_FEW,
    Claim,
    ClaimTest,
)
from meanfield.ensemble.members import MEASURES, label
from meanfield.errors import MeanfieldError
from meanfield.figures import ensembles
from pictures import cut, overlaps, pale, smallest
from scipy import stats

FILE = ROOT / "config/published/claims.yaml"
AXES = {"published": {"linear": "linear"}, "seeds": {"linear": "linear"}, "splits": {}, "independent": {}}
LESS = ClaimTest(tasks=["linear"], measure="cost_mean", activation="esp", expect="less", than=["relu"])
INSIDE = ClaimTest(tasks=["linear"], measure="gamma_last", activation="relu", within=[0.45, 0.6])


def table(members=20, difference=-0.1, noise=0.01, gamma=0.5, architectures=("10", "8-2")):
    """Members whose ESP differs from ReLU by about `difference`, in each architecture."""
    rng = np.random.default_rng(7)
    rows = []
    for architecture in architectures:
        for seed in range(1, members + 1):
            base = rng.normal(0.5, 0.2)
            shift = {"esp": difference + rng.normal(0, noise), "relu": 0.0}
            place = {"dataset": "linear", "architecture": architecture, "seed": seed, "source": "mirror"}
            for activation in shift:
                values = dict.fromkeys(MEASURES, base + shift[activation]) | {"gamma_last": gamma}
                rows.append(place | {"activation": activation} | values)
    return pd.DataFrame(rows)


def judged(data, *tests, level=0.05):
    """The comparisons of one claim with these tests."""
    return claims.comparisons([Claim("c", "1", "It is so.", "cost", list(tests))], data, AXES, level, {"linear": ["10"]})


def outcomes(result, axis="seeds"):
    """Outcomes on one axis."""
    return result[result.axis == axis].outcome.tolist()


def test_a_clear_difference_holds_and_its_reverse_is_the_opposite():
    assert outcomes(judged(table(), LESS)) == [HOLDS, HOLDS]
    assert outcomes(judged(table(difference=0.1), LESS)) == [OPPOSITE, OPPOSITE]
    assert outcomes(judged(table(), LESS._replace(expect="greater"))) == [OPPOSITE, OPPOSITE]


def test_noise_stays_open_and_equality_too():
    assert outcomes(judged(table(difference=0, noise=0.05), LESS)) == [OPEN, OPEN]
    equal = judged(table(difference=0, noise=0), LESS)
    assert outcomes(equal) == [OPEN, OPEN]
    assert equal[equal.axis == "seeds"].p.tolist() == [1, 1]


def test_numbers_are_scipys():
    data = table()
    result = judged(data, LESS)
    seeds = result[result.axis == "seeds"]
    wide = data[data.architecture == "10"].pivot(index="seed", columns="activation", values="cost_mean")
    assert seeds.p.iloc[0] == pytest.approx(stats.wilcoxon(wide.esp, wide.relu).pvalue)
    assert seeds.effect.iloc[0] == pytest.approx((wide.esp - wide.relu).median())
    assert seeds.low.iloc[0] < seeds.effect.iloc[0] < seeds.high.iloc[0] < 0
    corrected = stats.false_discovery_control(seeds.p, method="by")
    np.testing.assert_allclose(seeds.p_corrected, corrected)
    assert (corrected > seeds.p).all()


def test_correction_counts_all_claims():
    """A difference that is significant alone no longer is among many that are not."""
    weak = table(members=12, difference=-0.025, noise=0.03, architectures=("10",))
    weak.loc[weak.seed % 2 == 0, "gamma_last"] = 0.9  # half inside: nothing to be found
    alone = judged(weak, LESS)
    assert outcomes(alone) == [HOLDS]
    many = judged(weak, LESS, *[INSIDE] * 40)
    assert outcomes(many) == [OPEN] * 41


def test_ranks_alone_do_not_hold_if_the_median_may_be_zero():
    data = table(members=30, difference=0, noise=0, architectures=("10",))
    moved = (data.activation == "esp") & (data.seed <= 14)
    data.loc[moved, "cost_mean"] -= 1.0
    result = judged(data, LESS)
    seeds = result[result.axis == "seeds"]
    assert seeds.p_corrected.item() < 0.05
    assert seeds.high.item() == 0
    assert outcomes(result) == [OPEN]


def test_few_members_are_judged_by_the_t_test_and_too_few_not_at_all():
    few = table(members=5)
    result = judged(few, LESS)
    wide = few[few.architecture == "10"].pivot(index="seed", columns="activation", values="cost_mean")
    assert result[result.axis == "seeds"].p.iloc[0] == pytest.approx(stats.ttest_rel(wide.esp, wide.relu).pvalue)
    assert outcomes(result) == [HOLDS, HOLDS]
    assert outcomes(judged(table(members=2), LESS)) == [TOO_FEW, TOO_FEW]
    assert outcomes(judged(table(members=2), INSIDE)) == [TOO_FEW, TOO_FEW]


@pytest.mark.parametrize(("members", "by"), [(9, stats.ttest_rel), (10, stats.wilcoxon)])
def test_ten_members_are_judged_by_ranks(members, by):
    few = table(members, architectures=("10",))
    wide = few.pivot(index="seed", columns="activation", values="cost_mean")
    result = judged(few, LESS)
    assert result[result.axis == "seeds"].p.item() == pytest.approx(by(wide.esp, wide.relu).pvalue)


def test_few_members_and_an_interval():
    few = table(members=5)
    few["gamma_last"] = np.tile([0.5, 0.51, 0.52, 0.53, 0.54, 0.5, 0.51, 0.52, 0.53, 0.54], 2)
    inside = judged(few, INSIDE)
    assert outcomes(inside) == [HOLDS, HOLDS]
    margins = np.minimum(np.arange(0.5, 0.545, 0.01) - 0.45, 0.6 - np.arange(0.5, 0.545, 0.01))
    assert inside[inside.axis == "seeds"].p.iloc[0] == pytest.approx(stats.ttest_1samp(margins, 0).pvalue)
    assert outcomes(judged(few.assign(gamma_last=few.gamma_last + 1), INSIDE)) == [OPPOSITE, OPPOSITE]
    zero = INSIDE._replace(within=[0, 0])
    assert outcomes(judged(few.assign(gamma_last=0.0), zero)) == [TOO_FEW, TOO_FEW]  # five zeros prove nothing
    assert outcomes(judged(few.assign(gamma_last=0.04), zero)) == [OPPOSITE, OPPOSITE]


@pytest.mark.parametrize(
    ("gamma", "outcome"), [(0.5, HOLDS), (0.45, HOLDS), (0.6, HOLDS), (0.61, OPPOSITE), (0.0, OPPOSITE)]
)
def test_intervals_include_their_ends(gamma, outcome):
    assert outcomes(judged(table(gamma=gamma), INSIDE)) == [outcome] * 2


def test_half_inside_is_open():
    data = table()
    data.loc[data.seed % 2 == 0, "gamma_last"] = 0.9
    result = judged(data, INSIDE)
    assert outcomes(result) == [OPEN, OPEN]
    assert result[result.axis == "seeds"].effect.tolist() == [0.5, 0.5]


def test_another_architecture_is_compared_seed_by_seed():
    data = table()
    data.loc[data.architecture == "8-2", "cost_last"] += 1
    test = ClaimTest(
        tasks=["linear"],
        measure="cost_last",
        activation="relu",
        architectures=["10"],
        expect="less",
        than_architecture="8-2",
    )
    result = judged(data, test)
    assert outcomes(result) == [HOLDS]
    wide = data[data.activation == "relu"].pivot(index="seed", columns="architecture", values="cost_last")
    assert result[result.axis == "seeds"].effect.item() == pytest.approx((wide["10"] - wide["8-2"]).median())


def test_ranges_over_architectures_are_one_comparison():
    data = table()
    data.loc[(data.architecture == "8-2") & (data.activation == "relu"), "cost_last"] += 5
    result = judged(data, LESS._replace(measure="cost_last_range"))
    assert outcomes(result) == [HOLDS]
    assert result.architecture.unique().tolist() == ["all"]


def test_the_published_draw_is_the_first_member_on_published_networks():
    data = table(difference=0.1)
    data.loc[(data.seed == 1) & (data.activation == "esp"), "cost_mean"] = -9
    assert outcomes(judged(data, LESS), "published") == [HOLDS]
    assert outcomes(judged(data, LESS)) == [OPPOSITE, OPPOSITE]


def test_a_published_draw_that_diverged_or_ties_is_not_the_opposite():
    data = table()
    data.loc[data.seed == 1, list(MEASURES)] = np.nan
    assert outcomes(judged(data, LESS), "published") == [TOO_FEW]
    equal = table(difference=0, noise=0)
    assert outcomes(judged(equal, LESS), "published") == [OPEN]


def test_each_task_has_its_own_published_networks():
    """A range on the published draw spans these alone."""
    data = table(difference=0.1, architectures=("10", "8-2", "25"))
    data.loc[(data.architecture == "25") & (data.activation == "esp"), "cost_last"] += 100
    stated = [Claim("c", "1", "It is so.", "cost", [LESS, LESS._replace(measure="cost_last_range")])]
    result = claims.comparisons(stated, data, AXES, 0.05, {"linear": ["10", "8-2"]})
    drawn = result[result.axis == "published"]
    assert drawn.architecture.tolist() == ["10", "8-2", "all"]
    assert drawn[drawn.test == 1]["median"].item() < 50
    assert result[(result.axis == "seeds") & (result.test == 1)]["median"].item() > 50


def test_diverged_members_are_left_out():
    data = table()
    data.loc[(data.seed == 4) & (data.activation == "relu"), list(MEASURES)] = np.nan
    result = judged(data, LESS)
    assert result[result.axis == "seeds"].members.tolist() == [19, 19]
    assert outcomes(result) == [HOLDS, HOLDS]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([HOLDS, HOLDS], SUPPORTED),
        ([HOLDS, OPEN], PARTLY),
        ([HOLDS, OPPOSITE], PARTLY),
        ([OPEN, OPPOSITE], NOT_SUPPORTED),
        ([TOO_FEW], NOT_TESTABLE),
        ([], NOT_TESTABLE),
        ([TOO_FEW, HOLDS], SUPPORTED),
    ],
)
def test_verdict_follows_from_the_outcomes(found, expected):
    assert claims.verdict(pd.Series(found, dtype=object)) == expected


def test_sentences_hold_the_numbers():
    stated = [Claim("c", "1", "It is so.", "cost", [LESS, INSIDE])]
    result = claims.comparisons(stated, table(), AXES, 0.05, {"linear": ["10"]})
    [verdict] = claims.verdicts(stated, result).to_dict("records")
    assert (verdict["verdict"], verdict["published_draw"], verdict["splits"]) == (SUPPORTED, SUPPORTED, NOT_TESTABLE)
    seeds = result[result.axis == "seeds"]
    low, high = (
        f"{value:.3g}".replace("-", "−")
        for value in (seeds[seeds.test == 0].effect.min(), seeds[seeds.test == 0].effect.max())
    )
    assert (
        f"Mean cost over training of ESP lower than ReLU: 2 of 2 hold (median difference {low} to {high})"
        in verdict["numbers"]
    )
    assert "final γ of ReLU from 0.45 to 0.6: 2 of 2 hold (members 100 %)" in verdict["numbers"]
    assert (verdict["verdict_counts"], verdict["published_draw_counts"]) == ("4 of 4 hold", "2 of 2 hold")
    assert verdict["splits_counts"] == "none judged"
    assert "| supported: 4 of 4 hold |" in " ".join(claims.markdown(pd.DataFrame([verdict])).split())


def test_independent_weights_are_judged_apart():
    """The same claim holds over seeds and is the opposite with independent weights; each axis is corrected for itself."""
    other = table(difference=0.1).assign(dataset="linear-independent")
    axes = AXES | {"independent": {"linear": "linear-independent"}}
    stated = [Claim("c", "1", "It is so.", "cost", [LESS])]
    result = claims.comparisons(stated, pd.concat([table(), other]), axes, 0.05, {"linear": ["10"]})
    assert outcomes(result) == [HOLDS, HOLDS]
    assert outcomes(result, "independent") == [OPPOSITE, OPPOSITE]
    assert result[result.axis == "seeds"].p_corrected.tolist() == judged(table(), LESS).p_corrected.dropna().tolist()
    [verdict] = claims.verdicts(stated, result).to_dict("records")
    assert (verdict["verdict"], verdict["independent"]) == (SUPPORTED, NOT_SUPPORTED)
    assert verdict["independent_counts"] == "0 of 2 hold, 2 opposite"
    assert claims.markdown(pd.DataFrame([verdict])).splitlines()[0].split("|")[-2].strip() == "independent weights"


def estimated(data, error):
    """The same members, known to within an error."""
    return data.assign(cost_mean_error=error, gamma_last_error=error)


@pytest.mark.parametrize("members", [5, 20])
@pytest.mark.parametrize("difference", [-0.1, 0.1])
def test_what_the_errors_of_estimates_could_decide_is_open(members, difference):
    data = table(members=members, difference=difference)
    exact = judged(data, LESS)
    small, large = (judged(estimated(data, error), LESS) for error in (0.02, 0.06))  # of a difference twice as much
    decided = HOLDS if difference < 0 else OPPOSITE
    assert set(outcomes(exact) + outcomes(small)) == {decided}
    assert set(outcomes(large)) == {OPEN}
    assert outcomes(exact, "published") == outcomes(small, "published") == [decided]
    assert outcomes(large, "published") == [OPEN]
    first, *others = (result[result.axis == "seeds"].iloc[0] for result in (exact, small, large))
    for wider in others:
        assert wider.effect == first.effect
        assert wider.low < first.low < first.high < wider.high
        assert wider.p >= first.p


def test_within_an_interval_only_what_is_there_for_certain_counts():
    data = table()
    assert outcomes(judged(estimated(data, 0.04), INSIDE)) == [HOLDS, HOLDS]  # 0.5 ± 0.04 lies in 0.45 to 0.6
    assert outcomes(judged(estimated(data, 0.06), INSIDE)) == [OPEN, OPEN]
    outside = table(gamma=0.7)
    assert outcomes(judged(estimated(outside, 0.09), INSIDE)) == [OPPOSITE, OPPOSITE]
    assert outcomes(judged(estimated(outside, 0.11), INSIDE)) == [OPEN, OPEN]
    assert outcomes(judged(estimated(outside, 0.11), INSIDE), "published") == [OPEN]
    none = INSIDE._replace(within=[0, 0])
    assert outcomes(judged(estimated(table(gamma=0.01), 0.02), none)) == [OPEN, OPEN]


def test_what_needs_eigenvalues_is_not_judged_without():
    spread = ClaimTest(tasks=["linear"], measure="participation", activation="esp", expect="less", than=["relu"])
    width = ClaimTest(tasks=["linear"], measure="bulk_width_kept", activation="esp", within=[0, 0.5])
    data = table().assign(participation=np.nan, bulk_width_kept=np.nan)
    stated = Claim("c", "1", "It is so.", None, [spread, width])
    result = judged(data, spread, width)
    assert outcomes(result) == ["no eigenvectors"] * 2 + ["no eigenvalues"] * 2
    [verdict] = claims.verdicts([stated], result).to_dict("records")
    assert (verdict["verdict"], verdict["verdict_counts"]) == (NOT_TESTABLE, "not judged, no eigenvalues, no eigenvectors")
    assert "nan" not in verdict["numbers"]
    some = judged(data, spread, LESS)
    [verdict] = claims.verdicts([stated], some).to_dict("records")
    assert (verdict["verdict"], verdict["verdict_counts"]) == (SUPPORTED, "2 of 2 hold, 2 no eigenvectors")
    indices = pd.concat([data.assign(update=update, cost=0.5) for update in (0, 10)], ignore_index=True)
    figure = ensembles.of_claim(stated, indices, data, result, {"linear": "linear"})
    said = [text.get_text() for axes in figure.findobj(Axes) for text in axes.texts]
    assert said == [
        f"{label(test.measure)}\nnot judged, no {what}" for test, what in ((spread, "eigenvectors"), (width, "eigenvalues"))
    ]


def test_errors_of_members_are_drawn():
    data = estimated(table(members=6, architectures=("10",)), 0.03)
    stated = Claim("c", "1", "It is so.", None, [LESS])
    indices = pd.concat([data.assign(update=update, cost=0.5) for update in (0, 10)], ignore_index=True)
    result = claims.comparisons([stated], data, AXES, 0.05, {"linear": ["10"]})
    figure = ensembles.of_claim(stated, indices, data, result, {"linear": "linear"})
    [panel] = figure.findobj(Axes)
    [lines] = [drawn for drawn in panel.collections if isinstance(drawn, LineCollection)]
    wide = data.pivot(index="seed", columns="activation", values="cost_mean")
    ends = np.array([segment[:, 0] for segment in lines.get_segments()])
    np.testing.assert_allclose(ends, (wide.esp - wide.relu).to_numpy()[:, None] + [-0.06, 0.06])


def test_a_network_of_which_nothing_is_left_is_counted_and_no_more():
    data = table()
    data.loc[data.architecture == "8-2", list(MEASURES)] = np.nan
    result = judged(data, LESS)
    [verdict] = claims.verdicts([Claim("c", "1", "It is so.", "cost", [LESS])], result).to_dict("records")
    assert verdict["verdict"] == SUPPORTED
    assert "1 of 1 hold, 1 too few members (median difference −" in verdict["numbers"]


def test_the_claims_of_the_paper_are_understood():
    stated, level, published = claims.read(FILE)
    assert level == 0.05
    assert published == {"linear": ["10", "8-2"], "nonlinear": ["10", "8-2"], "digits": ["25"]}
    assert len({claim.name for claim in stated}) >= 14
    for claim in stated:
        assert claim.statement.endswith(".")
        assert claim.tests
        assert claim.figure
        assert all(label(test.measure) for test in claim.tests)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("measure: speed, activation: esp, expect: less, than: [relu]", "has measure speed"),
        ("measure: cost_last, activation: esp, expect: fewer, than: [relu]", "needs either within"),
        ("measure: cost_last, activation: esp, expect: less", "needs either within"),
        ("measure: cost_last, activation: esp, expect: less, than: [relu], within: [0, 1]", "needs either within"),
        ("measure: cost_last, activation: esp, wihtin: [0, 1]", "is not understood"),
        ("activation: esp, within: [0, 1]", "is not understood"),
        ("measure: cost_last, activation: ep, within: [0, 1]", "has activation ep; allowed: esp, relu"),
        ("measure: cost_last, activation: esp, expect: less, than: [rellu]", "has activation rellu"),
        ("measure: cost_last, activation: esp, within: [1, 0]", "low first"),
        ("measure: cost_last, activation: esp, within: [1]", "low first"),
        ("measure: cost_last, activation: esp, within: [0, 1], architectures: [10]", "put each in quotes"),
    ],
)
def test_a_claim_that_is_not_understood_is_one_line(tmp_path, wrong, message):
    path = tmp_path / "claims.yaml"
    path.write_text(
        "{level: 0.05, published_architectures: [], claims: {mine: {figure: 1, statement: S., curve: cost, "
        f"tests: [{{tasks: [linear], {wrong}}}]}}}}}}"
    )
    with pytest.raises(MeanfieldError, match=message) as error:
        claims.read(path)
    assert "\n" not in str(error.value)
    assert "mine" in str(error.value)


def test_a_claim_of_ones_own_needs_no_figure_and_knows_the_activations_it_is_told(tmp_path):
    path = tmp_path / "claims.yaml"
    test = "{tasks: [mine], measure: cost_last, activation: mish, within: [-.inf, 1]}"
    path.write_text(f"{{level: 0.05, claims: {{c: {{statement: S., curve: null, tests: [{test}]}}}}}}")
    [claim], _, _ = claims.read(path, ["mine"], ["mish"])
    assert claim.figure == "own"
    with pytest.raises(MeanfieldError, match="has activation mish; allowed: esp"):
        claims.read(path, ["mine"])


PAGE = 830  # pixels that a page of docs is wide


def test_the_figure_of_a_claim_shows_every_member_and_the_medians():
    data = table(members=6)
    updates = np.arange(0, 50, 10)
    indices = pd.concat(
        [data.assign(update=update, cost=data.cost_mean * np.exp(-update / 50)) for update in updates], ignore_index=True
    )
    stated = Claim("c", "1", "It is so.", "cost", [LESS, INSIDE])
    result = claims.comparisons([stated], data, AXES, 0.05, {"linear": ["10"]})
    figure = ensembles.of_claim(stated, indices, data, result, AXES["seeds"])
    assert cut(figure) == overlaps(figure) == pale(figure) == []
    assert smallest(figure, 1000) >= 11, "the width of a page"
    [legend] = figure.legends
    keys = {"bold: median of the seeds", "thin: each seed", "band: the central 80%", "the first seed"}
    assert keys < {text.get_text() for text in legend.texts}
    panel = next(axes for axes in figure.axes if axes.get_title() == "linear 10")
    medians = indices[(indices.architecture == "10") & (indices.activation == "esp")].groupby("update").cost.median()
    bold = [line for line in panel.lines if line.get_linewidth() > 1]
    assert any(np.allclose(line.get_ydata(), medians) for line in bold)
    dots = [dots for axes in figure.axes for dots in axes.collections if len(dots.get_offsets()) == 6]
    wide = data[data.architecture == "8-2"].pivot(index="seed", columns="activation", values="cost_mean")
    assert any(np.allclose(np.sort(found.get_offsets()[:, 0]), np.sort(wide.esp - wide.relu)) for found in dots)


def test_the_landscape_has_the_tolerance_as_a_band():
    rows = []
    for seed, activation in [(1, "esp"), (2, "esp"), (1, "relu"), (2, "relu")]:
        for update in range(4):
            gamma = 0.3 if activation == "relu" else 0.1
            rows.append({"update": update, "seed": seed, "activation": activation, "cost": 1 / (update + seed), "alpha": 0.2,
                         "gamma": gamma, "gamma_rows": gamma / 2, "gradient_norm": 0.1 / (1 + update)})  # fmt: skip
    indices = pd.DataFrame(rows).assign(dataset="linear", architecture="10", source="mirror")
    for against in ("cost", "gradient_norm"):
        figure = ensembles.landscape(indices, against)
        assert cut(figure) == overlaps(figure) == pale(figure) == []
        [legend] = figure.legends
        assert "band: unresolved from 0" in {text.get_text() for text in legend.texts}
        upper, lower = figure.axes[:2]
        ends = upper.collections[0].get_datalim(upper.transData).intervaly
        np.testing.assert_allclose(ends, [0.2, 0.25])  # ESP: α to α + γ − γ_rows
        np.testing.assert_allclose(lower.collections[1].get_datalim(lower.transData).intervaly, [0.15, 0.3])


def test_readme_and_docs_say_what_the_run_said():
    """docs/claims.csv is results/claims/claims.csv of the ensemble that the pages describe."""
    said = pd.read_csv(ROOT / "docs/claims.csv")
    stated, _, _ = claims.read(FILE)
    assert said.statement.tolist() == [claim.statement for claim in stated]
    readme, numbers = ((ROOT / name).read_text().splitlines() for name in ("README.md", "docs/claims.md"))
    for row in said.itertuples():
        cells = [f"**{getattr(row, name)}**: {getattr(row, f'{name}_counts')}" for name in claims.COLUMNS.values()]
        assert f"| {row.figure} | {row.statement} | {' | '.join(cells)} |" in numbers
        (brief,) = (line for line in readme if line.startswith(f"| **{row.verdict}** |"))
        assert f"{row.statement} ({row.verdict_counts})" in brief
    lines = [f"| {' | '.join(row)} |" for row in claims.in_numbers(said).itertuples(index=False, name=None)]
    assert numbers[numbers.index("| statement | comparison | outcome | effect |") :][2 : 2 + len(lines)] == lines


def test_what_is_judged_is_said_to_be_in_words_of_ones_own_at_once():
    for name, head in (("README.md", "### Do the claims hold?"), ("docs/claims.md", "# Do the paper's claims hold?")):
        first = " ".join((ROOT / name).read_text().split(head)[1].split(". ")[0].split())
        assert "text was not at hand" in first
        assert "in its own words" in first


def test_the_sentence_of_a_verdict_as_lines_of_a_table():
    said = "Mean cost of ESP lower than ReLU: 9 of 12 hold, 3 open (median difference −0.2 to −0.1); "
    said += "final γ of ESP equal to 0: 0 of 2 hold, 2 open (members 0 %)."
    table = pd.DataFrame({"statement": ["So.", "Thus."], "numbers": [said, "Not run."]})
    assert claims.in_numbers(table).to_numpy().tolist() == [
        ["So.", "Mean cost of ESP lower than ReLU", "9 of 12 hold, 3 open", "median difference −0.2 to −0.1"],
        ["", "Final γ of ESP equal to 0", "0 of 2 hold, 2 open", "members 0 %"],
        ["Thus.", "", "Not run", ""],
    ]
