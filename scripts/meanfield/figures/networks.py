"""
Figures of the networks of one dataset and architecture, one panel per activation: eigenvalues, eigenvectors, parameters
(decisions: `boundaries`). From the stored arrays of the first seed, which is the published draw.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import cycle

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from meanfield.curvature import quadrature
from meanfield.figures import binning, panels, style
from meanfield.training.schedule import published_updates

Arrays = dict[str, xr.Dataset]
"""trajectory.nc or spectrum.nc of each activation."""

BETA_DASHES = ("-", "--", "-.")  # hidden layers in turn
PERCENTILES = (5, 25, 50, 75, 95)
BORDER = "#CC3311"  # between blocks of parameters: no colour of their entries
LINE = 0.15  # inches that a line of labels takes


def _source(arrays: Arrays) -> str:
    return next(iter(arrays.values())).attrs["source"]


def nearest(recorded: np.ndarray, updates: Sequence[int | str]) -> list[int]:
    """The recorded updates [update] nearest to those asked for, each once, ascending; "last" is the last recorded."""
    wanted = [recorded[-1] if update == "last" else update for update in updates]
    return sorted({int(recorded[np.abs(recorded - update).argmin()]) for update in wanted})


def eigenvalues(title: str, spectra: Arrays, updates: Sequence[int | str], published: Arrays | None = None) -> Figure:
    """Cumulative distribution of the eigenvalues at the chosen updates, on an axis that is linear within ±τ.

    No bins: the curve's height at −τ is α, its rise within ±τ is γ (the strip is that of the panel's largest τ). Of
    estimates it has the band that holds the truth. Published eigenvalues, for the activations whose published arrays are at
    hand, are drawn as points, some of them.
    """
    updates = nearest(next(iter(spectra.values()))["update"].values, updates)
    heading = f"Eigenvalues of the Hessian, {title}"
    figure, cells = panels.grid(heading, _source(spectra), len(updates), [2.4], sharey=True)
    drawn = {name: spectrum.isel(seed=0).sel(update=updates) for name, spectrum in spectra.items()}
    largest = max(float(spectrum.tolerance.max()) for spectrum in drawn.values())
    for axes, update in zip(cells[:, 0], updates, strict=True):
        for name, spectrum in drawn.items():
            _distribution(axes, name, spectrum.sel(update=update))
        tau = max(float(spectrum.tolerance.sel(update=update)) for spectrum in drawn.values())
        axes.axvspan(-tau, tau, color="0.9", lw=0, zorder=0, label="unresolved from 0, |λ| ≤ τ")
        axes.set_xscale("symlog", linthresh=largest, linscale=1)
        axes.set(title=f"update {update}", xticks=_ticks(spectra, largest), ylim=(-0.03, 1.03))
        axes.tick_params(axis="x", labelsize=8)
        axes.minorticks_off()
        for name, arrays in (published or {}).items():
            theirs = arrays.get("eigenvalues")
            if theirs is not None and update in (known := published_updates(len(theirs))):
                values = np.sort(theirs.values[known == update][0])
                axes.plot(values, np.arange(1, len(values) + 1) / len(values), **style.points(name))
    for axes in panels.lowest(cells)[:, 0]:
        axes.set_xlabel("eigenvalue λ")
    for axes in panels.leftmost(cells)[:, 0]:
        axes.set_ylabel("share of eigenvalues ≤ λ")
    if estimates := binning.said(next(iter(drawn.values())), "point of a curve"):
        cells[0, 0].fill_between([], [], color="0.3", alpha=style.BAND, lw=0, label="band of an estimate")
    panels.legend(figure, estimates)
    return figure


def _distribution(axes: Axes, name: str, record: xr.Dataset) -> None:
    """The share of eigenvalues up to each λ, at one record; of estimates, which change at nodes, with their band."""
    look = style.look(name) | {"lw": 1.3, "marker": None}
    if not binning.estimated(record):
        axes.ecdf(record.eigenvalues, **look)
        return
    nodes = np.unique(np.append(record.nodes.values, 0.0))  # where zero rows are
    density = record.nodes.values, record.weights.values, int(record.zero_rows), record.attrs["parameters"]
    curves = np.array(quadrature.cumulative(*density, nodes, record.attrs["precision"]))
    nodes, (share, low, high) = np.append(nodes[0], nodes), np.pad(curves, ((0, 0), (1, 0)))
    axes.fill_between(nodes, low, high, step="post", color=look["color"], alpha=style.BAND, lw=0)
    axes.plot(nodes, share, **look, drawstyle="steps-post")


def _ticks(spectra: Arrays, tau: float) -> np.ndarray:
    """0 and, to both sides, one or two powers of ten, some apart, between τ and the largest eigenvalue."""
    first = [spectrum.isel(seed=0) for spectrum in spectra.values()]
    estimated = binning.estimated(first[0])
    largest = max(float(abs(spectrum.nodes if estimated else spectrum.eigenvalues).max()) for spectrum in first)
    least = 3 if estimated else 5  # decades between ticks: τ of estimates is not far from the largest
    high, low = np.floor(np.log10(largest)), np.log10(tau) + 2
    powers = 10.0 ** np.arange(high, low, -max(least, np.ceil((high - low) / 2)))
    return np.concatenate([-powers, [0], powers[::-1]])


def eigenvectors(title: str, spectra: Arrays, trajectories: Arrays) -> Figure:
    """Figures 5 and 6: squared entries of the eigenvectors, modes by ascending eigenvalue, at the last update stored.

    Below, the participation ratio over P of each mode: 1 for a uniform vector, 1/P for one aligned with one parameter; and
    its means, of all modes and of those beyond ±τ. In the strip lie the modes within ±τ.
    """
    source = _source(spectra)
    if not all("eigenvectors" in spectrum for spectrum in spectra.values()):
        return panels.titled(f"Eigenvectors of the Hessian, {title}:\nnone stored (spectrum.eigenvectors_at)", source, 2, 1)
    update = int(next(iter(spectra.values())).vector_update[-1])
    blocks = {name: _blocks(run.parameter.values) for name, run in trajectories.items()}
    lines = max(20, *map(len, blocks.values()))  # of labels that a panel holds
    heading = f"Eigenvectors of the Hessian, {title}, update {update}"
    figure, cells = panels.grid(heading, source, len(spectra), [LINE * lines + 0.3, 1.7])
    highest = 0.0
    for (above, below), (name, spectrum) in zip(cells, spectra.items(), strict=True):
        last = spectrum.isel(seed=0).sel(vector_update=update, update=update)
        flat = np.abs(last.eigenvalues.values) <= float(last.tolerance)
        rows = int(last.zero_rows)
        above.set_title(style.heading(name, f"{rows} zero rows", ",") if rows else style.look(name)["label"], size=9)
        image = _entries(above, last.eigenvectors.values**2, blocks[name], lines)
        _participation(below, name, last.participation_ratio.values / last.sizes["mode"], flat)
        highest = max(highest, float(last.participation_ratio.max()) / last.sizes["mode"])
    for axes in cells[:, 1]:
        axes.set_ylim(0, 1.05 * highest)
    for axes in panels.lowest(cells)[:, 1]:
        axes.set_xlabel("mode, by ascending eigenvalue")
    for above, below in panels.leftmost(cells):
        above.set_ylabel("parameter: weights W, biases b,\nβ of each layer in turn")
        below.set_ylabel("participation\nratio / P")
    label = {"label": "squared entry (white: 0)", "extend": "min"}
    figure.set_figheight(figure.get_figheight() + 0.7)  # for the scale of colours
    figure.colorbar(image, ax=figure.axes, location="bottom", shrink=0.6, aspect=40, **label)
    panels.legend(figure)
    return figure


def _entries(axes: Axes, density: np.ndarray, blocks: dict[str, int], lines: int) -> AxesImage:
    """The squared entries [parameter, mode], the borders of blocks, and their names, pulled apart where blocks are small."""
    image = axes.imshow(
        _coarse(density), aspect="auto", cmap="cividis", norm="log", vmin=1e-6, vmax=1, interpolation="nearest",
        extent=(-0.5, len(density) - 0.5, len(density) - 0.5, -0.5),
    )  # fmt: skip
    ends = np.cumsum(list(blocks.values())) - 0.5
    middles = ends - np.array(list(blocks.values())) / 2
    places = panels.spread(middles, len(density) / lines, 0, len(density) - 1)
    axes.set_yticks(places, [name.replace("beta", "β") for name in blocks], size=8)
    axes.tick_params(axis="y", length=0, pad=10)
    leader = {"arrowstyle": "-", "lw": 0.6, "shrinkA": 0, "shrinkB": 0}
    for middle, place in zip(middles, places, strict=True):
        beside = (0, middle), (-9, place), axes.get_yaxis_transform(), ("offset points", "data")
        axes.annotate("", *beside, arrowprops=leader, annotation_clip=False)
    for end in ends[:-1]:
        axes.axhline(end, color=BORDER, lw=0.6)
    axes.set(xticklabels=[])
    return image


def _participation(axes: Axes, name: str, ratio: np.ndarray, flat: np.ndarray) -> None:
    """The participation ratio over P of each mode [mode], and its means, of all modes and of those that are not flat."""
    axes.plot(ratio, color=style.colour(name), lw=1)
    axes.axhline(ratio.mean(), color="black", lw=0.9, ls="--", label="mean of all modes")
    said = f"{ratio.mean():.3f}"
    if flat.any():
        axes.axvspan(
            *(np.flatnonzero(flat)[[0, -1]] + [-0.5, 0.5]), color="0.9", lw=0, zorder=0, label="unresolved from 0, |λ| ≤ τ"
        )
    if flat.any() and not flat.all():
        axes.axhline(ratio[~flat].mean(), color="black", lw=0.9, ls=":", label="mean of the modes beyond ±τ")
        said += f", beyond ±τ {ratio[~flat].mean():.3f}"
    axes.set_title(f"mean participation ratio / P:\n{said}", size=8)
    axes.set_xlim(-0.5, len(ratio) - 0.5)


def _coarse(density: np.ndarray, most: int = 480) -> np.ndarray:
    """The largest entry of each block of a matrix, at most `most` blocks a side, so that single entries stay visible."""
    starts = np.arange(0, len(density), -(-len(density) // most))
    return np.maximum.reduceat(np.maximum.reduceat(density, starts, axis=0), starts, axis=1)


def _blocks(names: Sequence[str]) -> dict[str, int]:
    """The blocks of parameters (W1, b1, beta1, …), in order, and how many parameters each has."""
    return Counter(name.split("[")[0] for name in names)


def parameters(title: str, trajectories: Arrays) -> Figure:
    """Weights along training, as bands between percentiles, and every β where it is trainable."""
    kinds = {name: [kind.split("[")[0] for kind in run.parameter.values] for name, run in trajectories.items()}
    trainable = [name for name in trajectories if any(kind.startswith("beta") for kind in kinds[name])]
    count = len(trajectories) + len(trainable)
    figure, cells = panels.grid(f"Weights and β along training, {title}", _source(trajectories), count, [2.2])
    for axes, (name, run) in zip(cells[:, 0], trajectories.items(), strict=False):
        chosen = np.array([kind.startswith("W") for kind in kinds[name]])
        levels = np.percentile(run.parameters.values[0][:, chosen], PERCENTILES, axis=1)
        colour = style.colour(name)
        axes.fill_between(run["update"], levels[0], levels[-1], color=colour, alpha=0.2, lw=0)
        axes.fill_between(run["update"], levels[1], levels[-2], color=colour, alpha=0.4, lw=0)
        axes.plot(run["update"], levels[2], color=colour, lw=1.3)
        axes.set_title(style.heading(name, "weights", ","))
        if axes is not cells[0, 0]:
            axes.sharey(cells[0, 0])
    key = cells[0, 0]  # in grey, for it is of all activations
    key.plot([], [], color="0.3", lw=1.3, label="median of the weights")
    key.fill_between([], [], color="0.3", alpha=0.6, lw=0, label="50 % of them")
    key.fill_between([], [], color="0.3", alpha=0.2, lw=0, label="90 %")
    for axes, name in zip(cells[len(trajectories) :, 0], trainable, strict=True):
        _betas(axes, trajectories[name], np.array(kinds[name]))
        axes.set(title=style.heading(name, "β of every unit", ","), ylabel="β")
    for axes in panels.lowest(cells)[:, 0]:
        axes.set_xlabel("update")
    for axes in panels.leftmost(cells)[:, 0]:
        axes.set_ylabel(axes.get_ylabel() or "weight")
    panels.legend(figure)
    return figure


def _betas(axes: Axes, run: xr.Dataset, kinds: np.ndarray) -> None:
    """Every β along training, its layer told by colour and dashes; kinds [parameter], as W1, b1, beta1, …"""
    *hidden, output = dict.fromkeys(kind for kind in kinds.tolist() if kind.startswith("beta"))
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.7, len(hidden)))
    looks = zip(hidden, colours, cycle(BETA_DASHES))
    shown = [(layer, f"β of layer {layer.removeprefix('beta')}", colour, dashes) for layer, colour, dashes in looks]
    for layer, label, colour, dashes in [*shown, (output, "β of the output layer", "black", ":")]:
        lines = axes.plot(run["update"], run.parameters.values[0][:, kinds == layer], color=colour, lw=0.9, ls=dashes)
        lines[0].set_label(label)
