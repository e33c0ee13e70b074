"""
Figures of the networks of one dataset and architecture, one panel per activation: eigenvalues, eigenvectors, parameters,
decision boundaries. From the stored arrays of the first seed, which is the published draw.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from meanfield.data.task import SCORES, class_names, label_names, original, scores_in, task_of
from meanfield.figures import decision, style
from meanfield.model.losses import REGRESSION
from meanfield.model.network import Network
from meanfield.training.schedule import published_updates

Arrays = dict[str, xr.Dataset]
"""trajectory.nc or spectrum.nc of each activation."""

GRID = 200  # points a side of the plane in which decisions are drawn
BETA_DASHES = ("-", "--", "-.", ":")  # layers in turn, the last for the output layer
PERCENTILES = (5, 25, 50, 75, 95)


def _figure(title: str, source: str, columns: int, height: float) -> Figure:
    """A figure wide enough for so many panels, titled; where its data are a stand-in, the title says so and is red."""
    figure = Figure(figsize=(3 * max(columns, 2) + 0.6, height), layout="constrained")
    mark = style.mark(source)
    figure.suptitle(f"{title}\n{mark}" if mark else title, color=style.MARK_COLOUR if mark else "black")
    return figure


def _row(title: str, source: str, panels: int, height: float, **options) -> tuple[Figure, Sequence]:
    """The same with one row of panels."""
    figure = _figure(title, source, panels, height)
    return figure, figure.subplots(1, panels, squeeze=False, **options)[0]


def _source(arrays: Arrays) -> str:
    return next(iter(arrays.values())).attrs["source"]


def nearest(recorded: np.ndarray, updates: Sequence[int | str]) -> list[int]:
    """The recorded updates [update] nearest to those asked for, each once, ascending; "last" is the last recorded."""
    wanted = [recorded[-1] if update == "last" else update for update in updates]
    return sorted({int(recorded[np.abs(recorded - update).argmin()]) for update in wanted})


def eigenvalues(title: str, spectra: Arrays, updates: Sequence[int | str], published: Arrays | None = None) -> Figure:
    """Cumulative distribution of the eigenvalues at the chosen updates, on an axis that is linear within ±τ.

    No bins: the curve's height at −τ is α, its rise within ±τ is γ (the strip is that of the panel's largest τ). Published
    eigenvalues, for the activations whose published arrays are at hand, are drawn as points.
    """
    updates = nearest(next(iter(spectra.values()))["update"].values, updates)
    figure, panels = _row(f"Eigenvalues of the Hessian, {title}", _source(spectra), len(updates), 3.4, sharey=True)
    drawn = {name: spectrum.isel(seed=0).sel(update=updates) for name, spectrum in spectra.items()}
    largest = max(float(spectrum.tolerance.max()) for spectrum in drawn.values())
    for axes, update in zip(panels, updates, strict=True):
        for name, spectrum in drawn.items():
            axes.ecdf(spectrum.eigenvalues.sel(update=update), **style.look(name) | {"lw": 1.3, "marker": None})
        tau = max(float(spectrum.tolerance.sel(update=update)) for spectrum in drawn.values())
        axes.axvspan(-tau, tau, color="0.9", lw=0, label="unresolved from 0, |λ| ≤ τ")
        axes.set_xscale("symlog", linthresh=largest, linscale=1)
        axes.set(title=f"update {update}", xlabel="eigenvalue λ", xticks=_ticks(spectra, largest), ylim=(-0.03, 1.03))
        axes.tick_params(axis="x", labelsize=8)
        axes.minorticks_off()
        for arrays in (published or {}).values():
            theirs = arrays.get("eigenvalues")
            if theirs is not None and update in (known := published_updates(len(theirs))):
                values = np.sort(theirs.values[known == update][0])
                share = np.arange(1, len(values) + 1) / len(values)
                axes.plot(values, share, **style.POINTS | {"ms": 2.5, "mew": 0.4})
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

    Above each panel the mean participation ratio over P, of all modes and of those beyond ±τ: 1 for uniform vectors, 1/P for
    ones aligned with one parameter. Below, that of each mode; in the strip lie the modes within ±τ.
    """
    if not all("eigenvectors" in spectrum for spectrum in spectra.values()):
        return _figure(
            f"Eigenvectors of the Hessian, {title}: none stored (spectrum.eigenvectors_at)", _source(spectra), 2, 1
        )
    update = int(next(iter(spectra.values())).vector_update[-1])
    figure = _figure(f"Eigenvectors of the Hessian, {title}, update {update}", _source(spectra), len(spectra), 5.2)
    panels = figure.subplots(2, len(spectra), squeeze=False, sharex="col", height_ratios=(3, 1))
    for (above, below), (name, spectrum) in zip(panels.T, spectra.items(), strict=True):
        last = spectrum.isel(seed=0).sel(vector_update=update, update=update)
        density, ratio = last.eigenvectors.values**2, last.participation_ratio.values / last.sizes["mode"]
        image = above.imshow(
            _coarse(density), aspect="auto", cmap="cividis", norm="log", vmin=1e-6, vmax=1, interpolation="nearest",
            extent=(-0.5, len(ratio) - 0.5, len(ratio) - 0.5, -0.5),
        )  # fmt: skip
        flat = np.abs(last.eigenvalues.values) <= float(last.tolerance)
        means = f"mean {ratio.mean():.3f}" + (f", beyond ±τ {ratio[~flat].mean():.3f}" if flat.any() else "")
        above.set_title(style.heading(name, means), size=9)
        above.set_yticks(*_blocks(trajectories[name].parameter.values))
        below.plot(ratio, color=style.colour(name), lw=1)
        below.set(xlabel="mode, by ascending eigenvalue", ylim=(0, 1))
        if flat.any():
            ends = np.flatnonzero(flat)[[0, -1]] + [-0.5, 0.5]
            below.axvspan(*ends, color="0.9", lw=0, zorder=0)
            below.text(
                0.98, 0.9, f"{int(last.zero_rows)} zero rows", ha="right", va="top", transform=below.transAxes, size=8
            )
    panels[0, 0].set_ylabel("parameter")
    panels[1, 0].set_ylabel("participation\nratio / P")
    figure.colorbar(image, ax=panels[0], label="squared entry (white: 0)", extend="min", pad=0.01)
    return figure


