"""Figures of the verdicts and tolerances: the numbers that are drawn."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from meanfield.figures import style, verdicts
from meanfield.model.registry import ACTIVATIONS
from meanfield.verification.verdicts import DIFFERS, IDENTICAL, NOT_AVAILABLE, VERDICTS
from pictures import cut, overlaps, pale, smallest


def test_verdicts_are_drawn_in_the_order_of_their_colours():
    rows = [("esp", "cost", IDENTICAL), ("relu", "cost", DIFFERS), ("esp", "alpha", VERDICTS[3])]
    table = pd.DataFrame(rows, columns=["run", "quantity", "verdict"]).assign(run=lambda rows: "linear 10 " + rows.run)
    [axes] = verdicts.verdicts(table).axes
    np.testing.assert_array_equal(axes.images[0].get_array().astype(float), [[0, 3], [VERDICTS.index(DIFFERS), np.nan]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["linear 10 ESP", "linear 10 ReLU"]
    shown = {text.get_text() for text in axes.texts}
    assert shown == {"", *(verdicts.SIGNS[verdict] for verdict in (IDENTICAL, VERDICTS[3], DIFFERS))}


@pytest.mark.parametrize("dataset", ["linear 10", "nonlinear-corrected 8-5-3"])
@pytest.mark.parametrize("quantities", [1, 3, 5, 11, 20])
def test_no_verdict_is_cut_at_any_width(quantities, dataset):
    """Legend and labels, with every verdict in the table."""
    names = [f"quantity_{number}" for number in range(quantities)]
    rows = [
        (f"{dataset} {run}", name, verdict) for run, verdict in zip(ACTIVATIONS, VERDICTS, strict=False) for name in names
    ]
    rows += [("digits 25 esp", names[0], VERDICTS[-1])]
    figure = verdicts.verdicts(pd.DataFrame(rows, columns=["run", "quantity", "verdict"]))
    assert cut(figure) == overlaps(figure) == pale(figure) == []
    [legend] = figure.legends
    assert len(legend.texts) == len(VERDICTS)


def test_the_legend_has_the_verdicts_that_are_drawn_and_the_picture_is_narrow_enough_for_a_page():
    """A quantity that no run has is not drawn; 9 points of type are 11 pixels or more where a page shows 1000."""
    rows = [("digits 25 esp", f"quantity {number}", IDENTICAL) for number in range(20)]
    table = pd.DataFrame([*rows, ("digits 25 esp", "none", NOT_AVAILABLE)], columns=["run", "quantity", "verdict"])
    figure = verdicts.verdicts(table)
    [legend] = figure.legends
    assert [text.get_text() for text in legend.texts] == ["=  identical"]
    assert smallest(figure, 1000) >= 11


def measured(activation: str, costs: list, flat: list, source: str = "mirror") -> tuple[dict, xr.Dataset, xr.Dataset]:
    """A run of two records and eight parameters, its re-trainings at these distances in cost [member, update]."""
    run = {"dataset": "linear", "architecture": "10", "activation": activation}
    retraining = xr.Dataset({"cost": (("member", "update"), costs)}, coords={"update": [0, 11]}, attrs={"source": source})
    shape = ("seed", "update")
    spectrum = xr.Dataset({"flat": (shape, [flat]), "zero_rows": (shape, [[2, 1]])}, coords={"update": [0, 11]})
    return run, retraining, spectrum.assign(eigenvalues=((*shape, "mode"), np.zeros((1, 2, 8))))


def test_tolerances_are_those_of_the_files():
    runs = [
        measured("esp", [[1e-9, 2e-9], [3e-9, 0.0]], [4, 3], "stand-in"),
        measured("relu", [[0.0, 1e-8]] * 2, [2, 1], "stand-in"),
    ]
    figure = verdicts.tolerances(runs)
    assert cut(figure) == overlaps(figure) == pale(figure) == []
    above, below = figure.axes
    spread, _, other, same, _ = above.lines
    np.testing.assert_array_equal(spread.get_ydata(), [3e-9, 2e-9])
    np.testing.assert_array_equal(other.get_xydata(), [[11, 1e-8]])
    np.testing.assert_array_equal(same.get_xdata(), [0])
    assert same.get_color() == style.colour("relu")
    lowest = above.transAxes.inverted().transform(above.transData.transform((11, 2e-9)))[1]
    assert lowest > same.get_ydata()[0] + 0.03, "the ticks lie below the curves"
    [share] = below.lines
    np.testing.assert_allclose(share.get_ydata(), [0.25, 0.25])
    assert any("STAND-IN" in text.get_text() for text in above.texts)
    [legend] = figure.legends
    assert legend.get_title().get_text() == "every eigenvalue is resolved, all along: linear 10\nReLU"
    assert smallest(figure, 410) >= 9


def test_a_panel_in_which_nothing_would_be_is_not_drawn():
    resolved, other = measured("esp", [[1e-9, 2e-9]], [2, 1]), measured("esp", [[1e-9, 2e-9]], [3, 1])
    alone = verdicts.tolerances([resolved])
    assert [axes.get_xlabel() for axes in alone.axes] == ["update"]
    [legend] = alone.legends
    assert [text.get_text() for text in legend.texts] == ["ESP"], "no key to ticks, where all costs differ"
    other[0]["dataset"] = "nonlinear"
    assert [axes.axison for axes in verdicts.tolerances([resolved, other]).axes] == [True, True, False, True]
