"""
Histograms of eigenvalues on two axes: the paper's linear one holds the bulk, the symmetric-log one holds all of them.

Positions on the symmetric-log axis are in decades. Around 0 it is linear up to ±τ, one decade wide on either side; exact
zeros have a slot of their own in the middle, between the edges −0.0 and 0.0. With slot 0 this is the usual symmetric log.
"""

from collections.abc import Iterable

import numpy as np
import xarray as xr
from matplotlib.ticker import MaxNLocator

SHOWN = 0.98  # the linear axis holds at least this share of all eigenvalues
SLOT = 0.6  # half the width of the slot of exact zeros, in decades
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


DRAWN = ("eigenvalues", "zero_rows", "tolerance")
"""The variables of a spectrum that its histograms need."""


def edges(spectra: Iterable[xr.Dataset], linear_bins: int, per_decade: int) -> tuple[dict[str, np.ndarray], float]:
    """Edges [bin + 1] of the axes "symlog" and "linear" for all eigenvalues of some spectra, and their largest τ."""
    values = np.concatenate([spectrum.eigenvalues.values.ravel() for spectrum in spectra])
    tau = max(np.finfo(float).tiny, *(float(spectrum.tolerance.max()) for spectrum in spectra))
    symlog_axis = symlog_edges(values.min(), values.max(), tau, per_decade)
    return {"symlog": symlog_axis, "linear": np.linspace(*linear_range(values), linear_bins + 1)}, tau


def linear_range(values: np.ndarray) -> tuple[float, float]:
    """Ends of the linear axis: at least `SHOWN` of the values lie between them, and 0 does."""
    low, high = np.quantile(values, [(1 - SHOWN) / 2, (1 + SHOWN) / 2])
    high = _round_up(max(high, np.finfo(float).tiny))
    return -_round_up(max(-low, high / 10)), high


def _round_up(value: float) -> float:
    """The smallest of 1, 2, 5 × 10^k that is not below the value."""
    decade = 10.0 ** np.floor(np.log10(value))
    return next(step * decade for step in (1, 2, 5, 10) if step * decade >= value)


def counts(values: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, float]:
    """Values per bin [bin], and the share of them that lies within the edges [bin + 1]."""
    heights = np.histogram(values, edges)[0]
    return heights, heights.sum() / values.size


def symlog(values: np.ndarray, tau: float, slot: float = SLOT) -> np.ndarray:
    """Positions on the symmetric-log axis; −0.0 and 0.0 are the two ends of the slot."""
    ratio = np.abs(values) / tau
    return np.copysign(slot + np.where(ratio <= 1, ratio, 1 + np.log10(np.maximum(ratio, 1))), values)


def symlog_edges(low: float, high: float, tau: float, per_decade: int) -> np.ndarray:
    """Edges [bin + 1] of bins that hold all of low … high: …, −τ, −0.0, 0.0, τ, τ·10^(1/per_decade), …"""

    def beyond(extreme: float) -> np.ndarray:
        """τ and the edges after it, the last one beyond the extreme."""
        steps = per_decade * np.log10(max(extreme / tau, 1))
        return tau * 10 ** (np.arange(np.floor(steps + 1e-9) + 2) / per_decade)

    return np.concatenate([-beyond(-low)[::-1], [-0.0, 0.0], beyond(high)])


def symlog_counts(values: np.ndarray, zeros: int, edges: np.ndarray) -> tuple[np.ndarray, int]:
    """Values per bin [bin] of `symlog_edges`, and the number of the bin, −0.0 to 0.0, that holds the `zeros` exact zeros.

    How many of the values are exact, not just small, the caller knows: Hessian rows that are zero.
    """
    heights = np.histogram(values, edges)[0]
    slot = int(np.flatnonzero(edges == 0)[0])
    heights[slot : slot + 2] += [zeros, -zeros]
    return heights, slot


def symlog_ticks(edges: np.ndarray, tau: float, most: int = 8, slot: float = SLOT) -> tuple[np.ndarray, list[str]]:
    """Positions and labels of 0, ±τ and powers of ten within the edges, about `most` of them, none close to ±τ."""
    ends = symlog(edges[[0, -1]], tau, slot)
    every = int(np.ceil((ends[1] - ends[0]) / most))
    lowest, highest = np.log10(tau) + 0.6 * every, np.log10(np.abs(edges[[0, -1]]))
    exponents = [[every * k for k in range(-400 // every, 400 // every) if lowest <= every * k <= end] for end in highest]
    negative = [(-(10.0**exponent), "−" + power(exponent)) for exponent in exponents[0][::-1]]
    positive = [(10.0**exponent, power(exponent)) for exponent in exponents[1]]
    values, labels = zip(*negative, (-tau, "−τ"), (tau, "τ"), *positive, strict=True)
    return np.append(symlog(np.array(values), tau, slot), 0), [*labels, "0"]


def power(exponent: int) -> str:
    """A power of ten as text: 10⁻²."""
    return "1" if exponent == 0 else "10" + str(exponent).translate(SUPERSCRIPTS)


def axes(edges: dict[str, np.ndarray], tau: float) -> dict[str, dict]:
    """Both axes of a histogram: bins from λ = low to high, drawn from left to right, and labelled ticks, as lists."""
    locations = MaxNLocator(5).tick_values(*edges["linear"][[0, -1]])
    ticks = {
        "symlog": symlog_ticks(edges["symlog"], tau, most=5),
        "linear": (locations, [f"{tick:g}" for tick in locations]),
    }
    described = {}
    for name, ends in edges.items():
        places = symlog(ends, tau) if name == "symlog" else ends
        bins = {"low": ends[:-1], "high": ends[1:], "left": places[:-1], "right": places[1:]}
        exact = (bins["low"] == 0) & (bins["high"] == 0)
        described[name] = {
            "bins": {column: values.tolist() for column, values in bins.items()}
            | {"hatch": np.where(exact, "right_diagonal_line", "blank").tolist()},
            "range": places[[0, -1]].tolist(),
            "ticks": ticks[name][0].tolist(),
            "labels": [label.replace("-", "−") for label in ticks[name][1]],
        }
    return described
