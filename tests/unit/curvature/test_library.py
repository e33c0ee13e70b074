"""meanfield.hessian and meanfield.spectrum: what they give, what they take, what they answer, what they load."""

import subprocess
import sys
from fractions import Fraction

import meanfield
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from examples import ROOT
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from meanfield.curvature import hessian as closed_form
from meanfield.curvature import indices, spectrum
from meanfield.model import losses
from random_networks import cases

WORDS = {loss.name: word for word, loss in losses.WORDS.items()}
RNG = np.random.default_rng(0)
FEATURES, BINARY, CLASSES = RNG.normal(size=(6, 2)), [0, 1, 1, 0, 1, 0], [2, 0, 1, 1, 0, 2]
ONE, THREE = (meanfield.Network.of("3-2", "esp", inputs=2, outputs=outputs) for outputs in (1, 3))


@settings(deadline=None, max_examples=60)
@given(case=cases(), eigenvectors=st.booleans())
def test_the_numbers_are_those_of_the_workflow(case, eigenvectors):
    network, theta, objective, _ = case
    assume(network.outputs > 1 or not objective.loss.coupled)
    said = (network, theta, objective.features, objective.target, WORDS[objective.loss.name])
    added = {"factor": objective.factor, "l2": objective.l2}
    found, matrix = meanfield.spectrum(*said, **added, eigenvectors=eigenvectors), meanfield.hessian(*said, **added)
    np.testing.assert_array_equal(matrix, closed_form.hessian(theta, network, objective))
    trajectory = xr.Dataset(
        {"parameters": (("seed", "update", "parameter"), theta[None, None])}, coords={"seed": [1], "update": [0]}
    )
    expected = spectrum.along_trajectory(trajectory, network, objective, eigenvectors_at=["last"]).isel(seed=0, update=0)
    np.testing.assert_array_equal(found.eigenvalues, expected.eigenvalues)
    for name, share in indices.shares(expected, network.size).items():
        np.testing.assert_array_equal(found[name], share, err_msg=name)
    assert ("gamma_lifted" in found) == bool(objective.l2)
    for name in ("tolerance", "lambda_min", "lambda_max", "lambda_max_gauss_newton", "lambda_max_rest"):
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    assert ("eigenvectors" in found) == ("participation_ratio" in found) == eigenvectors
    if eigenvectors:
        assert found.eigenvectors.dims == ("parameter", "mode")
        np.testing.assert_array_equal(found.participation_ratio, expected.participation_ratio.isel(vector_update=0))
        again = found.eigenvectors.values * found.eigenvalues.values @ found.eigenvectors.values.T
        np.testing.assert_allclose(again, matrix, rtol=0, atol=1e-13 * network.size * np.abs(matrix).max())


def test_a_spectrum_names_its_parameters_and_says_what_it_is_of():
    found = meanfield.spectrum(ONE, np.ones(ONE.size), FEATURES, BINARY, "sigmoid")
    assert found.parameter.values.tolist() == ONE.parameter_names
    assert found.attrs == {"activation": "esp", "loss": "sigmoid", "factor": 1 / 6, "l2": 0.0}
    assert float(found.gamma) == found.gamma_rows + found.gamma_symmetry + found.gamma_flat


column, one_hot = np.array(BINARY, float)[:, None], np.eye(3)[CLASSES]


@pytest.mark.parametrize(
    ("network", "features", "target", "plain"),
    [
        (ONE, FEATURES.tolist(), BINARY, column),
        (ONE, pd.DataFrame(FEATURES, columns=["a", "b"]), pd.Series(BINARY, name="y"), column),
        (ONE, FEATURES, np.array(BINARY, bool), column),
        (ONE, FEATURES, [[0], [1], [1], [0], [1], [0]], column),
        (THREE, FEATURES, CLASSES, one_hot),
        (THREE, FEATURES, pd.Series(CLASSES, dtype="Int64"), one_hot),
        (THREE, FEATURES, np.array(CLASSES, float)[:, None], one_hot),
        (THREE, FEATURES, pd.DataFrame(one_hot), one_hot),
    ],
)
def test_lists_tables_and_class_numbers_are_accepted(network, features, target, plain):
    theta = np.linspace(-1, 1, network.size)
    expected = meanfield.hessian(network, theta, FEATURES, plain, "sigmoid")
    np.testing.assert_array_equal(meanfield.hessian(network, theta.tolist(), features, target, "sigmoid"), expected)


@pytest.mark.parametrize(("loss", "factor"), [("sigmoid", 1 / 18), ("squared", 1 / 18), ("softmax", 1 / 6)])
def test_the_factor_takes_the_place_of_the_mean(loss, factor):
    arguments = (THREE, np.linspace(-1, 1, THREE.size), FEATURES, one_hot, loss)
    mean, total = meanfield.hessian(*arguments), meanfield.hessian(*arguments, factor=1.0)
    np.testing.assert_array_equal(mean, meanfield.hessian(*arguments, factor=factor))
    np.testing.assert_allclose(mean, factor * total, rtol=0, atol=1e-15 * np.abs(total).max())


def test_an_activation_by_formula_is_the_built_in_one():
    arguments = np.linspace(-1, 1, ONE.size), FEATURES, BINARY, "sigmoid"
    own = meanfield.activation("h*sigmoid(beta*h)", name="gate", beta="trainable")
    found = meanfield.hessian(meanfield.Network.of("3-2", own, inputs=2, outputs=1), *arguments)
    np.testing.assert_allclose(found, meanfield.hessian(ONE, *arguments), rtol=0, atol=1e-15)
    with pytest.raises(meanfield.MeanfieldError, match="activation own: formula"):
        meanfield.activation("__import__('os')")


