"""
One forward and backward pass, and what it gives at once: gradient, local curvatures, Hessian-vector products.

Notation of docs/method.md: h_l pre-activations, a_l activations, ã = [a, 1], e_l = ∂ℓ/∂a_l, δ_l = ∂ℓ/∂h_l = f_h ∘ e_l, and
λ (Λ, a matrix over labels, if the loss couples them) its curvature. Arrays carry the axes [batch, sample, unit]; where the
Hessian is split, a leading axis `part`.
"""

from collections.abc import Callable
from functools import reduce
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from meanfield.errors import MeanfieldError
from meanfield.model.activations import Derivatives
from meanfield.model.arguments import finite
from meanfield.model.losses import Loss
from meanfield.model.network import Layer, Network

BLOCK = 2**15  # numbers of one signal held at once when gradients of many members are wanted: they stay in the cache
WORKING = 256 * 2**20  # bytes of signals at once, in one block of samples
COEFFICIENTS = 12  # numbers a unit and sample that a forward and backward pass comes to


class Objective(NamedTuple):
    """What is minimised: factor · Σ loss over features [sample, input] and target [sample, label], plus l2/2 · Σ W².

    The penalty is on weights alone, not on biases and β.
    """

    loss: Loss
    features: np.ndarray
    target: np.ndarray
    factor: float
    l2: float = 0.0

    def samples(self, start: int, stop: int) -> "Objective":
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

    @property
    def coupled(self) -> bool:
        """Whether the loss couples a sample's labels: its curvature is then a matrix a sample, Λ."""
        return self.curvature.ndim > self.errors[-1].ndim


def check(theta: np.ndarray, network: Network, objective: Objective) -> None:
    """MeanfieldError, naming the culprit, for NaN or infinite values or shapes that do not fit together."""
    named = {"parameters": theta, "features": objective.features, "target": objective.target}
    named |= {"averaging": objective.factor, "l2": objective.l2}
    for name, values in named.items():
        finite(name, values)
    for name, found, expected in (
        ("features", objective.features.shape[1], network.inputs),
        ("target", objective.target.shape[1], network.outputs),
        ("parameters", theta.shape[-1], network.size),
    ):
        if found != expected:
            raise MeanfieldError(f"{name} have {found} columns; this network takes {expected}")
    if len(objective.features) != len(objective.target):
        raise MeanfieldError(
            f"features have {len(objective.features)} rows, the target {len(objective.target)}; give as many"
        )


def _with_one(signal: np.ndarray) -> np.ndarray:
    """ã = [a, 1] along the last axis."""
    result = np.ones((*signal.shape[:-1], signal.shape[-1] + 1))
    result[..., :-1] = signal
    return result


def propagate(theta: np.ndarray, network: Network, objective: Objective) -> Point:
    """Forward and backward pass; theta [batch, P]; arrays [batch, sample, unit]."""
    layers = network.unpack(theta)
    states = network.forward(layers, objective.features)
    inputs = [_with_one(signal) for signal in (objective.features[None], *(state.value for state in states[:-1]))]
    z = states[-1].value
    errors = [objective.loss.residual(z, objective.target) * objective.factor]
    deltas = [errors[0] * states[-1].h]
    for layer, state in zip(layers[:0:-1], states[-2::-1], strict=True):
        errors.insert(0, deltas[0] @ layer.weights)
        deltas.insert(0, errors[0] * state.h)
    return Point(layers, inputs, states, errors, deltas, objective.loss.curvature(z, objective.target) * objective.factor)


def local_curvatures(network: Network, point: Point, split: bool) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """k_hh, k_hβ, k_ββ of each layer, [part, batch, sample, unit]: part 0 all terms, part 1 (if `split`) those with λ.

    Without those of a coupled loss, whose Λ is not local.
    """
    curvatures = []
    for number, (state, error) in enumerate(zip(point.states, point.errors, strict=True)):
        if state.hh is None:
            raise MeanfieldError(f"activation '{network.activation.name}' gives no second derivative; the Hessian needs it")
        local = number == len(point.states) - 1 and not point.coupled
        lam = point.curvature if local else 0.0
        first = (lam * state.h * state.h, lam * state.h * state.beta, lam * state.beta * state.beta)
        rest = (error * state.hh, error * state.hbeta, error * state.betabeta)
        parts = tuple(np.zeros((1 + split, *error.shape)) for _ in first)
        for k, g, r in zip(parts, first, rest, strict=True):
            k[0] = g + r
            k[1:] = g
        curvatures.append(parts)
    return curvatures


