"""
The explorer: one HTML page, which needs nothing else, to move through the training of every run.

All that is shown is computed here, record by record: bar heights, curves, decisions. The page's script (`explorer.js`) only
hands the chosen record to the charts, which are Bokeh's (`charts`). Drawn is the first seed.
"""

from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from bokeh import models
from bokeh.document import Document
from bokeh.embed import file_html
from bokeh.resources import INLINE
from bokeh.themes import Theme

from meanfield.data.task import class_names, label_names, scores_in, task_of
from meanfield.figures import binning, charts, decision, pages, style
from meanfield.model.losses import REGRESSION
from meanfield.model.network import Network
from meanfield.model.registry import ACTIVATIONS

LINEAR_BINS = 61
GRID = 60  # points of the decision's image along each axis
NUMBERS = [*style.LABELS, "gradient_norm", "test_score"]
LINES = [*NUMBERS, *(f"{name}_{end}" for name in ("alpha", "gamma") for end in ("low", "high", "exact"))]
BARS = ("count", "top", "highest", "line", "said", "low", "high", "left", "right", "hatch")
AXES = {"symlog": "symmetric-logarithmic", "linear": "linear"}
BINARY = style.BINARY_COLOURS[1:-1]  # one shade an eighth of probability
TEXT = {"axis_label_text_font_size": "14px", "major_label_text_font_size": "14px", "axis_label_text_font_style": "normal"}
LEGEND = {"label_text_font_size": "14px", "border_line_color": None, "margin": 0, "padding": 4}
THEME = Theme(json={"attrs": {"Title": {"text_font_size": "15px"}, "Axis": TEXT, "Legend": LEGEND}})
WIDGETS = """
:host, .bk-input { font: 16px system-ui, sans-serif; }
.bk-btn-group { flex-wrap: wrap; }
.bk-btn-group > .bk-btn, .bk-btn { font-size: 16px; }
.bk-btn-group > .bk-btn.bk-active { background: #444; color: white; }
.bk-clearfix, .bk-clearfix > div { width: 100%; }
table { width: 100%; font-variant-numeric: tabular-nums; font-size: 15px; text-align: right; }
td { vertical-align: top; white-space: nowrap; }
th { font-weight: normal; color: #555; }
"""


class Run(NamedTuple):
    """What a run left: trajectory.nc, spectrum.nc and indices.csv."""

    trajectory: xr.Dataset
    spectrum: xr.Dataset
    indices: pd.DataFrame


def task(dataset: xr.Dataset, architecture: str, runs: dict[str, Run]) -> dict:
    """All that the page shows of one dataset and architecture; keys of `runs` are activations.

    Bars are [record, bin] on each axis, uint32, or, of estimates, float32 and with their bounds; decisions one uint8 [y, x]
    a record, curves float64 [record].
    """
    spectra = [run.spectrum.isel(seed=0) for run in runs.values()]
    edges, tau = binning.edges(spectra, LINEAR_BINS, per_decade=2)
    plane = decision.plane(dataset, GRID)
    sizes, last = (dataset.sizes["feature"], dataset.sizes["label"]), spectra[0]["update"].values[-1]
    costs, cost_ticks = _cost_axis(np.concatenate([run.indices.cost for run in runs.values()]))
    networks = {name: Network.of(architecture, name, *sizes) for name in runs}
    return {
        "score": "test R²" if task_of(dataset) == REGRESSION else "test acc.",
        "mark": style.mark(spectra[0].attrs["source"]),
        "said": binning.said(spectra[0]),
        "updates": spectra[0]["update"].values.astype(np.int32),
        "ranges": {
            "count": [0.5, 2 * max(map(binning.size, spectra))],
            "update": [-0.03 * last, 1.03 * last + 1],
            "cost": costs,
            "x": plane.x[[0, -1]].tolist(),
            "y": plane.y[[0, -1]].tolist(),
        },
        "cost_ticks": cost_ticks,
        "axes": binning.axes(edges, tau, binning.estimated(spectra[0])),
        "plane": _plane(plane, dataset),
        "runs": {name: _run(run, networks[name], plane.features(), edges, dataset) for name, run in runs.items()},
    }


