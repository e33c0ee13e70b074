"""The same Hessian by automatic differentiation in TensorFlow: the independent check of `hessian`, and slower."""

from collections.abc import Callable

import numpy as np

from meanfield.model.network import Network
from meanfield.training.tensorflow_model import cost, output_layer, tf


def hessian(
    theta: np.ndarray, network: Network, features: np.ndarray, target: np.ndarray, loss: str, averaging: str = "float64"
) -> np.ndarray:
    """Forward-over-reverse, one column after another: theta [P], features [sample, input], target [sample, label].

    Returns float64 [P, P]. `averaging` is the precision of the mean, as in training: with "float32" the Hessian carries
    the published averaging factor.
    """
    return compiled(network, features, target, loss, averaging)(tf.constant(theta)).numpy()


def compiled(
    network: Network, features: np.ndarray, target: np.ndarray, loss: str, averaging: str = "float64", xla: bool = False
) -> tf.types.experimental.PolymorphicFunction:
    """theta [P] → Hessian [P, P] as a TensorFlow function, compiled by XLA or not."""
    column = product(network, features, target, loss, averaging)

    @tf.function(jit_compile=xla)
    def full(theta: tf.Tensor) -> tf.Tensor:
        basis = tf.eye(network.size, dtype=tf.float64)
        return tf.map_fn(lambda direction: column(theta, direction), basis)

    return full


def product(
    network: Network, features: np.ndarray, target: np.ndarray, loss: str, averaging: str = "float64"
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """(theta [P], v [P]) ↦ Hv [P], the derivative of the gradient along v (Pearlmutter 1994, Neural Computation 6:147)."""
    features, target = tf.constant(features.T), tf.constant(target.T)

    def gradient(theta: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(theta)
            h, beta = output_layer(theta[None], network, features)
            value = cost(beta * h, target, loss, averaging)
        return tape.gradient(value, theta)

    def along(theta: tf.Tensor, direction: tf.Tensor) -> tf.Tensor:
        with tf.autodiff.ForwardAccumulator(theta, direction) as accumulator:
            result = gradient(theta)
        return accumulator.jvp(result)

    return along
