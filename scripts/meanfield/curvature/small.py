"""
The exact Hessian of a small network, H = G + R, from the first derivatives of its signals.

Let D = ∂h/∂θ and A = ∂a/∂θ for a unit with pre-activation h and activation a = f(h, β), e = ∂ℓ/∂a and δ = ∂ℓ/∂h. The chain
rule, layer by layer (docs/method.md, section "Second derivatives"), gives per sample

    G = Σ_labels λ A Aᵀ                                              with A of the output layer
    R = Σ_units e [D 1_β] [f_hh f_hβ; f_hβ f_ββ] [D 1_β]ᵀ + δ (1_W Aᵀ + A 1_Wᵀ)       with A of the layer below

where 1_β and 1_W are the places of the unit's own β and weights. `hessian` goes by pairs of units and keeps neither D nor A
of all parameters, which takes fewer operations in a large network. In a small one it is not operations that take the time,
but passes over small arrays: here they are few, with the samples along the rows, and G is one product.

Arrays carry the axes [batch, unit, parameter, sample]. Parameters are ordered unit by unit, [W, b, β] of each: a unit
depends on its own and, by the layer below, on all those of lower layers.
"""

from functools import reduce

import numpy as np

from meanfield.errors import MeanfieldError
from meanfield.model.activations import Derivatives, linear
from meanfield.model.network import Layer, Layout, Network
from meanfield.model.propagation import Objective

LARGEST = 500_000
"""Multiplications a sample: measured, up to here `hessian` takes longer (tests/benchmarks/small_networks.py)."""
WORKSPACE = 2**22  # bytes for one array of all signals' derivatives, so that the few in use stay in the cache


def suits(network: Network, objective: Objective) -> bool:
    """Whether this module gives the loss's Hessian, and faster than `hessian`."""
    layers = zip(network.layout[1:], np.cumsum([_own_parameters(layout) for layout in network.layout]), strict=False)
    products = sum(layout.units * int(lower) ** 2 for layout, lower in layers) + network.outputs * network.size**2
    return products <= LARGEST and not objective.loss.coupled


def doubles_per_sample(network: Network) -> int:
    """Numbers per sample and member in an array of all signals' derivatives."""
    return network.size * max(layout.units for layout in network.layout[1:])


def total(theta: np.ndarray, network: Network, parts: list[Objective]) -> np.ndarray:
    """H and G at theta [batch, P], summed over the parts of the samples, without l2: float64 [2, batch, P, P], symmetric.

    MeanfieldError for an activation without second derivatives.
    """
    matrices = reduce(np.add, (_split(theta, network, part) for part in parts))
    places = _places(network)
    flat = (places[:, None] * network.size + places).ravel()
    return matrices.reshape(2, len(theta), -1).take(flat, axis=-1).reshape(matrices.shape)


def _own_parameters(layout: Layout) -> int:
    """How many parameters a layer has."""
    return layout.affine.size + layout.betas.size


def _places(network: Network) -> np.ndarray:
    """Where each parameter of a network stands in the order of this module: int64 [P]."""
    own = [np.column_stack([layout.affine, layout.betas.reshape(layout.units, -1)]) for layout in network.layout]
    return np.argsort(np.concatenate([parameters.ravel() for parameters in own]))


def _split(theta: np.ndarray, network: Network, objective: Objective) -> np.ndarray:
    """H and G over the objective's samples, in the order of this module: float64 [2, batch, P, P]."""
    layers, target = network.unpack(theta), objective.target.T
    inputs, states = _forward(layers, network, objective.features)
    z = states[-1].value
    errors = _backward(layers, states, objective.loss.residual(z, target) * objective.factor)
    root = np.sqrt(objective.loss.curvature(z, target) * objective.factor)
    (batch, size), samples, start = theta.shape, z.shape[-1], 0
    result = np.zeros((2, batch, size, size))
    rest = result[0]  # at first half of R, to which its transpose is the other
    lower = below = own_below = np.empty((batch, 1, 0, samples))
    for layer, state, ahead, error in zip(layers, states, inputs, errors, strict=True):
        if start:
            lower = _through(layer.weights, below, own_below)
        units, own = layer.bias.shape[-1], ahead.shape[1] + network.activation.trainable_beta
        stop = start + units * own
        rows = rest[:, start:stop].reshape(batch, units, own, size)
        curved = _curved(state, error, ahead, own)
        _diagonal(rows[..., start:stop])[...] = _squares(curved, state, error, ahead, own) / 2
        if start:
            rows[:, :, own - curved.shape[2] :, :start] = curved @ lower.swapaxes(-1, -2)
            _add_bilinear(rows[:, :, : ahead.shape[1] - 1], error * state.h, below, own_below)
            if np.any(state.hh):
                bent = lower * (error * state.hh / 2)[:, :, None]
                rest[:, :start, :start] += (bent @ lower.swapaxes(-1, -2)).sum(axis=1)
        if stop < size:
            below, own_below, start = lower * state.h[:, :, None], _own(state.h, state.beta, ahead, own), stop
    jacobian = np.zeros((batch, units, size, samples))  # A of the output layer, times the root of λ
    np.multiply(lower, (root * state.h)[:, :, None], out=jacobian[:, :, :start])
    own_places = jacobian[:, :, start:].reshape(batch, units, units, own, samples)
    np.einsum("...iimn->...imn", own_places)[...] = _own(root * state.h, root * state.beta, ahead, own)
    result[1] = (jacobian @ jacobian.swapaxes(-1, -2)).sum(axis=1)
    result[0] = rest + rest.swapaxes(-1, -2) + result[1]
    return result


