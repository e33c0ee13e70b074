"""
Losses as functions of the network's output z and the target y: value, residual ∂ℓ/∂z and curvature ∂²ℓ/∂z².

All are element-wise, per label and sample; the average over labels and samples is the factor `averaging`, which the
Hessian and the gradient carry too (docs/protocol.md, section Loss and optimizer).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy  # its subpackages are loaded where they are first used


@dataclass(frozen=True)
class Loss:
    """A loss; each function takes z and y of one shape (float64) and returns an array of it (or a scalar curvature)."""

    name: str
    value: Callable[[np.ndarray, np.ndarray], np.ndarray]
    residual: Callable[[np.ndarray, np.ndarray], np.ndarray]
    curvature: Callable[[np.ndarray, np.ndarray], np.ndarray]


def _cross_entropy_residual(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """σ(z) − y without cancellation where σ(z) is close to 1 and y is 1: (1 − y) − σ(−z) there."""
    tail = scipy.special.expit(-np.abs(z))
    return np.where(z >= 0, (1 - y) - tail, tail - y)


def _cross_entropy_curvature(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    return scipy.special.expit(z) * scipy.special.expit(-z)


SIGMOID_CROSS_ENTROPY = Loss(
    "sigmoid cross-entropy",
    value=lambda z, y: np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))),
    residual=_cross_entropy_residual,
    curvature=_cross_entropy_curvature,
)
SQUARED_ERROR = Loss(
    "squared error",
    value=lambda z, y: (z - y) ** 2 / 2,
    residual=lambda z, y: z - y,
    curvature=lambda z, y: np.ones_like(z),
)
CLASSIFICATION, REGRESSION = "classification", "regression"
LOSS_OF = {CLASSIFICATION: SIGMOID_CROSS_ENTROPY, REGRESSION: SQUARED_ERROR}
"""The loss of each task."""
LOSSES = {loss.name: loss for loss in (SIGMOID_CROSS_ENTROPY, SQUARED_ERROR)}


def averaging(samples: int, labels: int, precision: str = "float32") -> float:
    """The factor 1/(N·K) of the mean, rounded to `precision`.

    The original averages in float32, so every gradient and Hessian carries float32(1/(N·K)) (docs/protocol.md).
    """
    return float(np.dtype(precision).type(1 / (samples * labels)))
