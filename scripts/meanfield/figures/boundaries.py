"""What each activation's network of one dataset and architecture decides, in a plane, and the samples, one panel each."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from meanfield.data.task import SCORES, class_names, classes, is_shifted, label_names, original, scores_in, task_of
from meanfield.figures import decision, panels, style
from meanfield.model.losses import REGRESSION
from meanfield.model.network import Network

GRID = 200  # points a side of the plane in which decisions are drawn
LINES = 18  # of names of classes that a panel holds
LETTER = 0.036  # share of a panel's width that a letter of them takes
PROJECTED = (
    "Regions: what the network decides on a slice through feature space, the plane of two principal components through the "
    "mean of the training samples. Samples lie beside that plane and are projected onto it: not where they lie, but the "
    "crosses tell which are decided wrongly."
)
SHIFTED = (
    "Labels are shifted by one, as in 2018: digit 1 has label 0, digit 9 label 8. Digit 0 has none; it counts as label 0, "
    "in the accuracy and for the crosses."
)


def boundaries(title: str, architecture: str, trajectories: dict[str, xr.Dataset], dataset: xr.Dataset) -> Figure:
    """What each activation's network decides after the last update, in the plane of `decision`, and the samples.

    One label: shades from class 0 to class 1, the boundary at ½. Several: the class of the largest output. Regression: the
    prediction in colours, the samples' targets in the same, in the units of the file; of several targets the first.
    `trajectories` holds trajectory.nc of each activation, of whose first seed the parameters are.
    """
    task, labels, plane = task_of(dataset), dataset.sizes["label"], decision.plane(dataset, GRID)
    mean, deviation = (values[0] for values in original(dataset, "target"))  # of several targets the first is drawn
    known = dataset.target.values[:, 0] * deviation + mean
    targets = {"cmap": "cividis", "vmin": float(known.min()), "vmax": float(known.max())}
    source, some = dataset.attrs["source"], decision.thinned(dataset)
    figure, cells = panels.grid(f"Decisions, {title}", source, len(trajectories), [2.5], sharex=True, sharey=True)
    extent = (plane.x[0], plane.x[-1], plane.y[0], plane.y[-1])
    shown = {"extent": extent, "origin": "lower", "aspect": "auto", "interpolation": "nearest"}
    decided = set()
    for axes, (name, run) in zip(cells[:, 0], trajectories.items(), strict=True):
        network, theta = Network.of(architecture, name, dataset.sizes["feature"], labels), run.parameters.values[0, -1]
        values = decision.predictions(theta, network, plane.features(), dataset)
        if task == REGRESSION:
            image = axes.imshow((values[:, 0] * deviation + mean).reshape(GRID, GRID), **targets, **shown)
            where = plane.coordinates(some.features.values).T
            edges = np.where(some.split == "test", 0.8, 0.2)
            axes.scatter(
                *where, c=some.target.values[:, 0] * deviation + mean, s=12, lw=edges, edgecolors="black", **targets
            )
        else:
            decided.update(_regions(axes, plane, values, shown))
            _samples(axes, plane, some, decision.wrong(theta, network, some))
        score = scores_in(run)[0]
        several = f" of {labels} targets" if task == REGRESSION and labels > 1 else ""
        said = f"test {SCORES[score]}{several} {float(run[f'test_{score}'][0, -1]):.3f}"
        axes.set_title(style.heading(name, said), size=9)
    if task == REGRESSION:
        more = f", 1 of {labels}" if labels > 1 else ""
        name = f"{decision.shorten(label_names(dataset)[0])}{more}: " if "label" in dataset.coords else ""
        figure.colorbar(image, ax=figure.axes, label=style.plain(f"{name}target, prediction"))
    _key(cells[-1, 0], dataset, decided)
    cells[0, 0].locator_params(axis="x", nbins=4)  # numbers such as −0.05 touch each other else
    for axes in panels.lowest(cells)[:, 0]:
        axes.set_xlabel(style.plain(plane.names[0]))
    for axes in panels.leftmost(cells)[:, 0]:
        axes.set_ylabel(style.plain(plane.names[1]))
    notes = [PROJECTED] * (dataset.sizes["feature"] > 2) + [SHIFTED] * is_shifted(dataset)
    panels.legend(figure, " ".join(filter(None, [*notes, decision.of_how_many(some)])))
    return figure


def _regions(axes: Axes, plane: decision.Plane, values: np.ndarray, shown: dict) -> list[int]:
    """What is decided, of probabilities [y·x, label] on the plane: in shades or, of several labels, which; these."""
    labels = values.shape[1]
    if labels == 1:
        image = values[:, 0].reshape(GRID, GRID)
        axes.imshow(image, cmap=ListedColormap(style.BINARY_COLOURS[1:-1]), vmin=0, vmax=1, alpha=0.5, **shown)
        axes.contour(plane.x, plane.y, image, levels=[0.5], colors="black", linewidths=1)
        return []
    image = classes(values).reshape(GRID, GRID)
    palette = [style.class_look(number, labels)[0] for number in range(labels)]
    axes.imshow(image, cmap=ListedColormap(palette), vmin=-0.5, vmax=labels - 0.5, alpha=0.4, **shown)
    return np.unique(image).tolist()


def _samples(axes: Axes, plane: decision.Plane, dataset: xr.Dataset, wrong: np.ndarray) -> None:
    """The samples where they lie on the plane, by class, those crossed that are decided wrongly [sample].

    Of several classes the name, or numeral, at the mean of each.
    """
    labels = dataset.sizes["label"]
    where, target = plane.coordinates(dataset.features.values), decision.true_classes(dataset.target.values)
    for number in np.unique(target):
        colour, marker = style.class_look(number, labels)
        for split, edge in (("train", 0.0), ("test", 0.6)):
            points = where[(target == number) & (dataset.split == split).values]
            axes.scatter(*points.T, s=9, c=colour, marker=marker, lw=edge, edgecolors="black")
    axes.scatter(*where[wrong].T, **style.WRONG)
    if labels == 1:
        return
    means = {number: where[target == number].mean(axis=0) for number in np.unique(target) if number >= 0}
    low, high = plane.y[[0, -1]]
    step, names = (high - low) / LINES, class_names(dataset)
    places = sorted(means, key=lambda number: means[number][1])
    heights = panels.spread(np.array([means[number][1] for number in places]), step, low + step, high - step)
    for number, y in zip(places, heights, strict=True):
        name = decision.shorten(names[number])
        half = LETTER * len(name) / 2 * np.ptp(plane.x)
        x = np.clip(means[number][0], plane.x[0] + half, plane.x[-1] - half)  # within the panel
        text = axes.text(x, y, style.plain(name), weight="bold", ha="center", va="center", size=8)
        text.set_path_effects([Stroke(linewidth=2.5, foreground="white"), Normal()])


def _key(axes: Axes, dataset: xr.Dataset, decided: set[int]) -> None:
    """Entries of the legend: classes that samples have, labels that are decided, test samples, wrong ones, the boundary."""
    labels = dataset.sizes["label"]
    if task_of(dataset) != REGRESSION:
        present = set(np.unique(decision.true_classes(dataset.target.values)).tolist())
        names = decision.class_titles(dataset)
        for number in sorted(present | decided):
            colour, marker = style.class_look(number, labels)
            region = {"marker": "s", "s": 60, "alpha": 0.4, "lw": 0}  # where no sample has it
            look = {"marker": marker, "s": 20, "lw": 0} if number in present else region
            axes.scatter([], [], c=colour, label=style.plain(names[number]), **look)
    axes.scatter([], [], s=20, c="none", edgecolors="black", label="test sample")
    if task_of(dataset) != REGRESSION:
        axes.scatter([], [], label="decided wrongly", **style.WRONG)
        if labels == 1:
            axes.plot([], [], color="black", lw=1, label="probability ½")
