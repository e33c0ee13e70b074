"""The comparator is itself compared: with the publication, and with wrong results that must not pass."""

import examples
import numpy as np
import pandas as pd
import pytest
from meanfield.archive import rejudged
from meanfield.curvature import spectrum
from meanfield.data import datasets
from meanfield.data.task import problem
from meanfield.errors import MeanfieldError
from meanfield.figures.verdicts import COLOURS, page
from meanfield.model.network import Network
from meanfield.training.arithmetic import Environment
from meanfield.training.initial import initial_members
from meanfield.training.train import train
from meanfield.verification import comparison, quantities, retraining, verdicts
from meanfield.verification.quantities import Pair
from meanfield.verification.verdicts import DIFFERS, FLOAT32, FOLLOWS, IDENTICAL, NOT_AVAILABLE, RESOLUTION, RETRAINING

RUN = ("linear", "8-2", "esp")
RELU = ("linear", "8-2", "relu")
AT_HAND = [run for run in examples.RUNS if run[:2] in (("linear", "10"), ("linear", "8-2"), ("nonlinear", "10"))]


def pairs(run, published, **changes):
    """The published arrays of a run, some of them changed."""
    names = ("cost", "accuracy", "residual", "alpha", "gamma", "eigenvalues", "hessians")
    arrays = {name: examples.published_array(run, name, published).copy() for name in names}
    arrays |= {name: change(arrays[name]) for name, change in changes.items()}
    values = quantities.published(arrays, len(arrays["cost"]), examples.network(run, published).size)
    records = np.arange(len(arrays["cost"]))
    return [Pair(name, name, records, values[name]) for name in quantities.QUANTITIES if name in values]


def of(run, published, trajectory=None):
    """Our side: the run in the arithmetic of 2018, or another trajectory of it."""
    trajectory = examples.replayed(run, published) if trajectory is None else trajectory
    task = examples.network(run, published), examples.objective(run[0], published)
    return comparison.Run.of(trajectory, spectrum.along_trajectory(trajectory, *task), *task)


def members(run, published, number=19):
    """Values of re-trainings."""
    examples.trajectory(run, published)  # configures TensorFlow
    settings, task = examples.EXPERIMENTS[run[:2]], (examples.network(run, published), examples.objective(run[0], published))
    draw = {key: settings[key] for key in ("beta_stddev", "beta_op_seed")}
    protocol = examples.protocol(run) | {"averaging": "float32"}
    return quantities.ours(*retraining.members(examples.dataset(run[0], published), *run[1:], draw, protocol, number), *task)


@pytest.fixture(scope="module")
def re_trained(published):
    return members(RUN, published)


def never():
    raise AssertionError("re-training was not needed")


def by_name(rows):
    return {row["quantity"]: row["verdict"] for row in rows}


@pytest.mark.parametrize("run", AT_HAND, ids="_".join)
def test_every_published_run_is_met(run, published):
    """Equal in every bit, Hessians and eigenvalues within P·ε ≤ 1.3e-14 of the largest; ReLU's α by its eigenvalues."""
    rows = comparison.compare(of(run, published), pairs(run, published), never)
    found = by_name(rows)
    assert {found.pop(name) for name in ("eigenvalues", "hessians")} <= {IDENTICAL, RESOLUTION}
    assert found.pop("alpha") in ((IDENTICAL, FOLLOWS) if run[2] == "relu" else (IDENTICAL,))
    assert set(found.values()) == {IDENTICAL}
    assert all(row["worst"] <= 1.3e-14 for row in rows if row["quantity"] in quantities.RELATIVE)


def check_again(ours, theirs, rows):
    """The check of an archive, which cannot re-train, accepts these rows, and counts those that rest on re-trainings."""
    tables = (comparison.table("run", found) for found in (rows, comparison.compare(ours, theirs, None)))
    archived, again = (table.assign(source="mirror") for table in tables)
    left = archived.tolerance_from.str.startswith(comparison.RANKED).sum()
    assert rejudged.compared("comparison.csv", archived.to_csv(index=False), again) == (left, "")


