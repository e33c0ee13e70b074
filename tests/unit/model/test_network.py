import numpy as np
import pytest
from meanfield.errors import MeanfieldError
from meanfield.model.network import Network, hidden_widths

SIZES = [
    ("10", "esp", 2, 1, 52), ("10", "relu", 2, 1, 41), ("8-2", "esp", 2, 1, 56), ("8-2", "sigmoid", 2, 1, 45),
    ("25", "esp", 64, 10, 1920), ("25", "relu", 64, 10, 1885),
]  # fmt: skip


@pytest.mark.parametrize(("architecture", "activation", "inputs", "outputs", "size"), SIZES)
def test_published_sizes(architecture, activation, inputs, outputs, size):
    network = Network.of(architecture, activation, inputs, outputs)
    assert network.size == size == len(network.parameter_names) == len(set(network.parameter_names))


def test_every_parameter_lies_in_one_place():
    network = Network.of("4-3", "esp", 2, 2)
    places = np.concatenate([np.append(layer.affine.ravel(), layer.betas) for layer in network.layout])
    np.testing.assert_array_equal(np.sort(places), np.arange(network.size))


def test_order_is_weights_row_by_row_then_bias_then_beta():
    names = Network.of("2", "esp", 2, 1).parameter_names
    assert names[:8] == ["W1[0,0]", "W1[0,1]", "W1[1,0]", "W1[1,1]", "b1[0]", "b1[1]", "beta1[0]", "beta1[1]"]


@pytest.mark.parametrize(
    "architecture",
    ["", "0", "8--2", "8-0", "-8", "8-", "a", "8 2", "10\n", "0x10", 4, (4, 3), None, ["4"], np.eye(2)],
)
def test_bad_architectures_are_refused_by_name(architecture):
    with pytest.raises(MeanfieldError, match=r"architecture .* write hidden widths") as raised:
        hidden_widths(architecture)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("width", [0, -1, 1.5, True, "2", None, [2], np.nan])
@pytest.mark.parametrize("name", ["inputs", "outputs"])
def test_widths_are_whole_numbers_of_one_or_more(name, width):
    with pytest.raises(MeanfieldError, match=f"^{name} is .*; give a whole number of 1 or more$"):
        Network.of("4", "relu", **({"inputs": 2, "outputs": 1} | {name: width}))
    assert Network.of("4", "relu", np.int64(2), 1) == Network.of("4", "relu", 2, 1)


@pytest.mark.parametrize("name", [3, None, ["relu"], {"name": "relu"}, np.ones((2, 2))])
def test_an_activation_is_a_name_or_an_activation(name):
    with pytest.raises(MeanfieldError, match=r"activation .* is unknown; choose one of esp") as raised:
        Network.of("4", name, 2, 1)
    assert "\n" not in str(raised.value)


def test_wrong_parameter_vector_and_activation():
    with pytest.raises(MeanfieldError, match="3 entries; this network has 41"):
        Network.of("10", "relu", 2, 1).unpack(np.zeros(3))
    with pytest.raises(MeanfieldError, match="'swish' is unknown; choose one of esp"):
        Network.of("10", "swish", 2, 1)
