"""What is wrong with a picture, to one who looks at it: texts that are cut or lie on each other, pale or small type."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text


def blank(path: Path) -> bool:
    """Whether nothing is drawn in a file's picture: nowhere dark on light."""
    return float(np.ptp(imread(path)[..., :3])) < 0.5


def texts(figure: Figure) -> list[Text]:
    """Every text that is seen; of labels of ticks those within their axis."""
    figure.draw_without_rendering()
    ticks = set(_labels(figure, seen=False))
    found = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip() and text not in ticks]
    return [*found, *_labels(figure, seen=True)]


def _labels(figure: Figure, seen: bool) -> Iterator[Text]:
    """Labels of ticks, or those that are seen."""
    for axis in figure.findobj(Axis):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            for label in (tick.label1, tick.label2):
                within = axis.axes.axison and low <= tick.get_loc() <= high and label.get_text().strip()
                if not seen or (within and label.get_visible()):
                    yield label


def cut(figure: Figure) -> list[str]:
    """Texts and legends that reach beyond the figure."""
    drawn = {text: text.get_text() for text in texts(figure)} | dict.fromkeys(figure.legends, "legend")
    frame = figure.bbox.padded(1)
    boxes = {artist: artist.get_window_extent() for artist in drawn}
    return [drawn[artist] for artist, box in boxes.items() if not (frame.contains(*box.min) and frame.contains(*box.max))]


def overlaps(figure: Figure) -> list[str]:
    """Pairs of texts that lie on each other; aslant ones, whose boxes are larger than they, are left out."""
    boxes = [(text, text.get_window_extent().padded(-0.5)) for text in texts(figure) if text.get_rotation() % 90 == 0]
    return [f"{a.get_text()} / {b.get_text()}" for (a, box), (b, other) in combinations(boxes, 2) if box.overlaps(other)]


def smallest(figure: Figure, pixels: float) -> float:
    """Size of the smallest type in pixels, where the picture is shown so many pixels wide."""
    return min(text.get_fontsize() for text in texts(figure)) / 72 / figure.get_figwidth() * pixels


def contrast(one: object, other: object) -> float:
    """Ratio of the luminances of two colours, from 1 to 21 (WCAG 2, relative luminance and contrast ratio)."""
    rgb = np.array([to_rgb(one), to_rgb(other)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    low, high = sorted(linear @ [0.2126, 0.7152, 0.0722])
    return (high + 0.05) / (low + 0.05)


def pale(figure: Figure, least: float = 4.5) -> list[str]:
    """Texts that hardly stand out from what they are drawn on, which is the commonest colour within their box."""
    drawn = texts(figure)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[::-1, :, :3]
    found = []
    for text in drawn:
        left, low, right, high = text.get_window_extent().extents.astype(int)
        pixels = image[max(low, 0) : high + 1, max(left, 0) : right + 1].reshape(-1, 3)
        [(ground, _)] = Counter(map(tuple, pixels.tolist())).most_common(1)
        if contrast(text.get_color(), np.divide(ground, 255)) < least:
            found.append(text.get_text())
    return found