def test_one_unit_in_the_last_place_of_one_residual_is_noticed(published, re_trained):
    def altered(residual):
        residual[20, 0, 3] = np.nextafter(residual[20, 0, 3], 1)
        return residual

    rows = comparison.compare(of(RUN, published), pairs(RUN, published, residual=altered), lambda: re_trained)
    assert by_name(rows)["residual"] == RETRAINING  # not identical, and no more than rounding does
    assert by_name(rows)["cost"] == IDENTICAL
    [row] = [row for row in rows if row["quantity"] == "residual"]
    assert 0 < row["worst"] < 1e-15
    assert "ranks of both among 19 re-trainings, smaller p = " in row["tolerance_from"]


@pytest.mark.parametrize(
    "run", [pytest.param(("nonlinear", "10", "esp"), marks=pytest.mark.long), ("linear", "8-2", "sigmoid")], ids="_".join
)
def test_with_another_arithmetic_the_run_is_one_among_re_trainings(run, published):
    """TensorFlow's kernels, and the exceptions switched off: rounding alone, so nothing differs."""
    values = members(run, published)
    for trajectory in (examples.trajectory(run, published), examples.replayed(run, published, exceptions=False)):
        ours, theirs = of(run, published, trajectory), pairs(run, published)
        rows = comparison.compare(ours, theirs, lambda: values)
        assert RETRAINING in by_name(rows).values()
        assert DIFFERS not in by_name(rows).values()
        check_again(ours, theirs, rows)


WRONG = {
    "another seed": lambda run, published: examples.protocol_changed(run, published, seed=2),
    "another split": lambda run, published: examples.protocol_changed(run, published, split_seed=6),
    "another learning rate": lambda run, published: examples.protocol_changed(run, published, learning_rate=0.011),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_publication_by_a_plausible_wrong_protocol_differs(published, re_trained, how):
    """The wrong run takes the publication's place; at hand are all its arrays."""
    wrong = WRONG[how](RUN, published)
    values = of(RUN, published, wrong).values
    publication = [Pair(name, name, np.arange(36), array) for name, array in values.items()]
    right = of(RUN, published)
    found = by_name(comparison.compare(right, publication, lambda: re_trained))
    assert found["cost"] == found["residual"] == found["eigenvalues"] == DIFFERS
    theirs = pairs(RUN, published)  # and the other way round: the publication is right, and we are wrong
    found = by_name(comparison.compare(of(RUN, published, wrong), theirs, lambda: re_trained))
    assert found["cost"] == found["residual"] == found["eigenvalues"] == DIFFERS


def once(array, amount, record=20):
    """An array that is off at one record, in its first entry there."""
    array = array.copy()
    array.reshape(len(array), -1)[record, 0] += amount
    return array


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("cost", lambda array: array + 1e-2 * (np.arange(len(array)) > 10)),
        ("cost", lambda array: once(array, 1e-3)),
        ("gamma", lambda array: array + (np.arange(len(array)) == 7) / 56),
        ("alpha", lambda array: array - (np.arange(len(array)) == 35) / 56),
        ("accuracy", lambda array: array[:, ::-1]),
        ("residual", lambda array: -array),
        ("residual", lambda array: once(array, 1e-6)),
        ("eigenvalues", lambda array: array * 1.001),
        ("eigenvalues", lambda array: once(array, -1.0)),
        ("hessians", lambda array: array.swapaxes(-1, -2)[..., ::-1]),
        ("hessians", lambda array: once(array, 1e-6)),
    ],
)
def test_a_wrong_publication_differs(published, re_trained, name, change):
    """Also where it is wrong in one number at one record."""
    ours, theirs = of(RUN, published), pairs(RUN, published, **{name: change})
    rows = comparison.compare(ours, theirs, lambda: re_trained)
    check_again(ours, theirs, rows)
    assert by_name(rows)[{"accuracy": "test_accuracy"}.get(name, name)] == DIFFERS
    assert name == "cost" or by_name(rows)["cost"] == IDENTICAL


