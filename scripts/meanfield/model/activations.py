"""
Activations with their first and second derivatives in the pre-activation h and in β.

The paper's ESP is f(h, β) = h·σ(βh) (arXiv:1805.08786; also known as Swish); SiLU is the same with β = 1 fixed. Every
other one here ignores β. The output layer uses `linear`, f = βh, whose β is trainable exactly when the hidden
activation's is (docs/protocol.md, section Network).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy  # its subpackages are loaded where they are first used


class Derivatives(NamedTuple):
    """f and its partial derivatives, each an array of h's shape (float64) or a scalar where it is constant.

    `hh` is None for an activation whose second derivative is not known; the Hessian then refuses it by name.
    """

    value: np.ndarray
    h: np.ndarray
    hh: np.ndarray | float | None
    beta: np.ndarray | float = 0.0
    hbeta: np.ndarray | float = 0.0
    betabeta: np.ndarray | float = 0.0


@dataclass(frozen=True)
class Activation:
    """An activation of the hidden units.

    `derivatives(h, beta)` takes h [..., unit] and beta [..., unit], broadcast together. `formula` is f in the language of
    `formula`, from which TensorFlow computes; in it beta is the unit's where it is trainable, else the constant `beta`.
    `rescalings` are exponents (p, a, q), each with f(cᵖh, cᵃβ) = c⁻ᵠ·f(h, β) for c > 0: the symmetries of docs/method.md,
    section "Symmetries as an exact test". `kinks` are the h at which f' jumps.
    """

    name: str
    label: str
    formula: str
    derivatives: Callable[[np.ndarray, np.ndarray], Derivatives]
    trainable_beta: bool = False
    rescalings: tuple[tuple[float, float, float], ...] = ()
    kinks: tuple[float, ...] = ()
    beta: float = 1.0

    @property
    def description(self) -> str:
        """The formula and what was found about it, in words."""
        beta = "β trained" if self.trainable_beta else f"β = {self.beta:g}" if "beta" in self.formula else ""
        kinks = f"kink at h = {', '.join(f'{h:g}' for h in self.kinks)}" if self.kinks else "smooth"
        scaled = ("weights in", "β", "weights out")
        said = (
            " · ".join(f"({name})^{power:g}" for name, power in zip(scaled, powers, strict=True) if power)
            for powers in self.rescalings
        )
        symmetry = f"unchanged under {' and '.join(said)}" if self.rescalings else "no rescaling symmetry"
        return f"{self.label}, {self.formula}: {', '.join(filter(None, [beta, kinks, symmetry]))}"


def esp(h: np.ndarray, beta: np.ndarray) -> Derivatives:
    """f = h·s with s = σ(βh), s' = s(1−s), s'' = s'(1−2s), both with respect to the argument of σ."""
    x = beta * h
    s = scipy.special.expit(x)
    s1 = s * (1 - s)
    h_s1, odd = h * s1, 1 - 2 * s  # s'' = s'·odd; products, since NumPy's h**3 takes longer than all else here
    return Derivatives(
        value=h * s,
        h=s + x * s1,
        hh=beta * s1 * (2 + x * odd),
        beta=h * h_s1,
        hbeta=h_s1 * (2 + x * odd),
        betabeta=h * h * h_s1 * odd,
    )


def silu(h: np.ndarray, beta: np.ndarray) -> Derivatives:
    """f = h·σ(h): ESP at β = 1, no derivative in β."""
    return Derivatives(*esp(h, np.ones_like(beta))[:3])


def relu(h: np.ndarray, beta: np.ndarray) -> Derivatives:
    """f = max(h, 0); the derivative at the kink is 0, as in TensorFlow."""
    positive = (h > 0).astype(float)
    return Derivatives(value=h * positive, h=positive, hh=0.0)


def sigmoid(h: np.ndarray, beta: np.ndarray) -> Derivatives:
    """f = σ(h)."""
    s = scipy.special.expit(h)
    s1 = s * (1 - s)
    return Derivatives(value=s, h=s1, hh=s1 * (1 - 2 * s))


def tanh(h: np.ndarray, beta: np.ndarray) -> Derivatives:
    """f = tanh(h)."""
    t = np.tanh(h)
    t1 = 1 - t**2
    return Derivatives(value=t, h=t1, hh=-2 * t * t1)


def gelu(h: np.ndarray, beta: np.ndarray) -> Derivatives:
    """f = h·Φ(h), Φ the normal distribution function (the exact form, no tanh approximation)."""
    density = np.exp(-(h**2) / 2) / np.sqrt(2 * np.pi)
    cumulative = scipy.special.ndtr(h)
    return Derivatives(value=h * cumulative, h=cumulative + h * density, hh=(2 - h**2) * density)


def softplus(h: np.ndarray, beta: np.ndarray) -> Derivatives:
    """f = log(1 + exp(h))."""
    s = scipy.special.expit(h)
    return Derivatives(value=np.logaddexp(0, h), h=s, hh=s * (1 - s))


def linear(h: np.ndarray, beta: np.ndarray) -> Derivatives:
    """f = βh: the logit of the output layer."""
    return Derivatives(value=beta * h, h=beta + np.zeros_like(h), hh=0.0, beta=h, hbeta=1.0)


BUILT_IN = (
    Activation("esp", "ESP", "h*sigmoid(beta*h)", esp, trainable_beta=True, rescalings=((1.0, -1.0, -1.0),)),
    Activation("relu", "ReLU", "relu(h)", relu, rescalings=((1.0, 0.0, -1.0),), kinks=(0.0,)),
    Activation("sigmoid", "sigmoid", "sigmoid(h)", sigmoid),
    Activation("tanh", "tanh", "tanh(h)", tanh),
    Activation("silu", "SiLU", "h*sigmoid(h)", silu),
    Activation("gelu", "GELU", "h*(1 + erf(h/2**0.5))/2", gelu),
    Activation("softplus", "softplus", "softplus(h)", softplus),
)
