"""One look for every picture: an activation's colour, marker and line, the mark of stand-in data, how a figure is saved."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import fill

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from meanfield.data.storage import STAND_IN
from meanfield.figures import MARK_COLOUR
from meanfield.model.registry import ACTIVATIONS

matplotlib.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})

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
# Activations that a configuration gives by their formula, in its order: Tol's muted palette, in other markers.
_MORE_LOOKS = (
    ("#882255", "*", (0, (6, 2))), ("#999933", "h", (0, (4, 1, 1, 1))), ("#44AA99", "+", (0, (2, 1))),
    ("#332288", "x", (0, (8, 2, 1, 2))), ("#CC6677", "1", (0, (1, 2))),
)  # fmt: skip
BOKEH = {
    "o": "circle", "s": "square", "^": "triangle", "D": "diamond", "v": "inverted_triangle", "P": "plus", "X": "x",
    "*": "star", "h": "hex", "+": "cross", "x": "x", "1": "y",
}  # fmt: skip
"""The markers in the explorer."""
LABELS = {"cost": "cost ε", "alpha": "descent share α", "gamma": "flat share γ"}

# Two classes: purple circles, dark to light, against light to dark, orange triangles. More: Tol's muted palette, and grey.
BINARY_COLOURS = [matplotlib.colors.to_hex(colour) for colour in matplotlib.colormaps["PuOr_r"](np.linspace(0, 1, 10))]
BINARY_MARKERS = ("o", "^")
CLASS_COLOURS = (
    "#CC6677", "#332288", "#DDCC77", "#117733", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499", "#661100",
)  # fmt: skip
NO_CLASS = "#BBBBBB"
WRONG = {"marker": "x", "s": 9, "c": "black", "lw": 0.5, "zorder": 3}  # samples that are decided wrongly
PUBLISHED = "published"
POINTS = {"marker": "o", "mfc": "none", "mec": "black", "ms": 6.5, "mew": 0.7, "ls": "", "zorder": 4, "label": PUBLISHED}
"""Published values, of any activation: so they stand in the legend; in panels as `points` has them."""
BAND = 0.25  # opacity of what may be, around an estimate
EXACT = {"marker": "x", "color": "black", "ms": 5, "mew": 0.9, "zorder": 5}  # an exact count beside estimates
MEMBER = {"lw": 0.5, "alpha": 0.4}  # the curve of one of several seeds
LONG = 10  # characters of a label; a panel, 3 inches wide, holds so many beside what is said of it
DPI = 150
PRINTED = {
    ".png": lambda figure, path: FigureCanvasAgg(figure).print_png(path),
    ".pdf": lambda figure, path: FigureCanvasPdf(figure).print_pdf(path, metadata={"CreationDate": None}),
}


def _looked(activation: str) -> tuple:
    """Colour, marker and dashes of an activation."""
    more = [name for name in ACTIVATIONS if name not in _LOOKS]
    return _LOOKS.get(activation) or _MORE_LOOKS[more.index(activation) % len(_MORE_LOOKS)]


def colour(activation: str) -> str:
    """The activation's colour."""
    return _looked(activation)[0]


def look(activation: str) -> dict:
    """Keyword arguments of a curve: colour, marker, line style, label."""
    colour, marker, dashes = _looked(activation)
    return {"color": colour, "marker": marker, "linestyle": dashes, "label": ACTIVATIONS[activation].label}


def points(activation: str) -> dict:
    """Keyword arguments of an activation's published values: rings in its colour, few enough to leave its curve in sight.

    They are spaced by their distance in the panel, as the markers of curves are, and so lie around these where both agree.
    """
    return POINTS | {"mec": colour(activation), "markevery": 0.1}


def class_look(number: int, labels: int) -> tuple[str, str]:
    """Colour and marker of a class (`decision.true_classes`; negative: none) among so many labels."""
    if labels == 1:
        return BINARY_COLOURS[-number], BINARY_MARKERS[number]
    return (NO_CLASS if number < 0 else CLASS_COLOURS[number % len(CLASS_COLOURS)]), "o"


