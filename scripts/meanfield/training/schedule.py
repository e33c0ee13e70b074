"""What depends on the update alone: whether something is recorded, and the learning rate."""

import numpy as np


def recorded_updates(updates: int, dense_every: int = 10, dense_until: int = 200, sparse_every: int = 50) -> np.ndarray:
    """The published schedule: 0, 11, 21, …, 191, then 211, 261, … below `updates` (docs/protocol.md, What is recorded).

    Returns int64 [record], strictly increasing: update 0, then every `dense_every` up to `dense_until`, then every
    `sparse_every`. With the defaults 1000 updates give 36 records, 2300 give 62, 2500 give 66, 2000 give 56.
    """
    dense = np.arange(dense_every + 1, dense_until, dense_every)
    sparse = np.arange(dense_until + dense_every + 1, updates, sparse_every)
    records = np.concatenate(([0], dense, sparse)).astype(np.int64)
    return records[records < updates]


def published_updates(records: int) -> np.ndarray:
    """The updates of a published run's records, int64 [record]."""
    return recorded_updates(100 * records)[:records]


def learning_rates(updates: int, learning_rate: float, decay_rate: float, decay_updates: float) -> np.ndarray:
    """learning_rate · decay_rate^(t / decay_updates) for t = 0 … updates − 1, float32 [update], rounded as in 2018.

    The published runs betray two roundings that TensorFlow 2.21's own ops do not repeat: the division by the constant was
    a product with its float32 reciprocal (TensorFlow's graph optimizer does that), and the power was correctly rounded.
    One unit in the last place at update 175 is all it takes to move five of the six linear runs off the published costs
    (docs/deviations.md).
    """
    exponent = np.arange(updates, dtype=np.float32) * (1 / np.float32(decay_updates))
    power = (np.float64(np.float32(decay_rate)) ** exponent.astype(np.float64)).astype(np.float32)
    return np.float32(learning_rate) * power
