"""
The published run among re-trainings: is it the odd one out?

Where a run is not met to the bit, rounding has taken it elsewhere, and training may amplify that without bound. So the run
is trained again with rounding at random (`retraining`), and the published one is ranked among these members, as one more of
them. Under the hypothesis that it is, every rank is equally likely, so the p value is exact,
whatever the distribution: the published run differs only if it is the most extreme of all, which happens by chance in one
of M + 1 (a permutation test; Lehmann and Romano 2005, Testing Statistical Hypotheses, section 15.2).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from meanfield.verification.quantities import Pair

FUNCTIONS_OF_EIGENVALUES = ("alpha", "alpha_resolved", "gamma_resolved")  # a solver decides them: not ranked, but derived


class Rank(NamedTuple):
    """Where the published run stands: p value, number of members, and for each quantity whether it is beyond all of them."""

    p: float
    members: int
    extreme: dict[str, bool]


def scores(values: Sequence[np.ndarray]) -> np.ndarray:
    """How far each element lies from the mean of all, relative to how far they lie on average: float64 [element].

    Of one quantity, each element [record, …]; the ratio is taken record by record, where all elements are finite, and
    averaged over records; records at which all agree count 0. Infinite for an element that is the only one to differ at all.
    """
    stacked = np.stack([np.reshape(value, (len(value), -1)) for value in values])
    stacked = stacked[:, np.isfinite(stacked).all(axis=(0, 2))]
    if not stacked.size:
        return np.zeros(len(values))
    distance = np.abs(stacked - stacked.mean(axis=0)).max(axis=-1)
    average = distance.mean(axis=0)
    result = np.divide(distance, average, out=np.zeros_like(distance), where=average > 0).mean(axis=1)
    _, kinds, counts = np.unique(stacked.reshape(len(stacked), -1), axis=0, return_inverse=True, return_counts=True)
    alone = counts[kinds.ravel()] == 1
    if len(counts) == 2 and alone.sum() == 1:
        result[alone] = np.inf
    return result


def rank(pairs: Sequence[Pair], re_trained: dict[str, np.ndarray]) -> Rank:
    """The published run among members [member, epoch, …] by quantity: p is the share of all that score at least as high.

    One statistic a run: the largest score of any quantity. What follows from the eigenvalues is left out.
    """
    by_quantity = {
        pair.name: scores([pair.theirs, *re_trained[pair.quantity][:, pair.records]])
        for pair in pairs
        if pair.quantity not in FUNCTIONS_OF_EIGENVALUES
    }
    largest = np.max(list(by_quantity.values()), axis=0)
    extreme = {name: bool(score[0] > score[1:].max()) for name, score in by_quantity.items()}
    return Rank(float((largest >= largest[0]).mean()), len(largest) - 1, extreme)
