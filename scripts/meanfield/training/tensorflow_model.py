"""
The network of `network`, as TensorFlow computes it. This is the only module that imports TensorFlow.

Signals have the axes [seed, unit, sample], the original's orientation with a leading seed axis; parameters are flat,
[seed, P], in the order of `network`. Everything is float64 except the average in the cost (docs/protocol.md).
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Must be set before TensorFlow loads: the same bits with and without oneDNN, but without its notice in every log.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
# Without it TensorFlow loads all of Keras, which nothing here uses and which takes almost half of the import's time.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import tensorflow as tf

from meanfield.model.network import Network

ACTIVATIONS = {
    "esp": lambda h, beta: h * tf.sigmoid(beta * h),
    "relu": lambda h, beta: tf.nn.relu(h),
    "sigmoid": lambda h, beta: tf.sigmoid(h),
    "tanh": lambda h, beta: tf.tanh(h),
    "silu": lambda h, beta: h * tf.sigmoid(h),
    "gelu": lambda h, beta: h * 0.5 * tf.math.erfc(-h * 0.5**0.5),
    "softplus": lambda h, beta: tf.math.softplus(h),
}
LOSSES = {
    "sigmoid cross-entropy": lambda z, y: tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.broadcast_to(y, tf.shape(z)), logits=z
    ),
    "squared error": lambda z, y: (z - y) ** 2 / 2,
}

PREDICTIONS = {"sigmoid cross-entropy": tf.sigmoid, "squared error": tf.identity}
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


def output_layer(theta: tf.Tensor, network: Network, features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """(h_L, β_L) for theta [seed, P] and features [input, sample]: [seed, label, sample] and [seed, label, 1]."""
    signal = features
    for number, layout in enumerate(network.layout, start=1):
        weights = tf.reshape(theta[:, layout.weights], (-1, layout.units, layout.inputs))
        h = weights @ signal + theta[:, layout.bias, None]
        beta = theta[:, layout.beta, None] if layout.beta else tf.ones((1, 1, 1), tf.float64)
        if number < len(network.layout):
            signal = ACTIVATIONS[network.activation.name](h, beta)
    return h, beta


def cost(z: tf.Tensor, target: tf.Tensor, loss: str, precision: str = "float32") -> tf.Tensor:
    """Mean loss per seed, float64 [seed], for z [seed, label, sample] and target [label, sample].

    The per-element losses are cast to `precision` before they are averaged and the mean is cast back: the original's
    float32, from which every gradient inherits its factor (docs/protocol.md, section Loss and optimizer).
    """
    return tf.cast(tf.reduce_mean(tf.cast(LOSSES[loss](z, target), precision), axis=(1, 2)), tf.float64)
