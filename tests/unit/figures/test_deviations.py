"""Both protocols side by side: the numbers that are drawn."""

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from meanfield.figures import deviations
from pictures import cut, overlaps, pale


def test_errors_of_estimates_are_lines_at_their_marks():
    forms = ("resolved", "tensorflow", "corrected")
    columns = {f"{name}_{form}": [0.2, 0.9] for name in ("alpha", "gamma") for form in ("published", *forms)}
    columns |= {f"{name}_error_{form}": [0.1, 0.3] for name in ("alpha", "gamma") for form in forms}
    run = {"dataset": "linear", "architecture": "10", "activation": ["esp", "relu"], "seed": 1, "source": "mirror"}
    scores = {f"test_accuracy_{form}": 0.5 for form in ("published", "tensorflow", "corrected")}
    figure = deviations.deviations(pd.DataFrame(run | columns | scores))
    assert not [drawn for drawn in figure.axes[0].collections if isinstance(drawn, LineCollection)]
    for axes in figure.axes[1:]:
        lines = [drawn for drawn in axes.collections if isinstance(drawn, LineCollection)]
        points = {drawn.get_label(): drawn.get_offsets()[:, 1] for drawn in axes.collections if drawn not in lines}
        for form, drawn in zip(forms, lines, strict=True):
            ends = np.array(drawn.get_segments())
            np.testing.assert_allclose(ends[..., 0], [[0.1, 0.3], [0.6, 1.0]])
            np.testing.assert_array_equal(ends[:, 0, 1], points[form])
        assert len({tuple(points[form]) for form in forms}) == 3, "no line lies on another"
    assert cut(figure) == overlaps(figure) == pale(figure) == []


def test_deviations_are_drawn_where_the_table_says():
    columns = [
        f"{name}_{form}" for name in ("alpha", "gamma") for form in ("published", "resolved", "tensorflow", "corrected")
    ]
    columns += [f"test_accuracy_{form}" for form in ("published", "tensorflow", "corrected")]
    rows = [{"dataset": "linear", "architecture": "10", "activation": name, "seed": 1} for name in ("esp", "relu")]
    values = np.random.default_rng(0).uniform(size=(2, len(columns)))
    table = pd.concat([pd.DataFrame(rows), pd.DataFrame(values, columns=columns)], axis=1).assign(source="stand-in")
    figure = deviations.deviations(table)
    for axes, name in zip(figure.axes, ("test_accuracy", "alpha", "gamma"), strict=True):
        for points in axes.collections:
            np.testing.assert_array_equal(points.get_offsets()[:, 0], table[f"{name}_{points.get_label()}"])
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert all("STAND-IN" in label for label in labels)
    assert "ReLU" in labels[1]
    assert cut(figure) == overlaps(figure) == pale(figure) == []
