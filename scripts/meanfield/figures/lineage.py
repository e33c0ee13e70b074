"""The chain of jobs behind a result as a picture: from the downloads, on the left, to the file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from meanfield.errors import MeanfieldError
from meanfield.figures.style import DPI

ENDINGS = (".svg", ".png", ".pdf")
LINE, SPACE, GAP, EDGE = 0.16, 0.24, 0.7, 0.3  # inches: a line of a box, between boxes, between columns, around
LOOKS = {
    "job": ("#E8F0F8", "#0072B2", "-"),
    "origin": ("#F5E3D7", "#D55E00", "-"),
    "changed": ("#FFFFFF", "#CC0000", "--"),
}
KEY = "blue: a job, with those of its files that were used; orange: where the data come from; red, dashed: not as recorded"


class Box(NamedTuple):
    """What is drawn of a job, or of many of a rule: lines of text, one of LOOKS, and the names of the boxes it needs."""

    lines: Sequence[str]
    look: str
    needs: Sequence[str]


def behind(boxes: Mapping[str, Box]) -> dict[str, set[str]]:
    """All that each box needs, at any depth."""
    found: dict[str, set[str]] = {}

    def of(name: str) -> set[str]:
        if name not in found:
            found[name] = set(boxes[name].needs).union(*map(of, boxes[name].needs))
        return found[name]

    return {name: of(name) for name in boxes}


def stages(boxes: Mapping[str, Box]) -> list[list[str]]:
    """Names of the boxes in columns, each right of all that it needs, what needs nothing close to what needs it.

    Within a column they are ordered by what they need, so that few arrows cross.
    """
    all_of = behind(boxes)
    depth: dict[str, int] = {}
    for name in sorted(
        boxes, key=lambda name: len(all_of[name])
    ):  # what a box needs has fewer behind it, and comes before it
        depth[name] = 1 + max((depth[other] for other in boxes[name].needs), default=-1)
    for name in boxes:
        users = [depth[other] for other, box in boxes.items() if name in box.needs]
        if not boxes[name].needs and users:
            depth[name] = min(users) - 1
    columns: list[list[str]] = [[] for _ in range(1 + max(depth.values()))]
    for name in sorted(boxes):
        columns[depth[name]].append(name)
    height: dict[str, float] = {}
    for column in columns:
        column.sort(key=lambda name: sum(height[other] for other in boxes[name].needs) / max(len(boxes[name].needs), 1))
        height |= {name: at / len(column) for at, name in enumerate(column)}
    return columns


def draw(boxes: Mapping[str, Box], title: str) -> Figure:
    """The picture; its size follows from the boxes. `title` may have several lines.

    Of what a box needs, arrows lead from that alone which it does not have through another.
    """
    figure = Figure(dpi=DPI)
    FigureCanvasAgg(figure)  # which knows how wide text is
    said = figure.text(0, 0, f"{title}\n{KEY}", size=8, va="top", linespacing=1.4)
    heads, drawn = (title.count("\n") + 2) * LINE + SPACE, {}
    for name, box in boxes.items():
        face, edge, dashes = LOOKS[box.look]
        look = {"boxstyle": "round,pad=0.3", "fc": face, "ec": edge, "ls": dashes, "lw": 0.8}
        drawn[name] = figure.text(0, 0, "\n".join(box.lines), size=7, va="center", linespacing=1.3, bbox=look, zorder=2)
    wide = {name: text.get_window_extent().width / DPI for name, text in drawn.items()}
    high = {name: LINE * len(box.lines) + SPACE for name, box in boxes.items()}
    columns = stages(boxes)
    height = max(sum(high[name] for name in column) for column in columns)
    width = sum(max(wide[name] for name in column) for column in columns) + GAP * (len(columns) - 1)
    size = max(width, said.get_window_extent().width / DPI) + 2 * EDGE, height + heads + 2 * EDGE
    figure.set_size_inches(size)
    said.set_position((EDGE / size[0], 1 - EDGE / size[1]))
    left, ends = EDGE, {}
    for column in columns:
        top = EDGE + (height + sum(high[name] for name in column)) / 2
        for name in column:
            middle = top - high[name] / 2
            drawn[name].set_position((left / size[0], middle / size[1]))
            ends[name] = (left - 0.05, middle), (left + wide[name] + 0.05, middle)
            top -= high[name]
        left += max(wide[name] for name in column) + GAP
    all_of = behind(boxes)
    for name, box in boxes.items():
        for other in sorted(set(box.needs).difference(*(all_of[need] for need in box.needs))):
            points = ends[other][1], ends[name][0]
            begin, end = ((x / size[0], y / size[1]) for x, y in points)
            look = {
                "arrowstyle": "->",
                "mutation_scale": 7,
                "color": "0.55",
                "lw": 0.6,
                "zorder": 1,
                "shrinkA": 0,
                "shrinkB": 0,
            }
            figure.add_artist(FancyArrowPatch(begin, end, transform=figure.transFigure, **look))
    return figure


def save(figure: Figure, path: str | Path) -> None:
    """Write the picture, by the path's ending; the same picture has the same bytes. MeanfieldError for another ending."""
    if Path(path).suffix not in ENDINGS:
        raise MeanfieldError(f"{path}: pictures of a chain are written as {', '.join(ENDINGS)}")
    date = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(Path(path).suffix)
    with matplotlib.rc_context({"svg.hashsalt": "lineage", "svg.fonttype": "none"}):
        figure.savefig(path, metadata=date)
