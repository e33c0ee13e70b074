"""
What an update makes of a gradient: Adam as in 2018, plain gradient descent, momentum; with TensorFlow, all members at once.

Each is made from the configuration's `optimizer` and has `start(theta)`, what it remembers at first, a tuple of tensors, and
`step(theta, memory, gradient, rate)`, which returns new parameters [seed, P] and memory; `rate` is a float32 scalar.
"""

from meanfield.training.tensorflow_model import tf, wide

Memory = tuple[tf.Tensor, ...]


def float32(value: float) -> tf.Tensor:
    """The original keeps its hyperparameters in float32 and casts them to float64."""
    return tf.constant(value, tf.float32)


class Adam:
    """Adam (Kingma and Ba 2015) as TensorFlow 1 has it: constants rounded to float32, powers of β₁ and β₂ kept in it."""

    def __init__(self, optimizer: dict) -> None:
        self.beta1, self.beta2 = float32(optimizer["beta1"]), float32(optimizer["beta2"])
        self.epsilon = wide(float32(optimizer["epsilon"]))

    def start(self, theta: tf.Tensor) -> Memory:
        """Both moments [seed, P], the float32 powers of β₁ and β₂."""
        zeros, one = tf.zeros_like(theta), float32(1.0)
        return zeros, zeros, one, one

    def step(self, theta: tf.Tensor, memory: Memory, gradient: tf.Tensor, rate: tf.Tensor) -> tuple[tf.Tensor, Memory]:
        """θ ← θ − m α/(√v + ε) with α = rate √(1 − β₂ᵗ)/(1 − β₁ᵗ); m and v move by (g − m)(1 − β₁) and (g² − v)(1 − β₂)."""
        first, second, power1, power2 = memory
        power1, power2 = power1 * self.beta1, power2 * self.beta2
        step_rate = wide(rate)
        step_rate = step_rate * tf.sqrt(1 - wide(power2)) / (1 - wide(power1))
        first = first + (gradient - first) * (1 - wide(self.beta1))
        second = second + (gradient * gradient - second) * (1 - wide(self.beta2))
        theta = theta - first * step_rate / (tf.sqrt(second) + self.epsilon)
        return theta, (first, second, power1, power2)


class Descent:
    """Plain gradient descent, called SGD when its gradients are of batches."""

    def __init__(self, optimizer: dict) -> None:
        pass

    def start(self, theta: tf.Tensor) -> Memory:
        """Nothing."""
        return ()

    def step(self, theta: tf.Tensor, memory: Memory, gradient: tf.Tensor, rate: tf.Tensor) -> tuple[tf.Tensor, Memory]:
        """θ ← θ − rate · g."""
        return theta - wide(rate) * gradient, memory


class Momentum:
    """Gradient descent with momentum, as PyTorch's SGD: v ← m·v + g; θ ← θ − rate·v, with v = 0 at first.

    Keras' SGD has the rate within v (v ← m·v − rate·g; θ ← θ + v), which is the same as long as the rate stays.
    """

    def __init__(self, optimizer: dict) -> None:
        self.momentum = tf.constant(optimizer["momentum"], tf.float64)

    def start(self, theta: tf.Tensor) -> Memory:
        """The velocity [seed, P]."""
        return (tf.zeros_like(theta),)

    def step(self, theta: tf.Tensor, memory: Memory, gradient: tf.Tensor, rate: tf.Tensor) -> tuple[tf.Tensor, Memory]:
        """v ← m·v + g; θ ← θ − rate·v."""
        velocity = self.momentum * memory[0] + gradient
        return theta - wide(rate) * velocity, (velocity,)


OPTIMIZERS = {"adam": Adam, "sgd": Descent, "momentum": Momentum}
"""By the configuration's `optimizer.method`."""
