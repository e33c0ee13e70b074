"""Exact spectra beside what the quadrature estimates: how far apart, and how often within the errors."""

import numpy as np
from meanfield.curvature import eigen, quadrature
from meanfield.curvature.quadrature import COVERAGE
from scipy import stats

REPETITIONS = 100
FEWEST = stats.binom.ppf(1e-3, REPETITIONS, COVERAGE)  # hits that errors with this coverage fall short of once in a thousand


def times(values):
    """The product with a diagonal matrix; to normal probes, which have no preferred directions, all matrices are like it."""
    return lambda vectors: vectors * values


def exact(matrix):
    """All eigenvalues, the zeros of zero rows exactly."""
    return eigen.eigenvalues(matrix[None], eigen.zero_rows(matrix)[None])[0]


def hits(values, chosen):
    """How many of REPETITIONS have the true counts within their errors, negative and flat; and within a quarter of those.

    Of a matrix with these eigenvalues [P], the zeros among them being its zero rows: int [2, quantity].
    """
    found = np.zeros((2, 2), dtype=int)
    for seed in range(REPETITIONS):
        result = quadrature.of_product(times(values), values == 0, chosen, seed)
        tau = result["tolerance"]
        true = {"negative": (values < -tau).sum(), "flat": (np.abs(values) <= tau).sum()}
        for column, (name, count) in enumerate(true.items()):
            off = abs(result[name] - count)
            found[:, column] += off <= np.array([1, 0.25]) * result[f"{name}_error"] + 1e-9
    return found


def distances(result, values, draws=200):
    """Wasserstein distance of the estimated density from the exact one, in decades of |λ| beyond τ; and `draws` of others.

    Those are of densities that have each eigenvalue, with weights as random as so many probes give them.
    """
    decades = lambda x: np.arcsinh(x / (2 * result["tolerance"])) / np.log(10)  # noqa: E731
    probes, rng = len(result["nodes"]), np.random.default_rng(0)
    nodes, weights = np.append(result["nodes"].ravel(), 0.0), result["weights"].ravel() / probes
    found = stats.wasserstein_distance(
        decades(nodes), decades(values), np.append(weights, result["zero_rows"] / values.size)
    )
    drawn = np.ones((draws, values.size))
    drawn[:, values != 0] = rng.chisquare(probes, (draws, (values != 0).sum()))
    drawn[:, values != 0] /= drawn[:, values != 0].mean(axis=1, keepdims=True)
    return found, np.array([stats.wasserstein_distance(decades(values), decades(values), row) for row in drawn])
