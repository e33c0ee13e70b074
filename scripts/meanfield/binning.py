"""
Bins for histograms of eigenvalues: on a symmetric-logarithmic axis, and on a linear one.

Eigenvalues span more than ten decades on either side of 0. The symmetric-logarithmic coordinate is λ/τ within ±τ and
±(1 + log10(|λ|/τ)) beyond, so that one bin, |λ| ≤ τ, holds all flat directions, and all decades beyond are equally wide.
"""

import numpy as np

TINY = np.finfo(float).tiny
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def symlog(values: np.ndarray, tau: float) -> np.ndarray:
    """The symmetric-logarithmic coordinate of eigenvalues, float64, same shape; −1 at −τ, 0 at 0, 1 at τ."""
    size = np.abs(values) / tau
    return np.sign(values) * np.where(size > 1, 1 + np.log10(np.maximum(size, 1)), size)


def symlog_edges(tau: float, low: float, high: float, per_decade: int = 2) -> np.ndarray:
    """Edges, float64, ascending, of bins that hold [low, high]: one from −τ to τ, `per_decade` in each decade beyond."""

    def beyond(end: float) -> np.ndarray:
        bins = np.ceil(per_decade * np.log10(max(end / tau, 1)) + 1e-9).astype(int)
        return tau * 10 ** (np.arange(bins + 1) / per_decade)

    return np.concatenate([-beyond(-low)[::-1], beyond(high)])


def symlog_ticks(edges: np.ndarray, tau: float, each_side: int = 3) -> tuple[np.ndarray, list[str]]:
    """Eigenvalues to mark on the symmetric-logarithmic axis, ascending, and their labels: 0 and powers such as "-10⁻⁴"."""
    powers = np.arange(np.floor(np.log10(max(-edges[0], edges[-1]))), np.log10(tau) + 2, -1)
    powers = powers[:: int(np.ceil(len(powers) / each_side)) or 1]
    ticks = np.concatenate([-(10**powers), [0], 10 ** powers[::-1]])
    raised = [f"{power:.0f}".translate(SUPERSCRIPTS) for power in powers]
    labels = [f"-10{power}" for power in raised] + ["0"] + [f"10{power}" for power in raised[::-1]]
    shown = np.flatnonzero((ticks >= edges[0]) & (ticks <= edges[-1]))
    return ticks[shown], [labels[number] for number in shown]


def linear_edges(values: np.ndarray, bins: int = 61, shown: float = 0.98) -> np.ndarray:
    """Edges, float64 [bins + 1], of equal bins between round numbers: `shown` of all values, and 0, lie between the ends."""
    low, high = np.quantile(values, [(1 - shown) / 2, (1 + shown) / 2])
    high = _round_up(max(high, TINY))
    return np.linspace(-_round_up(max(-low, high / 10)), high, bins + 1)


def _round_up(value: float) -> float:
    """The smallest of 1, 2, 5 × 10^k that is not below the value."""
    decade = 10.0 ** np.floor(np.log10(value))
    return next(step * decade for step in (1, 2, 5, 10) if step * decade >= value)


def resolved(values: np.ndarray, tolerance: np.ndarray, tau: float) -> np.ndarray:
    """Eigenvalues [..., P] as they are binned: flat ones, |λ| ≤ tolerance [...], are 0, all others lie beyond ±tau.

    So the bin from −τ to τ holds exactly those that γ counts, though the tolerance changes from record to record.
    """
    beyond = np.sign(values) * np.maximum(np.abs(values), np.nextafter(tau, np.inf))
    return np.where(np.abs(values) <= tolerance[..., None], 0, beyond)


def heights(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Values per bin, uint32 [..., bin], of [..., P]; the outermost bins also hold what lies outside, so P are counted."""
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    return (place[..., None, :] == np.arange(len(edges) - 1)[:, None]).sum(axis=-1, dtype=np.uint32)
