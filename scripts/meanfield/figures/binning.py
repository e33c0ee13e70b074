"""
Histograms of eigenvalues on two axes: the paper's linear one holds the bulk, the symmetric-log one holds all of them.

Positions on the symmetric-log axis are in decades. Around 0 it is linear up to ±τ, one decade wide on either side; exact
zeros have a slot of their own in the middle, between the edges −0.0 and 0.0. With slot 0 this is the usual symmetric log.

Where eigenvalues were estimated, from nodes and weights, a bin holds so many by estimate, and bounds of it. Within ±τ no
side of zero is known of them: there is one bin, from −τ to τ, and the exact zeros are besides.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.ticker import MaxNLocator

from meanfield.curvature import quadrature

SHOWN = 0.98  # the linear axis holds at least this share of all eigenvalues
SLOT = 0.6  # half the width of the slot of exact zeros, in decades
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


DRAWN = ("eigenvalues", "nodes", "weights", "zero_rows", "tolerance")
"""The variables of a spectrum that its histograms need, as far as it has them."""


class Bars(NamedTuple):
    """Eigenvalues in each bin, and bounds of them, which are the same where all eigenvalues are known: [bin] each."""

    counts: np.ndarray
    least: np.ndarray
    most: np.ndarray


def estimated(spectrum: xr.Dataset) -> bool:
    """Whether a spectrum has nodes and weights instead of eigenvalues."""
    return "nodes" in spectrum


def size(spectrum: xr.Dataset) -> int:
    """The number of eigenvalues, P."""
    return spectrum.attrs["parameters"] if estimated(spectrum) else spectrum.sizes["mode"]


def said(spectrum: xr.Dataset, what: str = "bar") -> str:
    """How a spectrum was estimated, and how far what is drawn of it is to be trusted; nothing of one that was not."""
    if not estimated(spectrum):
        return ""
    probes, steps = spectrum.sizes["probe"], spectrum.sizes["node"]
    held = f"at each {what} the band holds the true number with probability {quadrature.COVERAGE:g} or more"
    return f"Estimated, from {probes} random probes of {steps} Lanczos steps; {held}."


def edges(spectra: Iterable[xr.Dataset], linear_bins: int, per_decade: int) -> tuple[dict[str, np.ndarray], float]:
    """Edges [bin + 1] of the axes "symlog" and "linear" for all eigenvalues of some spectra, and their largest τ."""
    spectra = list(spectra)
    values, weights = _all(spectra)
    tau = max(np.finfo(float).tiny, *(float(spectrum.tolerance.max()) for spectrum in spectra))
    symlog_axis = symlog_edges(values.min(), values.max(), tau, per_decade)
    return {"symlog": symlog_axis, "linear": np.linspace(*linear_range(values, weights), linear_bins + 1)}, tau


def _all(spectra: list[xr.Dataset]) -> tuple[np.ndarray, np.ndarray | None]:
    """All eigenvalues of some spectra, or their nodes, with the weights of these; zero rows are nodes at 0."""
    if not any(map(estimated, spectra)):
        return np.concatenate([spectrum.eigenvalues.values.ravel() for spectrum in spectra]), None
    parts = []
    for spectrum in spectra:
        weights = spectrum.weights.values.ravel() / spectrum.sizes["probe"] * spectrum.attrs["parameters"]
        zeros = spectrum.zero_rows.values.ravel()
        parts += [(spectrum.nodes.values.ravel(), weights), (np.zeros(zeros.size), zeros)]
    return tuple(map(np.concatenate, zip(*parts, strict=True)))


def linear_range(values: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float]:
    """Ends of the linear axis: at least `SHOWN` of the values, or of their weights, lie between them, and 0 does."""
    form = {} if weights is None else {"weights": weights, "method": "inverted_cdf"}
    low, high = np.quantile(values, [(1 - SHOWN) / 2, (1 + SHOWN) / 2], **form)
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


def _estimates(record: xr.Dataset, edges: np.ndarray) -> np.ndarray:
    """Estimates of one record, zero rows aside, and their bounds: float64 [3, bin]."""
    density = record.nodes.values, record.weights.values, int(record.zero_rows), record.attrs["parameters"]
    return np.array(quadrature.binned(*density, edges, record.attrs["precision"]))


def bars(record: xr.Dataset, edges: np.ndarray) -> tuple[Bars, tuple[float, float]]:
    """Eigenvalues of one record of a spectrum between edges [bin + 1], and the share within them, with its error."""
    if not estimated(record):
        heights, share = counts(record.eigenvalues.values, edges)
        return Bars(heights, heights, heights), (share, 0.0)
    zeros, size = int(record.zero_rows), record.attrs["parameters"]
    found = _estimates(record, edges)
    found[:, np.searchsorted(edges, 0) - 1] += zeros
    count, least, most = (float(value[0] + zeros) / size for value in _estimates(record, edges[[0, -1]]))
    return Bars(*found), (count, max(count - least, most - count))


def steps(edges: np.ndarray, estimated: bool) -> np.ndarray:
    """Edges [bin + 1] of `symlog_bars`: those of `symlog_edges`, but for the ends of the slot where all are estimates."""
    return edges[edges != 0] if estimated else edges


def symlog_bars(record: xr.Dataset, edges: np.ndarray) -> tuple[Bars, int]:
    """Eigenvalues of one record of a spectrum between `steps` of `symlog_edges`, and the number of exact zeros, besides."""
    zeros = int(record.zero_rows)
    if estimated(record):
        return Bars(*_estimates(record, steps(edges, True))), zeros
    heights, slot = symlog_counts(record.eigenvalues.values, zeros, edges)
    heights[slot] = 0
    return Bars(heights, heights, heights), zeros


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


def axes(edges: dict[str, np.ndarray], tau: float, estimated: bool = False) -> dict[str, dict]:
    """Both axes of a histogram: bins from λ = low to high, drawn from left to right, and labelled ticks, as lists.

    The last bin of "symlog" is that of the exact zeros.
    """
    locations = MaxNLocator(5).tick_values(*edges["linear"][[0, -1]])
    ticks = {
        "symlog": symlog_ticks(edges["symlog"], tau, most=5),
        "linear": (locations, [f"{tick:g}" for tick in locations]),
    }
    described = {}
    for name, ends in (edges | {"symlog": steps(edges["symlog"], estimated)}).items():
        low, high = ends[:-1], ends[1:]
        if name == "symlog":
            low, high = np.append(low, -0.0), np.append(high, 0.0)
        left, right = (symlog(places, tau) if name == "symlog" else places for places in (low, high))
        bins = {"low": low, "high": high, "left": left, "right": right}
        exact = (low == 0) & (high == 0)
        described[name] = {
            "bins": {column: values.tolist() for column, values in bins.items()}
            | {"hatch": np.where(exact, "right_diagonal_line", "blank").tolist()},
            "range": [float(left.min()), float(right.max())],
            "ticks": ticks[name][0].tolist(),
            "labels": [label.replace("-", "−") for label in ticks[name][1]],
        }
    return described
