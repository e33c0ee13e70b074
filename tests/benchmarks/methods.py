"""
The Hessian of one network, by the closed form and by automatic differentiation in four frameworks.

The case is the digits network of the paper: 64-25-10, ESP, N = 1437, P = 1920, float64, on random data of that shape. Each
framework is given its best reasonable form: compiled, columns in batches where that helps.
"""

from collections.abc import Callable

import numpy as np
from meanfield.curvature import hessian
from meanfield.model.losses import SIGMOID_CROSS_ENTROPY
from meanfield.model.network import Network
from meanfield.model.propagation import Objective

BATCH = 64  # columns of the Hessian at once, for the methods that go by batches


def case(architecture: str = "25", inputs: int = 64, outputs: int = 10, samples: int = 1437, activation: str = "esp"):
    """(network, theta, objective): random pixels 0…16 over 255, random one-hot labels, weights of order 0.3."""
    rng = np.random.default_rng(0)
    network = Network.of(architecture, activation, inputs, outputs)
    features = rng.integers(0, 17, (samples, inputs)) / 255
    target = np.eye(outputs)[rng.integers(0, outputs, samples)]
    objective = Objective(
        SIGMOID_CROSS_ENTROPY, features, target, SIGMOID_CROSS_ENTROPY.averaging(samples, outputs, "float64")
    )
    return network, rng.normal(scale=0.3, size=network.size), objective


def closed_form(network: Network, theta: np.ndarray, objective: Objective) -> Callable[[], np.ndarray]:
    return lambda: hessian.hessian(theta, network, objective)


def eigenvalues(network: Network, theta: np.ndarray, objective: Objective) -> Callable[[], np.ndarray]:
    matrix = hessian.hessian(theta, network, objective)
    return lambda: np.linalg.eigvalsh(matrix)


def _jax_loss(network: Network, objective: Objective):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    features, target = jnp.array(objective.features), jnp.array(objective.target)

    def loss(theta):
        signal = features
        for number, layout in enumerate(network.layout):
            weights = theta[layout.weights].reshape(layout.units, layout.inputs)
            h, beta = signal @ weights.T + theta[layout.bias], theta[layout.beta]
            signal = h * jax.nn.sigmoid(beta * h) if number < len(network.layout) - 1 else beta * h
        z = signal
        return jnp.mean(jnp.maximum(z, 0) - z * target + jnp.log1p(jnp.exp(-jnp.abs(z))))

    return jax, jnp, loss


def jax_hessian(network: Network, theta: np.ndarray, objective: Objective) -> Callable[[], np.ndarray]:
    jax, jnp, loss = _jax_loss(network, objective)
    function, argument = jax.jit(jax.hessian(loss)), jnp.array(theta)
    return lambda: np.asarray(function(argument))


def jax_forward_over_reverse(network: Network, theta: np.ndarray, objective: Objective) -> Callable[[], np.ndarray]:
    jax, jnp, loss = _jax_loss(network, objective)

    def full(theta):
        column = lambda v: jax.jvp(jax.grad(loss), (theta,), (v,))[1]  # noqa: E731
        return jax.lax.map(column, jnp.eye(theta.size), batch_size=BATCH)

    function, argument = jax.jit(full), jnp.array(theta)
    return lambda: np.asarray(function(argument))


def torch_func(network: Network, theta: np.ndarray, objective: Objective) -> Callable[[], np.ndarray]:
    import torch

    features, target, argument = map(torch.from_numpy, (objective.features, objective.target, theta))

    def loss(theta):
        signal = features
        for number, layout in enumerate(network.layout):
            weights = theta[layout.weights].reshape(layout.units, layout.inputs)
            h, beta = signal @ weights.T + theta[layout.bias], theta[layout.beta]
            signal = h * torch.sigmoid(beta * h) if number < len(network.layout) - 1 else beta * h
        return torch.nn.functional.binary_cross_entropy_with_logits(signal, target)

    column = lambda v: torch.func.jvp(torch.func.grad(loss), (argument,), (v,))[1]  # noqa: E731
    full = torch.func.vmap(column, chunk_size=BATCH)
    return lambda: full(torch.eye(network.size, dtype=torch.float64)).numpy()


def tensorflow_forward_over_reverse(network: Network, theta: np.ndarray, objective: Objective) -> Callable[[], np.ndarray]:
    from meanfield.curvature import autodiff
    from meanfield.training.tensorflow_model import tf

    function = autodiff.compiled(network, objective.features, objective.target, objective.loss.name, xla=True)
    argument = tf.constant(theta)
    return lambda: function(argument).numpy()


def tensorflow_jacobian(network: Network, theta: np.ndarray, objective: Objective) -> Callable[[], np.ndarray]:
    from meanfield.training.tensorflow_model import cost, output_layer, tf

    features, target = tf.constant(objective.features.T), tf.constant(objective.target.T)

    @tf.function
    def function(theta):
        with tf.GradientTape() as outer:
            outer.watch(theta)
            with tf.GradientTape() as inner:
                inner.watch(theta)
                h, beta = output_layer(theta[None], network, features)
                value = cost(beta * h, target, objective.loss.name, "float64")
            gradient = inner.gradient(value, theta)
        return outer.jacobian(gradient, theta)

    argument = tf.constant(theta)
    return lambda: function(argument).numpy()


METHODS = {
    "closed form": closed_form,
    "symmetric eigenvalue solve of the result": eigenvalues,
    "TensorFlow, forward over reverse (XLA)": tensorflow_forward_over_reverse,
    "TensorFlow, jacobian": tensorflow_jacobian,
    "JAX, jax.hessian": jax_hessian,
    "JAX, forward over reverse": jax_forward_over_reverse,
    "PyTorch, torch.func": torch_func,
}