def test_arrays_that_do_not_fit_are_one_line(published):
    shorter = [pair._replace(theirs=pair.theirs[..., :-1]) for pair in pairs(RUN, published) if pair.name == "residual"]
    with pytest.raises(MeanfieldError, match=r"residual has shape \(36, 1, 38\) here and \(36, 1, 37\) in the publication"):
        comparison.compare(of(RUN, published), shorter, never)


def test_where_members_have_no_spectrum_nothing_is_judged(published, re_trained):
    """As of the digits, whose members have spectra at some records only: the row counts these."""
    absent = np.arange(36) % 9 > 0
    sparse = {name: re_trained[name].copy() for name in ("eigenvalues", "hessians", "gamma")}
    for array in sparse.values():
        array[:, absent] = np.nan
    rows = comparison.compare(
        of(RUN, published), pairs(RUN, published, eigenvalues=lambda array: 1.001 * array), lambda: re_trained | sparse
    )
    [row] = [row for row in rows if row["quantity"] == "eigenvalues"]
    assert (row["records"], row["verdict"]) == (4, DIFFERS)


@pytest.mark.parametrize(
    ("run", "change"),
    [
        (RUN, lambda alpha: 0 * alpha),
        (RUN, lambda alpha: alpha + (np.arange(36) == 9) / 56),
        (RELU, lambda alpha: 0 * alpha),
        (RELU, lambda alpha: alpha + 0.4 * (np.arange(36) == 9)),
    ],
)
def test_an_alpha_beyond_what_the_eigenvalues_allow_differs(published, re_trained, run, change):
    values = re_trained if run == RUN else members(RELU, published)
    rows = comparison.compare(of(run, published), pairs(run, published, alpha=change), lambda: values)
    assert by_name(rows)["alpha"] == DIFFERS


@pytest.mark.parametrize(
    ("alpha", "moved", "verdict"),
    [
        (1, None, FOLLOWS),  # no spectrum at hand: -1e-16 is within what a solver resolves
        (0, None, None),  # -1 is not
        (1, 0.0, None),  # the spectra are equal, so the counts must be
        (1, 1e-3, FOLLOWS),  # of the published spectrum
        (2, 1e-3, IDENTICAL),
        (0, 1e-3, None),
    ],
)
def test_an_alpha_follows_from_the_eigenvalues_that_are_at_hand(alpha, moved, verdict):
    network = Network.of("3", "relu", 2, 1)
    eigenvalues = np.array([[-1, -1e-16, *np.arange(1, 12)]])
    run = comparison.Run({"alpha": np.array([2 / 13]), "eigenvalues": eigenvalues}, np.array([0]), None, network, None)
    theirs = {} if moved is None else {"eigenvalues": eigenvalues + moved}
    row = run.explained(Pair("alpha", "alpha", np.array([0]), np.array([alpha / 13])), theirs)
    assert (row and row["verdict"]) == verdict


def test_our_side_is_the_first_seed():
    dataset = examples.synthetic_dataset()
    trajectory, spectra, _ = examples.synthetic_run("esp", dataset, seeds=2)
    trajectory["gradient"], spectra["zero_rows"] = trajectory.parameters, spectra.zero_rows + spectra.seed
    run = comparison.Run.of(trajectory, spectra, *problem(dataset, "3", "esp", "float64"))
    for name in quantities.OF_TRAJECTORY:
        np.testing.assert_array_equal(run.values[name], trajectory[name][0])
    np.testing.assert_array_equal(run.values["eigenvalues"], spectra.eigenvalues[0])
    np.testing.assert_array_equal(run.zero_rows, spectra.zero_rows[0])
    np.testing.assert_array_equal(run.parameters, trajectory.parameters[0])


