"""
Videos of the Hessian spectrum along training: one panel per activation, H.264 in MP4, playable in a browser.

Artists are made once and changed from frame to frame; the encoder runs in one thread with bit-exact flags, so the same
spectra give the same bytes.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.ticker import FixedLocator, NullLocator

from meanfield import style
from meanfield.activations import ACTIVATIONS

BINS = 121
SHOWN = 0.98  # the axis holds at least this share of all eigenvalues of the video
SIZE, DPI = (9.6, 7.2), 100
ENCODER = "-preset medium -crf 18 -threads 1 -movflags +faststart -fflags +bitexact -flags:v +bitexact -map_metadata -1"


def linear_range(spectra: Iterable[xr.Dataset]) -> tuple[float, float]:
    """Ends of the linear axis: at least `SHOWN` of all eigenvalues of the video lie between them, and 0 does."""
    values = np.concatenate([spectrum.eigenvalues.values.ravel() for spectrum in spectra])
    low, high = np.quantile(values, [(1 - SHOWN) / 2, (1 + SHOWN) / 2])
    high = _round_up(max(high, np.finfo(float).tiny))
    return -_round_up(max(-low, high / 10)), high


def _round_up(value: float) -> float:
    """The smallest of 1, 2, 5 × 10^k that is not below the value."""
    decade = 10.0 ** np.floor(np.log10(value))
    return next(step * decade for step in (1, 2, 5, 10) if step * decade >= value)


def counts(values: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, float]:
    """Eigenvalues per bin, and the share of them that lies within the edges."""
    heights = np.histogram(values, edges)[0]
    return heights, heights.sum() / values.size


class Panel:
    """One activation's histogram of eigenvalues and its line of numbers."""

    def __init__(self, axes, activation: str, edges: np.ndarray, size: int) -> None:
        self.edges = edges
        self.bars = axes.stairs(
            np.zeros(BINS), edges, baseline=0.5, fill=True, color=style.colour(activation), animated=True
        )
        self.numbers = axes.text(
            0.985, 0.80, "", transform=axes.transAxes, ha="right", va="top", family="monospace", size=11, animated=True
        )
        axes.set(yscale="log", ylim=(0.5, 2 * size), xlim=(edges[0], edges[-1]), ylabel="eigenvalues per bin")
        axes.yaxis.set_major_locator(FixedLocator(10.0 ** np.arange(0, np.log10(2 * size))))
        axes.yaxis.set_minor_locator(NullLocator())
        label = ACTIVATIONS[activation].label
        axes.text(0.985, 0.97, label, transform=axes.transAxes, ha="right", va="top", weight="bold", size=14)
        axes.axvline(0, color="0.7", lw=0.8, zorder=0)

    def draw(self, values: np.ndarray, row: pd.Series) -> None:
        """Show one record."""
        heights, share = counts(values, self.edges)
        self.bars.set_data(np.maximum(heights, 0.5))
        self.numbers.set_text(f"shown {share:6.1%}\nα = {row.alpha:.3f}\nγ = {row.gamma:.3f}\ncost = {row.cost:.4f}")


def render(
    title: str,
    spectra: dict[str, xr.Dataset],
    indices: dict[str, pd.DataFrame],
    path: str | Path,
    poster: str | Path,
    *,
    frames_per_second: int,
    hold: float,
    progress: Callable[[Iterable, str], Iterable] = lambda items, unit: items,
) -> None:
    """Write the video and its poster, the last frame, of one dataset and architecture; keys are activations.

    Drawn is the first seed. The axis is linear and the same for all frames and panels.
    """
    edges = np.linspace(*linear_range(spectra.values()), BINS + 1)
    figure = Figure(SIZE, DPI)
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(len(spectra), 1, sharex=True, squeeze=False)
    first = next(iter(spectra.values()))
    figure.suptitle(f"Hessian eigenvalues, {title}", x=0.09, ha="left", size=14)
    figure.text(0.47, 0.957, style.mark(first.attrs["source"]), color=style.MARK_COLOUR, size=11)
    clock = figure.text(0.965, 0.955, "", ha="right", size=14, family="monospace", animated=True)
    panels = {
        name: Panel(axis, name, edges, spectrum.sizes["parameter"])
        for axis, (name, spectrum) in zip(axes[:, 0], spectra.items(), strict=True)
    }
    axes[-1, 0].set_xlabel("eigenvalue λ")
    figure.subplots_adjust(left=0.09, right=0.965, top=0.92, bottom=0.075, hspace=0.08)
    canvas.draw()
    background = canvas.copy_from_bbox(figure.bbox)
    rows = {name: table[table.seed == table.seed.iloc[0]] for name, table in indices.items()}

    encoder = imageio_ffmpeg.write_frames(
        str(path), canvas.get_width_height(), fps=frames_per_second, pix_fmt_in="rgba", pix_fmt_out="yuv420p",
        codec="libx264", macro_block_size=2, quality=None, output_params=ENCODER.split(), ffmpeg_log_level="error",
    )  # fmt: skip
    encoder.send(None)
    for record in progress(range(first.sizes["epoch"]), "frame"):
        canvas.restore_region(background)
        for name, panel in panels.items():
            panel.draw(spectra[name].eigenvalues.values[0, record], rows[name].iloc[record])
            panel.bars.axes.draw_artist(panel.bars)
            panel.bars.axes.draw_artist(panel.numbers)
        clock.set_text(f"update {first.epoch.values[record]:5d}")
        figure.draw_artist(clock)
        frame = canvas.buffer_rgba()
        encoder.send(frame)
    for _ in range(round(hold * frames_per_second)):
        encoder.send(frame)
    encoder.close()
    imsave(poster, np.asarray(frame))
