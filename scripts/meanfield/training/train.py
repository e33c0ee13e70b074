"""
Training as published in 2018, to the bit: TensorFlow, full batch, Adam, all seeds of a run along a leading axis.

The protocol is docs/protocol.md's, sections "Initial state", "Loss and optimizer" and "What is recorded, and when". From one
record to the next the updates run inside one compiled loop, without Python.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import xarray as xr

from meanfield.data.storage import diverged_members
from meanfield.data.task import part, task_of
from meanfield.errors import MeanfieldError
from meanfield.model.losses import LOSS_OF, REGRESSION
from meanfield.model.network import Network
from meanfield.training.schedule import learning_rates, recorded_updates
from meanfield.training.tensorflow_model import PREDICTIONS, cost, output_layer, tf

RATE = ("learning_rate", "decay_rate", "decay_updates")
BETA_OP_SEED_STEP = 25  # the original's β op seeds grow by this from layer to layer


class State(NamedTuple):
    """Parameters, Adam's moments [seed, P], the float32 powers of β₁ and β₂, the update."""

    theta: tf.Tensor
    first: tf.Tensor
    second: tf.Tensor
    power1: tf.Tensor
    power2: tf.Tensor
    step: tf.Tensor
    diverged: tf.Tensor  # int32 [seed]: the update at which the cost ceased to be finite, or −1


def initial_parameters(network: Network, seed: int, beta_stddev: float, beta_op_seed: int) -> np.ndarray:
    """Initial parameter vector of graph seed `seed`, float64 [P] (docs/protocol.md, section Initial state).

    Glorot-uniform weights from op seed 1 in every layer, zero biases, normal β with the layer's own op seed. The stateful
    ops draw from their seeds once per session, so each vector is drawn in a graph of its own.
    """
    theta = np.zeros(network.size)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session, tf.device("/cpu:0"):
        for number, layout in enumerate(network.layout):
            limit = np.sqrt(6 / (layout.inputs + layout.units))
            shape = (layout.units, layout.inputs)
            uniform = tf.raw_ops.RandomUniform(shape=shape, dtype=tf.float64, seed=seed, seed2=1)
            theta[layout.weights] = session.run(uniform * (limit - -limit) + -limit).ravel()
            if layout.beta:
                op_seed = beta_op_seed + BETA_OP_SEED_STEP * number
                normal = tf.raw_ops.RandomStandardNormal(shape=(layout.units, 1), dtype=tf.float64, seed=seed, seed2=op_seed)
                theta[layout.beta] = session.run(normal * beta_stddev).ravel()
    return theta


def initial_members(network: Network, seeds: Sequence[int], beta_stddev: float, beta_op_seed: int) -> np.ndarray:
    """Initial parameters of several graph seeds, float64 [seed, P]."""
    return np.stack([initial_parameters(network, seed, beta_stddev, beta_op_seed) for seed in seeds])


def _float32(value: float) -> tf.Tensor:
    """The original keeps its hyperparameters in float32 and casts them to float64."""
    return tf.constant(value, tf.float32)


def _wide(value: tf.Tensor) -> tf.Tensor:
    return tf.cast(value, tf.float64)


def _by_unit(samples: np.ndarray) -> np.ndarray:
    """[…, sample, unit] as […, unit, sample], the original's orientation."""
    return samples.swapaxes(-1, -2)


def _compiled_update(
    network: Network, mean_loss: Callable, features: np.ndarray, target: np.ndarray, rates: np.ndarray, optimizer: dict
) -> Callable[[State, tf.Tensor], tuple[State, tf.Tensor, tf.Tensor]]:
    """advance(state, updates) → (state after them; cost [seed] and z [seed, label, sample] before the last of them)."""
    features, target = (tf.constant(_by_unit(array)) for array in (features, target))
    rates = tf.constant(rates)
    beta1, beta2 = _float32(optimizer["beta1"]), _float32(optimizer["beta2"])
    epsilon = _wide(_float32(optimizer["epsilon"]))

    def update(state: State) -> tuple[State, tf.Tensor, tf.Tensor]:
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
        newly = (state.diverged < 0) & ~tf.math.is_finite(value)
        diverged = tf.where(newly, state.step, state.diverged)
        return State(theta, first, second, power1, power2, state.step + 1, diverged), value, beta * h

    @tf.function
    def advance(state: State, updates: tf.Tensor) -> tuple[State, tf.Tensor, tf.Tensor]:
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


def score(z: np.ndarray, target: np.ndarray, task: str) -> np.ndarray:
    """Accuracy per seed, or R² for a regression: z [seed, label, sample], target [label, sample] or [seed, label, sample].

    Accuracy is the share of samples classified correctly, averaged in float32, as published. One label: ŷ > ½. Several:
    argmax against the target's argmax. R² = 1 − Σ(ŷ − y)²/Σ(y − ȳ)².
    """
    if task == REGRESSION:
        spread = ((target - target.mean(axis=-1, keepdims=True)) ** 2).sum(axis=(-2, -1))
        return 1 - ((z - target) ** 2).sum(axis=(1, 2)) / spread
    if target.shape[-2] == 1:
        correct = (z > 0) == (target > 0.5)
        return correct[:, 0].astype(np.float32).mean(axis=-1)
    return (z.argmax(axis=1) == target.argmax(axis=-2)).astype(np.float32).mean(axis=-1)


