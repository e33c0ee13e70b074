"""The explorer's charts, empty: what the page's script (`explorer.js`) fills with the record that is chosen."""

from bokeh import models
from bokeh.plotting import figure

from meanfield.figures import binning, style
from meanfield.model.registry import ACTIVATIONS

LINES = {"-": "solid", "--": "dashed", "-.": "dashdot", ":": "dotted"}  # Bokeh's names for Matplotlib's
APART = """
const kept = []
for (const i of indices) if (kept.every((j) => Math.max(distance(i, j), distance(j, i)) >= 4)) kept.push(i)
return kept
"""
"""Keeps a tick's label if it stands 4 pixels from those before it; that of the eigenvalue 0, the last, gives way first."""


def _plot(title: str, label: str, **settings: object) -> figure:
    """An empty plot without tools, so that a finger scrolls the page; a second title line is the mark of stand-in data."""
    picture = figure(tools="", toolbar_location=None, height=260, min_border_right=20, **settings)
    picture.add_layout(models.Title(text="", name="mark", text_color=style.MARK_COLOUR), "above")
    picture.add_layout(models.Title(text=title), "above")
    picture.xaxis.axis_label = label
    picture.xaxis.major_label_policy = models.CustomLabelingPolicy(code=APART)
    return picture


def spectrum(activation: str, shared: dict) -> figure:
    """The histogram of one activation's eigenvalues; of estimates with band, and the estimate as a line."""
    ranges = {"x_range": shared["ranges"]["eigenvalue"], "y_range": shared["ranges"]["count"]}
    picture = _plot(f"{ACTIVATIONS[activation].label}: Hessian eigenvalues", "eigenvalue λ", y_axis_type="log", **ranges)
    source, colour = shared["bars"][activation], style.colour(activation)
    picture.quad(
        "left", "right", "top", 0.5, source=source, name=f"bars_{activation}",
        color=colour, line_color="white", line_width=0.5, hatch_pattern="hatch", hatch_color="white",
    )  # fmt: skip
    picture.quad("left", "right", "highest", "top", source=source, name="band", color=colour, alpha=style.BAND, line_width=0)
    picture.segment("left", "line", "right", "line", source=source, name="estimate", color="black")
    tooltips = [("λ", "@low{0.0e+0} … @high{0.0e+0}"), ("eigenvalues", "@said")]
    picture.add_tools(models.HoverTool(tooltips=tooltips, renderers=picture.renderers[:2]))
    picture.yaxis.axis_label = "count"
    picture.yaxis.ticker = picture.ygrid.ticker = models.FixedTicker(ticks=[10**power for power in range(7)])
    picture.yaxis.formatter = models.CustomJSTickFormatter(code="return `${tick}`")
    picture.xaxis.ticker = picture.xgrid.ticker = shared["ticker"]
    picture.add_layout(models.Span(location=0, dimension="height", line_color="#999999", level="underlay"))
    unresolved = models.BoxAnnotation(left=-1 - binning.SLOT, right=1 + binning.SLOT, fill_color="#DDDDDD", level="underlay")
    unresolved.name = "unresolved"
    picture.add_layout(unresolved)
    return picture


def boundary(activation: str, shared: dict) -> figure:
    """What one activation's network decides, as an image, and the training samples."""
    ranges = {"x_range": shared["ranges"]["x"], "y_range": shared["ranges"]["y"]}
    picture = _plot(f"{ACTIVATIONS[activation].label}: decision boundary", "", **ranges)
    image = {"source": shared["images"][activation], "name": f"image_{activation}"}
    picture.image(color_mapper=shared["mapper"], level="image", global_alpha=0.7, **image)
    samples = picture.scatter(
        "x", "y", marker="marker", color="colour", source=shared["samples"], size=6, line_color="white", line_width=0.5
    )
    picture.add_tools(models.HoverTool(tooltips=[("sample", "@said")], renderers=[samples]))
    picture.text(
        "x", "y", "name", source=shared["means"], text_align="center", text_baseline="middle", text_font_style="bold",
        text_font_size="20px", text_color="black", text_outline_color="white",
    )  # fmt: skip
    picture.grid.visible = False
    return picture


def curve(quantity: str, shared: dict) -> figure:
    """One quantity of all activations against the update, and a cursor at the record shown."""
    ranges, linear = shared["ranges"], {"y_range": models.Range1d(-0.03, 1.03)}
    vertical = {"y_range": ranges["cost"], "y_axis_type": "log"} if quantity == "cost" else linear
    picture = _plot(style.LABELS[quantity], "update", x_range=ranges["update"], **vertical)
    if quantity == "cost":
        picture.yaxis.ticker = picture.ygrid.ticker = shared["cost_ticker"]
        picture.yaxis.formatter = models.CustomJSTickFormatter(code="return `${tick}`")
    for activation, source in shared["lines"].items():
        look = style.look(activation)
        dash = LINES.get(look["linestyle"]) or list(look["linestyle"][1])
        names = {"name": activation, "legend_label": look["label"], "color": look["color"]}
        picture.line("update", quantity, source=source, line_width=2, line_dash=dash, **names)
        if quantity != "cost":  # may be an estimate
            picture.varea("update", f"{quantity}_low", f"{quantity}_high", source=source, alpha=style.BAND, **names)
            picture.scatter("update", f"{quantity}_exact", source=source, size=8, marker="x", name=activation, color="black")
        picture.scatter("update", quantity, source=source, size="size", marker=style.BOKEH[look["marker"]], **names)
    picture.add_layout(models.Span(name="cursor", dimension="height", line_color="black"))
    picture.add_layout(picture.legend[0], "below")
    picture.legend.update(orientation="horizontal", ncols=3, spacing=14)
    return picture
