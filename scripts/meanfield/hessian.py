"""
The exact Hessian of the loss in closed form, for any depth; its Gauss–Newton split; gradient; Hessian-vector products.

Formulas: METHODS, section "Hessian in closed form" (Bishop 1992, Neural Computation 4:494, with ESP's β added); derived
in docs/method.md. Per sample, two families of small matrices are propagated through the layers, for each unit variable
u_m (h_m, or β_m) of each layer m:

    S_l = ∂h_l/∂u_m,  T_l = ∂a_l/∂u_m       forward:   S_{l+1} = W_{l+1} T_l,      T_l = f_h ∘ S_l
    Q_l = ∂δ_l/∂u_m,  δ_l = ∂ℓ/∂h_l         backward:  Q_l = k_hh ∘ S_l + f_h ∘ (W_{l+1}ᵀ Q_{l+1})
    R_l = ∂(∂ℓ/∂β_l)/∂u_m                              R_l = k_hβ ∘ S_l + f_β ∘ (W_{l+1}ᵀ Q_{l+1})

with the local curvatures k = e ∘ (f_hh, f_hβ, f_ββ), e = ∂ℓ/∂a_l, plus λ(f_h², f_h f_β, f_β²) in the output layer. Every
block of the Hessian is then a Gram matrix, summed over samples, of Q or R with the layers' inputs ã = [a, 1]: a few large
matrix products. G keeps only the terms with λ, R = H − G only those with e and δ.

Arrays carry the axes [part, batch, sample, unit]; `part` is 1 for H alone and 2 for (H, G); the small matrices are stored
transposed, [..., j, i] with j a unit of layer m and i one of layer l, so that every propagation is one matrix product.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from meanfield.activations import Derivatives
from meanfield.errors import MeanfieldError
from meanfield.losses import Loss
from meanfield.network import Layer, Network

WORKSPACE = 32 * 2**20
"""Bytes for the per-sample intermediates: samples and batch members are taken in blocks that fit."""

LEAST_BLOCK = 128
"""Samples in a block even if they exceed the workspace: matrix products with fewer are slow."""


class Sums(NamedTuple):
    """What is averaged, and how: the loss, features [sample, input], target [sample, label], averaging factor."""

    loss: Loss
    features: np.ndarray
    target: np.ndarray
    factor: float

    def samples(self, start: int, stop: int) -> "Sums":
        """The same for a block of samples."""
        return self._replace(features=self.features[start:stop], target=self.target[start:stop])


class Point(NamedTuple):
    """The network at one block of parameters and samples: layers, their inputs ã_{l−1}, activations, backward pass."""

    layers: list[Layer]
    inputs: list[np.ndarray]
    states: list[Derivatives]
    errors: list[np.ndarray]
    deltas: list[np.ndarray]
    curvature: np.ndarray


def _check(theta: np.ndarray, network: Network, sums: Sums) -> None:
    for name, values in (("parameters", theta), ("features", sums.features), ("target", sums.target)):
        if not np.isfinite(values).all():
            raise MeanfieldError(f"{name} contain {np.size(values) - np.isfinite(values).sum()} NaN or infinite values")
    for name, found, expected in (
        ("features", sums.features.shape[1], network.inputs),
        ("target", sums.target.shape[1], network.outputs),
        ("parameters", theta.shape[-1], network.size),
    ):
        if found != expected:
            raise MeanfieldError(f"{name} have {found} columns; this network takes {expected}")


def _with_one(signal: np.ndarray) -> np.ndarray:
    """ã = [a, 1] along the last axis."""
    result = np.ones((*signal.shape[:-1], signal.shape[-1] + 1))
    result[..., :-1] = signal
    return result


def _propagate(theta: np.ndarray, network: Network, sums: Sums) -> Point:
    """Forward and backward pass; theta [batch, P]; arrays [batch, sample, unit]."""
    layers = network.unpack(theta)
    states = network.forward(layers, sums.features)
    inputs = [_with_one(signal) for signal in (sums.features[None], *(state.value for state in states[:-1]))]
    z = states[-1].value
    errors = [sums.loss.residual(z, sums.target) * sums.factor]
    deltas = [errors[0] * states[-1].h]
    for layer, state in zip(layers[:0:-1], states[-2::-1], strict=True):
        errors.insert(0, deltas[0] @ layer.weights)
        deltas.insert(0, errors[0] * state.h)
    return Point(layers, inputs, states, errors, deltas, sums.loss.curvature(z, sums.target) * sums.factor)


def _local_curvatures(network: Network, point: Point, split: bool) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """k_hh, k_hβ, k_ββ of each layer, [part, batch, sample, unit]: part 0 all terms, part 1 (if `split`) those with λ."""
    curvatures = []
    for number, (state, error) in enumerate(zip(point.states, point.errors, strict=True)):
        if state.hh is None:
            raise MeanfieldError(f"activation '{network.activation.name}' gives no second derivative; the Hessian needs it")
        lam = point.curvature if number == len(point.states) - 1 else 0.0
        first = (lam * state.h * state.h, lam * state.h * state.beta, lam * state.beta * state.beta)
        rest = (error * state.hh, error * state.hbeta, error * state.betabeta)
        parts = tuple(np.zeros((1 + split, *error.shape)) for _ in first)
        for k, g, r in zip(parts, first, rest, strict=True):
            k[0] = g + r
            k[1:] = g
        curvatures.append(parts)
    return curvatures


def gradient(theta: np.ndarray, network: Network, sums: Sums) -> np.ndarray:
    """∇ℓ at theta [..., P], float64 of the same shape (METHODS, section Gradient). MeanfieldError for bad input."""
    _check(theta, network, sums)
    point = _propagate(theta.reshape(-1, network.size), network, sums)
    result = np.zeros((theta.size // network.size, network.size))
    for layout, inputs, state, error, delta in zip(
        network.layout, point.inputs, point.states, point.errors, point.deltas, strict=True
    ):
        result[:, layout.affine] = delta.swapaxes(-1, -2) @ inputs
        if layout.beta:
            result[:, layout.beta] = (error * state.beta).sum(axis=-2)
    return result.reshape(theta.shape)


def operator(theta: np.ndarray, network: Network, sums: Sums, part: str = "H") -> Callable[[np.ndarray], np.ndarray]:
    """v ↦ H·v, G·v or R·v without the matrix, in O(N·P) a product: theta [P]; v and the result float64 [P].

    The derivative of the gradient along v (Pearlmutter 1994, Neural Computation 6:147) in the symbols of this module; the
    forward and backward pass is done once, here. MeanfieldError for bad input.
    """
    _check(theta, network, sums)
    point = _propagate(theta[None], network, sums)
    choose = {"H": lambda k: k[0], "G": lambda k: k[1], "R": lambda k: k[0] - k[1]}[part]
    local = [tuple(map(choose, parts)) for parts in _local_curvatures(network, point, split=True)]
    deltas = [np.zeros_like(delta) if part == "G" else delta for delta in point.deltas]

    def product(vector: np.ndarray) -> np.ndarray:
        affine = [vector[None, layout.affine] for layout in network.layout]
        betas = [vector[layout.betas] if layout.beta else 0.0 for layout in network.layout]
        d_h, d_signals = [], [np.zeros_like(point.inputs[0][..., :-1])]
        for layer, inputs, state, direction, beta in zip(
            point.layers, point.inputs, point.states, affine, betas, strict=True
        ):
            d_h.append(inputs @ direction.swapaxes(-1, -2) + d_signals[-1] @ layer.weights.swapaxes(-1, -2))
            d_signals.append(state.h * d_h[-1] + state.beta * beta)
        result, d_error = np.zeros((1, network.size)), 0.0
        for number, layout in reversed(list(enumerate(network.layout))):
            (k_hh, k_hb, k_bb), state, delta = local[number], point.states[number], deltas[number]
            d_delta = k_hh * d_h[number] + k_hb * betas[number] + state.h * d_error
            block = d_delta.swapaxes(-1, -2) @ point.inputs[number]
            block[..., :-1] += delta.swapaxes(-1, -2) @ d_signals[number]
            result[:, layout.affine] = block
            if layout.beta:
                d_beta = k_hb * d_h[number] + k_bb * betas[number] + state.beta * d_error
                result[:, layout.beta] = d_beta.sum(axis=-2)
            d_error = d_delta @ point.layers[number].weights + delta @ affine[number][..., :-1]
        return result[0]

    return product


def hessian(
    theta: np.ndarray, network: Network, sums: Sums, *, split: bool = False, workspace: int = WORKSPACE
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """The exact Hessian of the averaged loss at theta [..., P]: float64 [..., P, P], exactly symmetric.

    With `split` the pair (H, G) of Hessian and Gauss–Newton term from one pass; the rest is R = H − G. Memory beyond the
    result stays near `workspace` bytes and the blocks of the members in hand, whatever the number of samples. MeanfieldError
    for NaN or infinite input, wrong shapes, or an activation without second derivatives.
    """
    _check(theta, network, sums)
    members = theta.reshape(-1, network.size)
    result = np.empty((1 + split, len(members), network.size, network.size))
    samples = len(sums.features)
    per_sample = 8 * _doubles_per_sample(network, 1 + split)
    block = min(max(workspace // per_sample, LEAST_BLOCK), samples)
    batch = max(workspace // (per_sample * block), 1)
    for first in range(0, len(members), batch):
        chunk = slice(first, first + batch)
        totals: dict = {}
        for start in range(0, samples, block):
            point = _propagate(members[chunk], network, sums.samples(start, start + block))
            for place, value in _blocks(network, point, split):
                totals[place] = np.add(totals[place], value, out=totals[place]) if place in totals else value
        for place in list(totals):
            _scatter(place, totals.pop(place), network, result[:, chunk])
    result = result.reshape(1 + split, *theta.shape[:-1], network.size, network.size)
    return (result[0], result[1]) if split else result[0]


def _doubles_per_sample(network: Network, parts: int) -> int:
    """Numbers held per sample and member at the peak: products of two layers' inputs, and the small matrices."""
    inputs = [layout.inputs + 1 for layout in network.layout]
    units = [layout.units for layout in network.layout]
    products = max([n * (n + 1) // 2 for n in inputs] + [a * b for a in inputs for b in inputs if a is not b])
    return products + 4 * parts * len(units) * max(units) ** 2


def _gram(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Σ_n left[n, a…] right[n, c…] for [part, batch, sample, a…] and [batch, sample, c…]: [part, batch, a…, c…]."""
    flat = left.reshape(*left.shape[:3], -1).swapaxes(-1, -2)
    product = flat @ right.reshape(*right.shape[:2], -1)
    return product.reshape(*product.shape[:2], *left.shape[3:], *right.shape[2:])


def _packed_square(a: np.ndarray) -> np.ndarray:
    """Per-sample a_p·a_q for p ≤ q, row by row: [..., sample, n(n+1)/2]."""
    size = a.shape[-1]
    result, start = np.empty((*a.shape[:-1], size * (size + 1) // 2)), 0
    for p in range(size):
        np.multiply(a[..., p : p + 1], a[..., p:], out=result[..., start : start + size - p])
        start += size - p
    return result


def _diagonal(values: np.ndarray) -> np.ndarray:
    """[..., unit] → [..., unit, unit] with the values on the diagonal."""
    result = np.zeros((*values.shape, values.shape[-1]))
    np.einsum("...ii->...i", result)[...] = values
    return result


def _times(matrices: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[…, batch, sample, j, k] times [batch, k, i] as one product a member: […, batch, sample, j, i]."""
    flat = matrices.reshape(*matrices.shape[:-3], -1, matrices.shape[-1])
    return (flat @ weights).reshape(*matrices.shape[:-1], weights.shape[-1])


def _columns(point: Point, local: list, m: int, variable: str) -> tuple[dict, dict, dict]:
    """T_l, Q_l and R_l, l ≥ m, of the variable h_m ("W") or β_m ("β"), [part, batch, sample, j, i]; T_m as its diagonal."""
    depth = len(point.layers)
    own = point.states[m].h if variable == "W" else point.states[m].beta
    sensitivities, responses, q, r = {}, {m: own}, {}, {}
    for k in range(m + 1, depth):
        transposed = point.layers[k].weights.swapaxes(-1, -2)
        sensitivities[k] = own[..., None] * transposed[:, None] if k == m + 1 else _times(responses[k - 1], transposed)
        responses[k] = point.states[k].h[..., None, :] * sensitivities[k]
    for k in reversed(range(m, depth)):
        hh, hb, bb = local[k]
        if k > m:
            first, first_beta = (value[..., None, :] * sensitivities[k] for value in (hh, hb))
        else:
            first, first_beta = map(_diagonal, (hh, hb) if variable == "W" else (hb, bb))
        back = _times(q[k + 1], point.layers[k + 1].weights) if k + 1 < depth else 0.0
        q[k] = first + point.states[k].h[..., None, :] * back
        if np.ndim(point.states[k].beta):  # else the activation has no β
            r[k] = first_beta + point.states[k].beta[..., None, :] * back
    return responses, q, r


def _blocks(network: Network, point: Point, split: bool) -> Iterator[tuple[tuple, np.ndarray]]:
    """Yield (place, Σ_n …) for the lower triangle of blocks; a place is (l, row, m, column), row and column "W" or "β".

    Shape [part, batch, j, i, p, q] for unit j and input q of layer m, unit i and input p of layer l; a β takes the
    single input 1. The W block of one layer comes packed, [part, batch, pairs i ≥ j, pairs p ≤ q].
    """
    local = _local_curvatures(network, point, split)
    share = np.array([1.0, 0.0])[: 1 + split, None, None, None]  # δ belongs to the rest, not to G
    trainable = network.activation.trainable_beta
    for m in range(len(point.layers)):
        for variable in "Wβ" if trainable else "W":
            right = point.inputs[m] if variable == "W" else np.ones_like(point.inputs[m][..., :1])
            responses, q, r = _columns(point, local, m, variable)
            for k in q:
                if trainable:
                    yield (k, "β", m, variable), _gram(r[k], right)[..., None, :]
                if k > m:
                    block = _gram(q[k], point.inputs[k][..., :, None] * right[..., None, :])
                    delta, response = share * point.deltas[k], responses[k - 1]
                    if k == m + 1:  # T_m is diagonal: p = j
                        diagonal = np.einsum("...jijq->...jiq", block[..., :-1, :])
                        diagonal += _gram(response[..., :, None] * delta[..., None, :], right)
                    else:
                        second = _gram(response[..., :, :, None] * delta[..., None, None, :], right)
                        block[..., :-1, :] += second.swapaxes(-3, -2)
                    yield (k, "W", m, variable), block
                elif variable == "W":
                    j, i = np.triu_indices(q[k].shape[-1])
                    yield (k, "W", m, "W"), _gram(q[k][..., j, i], _packed_square(point.inputs[m]))


def _scatter(place: tuple, block: np.ndarray, network: Network, result: np.ndarray) -> None:
    """Write a block and its mirror image into result [part, batch, P, P]."""
    k, row, m, column = place
    rows = network.layout[k].affine if row == "W" else network.layout[k].betas[:, None]
    columns = network.layout[m].affine if column == "W" else network.layout[m].betas[:, None]
    if (k, row, column) == (m, "W", "W"):
        inputs = rows.shape[1]
        pair = np.empty((inputs, inputs), dtype=int)
        p, q = np.triu_indices(inputs)
        pair[p, q] = pair[q, p] = np.arange(p.size)
        for number, (j, i) in enumerate(zip(*np.triu_indices(len(rows)), strict=True)):
            square = block[..., number, :][..., pair]
            result[..., rows[i][:, None], rows[j]] = result[..., rows[j][:, None], rows[i]] = square
        return
    matrix = block.transpose(0, 1, 3, 4, 2, 5).reshape(*block.shape[:2], rows.size, columns.size)
    if (k, row) == (m, column):
        matrix = (matrix + matrix.swapaxes(-1, -2)) / 2
    result[..., rows.reshape(-1, 1), columns.ravel()] = matrix
    result[..., columns.reshape(-1, 1), rows.ravel()] = matrix.swapaxes(-1, -2)
