"""Both protocols side by side: the numbers that are drawn."""

import numpy as np
import pandas as pd
from meanfield.figures import deviations
from pictures import cut, overlaps, pale


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
