"""Which training samples an update sees: all, or a batch of them, shuffled anew in each pass by the member's seed."""

from collections.abc import Sequence

import numpy as np

from meanfield.errors import MeanfieldError


def left_out(size: int | None, samples: int) -> int:
    """Samples that fill no batch of `size`, and are left out of each pass; none where all are one batch."""
    return samples % size if size else 0


class Batches:
    """The batches of every member: each pass over the samples is a permutation, cut into batches of `size`.

    The rest that fills none is left out of that pass. The permutation of pass e is that of NumPy's
    default_rng([seed, e]); what a member sees depends on its seed alone.
    """

    def __init__(self, size: int, samples: int, seeds: Sequence[int]) -> None:
        """MeanfieldError if there are not as many samples as a batch holds."""
        if size > samples:
            raise MeanfieldError(
                f"optimizer.batch_size is {size} and there are {samples} training samples; allowed: 1 to {samples}, "
                "or null for all of them"
            )
        self.size, self.samples, self.seeds = size, samples, list(seeds)
        self.in_a_pass = samples // size

    def of_updates(self, first: int, number: int) -> np.ndarray:
        """Samples of the updates `first`, first + 1, …, so many of them: int32 [update, seed, size]."""
        passes, positions = np.divmod(np.arange(first, first + number), self.in_a_pass)
        orders = {one: self._order(one) for one in np.unique(passes).tolist()}
        return np.stack([orders[one][:, at] for one, at in zip(passes.tolist(), positions, strict=True)])

    def _order(self, one: int) -> np.ndarray:
        """The batches of one pass: int32 [seed, position, size]."""
        orders = [np.random.default_rng([seed, one]).permutation(self.samples) for seed in self.seeds]
        kept = np.array(orders, np.int32)[:, : self.in_a_pass * self.size]
        return kept.reshape(len(self.seeds), self.in_a_pass, self.size)