def mark(source: str) -> str:
    """What is written beside the title of a picture whose data are not the published ones; else nothing."""
    return "STAND-IN DATA, not the published" if source == STAND_IN else ""


def plain(text: str) -> str:
    """A name of the user's own as Matplotlib writes it out: a dollar sign begins no formula."""
    return text.replace("$", r"\$")


def heading(activation: str, said: str, sign: str = ":") -> str:
    """An activation's label and what is said of it, on one line or, of a label too long for one of several panels, two."""
    label = ACTIVATIONS[activation].label
    return sign.join([label, "\n" + said if len(label) > LONG else " " + said])


def listed(runs: Iterable[Sequence[str]]) -> str:
    """Runs (dataset, architecture, activation) in words, as "linear 10 ESP, ReLU; digits 25 ESP"."""
    named = {}
    for dataset, architecture, activation in runs:
        named.setdefault(f"{dataset} {architecture}", []).append(ACTIVATIONS[activation].label)
    return "; ".join(f"{pair} {', '.join(labels)}" for pair, labels in named.items())


def title(axes: Axes, text: str, source: str) -> None:
    """The panel's title, with the mark of stand-in data between it and the panel."""
    axes.set_title(text, pad=16 if mark(source) else None)
    place = {"xy": (0.5, 1), "xycoords": "axes fraction", "xytext": (0, 4), "textcoords": "offset points"}
    axes.annotate(mark(source), **place, color=MARK_COLOUR, size=7, ha="center", annotation_clip=False)


def logarithmic(axes: Axes, which: str) -> None:
    """A logarithmic "x" or "y" axis, for the data that are drawn: powers of ten, or 1, 2, 5 where it spans little."""
    axes.set(**{f"{which}scale": "log"})
    axis, (low, high) = getattr(axes, f"{which}axis"), sorted(getattr(axes, f"get_{which}lim")())
    axis.set_minor_formatter(NullFormatter())
    if high < 100 * low:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")


def unavailable(axes: Axes, reason: str) -> None:
    """Say in an empty panel why it is empty."""
    axes.text(0.5, 0.5, reason, ha="center", va="center", color="0.4", transform=axes.transAxes)
    axes.set(xticks=[], yticks=[])


def key_to_members(axes: Axes) -> None:
    """Entries of the legend that say what is bold and what is thin, where several seeds are drawn."""
    axes.plot([], [], color="0.3", lw=2, label="bold: median of the seeds")
    axes.plot([], [], color="0.3", lw=MEMBER["lw"], label="thin: each seed")


def legend(figure: Figure, said: str = "", handles: Iterable[Artist] = ()) -> None:
    """One legend below all panels: `handles`, or the labelled artists of the figure, each label once; in as few rows as fit.

    Above it what is `said` of the whole figure.
    """
    labelled = [handle for axes in figure.axes for handle in axes.get_legend_handles_labels()[0]]
    found = {}
    for handle in handles or labelled:
        found.setdefault(handle.get_label(), handle)
    if PUBLISHED in found:
        found[PUBLISHED] = Line2D([], [], **POINTS)  # of no activation
    form = {"loc": "outside lower center", "frameon": False, "title": fill(said, int(12 * figure.get_figwidth()))}
    for rows in range(1, len(found) + 1):
        columns = -(-len(found) // rows)
        drawn = figure.legend(found.values(), found.keys(), ncols=columns, **form)
        if drawn.get_window_extent().width <= figure.bbox.width or columns == 1:
            return
        drawn.remove()


def save(figure: Figure, *paths: str | Path) -> None:
    """Write the figure to each path, PNG or PDF by its ending; the bytes do not depend on the time.

    The layout is found once, and each file drawn once: `Figure.savefig` does both twice a file, half of a figure's time.
    """
    figure.set_dpi(DPI)
    if layout := figure.get_layout_engine():
        layout.execute(figure)
        figure.set_layout_engine("none")
    for path in paths:
        figure.set_dpi(DPI)  # a PDF leaves it at 72
        PRINTED[Path(path).suffix](figure, path)
