"""
The floating-point arithmetic in which the published runs were trained: TensorFlow 1.8 on a CPU, operation by operation.

That is Eigen 3.3 with AVX packets of four float64, and no fused multiply-add: every product and every sum is rounded on
its own, so the result depends on the order of summation and on nothing else, and is the same on every IEEE machine. Each
function states its order. NumPy adds along an axis that is not the fastest in memory one term after the other
(`insist_on_order` checks it), and its products, sums, quotients and roots are correctly rounded (docs/arithmetic.md).

Arrays are float64, signals [unit, sample] in row-major order, as in 2018: which elements are the "tail" depends on it.
"""

import csv
from decimal import Context, Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np

from meanfield.errors import MeanfieldError

PACKET = 4  # float64 numbers that one AVX instruction takes; twice as many float32
CACHE = 32 * 2**10  # bytes of the first-level cache, from which Eigen takes the length of its blocks
PIECE = 2**20  # bytes of products that are held at once here; the result does not depend on it
LARGE = 700  # beyond it exp is near the end of the range of float64
DIGITS = Context(prec=45)  # decimals: enough to round exp correctly


class Kernels(NamedTuple):
    """How matrix products over samples were computed on the machine that trained a run.

    `block` is the number of samples in a block, 0 for the one that follows from the cache; `lanes` says whether the last
    inputs of full groups of four units are summed in four partial sums.
    """

    block: int
    lanes: bool


KERNELS = {"binary": Kernels(block=0, lanes=True), "digits": Kernels(block=256, lanes=False)}
"""Of the runs on the two binary tasks, and of those on the digits, which were trained in another environment."""


class Environment(NamedTuple):
    """What the C library and the matrix products of the machine were like that trained a run."""

    exp: "Exp"
    sines: dict[float, float]
    kernels: Kernels

    @classmethod
    def of(cls, kernels: str, exceptions: str | Path | None) -> "Environment":
        """The environment with those KERNELS; `exceptions` config/published/exceptions.csv, or None: do without them."""
        found: dict[str, dict[float, float]] = {"exp": {}, "sin": {}}
        if exceptions:
            with open(exceptions) as stream:
                for row in csv.DictReader(stream):
                    found[row["function"]][float.fromhex(row["argument"])] = float.fromhex(row["value"])
        return cls(Exp(found["exp"]), found["sin"], KERNELS[kernels])

    @property
    def name(self) -> str:
        """How files name the arithmetic."""
        return "2018" if self.sines else "2018, its C library correctly rounded"


class Exp:
    """exp as in 2018. `exceptions`: where its C library's last bit is not that of the correctly rounded value."""

    P = (1.26177193074810590878e-4, 3.02994407707441961300e-2, 9.99999999999999999910e-1)
    Q = (3.00198505138664455042e-6, 2.52448340349684104192e-3, 2.27265548208155028766e-1, 2.0)

    def __init__(self, exceptions: dict[float, float] | None = None) -> None:
        self.exceptions = exceptions or {}

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """exp of every element: by packets, but the last n mod 4 of all n elements one by one, by the C library."""
        result = self.packets(x)
        flat, arguments = result.reshape(-1), x.reshape(-1)
        for place in range(tail(x.size), x.size):
            flat[place] = self.library(float(arguments[place]))
        return result

    def packets(self, x: np.ndarray) -> np.ndarray:
        """Cephes' rational form, as in Eigen 3.3: x = k·log 2 + r, exp(r) = 1 + 2 p/(q − p), times 2^k."""
        x = np.clip(x, -709.436139303, 709.437)
        k = np.floor(1.4426950408889634073599 * x + 0.5)
        x = (x - k * 0.693145751953125) - k * 1.42860682030941723212e-6
        square = x * x
        p = ((self.P[0] * square + self.P[1]) * square + self.P[2]) * x
        q = ((self.Q[0] * square + self.Q[1]) * square + self.Q[2]) * square + self.Q[3]
        return np.ldexp(1.0 + 2.0 * (p / (q - p)), k.astype(np.int32))

    def library(self, x: float) -> float:
        """The C library's: correctly rounded, but for the exceptions."""
        if not abs(x) < LARGE:
            return float(np.exp(x))  # of a training that diverges: 0, ∞ or no number
        return self.exceptions.get(x) or float(Decimal(x).exp(DIGITS))


