"""
Initial parameters as drawn in 2018 (docs/protocol.md, section Initial state): TensorFlow's stateful random ops, spelt out.

Their bits come from Philox 4×32 with ten rounds (Salmon et al. 2011, SC '11), keyed by the graph's seed; the op's seed is
the upper half of the counter. Uniform numbers are bits; normal ones go through log, sin and cos (Box and Muller 1958),
each rounded correctly here, so that they do not depend on the machine's C library either.
"""

from collections.abc import Sequence
from decimal import Decimal, localcontext

import numpy as np

from meanfield.model.network import Network

ROUNDS = 10
MULTIPLIERS = np.array([0xD2511F53, 0xCD9E8D57], np.uint64)
WEYL = (0x9E3779B9, 0xBB67AE85)  # by which the key's two words grow from round to round
WORD = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
LEAST = 1e-7  # below it TensorFlow takes this for a uniform number before the logarithm
BETA_OP_SEED_STEP = 25  # the original's β op seeds grow by this from layer to layer
WEIGHTS_OP_SEED = 1  # the original's, in every layer
# Independent weights: op seeds 1, 26, 51, …, all 1 modulo 25, where those of the published β, 21 or 31 + 25·n, are 21 or 6.
WEIGHTS_OP_SEED_STEP = 25
AS_PUBLISHED, INDEPENDENT = "as_published", "independent"
WORKING = 60  # decimals: enough to round sin and cos correctly


def uniform(seed: int, op_seed: int, size: int) -> np.ndarray:
    """Uniform in [0, 1), float64 [size], as RandomUniform draws first: 52 random bits each."""
    blocks = -(-size // 2)
    counter = np.zeros((4, blocks), np.uint64)
    counter[0], counter[2] = np.arange(blocks), op_seed
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(ROUNDS):
        low, high = MULTIPLIERS[0] * counter[0], MULTIPLIERS[1] * counter[2]
        counter = np.stack(
            [
                (high >> HALF) ^ counter[1] ^ np.uint64(key[0]),
                high & WORD,
                (low >> HALF) ^ counter[3] ^ np.uint64(key[1]),
                low & WORD,
            ]
        )
        key = [(word + step) & 0xFFFFFFFF for word, step in zip(key, WEYL, strict=True)]
    mantissa = ((counter[[0, 2]] & np.uint64(0xFFFFF)) << HALF) | counter[[1, 3]]
    return (mantissa.astype(float) / 2.0**52).T.ravel()[:size]


def normal(seed: int, op_seed: int, size: int, exceptions: dict[float, float] | None = None) -> np.ndarray:
    """Standard normal, float64 [size], as RandomStandardNormal draws first: pairs √(−2 log u) (sin 2πv, cos 2πv).

    `exceptions`: sines, by their argument, whose last bit was another in 2018.
    """
    pairs = uniform(seed, op_seed, size + size % 2).reshape(-1, 2)
    values = []
    for u, v in pairs.tolist():
        radius = float(np.sqrt(-2.0 * _log(max(u, LEAST))))
        angle = 2 * np.pi * v
        sine, cosine = _sine_and_cosine(angle)
        values += [(exceptions or {}).get(angle, sine) * radius, cosine * radius]
    return np.array(values[:size])


def _log(x: float) -> float:
    """log x, correctly rounded."""
    with localcontext(prec=WORKING):
        return float(Decimal(x).ln())


def _sine_and_cosine(x: float) -> tuple[float, float]:
    """sin x and cos x for 0 ≤ x ≤ 2π, correctly rounded: the power series in decimals."""
    with localcontext(prec=WORKING):
        angle, term, sums, power = Decimal(x), Decimal(1), [Decimal(0), Decimal(0)], 0
        while abs(term) > Decimal(10) ** -WORKING:
            sums[power % 2] += -term if power % 4 > 1 else term
            power += 1
            term *= angle / power
        return float(sums[1]), float(sums[0])


def initial_parameters(
    network: Network,
    seed: int,
    beta_stddev: float,
    beta_op_seed: int,
    exceptions: dict[float, float] | None = None,
    initial_weights: str = AS_PUBLISHED,
) -> np.ndarray:
    """Initial parameter vector of graph seed `seed`, float64 [P].

    Glorot-uniform weights, zero biases, normal β with the layer's own op seed. AS_PUBLISHED, the weights of every layer come
    from op seed 1: all begin with the same numbers, but for the limit, so that layers of equal shape are equal
    (docs/protocol.md, Defects, 9); INDEPENDENT, from the layer's own. `exceptions` as in `normal`.
    """
    theta, step = np.zeros(network.size), WEIGHTS_OP_SEED_STEP if initial_weights == INDEPENDENT else 0
    for number, layout in enumerate(network.layout):
        limit = np.sqrt(6 / (layout.inputs + layout.units))
        weights = uniform(seed, WEIGHTS_OP_SEED + step * number, layout.units * layout.inputs)
        theta[layout.weights] = weights * (limit - -limit) + -limit
        if layout.beta:
            op_seed = beta_op_seed + BETA_OP_SEED_STEP * number
            theta[layout.beta] = normal(seed, op_seed, layout.units, exceptions) * beta_stddev
    return theta


def initial_members(
    network: Network,
    seeds: Sequence[int],
    beta_stddev: float,
    beta_op_seed: int,
    exceptions: dict[float, float] | None = None,
    initial_weights: str = AS_PUBLISHED,
) -> np.ndarray:
    """Initial parameters of several graph seeds, float64 [seed, P]; as for `initial_parameters`."""
    draw = beta_stddev, beta_op_seed, exceptions, initial_weights
    return np.stack([initial_parameters(network, seed, *draw) for seed in seeds])