def _run(run: Run, network: Network, features: np.ndarray, edges: dict[str, np.ndarray], dataset: xr.Dataset) -> dict:
    """One activation's bars, curves and decisions; features [y·x, feature] of the plane."""
    rows = run.indices[run.indices.seed == run.indices.seed.iloc[0]]
    records = [run.spectrum.isel(seed=0, update=record) for record in range(run.spectrum.sizes["update"])]
    bars = {"symlog": [], "linear": []}
    for record in records:
        apart, zeros = binning.symlog_bars(record, edges["symlog"])
        bars["symlog"].append([np.append(heights, zeros) for heights in apart])
        bars["linear"].append(binning.bars(record, edges["linear"])[0])
    bars = {name: np.array(found, np.float32).swapaxes(0, 1) for name, found in bars.items()}
    exact = not binning.estimated(run.spectrum)
    rows, task = rows.assign(test_score=rows[f"test_{scores_in(rows)[0]}"]), task_of(dataset)
    predictions = [decision.predictions(theta, network, features, dataset) for theta in run.trajectory.parameters.values[0]]
    if task == REGRESSION:
        known = dataset.target.values[:, :1]  # of several targets the first is drawn
        predictions = [decision.between_targets(values[:, :1], known) for values in predictions]
    return {
        "bars": {name: counts.astype(np.uint32) if exact else counts for name, (counts, _, _) in bars.items()},
        **({} if exact else {"bounds": {name: {"least": low, "most": high} for name, (_, low, high) in bars.items()}}),
        "numbers": _numbers(rows),
        "decisions": [shades(values).reshape(GRID, GRID) for values in predictions],
    }


