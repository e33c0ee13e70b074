"""
Portraits of the networks of one dataset and architecture, one panel per activation: eigenvalues, eigenvectors, parameters,
decision boundaries. From the stored arrays of the first seed, which is the published draw.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from meanfield import decision, style
from meanfield.activations import ACTIVATIONS
from meanfield.network import Network

Arrays = dict[str, xr.Dataset]
"""trajectory.nc or spectrum.nc of each activation."""

GRID = 200  # points a side of the plane in which decisions are drawn
PERCENTILES = (5, 25, 50, 75, 95)


def _figure(title: str, source: str, columns: int, height: float) -> Figure:
    """A figure wide enough for so many panels, titled, marked where its data are a stand-in."""
    figure = Figure(figsize=(3 * max(columns, 2) + 0.6, height), layout="constrained")
    figure.suptitle(title)
    figure.text(0.99, 0.99, style.mark(source), color=style.MARK_COLOUR, size=7, ha="right", va="top")
    return figure


def _row(title: str, source: str, panels: int, height: float, **options) -> tuple[Figure, Sequence]:
    """The same with one row of panels."""
    figure = _figure(title, source, panels, height)
    return figure, figure.subplots(1, panels, squeeze=False, **options)[0]


def _source(arrays: Arrays) -> str:
    return next(iter(arrays.values())).attrs["source"]


def nearest(epochs: np.ndarray, updates: Sequence[int | str]) -> list[int]:
    """The recorded updates [epoch] nearest to those asked for, each once, ascending; "last" is the last recorded."""
    wanted = [epochs[-1] if update == "last" else update for update in updates]
    return sorted({int(epochs[np.abs(epochs - update).argmin()]) for update in wanted})


def eigenvalues(title: str, spectra: Arrays, updates: Sequence[int | str], published: Arrays | None = None) -> Figure:
    """Cumulative distribution of the eigenvalues at the chosen updates, on an axis that is linear within ±τ.

    No bins: the curve's height at −τ is α, its step at 0 is γ. Published eigenvalues, for the activations whose
    published arrays are at hand, are drawn as points.
    """
    epochs = nearest(next(iter(spectra.values())).epoch.values, updates)
    figure, panels = _row(f"Eigenvalues of the Hessian, {title}", _source(spectra), len(epochs), 3.4, sharey=True)
    tau = max(float(spectrum.tolerance.isel(seed=0).max()) for spectrum in spectra.values())
    for axes, epoch in zip(panels, epochs, strict=True):
        for name, spectrum in spectra.items():
            values = spectrum.eigenvalues.isel(seed=0).sel(epoch=epoch).values
            axes.ecdf(values, **style.look(name) | {"lw": 1.3, "marker": None})
        record = next(iter(spectra.values())).epoch.values.tolist().index(epoch)
        for arrays in (published or {}).values():
            if "eigenvalues" in arrays and record < len(arrays.eigenvalues):
                theirs = np.sort(arrays.eigenvalues.values[record])
                share = np.arange(1, len(theirs) + 1) / len(theirs)
                axes.plot(theirs, share, label="published", **style.POINTS | {"ms": 2.5, "mew": 0.4})
        axes.axvspan(-tau, tau, color="0.9", lw=0, label="unresolved from 0, |λ| ≤ τ")
        axes.set_xscale("symlog", linthresh=tau, linscale=1)
        axes.set(title=f"update {epoch}", xlabel="eigenvalue λ", xticks=_ticks(spectra, tau))
        axes.tick_params(axis="x", labelsize=8)
        axes.minorticks_off()
    panels[0].set_ylabel("share of eigenvalues ≤ λ")
    style.legend(figure)
    return figure


def _ticks(spectra: Arrays, tau: float) -> np.ndarray:
    """0 and, to both sides, every fifth power of ten between τ and the largest eigenvalue."""
    largest = max(float(abs(spectrum.eigenvalues.isel(seed=0)).max()) for spectrum in spectra.values())
    powers = 10.0 ** np.arange(np.floor(np.log10(largest)), np.log10(tau) + 2, -5)
    return np.concatenate([-powers, [0], powers[::-1]])


def eigenvectors(title: str, spectra: Arrays, trajectories: Arrays) -> Figure:
    """Figures 5 and 6: squared entries of the eigenvectors, modes by ascending eigenvalue, at the last update stored.

    Above each panel the mean participation ratio over P: 1 for uniform vectors, 1/P for ones aligned with one parameter.
    Below, that of each mode.
    """
    if not all("eigenvectors" in spectrum for spectrum in spectra.values()):
        return _figure(
            f"Eigenvectors of the Hessian, {title}: none stored (spectrum.eigenvectors_at)", _source(spectra), 2, 1
        )
    update = int(next(iter(spectra.values())).vector_epoch[-1])
    figure = _figure(f"Eigenvectors of the Hessian, {title}, update {update}", _source(spectra), len(spectra), 5.2)
    panels = figure.subplots(2, len(spectra), squeeze=False, sharex="col", height_ratios=(3, 1))
    for (above, below), (name, spectrum) in zip(panels.T, spectra.items(), strict=True):
        last = spectrum.isel(seed=0, vector_epoch=-1)
        density, ratio = last.eigenvectors.values**2, last.participation_ratio.values / last.sizes["mode"]
        image = above.imshow(
            density, aspect="auto", cmap="cividis", norm="log", vmin=1e-6, vmax=1, interpolation="antialiased",
            extent=(-0.5, len(ratio) - 0.5, len(ratio) - 0.5, -0.5),
        )  # fmt: skip
        above.set_title(f"{ACTIVATIONS[name].label}\nmean participation ratio / P = {ratio.mean():.3f}")
        above.set_yticks(*_blocks(trajectories[name].parameter.values))
        below.plot(ratio, color=style.colour(name), lw=1)
        zeros = int(spectrum.zero_rows.isel(seed=0, epoch=-1))
        below.set(xlabel="mode, by ascending eigenvalue", ylim=(0, 1))
        if zeros:
            below.text(0.98, 0.9, f"{zeros} zero rows", ha="right", va="top", transform=below.transAxes, size=8)
    panels[0, 0].set_ylabel("parameter")
    panels[1, 0].set_ylabel("participation\nratio / P")
    figure.colorbar(image, ax=panels[0], label="squared entry (white: 0)", extend="min", pad=0.01)
    return figure


def _blocks(names: Sequence[str]) -> tuple[list[float], list[str]]:
    """The middle of each block of parameters (W1, b1, β1, …) and its label, for blocks high enough to be labelled."""
    kinds = [name.split("[")[0] for name in names]
    middles = {kind: kinds.index(kind) + kinds.count(kind) / 2 - 0.5 for kind in dict.fromkeys(kinds)}
    shown = [kind for kind in middles if kinds.count(kind) > len(kinds) / 25]
    return [middles[kind] for kind in shown], [kind.replace("beta", "β") for kind in shown]


def parameters(title: str, trajectories: Arrays) -> Figure:
    """Weights along training, as bands between percentiles, and every β where it is trainable."""
    kinds = {name: [kind.split("[")[0] for kind in run.parameter.values] for name, run in trajectories.items()}
    trainable = [name for name in trajectories if any(kind.startswith("beta") for kind in kinds[name])]
    count = len(trajectories) + len(trainable)
    figure, panels = _row(f"Weights and β along training, {title}", _source(trajectories), count, 3.2)
    for axes, (name, run) in zip(panels, trajectories.items(), strict=False):
        chosen = np.array([kind.startswith("W") for kind in kinds[name]])
        levels = np.percentile(run.parameters.values[0][:, chosen], PERCENTILES, axis=1)
        colour = style.colour(name)
        axes.fill_between(run.epoch, levels[0], levels[-1], color=colour, alpha=0.2, lw=0)
        axes.fill_between(run.epoch, levels[1], levels[-2], color=colour, alpha=0.4, lw=0)
        axes.plot(run.epoch, levels[2], color=colour, lw=1.3)
        axes.set(title=f"{ACTIVATIONS[name].label}, weights", xlabel="update")
        if axes is not panels[0]:
            axes.sharey(panels[0])
    panels[0].set_ylabel("weights: median, 50 %, 90 %")
    for axes, name in zip(panels[len(trajectories) :], trainable, strict=True):
        run = trajectories[name]
        layers = sorted({kind for kind in kinds[name] if kind.startswith("beta")})
        for number, layer in enumerate(layers):
            chosen = np.array([kind == layer for kind in kinds[name]])
            shade = str(0.65 * number / max(len(layers) - 1, 1))
            lines = axes.plot(run.epoch, run.parameters.values[0][:, chosen], color=shade, lw=0.9)
            lines[0].set_label(f"layer {number + 1}" + (" (output)" if number == len(layers) - 1 else ""))
        axes.set(title=f"{ACTIVATIONS[name].label}, β of every unit", xlabel="update", ylabel="β")
        axes.legend(fontsize=8, edgecolor="none")
    return figure


def boundaries(title: str, architecture: str, trajectories: Arrays, dataset: xr.Dataset) -> Figure:
    """What each activation's network decides after the last update, in the plane of `meanfield.decision`, and the samples.

    One label: shades from class 0 to class 1, the boundary at ½. Several: the class of the largest output.
    """
    figure, panels = _row(f"Decisions, {title}", dataset.attrs["source"], len(trajectories), 3.4, sharex=True, sharey=True)
    plane, labels = decision.plane(dataset, GRID), dataset.sizes["label"]
    where, target = plane.coordinates(dataset.features.values), decision.classes(dataset.target.values)
    test = (dataset.split == "test").values
    for axes, (name, run) in zip(panels, trajectories.items(), strict=True):
        network = Network.of(architecture, name, dataset.sizes["feature"], labels)
        values = decision.probabilities(run.parameters.values[0, -1], network, plane.features())
        extent = (plane.x[0], plane.x[-1], plane.y[0], plane.y[-1])
        if labels == 1:
            image = values[:, 0].reshape(GRID, GRID)
            axes.imshow(image, cmap="RdBu", vmin=-0.3, vmax=1.3, extent=extent, origin="lower", aspect="auto")
            axes.contour(plane.x, plane.y, image, levels=[0.5], colors="black", linewidths=1)
            looks = [
                {"c": "#8c1d1d", "marker": "s", "label": "class 0"},
                {"c": "#14386b", "marker": "o", "label": "class 1"},
            ]
        else:
            image = decision.classes(values).reshape(GRID, GRID)
            palette = ListedColormap(style.CLASS_COLOURS[:labels])
            axes.imshow(image, cmap=palette, vmin=-0.5, vmax=labels - 0.5, alpha=0.35, extent=extent, origin="lower",
                        aspect="auto", interpolation="nearest")  # fmt: skip
            looks = [
                {"c": style.CLASS_COLOURS[number % 10], "marker": "o", "label": f"label {number}"}
                for number in range(labels)
            ]
        for number, look in enumerate(looks):
            axes.scatter(*where[(target == number) & ~test].T, s=9, lw=0, **look)
            axes.scatter(*where[(target == number) & test].T, s=9, lw=0.6, edgecolors="black", **look | {"label": None})
        accuracy = float(run.test_accuracy[0, -1])
        axes.set(title=f"{ACTIVATIONS[name].label}: test accuracy {accuracy:.3f}", xlabel=plane.names[0])
    axes.scatter([], [], s=9, c="none", edgecolors="black", label="test sample")
    panels[0].set_ylabel(plane.names[1])
    style.legend(figure)
    return figure
