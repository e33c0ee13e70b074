"""
Counting eigenvalues without computing them (docs/method.md, section "Spectrum and indices").

By Sylvester's law of inertia the number of eigenvalues below x is the number of negative pivots of H − xI = L D Lᵀ
(LAPACK's sytrf, Bunch & Kaufman 1977, Math. Comp. 31:163). The few extreme eigenvalues that are wanted come from Lanczos.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.linalg import lapack
from scipy.sparse.linalg import LinearOperator, eigsh

from meanfield.errors import MeanfieldError

_LANCZOS_VECTORS = 10  # in the basis: the wanted eigenvalues stand well apart, so a small one converges in a restart or two


def negative_pivots(factor: np.ndarray, pivots: np.ndarray) -> int:
    """Number of negative eigenvalues of D, from sytrf's lower triangle: 1×1 blocks where pivots > 0, else 2×2, in pairs."""
    diagonal = np.diagonal(factor)
    single = pivots > 0
    first = np.flatnonzero(~single)[::2]
    off = factor[first + 1, first]
    a, c = diagonal[first], diagonal[first + 1]
    determinant = a * c - off**2
    double = np.where(determinant < 0, 1, np.where(a < 0, 2, 0))
    return int((diagonal[single] < 0).sum() + double.sum())


def count_below(matrix: np.ndarray, shifts: Sequence[float], overwrite: bool = False) -> tuple[int, ...]:
    """How many eigenvalues of a symmetric matrix float64 [P, P] lie below each of some shifts.

    One copy serves all, or, to `overwrite` it, the matrix itself, if its rows lie one after the other: a factorization takes
    the lower triangle, which the upper one gives back. MeanfieldError if LAPACK refuses the matrix.
    """
    if not matrix.size:  # which LAPACK refuses
        return (0,) * len(shifts)
    work = matrix.T if overwrite else np.array(matrix, order="F")
    diagonal = np.diagonal(matrix).copy()
    counts = []
    for number, shift in enumerate(shifts):
        if number:
            _mirror(work)
        np.fill_diagonal(work, diagonal - shift)
        work, pivots, info = lapack.dsytrf(work, lower=True, overwrite_a=True, lwork=64 * len(work))
        if info < 0:
            raise MeanfieldError(f"LAPACK's sytrf refused argument {-info}")
        counts.append(negative_pivots(work, pivots))
    return tuple(counts)


def _mirror(matrix: np.ndarray, block: int = 512) -> None:
    """Give a square matrix its upper triangle below the diagonal, too, in place."""
    for start in range(0, len(matrix), block):
        here, after = slice(start, start + block), slice(start + block, None)
        square = np.triu(matrix[here, here])
        matrix[here, here] = square + np.triu(square, 1).T
        matrix[after, here] = matrix[here, after].T


def compacted(matrix: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The rows and columns `kept`, ascending [n], of a matrix [P, P] whose rows follow each other, in its own memory."""
    numbers, size = matrix.reshape(-1), len(kept)
    for number, row in enumerate(kept):  # never behind the row that it takes the place of
        numbers[number * size : (number + 1) * size] = matrix[row, kept]
    return numbers[: size**2].reshape(size, size)


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
