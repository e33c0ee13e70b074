"""Figures of the verdicts, tolerances and deviations: the numbers that are drawn."""

import numpy as np
import pandas as pd
import xarray as xr
from meanfield import audits, verdicts
from meanfield.verification import DIFFERS, IDENTICAL, VERDICTS


def test_verdicts_are_drawn_in_the_order_of_their_colours():
    table = pd.DataFrame(
        {"cost": [IDENTICAL, DIFFERS], "alpha": [VERDICTS[3], None]}, index=["linear 10 esp", "linear 10 relu"]
    )
    [axes] = audits.verdicts(table).axes
    np.testing.assert_array_equal(axes.images[0].get_array().astype(float), [[0, 3], [VERDICTS.index(DIFFERS), np.nan]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["linear 10 ESP", "linear 10 ReLU"]
    shown = {text.get_text() for text in axes.texts}
    assert shown == {"", *(verdicts.SIGNS[verdict] for verdict in (IDENTICAL, VERDICTS[3], DIFFERS))}


def test_deviations_are_drawn_where_the_table_says():
    columns = [f"{name}_{form}" for name in ("alpha", "gamma") for form in ("published", "resolved", "corrected")]
    columns += ["test_accuracy_published", "test_accuracy_corrected"]
    rows = [{"dataset": "linear", "architecture": "10", "activation": name, "seed": 1} for name in ("esp", "relu")]
    values = np.random.default_rng(0).uniform(size=(2, len(columns)))
    table = pd.concat([pd.DataFrame(rows), pd.DataFrame(values, columns=columns)], axis=1).assign(source="stand-in")
    figure = audits.deviations(table)
    for axes, name in zip(figure.axes, ("test_accuracy", "alpha", "gamma"), strict=True):
        for points in axes.collections:
            np.testing.assert_array_equal(points.get_offsets()[:, 0], table[f"{name}_{points.get_label()}"])
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert all("STAND-IN" in label for label in labels)
    assert "ReLU" in labels[1]


def test_tolerances_are_drawn_and_their_absence_is_told():
    run = {"dataset": "linear", "architecture": "10", "activation": "esp"}
    noise = xr.Dataset({"cost_envelope": ("epoch", [1e-9, 2e-9])}, coords={"epoch": [0, 11]}, attrs={"source": "mirror"})
    noise = noise.assign(alpha_low_solver=("epoch", [0.1, 0.1]), alpha_high_solver=("epoch", [0.3, 0.2]))
    above, below = audits.tolerances([(run, noise)]).axes
    np.testing.assert_array_equal(above.lines[0].get_ydata(), [1e-9, 2e-9])
    np.testing.assert_allclose(below.lines[0].get_ydata(), [0.2, 0.1])
    empty = audits.tolerances([(run, xr.Dataset(attrs={"source": "stand-in"}))])
    assert all(any(text.get_text() == "not measured" for text in axes.texts) for axes in empty.axes)