def tail(size: int, packet: int = PACKET) -> int:
    """Where the elements begin that no whole packet holds."""
    return size - size % packet


def insist_on_order() -> None:
    """MeanfieldError if this NumPy adds in another order than `in_order` needs."""
    rng = np.random.default_rng(1)
    for shape in ((690, 2), (3, 257, 4), (256, 10, 3), (300,)):
        terms = rng.normal(size=shape) * 10.0 ** rng.integers(-8, 8, size=shape)
        axis = 1 if len(shape) == 3 and shape[0] == 3 else 0
        one_by_one = np.add.accumulate(terms, axis=axis).take(-1, axis=axis)
        if not np.array_equal(in_order(terms, axis), one_by_one):
            raise MeanfieldError(
                f"NumPy {np.__version__} adds in another order, so the runs of 2018 cannot be replayed with it; use the "
                "version of requirements.lock, or set arithmetic: tensorflow"
            )


def in_order(terms: np.ndarray, axis: int) -> np.ndarray:
    """Σ along an axis, one term after the other. NumPy sums in pairs where the axis is the fastest in memory."""
    inner = int(np.prod(terms.shape[axis + 1 :]))
    return np.add.accumulate(terms, axis=axis).take(-1, axis=axis) if inner == 1 else np.add.reduce(terms, axis=axis)


def partial_sums(terms: np.ndarray) -> np.ndarray:
    """Four sums over the last axis, whose length is a multiple of four: of every fourth term, in order. […, 4]."""
    return in_order(terms.reshape(*terms.shape[:-1], -1, PACKET), terms.ndim - 1)


def over_samples(terms: np.ndarray) -> np.ndarray:
    """Σ over samples, the last axis: P = (p0 + p2) + (p1 + p3) of the partial sums; the tail in order from 0; tail + P."""
    end = tail(terms.shape[-1])
    p = partial_sums(terms[..., :end])
    total = (p[..., 0] + p[..., 2]) + (p[..., 1] + p[..., 3])
    return total if end == terms.shape[-1] else in_order(terms[..., end:], terms.ndim - 1) + total


