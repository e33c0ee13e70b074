"""Random networks of every kind for hypothesis, and derivatives by central differences."""

import numpy as np
import pytest
from hypothesis import strategies as st
from meanfield.errors import MeanfieldError
from meanfield.model.losses import LOSSES
from meanfield.model.network import Network
from meanfield.model.propagation import Objective
from meanfield.model.registry import ACTIVATIONS


@st.composite
def cases(draw):
    """A random network with parameters, data, loss and penalty: 1–4 hidden layers, widths 1–12."""
    widths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=4))
    inputs, labels, samples = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 9))
    activation = ACTIVATIONS[draw(st.sampled_from(sorted(ACTIVATIONS)))]
    network = Network(inputs, tuple(widths), labels, activation)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    target = rng.integers(0, 2, (samples, labels)).astype(float)
    loss = LOSSES[draw(st.sampled_from(sorted(LOSSES)))]
    l2 = draw(st.sampled_from([0.0, 0.1]))
    data = Objective(loss, rng.normal(size=(samples, inputs)), target, loss.averaging(samples, labels), l2)
    return network, rng.normal(size=network.size), data, rng


def refuses_to_write(framework, model, theta, answer):
    """Writing parameters whose last is `theta` into a model is refused, in these words, and nothing is written.

    Returns the model's network and parameters.
    """
    read = getattr(Network, f"from_{framework}")
    network, before, _ = read(model)
    changed = before.copy()
    changed[-1] = theta
    with pytest.raises(MeanfieldError, match=f"^{answer}$"):
        getattr(network, f"into_{framework}")(changed, model)
    np.testing.assert_array_equal(read(model).theta, before)
    return network, before


def central_differences(function, theta, step=1e-5):
    shifts = step * np.eye(theta.size)
    return (function(theta + shifts) - function(theta - shifts)) / (2 * step)
