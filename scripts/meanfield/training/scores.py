"""How well a network does: the scores that `data.task.SCORES` names, per member."""

from collections.abc import Callable

import numpy as np


def accuracy(z: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Share of samples classified correctly, averaged in float32, as published: float32 [seed].

    z [seed, label, sample], target [label, sample] or [seed, label, sample]. One label: ŷ > ½. Several: argmax against the
    target's argmax.
    """
    truth, chosen = _classes(z, target)
    return (truth == chosen).astype(np.float32).mean(axis=-1)


def balanced_accuracy(z: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Mean over the classes that are present of the share of their samples classified correctly: float64 [seed].

    Arguments as for `accuracy`. It is that of scikit-learn's `balanced_accuracy_score`.
    """
    truth, chosen = _classes(z, target)
    truth = np.broadcast_to(truth, chosen.shape)
    members = [truth == number for number in np.unique(truth)]
    counts = np.stack([of_class.sum(axis=-1) for of_class in members])
    correct = np.stack([(of_class & (chosen == truth)).sum(axis=-1) for of_class in members])
    recalls = np.divide(correct, counts, out=np.zeros(counts.shape), where=counts > 0)
    return recalls.sum(axis=0) / (counts > 0).sum(axis=0)


def r2(z: np.ndarray, target: np.ndarray) -> np.ndarray:
    """R² = 1 − Σ(ŷ − y)²/Σ(y − ȳ)², its mean over labels: float64 [seed]; NaN where a label is constant.

    Arguments as for `accuracy`. It is that of scikit-learn's `r2_score`, whose default is this mean.
    """
    spread = ((target - target.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    return (1 - ((z - target) ** 2).sum(axis=-1) / np.where(spread > 0, spread, np.nan)).mean(axis=-1)


def _classes(z: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True classes [sample] or [seed, sample], and the network's [seed, sample]."""
    if target.shape[-2] == 1:
        return (target > 0.5).astype(int)[..., 0, :], (z > 0).astype(int)[:, 0]
    return target.argmax(axis=-2), z.argmax(axis=1)


SCORE: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "r2": r2,
}
