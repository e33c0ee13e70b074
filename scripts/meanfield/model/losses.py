"""
Losses as functions of the network's output z and the target y: value, residual ∂ℓ/∂z and curvature ∂²ℓ/∂z².

Values are per label and sample. Two losses are element-wise, and averaged over labels and samples; the softmax cross-entropy
couples a sample's labels, is the sum over them, and averaged over samples. The average is the factor `Loss.averaging`, which
the Hessian and the gradient carry too (docs/protocol.md, section Loss and optimizer; docs/method.md, "Several classes").
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy  # its subpackages are loaded where they are first used

from meanfield.errors import MeanfieldError
from meanfield.model.arguments import shown


@dataclass(frozen=True)
class Loss:
    """A loss; each function takes z and y of one shape [..., sample, label] (float64) and returns an array of it.

    The curvature of a `coupled` loss is a matrix a sample, [..., sample, label, label]. `prediction` is ŷ from z; a single
    label is decided for where z is above `boundary`.
    """

    name: str
    value: Callable[[np.ndarray, np.ndarray], np.ndarray]
    residual: Callable[[np.ndarray, np.ndarray], np.ndarray]
    curvature: Callable[[np.ndarray, np.ndarray], np.ndarray]
    prediction: Callable[[np.ndarray], np.ndarray]
    coupled: bool = False
    boundary: float = 0.0

    def averaging(self, samples: int, labels: int, precision: str = "float32") -> float:
        """The factor of the mean, 1/(N·K) or, coupled, 1/N, rounded to `precision`.

        The original averages in float32, so every gradient and Hessian carries float32(1/(N·K)) (docs/protocol.md).
        """
        return float(np.dtype(precision).type(1 / (samples * (1 if self.coupled else labels))))


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
    prediction=lambda z: scipy.special.expit(z),
)


def _softmax(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """p = exp(z)/Σ exp(z) over labels, and 1 − p as the sum of the others, without cancellation."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    total = e.sum(axis=-1, keepdims=True)
    return e / total, e @ (1 - np.eye(z.shape[-1])) / total


def _softmax_value(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """−y log p; its sum over labels is the loss. Where the target is all 0 there is none."""
    return y * (scipy.special.logsumexp(z, axis=-1, keepdims=True) - z)


def _softmax_residual(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(Σy) p − y, as (Σy − y) p − y (1 − p): p − y for a one-hot target."""
    p, others = _softmax(z)
    return (y.sum(axis=-1, keepdims=True) - y) * p - y * others


def _softmax_curvature(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(Σy) (diag p − p pᵀ)."""
    p, others = _softmax(z)
    matrix = -p[..., :, None] * p[..., None, :]
    np.einsum("...ii->...i", matrix)[...] = p * others
    return y.sum(axis=-1)[..., None, None] * matrix


SOFTMAX_CROSS_ENTROPY = Loss(
    "softmax cross-entropy",
    value=_softmax_value,
    residual=_softmax_residual,
    curvature=_softmax_curvature,
    prediction=lambda z: scipy.special.softmax(z, axis=-1),
    coupled=True,
)
SQUARED_ERROR = Loss(
    "squared error",
    value=lambda z, y: (z - y) ** 2 / 2,
    residual=lambda z, y: z - y,
    curvature=lambda z, y: np.ones_like(z),
    prediction=lambda z: z,
    boundary=0.5,
)
CLASSIFICATION, REGRESSION = "classification", "regression"
LOSS_OF = {CLASSIFICATION: SIGMOID_CROSS_ENTROPY, REGRESSION: SQUARED_ERROR}
"""The loss of each task."""
LOSSES = {loss.name: loss for loss in (SIGMOID_CROSS_ENTROPY, SQUARED_ERROR, SOFTMAX_CROSS_ENTROPY)}
WORDS = {"sigmoid": SIGMOID_CROSS_ENTROPY, "softmax": SOFTMAX_CROSS_ENTROPY, "squared": SQUARED_ERROR}
"""How a configuration, and whoever calls, names them."""


def loss(word: str) -> Loss:
    """The loss of that word; MeanfieldError names the known ones."""
    if not isinstance(word, str) or word not in WORDS:
        raise MeanfieldError(f"loss {shown(word)} is unknown; choose one of {', '.join(WORDS)}")
    return WORDS[word]
