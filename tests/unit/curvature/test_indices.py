"""The columns of indices.csv, from trajectories and spectra made up for them."""

import numpy as np
import pytest
from examples import synthetic_dataset, synthetic_run
from meanfield.curvature import indices
from meanfield.data.task import scores_in, scores_of


def test_zero_residuals_are_those_up_to_a_hundred_thousandth():
    residual = np.array([[[0.0, 1e-5, -1e-5, 1.1e-5]], [[np.nan, 0.0, 0.0, 0.0]]])
    np.testing.assert_array_equal(indices.zero_residuals(residual), [0.75, np.nan])


@pytest.mark.parametrize(
    ("attrs", "scores"),
    [
        ({"source": "mirror"}, ["accuracy"]),
        ({"source": "packaged", "address": "sklearn.datasets.load_digits"}, ["accuracy"]),
        ({"source": "own", "address": "mine.csv"}, ["accuracy", "balanced_accuracy"]),
        ({"source": "packaged", "address": "sklearn.datasets.load_iris"}, ["accuracy", "balanced_accuracy"]),
        ({"source": "own", "address": "mine.csv", "task": "regression"}, ["r2"]),
    ],
)
def test_scores_have_columns_of_their_own_names(attrs, scores):
    """Published tables have what they always had."""
    data = synthetic_dataset().assign_attrs(attrs)
    run, _, table = synthetic_run("relu", data)
    assert scores_of(data) == scores_in(table) == scores
    columns = [*(f"train_{name}" for name in scores), *(f"test_{name}" for name in scores)]
    assert list(table)[3 : 3 + len(columns)] == columns
    for name in columns:
        np.testing.assert_array_equal(table[name], run[name].values.ravel())


@pytest.mark.parametrize("after", [False, True])
def test_columns_are_shares_of_the_parameters(after):
    run, spectra, _ = synthetic_run("relu", synthetic_dataset(), seeds=2)
    run["diverged"][1] = 0
    run = run.assign(cost_after=run.cost + 1, train_accuracy_after=run.train_accuracy + 1)
    counts = ("negative_published", "zero_rows", "negative", "flat", "symmetric")
    for number, name in enumerate(counts, 1):
        spectra[name] = spectra[name] * 0 + number
    table = indices.indices(run, spectra, after)
    shares = {"alpha_published": 1, "gamma_published": 2, "alpha": 3, "gamma": 4, "gamma_rows": 2, "gamma_symmetry": 5}
    for name, share in (shares | {"gamma_flat": 4 - 2 - 5}).items():
        np.testing.assert_array_equal(table[name] * table.parameters, share, err_msg=name)
    for name in ("cost", "train_accuracy"):
        np.testing.assert_array_equal(table[name], run[name].values.ravel() + after)
    for name in ("test_accuracy", "gradient_norm"):
        np.testing.assert_array_equal(table[name], run[name].values.ravel())
    for name in ("tolerance", "lambda_min", "lambda_max", "lambda_max_gauss_newton", "lambda_max_rest"):
        np.testing.assert_array_equal(table[name], spectra[name].values.ravel())
    assert table.diverged[table.seed == 1].isna().all()
    assert (table.diverged[table.seed == 2] == 0).all()
    last = table[table["update"] == table["update"].max()]
    np.testing.assert_allclose(last.participation_ratio, spectra.participation_ratio.mean("mode").values.ravel())
    assert table.participation_ratio.notna().sum() == 2
