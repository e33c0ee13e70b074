"""One look for every picture: an activation's colour, marker and line, and the mark of stand-in data."""

import matplotlib

from meanfield.activations import ACTIVATIONS
from meanfield.storage import STAND_IN

matplotlib.rcParams.update(
    {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "meanfield"}
)

# Okabe & Ito's palette, safe for the colour-blind; markers and dashes keep the curves apart in grey.
_LOOKS = {
    "esp": ("#0072B2", "o", "-"),
    "relu": ("#D55E00", "s", "--"),
    "sigmoid": ("#009E73", "^", "-."),
    "tanh": ("#CC79A7", "D", ":"),
    "silu": ("#56B4E9", "v", (0, (5, 1))),
    "gelu": ("#E69F00", "P", (0, (3, 1, 1, 1))),
    "softplus": ("#555555", "X", (0, (1, 1))),
}


def colour(activation: str) -> str:
    """The activation's colour."""
    return _LOOKS[activation][0]


def look(activation: str) -> dict:
    """Keyword arguments of a curve: colour, marker, line style, label."""
    colour, marker, dashes = _LOOKS[activation]
    return {"color": colour, "marker": marker, "linestyle": dashes, "label": ACTIVATIONS[activation].label}


def mark(source: str) -> str:
    """What is written beside the title of a picture whose data are not the published ones; else nothing."""
    return "STAND-IN DATA, not the published" if source == STAND_IN else ""


MARK_COLOUR = "#B00000"
