"""At which updates something is recorded."""

import numpy as np


def recorded_updates(updates: int, dense_every: int = 10, dense_until: int = 200, sparse_every: int = 50) -> np.ndarray:
    """The published schedule: 0, 11, 21, …, 191, then 211, 261, 311, … below `updates` (PROTOCOL, section What is recorded).

    Returns int64 [record], strictly increasing: update 0, then every `dense_every` up to `dense_until`, then every
    `sparse_every`. With the defaults 1000 updates give 36 records, 2300 give 62, 2500 give 66, 2000 give 56.
    """
    dense = np.arange(dense_every + 1, dense_until, dense_every)
    sparse = np.arange(dense_until + dense_every + 1, updates, sparse_every)
    records = np.concatenate(([0], dense, sparse)).astype(np.int64)
    return records[records < updates]
