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

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from meanfield.activations import Derivatives
from meanfield.errors import MeanfieldError
from meanfield.losses import Loss
from meanfield.network import Layer, Network

WORKSPACE = 256 * 2**20
"""Bytes for the per-sample intermediates: samples and batch members are taken in blocks that fit."""


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


def _propagate(theta: np.ndarray, network: Network, sums: Sums) -> Point:
    """Forward and backward pass; theta [batch, P]; arrays [batch, sample, unit]."""
    layers = network.unpack(theta)
    states = network.forward(layers, sums.features)
    signals = [np.broadcast_to(sums.features, (1, *sums.features.shape)), *(state.value for state in states[:-1])]
    inputs = [np.concatenate([signal, np.ones_like(signal[..., :1])], axis=-1) for signal in signals]
    z = states[-1].value
    errors = [sums.loss.residual(z, sums.target) * sums.factor]
    deltas = [errors[0] * states[-1].h]
    for layer, state in zip(layers[:0:-1], states[-2::-1], strict=True):
        errors.insert(0, deltas[0] @ layer.weights)
        deltas.insert(0, errors[0] * state.h)
    return Point(layers, inputs, states, errors, deltas, sums.loss.curvature(z, sums.target) * sums.factor)


def _second_derivatives(network: Network, state: Derivatives) -> Derivatives:
    if state.hh is None:
        raise MeanfieldError(f"activation '{network.activation.name}' gives no second derivative; the Hessian needs it")
    return state


def _local_curvatures(network: Network, point: Point, split: bool) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """k_hh, k_hβ, k_ββ of each layer, [part, batch, sample, unit]: part 0 all terms, part 1 (if `split`) those with λ."""
    curvatures = []
    for number, (state, error) in enumerate(zip(point.states, point.errors, strict=True)):
        lam = point.curvature if number == len(point.states) - 1 else 0.0
        first = (lam * state.h * state.h, lam * state.h * state.beta, lam * state.beta * state.beta)
        rest = (error * k for k in (_second_derivatives(network, state).hh, state.hbeta, state.betabeta))
        shape = (1 + split, *error.shape)
        parts = tuple(np.zeros(shape) for _ in first)
        for k, g, r in zip(parts, first, rest, strict=True):
            k[0] = g + r
            if split:
                k[1] = g
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
        result[:, layout.betas] = (error * state.beta).sum(axis=-2)[:, : layout.betas.size]
    return result.reshape(theta.shape)


def product(
    theta: np.ndarray, vector: np.ndarray, network: Network, sums: Sums, *, gauss_newton: bool = False
) -> np.ndarray:
    """H·v (or G·v) without the matrix, in O(N·P): theta [P], vector [P] → float64 [P].

    The derivative of the gradient along v (Pearlmutter 1994, Neural Computation 6:147) in the symbols of this module.
    MeanfieldError for bad input.
    """
    _check(theta, network, sums)
    point = _propagate(theta[None], network, sums)
    local = [tuple(k[-1] for k in parts) for parts in _local_curvatures(network, point, split=gauss_newton)]
    first_order = 0.0 if gauss_newton else 1.0
    directions = [
        (vector[None, layout.affine], vector[None, None, layout.betas] if layout.beta else 0.0) for layout in network.layout
    ]
    d_inputs, d_h = [np.zeros_like(point.inputs[0])], []
    for layer, inputs, state, (affine, betas) in zip(point.layers, point.inputs, point.states, directions, strict=True):
        d_h.append(inputs @ affine.swapaxes(-1, -2) + d_inputs[-1][..., :-1] @ layer.weights.swapaxes(-1, -2))
        d_signal = state.h * d_h[-1] + state.beta * betas
        d_inputs.append(np.concatenate([d_signal, np.zeros_like(d_signal[..., :1])], axis=-1))
    result = np.zeros((1, network.size))
    d_error = 0.0
    for number in reversed(range(len(point.layers))):
        layout, state, delta = network.layout[number], point.states[number], point.deltas[number] * first_order
        (k_hh, k_hb, k_bb), (affine, betas) = local[number], directions[number]
        d_delta = k_hh * d_h[number] + k_hb * betas + state.h * d_error
        d_beta = k_hb * d_h[number] + k_bb * betas + state.beta * d_error
        result[:, layout.affine] = (
            d_delta.swapaxes(-1, -2) @ point.inputs[number] + delta.swapaxes(-1, -2) @ d_inputs[number]
        )
        if layout.beta:
            result[:, layout.betas] = d_beta.sum(axis=-2)
        d_error = d_delta @ point.layers[number].weights + delta @ affine[..., :-1]
    return result[0]


