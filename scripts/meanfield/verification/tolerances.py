"""
How far two computations of the same numbers may differ: the order of a float32 sum, the resolution of a symmetric solver,
and, for α and γ, the eigenvalues that lie within the spectra's difference of where counting begins (Weyl's inequality).
"""

import numpy as np

from meanfield.curvature import eigen
from meanfield.model.network import Network
from meanfield.model.propagation import Objective


def float32_noise(parameters: np.ndarray, network: Network, objective: Objective, orders: int = 8) -> np.ndarray:
    """How the cost depends on the order in which float32 losses are summed, at parameters [update, P]: [update].

    The largest deviation from the exact mean, over random orders of a plain running sum; twice, since the published mean
    and ours may deviate to either side.
    """
    rng = np.random.default_rng(1)
    result = []
    for theta in parameters:
        z = network.forward(network.unpack(theta), objective.features)[-1].value
        losses = objective.loss.value(z, objective.target).astype(np.float32).ravel()
        exact = losses.mean(dtype=float)
        sums = [np.cumsum(rng.permutation(losses), dtype=np.float32)[-1] for _ in range(orders)]
        result.append(2 * np.abs(np.array(sums) / np.float32(losses.size) - exact).max())
    return np.array(result)


def resolution(parameters: int) -> float:
    """P·ε, relative to the largest: below it a symmetric solver does not tell eigenvalues apart (docs/method.md)."""
    return float(eigen.tolerance(parameters, np.array(1.0)))


def countable(name: str, eigenvalues: np.ndarray, zero_rows: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """The least and the greatest share in any spectrum that differs from ours by no more: [2, update].

    eigenvalues [update, P], of which zero_rows [update] are exact zeros to any solver; difference [update], absolute. By
    Weyl's inequality each eigenvalue of the other spectrum lies within it of ours. "alpha" counts λ < 0, "alpha_resolved"
    λ < −τ and "gamma_resolved" |λ| ≤ τ.
    """
    size, apart = eigenvalues.shape[-1], difference[:, None]
    tau = eigen.tolerance(size, np.abs(eigenvalues).max(axis=-1, keepdims=True))
    if name == "alpha":
        free = np.where(difference > 0, zero_rows, 0)
        bounds = (eigenvalues < -apart).sum(axis=-1), (eigenvalues < apart).sum(axis=-1) - free
    elif name == "alpha_resolved":
        bounds = (eigenvalues < -tau - apart).sum(axis=-1), (eigenvalues < -tau + apart).sum(axis=-1)
    else:
        bounds = (np.abs(eigenvalues) <= tau - apart).sum(axis=-1), (np.abs(eigenvalues) <= tau + apart).sum(axis=-1)
    return np.array([bounds[0], np.maximum(*bounds)]) / size