@pytest.mark.parametrize("beta", ["Trainable", "2", "", True, [1], np.ones((2, 2)), np.nan, np.inf, 1j])
def test_a_beta_is_a_number_or_trainable(beta):
    with pytest.raises(
        meanfield.MeanfieldError, match=r"^activation own: beta is .* finite number, or 'trainable'$"
    ) as raised:
        meanfield.activation("h*tanh(beta*h)", beta=beta)
    assert "\n" not in str(raised.value)
    assert meanfield.activation("h*tanh(beta*h)", beta=np.float32(2)).beta == 2


@pytest.mark.parametrize(
    ("formula", "name"), [(3, "own"), (None, "own"), (["h"], "own"), ("tanh(h)", 3), ("tanh(h)", ["own"])]
)
def test_formula_and_name_are_text(formula, name):
    with pytest.raises(meanfield.MeanfieldError, match=r"^activation .* by .*: give the name and the formula as text$"):
        meanfield.activation(formula, name=name)


def test_a_penalty_may_be_any_plain_number():
    arguments = ONE, np.linspace(-1, 1, ONE.size), FEATURES, BINARY, "sigmoid"
    expected = meanfield.hessian(*arguments, l2=0.5)
    for l2 in (Fraction(1, 2), np.float32(0.5), np.array(0.5), xr.DataArray(0.5)):
        np.testing.assert_array_equal(meanfield.hessian(*arguments, l2=l2), expected)


def test_one_feature_may_be_a_list():
    network = meanfield.Network.of("3", "tanh", inputs=1, outputs=1)
    theta, target = np.ones(network.size), FEATURES[:, 1]
    expected = meanfield.hessian(network, theta, FEATURES[:, :1], target[:, None], "squared")
    np.testing.assert_array_equal(meanfield.hessian(network, theta, FEATURES[:, 0], target, "squared"), expected)


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"loss": "mse"}, "loss 'mse' is unknown; choose one of sigmoid, "),
        ({"loss": None}, "loss None is unknown"),
        ({"loss": ["sigmoid"]}, "loss .'sigmoid'. is unknown; choose one of"),
        ({"network": "3-2"}, "network is a str; give a meanfield.Network"),
        ({"theta": [0.0] * 5}, "parameters have 5 columns; this network takes 26"),
        ({"theta": np.zeros((26, 1))}, "theta has shape .26, 1.; give the 26 parameters in a row"),
        ({"features": FEATURES[0]}, "features have shape .2,.; give one or more samples, .sample, 2."),
        ({"features": FEATURES[:0]}, "features have shape .0, 2.; give one or more samples"),
        ({"features": [[1, 2], [3]]}, "features: this is no array of numbers"),
        ({"features": FEATURES[:, :1]}, "features have 1 columns; this network takes 2"),
        ({"features": FEATURES * np.nan}, "features contain 12 NaN"),
        ({"features": FEATURES * 1e300}, "the Hessian overflows"),
        ({"target": list("abcdef")}, "target: this is no array of numbers .its type is <U1"),
        ({"target": BINARY[:5]}, "features have 6 rows, the target 5"),
        ({"target": [1, -1] * 3}, "the target holds -1 to 1; loss 'sigmoid' takes 0 to 1"),
        ({"target": np.ones((6, 2))}, "the target has shape .6, 2.; give .sample, 1."),
        ({"network": THREE, "theta": np.ones(34), "target": [0, 1, 2, 3, 0, 1]}, "for 3 outputs give class numbers 0 to 2"),
        ({"network": THREE, "theta": np.ones(34), "target": CLASSES, "loss": "squared"}, "give .sample, 3."),
        ({"loss": "softmax"}, "loss 'softmax' needs two outputs or more"),
        *(
            ({"l2": l2}, r"^l2 is .*; give a number of 0 or more$")
            for l2 in (-1, np.nan, np.inf, None, "0.1", True, [0.1], np.ones((2, 2)), 1j, 10**400)
        ),
        *(
            ({"factor": factor}, r"^factor is .*; give a number above 0$")
            for factor in (-1, 0, np.nan, np.inf, "1", True, np.ones(3), [1.0])
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("function", [meanfield.hessian, meanfield.spectrum])
def test_what_does_not_fit_is_answered_in_one_line(function, changes, answer):
    arguments = {"network": ONE, "theta": np.ones(26), "features": FEATURES, "target": BINARY, "loss": "sigmoid"}
    with pytest.raises(meanfield.MeanfieldError, match=answer) as raised:
        function(**arguments | changes)
    assert "\n" not in str(raised.value)


def test_nothing_but_numpy_scipy_pandas_and_xarray_is_loaded(tmp_path):
    """By what is in sys.modules from outside the standard library after a spectrum."""
    code = """
import sys
import meanfield
network = meanfield.Network.of("3", "tanh", inputs=1, outputs=1)
meanfield.spectrum(network, [0.1] * network.size, [1, 2, 3], [0, 1, 1], "sigmoid")
places = {name.split(".")[0]: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
print(*(name for name, place in places.items() if "site-packages" in place))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT / "scripts")}, text=True, capture_output=True
    )
    assert result.returncode == 0, result.stderr
    needed, theirs = {"numpy", "scipy", "pandas", "xarray"}, {"dateutil", "six", "packaging", "charset_normalizer"}
    theirs.add("cftime")  # which xarray loads where it is installed: with the checker of conventions
    loaded = {name for name in result.stdout.split() if not name.startswith("_")}
    assert needed <= loaded <= needed | theirs


def test_the_package_says_what_it_offers():
    assert {"Network", "hessian", "spectrum"} <= set(dir(meanfield))
    with pytest.raises(AttributeError, match="no attribute 'hesian'"):
        _ = meanfield.hesian
