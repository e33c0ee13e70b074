"""
Hessian products of blocks of vectors in bounded memory (docs/method.md, "Spectra without the matrix").

The equations are those of `propagation.operator`. Here signals lie as [vector, unit, sample], so that in each layer one
matrix product with the layer's inputs serves all vectors, and samples are taken in blocks, whose products add up.
"""

from collections.abc import Callable

import numpy as np

from meanfield.model.network import Layout, Network
from meanfield.model.propagation import COEFFICIENTS, WORKING, Objective, check, linearized, penalty, sample_blocks

KEPT = 2**30  # bytes of forward and backward passes that are kept from product to product; if they need more, none is
WIDE = 256  # units times vectors that make a matrix product as fast as it gets: more vectors at once would only take memory
SIGNALS = 5  # numbers a unit and sample of one vector at once, beside those of the passes


class Products:
    """V ↦ H·V, G·V or R·V without the matrix, for blocks of vectors.

    `precision` "float32" rounds theta's signals and coefficients, which are computed in float64, and the vectors; sums over
    blocks of samples are float64. A block has `samples` samples, by default as many as WORKING holds, and as many of the
    `vectors` that will come as make it WIDE.
    MeanfieldError for bad input.
    """

    def __init__(
        self,
        theta: np.ndarray,
        network: Network,
        objective: Objective,
        part: str = "H",
        *,
        precision: str = "float64",
        vectors: int = 1,
        samples: int | None = None,
    ) -> None:
        check(theta, network, objective)
        self.dtype = dtype = np.dtype(precision)
        self._diagonal = penalty(network, objective, part)
        units, total = sum(network.hidden) + network.outputs, len(objective.features)
        passes = network.inputs + 1 + COEFFICIENTS * units
        self._together = max(1, WIDE // max(network.hidden))
        signals = SIGNALS * units * min(vectors, self._together)
        self._ends = sample_blocks(total, samples or WORKING // (self.dtype.itemsize * (passes + signals)))
        # without self in it: that would be a cycle, and the passes would stay until Python looks for such
        self._of_block = lambda start, stop: _product(theta, network, objective.samples(start, stop), part, dtype)
        self._kept: dict[int, Callable] | None = {} if total * passes * self.dtype.itemsize <= KEPT else None

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """The products with vectors [vector, P], or [P]: float64 of the same shape."""
        block = np.atleast_2d(vectors).astype(self.dtype, copy=False)
        result = self._diagonal * block
        for number, (start, stop) in enumerate(zip(self._ends[:-1], self._ends[1:], strict=True)):
            if self._kept is None:
                product = self._of_block(start, stop)
            else:
                product = self._kept[number] = self._kept.get(number) or self._of_block(start, stop)
            for first in range(0, len(block), self._together):
                result[first : first + self._together] += product(block[first : first + self._together])
        return result.reshape(vectors.shape)


def _product(
    theta: np.ndarray, network: Network, objective: Objective, part: str, dtype: np.dtype
) -> Callable[[np.ndarray], np.ndarray]:
    """V ↦ the derivative of these samples' gradient, penalty aside, along vectors [vector, P], in that precision."""
    point, local, deltas, coupling = linearized(theta, network, objective, part)
    turned = lambda array: np.ascontiguousarray(np.asarray(array)[0].T, dtype)  # noqa: E731  [unit, sample]
    trainable = network.layout[0].beta is not None
    weights = [layer.weights[0].astype(dtype) for layer in point.layers]
    inputs = [signal[0].astype(dtype, copy=False) for signal in point.inputs]  # [sample, input + 1]
    by_h = [turned(state.h) for state in point.states]
    by_beta = [turned(state.beta) if trainable else None for state in point.states]
    local = [[turned(k) for k in (parts if trainable else parts[:1])] for parts in local]
    deltas = [turned(delta) for delta in deltas]
    coupling = None if coupling is None else coupling[0].astype(dtype)
    del point

    def gram(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """left [vector, unit, sample] times right [sample, other], as one product: [vector, unit, other]."""
        return (left.reshape(-1, left.shape[-1]) @ right).reshape(*left.shape[:2], -1)

    def product(vectors: np.ndarray) -> np.ndarray:
        along = [_affine(vectors, layout) for layout in network.layout]
        along_beta = [vectors[:, layout.betas, None] for layout in network.layout]
        d_h, d_signals = [], []  # derivatives along the vectors; those of the features are 0
        for k, d_affine in enumerate(along):
            d_h.append(gram(d_affine, inputs[k].T))
            if k:
                d_h[k] += weights[k] @ d_signals[k - 1]
            d_signals.append(by_h[k] * d_h[k])
            if trainable:
                d_signals[k] += by_beta[k] * along_beta[k]
        result = np.empty_like(vectors)
        d_error = None if coupling is None else _coupled(coupling, d_signals[-1])
        for k in reversed(range(len(along))):
            d_delta = local[k][0] * d_h[k]
            if trainable:
                d_delta += local[k][1] * along_beta[k]
                d_beta = local[k][1] * d_h[k] + local[k][2] * along_beta[k]
                if d_error is not None:
                    d_beta += by_beta[k] * d_error
                result[:, network.layout[k].beta] = d_beta.sum(axis=-1)
            if d_error is not None:
                d_delta += by_h[k] * d_error
            block = gram(d_delta, inputs[k])
            if k:
                block[..., :-1] += gram(d_signals[k - 1], deltas[k].T).swapaxes(-1, -2)
                d_error = weights[k].T @ d_delta
                d_error += along[k][..., :-1].swapaxes(-1, -2) @ deltas[k]
            result[:, network.layout[k].weights] = block[..., :-1].reshape(len(vectors), -1)
            result[:, network.layout[k].bias] = block[..., -1]
        return result

    return product


def _affine(vectors: np.ndarray, layout: Layout) -> np.ndarray:
    """W̃ = [W, b] of vectors [vector, P] in one layer: [vector, unit, input + 1]."""
    result = np.empty((len(vectors), layout.units, layout.inputs + 1), vectors.dtype)
    result[..., :-1] = vectors[:, layout.weights].reshape(len(vectors), layout.units, layout.inputs)
    result[..., -1] = vectors[:, layout.bias]
    return result


def _coupled(coupling: np.ndarray, d_outputs: np.ndarray) -> np.ndarray:
    """Λ [sample, label, label] times the outputs' derivatives [vector, label, sample], sample by sample; of their shape."""
    return np.ascontiguousarray((coupling @ np.ascontiguousarray(d_outputs.T)).T)
