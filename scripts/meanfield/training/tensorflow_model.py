"""
The network of `network`, as TensorFlow computes it. This is the only module that imports TensorFlow.

Signals have the axes [seed, unit, sample], the original's orientation with a leading seed axis; parameters are flat,
[seed, P], in the order of `network`. Everything is float64 except the average in the cost (docs/protocol.md).
"""

import os
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Must be set before TensorFlow loads: the same bits with and without oneDNN, but without its notice in every log.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
# Without it TensorFlow loads all of Keras, which nothing here uses and which takes almost half of the import's time.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import tensorflow as tf

from meanfield.model.activations import Activation
from meanfield.model.formula import evaluate, parse
from meanfield.model.network import Network

LARGEST = 709.0  # beyond it exp overflows


def _inside(function: Callable, domain: Callable[[tf.Tensor], tf.Tensor], instead: float, outside: float) -> Callable:
    """The function, but `outside` out of its domain, where only a case of a formula asks for it that does not hold.

    Finite, and of derivative 0, so that `where` does not multiply 0 by ∞. `instead` is a number of the domain.
    """

    def total(x: tf.Tensor) -> tf.Tensor:
        held = domain(x)
        return tf.where(held, function(tf.where(held, x, _number(instead))), _number(outside))

    return total


def _number(value: float) -> tf.Tensor:
    return tf.constant(value, tf.float64)


def _power(base: tf.Tensor, exponent: float) -> tf.Tensor:
    if exponent == 0:
        return tf.ones_like(base)
    if exponent < 0:
        return tf.math.divide_no_nan(_number(1), _power(base, -exponent))
    if exponent == int(exponent):
        return base**exponent
    return _inside(lambda x: x**exponent, lambda x: x > 0, 1, 0)(base)


FUNCTIONS = {
    "sigmoid": tf.sigmoid,
    "softplus": tf.math.softplus,
    "tanh": tf.tanh,
    "relu": tf.nn.relu,
    "erf": tf.math.erf,
    "exp": _inside(tf.exp, lambda x: x < LARGEST, 0, 8e307),
    "log": _inside(tf.math.log, lambda x: x > 0, 1, 0),
    "where": tf.where,
    "number": _number,
    "divide": tf.math.divide_no_nan,
    "power": _power,
}
"""What a formula's operations are in TensorFlow; total, since a formula is finite where its cases hold (`formula`)."""
LOSSES = {
    "sigmoid cross-entropy": lambda z, y: tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.broadcast_to(y, tf.shape(z)), logits=z
    ),
    "squared error": lambda z, y: (z - y) ** 2 / 2,
    "softmax cross-entropy": lambda z, y: -tf.reduce_sum(y * tf.nn.log_softmax(z, axis=-2), axis=-2, keepdims=True),
}
"""Per label and sample, or, of a loss that couples the labels, per sample: the mean over axes is that of the loss."""

PREDICTIONS = {
    "sigmoid cross-entropy": tf.sigmoid,
    "squared error": tf.identity,
    "softmax cross-entropy": lambda z: tf.nn.softmax(z, axis=-2),
}
"""ŷ from the network's output z, by loss."""


def configure(threads: int, gpu: bool = False) -> str:
    """Pin the number of threads and make every op deterministic; must come before TensorFlow's first use.

    Returns the device on which float64 work runs, "GPU" or "CPU": one GPU if `gpu` and one is visible, its memory taken as
    it is needed; else the CPU.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    found = tf.config.list_physical_devices("GPU")[:1] if gpu else []
    tf.config.set_visible_devices(found, "GPU")
    for device in found:
        tf.config.experimental.set_memory_growth(device, True)
    return "GPU" if found else "CPU"


def wide(value: tf.Tensor) -> tf.Tensor:
    """The same in float64."""
    return tf.cast(value, tf.float64)


@tf.autograph.experimental.do_not_convert  # it would warn that it cannot rewrite `match`, and need not
def activation(chosen: Activation, h: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    """f(h, β) from the activation's formula; float64 of h's shape."""
    values = {"h": h, "beta": beta if chosen.trainable_beta else _number(chosen.beta)}
    return evaluate(parse(chosen.formula), FUNCTIONS, values)


def output_layer(theta: tf.Tensor, network: Network, features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """(h_L, β_L) for theta [seed, P] and features [input, sample]: [seed, label, sample] and [seed, label, 1]."""
    signal = features
    for number, layout in enumerate(network.layout, start=1):
        weights = tf.reshape(theta[:, layout.weights], (-1, layout.units, layout.inputs))
        h = weights @ signal + theta[:, layout.bias, None]
        beta = theta[:, layout.beta, None] if layout.beta else tf.ones((1, 1, 1), tf.float64)
        if number < len(network.layout):
            signal = activation(network.activation, h, beta)
    return h, beta


def cost(z: tf.Tensor, target: tf.Tensor, loss: str, precision: str = "float32") -> tf.Tensor:
    """Mean loss per seed, float64 [seed], for z [seed, label, sample] and target [label, sample].

    The per-element losses are cast to `precision` before they are averaged and the mean is cast back: the original's
    float32, from which every gradient inherits its factor (docs/protocol.md, section Loss and optimizer).
    """
    return tf.cast(tf.reduce_mean(tf.cast(LOSSES[loss](z, target), precision), axis=(1, 2)), tf.float64)