def _coarse(density: np.ndarray, most: int = 480) -> np.ndarray:
    """The largest entry of each block of a matrix, at most `most` blocks a side, so that single entries stay visible."""
    starts = np.arange(0, len(density), -(-len(density) // most))
    return np.maximum.reduceat(np.maximum.reduceat(density, starts, axis=0), starts, axis=1)


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
        axes.fill_between(run["update"], levels[0], levels[-1], color=colour, alpha=0.2, lw=0)
        axes.fill_between(run["update"], levels[1], levels[-2], color=colour, alpha=0.4, lw=0)
        axes.plot(run["update"], levels[2], color=colour, lw=1.3)
        axes.set(title=style.heading(name, "weights", ","), xlabel="update")
        if axes is not panels[0]:
            axes.sharey(panels[0])
    panels[0].set_ylabel("weights: median, 50 %, 90 %")
    for axes, name in zip(panels[len(trajectories) :], trainable, strict=True):
        run = trajectories[name]
        layers = dict.fromkeys(kind for kind in kinds[name] if kind.startswith("beta"))
        for number, layer in enumerate(layers, start=1):
            chosen = np.array([kind == layer for kind in kinds[name]])
            dashes = BETA_DASHES[-1] if number == len(layers) else BETA_DASHES[(number - 1) % (len(BETA_DASHES) - 1)]
            lines = axes.plot(run["update"], run.parameters.values[0][:, chosen], color="black", lw=0.9, ls=dashes)
            lines[0].set_label("β of the output layer" if number == len(layers) else f"β of layer {number}")
        axes.set(title=style.heading(name, "β of every unit", ","), xlabel="update", ylabel="β")
    style.legend(figure)
    return figure


def boundaries(title: str, architecture: str, trajectories: Arrays, dataset: xr.Dataset) -> Figure:
    """What each activation's network decides after the last update, in the plane of `decision`, and the samples.

    One label: shades from class 0 to class 1, the boundary at ½. Several: the class of the largest output. Regression: the
    prediction in colours, the samples' targets in the same, in the units of the file; of several targets the first.
    """
    task = task_of(dataset)
    mean, deviation = (values[0] for values in original(dataset, "target"))  # of several targets the first is drawn
    known = dataset.target.values[:, 0] * deviation + mean
    targets = {"cmap": "cividis", "vmin": float(known.min()), "vmax": float(known.max())}
    figure, panels = _row(f"Decisions, {title}", dataset.attrs["source"], len(trajectories), 3.4, sharex=True, sharey=True)
    plane, labels = decision.plane(dataset, GRID), dataset.sizes["label"]
    extent = (plane.x[0], plane.x[-1], plane.y[0], plane.y[-1])
    shown = {"extent": extent, "origin": "lower", "aspect": "auto", "interpolation": "nearest"}
    for axes, (name, run) in zip(panels, trajectories.items(), strict=True):
        network = Network.of(architecture, name, dataset.sizes["feature"], labels)
        values = decision.predictions(run.parameters.values[0, -1], network, plane.features(), dataset)
        if task == REGRESSION:
            image = axes.imshow((values[:, 0] * deviation + mean).reshape(GRID, GRID), **targets, **shown)
        elif labels == 1:
            image = values[:, 0].reshape(GRID, GRID)
            axes.imshow(image, cmap=ListedColormap(style.BINARY_COLOURS[1:-1]), vmin=0, vmax=1, alpha=0.5, **shown)
            axes.contour(plane.x, plane.y, image, levels=[0.5], colors="black", linewidths=1)
        else:
            image = decision.classes(values).reshape(GRID, GRID)
            palette = [style.class_look(number, labels)[0] for number in range(labels)]
            axes.imshow(image, cmap=ListedColormap(palette), vmin=-0.5, vmax=labels - 0.5, alpha=0.4, **shown)
        if task == REGRESSION:
            where = plane.coordinates(dataset.features.values).T
            edges = np.where(dataset.split == "test", 0.8, 0.2)
            axes.scatter(*where, c=known, s=12, lw=edges, edgecolors="black", **targets)
        else:
            _samples(axes, plane, dataset)
        score = scores_in(run)[0]
        several = f" of {labels} targets" if task == REGRESSION and labels > 1 else ""
        said = f"test {SCORES[score]}{several} {float(run[f'test_{score}'][0, -1]):.3f}"
        axes.set(title=style.heading(name, said), xlabel=style.plain(plane.names[0]))
    axes.scatter([], [], s=9, c="none", edgecolors="black", label="test sample")
    if task == REGRESSION:
        more = f", 1 of {labels}" if labels > 1 else ""
        name = f"{decision.shorten(label_names(dataset)[0])}{more}: " if "label" in dataset.coords else ""
        figure.colorbar(image, ax=panels, label=style.plain(f"{name}target, prediction"))
    panels[0].set_ylabel(style.plain(plane.names[1]))
    style.legend(figure)
    return figure


def _samples(axes: Axes, plane: decision.Plane, dataset: xr.Dataset) -> None:
    """All samples where they lie on the plane, by class; of several classes the name, or numeral, at the mean of each."""
    short, long = (class_names(dataset, column) for column in (False, True))
    where, target = plane.coordinates(dataset.features.values), decision.true_classes(dataset.target.values)
    test, binary = (dataset.split == "test").values, dataset.sizes["label"] == 1
    for number in np.unique(target):
        colour, marker = style.class_look(number, dataset.sizes["label"])
        label = "no label" if number == decision.NO_CLASS else style.plain(long[number])
        for split, edge in ((~test, 0.0), (test, 0.6)):
            points = where[(target == number) & split]
            axes.scatter(*points.T, s=9, c=colour, marker=marker, lw=edge, edgecolors="black", label=None if edge else label)
        if not binary and number != decision.NO_CLASS:
            middle = where[target == number].mean(axis=0)
            text = axes.text(*middle, style.plain(decision.shorten(short[number])), weight="bold", ha="center", va="center")
            text.set_path_effects([Stroke(linewidth=2.5, foreground="white"), Normal()])
