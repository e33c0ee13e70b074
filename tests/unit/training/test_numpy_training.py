"""Training by NumPy beside TensorFlow's kernels, which agree but for rounding; a member does not depend on the others."""

import numpy as np
import pytest
import xarray as xr
from examples import CONFIG, synthetic_dataset
from meanfield.data.task import part
from meanfield.errors import MeanfieldError
from meanfield.model.losses import LOSSES
from meanfield.model.network import Network
from meanfield.training import numpy_training, tensorflow_training
from meanfield.training.schedule import learning_rates
from meanfield.training.train import NUMPY, train

OPTIMIZER, UPDATES = CONFIG["optimizer"], 40
NETWORKS = [(2, 1, "10"), (2, 1, "8-5-3"), (3, 4, "5-1-3"), (3, 4, "6")]
CASES = [(name, 2, 1, "8-2") for name in numpy_training.ACTIVATIONS] + [("esp", *sizes) for sizes in NETWORKS]


def case(activation: str, inputs: int = 2, labels: int = 1, architecture: str = "10", members: int = 5) -> tuple:
    """What both trainers take: a network, its sets, initial parameters, rates and optimizer."""
    data, network = synthetic_dataset(inputs, labels), Network.of(architecture, activation, inputs, labels)
    sets = {name: part(data, name) for name in ("train", "test")}
    initial = np.random.default_rng(network.size).normal(size=(members, network.size))
    return network, sets, initial, learning_rates(UPDATES, 0.01, 0.9, 500), OPTIMIZER


def tensorflow(*arguments, averaging: str = "float32") -> tensorflow_training.Trainer:
    return tensorflow_training.Trainer(*arguments, loss="sigmoid cross-entropy", averaging=averaging)


def with_splits(sets: dict, members: int) -> dict:
    """The same sets for each member, its features times a number of its own."""
    scales = np.linspace(0.5, 2, members)[:, None, None]
    return {name: (scales * features, scales**0 * target) for name, (features, target) in sets.items()}


def states(trainer) -> list[np.ndarray]:
    """All that a trainer says of some updates, and the parameters after them."""
    return [*trainer.advance(1), *trainer.advance(12), *trainer.measure(), trainer.theta]


@pytest.mark.parametrize(("activation", "inputs", "labels", "architecture"), CASES)
def test_tensorflows_kernels_agree_but_for_rounding(activation, inputs, labels, architecture):
    arguments = case(activation, inputs, labels, architecture)
    ours = numpy_training.Trainer(*arguments, "esp", averaging="float64")
    theirs = tensorflow(*arguments, "esp", averaging="float64")
    for mine, other in zip(states(ours), states(theirs), strict=True):
        assert mine.shape == other.shape
        np.testing.assert_allclose(mine, other, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(ours.diverged, theirs.diverged)


def test_members_on_splits_of_their_own_and_the_published_average(monkeypatch):
    network, sets, *rest = case("esp", architecture="8-2")
    monkeypatch.setattr(numpy_training, "BLOCK", 2 * 9 * 8)
    arguments = network, with_splits(sets, 5), *rest, "probability"
    ours = numpy_training.Trainer(*arguments, averaging="float32")
    assert ours.block == 2
    theirs = tensorflow(*arguments)
    for mine, other in zip(states(ours), states(theirs), strict=True):
        costs = mine.ndim == 1  # averaged in float32, whose terms each adds in its own order
        np.testing.assert_allclose(mine, other, rtol=2e-7 if costs else 1e-12, atol=1e-12)


@pytest.mark.parametrize("samples", [9, 690])
@pytest.mark.parametrize("activation", numpy_training.ACTIVATIONS)
@pytest.mark.parametrize("architecture", ["10", "8-5-3"])
def test_a_member_does_not_depend_on_the_others(monkeypatch, activation, architecture, samples):
    """The same bytes, whichever members are trained beside it, and however many are in a block."""
    network, _, initial, *rest = case(activation, architecture=architecture, members=7)
    rng = np.random.default_rng(1)
    sets = {name: (rng.normal(size=(samples, 2)), rng.integers(2, size=(samples, 1)) * 1.0) for name in ("train", "test")}

    def trained(some: slice, block: int) -> list[np.ndarray]:
        monkeypatch.setattr(numpy_training, "BLOCK", block * samples * max(network.hidden))
        trainer = numpy_training.Trainer(network, sets, initial[some], *rest, "probability", averaging="float32")
        return states(trainer)

    together = trained(slice(None), 3)
    for some, block in ((slice(2, 3), 1), (slice(4, 7), 2), (slice(None), 7)):
        for whole, alone in zip(together, trained(some, block), strict=True):
            assert whole[some].tobytes() == alone.tobytes()


@pytest.mark.parametrize("largest", [1e20, 1e38])
def test_divergence_is_noticed_at_the_update_where_tensorflow_notices_it(largest):
    network, sets, initial, _, optimizer = case("esp", architecture="8-2")
    features, target = sets["train"]
    scales = np.array([1, 1e4, 1e8, 1e16, 1e40])[:, None, None]  # of the members' features
    sets = {"train": (scales * features, scales**0 * target), "test": sets["test"]}
    rates = np.geomspace(1, largest, UPDATES).astype(np.float32)
    arguments = network, sets, initial, rates, optimizer, "probability"
    ours, theirs = numpy_training.Trainer(*arguments, averaging="float32"), tensorflow(*arguments)
    ours.advance(UPDATES), theirs.advance(UPDATES)
    np.testing.assert_array_equal(ours.diverged, theirs.diverged)
    assert len(set(theirs.diverged)) > 2


def test_nothing_is_lost_where_exp_overflows():
    """Pre-activations of some thousands: σ is 0 or 1, and all stays finite."""
    network, sets, initial, *rest = case("esp")
    ours = numpy_training.Trainer(network, sets, 1e3 * initial, *rest, "probability", averaging="float64")
    theirs = tensorflow(network, sets, 1e3 * initial, *rest, "probability", averaging="float64")
    for mine, other in zip(states(ours), states(theirs), strict=True):
        assert np.isfinite(mine).all()
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "loss", "target"),
    [
        ({"method": "sgd"}, "sigmoid cross-entropy", 1.0),
        ({"batch_size": 3}, "sigmoid cross-entropy", 1.0),
        ({"l2": 0.1}, "sigmoid cross-entropy", 1.0),
        ({}, "squared error", 1.0),
        ({}, "sigmoid cross-entropy", 0.5),
    ],
)
def test_what_is_left_to_tensorflow(changes, loss, target):
    network, sets, *rest, optimizer = case("esp")
    assert loss in LOSSES
    assert numpy_training.suits(network, "sigmoid cross-entropy", sets["train"][1], optimizer)
    features = sets["train"][0]
    assert not numpy_training.suits(network, loss, np.full((9, 1), target), optimizer | changes)
    if loss == "sigmoid cross-entropy":
        sets = sets | {"train": (features, np.full((9, 1), target))}
        with pytest.raises(MeanfieldError, match="full batch, without l2, on targets of 0 and 1; set arithmetic: tensor"):
            numpy_training.Trainer(network, sets, *rest, optimizer | changes, "probability", averaging="float64")


def test_the_file_names_the_arithmetic():
    network, *_ = case("tanh")
    keywords = {"updates": 20, "recording": CONFIG["recording"], "optimizer": OPTIMIZER, "kernels": NUMPY}
    found = train(network, synthetic_dataset(), np.zeros((1, network.size)), seeds=[1], **keywords)
    assert isinstance(found, xr.Dataset)
    assert found.attrs["arithmetic"] == "numpy"
