"""
Videos of the Hessian spectrum along training: H.264 in MP4, playable in a browser, with a poster and a small GIF preview.

A row per activation: its eigenvalues on the paper's linear axis, which holds the bulk, and on a symmetric-log axis, which
holds all of them, exact zeros in a bar of their own; then the record's numbers. Below, the cost curves with a cursor.
Where eigenvalues were estimated, a bar is full up to the fewest that there may be, pale up to the most, and a line is the
estimate.

Artists are made once and changed from frame to frame; the encoder runs in one thread with bit-exact flags, so the same
spectra give the same bytes.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Annotation, Text
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator
from PIL import Image

from meanfield.figures import binning, style
from meanfield.model.registry import ACTIVATIONS

BINS = 121  # of the linear axis
WIDTH, HEADER, BETWEEN, COST, FOOTER = 1280, 80, 80, 180, 60  # pixels; below the header come rows, axis, cost curves, axis
ROWS, ROW = 560, (130, 280)  # pixels: height that the rows share, and the least and the greatest of one
COLUMNS = {"linear": (100, 505), "symlog": (550, 1045), "numbers": (1085, 1265), "cost": (100, 1045)}  # pixels from the left
GAP = 14  # pixels between rows
DPI, SIZE, LARGE = 100, 11, 14  # letters of SIZE are 15 pixels high, and 11 in a window 960 pixels wide
HEADROOM = 0.8  # bars reach at most this height of a panel; above them stands text
EMPTY = 0.5  # where bars start, on the logarithmic axis of counts
ZERO_BAR = {"fill": True, "facecolor": "0.85", "edgecolor": "black", "hatch": "////", "linewidth": 1}
ESTIMATE = {"fill": False, "color": "black", "lw": 1, "baseline": None}  # its line
SAID = 22  # pixels that a line of the header takes, which says that eigenvalues are estimates
NAMES = "\nα\nγ\nε\n‖∇ℓ‖"  # of a record's numbers, below the activation
ENCODER = "-preset medium -crf 18 -threads 1 -movflags +faststart -fflags +bitexact -flags:v +bitexact -map_metadata -1"
LONG = 15  # letters of a label that the column of numbers holds
PREVIEW_WIDTH, PREVIEW_FRAMES, PREVIEW_COLOURS = 480, 72, 128  # pixels; at most


def _fitting(size: int, *labels: str) -> float:
    """The size of letters in which the longest label fits into the column of numbers, at most `size`."""
    return min(size, size * LONG / max(map(len, labels)))


class Histogram:
    """Bars of one axis, from edges [bin + 1] in its own units; of estimates also their bands."""

    def __init__(self, axes: Axes, edges: np.ndarray, colour: str, estimated: bool) -> None:
        look = {"baseline": EMPTY, "fill": True, "color": colour, "animated": True}
        none = np.zeros(len(edges) - 1)
        self.bars = axes.stairs(none, edges, **look)
        self.band = axes.stairs(none, edges, **look | {"alpha": style.BAND}) if estimated else None
        self.line = axes.stairs(none, edges, **look | ESTIMATE) if estimated else None
        self.artists = tuple(filter(None, (self.bars, self.band, self.line)))

    def draw(self, found: binning.Bars) -> None:
        """Show so many eigenvalues in each bin."""
        least, most = (np.maximum(heights, EMPTY) for heights in (found.least, found.most))
        self.bars.set_data(least)
        if self.band:
            self.band.set_data(most, baseline=least)
            self.line.set_data(np.where(found.counts > EMPTY, found.counts, np.nan))


class Row:
    """One activation: both histograms of its eigenvalues, and the numbers of the record."""

    def __init__(
        self, axes: dict[str, Axes], activation: str, edges: dict[str, np.ndarray], tau: float, estimated: bool = False
    ) -> None:
        """`edges` [bin + 1] are those of both axes."""
        self.edges = edges
        colour, text = style.colour(activation), {"y": 0.98, "s": "", "size": SIZE, "va": "top", "animated": True}
        self.linear = Histogram(axes["linear"], edges["linear"], colour, estimated)
        self.shown = axes["linear"].text(x=0.99, ha="right", transform=axes["linear"].transAxes, **text)
        positions = binning.symlog(binning.steps(edges["symlog"], estimated), tau)
        self.symlog = Histogram(axes["symlog"], positions, colour, estimated)
        slot = [-0.8 * binning.SLOT, 0.8 * binning.SLOT]
        self.zero_bar = axes["symlog"].stairs([0], slot, baseline=EMPTY, animated=True, **ZERO_BAR)
        label = ACTIVATIONS[activation].label
        axes["numbers"].text(0, 0.98, label, va="top", weight="bold", size=_fitting(LARGE, label))
        axes["numbers"].text(0, 0.98, NAMES, size=SIZE, va="top", linespacing=1.3)
        self.numbers = axes["numbers"].text(x=0.85, ha="right", family="monospace", linespacing=1.3, **text)
        self.artists = *self.linear.artists, self.shown, *self.symlog.artists, self.zero_bar, self.numbers

    def draw(self, spectrum: xr.Dataset, record: pd.Series) -> None:
        """Show one record of a spectrum, and its line of indices.csv."""
        found, (share, error) = binning.bars(spectrum, self.edges["linear"])
        self.linear.draw(found)
        self.shown.set_text(f"shown {share:.1%}" + (f" ± {error:.1%}" if binning.estimated(spectrum) else ""))
        found, zeros = binning.symlog_bars(spectrum, self.edges["symlog"])
        self.zero_bar.set_data([max(zeros, EMPTY)])
        self.symlog.draw(found)
        errors = [f" ± {record[f'{name}_error']:.3f}" if f"{name}_error" in record else "" for name in ("alpha", "gamma")]
        numbers = f"{record.alpha:.3f}{errors[0]}\n{record.gamma:.3f}{errors[1]}"
        self.numbers.set_text(f"\n{numbers}\n{record.cost:.2e}\n{record.gradient_norm:.2e}")


class Scene:
    """The picture of one dataset and architecture, drawn record by record; keys are activations. Of seeds, the first."""

    def __init__(self, title: str, spectra: dict[str, xr.Dataset], indices: dict[str, pd.DataFrame]) -> None:
        self.spectra = {name: spectrum.isel(seed=0) for name, spectrum in spectra.items()}
        self.said = binning.said(next(iter(self.spectra.values())))
        self.header = HEADER + SAID * bool(self.said)
        self.indices = {name: table[table.seed == table.seed.iloc[0]] for name, table in indices.items()}
        first = next(iter(self.spectra.values()))
        self.updates = first["update"].values
        height = int(np.clip(ROWS // len(spectra), *ROW))
        below = self.header + len(spectra) * height + BETWEEN
        self.height = below + COST + FOOTER + len(spectra) * height % 2  # an even number, for the encoder
        self.figure = Figure((WIDTH / DPI, self.height / DPI), DPI)
        self.canvas = FigureCanvasAgg(self.figure)
        self._head(title, first.attrs["source"])
        self.rows = self._rows(height)
        self.cursor = self._curves(below)
        self.canvas.draw()
        self._background = self.canvas.copy_from_bbox(self.figure.bbox)

    def _axes(self, column: str, top: float, height: float, **settings: object) -> Axes:
        """Axes in a column, `height` pixels high, `top` pixels below the upper edge."""
        left, right = COLUMNS[column]
        box = (left / WIDTH, 1 - (top + height) / self.height, (right - left) / WIDTH, height / self.height)
        axes = self.figure.add_axes(box, **settings)
        axes.tick_params(labelsize=SIZE)
        return axes

    def _text(self, x: float, y: float, text: str, **settings: object) -> Text:
        """Text that stands at a pixel, counted from the upper left corner."""
        return self.figure.text(x / WIDTH, 1 - y / self.height, text, **settings)

    def _head(self, title: str, source: str) -> None:
        """The title, the mark of stand-in data beside it, the update number; of estimates, that they are."""
        heading = self._text(COLUMNS["linear"][0], 34, f"Hessian eigenvalues, {title}", size=LARGE)
        beside = {"xycoords": heading, "xytext": (14, 0), "textcoords": "offset points"}
        self.mark = Annotation(style.mark(source), (1, 0), **beside, color=style.MARK_COLOUR, size=SIZE, va="bottom")
        self.figure.add_artist(self.mark)
        self._text(COLUMNS["linear"][0], 34 + SAID, self.said, size=SIZE)
        self.clock = self._text(COLUMNS["numbers"][1], 34, "", ha="right", size=LARGE, family="monospace", animated=True)

    def _rows(self, height: int) -> dict[str, Row]:
        """A row of panels per activation; both axes are the same in all rows and frames."""
        edges, tau = binning.edges(self.spectra.values(), BINS, per_decade=3)
        limits = {"linear": edges["linear"][[0, -1]], "symlog": binning.symlog(edges["symlog"][[0, -1]], tau)}
        ticks, labels = binning.symlog_ticks(edges["symlog"], tau)
        rows = {}
        for number, (name, spectrum) in enumerate(self.spectra.items()):
            top, size = self.header + number * height, binning.size(spectrum)
            axes = {column: self._axes(column, top, height - GAP) for column in ("linear", "symlog", "numbers")}
            axes["numbers"].set_axis_off()
            axes["symlog"].set_xticks(ticks, labels)
            axes["linear"].xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
            axes["linear"].xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
            axes["symlog"].axvspan(-1 - binning.SLOT, 1 + binning.SLOT, color="0.94", zorder=0)
            axes["linear"].axvline(0, color="0.7", lw=0.8, zorder=0)
            for column, ends in limits.items():
                highest = EMPTY * (size / EMPTY) ** (1 / HEADROOM)
                axes[column].set(yscale="log", ylim=(EMPTY, highest), xlim=ends)
                axes[column].yaxis.set_major_locator(FixedLocator(10.0 ** np.arange(np.log10(size) + 1e-9)))
                axes[column].yaxis.set_major_formatter("{x:g}")
                axes[column].yaxis.set_minor_locator(NullLocator())
                axes[column].tick_params(labelbottom=number == len(self.spectra) - 1)
            axes["symlog"].tick_params(labelleft=False)
            if number == 0:
                axes["linear"].set_title("linear axis, as in the paper", size=SIZE, loc="left")
                axes["symlog"].set_title(f"symmetric log axis, linear within ±τ = {tau:.1e}", size=SIZE, loc="left")
                axes["symlog"].legend(
                    handles=self._key(name), loc="upper right", fontsize=SIZE, frameon=False, borderpad=0, borderaxespad=0.1,
                    ncols=3,
                )  # fmt: skip
            rows[name] = Row(axes, name, edges, tau, bool(self.said))
        for column in limits:
            axes[column].set_xlabel("eigenvalue λ", size=SIZE)
        middle = self.header + (len(self.spectra) * height - GAP) / 2
        self._text(8, middle, "eigenvalues per bin", size=SIZE, rotation=90, va="center")
        return rows

    def _key(self, activation: str) -> list[Artist]:
        """What the legend explains: the bar of exact zeros, and what is drawn of estimates."""
        zeros, colour = Patch(**ZERO_BAR, label="exact zeros"), style.colour(activation)
        band = Patch(facecolor=colour, lw=0, label="band", alpha=style.BAND)
        return [Line2D([], [], color="black", lw=1, label="estimate"), band, zeros] if self.said else [zeros]

    def _curves(self, top: int) -> Axes:
        """The cost of every activation along training, and the cursor."""
        axes = self._axes("cost", top, COST)
        for name, table in self.indices.items():
            axes.plot(table["update"], table.cost, **style.look(name), markersize=5, markevery=max(1, len(table) // 10))
        costs = np.concatenate([table.cost.values for table in self.indices.values()])
        decades = np.log10(np.append(costs[costs > 0], [0.1, 1]))
        axes.set(yscale="log", ylim=10.0 ** np.array([np.floor(decades.min()), np.ceil(decades.max())]))
        axes.yaxis.set_major_locator(LogLocator(numticks=6))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())
        axes.margins(x=0.01)
        axes.set_xlabel("update", size=SIZE)
        self._text(8, top + COST / 2, "cost ε", size=SIZE, rotation=90, va="center")
        left = (COLUMNS["numbers"][0] - COLUMNS["cost"][0]) / (COLUMNS["cost"][1] - COLUMNS["cost"][0])
        size = _fitting(SIZE, *(ACTIVATIONS[name].label for name in self.indices))
        axes.legend(loc="upper left", bbox_to_anchor=(left, 1), fontsize=size, frameon=False, borderpad=0, borderaxespad=0)
        return axes.axvline(self.updates[0], color="black", lw=1.5, animated=True)

    def draw(self, record: int) -> np.ndarray:
        """The frame of one record: uint8 [height, width, 4], overwritten by the next."""
        self.canvas.restore_region(self._background)
        for name, row in self.rows.items():
            spectrum = self.spectra[name].isel(update=record)
            row.draw(spectrum, self.indices[name].iloc[record])
        self.clock.set_text(f"update {self.updates[record]:5d}")
        self.cursor.set_xdata([self.updates[record]] * 2)
        for artist in (*(artist for row in self.rows.values() for artist in row.artists), self.clock, self.cursor):
            self.figure.draw_artist(artist)
        return np.asarray(self.canvas.buffer_rgba())


def render(
    title: str,
    spectra: dict[str, xr.Dataset],
    indices: dict[str, pd.DataFrame],
    path: str | Path,
    poster: str | Path,
    preview: str | Path,
    *,
    frames_per_second: int,
    hold: float,
    progress: Callable[[Iterable, str], Iterable] = lambda items, unit: items,
) -> None:
    """Write the video, its poster, which is the first frame, and its preview of one dataset and architecture.

    Keys are activations. The last frame stays for `hold` seconds, in the preview, too.
    """
    scene = Scene(title, spectra, indices)
    last = len(scene.updates) - 1
    every = last // PREVIEW_FRAMES + 1
    small = []
    encoder = imageio_ffmpeg.write_frames(
        str(path), (WIDTH, scene.height), fps=frames_per_second, pix_fmt_in="rgba", pix_fmt_out="yuv420p",
        codec="libx264", macro_block_size=2, quality=None, output_params=ENCODER.split(), ffmpeg_log_level="error",
    )  # fmt: skip
    encoder.send(None)
    for record in progress(range(last + 1), "frame"):
        frame = scene.draw(record)
        encoder.send(frame)
        if record == 0:
            Image.fromarray(frame).convert("RGB").save(poster)
        if (last - record) % every == 0:
            image = Image.fromarray(frame).convert("RGB")
            small.append(image.resize((PREVIEW_WIDTH, PREVIEW_WIDTH * scene.height // WIDTH), Image.Resampling.LANCZOS))
    for _ in range(round(hold * frames_per_second)):
        encoder.send(frame)
    encoder.close()
    if not _finished(path):  # the encoder's process may fail without a word, on a full disk say
        raise OSError(f"{path} could not be encoded to its end")
    _save_preview(small, preview, 1000 * every / frames_per_second, 1000 * hold)


def _finished(path: str | Path) -> bool:
    """Whether an MP4 file is whole: its boxes fill it, and its index is there."""
    content, position, boxes = Path(path).read_bytes(), 0, set()
    while position + 8 <= len(content):
        size = int.from_bytes(content[position : position + 4])
        boxes.add(content[position + 4 : position + 8])
        position += max(size, 8)
    return position == len(content) and {b"moov", b"mdat"} <= boxes


def _save_preview(images: list[Image.Image], path: str | Path, duration: float, hold: float) -> None:
    """Write a looping GIF in the last image's colours, milliseconds per image and more for the last."""
    palette = images[-1].quantize(PREVIEW_COLOURS)
    first, *rest = (image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images)
    durations = [round(duration)] * len(rest) + [round(duration + hold)]
    first.save(path, save_all=True, append_images=rest, duration=durations, loop=0)
