"""
The spectrum without the matrix: stochastic Lanczos quadrature (docs/method.md, "Spectra without the matrix").

A probe g, of independent normal numbers, sees the eigenvalues of H as a measure, in which each has the weight of g along its
eigenvector. Lanczos from g gives the nodes and weights of its Gauss quadrature (Golub & Meurant 2010, Matrices, Moments and
Quadrature; Ubaru, Chen & Saad 2017, SIAM J. Matrix Anal. Appl. 38:1075). With one more node where it is wanted, at x, they
bound the measure below x, whatever it is (Chebyshev, Markov and Stieltjes; Golub & Meurant, section 6.2). And if s of n
eigenvalues lie below x, the share of all k probes there is Beta(ks/2, k(n − s)/2)-distributed. From these two follow bounds
of the count s itself, which hold with probability COVERAGE.

Parameters whose row is exactly zero are found, and counted, by one product, and left out.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from scipy.special import betainc

from meanfield.curvature import symmetry
from meanfield.curvature.inertia import extreme_eigenvalue
from meanfield.errors import MeanfieldError
from meanfield.model import propagation
from meanfield.model.network import Network
from meanfield.model.products import Products
from meanfield.model.propagation import Objective

COVERAGE = 0.95  # probability with which a count lies within its error
SEED = 0  # of the probes: the same at all points, so that what changes along training is the network
EXHAUSTED = 10  # times ε of the largest step: a shorter one leads nowhere, all that H reaches from the probe is known
BASIS = 2**30  # bytes of Lanczos vectors at once: as many probes as fit go together, at least one

FEW = 2**27  # bytes of the symmetries' directions, up to which the flat ones among them are counted


class Settings(NamedTuple):
    """Number of probes and of Lanczos steps each; half width of what counts as flat, relative to max|λ|; of products."""

    probes: int = 5
    steps: int = 200
    resolution: float = 1e-5
    precision: str = "float64"


class Ritz(NamedTuple):
    """What Lanczos found: T's diagonal and off-diagonal [probe, step], and ‖g‖² of each probe.

    The last off-diagonal number leads out of the steps taken. Where a probe's space was exhausted earlier, it is 0 there.
    """

    diagonal: np.ndarray
    off: np.ndarray
    norms: np.ndarray

    def matrices(self) -> np.ndarray:
        """T, float64 [probe, step, step]."""
        probes, steps = self.diagonal.shape
        result = np.zeros((probes, steps, steps))
        index = np.arange(steps)
        result[:, index, index] = self.diagonal
        result[:, index[1:], index[:-1]] = result[:, index[:-1], index[1:]] = self.off[:, :-1]
        return result


def lanczos(product: Callable[[np.ndarray], np.ndarray], starts: np.ndarray, steps: int, precision: str = "float64") -> Ritz:
    """Lanczos from each of starts [probe, n], with full reorthogonalization, V ↦ product(V) taking them as a block.

    A step subtracts the two neighbors that the recurrence names, then what is left along all vectors so far. Vectors are
    kept in `precision`. MeanfieldError if a product is not finite.
    """
    norms = np.linalg.norm(starts, axis=-1)
    dtype, (probes, size) = np.dtype(precision), starts.shape
    basis = np.zeros((probes, steps, size), dtype)
    diagonal, off = np.zeros((2, probes, steps))
    vectors, alive, scale = (starts / norms[:, None]).astype(dtype), np.ones(probes, dtype=bool), np.zeros(probes)
    for step in range(steps):
        basis[:, step] = vectors
        images = product(vectors).astype(dtype, copy=False)
        diagonal[:, step] = np.einsum("ij,ij->i", vectors, images)
        images = images - diagonal[:, step, None].astype(dtype) * vectors
        if step:
            images -= off[:, step - 1, None].astype(dtype) * basis[:, step - 1]
        known = basis[:, : step + 1]
        images -= ((known @ images[..., None]).swapaxes(-1, -2) @ known)[:, 0]
        lengths = np.linalg.norm(images, axis=-1).astype(float)
        if not np.isfinite(lengths).all():
            raise MeanfieldError("a Hessian product is not finite; Lanczos cannot go on")
        scale = np.maximum(scale, np.abs(diagonal[:, step]) + lengths)
        diagonal[:, step] = np.where(alive, diagonal[:, step], diagonal[:, 0])  # apart from the rest, within the spectrum
        alive &= lengths > EXHAUSTED * np.finfo(dtype).eps * scale
        off[:, step] = np.where(alive, lengths, 0.0)
        vectors = np.where(alive[:, None], images / np.where(alive, lengths, 1.0)[:, None], 0.0).astype(dtype)
    return Ritz(diagonal, off, norms**2)


def gauss(ritz: Ritz) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes, ascending, their weights, which add up to 1, and residuals: each float64 [probe, node].

    An eigenvalue lies within its residual of each node (Parlett 1998, The Symmetric Eigenvalue Problem, section 13.2).
    """
    nodes, vectors = np.linalg.eigh(ritz.matrices())
    return nodes, vectors[:, 0] ** 2, np.abs(ritz.off[:, -1:] * vectors[:, -1])