def sample_blocks(total: int, most: int) -> np.ndarray:
    """Where blocks of `most` samples, or at least one, begin and the last ends: as equal as can be."""
    return np.linspace(0, total, -(-total // max(1, most)) + 1).round().astype(int)


def _gradient(members: np.ndarray, network: Network, objective: Objective) -> np.ndarray:
    """∇ℓ of these samples, penalty aside, at members [batch, P]."""
    result = np.zeros_like(members)
    point = propagate(members, network, objective)
    for layout, inputs, state, error, delta in zip(
        network.layout, point.inputs, point.states, point.errors, point.deltas, strict=True
    ):
        result[:, layout.affine] = delta.swapaxes(-1, -2) @ inputs
        if layout.beta:
            result[:, layout.beta] = (error * state.beta).sum(axis=-2)
    return result


def gradient(theta: np.ndarray, network: Network, objective: Objective) -> np.ndarray:
    """∇ℓ at theta [..., P], float64 of the same shape (docs/method.md, First derivatives), summed over blocks of samples.

    MeanfieldError for bad input.
    """
    check(theta, network, objective)
    members = theta.reshape(-1, network.size)
    result = np.zeros_like(members)
    block = max(1, BLOCK // max(objective.features.size, len(objective.features) * max(network.hidden)))
    numbers = network.inputs + 1 + COEFFICIENTS * (sum(network.hidden) + network.outputs)
    ends = sample_blocks(len(objective.features), WORKING // (8 * numbers))
    parts = [objective.samples(start, stop) for start, stop in pairwise(ends)]
    for start in range(0, len(members), block):
        some = members[start : start + block]
        result[start : start + block] = reduce(np.add, (_gradient(some, network, samples) for samples in parts))
    if objective.l2:
        result[:, network.weights] += objective.l2 * members[:, network.weights]
    return result.reshape(theta.shape)


class Linearized(NamedTuple):
    """What a product needs of one part of the Hessian at a point, "H", "G" or "R" = H − G.

    `local` are k_hh, k_hβ, k_ββ of each layer, [batch, sample, unit], `deltas` 0 where the part has none; `coupling` is Λ,
    [batch, sample, label, label], of a coupled loss, else None.
    """

    point: Point
    local: list[tuple[np.ndarray, ...]]
    deltas: list[np.ndarray]
    coupling: np.ndarray | None


def linearized(theta: np.ndarray, network: Network, objective: Objective, part: str) -> Linearized:
    """That part of the Hessian at theta [P]. MeanfieldError for bad input."""
    check(theta, network, objective)
    point = propagate(theta[None], network, objective)
    choose = {"H": lambda k: k[0], "G": lambda k: k[1], "R": lambda k: k[0] - k[1]}[part]
    local = [tuple(map(choose, parts)) for parts in local_curvatures(network, point, split=part != "H")]
    deltas = [np.zeros_like(delta) if part == "G" else delta for delta in point.deltas]
    return Linearized(point, local, deltas, point.curvature if point.coupled and part != "R" else None)


def penalty(network: Network, objective: Objective, part: str) -> np.ndarray:
    """The diagonal that the penalty on the weights adds to that part of the Hessian: float64 [P]. It is no part of R."""
    result = np.zeros(network.size)
    result[network.weights] = objective.l2 if part != "R" else 0.0
    return result


def operator(
    theta: np.ndarray, network: Network, objective: Objective, part: str = "H"
) -> Callable[[np.ndarray], np.ndarray]:
    """v ↦ H·v, G·v or R·v without the matrix, in O(N·P) a product: theta [P]; v and the result float64 [P].

    The derivative of the gradient along v (Pearlmutter 1994, Neural Computation 6:147) in the symbols of this module; the
    forward and backward pass is done once, here. `products.Products` takes blocks of vectors. MeanfieldError for bad input.
    """
    point, local, deltas, coupling = linearized(theta, network, objective, part)
    diagonal = penalty(network, objective, part)
    affine, betas = zip(*((layout.affine, layout.betas) for layout in network.layout), strict=True)

    def product(vector: np.ndarray) -> np.ndarray:
        """The derivative of the gradient along vector, float64 [P]."""
        along = [(vector[None, w], vector[b] if b.size else 0.0) for w, b in zip(affine, betas, strict=True)]
        d_h, d_signals = [], [None]  # derivatives along the vector; those of the features are 0
        for layer, inputs, state, (d_affine, d_beta) in zip(point.layers, point.inputs, point.states, along, strict=True):
            d_h.append(inputs @ d_affine.swapaxes(-1, -2))
            if d_signals[-1] is not None:
                d_h[-1] += d_signals[-1] @ layer.weights.swapaxes(-1, -2)
            d_signals.append(state.h * d_h[-1] + state.beta * d_beta)
        result = np.zeros((1, network.size))
        d_error = 0.0 if coupling is None else (coupling @ d_signals[-1][..., None])[..., 0]
        for k in reversed(range(len(affine))):
            (k_hh, k_hb, k_bb), state, (d_affine, d_beta) = local[k], point.states[k], along[k]
            d_delta = k_hh * d_h[k] + k_hb * d_beta + state.h * d_error
            block = d_delta.swapaxes(-1, -2) @ point.inputs[k]
            if betas[k].size:
                result[:, betas[k]] = (k_hb * d_h[k] + k_bb * d_beta + state.beta * d_error).sum(axis=-2)
            if k > 0:
                block[..., :-1] += deltas[k].swapaxes(-1, -2) @ d_signals[k]
                d_error = d_delta @ point.layers[k].weights + deltas[k] @ d_affine[..., :-1]
            result[:, affine[k]] = block
        return result[0] + diagonal * vector if objective.l2 else result[0]

    return product