def product(weights: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """Σ_k W[i, k] a[k, t] in order of k: [unit, sample]."""
    result = weights[:, :1] * signal[0]
    term = np.empty_like(result)
    for k in range(1, weights.shape[1]):
        np.multiply(weights[:, k : k + 1], signal[k], out=term)
        result += term
    return result


def block_length(samples: int) -> int:
    """Samples in a block of Eigen's product of float64 matrices, for 8 × 4 registers and the first-level cache."""
    most = (CACHE - 8 * 4 * 8) // (8 * 8 + 4 * 8) // 8 * 8
    if samples <= most:
        return samples
    rest = samples % most
    return most - 8 * ((most - 1 - rest) // (8 * (samples // most + 1))) if rest else most


def weight_gradient(delta: np.ndarray, signal: np.ndarray, kernels: Kernels) -> np.ndarray:
    """Σ_t δ[i, t] a[j, t]: [unit, input].

    One unit: as `over_samples`, but the tail's products are added to P one by one (a matrix-vector product). Several: in
    blocks of samples, whose sums are added to 0 in order. Inside a block in order, but, with `lanes`, for the last
    n mod 4 inputs of the full groups of four units: (q0 + q1) + (q2 + q3) of the partial sums, then the rest one by one.
    """
    units, samples = delta.shape
    if units == 1 and kernels.lanes:
        terms = signal * delta
        end = tail(samples)
        p = partial_sums(terms[:, :end])
        return _added_on((p[:, 0] + p[:, 2]) + (p[:, 1] + p[:, 3]), terms[:, end:])[None]
    length = kernels.block or block_length(samples)
    few, full = tail(len(signal)), tail(units)
    delta_rows, signal_rows = np.ascontiguousarray(delta.T), np.ascontiguousarray(signal.T)
    result = np.zeros((units, len(signal)))
    for start in range(0, samples, length):
        block = slice(start, start + length)
        part = _sum_of_outer_products(delta_rows[block], signal_rows[block])
        if kernels.lanes and few < len(signal) and full:
            terms = delta[:full, None, block] * signal[None, few:, block]
            end = tail(terms.shape[-1])
            q = partial_sums(terms[..., :end])
            part[:full, few:] = _added_on((q[..., 0] + q[..., 1]) + (q[..., 2] + q[..., 3]), terms[..., end:])
        result = result + part
    return result


def _sum_of_outer_products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Σ_t left[t, i] right[t, j] in order of t: [i, j]; in pieces whose products stay in the cache."""
    piece = max(1, PIECE // (8 * left.shape[1] * right.shape[1]))
    total = None
    for start in range(0, len(left), piece):
        part = slice(start, start + piece)
        terms = np.einsum("ti,tj->tij", left[part], right[part])  # products alone, no sum
        if total is not None:
            terms[0] += total
        total = in_order(terms, 0)
    return total


def _added_on(total: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """A sum to which the terms along the last axis are added one by one."""
    for place in range(terms.shape[-1]):
        total = total + terms[..., place]
    return total


def sigmoid(x: np.ndarray, exp: Exp) -> np.ndarray:
    """σ(x) = 1/(1 + exp(−x))."""
    return 1.0 / (1.0 + exp(-x))


def sigmoid_gradient(s: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """g·σ' from s = σ and g: in packets g·(s·(1 − s)), in the tail (g·s)·(1 − s)."""
    result = slope * (s * (1.0 - s))
    flat, end = result.reshape(-1), tail(s.size)
    last_s, last_slope = s.reshape(-1)[end:], slope.reshape(-1)[end:]
    flat[end:] = last_slope * last_s * (1.0 - last_s)
    return result


def mean_in_float32(values: np.ndarray) -> float:
    """The mean of float32 roundings: partial sums p of every eighth; q_i = p_i + p_(i+4); tail + ((q0 + q2) + (q1 + q3)); a
    division.
    """
    x = values.astype(np.float32)
    end = tail(x.size, 2 * PACKET)
    p = in_order(x[:end].reshape(-1, 2 * PACKET), 0) if end else np.zeros(2 * PACKET, np.float32)
    q = p[:PACKET] + p[PACKET:]
    total = np.float32(0)
    for value in x[end:]:
        total = total + value
    return float((total + ((q[0] + q[2]) + (q[1] + q[3]))) / np.float32(x.size))


def loss_and_slope(z: np.ndarray, y: np.ndarray, exp: Exp) -> tuple[np.ndarray, np.ndarray]:
    """Sigmoid cross-entropy of every element, and ∂cost/∂z, for z and y [sample, label], in TensorFlow's composition.

    loss = (max(z, 0) − z·y) + log1p(exp(−|z|)); its derivative goes through each of these operations, and starts from the
    mean's g = float32(1)/float32(N·K).
    """
    positive = z >= 0
    e = exp(np.where(positive, -z, z))
    loss = (np.where(positive, z, 0.0) - z * y) + np.log1p(e)
    g = float(np.float32(1) / np.float32(z.size))
    through_log = (g * (1.0 / (1.0 + e))) * e
    slope = (np.where(positive, g, 0.0) + (-g) * y) + np.where(positive, 0.0, through_log)
    return loss, slope + (-np.where(positive, through_log, 0.0))
