"""
Training by TensorFlow's kernels: full batch, Adam, all seeds of a run along a leading axis.

From one record to the next the updates run inside one compiled loop, without Python.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from meanfield.model.network import Network
from meanfield.training.tensorflow_model import PREDICTIONS, cost, output_layer, tf


class State(NamedTuple):
    """Parameters, Adam's moments [seed, P], the float32 powers of β₁ and β₂, the update."""

    theta: tf.Tensor
    first: tf.Tensor
    second: tf.Tensor
    power1: tf.Tensor
    power2: tf.Tensor
    step: tf.Tensor
    diverged: tf.Tensor  # int32 [seed]: the update at which the cost ceased to be finite, or −1


def _float32(value: float) -> tf.Tensor:
    """The original keeps its hyperparameters in float32 and casts them to float64."""
    return tf.constant(value, tf.float32)


def _wide(value: tf.Tensor) -> tf.Tensor:
    return tf.cast(value, tf.float64)


def _by_unit(samples: np.ndarray) -> np.ndarray:
    """[…, sample, unit] as […, unit, sample], the original's orientation."""
    return samples.swapaxes(-1, -2)


def _compiled_update(
    network: Network,
    mean_loss: Callable,
    features: np.ndarray,
    target: np.ndarray,
    rates: np.ndarray,
    optimizer: dict,
    random_rounding: bool,
) -> Callable[[State, tf.Tensor], tuple[State, tf.Tensor, tf.Tensor, tf.Tensor]]:
    """advance(state, updates) → (state after them; cost [seed], z [seed, label, sample], gradient before the last)."""
    features, target = (tf.constant(_by_unit(array)) for array in (features, target))
    rates = tf.constant(rates)
    beta1, beta2 = _float32(optimizer["beta1"]), _float32(optimizer["beta2"])
    epsilon = _wide(_float32(optimizer["epsilon"]))

    def update(state: State) -> tuple[State, tf.Tensor, tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(state.theta)
            h, beta = output_layer(state.theta, network, features)
            value = mean_loss(beta * h, target)
        gradient = tape.gradient(value, state.theta)
        power1, power2 = state.power1 * beta1, state.power2 * beta2
        step_rate = _wide(tf.gather(rates, state.step))
        step_rate = step_rate * tf.sqrt(1 - _wide(power2)) / (1 - _wide(power1))
        first = state.first + (gradient - state.first) * (1 - _wide(beta1))
        second = state.second + (gradient * gradient - state.second) * (1 - _wide(beta2))
        theta = state.theta - first * step_rate / (tf.sqrt(second) + epsilon)
        if random_rounding:  # to a neighbour above or below, or not; what did not move stays
            direction = tf.random.stateless_uniform(theta.shape, [1, state.step], -1, 2, tf.int32)
            neighbour = tf.math.nextafter(theta, theta + tf.cast(direction, tf.float64))
            theta = tf.where(theta != state.theta, neighbour, theta)
        newly = (state.diverged < 0) & ~tf.math.is_finite(value)
        diverged = tf.where(newly, state.step, state.diverged)
        return State(theta, first, second, power1, power2, state.step + 1, diverged), value, beta * h, gradient

    @tf.function
    def advance(state: State, updates: tf.Tensor) -> tuple[State, tf.Tensor, tf.Tensor, tf.Tensor]:
        last = state.step + updates - 1
        state = tf.while_loop(lambda s: s.step < last, lambda s: (update(s)[0],), (state,))[0]
        return update(state)

    return advance


def _compiled_measurements(
    network: Network, mean_loss: Callable, predict: Callable, train: tuple, test: tuple, residual_output: str
) -> Callable:
    """measure(theta) → cost [seed], z [seed, label, sample], gradient norm [seed], residual ŷ − y, z on the test set."""
    features, target, test_features = (tf.constant(_by_unit(array)) for array in (*train, test[0]))

    @tf.function
    def measure(theta: tf.Tensor) -> tuple[tf.Tensor, ...]:
        with tf.GradientTape() as tape:
            tape.watch(theta)
            h, beta = output_layer(theta, network, features)
            value = mean_loss(beta * h, target)
        prediction = predict(beta * h)
        if residual_output == "esp":  # the original's digits script; docs/protocol.md, section Indices
            prediction = prediction * h
        test_h, test_beta = output_layer(theta, network, test_features)
        norm = tf.norm(tape.gradient(value, theta), axis=-1)
        return value, beta * h, norm, prediction - target, test_beta * test_h

    return measure


class Trainer:
    """All members of a run at once; the same interface as `replay.Trainer`."""

    def __init__(
        self, network: Network, sets: dict, initial: np.ndarray, rates: np.ndarray, optimizer: dict, residual_output: str,
        *, loss: str, averaging: str, random_rounding: bool = False,
    ) -> None:  # fmt: skip
        """`sets` (features […, sample, input], target […, sample, label]) of "train" and "test"; `initial` [seed, P].

        With `random_rounding` every update moves every parameter to a neighbouring float64 or leaves it, at random.
        """
        mean_loss = partial(cost, loss=loss, precision=averaging)
        self._update = _compiled_update(network, mean_loss, *sets["train"], rates, optimizer, random_rounding)
        self._measure = _compiled_measurements(
            network, mean_loss, PREDICTIONS[loss], sets["train"], sets["test"], residual_output
        )
        theta = tf.constant(initial)
        zeros, one = tf.zeros_like(theta), _float32(1.0)
        self._state = State(theta, zeros, zeros, one, one, tf.constant(0), tf.fill([len(initial)], -1))

    @property
    def theta(self) -> np.ndarray:
        """The parameters as they are now, [seed, P]."""
        return self._state.theta.numpy()

    @property
    def diverged(self) -> np.ndarray:
        """The update at which a member's cost ceased to be finite, or −1: int32 [seed]."""
        return self._state.diverged.numpy()

    def advance(self, updates: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """So many updates on; cost [seed], z [seed, label, sample] and gradient [seed, P] before the last of them."""
        self._state, *before = self._update(self._state, tf.constant(updates))
        return tuple(part.numpy() for part in before)

    def measure(self) -> tuple[np.ndarray, ...]:
        """As they are now: cost [seed], z [seed, label, sample], gradient norm [seed], residual ŷ − y, z of the test set."""
        return tuple(part.numpy() for part in self._measure(self._state.theta))
