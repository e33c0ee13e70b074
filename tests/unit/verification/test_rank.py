"""The rank of a run among re-trainings: the most extreme as often as stated, and where it is wrong, be it at one record."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meanfield.verification.quantities import Pair
from meanfield.verification.rank import floor, rank, scores
from scipy import stats

RECORDS = np.arange(6)


def drawn(rng, members):
    """Trainings that rounding drives apart along the records; a count that is mostly the same."""
    noise = np.cumsum(rng.standard_normal(size=(members, 6)), axis=1)
    return {"cost": noise, "residual": noise[..., None] * rng.normal(size=(1, 6, 3)), "gamma": (noise > 4) / 4}


def judged(values, which=0):
    """One of the trainings among the others."""
    pairs = [Pair(name, name, RECORDS, array[which]) for name, array in values.items()]
    others = [np.delete(array, which, axis=0) for array in values.values()]
    return rank(pairs, [pair.theirs for pair in pairs], others, parameters=50)


def test_members_are_called_different_as_often_as_stated():
    """400 draws of 20 exchangeable trainings each: the first is the most extreme in 1 of 20."""
    rng = np.random.default_rng(1)
    found = sum(judged(drawn(rng, 20)).p <= 1 / 20 for _ in range(400))
    low, high = stats.binomtest(found, 400).proportion_ci(0.99, method="wilson")
    assert low <= 1 / 20 <= high


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(9, 25))
def test_at_most_one_of_a_group_is_the_most_extreme(seed, members):
    values = drawn(np.random.default_rng(seed), members)
    assert sum(judged(values, which).p <= 1 / members + 1e-12 for which in range(members)) <= 1


@pytest.mark.parametrize("name", ["cost", "residual", "gamma"])
@pytest.mark.parametrize("where", [slice(None), 0, 5], ids=["everywhere", "first record", "last record"])
def test_a_run_that_is_elsewhere_is_the_most_extreme(name, where):
    values = drawn(np.random.default_rng(2), 20)
    values[name][0, where] = 1000 * np.abs(values[name]).max() + 1000
    found = judged(values)
    assert found.p == 1 / 20
    assert found.members == 19
    assert [quantity for quantity, beyond in found.extreme.items() if beyond] == [name]


def test_a_member_that_is_alone_somewhere_does_not_hide_a_wrong_run():
    values = drawn(np.random.default_rng(3), 20) | {"test_accuracy": np.ones((20, 6), np.float32)}
    values["test_accuracy"][7, 3] -= 1 / 13
    values["cost"][0] += 1e6
    found = judged(values)
    assert (found.p, found.extreme["cost"]) == (1 / 20, True)


def test_zero_rows_that_no_member_has_differ():
    values = {"gamma": np.full((20, 6), 0.25), "cost": np.random.default_rng(3).normal(size=(20, 6))}
    values["gamma"][0, 4] += 1 / 56
    assert judged(values).extreme["gamma"]
    values["gamma"][7, 1] += 1 / 56  # as one that rounding may add
    assert not judged(values).extreme["gamma"]


def test_a_difference_that_other_code_may_make_is_none():
    """Where all members agree but for a unit, a run that differs by a few units of the same code is not odd."""
    rng = np.random.default_rng(4)
    matrices = np.ones((20, 6, 4)) * (1 + 1e-16 * rng.normal(size=(20, 6, 4)))
    values = {"hessians": matrices, "cost": rng.normal(size=(20, 6))}
    values["hessians"][0] *= 1 + 1e-14  # P·ε = 1.1e-14
    assert scores("hessians", values["hessians"], 50)[0] <= 1
    values["hessians"][0] *= 1 + 1e-11
    assert judged(values).extreme["hessians"]


def test_ties_and_agreement_never_count_as_extreme():
    same = {"cost": np.ones((20, 6))}
    assert judged(same).p == 1
    assert not judged(same).extreme["cost"]


def test_records_without_a_spectrum_are_left_out():
    values = np.array([[1.0, np.nan, 1.0], [3.0, 2.0, 1.0], [2.0, 2.0, 1.0]])
    np.testing.assert_allclose(scores("cost", values, 50), [3, 3, 0], atol=1e-6)
    np.testing.assert_array_equal(scores("cost", np.full((2, 1), np.nan), 50), [0, 0])


def test_what_follows_from_the_eigenvalues_is_not_ranked():
    values = {"alpha": np.vstack([np.ones((1, 6)), np.zeros((19, 6))]), "cost": np.ones((20, 6))}
    assert judged(values).p == 1


def test_what_counts_as_no_distance_at_each_record():
    values = np.array([[[1.0, -4.0], [0.5, 0.0]], [[2.0, 3.0], [0.0, -1.0]]])
    double, single = np.finfo(float).eps, np.finfo(np.float32).eps
    for name, units in (("eigenvalues", 50 * double), ("cost", single), ("gradient", double)):
        np.testing.assert_allclose(floor(name, values, 50), [4 * units, units], rtol=1e-12)
    np.testing.assert_allclose(floor("residual", values, 50), [10 * double, 4 * double])
    assert (floor("gradient", 0 * values, 50) > 0).all()
    shares = np.array([[[0.25], [0.5]], [[0.25], [0.625]]])
    np.testing.assert_array_equal(floor("gamma", shares, 50), [0.125, 0.125])
    np.testing.assert_array_equal(floor("gamma", 0 * shares, 50), [1, 1])
