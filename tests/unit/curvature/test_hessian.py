"""The closed form against independent ways to the same matrix, on random networks of every kind (docs/method.md)."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from meanfield.curvature import hessian, small
from meanfield.errors import MeanfieldError
from meanfield.model import propagation
from meanfield.model.activations import Activation, Derivatives
from meanfield.model.losses import LOSSES
from meanfield.model.network import Network
from meanfield.model.propagation import Objective
from random_networks import cases, central_differences

by_either = pytest.mark.parametrize("products", [0, np.inf], ids=["blocks", "small"])
"""By either of the two computations, whatever the network's size: none is small, or all of these random ones are."""


def cost(theta, network, data):
    z = network.forward(network.unpack(theta), data.features)[-1].value
    penalty = data.l2 / 2 * (theta[..., network.weights] ** 2).sum(axis=-1)
    return data.loss.value(z, data.target).sum(axis=(-1, -2)) * data.factor + penalty


@by_either
@settings(max_examples=150, deadline=None)
@given(cases())
def test_gradient_and_hessian_against_central_differences(products, case):
    network, theta, data, _ = case
    gradient = propagation.gradient(theta, network, data)
    with mock.patch.object(small, "LARGEST", products):
        matrix = hessian.hessian(theta, network, data)
    numeric = central_differences(lambda t: cost(t, network, data), theta)
    np.testing.assert_allclose(gradient, numeric, atol=1e-6 * np.abs(gradient).max() + 1e-10)
    numeric = central_differences(lambda t: propagation.gradient(t, network, data), theta)
    np.testing.assert_allclose(matrix, numeric, atol=1e-6 * np.abs(matrix).max() + 1e-10)


@by_either
@settings(max_examples=60, deadline=None)
@given(cases())
def test_hessian_is_exactly_symmetric_and_independent_of_blocks(products, case):
    network, theta, data, _ = case
    members = np.stack([theta, -theta, theta / 2])
    with mock.patch.object(small, "LARGEST", products):
        matrices = hessian.hessian(members, network, data)
    np.testing.assert_array_equal(matrices, matrices.swapaxes(-1, -2))
    with mock.patch.object(hessian, "LEAST_BLOCK", 2), mock.patch.object(small, "LARGEST", products):
        blocked = hessian.hessian(members, network, data, workspace=1)
    np.testing.assert_allclose(blocked, matrices, atol=1e-14 * np.abs(matrices).max() + 1e-300)


def test_gradients_are_independent_of_blocks():
    network = Network.of("4-3", "esp", 2, 2)
    rng = np.random.default_rng(1)
    members, arrays = rng.normal(size=(5, network.size)), rng.normal(size=(2, 6, 2))
    data = Objective(LOSSES["squared error"], *arrays, 1 / 12)
    expected = propagation.gradient(members, network, data)
    for block in (1, 50):  # less than one member, two of them
        with mock.patch.object(propagation, "BLOCK", block):
            np.testing.assert_allclose(propagation.gradient(members, network, data), expected, rtol=1e-13)


@by_either
@settings(max_examples=60, deadline=None)
@given(cases())
def test_split_and_products(products, case):
    network, theta, data, rng = case
    with mock.patch.object(small, "LARGEST", products):
        total, gauss_newton = hessian.hessian(theta, network, data, split=True)
        np.testing.assert_allclose(total, hessian.hessian(theta, network, data), atol=1e-15 * np.abs(total).max())
    scale = np.abs(total).max() + np.abs(gauss_newton).max() + 1e-300
    assert np.linalg.eigvalsh(gauss_newton).min() >= -1e-13 * scale * network.size
    vector = rng.normal(size=network.size)
    bound = 1e-13 * scale * network.size
    np.testing.assert_allclose(propagation.operator(theta, network, data)(vector), total @ vector, atol=bound)
    product = propagation.operator(theta, network, data, "G")(vector)
    np.testing.assert_allclose(product, gauss_newton @ vector, atol=bound)
    product = propagation.operator(theta, network, data, "R")(vector)
    np.testing.assert_allclose(product, (total - gauss_newton) @ vector, atol=bound)


def test_gauss_newton_is_all_where_the_residuals_vanish():
    network = Network.of("4-3", "esp", 2, 2)
    rng = np.random.default_rng(1)
    theta, features = rng.normal(size=network.size), rng.normal(size=(6, 2))
    target = network.forward(network.unpack(theta), features)[-1].value
    total, gauss_newton = hessian.hessian(
        theta, network, Objective(LOSSES["squared error"], features, target, 1 / 12), split=True
    )
    np.testing.assert_allclose(total, gauss_newton, atol=1e-16)


def bad(**changes):
    network = Network.of("3", "esp", 2, 1)
    arrays = {"theta": np.zeros(network.size), "features": np.zeros((4, 2)), "target": np.zeros((4, 1)), **changes}
    return arrays["theta"], network, Objective(LOSSES["squared error"], arrays["features"], arrays["target"], 0.25)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"theta": np.full(17, np.nan)}, "parameters contain 17 NaN or infinite"),
        ({"features": np.full((4, 2), np.inf)}, "features contain 8 NaN or infinite"),
        ({"target": np.array([[0], [1], [np.nan], [0]])}, "target contain 1 NaN or infinite"),
        ({"theta": np.zeros(5)}, "parameters have 5 columns; this network takes 17"),
        ({"features": np.zeros((4, 3))}, "features have 3 columns; this network takes 2"),
        ({"target": np.zeros((1, 1))}, "features have 4 rows, the target 1"),
    ],
)
@pytest.mark.parametrize("function", [hessian.hessian, propagation.gradient])
def test_bad_input_is_named(changes, message, function):
    with pytest.raises(MeanfieldError, match=message):
        function(*bad(**changes))


def test_activation_without_second_derivative_is_refused_by_name():
    unknown = Activation("mystery", "mystery", "h", lambda h, beta: Derivatives(h, np.ones_like(h), None))
    network = Network(2, (3,), 1, unknown)
    with pytest.raises(MeanfieldError, match="activation 'mystery' gives no second derivative"):
        hessian.hessian(np.zeros(network.size), network, bad()[2])


@settings(max_examples=60, deadline=None)
@given(cases())
def test_zero_rows_are_the_same_by_either_computation(case):
    network, theta, data, _ = case
    theta[network.layout[0].bias.start] = -1e3  # of ReLU a dead unit
    by = []
    for products in (0, np.inf):
        with mock.patch.object(small, "LARGEST", products):
            by.append(hessian.hessian(theta, network, data).any(axis=-1))
    np.testing.assert_array_equal(*by)


def test_members_do_not_depend_on_what_is_computed_beside_them():
    network = Network.of("8-5-3", "esp", 2, 1)
    rng = np.random.default_rng(1)
    members = rng.normal(size=(20, network.size))
    data = Objective(LOSSES["sigmoid cross-entropy"], rng.normal(size=(300, 2)), rng.integers(0, 2, (300, 1)) * 1.0, 1 / 300)
    together = hessian.hessian(members, network, data)
    alone = np.stack([hessian.hessian(theta, network, data) for theta in members])
    np.testing.assert_array_equal(together, alone)
