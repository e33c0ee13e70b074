"""
Rescaling symmetries of the network, as an exact test of any Hessian and as a cause of flat directions.

A hidden unit with f(ch, β/c) = c·f(h, β) is unchanged under (w_in, b) → c·, β → β/c, w_out → w_out/c, the output unit
z = βh under (W, b) → c·, β → β/c. With S = diag(±1, 0) saying how each parameter scales and v = Sθ, the loss is constant
along v: v·∇ℓ = 0 at every θ, and, differentiated once more, H v = −S ∇ℓ (docs/method.md, "Symmetries as an exact test").
"""

import numpy as np

from meanfield.model.network import Network


def exponents(network: Network) -> np.ndarray:
    """The diagonals of S, one per symmetric unit: float64 [unit, P] of +1 (scales with c), −1 (with 1/c) and 0."""
    rows = []
    for number, layout in enumerate(network.layout):
        last = number == len(network.layout) - 1
        if (last and not layout.beta) or (not last and not network.activation.scaling):
            continue
        for unit in range(layout.units):
            row = np.zeros(network.size)
            row[layout.affine[unit]] = 1
            if layout.beta:
                row[layout.betas[unit]] = -1
            if not last:
                row[network.layout[number + 1].affine[:, unit]] = -1
            rows.append(row)
    return np.array(rows).reshape(-1, network.size)


def flat_directions(theta: np.ndarray, gradient: np.ndarray, scaling: np.ndarray, kept: np.ndarray, tau: float) -> int:
    """How many eigenvalues |λ| ≤ tau the symmetries predict among the parameters `kept` (bool [P]); theta, gradient [P].

    On the span of the v = Sθ the Hessian acts as H v = −S ∇ℓ. If it has k singular values ≤ tau there, on an orthonormal
    basis, then at least k eigenvalues are ≤ tau in magnitude (Courant–Fischer).
    """
    directions, images = (scaling * theta)[:, kept], -(scaling * gradient)[:, kept]
    if not directions.size:
        return 0
    left, singular, _ = np.linalg.svd(directions, full_matrices=False)
    independent = singular > singular.max(initial=0) * max(directions.shape) * np.finfo(float).eps
    images = (left.T @ images)[independent] / singular[independent, None]
    return int((np.linalg.svd(images, compute_uv=False) <= tau).sum())
