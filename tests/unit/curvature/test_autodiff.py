"""The closed form against TensorFlow's automatic differentiation, and against the published Hessians."""

import examples
import numpy as np
import pytest
from hypothesis import given, settings
from meanfield.curvature import autodiff, hessian
from meanfield.model import propagation
from meanfield.model.losses import LOSSES
from meanfield.model.network import Network
from meanfield.model.registry import ACTIVATIONS
from meanfield.training.tensorflow_model import configure
from random_networks import cases

configure(threads=1)  # as training does: it must come before TensorFlow's first use


@pytest.mark.long
@settings(max_examples=15, deadline=None)
@given(cases())
def test_random_networks(case):
    check(*case[:3])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_and_loss(activation, loss):
    network = Network.of("4-3", activation, 2, 2)
    rng = np.random.default_rng(5)
    target = rng.integers(0, 2, (9, 2)).astype(float)
    check(
        network, rng.normal(size=network.size), propagation.Objective(LOSSES[loss], rng.normal(size=(9, 2)), target, 1 / 18)
    )


def check(network, theta, data):
    ours = hessian.hessian(theta, network, data._replace(l2=0.0))
    theirs = autodiff.hessian(theta, network, data.features, data.target, data.loss.name)
    exact = data.loss.averaging(*data.target.shape, "float64") / data.factor
    assert np.abs(ours * exact - theirs).max() <= 1e-12 * np.abs(theirs).max()


def test_published_averaging_factor(published):
    run = ("linear", "8-2", "esp")
    network, data = examples.network(run, published), examples.objective("linear", published)
    theta = examples.trajectory(run, published).parameters.values[0, -1]
    theirs = autodiff.hessian(theta, network, data.features, data.target, data.loss.name, averaging="float32")
    assert np.abs(hessian.hessian(theta, network, data) - theirs).max() <= 1e-12 * np.abs(theirs).max()
