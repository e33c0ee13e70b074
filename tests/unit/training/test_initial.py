"""Initial parameters: TensorFlow's random ops without TensorFlow."""

import examples
import numpy as np
import pytest
from meanfield.model.network import Network
from meanfield.training.arithmetic import Environment
from meanfield.training.initial import (
    BETA_OP_SEED_STEP,
    INDEPENDENT,
    WEIGHTS_OP_SEED,
    WEIGHTS_OP_SEED_STEP,
    initial_members,
    initial_parameters,
    normal,
    uniform,
)
from meanfield.training.tensorflow_model import tf


def drawn(op, seed, op_seed, size):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session, tf.device("/cpu:0"):
        return session.run(op(shape=(size,), dtype=tf.float64, seed=seed, seed2=op_seed))


@pytest.mark.parametrize("seed", [1, 2, 30, 2**33 + 5])
def test_uniform_numbers_are_those_of_tensorflow(seed):
    for op_seed, size in ((1, 1601), (7, 20)):
        np.testing.assert_array_equal(uniform(seed, op_seed, size), drawn(tf.raw_ops.RandomUniform, seed, op_seed, size))


@pytest.mark.parametrize("seed", [1, 2, 3, 30])
def test_normal_numbers_are_those_of_tensorflow_but_for_the_rounding_of_its_c_library(seed):
    for op_seed in (21, 46, 71, 31, 56):
        ours, theirs = normal(seed, op_seed, 25), drawn(tf.raw_ops.RandomStandardNormal, seed, op_seed, 25)
        assert (np.abs(ours - theirs) <= 2 * np.spacing(np.abs(theirs))).all()
        if seed == 1:
            np.testing.assert_array_equal(ours, theirs)


def test_normal_numbers_are_normal():
    numbers = normal(5, 6, 2001)
    assert abs(numbers.mean()) < 0.1
    assert abs(numbers.std() - 1) < 0.05


def test_initial_parameters(published):
    network = examples.network(("nonlinear", "10", "esp"), published)
    theta = initial_parameters(network, seed=1, beta_stddev=0.01, beta_op_seed=21)
    first, output = network.unpack(theta)
    np.testing.assert_allclose(first.weights[0], [-0.07869625, 0.09401435], atol=5e-9)
    np.testing.assert_allclose(first.beta[:3], [-0.006096, -0.003474, 0.005870], atol=5e-7)
    np.testing.assert_allclose(output.beta, [-0.014992], atol=5e-7)
    assert not first.bias.any()


def test_layers_of_equal_shape_begin_equal_as_published_and_differ_with_independent_weights():
    """The defect, and its correction; the first layer and all β are the same by both."""
    network = Network.of("5-5-5-5", "esp", 2, 1)
    draw = network, 1, 0.01, 21
    published, independent = initial_parameters(*draw), initial_parameters(*draw, initial_weights=INDEPENDENT)

    def correlations(theta: np.ndarray) -> np.ndarray:
        square = [layer.weights.ravel() for layer in network.unpack(theta) if layer.weights.shape == (5, 5)]
        return np.corrcoef(square)[np.triu_indices(3, 1)]

    np.testing.assert_allclose(correlations(published), 1, atol=1e-12)
    assert (np.abs(correlations(independent)) < 0.4).all()  # 25 numbers: the standard deviation is 0.2
    later = [name.startswith("W") and not name.startswith("W1") for name in network.parameter_names]
    np.testing.assert_array_equal(published != independent, later)
    for layer, theirs in zip(network.layout, network.unpack(independent), strict=True):
        assert np.abs(theirs.weights).max() <= np.sqrt(6 / (layer.inputs + layer.units))


def test_weights_and_betas_never_share_an_op_seed():
    weights = {WEIGHTS_OP_SEED + WEIGHTS_OP_SEED_STEP * layer for layer in range(200)}
    assert len(weights) == 200
    for first in {entry["beta_op_seed"] for entry in examples.CONFIG["experiments"]}:
        assert weights.isdisjoint(first + BETA_OP_SEED_STEP * layer for layer in range(200))


@pytest.mark.parametrize(
    ("run", "value"),
    [(("nonlinear", "10", "esp"), "-0x1.eb3e83d960152p-7"), (("linear", "10", "esp"), "-0x1.3a65731a7aeedp-13")],
)
def test_the_output_layers_beta_of_2018(published, run, value):
    """One unit in the last place further from 0 than drawn today (docs/arithmetic.md)."""
    network, settings = examples.network(run, published), examples.EXPERIMENTS[run[:2]]
    sines = Environment.of("binary", examples.EXCEPTIONS).sines
    draw = network, [1], settings["beta_stddev"], settings["beta_op_seed"]
    [today], [then] = initial_members(*draw), initial_members(*draw, sines)
    [place] = np.flatnonzero(today != then)
    assert place == network.layout[1].beta.start
    assert then[place] == float.fromhex(value) == np.nextafter(today[place], -1)