def bounds_below(ritz: Ritz, x: float) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bounds of each probe's measure below x, float64 [probe] each: what no measure with this T exceeds.

    T with one more row, such that x is an eigenvalue (Gauss–Radau; Golub & Meurant, section 6.2): bounds are the weights
    below the node x, without and with its own.
    """
    matrices = ritz.matrices()
    nodes, vectors = np.linalg.eigh(matrices)
    out = ritz.off[:, -1]
    extended = np.pad(matrices, ((0, 0), (0, 1), (0, 1)))
    extended[:, -1, -2] = extended[:, -2, -1] = out
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = out**2 * (vectors[:, -1] ** 2 / (nodes - x)).sum(axis=-1)
    extended[:, -1, -1] = x + np.where(out > 0, shift, 0.0)  # 0: T is complete
    nodes, vectors = np.linalg.eigh(extended)
    weights, prescribed = vectors[:, 0] ** 2, np.abs(nodes - x).argmin(axis=-1)[:, None]
    upper = np.take_along_axis(weights.cumsum(axis=-1), prescribed, axis=-1)
    return (upper - np.take_along_axis(weights, prescribed, axis=-1))[:, 0], upper[:, 0]


def bounds_of_count(
    lower: np.ndarray, upper: np.ndarray, size: int, probes: int, noise: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest count of `size` eigenvalues that probes allow, whose share of them lies in [lower, upper] ± noise.

    The share of s of them is Beta-distributed (above). Its tails of (1 − COVERAGE)/2 are left out, as Clopper and Pearson
    (1934, Biometrika 26:404) do for the binomial distribution. Arrays of any shape, or numbers; counts int64.
    """
    tail, lower, upper = (1 - COVERAGE) / 2, np.subtract(lower, noise), np.add(upper, noise)

    def first(holds: Callable[[np.ndarray], np.ndarray], share: np.ndarray) -> np.ndarray:
        """The first count from 1 on of which it holds that so many have at most that share with such a probability."""
        low, high = np.ones(np.shape(share), int), np.full(np.shape(share), size)
        while (open_ := low < high).any():
            middle = (low + high) // 2
            found = holds(betainc(middle * probes / 2, np.maximum(size - middle, 1) * probes / 2, np.clip(share, 0, 1)))
            low, high = np.where(open_ & ~found, middle + 1, low), np.where(open_ & found, middle, high)
        return low

    least = np.where(lower <= 0, 0, first(lambda probability: 1 - probability > tail, lower))  # none has the share 0, and
    greatest = np.where(upper >= 1, size, first(lambda probability: probability <= tail, upper) - 1)  # all 1, for certain
    return least, greatest


def _estimate(lower: np.ndarray, upper: np.ndarray, ritz: Ritz, size: int, noise: float) -> tuple[float, float]:
    """A count of `size` eigenvalues, and its error, from bounds of each probe's measure of them: [probe] each."""
    lower, upper = (float(np.average(bound, weights=ritz.norms)) for bound in (lower, upper))
    least, greatest = bounds_of_count(lower, upper, size, len(ritz.norms), noise)
    count = np.clip(size * (lower + upper) / 2, least, greatest)
    return float(count), float(max(count - least, greatest - count))


