"""Optimizers, batches and l2, against a plain loop in NumPy."""

import numpy as np
import pytest
import xarray as xr
from examples import CONFIG, synthetic_dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from meanfield.data.task import part
from meanfield.errors import MeanfieldError
from meanfield.model.losses import LOSS_OF
from meanfield.model.network import Network
from meanfield.model.propagation import Objective, gradient
from meanfield.training.batches import Batches, left_out
from meanfield.training.initial import initial_members
from meanfield.training.replay import Trainer
from meanfield.training.schedule import learning_rates
from meanfield.training.train import RATE, train

UPDATES, SEEDS = 21, (3, 8)
RECORDING = {"dense_every": 5, "dense_until": 30, "sparse_every": 10}


def optimizer(**changes) -> dict:
    return CONFIG["optimizer"] | {"learning_rate": 0.1} | changes


def run(network: Network, dataset: xr.Dataset, settings: dict, seeds: tuple = SEEDS) -> xr.Dataset:
    """A short training in float64."""
    initial = initial_members(network, seeds, 0.1, 21)
    keywords = {"updates": UPDATES, "recording": RECORDING, "averaging": "float64"}
    return train(network, dataset, initial, seeds=list(seeds), optimizer=settings, **keywords)


def weights(network: Network) -> np.ndarray:
    """1 for weights, 0 for biases and β."""
    return np.array([name.startswith("W") for name in network.parameter_names], float)


def objective(features: np.ndarray, target: np.ndarray) -> Objective:
    return Objective(LOSS_OF["classification"], features, target, 1 / target.size)