def hessian(
    theta: np.ndarray, network: Network, sums: Sums, *, split: bool = False, workspace: int = WORKSPACE
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """The exact Hessian of the averaged loss at theta [..., P]: float64 [..., P, P], exactly symmetric.

    With `split` the pair (H, G) of Hessian and Gauss–Newton term from one pass; the rest is R = H − G. Memory beyond the
    result stays near `workspace` bytes, whatever the number of samples and members. MeanfieldError for NaN or infinite
    input, wrong shapes, or an activation without second derivatives.
    """
    _check(theta, network, sums)
    members = theta.reshape(-1, network.size)
    result = np.empty((1 + split, len(members), network.size, network.size))
    samples = len(sums.features)
    per_sample = 8 * _doubles_per_sample(network, 1 + split)
    block = int(np.clip(workspace // per_sample, 1, samples))
    batch = int(np.clip(workspace // (per_sample * block), 1, len(members)))
    for first in range(0, len(members), batch):
        chunk = members[first : first + batch]
        totals: dict = {}
        for start in range(0, samples, block):
            point = _propagate(chunk, network, sums.samples(start, start + block))
            for key, value in _blocks(network, point, split):
                totals[key] = totals[key] + value if key in totals else value
        _scatter(totals, network, result[:, first : first + batch])
    result = result.reshape(1 + split, *theta.shape[:-1], network.size, network.size)
    return (result[0], result[1]) if split else result[0]


def _doubles_per_sample(network: Network, parts: int) -> int:
    """Numbers held per sample and member at the peak: products of two layers' inputs, and the small matrices."""
    inputs = [layout.inputs + 1 for layout in network.layout]
    units = [layout.units for layout in network.layout]
    widest = max(inputs[0] * (inputs[0] + 1) // 2, max(a * b for a, b in pairwise(inputs)))
    return widest + 4 * parts * len(units) * max(units) ** 2


def _gram(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Σ_n left[n, …] right[n, …] for [part, batch, sample, a, b] and [batch, sample, c]: [part, batch, a, b, c]."""
    flat = left.reshape(*left.shape[:3], -1).swapaxes(-1, -2)
    return (flat @ right).reshape(*left.shape[:2], *left.shape[3:], right.shape[-1])


def _outer(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Per-sample outer product of [..., sample, p] and [..., sample, q], flattened: [..., sample, p·q]."""
    product_ = a[..., :, None] * b[..., None, :]
    return product_.reshape(*product_.shape[:-2], -1)


def _packed_square(a: np.ndarray) -> np.ndarray:
    """Per-sample a_p·a_q for p ≤ q, row by row: [..., sample, n(n+1)/2]."""
    return np.concatenate([a[..., p : p + 1] * a[..., p:] for p in range(a.shape[-1])], axis=-1)


def _diagonal(values: np.ndarray) -> np.ndarray:
    """[..., unit] → [..., unit, unit] with the values on the diagonal."""
    return values[..., None] * np.eye(values.shape[-1])


def _blocks(network: Network, point: Point, split: bool):
    """Yield ((row, column), Σ_n …) for the lower triangle of blocks; row and column are (layer, "W" or "beta").

    Shapes: W̃W̃ of one layer packed in both unit and input pairs [part, batch, pair, pair]; W̃W̃ of two layers
    [part, batch, j, i, p, q]; W̃β [part, batch, j, i, p]; βW̃ [part, batch, j, i, q]; ββ [part, batch, j, i].
    """
    depth = len(point.layers)
    local = _local_curvatures(network, point, split)
    share = np.array([1.0, 0.0])[: 1 + split, None, None, None]  # δ belongs to the rest, not to G
    deltas = [share * delta for delta in point.deltas]
    weights = [layer.weights[..., None, :, :] for layer in point.layers]
    trainable = network.activation.trainable_beta
    for m in range(depth):
        for variable in ("W", "beta") if trainable else ("W",):
            own = point.states[m].h if variable == "W" else point.states[m].beta
            sensitivity, responses = {}, {m: _diagonal(own)}
            for k in range(m + 1, depth):
                sensitivity[k] = responses[k - 1] @ weights[k].swapaxes(-1, -2)
                responses[k] = point.states[k].h[..., None, :] * sensitivity[k]
            back = 0.0
            for k in reversed(range(m, depth)):
                hh, hb, bb = local[k]
                if k > m:
                    first, first_beta = hh[..., None, :] * sensitivity[k], hb[..., None, :] * sensitivity[k]
                elif variable == "W":
                    first, first_beta = _diagonal(hh), _diagonal(hb)
                else:
                    first, first_beta = _diagonal(hb), _diagonal(bb)
                state = point.states[k]
                q = first + state.h[..., None, :] * back
                if trainable:
                    r = first_beta + np.asarray(state.beta)[..., None, :] * back
                    if variable == "W":
                        yield ((k, "beta"), (m, "W")), _gram(r, point.inputs[m])
                    else:
                        yield ((k, "beta"), (m, "beta")), r.sum(axis=2)
                if k == m and variable == "W":
                    i, j = np.tril_indices(q.shape[-1])
                    yield ((k, "W"), (m, "W")), _gram(q[..., j, i, None], _packed_square(point.inputs[m]))[..., 0, :]
                elif k > m:
                    delta_response = deltas[k][..., None, :, None] * responses[k - 1][..., :, None, :]
                    if variable == "W":
                        block = _gram(q, _outer(point.inputs[k], point.inputs[m]))
                        block = block.reshape(*block.shape[:-1], point.inputs[k].shape[-1], -1)
                        block[..., :-1, :] += _gram(
                            delta_response.reshape(*delta_response.shape[:3], -1, 1), point.inputs[m]
                        ).reshape(block[..., :-1, :].shape)
                    else:
                        block = _gram(q, point.inputs[k])
                        block[..., :-1] += delta_response.sum(axis=2)
                    yield ((k, "W"), (m, variable)), block
                back = q @ weights[k]


def _scatter(totals: dict, network: Network, result: np.ndarray) -> None:
    """Write the lower-triangle blocks and their mirror images into result [part, batch, P, P]."""
    for ((k, row), (m, column)), block in totals.items():
        rows, columns = network.layout[k], network.layout[m]
        if (row, column) == ("W", "W") and k == m:
            _scatter_packed(block, rows.affine, result)
            continue
        if row == column == "W":
            block = np.moveaxis(block, 2, -2)  # j i p q → i p j q
        elif row == "W":
            block = np.moveaxis(block, 2, -1)  # j i p → i p j
        elif column == "W":
            block = block.swapaxes(2, 3)  # j i q → i j q
        else:
            block = block.swapaxes(2, 3)  # j i → i j
            block = (block + block.swapaxes(2, 3)) / 2 if k == m else block
        r = (rows.affine if row == "W" else rows.betas).ravel()
        c = (columns.affine if column == "W" else columns.betas).ravel()
        block = block.reshape(*block.shape[:2], r.size, c.size)
        result[..., r[:, None], c] = block
        result[..., c[:, None], r] = block.swapaxes(-1, -2)


def _scatter_packed(block: np.ndarray, affine: np.ndarray, result: np.ndarray) -> None:
    """W̃W̃ of one layer: unit pairs i ≥ j and input pairs p ≤ q, each once, to all four places."""
    units, inputs = affine.shape
    pair = np.empty((inputs, inputs), dtype=int)
    p, q = np.triu_indices(inputs)
    pair[p, q] = pair[q, p] = np.arange(p.size)
    for number, (i, j) in enumerate(zip(*np.tril_indices(units), strict=True)):
        square = block[..., number, :][..., pair]
        result[..., affine[i][:, None], affine[j]] = square
        result[..., affine[j][:, None], affine[i]] = square