def _forward(layers: list[Layer], network: Network, features: np.ndarray) -> tuple[list[np.ndarray], list[Derivatives]]:
    """Inputs ã = [a, 1] of each layer, [batch, unit, sample], and its activation with derivatives."""
    signal, inputs, states = features.T[None], [], []
    for number, layer in enumerate(layers, start=1):
        inputs.append(np.concatenate([signal, np.ones_like(signal[:, :1])], axis=1))
        f = linear if number == len(layers) else network.activation.derivatives
        states.append(f(layer.weights @ signal + layer.bias[..., None], layer.beta[..., None]))
        if states[-1].hh is None:
            raise MeanfieldError(f"activation '{network.activation.name}' gives no second derivative; the Hessian needs it")
        signal = states[-1].value
    return inputs, states


def _backward(layers: list[Layer], states: list[Derivatives], error: np.ndarray) -> list[np.ndarray]:
    """e of each layer, [batch, unit, sample], from that of the output."""
    errors = [error]
    for layer, state in zip(layers[:0:-1], states[:0:-1], strict=True):
        errors.insert(0, layer.weights.swapaxes(-1, -2) @ (errors[0] * state.h))
    return errors


def _own(outer: np.ndarray, inner: np.ndarray | float, ahead: np.ndarray, own: int) -> np.ndarray:
    """[outer·ã, inner] for the own parameters of each unit: [batch, unit, own, sample]."""
    result = np.empty((*outer.shape[:2], own, outer.shape[-1]))
    np.multiply(ahead[:, None], outer[:, :, None], out=result[:, :, : ahead.shape[1]])
    if own > ahead.shape[1]:
        result[:, :, -1] = inner
    return result


def _curved(state: Derivatives, error: np.ndarray, ahead: np.ndarray, own: int) -> np.ndarray:
    """e (f_hh ã, f_hβ) for the own parameters of each unit; without those of W and b if f_hh is 0 everywhere."""
    if np.any(state.hh):
        return _own(error * state.hh, error * state.hbeta, ahead, own)
    return np.broadcast_to((error * state.hbeta)[:, :, None], (*error.shape[:2], own - ahead.shape[1], error.shape[-1]))


def _squares(curved: np.ndarray, state: Derivatives, error: np.ndarray, ahead: np.ndarray, own: int) -> np.ndarray:
    """Σ_n of e [ã 1_β] [f_hh f_hβ; f_hβ f_ββ] [ã 1_β]ᵀ over each unit's own parameters: [batch, unit, own, own]."""
    result = np.zeros((*error.shape[:2], own, own))
    result[:, :, own - curved.shape[2] :, : ahead.shape[1]] = curved @ ahead[:, None].swapaxes(-1, -2)
    if own > ahead.shape[1]:
        result[..., :-1, -1] = result[..., -1, :-1]
        result[..., -1, -1] = (error * state.betabeta).sum(axis=-1)
    return result


def _through(weights: np.ndarray, below: np.ndarray, own_below: np.ndarray) -> np.ndarray:
    """D for the parameters of lower layers, W A: [batch, unit, parameter, sample]."""
    batch, units, inputs = weights.shape
    far, near, samples = below.shape[2], own_below.shape[2], own_below.shape[-1]
    result = np.empty((batch, units, far + inputs * near, samples))
    if far:
        result[:, :, :far] = (weights @ below.reshape(batch, inputs, -1)).reshape(batch, units, far, samples)
    closer = result[:, :, far:].reshape(batch, units, inputs, near, samples)
    np.multiply(weights[..., None, None], own_below[:, None], out=closer)
    return result


def _add_bilinear(rows: np.ndarray, delta: np.ndarray, below: np.ndarray, own_below: np.ndarray) -> None:
    """Add Σ_n δ Aᵀ of the layer below to rows [batch, unit, weight, P], in place."""
    batch, units, inputs, _ = rows.shape
    far, near = below.shape[2], own_below.shape[2]
    for part, width in ((below, far), (own_below, near)):
        if width:
            product = (delta @ part.reshape(batch, -1, part.shape[-1]).swapaxes(-1, -2)).reshape(batch, units, inputs, width)
            at = rows[..., :far] if part is below else _paired(rows[..., far : far + inputs * near], inputs)
            at += product


def _paired(rows: np.ndarray, inputs: int) -> np.ndarray:
    """Of rows [..., input, (input, own)] the places where both inputs are the same: [..., input, own], a view."""
    return np.einsum("...kkm->...km", rows.reshape(*rows.shape[:-1], inputs, -1))


def _diagonal(rows: np.ndarray) -> np.ndarray:
    """Of rows [batch, unit, own, (unit, own)] the blocks on the diagonal: [batch, unit, own, own], a view."""
    return np.einsum("...iaib->...iab", rows.reshape(*rows.shape[:-1], rows.shape[1], rows.shape[2]))
