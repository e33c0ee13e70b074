"""
Symmetries of the loss, as an exact test of any Hessian and as a cause of flat directions.

Rescaling: a hidden unit with f(cᵖh, cᵃβ) = c⁻ᵠ·f(h, β) is unchanged under (w_in, b) → cᵖ·, β → cᵃβ, w_out → cᵠ w_out; for
ESP (p, a, q) = (1, −1, −1), for ReLU (1, 0, −1). The output unit z = βh is so under (W, b) → c·, β → β/c. With S the
diagonal matrix of the exponents and v = Sθ, the loss is constant along v: v·∇ℓ = 0 at every θ, and, differentiated once
more, H v = −S ∇ℓ.

Shift: the softmax cross-entropy does not see a number added to all logits of a sample, so it is constant along v with 1/β_i
at (W, b)[i, j] for every output i and any one input j. Differentiated, H v is ∂ℓ/∂(W, b)[i, j]/β_i² at β_i, where β is a
parameter, and 0 elsewhere (docs/method.md, "Symmetries as an exact test").

A penalty on the weights breaks all of these but the shift of the biases.
"""

from typing import NamedTuple

import numpy as np

from meanfield.model.network import Network
from meanfield.model.propagation import Objective


def exponents(network: Network) -> np.ndarray:
    """The diagonals of S, one for each rescaling of a unit: float64 [rescaling, P] of the parameters' exponents."""
    rows = []
    for number, layout in enumerate(network.layout):
        last = number == len(network.layout) - 1
        of_output = ((1.0, -1.0, 0.0),) if layout.beta else ()
        for unit in range(layout.units):
            for into, of_beta, out in of_output if last else network.activation.rescalings:
                row = np.zeros(network.size)
                row[layout.affine[unit]] = into
                if layout.beta:
                    row[layout.betas[unit]] = of_beta
                if not last:
                    row[network.layout[number + 1].affine[:, unit]] = out
                rows.append(row)
    return np.array(rows).reshape(-1, network.size)


class Symmetries(NamedTuple):
    """What a network's loss has: diagonals of S [rescaling, P]; places of what shifts in the last layer, [shift, label]."""

    scaling: np.ndarray
    shifted: np.ndarray
    betas: np.ndarray

    @classmethod
    def of(cls, network: Network, objective: Objective) -> "Symmetries":
        """The symmetries of this network with this loss."""
        scaling, last = exponents(network), network.layout[-1]
        shifted = last.affine.T if objective.loss.coupled and last.units > 1 else last.affine.T[:0]
        return cls(scaling[:0], shifted[-1:], last.betas) if objective.l2 else cls(scaling, shifted, last.betas)

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self.scaling) + len(self.shifted)

    def directions(self, theta: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The directions v and H v at theta [P] with its gradient [P]: both float64 [symmetry, P]."""
        directions, images = [self.scaling * theta], [-(self.scaling * gradient)]
        beta = theta[self.betas] if self.betas.size else np.ones(self.shifted.shape[1])
        for places in self.shifted if beta.all() else ():
            scale = np.abs(beta).min()  # so that no entry is larger than 1
            shift, image = np.zeros((2, 1, theta.size))
            shift[0, places] = scale / beta
            if self.betas.size:
                image[0, self.betas] = scale * gradient[places] / beta**2
            directions.append(shift)
            images.append(image)
        return np.concatenate(directions), np.concatenate(images)


def flat_directions(theta: np.ndarray, gradient: np.ndarray, symmetries: Symmetries, kept: np.ndarray, tau: float) -> int:
    """How many eigenvalues |λ| ≤ tau the symmetries predict among the parameters `kept` (bool [P]); theta, gradient [P].

    If H has k singular values ≤ tau on an orthonormal basis of the span of the directions v, then at least k eigenvalues are
    ≤ tau in magnitude (Courant–Fischer).
    """
    directions, images = (part[:, kept] for part in symmetries.directions(theta, gradient))
    if not directions.size:
        return 0
    left, singular, _ = np.linalg.svd(directions, full_matrices=False)
    independent = singular > singular.max(initial=0) * max(directions.shape) * np.finfo(float).eps
    images = (left.T @ images)[independent] / singular[independent, None]
    return int((np.linalg.svd(images, compute_uv=False) <= tau).sum())
