"""The figure of the protocols side by side."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from meanfield.data.task import SCORES, scores_in
from meanfield.figures import style
from meanfield.model.registry import ACTIVATIONS


def deviations(table: pd.DataFrame) -> Figure:
    """`tables.deviations` as dots: one row a run; published (circle), resolved (diamond), the same with TensorFlow's kernels
    (cross), corrected (filled square), corrected with a softmax (triangle). Lines are errors of estimates.
    """
    table = table[table.seed == table.seed.min()].reset_index(drop=True)
    colours = [style.colour(name) for name in table.activation]
    forms = {
        "published": {"marker": "o", "facecolors": "none", "edgecolors": colours, "s": 60},
        "resolved": {"marker": "D", "facecolors": "none", "edgecolors": colours, "s": 20},
        "tensorflow": {"marker": "x", "c": "0.35", "s": 12, "lw": 0.8},
        "corrected": {"marker": "s", "c": colours, "s": 14},
        "softmax": {"marker": "^", "facecolors": "none", "edgecolors": colours, "s": 36},
    }
    scores = scores_in([name.removesuffix("_published") for name in table])
    labels = {f"test_{score}": f"test {SCORES[score]}, last record" for score in scores}
    labels |= {name: style.LABELS[name] for name in ("alpha", "gamma")}
    figure = Figure(figsize=(3 * len(labels), 0.28 * len(table) + 1.6), layout="constrained")
    axes = figure.subplots(1, len(labels), sharey=True)
    for axis, (quantity, label) in zip(axes, labels.items(), strict=True):
        for number, (form, look) in enumerate(forms.items()):
            estimated = f"{quantity}_error_{form}" in table
            place = table.index + estimated * 0.12 * (number - 2)
            if f"{quantity}_{form}" in table:
                axis.scatter(table[f"{quantity}_{form}"], place, label=form, **look)
            if estimated:
                value, error = table[f"{quantity}_{form}"], table[f"{quantity}_error_{form}"]
                axis.hlines(place, (value - error).clip(0), (value + error).clip(upper=1), color=colours, lw=0.8)
        axis.set_xlabel(label)
        axis.grid(axis="y", color="0.9", lw=0.6)
        axis.set_axisbelow(True)
    marks = [f"{style.mark(source)}  " if style.mark(source) else "" for source in table.source]
    names = table.dataset + " " + table.architecture + " " + table.activation.map(lambda name: ACTIVATIONS[name].label)
    axes[0].set_yticks(table.index, [mark + name for mark, name in zip(marks, names, strict=True)])
    axes[0].invert_yaxis()
    handles = [
        Line2D([], [], ls="", color="0.3", marker="o", mfc="none", ms=8, label="as published"),
        Line2D([], [], ls="", color="0.3", marker="D", mfc="none", ms=5, label="published protocol, resolved beyond τ"),
        Line2D([], [], ls="", color="0.35", marker="x", ms=4, label="the same with TensorFlow's kernels"),
        Line2D([], [], ls="", color="0.3", marker="s", ms=4, label="corrected protocol, resolved"),
    ]
    if "alpha_softmax" in table:
        label = "the same with a softmax"
        handles.append(Line2D([], [], ls="", color="0.3", marker="^", mfc="none", ms=6, label=label))
    style.legend(figure, handles=handles)
    return figure
