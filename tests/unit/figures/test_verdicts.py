"""Figures of the verdicts and tolerances: the numbers that are drawn."""

import numpy as np
import pandas as pd
import xarray as xr
from meanfield.figures import verdicts
from meanfield.verification.comparison import DIFFERS, IDENTICAL, VERDICTS


def test_verdicts_are_drawn_in_the_order_of_their_colours():
    rows = [("esp", "cost", IDENTICAL), ("relu", "cost", DIFFERS), ("esp", "alpha", VERDICTS[3])]
    table = pd.DataFrame(rows, columns=["run", "quantity", "verdict"]).assign(run=lambda rows: "linear 10 " + rows.run)
    [axes] = verdicts.verdicts(table).axes
    np.testing.assert_array_equal(axes.images[0].get_array().astype(float), [[0, 3], [VERDICTS.index(DIFFERS), np.nan]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["linear 10 ESP", "linear 10 ReLU"]
    shown = {text.get_text() for text in axes.texts}
    assert shown == {"", *(verdicts.SIGNS[verdict] for verdict in (IDENTICAL, VERDICTS[3], DIFFERS))}


def test_tolerances_are_drawn_and_their_absence_is_told():
    run = {"dataset": "linear", "architecture": "10", "activation": "esp"}
    noise = xr.Dataset({"cost_envelope": ("epoch", [1e-9, 2e-9])}, coords={"epoch": [0, 11]}, attrs={"source": "mirror"})
    noise = noise.assign(alpha_low_solver=("epoch", [0.1, 0.1]), alpha_high_solver=("epoch", [0.3, 0.2]))
    above, below = verdicts.tolerances([(run, noise)]).axes
    np.testing.assert_array_equal(above.lines[0].get_ydata(), [1e-9, 2e-9])
    np.testing.assert_allclose(below.lines[0].get_ydata(), [0.2, 0.1])
    empty = verdicts.tolerances([(run, xr.Dataset(attrs={"source": "stand-in"}))])
    assert all(any(text.get_text() == "not measured" for text in axes.texts) for axes in empty.axes)
