"""Archived verdicts beside those made again without re-trainings."""

import pandas as pd
import pytest
from meanfield.archive import rejudged
from meanfield.errors import MeanfieldError
from meanfield.verification.comparison import OPEN, RANKED
from meanfield.verification.verdicts import DIFFERS, FOLLOWS, IDENTICAL, RETRAINING

NAME = "results/runs/linear/10/relu/comparison.csv"
RANKS = f"{RANKED}19 re-trainings, smaller p = 0.30"


def row(quantity, worst, tolerance, origin, verdict):
    return {
        "run": "linear 10 relu", "quantity": quantity, "records": 6, "worst": worst, "tolerance": tolerance,
        "tolerance_from": origin, "verdict": verdict, "source": "mirror",
    }  # fmt: skip


AGAIN = [
    row("cost", 0.0, 0.0, "none needed", IDENTICAL),
    row("eigenvalues", 0.5, float("nan"), OPEN, OPEN),
    row("alpha", 0.25, 0.25, "eigenvalues", FOLLOWS),
]
ARCHIVED = [AGAIN[0], row("eigenvalues", 0.5, 0.7, RANKS, RETRAINING), AGAIN[2]]


def compared(archived):
    return rejudged.compared(NAME, pd.DataFrame(archived).to_csv(index=False), pd.DataFrame(AGAIN))


def test_a_row_that_rests_on_re_trainings_is_counted_and_the_others_are_checked():
    assert compared(ARCHIVED) == (1, "")
    differing = [ARCHIVED[0], ARCHIVED[1] | {"verdict": DIFFERS}, ARCHIVED[2] | {"verdict": DIFFERS}]
    assert compared(differing) == (1, "")
    fewer = [ARCHIVED[0], ARCHIVED[1] | {"records": 4, "worst": 0.3}, ARCHIVED[2]]
    assert compared(fewer) == (1, "")


@pytest.mark.parametrize(
    ("position", "change", "named"),
    [
        (0, {"verdict": DIFFERS}, "verdict"),
        (0, {"worst": 1.0}, "linear 10 relu cost"),
        (0, {"worst": float("nan")}, "linear 10 relu cost"),
        (1, {"verdict": IDENTICAL}, "eigenvalues is said to be identical"),
        (1, {"tolerance_from": "none needed"}, "eigenvalues is said"),
        (1, {"worst": 0.4}, "eigenvalues is said"),
        (1, {"worst": 0.6, "records": 4}, "eigenvalues is said"),
        (1, {"verdict": DIFFERS}, "verdict"),
        (2, {"verdict": DIFFERS}, "verdict"),
        (2, {"quantity": "gamma"}, "its rows"),
    ],
)
def test_what_does_not_follow_is_named_beside_a_row_that_rests_on_re_trainings(position, change, named):
    archived = list(ARCHIVED)
    archived[position] = archived[position] | change
    with pytest.raises(MeanfieldError, match=named):
        compared(archived)
