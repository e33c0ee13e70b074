"""
Eigenvalues and eigenvectors of symmetric matrices, of which whole rows may be zero.

Parameters whose whole row and column are exactly zero are removed first: each is one exact eigenvalue 0. The rest goes to a
symmetric solver. Its backward error is about ε·‖H‖₂, so an eigenvalue is resolved only beyond τ = P·ε·max|λ|.
"""

import numpy as np

from meanfield.curvature.dense import NUMPY, Dense

EPSILON = np.finfo(float).eps


def zero_rows(matrices: np.ndarray) -> np.ndarray:
    """Which rows (and columns) are exactly zero, bool [..., P], for symmetric matrices [..., P, P]."""
    return ~matrices.any(axis=-1)


def without(matrices: np.ndarray, zero: np.ndarray) -> np.ndarray:
    """Symmetric matrices [..., P, P] without the rows and columns that are zero (bool [P]); no copy if there are none."""
    kept = np.flatnonzero(~zero)
    return matrices if kept.size == zero.size else matrices[..., kept, :].take(kept, axis=-1, mode="clip")


def eigenvalues(matrices: np.ndarray, zero: np.ndarray, dense: Dense = NUMPY) -> np.ndarray:
    """All eigenvalues, ascending, of symmetric matrices [batch, P, P] with zero rows [batch, P]: float64 [batch, P].

    The zeros of the zero rows are exact; matrices with the same zero rows are solved as one stack.
    """
    result = np.zeros(matrices.shape[:-1])
    patterns, members = np.unique(zero, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        chosen = members == number
        stack = matrices if chosen.all() else matrices[chosen]
        result[chosen, pattern.sum() :] = dense.eigvalsh(without(stack, pattern))
    return np.sort(result, axis=-1)


def eigenvectors(matrix: np.ndarray, dense: Dense = NUMPY) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues [P], as `eigenvalues` gives them, and eigenvectors in columns [parameter, mode] of a symmetric matrix.

    A zero row is an eigenvalue 0 whose eigenvector is the parameter itself.
    """
    zero = zero_rows(matrix)
    values, vectors = np.zeros(len(matrix)), np.eye(len(matrix))
    kept = np.flatnonzero(~zero)
    values[kept], vectors[np.ix_(kept, kept)] = dense.eigh(without(matrix, zero))
    order = np.argsort(values, kind="stable")
    return values[order], vectors[:, order]


def tolerance(size: int, largest: np.ndarray) -> np.ndarray:
    """τ = P·ε·max|λ|: below it a symmetric solver does not resolve an eigenvalue from 0 (`matrix_rank`'s convention)."""
    return size * EPSILON * largest


def participation_ratios(values: np.ndarray, vectors: np.ndarray, tau: float) -> np.ndarray:
    """1/Σ v⁴ of each eigenvector: P for a uniform one, 1 for one aligned with a parameter; values [P], vectors [P, P].

    Eigenvalues within tau of each other span a space whose basis is arbitrary. It is judged by its projector Π instead:
    g / Σ Π_ii² for dimension g, which for g = 1 is the above, and 1 for any space spanned by single parameters.
    """
    starts = np.flatnonzero(np.diff(values, prepend=-np.inf) > tau)
    density = np.add.reduceat(vectors**2, starts, axis=1)
    dimensions = np.diff(starts, append=len(values))
    return np.repeat(dimensions / (density**2).sum(axis=0), dimensions)
