"""
Counting eigenvalues without computing them (docs/method.md, section "Spectrum and indices").

By Sylvester's law of inertia the number of eigenvalues below x is the number of negative pivots of H − xI = L D Lᵀ
(LAPACK's sytrf, Bunch & Kaufman 1977, Math. Comp. 31:163). The few extreme eigenvalues that are wanted come from Lanczos.
"""

from collections.abc import Callable

import numpy as np
from scipy.linalg import lapack
from scipy.sparse.linalg import LinearOperator, eigsh

from meanfield.errors import MeanfieldError

_LANCZOS_VECTORS = 10  # in the basis: the wanted eigenvalues stand well apart, so a small one converges in a restart or two


def negative_pivots(factor: np.ndarray, pivots: np.ndarray, lower: bool) -> int:
    """Number of negative eigenvalues of D, from sytrf's output: 1×1 blocks where pivots > 0, 2×2 blocks (in pairs) else."""
    diagonal = np.diagonal(factor)
    single = pivots > 0
    first = np.flatnonzero(~single)[::2]
    off = factor[first + 1, first] if lower else factor[first, first + 1]
    a, c = diagonal[first], diagonal[first + 1]
    determinant = a * c - off**2
    double = np.where(determinant < 0, 1, np.where(a < 0, 2, 0))
    return int((diagonal[single] < 0).sum() + double.sum())


def count_below(matrix: np.ndarray, shifts: tuple[float, float]) -> tuple[int, int]:
    """How many eigenvalues of a symmetric matrix float64 [P, P] lie below each of two shifts.

    One copy serves both: the first factorization overwrites its lower triangle, the second the upper one.
    MeanfieldError if LAPACK refuses the matrix.
    """
    work = np.array(matrix, order="F")
    diagonal = np.diagonal(matrix).copy()
    counts = []
    for shift, lower in zip(shifts, (True, False), strict=True):
        np.fill_diagonal(work, diagonal - shift)
        work, pivots, info = lapack.dsytrf(work, lower=lower, overwrite_a=True, lwork=64 * len(work))
        if info < 0:
            raise MeanfieldError(f"LAPACK's sytrf refused argument {-info}")
        counts.append(negative_pivots(work, pivots, lower))
    return counts[0], counts[1]


def extreme_eigenvalue(
    product: Callable[[np.ndarray], np.ndarray], size: int, which: str, start: np.ndarray | None = None
) -> tuple[float, np.ndarray]:
    """The largest ("LA") or largest-in-magnitude ("LM") eigenvalue of a symmetric v ↦ product(v), and its vector [P].

    Lanczos from near `start` (or from the uniform vector), to eight digits. Deterministic.
    """
    uniform = np.full(size, size**-0.5)
    start = uniform if start is None else start + uniform / 100  # not exactly in an invariant subspace
    if not product(start).any():
        return 0.0, start
    operator = LinearOperator((size, size), matvec=lambda v: product(v.ravel()), dtype=float)
    vectors = min(_LANCZOS_VECTORS, size)
    values, eigenvectors = eigsh(operator, k=1, which=which, v0=start, ncv=vectors, tol=1e-8, maxiter=100 * size)
    return float(values[0]), eigenvectors[:, 0]