def train(
    network: Network,
    dataset: xr.Dataset,
    initial: np.ndarray,
    *,
    seeds: Sequence[int],
    updates: int,
    recording: dict,
    optimizer: dict,
    averaging: str = "float32",
    residual_output: str = "probability",
    progress: Callable[[Iterable, str], Iterable] = lambda items, unit: items,
) -> xr.Dataset:
    """Train one run from initial parameters [seed, P] and record its trajectory.

    Dims: seed, epoch, parameter, label, sample. `dataset` as `datasets` writes it; its task decides the loss; one with
    several splits has a split for each member. `seeds` are the members' names; `updates` and `recording` say when something
    is recorded (`schedule`); `optimizer` holds learning_rate, decay_rate, decay_updates, beta1, beta2, epsilon. At update t,
    cost and train_accuracy are those of the parameters before it, as published; all else is after it, cost_after and
    train_accuracy_after too. Accuracies are R² for a regression. `diverged` [seed] is the update at which a member's cost
    ceased to be finite, from where on all of it is NaN, or −1; the other members do not notice. MeanfieldError if all do.
    """
    sets = {name: part(dataset, name) for name in ("train", "test")}
    (features, target), (_, test_target) = sets["train"], sets["test"]
    target_by_label, test_target_by_label = _by_unit(target), _by_unit(test_target)
    records = recorded_updates(updates, **recording)
    rates = learning_rates(int(records[-1]) + 1, *(optimizer[key] for key in RATE))
    task = task_of(dataset)
    loss = LOSS_OF[task].name
    mean_loss = partial(cost, loss=loss, precision=averaging)
    advance = _compiled_update(network, mean_loss, features, target, rates, optimizer)
    measure = _compiled_measurements(network, mean_loss, PREDICTIONS[loss], sets["train"], sets["test"], residual_output)
    theta = tf.constant(initial)
    state = State(
        theta,
        tf.zeros_like(theta),
        tf.zeros_like(theta),
        _float32(1.0),
        _float32(1.0),
        tf.constant(0),
        tf.fill([len(seeds)], -1),
    )
    rows, previous = [], -1
    for update in progress(records, "record"):
        state, value, z = advance(state, tf.constant(int(update) - previous))
        previous = int(update)
        if (state.diverged.numpy() >= 0).all():
            raise MeanfieldError(
                f"the cost is no longer finite: {diverged_members(state.diverged.numpy(), seeds)}; lower "
                "optimizer.learning_rate, or check the features' scale"
            )
        value_after, z_after, gradient_norm, residual, test_z = measure(state.theta)
        rows.append(
            {
                "cost": value.numpy(),
                "train_accuracy": score(z.numpy(), target_by_label, task),
                "cost_after": value_after.numpy(),
                "train_accuracy_after": score(z_after.numpy(), target_by_label, task),
                "test_accuracy": score(test_z.numpy(), test_target_by_label, task),
                "gradient_norm": gradient_norm.numpy(),
                "parameters": state.theta.numpy(),
                "residual": residual.numpy(),
            }
        )
    arrays = {name: np.stack([row[name] for row in rows], axis=1).astype(float) for name in rows[0]}
    diverged = _without_diverged(arrays, records, state.diverged.numpy())
    inner = {"parameters": ("parameter",), "residual": ("label", "sample")}
    variables = {name: (("seed", "epoch", *inner.get(name, ())), array) for name, array in arrays.items()}
    return xr.Dataset(
        {**variables, "diverged": ("seed", diverged)},
        coords={"seed": list(seeds), "epoch": records, "parameter": network.parameter_names},
    )


def _without_diverged(arrays: dict[str, np.ndarray], records: np.ndarray, diverged: np.ndarray) -> np.ndarray:
    """Blank, in place, arrays [seed, epoch, …] from where a member is not finite; the update where, or −1, int64 [seed].

    The last update before a record can overflow without any cost before it having done so.
    """
    scalars = [arrays[name] for name in ("cost", "cost_after", "gradient_norm")]
    finite = np.isfinite([*scalars, arrays["parameters"].sum(axis=-1)]).all(axis=0)
    finite &= (diverged < 0)[:, None] | (records < diverged[:, None])
    alive = np.logical_and.accumulate(finite, axis=1)
    for array in arrays.values():
        array[~alive] = np.nan
    first = np.where(alive.all(axis=1), -1, records[alive.argmin(axis=1)])
    return np.where(diverged >= 0, diverged, first).astype(np.int64)
