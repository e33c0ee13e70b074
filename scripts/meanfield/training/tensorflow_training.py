"""
Training by TensorFlow's kernels: all seeds of a run along a leading axis, by any of `optimizers`, full batch or in batches.

From one record to the next the updates run inside one compiled loop, without Python. What is recorded is always of the whole
training set; in batches, only the updates between see less of it.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from meanfield.model.network import Network
from meanfield.training.batches import Batches
from meanfield.training.optimizers import OPTIMIZERS, Memory
from meanfield.training.tensorflow_model import PREDICTIONS, cost, output_layer, tf


class State(NamedTuple):
    """Parameters [seed, P], what the optimizer remembers, the update."""

    theta: tf.Tensor
    memory: Memory
    step: tf.Tensor
    diverged: tf.Tensor  # int32 [seed]: the update at which the cost ceased to be finite, or −1


class Step(NamedTuple):
    """What parameters give: cost [seed], h [seed, label, sample] and β of the output layer, gradient [seed, P]."""

    cost: tf.Tensor
    h: tf.Tensor
    beta: tf.Tensor
    gradient: tf.Tensor


class Objective(NamedTuple):
    """What is minimised: the mean loss of a network over samples, and l2/2 · Σ W² over its weights, not biases, not β."""

    network: Network
    mean_loss: Callable
    l2: float

    def step(self, theta: tf.Tensor, features: tf.Tensor, target: tf.Tensor) -> Step:
        """Cost and gradient over features […, input, sample] and target […, label, sample], with or without a seed axis."""
        with tf.GradientTape() as tape:
            tape.watch(theta)
            h, beta = output_layer(theta, self.network, features)
            value = self.mean_loss(beta * h, target)
            if self.l2:
                value += self.l2 / 2 * tf.reduce_sum((self._weights() * theta) ** 2, axis=-1)
        return Step(value, h, beta, tape.gradient(value, theta))

    def _weights(self) -> np.ndarray:
        """1 for every parameter that is a weight, else 0: float64 [P]."""
        found = np.zeros(self.network.size)
        for layout in self.network.layout:
            found[layout.weights] = 1
        return found


def _by_unit(samples: np.ndarray) -> np.ndarray:
    """[…, sample, unit] as […, unit, sample], the original's orientation."""
    return samples.swapaxes(-1, -2)


def _compiled_update(
    objective: Objective, samples: tuple[np.ndarray, np.ndarray], rates: np.ndarray, optimizer: dict, random_rounding: bool
) -> Callable[[State, tf.Tensor, tf.Tensor | None], tuple[State, tf.Tensor, tf.Tensor, tf.Tensor]]:
    """advance(state, updates, batches) → (state after them; cost [seed], z [seed, label, sample], gradient before the last).

    `batches` are the samples that each update sees, int32 [update, seed, sample]; None: all of them.
    """
    by_sample, whole = ([tf.constant(turned(array)) for array in samples] for turned in (np.asarray, _by_unit))
    rates, method = tf.constant(rates), OPTIMIZERS[optimizer["method"]](optimizer)

    def chosen(batch: tf.Tensor) -> list[tf.Tensor]:
        """Features and target of a batch [seed, sample], as [seed, …, sample]."""
        parts = (tf.gather(array, batch, axis=-2, batch_dims=array.shape.rank - 2) for array in by_sample)
        return [tf.linalg.matrix_transpose(part) for part in parts]

    def update(state: State, seen: Step) -> State:
        theta, memory = method.step(state.theta, state.memory, seen.gradient, tf.gather(rates, state.step))
        if random_rounding:  # to a neighbour above or below, or not; what did not move stays
            direction = tf.random.stateless_uniform(theta.shape, [1, state.step], -1, 2, tf.int32)
            neighbour = tf.math.nextafter(theta, theta + tf.cast(direction, tf.float64))
            theta = tf.where(theta != state.theta, neighbour, theta)
        newly = (state.diverged < 0) & ~tf.math.is_finite(seen.cost)
        return State(theta, memory, state.step + 1, tf.where(newly, state.step, state.diverged))

    @tf.function(reduce_retracing=True)
    def advance(
        state: State, updates: tf.Tensor, batches: tf.Tensor | None
    ) -> tuple[State, tf.Tensor, tf.Tensor, tf.Tensor]:
        def seen(now: State) -> Step:
            part = whole if batches is None else chosen(batches[now.step - first])
            return objective.step(now.theta, *part)

        first, last = state.step, state.step + updates - 1
        state = tf.while_loop(lambda s: s.step < last, lambda s: (update(s, seen(s)),), (state,))[0]
        before = objective.step(state.theta, *whole)
        after = update(state, before if batches is None else seen(state))
        return after, before.cost, before.beta * before.h, before.gradient

    return advance


def _compiled_measurements(
    objective: Objective, predict: Callable, train: tuple, test: tuple, residual_output: str
) -> Callable:
    """measure(theta) → cost [seed], z [seed, label, sample], gradient norm [seed], residual ŷ − y, z on the test set."""
    features, target, test_features = (tf.constant(_by_unit(array)) for array in (*train, test[0]))

    @tf.function
    def measure(theta: tf.Tensor) -> tuple[tf.Tensor, ...]:
        value, h, beta, gradient = objective.step(theta, features, target)
        prediction = predict(beta * h)
        if residual_output == "esp":  # the original's digits script; docs/protocol.md, section Indices
            prediction = prediction * h
        test_h, test_beta = output_layer(theta, objective.network, test_features)
        norm = tf.norm(gradient, axis=-1)
        return value, beta * h, norm, prediction - target, test_beta * test_h

    return measure


class Trainer:
    """All members of a run at once; the same interface as `replay.Trainer`."""

    def __init__(
        self, network: Network, sets: dict, initial: np.ndarray, rates: np.ndarray, optimizer: dict, residual_output: str,
        *, loss: str, averaging: str, batches: Batches | None = None, random_rounding: bool = False,
    ) -> None:  # fmt: skip
        """`sets` (features […, sample, input], target […, sample, label]) of "train" and "test"; `initial` [seed, P].

        `optimizer` holds method, its constants, and l2; with `batches` each update sees one, else all samples. With
        `random_rounding` every update moves every parameter to a neighbouring float64 or leaves it, at random.
        """
        objective = Objective(network, partial(cost, loss=loss, precision=averaging), optimizer["l2"])
        self._batches = batches
        self._update = _compiled_update(objective, sets["train"], rates, optimizer, random_rounding)
        self._measure = _compiled_measurements(objective, PREDICTIONS[loss], sets["train"], sets["test"], residual_output)
        theta = tf.constant(initial)
        memory = OPTIMIZERS[optimizer["method"]](optimizer).start(theta)
        self._state = State(theta, memory, tf.constant(0), tf.fill([len(initial)], -1))

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
        seen = self._batches and tf.constant(self._batches.of_updates(int(self._state.step), updates))
        self._state, *before = self._update(self._state, tf.constant(updates), seen)
        return tuple(part.numpy() for part in before)

    def measure(self) -> tuple[np.ndarray, ...]:
        """As they are now: cost [seed], z [seed, label, sample], gradient norm [seed], residual ŷ − y, z of the test set."""
        return tuple(part.numpy() for part in self._measure(self._state.theta))
