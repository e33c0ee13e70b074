"""What is compared, under which names, at which records."""

import json

import examples
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from meanfield.data import storage
from meanfield.errors import MeanfieldError
from meanfield.training.schedule import published_updates
from meanfield.verification import quantities

SUMMARY = pd.read_csv(examples.ROOT / "config/published/summary.csv").set_index(["experiment", "activation"])
HEADLINE = SUMMARY.loc["linear_8-2", "esp"]


def arrays(**found):
    named = {name: ([f"{name}_{axis}" for axis in range(array.ndim)], array) for name, array in found.items()}
    return xr.Dataset(named, attrs={"unavailable": json.dumps({"accuracy": "no answer", "eigenvalues": "no file"})})


def test_arrays_of_wrong_shape_or_content_are_errors(published):
    arrays = {"cost": np.zeros(36), "accuracy": np.zeros((2, 36)), "hessians": np.zeros((36, 5, 5))}
    assert "train_accuracy" in quantities.published(arrays, 36, 5)
    for name, wrong in (("cost", np.zeros(30)), ("hessians", np.zeros((36, 5, 4))), ("accuracy", np.zeros(36))):
        with pytest.raises(MeanfieldError, match=f"published {name} has shape"):
            quantities.published({**arrays, name: wrong}, 36, 5)
    with pytest.raises(MeanfieldError, match="NaN"):
        quantities.published({"cost": np.full(36, np.nan)}, 36, 5)


def test_pairs_are_of_the_updates_that_both_have_recorded():
    cost = np.arange(36.0)
    ours = np.array([0, 11, 21, 33])  # another schedule, which shares three updates
    [pair] = quantities.pairs(ours, arrays(cost=cost), HEADLINE)
    assert (pair.name, pair.quantity) == ("cost", "cost")
    np.testing.assert_array_equal(pair.records, [0, 1, 2])
    np.testing.assert_array_equal(pair.theirs, [0, 1, 2])


def test_where_no_array_is_at_hand_the_headline_figures_are_compared():
    whole = quantities.pairs(published_updates(36), arrays(), HEADLINE)
    assert {pair.name: float(pair.theirs[0]) for pair in whole} == {name: HEADLINE[name] for name in quantities.HEADLINES}
    assert {pair.name: int(pair.records[0]) for pair in whole if pair.quantity == "cost"} == {
        "cost_first": 0,
        "cost_last": 35,
    }
    shorter = quantities.pairs(published_updates(20), arrays(), HEADLINE)
    assert [pair.name for pair in shorter] == ["cost_first", "alpha_first", "gamma_first"]


def test_why_the_others_are_missing():
    found = arrays(cost=np.zeros(36))
    reasons = quantities.missing(found, quantities.pairs(published_updates(36), found, HEADLINE))
    assert "cost" not in reasons
    assert reasons["test_accuracy"] == "no answer"
    assert reasons["alpha_resolved"] == reasons["eigenvalues"] == "no file"
    assert reasons["gradient"] == "published as a pickle alone, which is never opened"
    assert reasons["residual"] == "not published"


def test_resolved_shares_count_beyond_each_spectrums_own_resolution():
    values = np.array([[-1.0, -1e-17, 0.0, 1e-17], [-3.0, -2.0, 1.0, 4.0]])
    found = quantities.resolved(values)
    np.testing.assert_array_equal(found["alpha_resolved"], [0.25, 0.5])
    np.testing.assert_array_equal(found["gamma_resolved"], [0.75, 0.0])


def test_deviations_are_relative_to_the_largest_where_they_should():
    mine, theirs = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(quantities.deviation("residual", mine, theirs), [0, 1])
    np.testing.assert_array_equal(quantities.deviation("eigenvalues", mine, theirs), [0, 0.25])


@pytest.mark.parametrize("source", ["mirror", "published", storage.STAND_IN, "zenodo"])
def test_published_columns_are_drawn_where_the_data_are_the_published_ones(tmp_path, source):
    storage.write(arrays(cost=np.arange(36.0), alpha=np.full(36, 0.25)), tmp_path / "arrays.nc")
    run = {"dataset": "linear", "architecture": "8-2", "activation": "esp"}
    tables = quantities.published_tables(
        pd.DataFrame([run | {"source": source}]),
        [run],
        [tmp_path / "arrays.nc"],
        examples.ROOT / "config/published/summary.csv",
    )
    assert list(tables) == ([] if source == storage.STAND_IN else [tuple(run.values())])
    for table in tables.values():
        np.testing.assert_array_equal(table, np.stack([published_updates(36), np.arange(36), np.full(36, 0.25)], axis=1))
        assert list(table) == ["update", "cost", "alpha_published"]