def _numbers(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """NUMBERS, and of α and γ the ends of what they may be, and exact counts beside estimates: float64 [record] each."""
    found = {name: rows[name].to_numpy(float) for name in NUMBERS}
    for name in ("alpha", "gamma"):
        error = rows[f"{name}_error"].to_numpy(float) if f"{name}_error" in rows else np.zeros(len(rows))
        found |= {f"{name}_low": np.clip(found[name] - error, 0, 1), f"{name}_high": np.clip(found[name] + error, 0, 1)}
        found[f"{name}_exact"] = rows.get(f"{name}_exact", pd.Series(np.nan, rows.index)).to_numpy(float)
        if f"{name}_error" in rows:
            found[f"{name}_error"] = error
    return found


def _cost_axis(costs: np.ndarray) -> tuple[list[float], list[float]]:
    """Ends and ticks of the logarithmic axis of all costs; the ticks are 1, 2, 5 × 10^k where there are few decades."""
    low, high = max(costs.min(), 1e-15) / 1.5, costs.max() * 1.5
    steps = (1, 2, 5) if high < 100 * low else (1,)
    ticks = [float(f"{step}e{power}") for power in range(-16, 17) for step in steps]
    return [low, high], [tick for tick in ticks if low <= tick <= high]


def shades(probability: np.ndarray) -> np.ndarray:
    """Probabilities [point, label] as uint8 [point]: with one label 256 steps, 128 and more beyond ½; else the class."""
    if probability.shape[-1] > 1:
        return decision.classes(probability).astype(np.uint8)
    return np.maximum(np.ceil(256 * probability[..., 0]) - 1, 0).astype(np.uint8)


def _plane(plane: decision.Plane, dataset: xr.Dataset) -> dict:
    """The image's place and colours, the training samples on it and, of more than two classes, a name at each one's mean."""
    shown = decision.thinned(dataset.isel(sample=(dataset.split == "train").values))
    features, target = shown.features.values, shown.target.values
    where, classes = plane.coordinates(features), decision.true_classes(target)
    labels, binary = target.shape[1], target.shape[1] == 1
    regression, said = task_of(dataset) == REGRESSION, decision.said(shown)
    palette = BINARY if binary or regression else [style.class_look(number, labels)[0] for number in range(labels)]
    colours, markers = zip(*(style.class_look(number, labels) for number in classes), strict=True)
    if regression:
        shade = decision.between_targets(target[:, 0], dataset.target.values[:, 0]) * (len(BINARY) - 1)
        colours, markers = [BINARY[number] for number in shade.round().astype(int)], "o" * len(target)
    pixel = np.array([plane.x[1] - plane.x[0], plane.y[1] - plane.y[0]])
    named = [] if binary or regression else [number for number in np.unique(classes) if number != decision.NO_CLASS]
    means = np.array([where[classes == number].mean(axis=0) for number in named]).reshape(-1, 2)
    return {
        "image": {"x": plane.x[:1] - pixel[0] / 2, "y": plane.y[:1] - pixel[1] / 2}
        | {"dw": GRID * pixel[:1], "dh": GRID * pixel[1:]},
        "samples": {"x": where[:, 0], "y": where[:, 1], "colour": list(colours)}
        | {"marker": [style.BOKEH[marker] for marker in markers], "said": said},
        "means": {"x": means[:, 0], "y": means[:, 1]}
        | {"name": [decision.shorten(class_names(dataset)[number]) for number in named]},
        "names": list(plane.names),
        "palette": palette,
        "highest": 255.5 if binary or regression else labels - 0.5,
        "key": " &nbsp; ".join(filter(None, [_key(dataset), decision.of_how_many(shown)])),
    }


def _key(dataset: xr.Dataset) -> str:
    """What the colours stand for, as HTML: the two classes with their marks, or the target of a regression."""
    if task_of(dataset) == REGRESSION:
        return f"Colours: {escape(label_names(dataset)[0])}"
    if dataset.sizes["label"] > 1:
        return ""
    looks = [style.class_look(number, 1)[0] for number in (0, 1)]
    marked = zip(looks, "●▲", class_names(dataset, column=True), strict=True)
    return " &nbsp; ".join(f'<span style="color: {colour}">{mark}</span> {escape(name)}' for colour, mark, name in marked)


def page(tasks: dict[str, dict], activations: list[str]) -> str:
    """The whole page, as HTML; `tasks` are those of `task` under the names that the menu shows."""
    controls = _controls(tasks, [ACTIVATIONS[name].label for name in activations])
    shared = {
        "bars": {name: _source(*BARS) for name in activations},
        "images": {name: _source("image", "x", "y", "dw", "dh") for name in activations},
        "lines": {name: _source("update", "size", *LINES) for name in activations},
        "samples": _source("x", "y", "colour", "marker", "said"),
        "means": _source("x", "y", "name"),
        "mapper": models.LinearColorMapper(palette=BINARY, low=-0.5),
        "ticker": models.FixedTicker(),
        "cost_ticker": models.FixedTicker(),
        "ranges": {name: models.Range1d(0.5, 1) for name in ("eigenvalue", "count", "update", "cost", "x", "y")},
    }
    spectra = {name: charts.spectrum(name, shared) for name in activations}
    boundaries = {name: charts.boundary(name, shared) for name in activations}
    curves = {name: charts.curve(name, shared) for name in style.LABELS}
    numbers = {name: models.Div() for name in activations}
    kinds = {"spectrum": spectra, "boundary": boundaries, "curve": curves, "numbers": numbers}
    roots = controls | {f"{kind}_{name}": model for kind, group in kinds.items() for name, model in group.items()}

    figures = [*spectra.values(), *boundaries.values(), *curves.values()]
    show = models.CustomJS(
        code=Path(__file__).with_suffix(".js").read_text(),
        args=controls | shared | {"tasks": tasks, "activations": activations, "numbers": numbers}
        | {"spectra": spectra, "boundaries": boundaries}
        | {"strips": [picture.select_one({"name": "unresolved"}) for picture in spectra.values()]}
        | {"marks": [picture.select_one({"name": "mark"}) for picture in figures]}
        | {"cursors": [curve.select_one({"name": "cursor"}) for curve in curves.values()]}
        | {"drawn": {name: [r for c in curves.values() for r in c.renderers if r.name == name] for name in activations}},
    )  # fmt: skip
    document = Document(title="Hessian spectra along training", theme=THEME)
    for name, value in zip(controls, ("value", "value", "active", "active", "value"), strict=False):
        controls[name].js_on_change(value, show)
    with document.models.freeze():  # its models are counted anew after each change otherwise
        for name, root in roots.items():
            root.update(name=name, sizing_mode="stretch_width", stylesheets=[WIDGETS])
            document.add_root(root)
    document.js_on_event("document_ready", show)
    template = Path(__file__).with_suffix(".html.j2").read_text()
    named = {
        "labels": {name: ACTIVATIONS[name].label for name in activations},
        "curves": list(style.LABELS),
        "style": pages.STYLE,
    }
    return pages.repeatable(file_html(document, INLINE, template=template, template_variables=named))


def _controls(tasks: dict[str, dict], labels: list[str]) -> dict[str, models.Model]:
    """What the reader moves, and the notice of stand-in data; `labels` are the activations'."""
    controls = {
        "task": models.Select(title="Task and architecture", options=list(tasks), value=next(iter(tasks))),
        "axis": models.Select(title="Eigenvalue axis", options=list(AXES.items()), value="symlog"),
        "chosen": models.CheckboxButtonGroup(labels=labels, active=list(range(len(labels)))),
        "play": models.Toggle(label="▶ Play"),
        "slider": models.Slider(start=0, end=1, value=0, title="update"),
        "key": models.Div(),
        "said": models.Div(),
        "notice": models.Div(styles={"color": style.MARK_COLOUR, "font-weight": "bold"}),
    }
    updates = {name: shown["updates"].tolist() for name, shown in tasks.items()}
    controls["slider"].format = models.CustomJSTickFormatter(
        args={"task": controls["task"], "updates": updates}, code="return `${updates[task.value][Math.round(tick)]}`"
    )
    return controls


def _source(*columns: str) -> models.ColumnDataSource:
    """Columns that the page's script fills."""
    return models.ColumnDataSource({name: [] for name in columns})
