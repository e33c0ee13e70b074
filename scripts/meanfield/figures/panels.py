"""
How panels are arranged in a figure of networks: at most three side by side, so that type stays large enough to be read
where the figure is shown small; texts that would lie on each other apart.
"""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure

from meanfield.figures import style

ABREAST = 3
WIDTH = 2.4  # inches of a panel
TITLE = 0.5  # inches that it takes, of two lines
LETTER = 4.8  # points that a letter of a note, of 8 points, takes at most


def titled(title: str, source: str, columns: int, height: float) -> Figure:
    """A figure wide enough for so many panels, titled; where its data are a stand-in, the title says so and is red."""
    figure = Figure(figsize=(WIDTH * max(columns, 2) + 0.6, height), layout="constrained")
    mark = style.mark(source)
    figure.suptitle(f"{title}\n{mark}" if mark else title, color=style.MARK_COLOUR if mark else "black")
    return figure


def columns(count: int) -> int:
    """How many of so many panels stand side by side: in as few rows as hold them, and these as even as can be."""
    return -(-count // -(-count // ABREAST))


def grid(title: str, source: str, count: int, heights: Sequence[float], **options) -> tuple[Figure, np.ndarray]:
    """The same with panels, axes [count, len(heights)]: each is as many axes on top of each other, of heights in inches."""
    across = columns(count)
    rows = -(-count // across)
    figure = titled(title, source, across, rows * sum(heights) + TITLE)
    axes = figure.subplots(rows * len(heights), across, squeeze=False, height_ratios=[*heights] * rows, **options)
    cells = axes.reshape(rows, len(heights), across).transpose(0, 2, 1).reshape(-1, len(heights))
    for empty in cells[count:].flat:
        empty.remove()
    for axes in lowest(cells[:count])[:, -1]:  # some have nothing below that shares their axis
        axes.tick_params(labelbottom=True)
    return figure, cells[:count]


def lowest(cells: np.ndarray) -> np.ndarray:
    """The last panel of each column."""
    return cells[-columns(len(cells)) :]


def leftmost(cells: np.ndarray) -> np.ndarray:
    """The first panel of each row."""
    return cells[:: columns(len(cells))]


def legend(figure: Figure, note: str = "") -> None:
    """One legend below all panels, which makes the figure higher, and above it a note of what must be known to read it."""
    style.legend(figure)
    for drawn in figure.legends:
        drawn.set_title(fill(note, int(72 * figure.get_figwidth() / LETTER)), {"size": 8})
        figure.set_figheight(figure.get_figheight() + drawn.get_window_extent().height / figure.dpi)


def spread(wanted: np.ndarray, gap: float, low: float, high: float) -> np.ndarray:
    """Places near those wanted, float64 [n], ascending: a gap apart, from low to high; closer if they would not fit."""
    steps = min(gap, (high - low) / max(len(wanted) - 1, 1)) * np.arange(len(wanted))
    up = np.maximum.accumulate(wanted - steps)  # each as far up as the one before it pushes
    down = np.minimum.accumulate((wanted - steps)[::-1])[::-1]
    return np.clip((up + down) / 2, low, high - steps[-1]) + steps