def counts(ritz: Ritz, tolerance: float, size: int, noise: float) -> dict[str, float]:
    """How many of `size` eigenvalues are negative (λ < −tolerance) and flat (|λ| ≤ tolerance), each with its error.

    The true count lies within the error with probability COVERAGE or more. `noise` is the round-off of a share.
    """
    if not tolerance:  # all are 0
        return {"negative": 0.0, "negative_error": 0.0, "flat": float(size), "flat_error": 0.0}
    (low, low_top), (high, high_top) = (bounds_below(ritz, x) for x in (-tolerance, tolerance))
    negative, negative_error = _estimate(low, low_top, ritz, size, noise)
    flat, flat_error = _estimate(np.maximum(high - low_top, 0), high_top - low, ritz, size, 2 * noise)
    return {"negative": negative, "negative_error": negative_error, "flat": flat, "flat_error": flat_error}


def _extremes(nodes: np.ndarray, residuals: np.ndarray, zero_rows: int) -> dict[str, float]:
    """The extreme nodes, each with its residual: [probe, node]; 0 is one where there are zero rows."""
    zero = np.zeros(min(zero_rows, 1))
    values = np.append(nodes[:, [0, -1]].ravel(), zero)
    errors = np.append(residuals[:, [0, -1]].ravel(), zero)
    ends = {"lambda_min": values.argmin(), "lambda_max": values.argmax()}
    return {name: values[end] for name, end in ends.items()} | {f"{name}_error": errors[end] for name, end in ends.items()}