@pytest.mark.parametrize(("name", "added"), [("cost", 0), ("gamma", 0), ("gamma", 3e-17), ("alpha", 3e-17)])
def test_what_is_identical_needs_no_tolerance(name, added):
    run = comparison.Run({name: np.array([2 / 13])}, np.array([0]), None, Network.of("3", "relu", 2, 1), None)
    row = run.explained(Pair(name, name, np.array([0]), np.array([2 / 13 + added])), {})
    assert (row["verdict"], row["worst"], row["tolerance"]) == (IDENTICAL, 0, 0)


def test_nan_never_passes(published, re_trained):
    broken = of(RUN, published)
    broken.values["cost"] = np.where(np.arange(36) == 3, np.nan, broken.values["cost"])
    assert by_name(comparison.compare(broken, pairs(RUN, published), lambda: re_trained))["cost"] == DIFFERS


def test_headline_figures(published, re_trained):
    summary = pd.read_csv(examples.ROOT / "config/published/summary.csv").set_index(["experiment", "activation"])
    headline, updates = summary.loc["linear_8-2", "esp"], examples.replayed(RUN, published)["update"].values
    compared = quantities.pairs(updates, examples.no_arrays(), headline)
    assert set(by_name(comparison.compare(of(RUN, published), compared, never)).values()) == {IDENTICAL}
    altered = quantities.pairs(updates, examples.no_arrays(), headline.copy().replace(headline.cost_last, 0.1))
    assert by_name(comparison.compare(of(RUN, published), altered, lambda: re_trained))["cost_last"] == DIFFERS


@pytest.mark.long
def test_digits_with_labels_that_are_not_shifted_differ(published):
    run, settings = ("digits", "25", "sigmoid"), examples.CONFIG["datasets"]["digits"]
    features, target = datasets.digits("one-hot", settings["pixel_scale"])
    wrong = datasets.split(features, target, settings["test_size"], settings["split_seed"])
    draw = {key: examples.EXPERIMENTS[run[:2]][key] for key in ("beta_stddev", "beta_op_seed")}
    initial = initial_members(examples.network(run, published), [1], **draw)
    environment = Environment.of("digits", examples.EXCEPTIONS)
    trajectory = train(
        examples.network(run, published), wrong, initial, seeds=[1], **examples.protocol(run), environment=environment
    )
    ours = of(run, published, trajectory)
    summary = pd.read_csv(examples.ROOT / "config/published/summary.csv").set_index(["experiment", "activation"])
    compared = quantities.pairs(trajectory["update"].values, examples.no_arrays(), summary.loc["digits_25", "sigmoid"])
    found = by_name(comparison.compare(ours, compared, lambda: members(run, published, 9)))
    assert found["cost_first"] == found["cost_last"] == found["test_accuracy_last"] == DIFFERS


def test_tables_of_verdicts():
    rows = [comparison.unjudged("cost", verdict, "x could not be obtained") for verdict in verdicts.VERDICTS]
    table = pd.concat([comparison.table(f"linear 10 {name}", [row]) for name, row in zip("abcdefgh", rows, strict=True)])
    assert verdicts.overview(table)["cost"].tolist() == list(verdicts.VERDICTS)
    assert "1 differs" in verdicts.sentence(table)
    assert verdicts.sentence(table).endswith("differing: linear 10 f cost")
    assert "x could not be obtained" in verdicts.markdown(table)
    assert COLOURS[DIFFERS] in page(table)


def test_quantities_that_no_run_has_are_no_column():
    table = comparison.table("linear 10 esp", [comparison.unjudged("cost", FLOAT32)], {"gradient": "not published"})
    assert list(verdicts.overview(table)) == ["cost"]
    assert table.verdict.tolist() == [FLOAT32, NOT_AVAILABLE]