def by_hand(network: Network, features: np.ndarray, target: np.ndarray, chosen: dict, seed: int) -> np.ndarray:
    """Parameters after each update [update, P]: the same, one member, in NumPy."""
    [theta], size = initial_members(network, [seed], 0.1, 21), chosen["batch_size"] or len(features)
    rates = learning_rates(UPDATES, *(chosen[key] for key in RATE)).astype(float)
    first, second, velocity, visited = np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta), []
    constants = {name: np.float64(np.float32(chosen[name])) for name in ("beta1", "beta2", "epsilon")}
    power1, power2 = np.float32(1), np.float32(1)
    for update, rate in enumerate(rates):
        one, position = divmod(update, len(features) // size)
        order = np.random.default_rng([seed, one]).permutation(len(features))[position * size :][:size]
        rows = order if chosen["batch_size"] else slice(None)
        g = gradient(theta, network, objective(features[rows], target[rows])) + chosen["l2"] * weights(network) * theta
        if chosen["method"] == "sgd":
            theta = theta - rate * g
        elif chosen["method"] == "momentum":
            velocity = chosen["momentum"] * velocity + g
            theta = theta - rate * velocity
        else:
            power1, power2 = power1 * np.float32(chosen["beta1"]), power2 * np.float32(chosen["beta2"])
            first = first + (1 - constants["beta1"]) * (g - first)
            second = second + (1 - constants["beta2"]) * (g * g - second)
            alpha = rate * np.sqrt(1 - float(power2)) / (1 - float(power1))
            theta = theta - alpha * first / (np.sqrt(second) + constants["epsilon"])
        visited.append(theta)
    return np.array(visited)


@settings(max_examples=6, deadline=None)
@given(
    method=st.sampled_from(["adam", "sgd", "momentum"]),
    batch_size=st.sampled_from([None, 1, 2, 4, 9]),
    l2=st.sampled_from([0, 0.03]),
    momentum=st.floats(0, 0.95),
    activation=st.sampled_from(["esp", "tanh", "softplus"]),
    labels=st.integers(1, 3),
)
def test_training_is_the_plain_loop_and_records_the_whole_training_set(method, batch_size, l2, momentum, activation, labels):
    dataset = synthetic_dataset(labels=labels)
    network, (features, target) = Network.of("3-2", activation, 2, labels), part(dataset, "train")
    chosen = optimizer(method=method, batch_size=batch_size, l2=l2, momentum=momentum)
    found = run(network, dataset, chosen)
    assert found["update"].values.tolist() == [0, 6, 11, 16]
    whole = objective(features, target)

    def cost_and_gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
        weighted = weights(network) * theta
        z = network.forward(network.unpack(theta), features)[-1].value
        cost = whole.loss.value(z, target).mean() + l2 / 2 * weighted @ weighted
        return cost, gradient(theta, network, whole) + l2 * weighted

    for number, seed in enumerate(SEEDS):
        visited = by_hand(network, features, target, chosen, seed)
        for record, update in enumerate(found["update"].values):
            np.testing.assert_allclose(found.parameters[number, record], visited[update], rtol=1e-12, atol=1e-12)
            [before] = initial_members(network, [seed], 0.1, 21) if update == 0 else [visited[update - 1]]
            cost, slope = cost_and_gradient(before)
            assert float(found.cost[number, record]) == pytest.approx(cost, rel=1e-12)
            np.testing.assert_allclose(found.gradient[number, record], slope, rtol=1e-11, atol=1e-12)
            cost, slope = cost_and_gradient(visited[update])
            assert float(found.cost_after[number, record]) == pytest.approx(cost, rel=1e-12)
            assert float(found.gradient_norm[number, record]) == pytest.approx(np.linalg.norm(slope), rel=1e-10)
            assert found.residual.sizes["sample"] == len(features)


def test_a_member_does_not_depend_on_the_others():
    network, chosen = Network.of("3", "esp", 2, 1), optimizer(method="momentum", batch_size=4)
    together, alone = (run(network, synthetic_dataset(), chosen, seeds) for seeds in (SEEDS, SEEDS[1:]))
    np.testing.assert_allclose(together.parameters[1], alone.parameters[0], rtol=1e-12)


def test_each_member_of_several_splits_sees_batches_of_its_own_samples():
    data, chosen = synthetic_dataset(), optimizer(method="sgd", batch_size=4)
    reversed_ = data.assign(features=data.features * 1.0, target=data.target * 1.0)
    reversed_["features"][:9], reversed_["target"][:9] = data.features[8::-1].values, data.target[8::-1].values
    names = xr.DataArray(list(SEEDS), dims="seed", name="seed")
    both = xr.concat([data, reversed_], names, data_vars=["features", "target"])
    network = Network.of("3", "tanh", 2, 1)
    found = run(network, both, chosen)
    for number, (alone, seed) in enumerate(zip((data, reversed_), SEEDS, strict=True)):
        expected = by_hand(network, *part(alone, "train"), chosen, seed)[found["update"].values]
        np.testing.assert_allclose(found.parameters[number], expected, rtol=1e-12, atol=1e-12)


def test_a_pass_sees_each_sample_once_less_the_rest():
    batches = Batches(4, 11, SEEDS)
    seen = batches.of_updates(0, 4)
    assert seen.shape == (4, 2, 4)
    assert left_out(4, 11) == 3
    assert left_out(None, 11) == 0
    for member in range(2):
        assert len(set(seen[:2, member].ravel())) == len(set(seen[2:, member].ravel())) == 8
    assert not np.array_equal(seen[:2], seen[2:])  # shuffled anew
    assert not np.array_equal(seen[:, 0], seen[:, 1])  # by the member's seed
    np.testing.assert_array_equal(batches.of_updates(3, 2)[0], seen[3])  # whichever updates are asked for


def test_a_batch_larger_than_the_training_set_is_one_line():
    with pytest.raises(MeanfieldError, match="batch_size is 10 and there are 9 training samples; allowed: 1 to 9"):
        run(Network.of("3", "esp", 2, 1), synthetic_dataset(), optimizer(batch_size=10))


@pytest.mark.parametrize(
    ("changes", "attributes"),
    [
        ({}, {"optimizer": "adam", "batch_size": "all samples", "beta1": 0.9, "l2": 0}),
        ({"method": "sgd"}, {"optimizer": "sgd"}),
        ({"method": "momentum", "l2": 0.5}, {"optimizer": "momentum", "momentum": 0.9, "l2": 0.5}),
        ({"batch_size": 3}, {"batch_size": 3}),
    ],
)
def test_the_file_says_how_it_was_trained(changes, attributes):
    found = run(Network.of("3", "relu", 2, 1), synthetic_dataset(), optimizer(**changes))
    assert attributes.items() <= found.attrs.items()
    assert found.attrs["loss"] == "sigmoid cross-entropy"
    assert found.attrs["learning_rate"] == optimizer()["learning_rate"]
    assert ("momentum" in found.attrs) == (changes.get("method") == "momentum")
    assert ("beta1" in found.attrs) == ("method" not in changes)


@pytest.mark.parametrize("changes", [{"method": "sgd"}, {"batch_size": 3}, {"l2": 0.1}])
def test_the_arithmetic_of_2018_is_adams(changes):
    data, network = synthetic_dataset(), Network.of("3", "esp", 2, 1)
    sets = {name: part(data, name) for name in ("train", "test")}
    with pytest.raises(MeanfieldError, match="the arithmetic of 2018 is Adam's, full batch, without l2"):
        Trainer(network, sets, np.zeros((1, 13)), None, optimizer(**changes), "probability", environment=None)
