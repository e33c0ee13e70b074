"""Numbers at their extremes: an error in one line or a correct result, never a silent NaN in a table."""

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import Workflow
from faults import one_line
from meanfield.curvature import eigen, hessian
from meanfield.data import datasets
from meanfield.errors import MeanfieldError
from meanfield.model import propagation
from meanfield.model.losses import SIGMOID_CROSS_ENTROPY
from meanfield.model.network import Network
from meanfield.model.propagation import Objective

WORKED_OUT = ["cost", "train_accuracy", "test_accuracy", "zero_residuals", "gradient_norm", "alpha", "gamma", "tolerance"]
EXPERIMENT = {"dataset": "mine", "architecture": "3", "updates": 30, "beta_stddev": 0.01, "beta_op_seed": 21}


def table(case: str) -> pd.DataFrame:
    """40 samples of two classes, spoilt in one way."""
    rng = np.random.default_rng(5)
    sound = pd.DataFrame(rng.normal(size=(40, 3)), columns=["x", "y", "u"]).assign(c=np.arange(40) % 2)
    changes = {
        "constant feature": {"u": 7.0},
        "large scale": {name: sound[name] * 1e150 for name in "xyu"},
        "huge scale": {name: sound[name] * 1e160 for name in "xyu"},  # whose squares exceed float64
        "tiny scale": {name: sound[name] * 1e-150 for name in "xyu"},
        "one huge feature": {"x": sound.x * 1e160},
        "a single class": {"c": 1},
        "all features constant": dict.fromkeys("xyu", 1.0),
    }
    if case == "duplicated samples":
        return pd.concat([sound.iloc[:4]] * 10)
    return sound.assign(**changes.get(case, {}))


LONG = [
    "constant feature", "duplicated samples", "large scale", "huge scale", "tiny scale", "one huge feature",
    "all features constant",
]  # fmt: skip


@pytest.mark.parametrize("case", ["a single class", *(pytest.param(name, marks=pytest.mark.long) for name in LONG)])
@pytest.mark.parametrize("scaling", ["none", pytest.param("features", marks=pytest.mark.long)])
def test_an_error_or_a_whole_table(tmp_path, mirror, case, scaling):
    workflow = Workflow(tmp_path / "clone", mirror)
    table(case).to_csv(workflow.folder / "mine.csv", index=False)
    mine = {
        "table": "mine.csv",
        "features": ["x", "y", "u"],
        "target": "c",
        "scaling": scaling,
        "test_size": 0.25,
        "split_seed": 0,
    }
    settings = {"datasets": {"mine": mine}, "experiments": [EXPERIMENT], "activations": ["esp"], "seeds": 2}
    (workflow.folder / "mine.yaml").write_text(yaml.safe_dump(settings))
    result = workflow.snakemake("tables", "--configfile", "mine.yaml", "--keep-going")
    tables = workflow.folder / "results/tables"
    if case == "a single class":
        one_line(result.stdout, "dataset mine: ", "'c' has one class only (1)", "(traceback: results/logs/")
        assert not tables.exists()
    elif "huge" in case and scaling == "none":
        one_line(result.stdout, "training mine 3 ", "the cost is no longer finite", "(traceback: results/logs/")
        assert not tables.exists()
    else:
        assert result.returncode == 0, result.stdout
        indices, ends = (pd.read_csv(tables / f"{name}.csv") for name in ("indices", "summary"))
        assert np.isfinite(indices[WORKED_OUT]).all(axis=None)
        assert np.isfinite(ends.filter(regex="_(first|last)$")).all(axis=None)
        assert indices.diverged.isna().all()


@pytest.mark.parametrize("samples", [1, 2])
@pytest.mark.parametrize("activation", ["esp", "relu", "tanh"])
def test_a_batch_of_one_and_more_parameters_than_samples(samples, activation):
    rng = np.random.default_rng(samples)
    network = Network.of("7-4", activation, 3, 2)
    target = rng.integers(2, size=(samples, 2)).astype(float)
    objective = Objective(SIGMOID_CROSS_ENTROPY, rng.normal(size=(samples, 3)), target, 1 / (2 * samples))
    theta = rng.normal(size=network.size)
    assert network.size > 10 * samples
    matrix = hessian.hessian(theta, network, objective)
    step = 1e-5
    differences = [
        propagation.gradient(theta + step * unit, network, objective)
        - propagation.gradient(theta - step * unit, network, objective)
        for unit in np.eye(network.size)
    ]
    np.testing.assert_allclose(matrix, np.array(differences) / (2 * step), atol=1e-7 * np.abs(matrix).max() + 1e-9)
    values = eigen.eigenvalues(matrix[None], eigen.zero_rows(matrix[None]))
    assert np.isfinite(values).all()


ACTIVATIONS = ["esp", "relu", "sigmoid", "tanh", "silu", "gelu", "softplus"]


def problem(activation: str, features: float) -> tuple[Network, Objective, np.ndarray]:
    """A network of three hidden layers, nine samples of features of that size, and parameters of size one."""
    rng = np.random.default_rng(3)
    network = Network.of("4-4-4", activation, 2, 1)
    objective = Objective(SIGMOID_CROSS_ENTROPY, features * rng.normal(size=(9, 2)), np.ones((9, 1)), 1 / 9)
    return network, objective, rng.normal(size=network.size)


@pytest.mark.parametrize("power", [-498, -100, 100, 498])  # 1e±150 and 1e±30
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_features_of_any_scale_give_the_usual_hessian_scaled(power, activation):
    """x and W₁ give the same network as 2^k x and 2^−k W₁, and powers of two are exact: so is the Hessian, to the bit."""
    network, objective, theta = problem(activation, 1.0)
    _, scaled, _ = problem(activation, 2.0**power)
    change = np.ones(network.size)
    change[network.layout[0].weights] = 2.0**power
    expected = hessian.hessian(theta, network, objective) * change[:, None] * change
    np.testing.assert_array_equal(hessian.hessian(theta / change, network, scaled), expected)


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e150])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_features_or_parameters_of_any_scale_give_a_finite_hessian_or_an_error(scale, activation):
    """Parameters of 1e150 overflow where activations are not bounded, and nothing else does."""
    network, objective, theta = problem(activation, 1.0)
    with np.errstate(all="ignore"):
        assert np.isfinite(hessian.hessian(theta, network, problem(activation, scale)[1])).all()
        if scale == 1e150 and activation not in ("sigmoid", "tanh"):
            with pytest.raises(MeanfieldError, match="overflows float64"):
                hessian.hessian(scale * theta, network, objective)
        else:
            assert np.isfinite(hessian.hessian(scale * theta, network, objective)).all()


def test_one_sample_is_not_split_but_refused():
    with pytest.raises(MeanfieldError, match="does not split 1 samples in two"):
        datasets.split(np.zeros((1, 2)), np.zeros((1, 1)), 0.25, 0)
