"""
A run among re-trainings: is it the odd one out?

Where a bit is not met, rounding has taken the run elsewhere, and training may amplify that without bound. So the run is
trained again with rounding at random (`retraining`), and the published run and ours are each ranked among these members, as
one more of them. If a run is one, every rank is equally likely, whatever the distribution (a permutation test; Lehmann and
Romano 2005, Testing Statistical Hypotheses, section 15.2): it is the most extreme of M + 1 by chance in one of M + 1 cases.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from meanfield.verification.quantities import AVERAGED, COUNTED, RELATIVE, Pair

DISCRETE = (*COUNTED, "train_accuracy", "test_accuracy")
FUNCTIONS_OF_EIGENVALUES = ("alpha", "alpha_resolved", "gamma_resolved")  # a solver decides them: not ranked, but derived


class Rank(NamedTuple):
    """Where a run stands: p value, number of members, and for each quantity whether it is beyond all of them."""

    p: float
    members: int
    extreme: dict[str, bool]


def floor(quantity: str, values: np.ndarray, parameters: int) -> np.ndarray:
    """What counts as no distance, [record], for values [element, record, number] of a quantity: a count, where it is one;
    else what other code for the same formula may differ by.

    That is a unit of float32 where a mean was taken in it, the resolution of a symmetric solver for eigenvalues and
    Hessians, two units of ŷ for residuals (an exponential and a division), and a unit of float64.
    """
    if quantity in DISCRETE:
        steps = np.diff(np.unique(values.round(9)))
        return np.full(values.shape[1], steps.min(initial=1.0))
    if quantity == "residual":  # ŷ − y, the rounding of a number up to 1 however small the difference
        return 2 * np.finfo(float).eps * (1 + np.abs(values).max(axis=(0, 2)))
    units = (parameters if quantity in RELATIVE else 1) * np.finfo(np.float32 if quantity in AVERAGED else float).eps
    return units * np.abs(values).max(axis=(0, 2)) + np.finfo(float).tiny


def scores(quantity: str, values: np.ndarray, parameters: int) -> np.ndarray:
    """How far each element lies from the mean of the others, over how far these lie from it at most: float64 [element].

    values [element, record, …] of one quantity; the largest ratio over the records at which all are finite.
    """
    values = values.reshape(*values.shape[:2], -1)
    values = values[:, np.isfinite(values).all(axis=(0, 2))]
    if not values.size:
        return np.zeros(len(values))
    least, total, result = floor(quantity, values, parameters), values.sum(axis=0), []
    for element in range(len(values)):
        centre = (total - values[element]) / (len(values) - 1)
        distance = np.abs(values - centre).max(axis=-1)
        spread = np.delete(distance, element, axis=0).max(axis=0)
        result.append((distance[element] / np.maximum(spread, least)).max())
    return np.array(result)


def rank(pairs: Sequence[Pair], run: Sequence[np.ndarray], members: Sequence[np.ndarray], parameters: int) -> Rank:
    """A run [record, …] among members [member, record, …], both for each pair: p is the share that score at least as high.

    One statistic a training: its largest score in any quantity. What follows from the eigenvalues is left out. γ, which
    counts rows that are exactly zero, is also beyond all if all members have the same and the run has not.
    """
    by_name = {
        pair.name: scores(pair.quantity, np.concatenate([mine[None], others]), parameters)
        for pair, mine, others in zip(pairs, run, members, strict=True)
        if pair.quantity not in FUNCTIONS_OF_EIGENVALUES
    }
    largest = np.max(list(by_name.values()), axis=0)
    extreme = {name: bool(score[0] > largest[1:].max()) for name, score in by_name.items()}
    for pair, mine, others in zip(pairs, run, members, strict=True):  # rows that are zero are so for a reason
        if pair.quantity == "gamma" and (others == others[0]).all():
            extreme[pair.name] = bool((mine != others[0]).any())
    return Rank(float((largest >= largest[0]).mean()), len(largest) - 1, extreme)
