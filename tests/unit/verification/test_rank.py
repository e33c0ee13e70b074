"""The rank of the publication among re-trainings: the most extreme as often as stated, and where it is wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meanfield.verification.quantities import Pair
from meanfield.verification.rank import rank, scores
from scipy import stats

RECORDS = np.arange(6)


def drawn(rng, members):
    """Trainings that rounding drives apart along the records; a count that is mostly the same."""
    noise = np.cumsum(rng.standard_cauchy(size=(members, 6)), axis=1)
    return {"cost": noise, "residual": noise[..., None] * rng.normal(size=(1, 6, 3)), "gamma": (noise > 9) / 4}


def judged(values, which=0):
    """One of the trainings as the publication among the others."""
    others = {name: np.delete(array, which, axis=0) for name, array in values.items()}
    return rank([Pair(name, name, RECORDS, array[which]) for name, array in values.items()], others)


def test_members_are_called_different_as_often_as_stated():
    """400 draws of 20 exchangeable trainings each: the first is the most extreme in 1 of 20."""
    rng = np.random.default_rng(1)
    found = sum(judged(drawn(rng, 20)).p <= 1 / 20 for _ in range(400))
    low, high = stats.binomtest(found, 400).proportion_ci(0.99, method="wilson")
    assert low <= 1 / 20 <= high


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(3, 25))
def test_at_most_one_of_a_group_is_the_most_extreme(seed, members):
    values = drawn(np.random.default_rng(seed), members)
    assert sum(judged(values, which).p <= 1 / members + 1e-12 for which in range(members)) <= 1


@pytest.mark.parametrize("name", ["cost", "residual", "gamma"])
def test_a_publication_that_is_elsewhere_in_one_quantity_is_the_most_extreme(name):
    values = drawn(np.random.default_rng(2), 20)
    values[name][0] = values[name][1:].max() + 100 * np.abs(values[name]).max() + 1
    found = judged(values)
    assert found.p == 1 / 20
    assert found.members == 19
    assert [quantity for quantity, beyond in found.extreme.items() if beyond] == [name]


def test_the_only_one_that_differs_is_the_most_extreme():
    values = {"gamma": np.zeros((20, 6)), "cost": np.random.default_rng(3).normal(size=(20, 6))}
    values["gamma"][0, 4] = 1 / 56
    assert judged(values).extreme["gamma"]
    assert judged(values).p == 1 / 20
    values["gamma"][7, 1] = 1 / 56
    assert judged(values).p > 1 / 20


def test_ties_and_agreement_never_count_as_extreme():
    same = {"cost": np.ones((20, 6))}
    assert judged(same).p == 1
    assert not judged(same).extreme["cost"]


def test_records_without_a_spectrum_are_left_out():
    values = [np.array([1.0, np.nan, 1.0]), np.array([3.0, 2.0, 1.0])]
    np.testing.assert_array_equal(scores(values), [0.5, 0.5])
    np.testing.assert_array_equal(scores([np.array([np.nan])] * 2), [0, 0])


def test_what_follows_from_the_eigenvalues_is_not_ranked():
    values = {"alpha": np.vstack([np.ones((1, 6)), np.zeros((19, 6))]), "cost": np.ones((20, 6))}
    assert judged(values).p == 1