def of_product(
    product: Callable[[np.ndarray], np.ndarray], zero: np.ndarray, settings: Settings, seed: int = SEED
) -> dict[str, float | np.ndarray]:
    """Nodes and weights, counts and extremes, each with its error, of V ↦ product(V), where zero rows [P] are left out.

    As `spectrum.along_trajectory` has them. Weights are shares of all P: added up, and averaged over probes, they give 1
    less the share of zero rows.
    """
    size, kept = zero.size, int((~zero).sum())
    steps, rng = min(settings.steps, size), np.random.default_rng(seed)
    if kept:
        together = max(1, BASIS // (steps * size * np.dtype(settings.precision).itemsize))
        blocks = [min(together, settings.probes - done) for done in range(0, settings.probes, together)]
        found = [lanczos(product, rng.normal(size=(probes, size)) * ~zero, steps, settings.precision) for probes in blocks]
        ritz = Ritz(*map(np.concatenate, zip(*found, strict=True)))
    else:
        ritz = Ritz(*np.zeros((2, settings.probes, steps)), np.ones(settings.probes))
    nodes, weights, residuals = gauss(ritz)
    noise, largest = steps * float(np.finfo(settings.precision).eps), float(np.abs(nodes).max())
    tolerance = settings.resolution * largest
    counted = counts(ritz, tolerance, kept, noise)
    return {
        "nodes": nodes,
        "weights": weights * (ritz.norms / ritz.norms.mean())[:, None] * kept / size,
        "tolerance": tolerance,
        **counted,
        "flat": counted["flat"] + size - kept,
        **_extremes(nodes, residuals + noise * largest, size - kept),
        "zero_rows": size - kept,
    }


def _up_to(nodes: np.ndarray, weights: np.ndarray, kept: int, size: int, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of the probes' share of `kept` eigenvalues up to each x [point], float64 [point] each.

    A probe's measure up to x lies between that up to the node before the last one that x has reached, and that up to the
    next one. It ends at the extreme nodes.
    """
    padded = np.pad(weights.cumsum(axis=-1), ((0, 0), (2, 1)), mode="edge")
    padded[:, :2] = 0
    reached = np.array([np.searchsorted(row, x, side="right") for row in nodes])
    lower, upper = (np.take_along_axis(padded, reached + ahead, axis=-1).mean(axis=0) * size for ahead in (0, 2))
    lower, upper = np.where(x >= nodes.max(), kept, lower), np.where(x < nodes.min(), 0, upper)
    return lower / max(kept, 1), upper / max(kept, 1)


def cumulative(
    nodes: np.ndarray, weights: np.ndarray, zero_rows: int, size: int, x: np.ndarray, precision: str = "float64"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The share of eigenvalues up to each x [point], and its bounds, which hold at each point with probability COVERAGE.

    Nodes and weights [probe, node] of one record, as `of_product` gives them in that precision.
    """
    kept = size - zero_rows
    lower, upper = _up_to(nodes, weights, kept, size, x)
    bounds = bounds_of_count(lower, upper, kept, len(nodes), nodes.shape[1] * np.finfo(precision).eps)
    zeros = zero_rows * (x >= 0)
    shares = np.clip(kept * (lower + upper) / 2, *bounds), *bounds
    return tuple((share + zeros) / size for share in shares)


def binned(
    nodes: np.ndarray, weights: np.ndarray, zero_rows: int, size: int, edges: np.ndarray, precision: str = "float64"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many eigenvalues lie beyond each of `edges` [bin + 1] and up to the next, zero rows aside, and bounds: [bin] each.

    The bounds hold for each bin with probability COVERAGE. Estimates are differences of `cumulative`'s.
    """
    kept = size - zero_rows
    lower, upper = _up_to(nodes, weights, kept, size, edges)
    least, most = np.maximum(lower[1:] - upper[:-1], 0), upper[1:] - lower[:-1]
    bounds = bounds_of_count(least, most, kept, len(nodes), 2 * nodes.shape[1] * np.finfo(precision).eps)
    return np.clip(kept * np.diff(lower + upper) / 2, *bounds), *bounds


def zero_rows(theta: np.ndarray, network: Network, objective: Objective) -> np.ndarray:
    """Which rows of the Hessian at theta [P] are exactly zero, bool [P], by one product in float64.

    In a zero row every term has a factor 0, so its product is exactly 0; in another it is so with probability 0.
    """
    return Products(theta, network, objective)(np.random.default_rng(SEED).normal(size=network.size)) == 0


def _of_member(
    theta: np.ndarray, network: Network, objective: Objective, zero: np.ndarray, settings: Settings
) -> dict[str, float | np.ndarray]:
    """`of_product` of the Hessian at theta [P]. What exceeds float32 is computed in float64, as `in_float64` says there."""
    products = Products(theta, network, objective, precision=settings.precision, vectors=settings.probes)
    if settings.precision == "float64":
        return of_product(products, zero, settings)
    with suppress(MeanfieldError), np.errstate(over="ignore", invalid="ignore"):
        return of_product(products, zero, settings) | {"in_float64": 0}
    del products
    return _of_member(theta, network, objective, zero, settings._replace(precision="float64")) | {"in_float64": 1}


def of_members(
    members: np.ndarray, network: Network, objective: Objective, settings: Settings, starts: dict
) -> dict[str, np.ndarray]:
    """`of_product` of the Hessians at members [member, P], and, as there, symmetric and the largest eigenvalues of G and R.

    negative_published, which needs the matrix, is NaN, as is symmetric where the symmetries' directions exceed FEW.
    `starts` keeps vectors of these members for those that follow.
    """
    few = 8 * (sum(network.hidden) + network.outputs) * network.size <= FEW
    symmetries = symmetry.Symmetries.of(network, objective) if few else None
    rows = []
    for theta in members:
        zero = zero_rows(theta, network, objective)
        row = _of_member(theta, network, objective, zero, settings) | {"negative_published": np.nan, "symmetric": np.nan}
        if symmetries:
            gradient = propagation.gradient(theta, network, objective)
            row["symmetric"] = symmetry.flat_directions(theta, gradient, symmetries, ~zero, row["tolerance"])
            row["flat"] = max(row["flat"], row["zero_rows"] + row["symmetric"])  # so many are for certain
        for name, part in {"lambda_max_gauss_newton": "G", "lambda_max_rest": "R"}.items():
            products = Products(theta, network, objective, part)  # one at a time: each keeps its passes
            row[name], starts[name] = extreme_eigenvalue(products, network.size, "LA", starts.get(name))
        del products  # with its passes, before those of the next member
        rows.append(row)
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}
