"""What a caller of the library gives, as numbers, or one line that says what was given and what is allowed."""

import numbers
from typing import Any

import numpy as np

from meanfield.errors import MeanfieldError


def shown(value: Any) -> str:
    """What was given, in one short line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def array(name: str, values: Any) -> np.ndarray:
    """Values as a float64 array. MeanfieldError for text, ragged lists, a tensor that holds on to its gradient, …"""
    try:
        found = np.asarray(values)
        if found.dtype.kind not in "biufO":
            raise TypeError(f"its type is {found.dtype}")
        return found.astype(float)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise MeanfieldError(f"{name}: this is no array of numbers ({' '.join(str(error).split())})") from error


def row(name: str, values: Any, size: int) -> np.ndarray:
    """Parameters as a float64 array [P]; whoever uses it compares P. MeanfieldError for another shape, and as `array`."""
    found = array(name, values)
    if found.ndim != 1:
        raise MeanfieldError(f"{name} has shape {found.shape}; give the {size} parameters in a row")
    return found


def finite(name: str, values: np.ndarray) -> None:
    """MeanfieldError, with their number, for NaN or infinite values."""
    bad = np.size(values) - np.isfinite(values).sum()
    if bad:
        raise MeanfieldError(f"{name} contain {bad} NaN or infinite value{'' if bad == 1 else 's'}")


def number(name: str, value: Any, least: float = -np.inf, above: float = -np.inf, besides: str = "") -> float:
    """One finite number of `least` or more, or above `above`. MeanfieldError for others, truth values, text and arrays.

    `besides` says in the error what else the caller takes.
    """
    try:
        kind = np.asarray(value)
        plain = isinstance(value, numbers.Real) or (kind.ndim == 0 and kind.dtype.kind in "iuf")
        found = float(value) if plain and not isinstance(value, bool) else np.nan
    except (TypeError, ValueError, RuntimeError, OverflowError):
        found = np.nan
    if not (np.isfinite(found) and found >= least and found > above):
        limit = f"number of {least:g} or more" if np.isfinite(least) else "finite number"
        limit = f"number above {above:g}" if np.isfinite(above) else limit
        raise MeanfieldError(f"{name} is {shown(value)}; give a {limit}{besides}")
    return found


def count(name: str, value: Any) -> int:
    """A whole number of 1 or more. MeanfieldError for anything else, True among it."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < 1:
        raise MeanfieldError(f"{name} is {shown(value)}; give a whole number of 1 or more")
    return int(value)
