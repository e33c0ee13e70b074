"""
Training in the arithmetic of 2018: full batch, Adam, member by member, in NumPy. What it computes is what
`tensorflow_training` computes; what differs is the last bit, and what training makes of it (docs/arithmetic.md).
"""

from typing import NamedTuple

import numpy as np

from meanfield.errors import MeanfieldError
from meanfield.model.network import Layer, Network
from meanfield.training.arithmetic import (
    Environment,
    Exp,
    Kernels,
    in_order,
    insist_on_order,
    loss_and_slope,
    mean_in_float32,
    over_samples,
    product,
    sigmoid,
    sigmoid_gradient,
    weight_gradient,
)

ACTIVATIONS = ("esp", "relu", "sigmoid")
"""Those that were trained in 2018; of others its arithmetic is not known."""


class Signals(NamedTuple):
    """One layer's signals [unit, sample]: pre-activation h, z = βh, σ (None where the layer has none), activation."""

    h: np.ndarray
    z: np.ndarray
    s: np.ndarray | None
    a: np.ndarray


class Step(NamedTuple):
    """What one set of parameters gives: cost, gradient [P], h and z of the output layer [label, sample]."""

    cost: float
    gradient: np.ndarray
    h: np.ndarray
    z: np.ndarray


class Problem(NamedTuple):
    """A network and its training samples, features [input, sample] and target [label, sample], and the operations to use."""

    network: Network
    features: np.ndarray
    target: np.ndarray
    exp: Exp
    kernels: Kernels

    def forward(self, layers: list[Layer], features: np.ndarray) -> list[Signals]:
        """h = W a + b with the products summed first; z = βh, with β = 1 where it is not trained; a = f(h)."""
        signal, states = features, []
        for number, layer in enumerate(layers, start=1):
            h = product(layer.weights, signal) + layer.bias[:, None]
            z, s = layer.beta[:, None] * h, None
            if number < len(layers):
                if self.network.activation.name == "relu":
                    signal = np.maximum(h, 0.0)
                else:
                    s = sigmoid(z, self.exp)
                    signal = h * s if self.network.activation.trainable_beta else s
            states.append(Signals(h, z, s, signal))
        return states

    def step(self, theta: np.ndarray) -> Step:
        """Cost and gradient by back-propagation."""
        layers = self.network.unpack(theta)
        states = self.forward(layers, self.features)
        losses, slope = loss_and_slope(np.ascontiguousarray(states[-1].z.T), np.ascontiguousarray(self.target.T), self.exp)
        gradient = np.empty_like(theta)
        through_beta = np.ascontiguousarray(slope.T)  # ∂cost/∂z of the layer at hand
        delta = through_beta * layers[-1].beta[:, None]  # ∂cost/∂h
        for number in reversed(range(len(layers))):
            layout, below = self.network.layout[number], states[number - 1].a if number else self.features
            gradient[layout.weights] = weight_gradient(delta, below, self.kernels).ravel()
            gradient[layout.bias] = over_samples(delta)
            if layout.beta:
                gradient[layout.beta] = over_samples(through_beta * states[number].h)
            if number:
                error = product(np.ascontiguousarray(layers[number].weights.T), delta)  # Σ_i W[i, j] δ[i, t], in order of i
                delta, through_beta = self._hidden(states[number - 1], layers[number - 1], error)
        return Step(mean_in_float32(losses.ravel()), gradient, states[-1].h, states[-1].z)

    def _hidden(self, state: Signals, layer: Layer, error: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """∂cost/∂h, and ∂cost/∂z where β is trained, of a hidden layer from ∂cost/∂a."""
        if self.network.activation.name == "relu":
            return np.where(state.h > 0, error, 0.0), None
        if not self.network.activation.trainable_beta:
            return sigmoid_gradient(state.s, error), None
        through_beta = sigmoid_gradient(state.s, state.h * error)
        return error * state.s + through_beta * layer.beta[:, None], through_beta


class Adam:
    """Adam as TensorFlow 1 has it: hyperparameters in float32 and widened, powers of β₁ and β₂ multiplied in float32."""

    def __init__(self, theta: np.ndarray, rates: np.ndarray, optimizer: dict) -> None:
        self.theta, self.rates, self.updates = theta.copy(), rates, 0
        self.first, self.second = np.zeros_like(theta), np.zeros_like(theta)
        self.beta1, self.beta2 = np.float32(optimizer["beta1"]), np.float32(optimizer["beta2"])
        self.power1 = self.power2 = np.float32(1)
        self.epsilon = float(np.float32(optimizer["epsilon"]))

    def update(self, gradient: np.ndarray) -> None:
        """θ −= m α/(√v + ε) with α = rate √(1 − β₂ᵗ)/(1 − β₁ᵗ); m and v move by (g − m)(1 − β₁) and (g² − v)(1 − β₂)."""
        self.power1, self.power2 = self.power1 * self.beta1, self.power2 * self.beta2
        rate = float(self.rates[self.updates]) * np.sqrt(1.0 - float(self.power2)) / (1.0 - float(self.power1))
        self.first += (gradient - self.first) * (1.0 - float(self.beta1))
        self.second += (gradient * gradient - self.second) * (1.0 - float(self.beta2))
        self.theta = self.theta - (self.first * rate) / (np.sqrt(self.second) + self.epsilon)
        self.updates += 1


class Trainer:
    """All members of a run, one after another; the same interface as `tensorflow_training.Trainer`."""

    def __init__(
        self, network: Network, sets: dict, initial: np.ndarray, rates: np.ndarray, optimizer: dict, residual_output: str,
        *, environment: Environment,
    ) -> None:  # fmt: skip
        """`sets` (features [sample, input], target [sample, label]) of "train" and "test"; `initial` [seed, P].

        MeanfieldError for an activation that was not trained in 2018, for another optimizer, and where NumPy adds in another
        order.
        """
        insist_on_order()
        if network.activation.name not in ACTIVATIONS:
            raise MeanfieldError(
                f"the arithmetic of 2018 is known for {', '.join(ACTIVATIONS)}, not for {network.activation.name}; set "
                "arithmetic: tensorflow"
            )
        if (optimizer["method"], optimizer["batch_size"], optimizer["l2"]) != ("adam", None, 0):
            raise MeanfieldError("the arithmetic of 2018 is Adam's, full batch, without l2; set arithmetic: tensorflow")
        features, target = (np.ascontiguousarray(array.T) for array in sets["train"])
        self.problem = Problem(network, features, target, environment.exp, environment.kernels)
        self.test_features = np.ascontiguousarray(sets["test"][0].T)
        self.members = [Adam(theta, rates, optimizer) for theta in initial]
        self.residual_output = residual_output
        self.diverged = np.full(len(initial), -1)

    @property
    def theta(self) -> np.ndarray:
        """The parameters as they are now, [seed, P]."""
        return np.stack([member.theta for member in self.members])

    def advance(self, updates: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """So many updates on; cost [seed], z [seed, label, sample] and gradient [seed, P] before the last of them."""
        with np.errstate(over="ignore", invalid="ignore"):
            last = [self._advance(number, updates) for number in range(len(self.members))]
        return tuple(np.stack([getattr(step, name) for step in last]) for name in ("cost", "z", "gradient"))

    def _advance(self, number: int, updates: int) -> Step:
        member = self.members[number]
        for _ in range(updates):
            step = self.problem.step(member.theta)
            if self.diverged[number] < 0 and not np.isfinite(step.cost):
                self.diverged[number] = member.updates
            member.update(step.gradient)
        return step

    def measure(self) -> tuple[np.ndarray, ...]:
        """As they are now: cost [seed], z [seed, label, sample], gradient norm [seed], residual ŷ − y, z of the test set."""
        with np.errstate(over="ignore", invalid="ignore"):
            return tuple(map(np.stack, zip(*(self._measured(member.theta) for member in self.members), strict=True)))

    def _measured(self, theta: np.ndarray) -> tuple[float, np.ndarray, float, np.ndarray, np.ndarray]:
        step = self.problem.step(theta)
        prediction = sigmoid(step.z, self.problem.exp)
        if self.residual_output == "esp":  # the original's digits script; docs/protocol.md, section Indices
            prediction = prediction * step.h
        norm = float(np.sqrt(in_order(step.gradient * step.gradient, 0)))
        test_z = self.problem.forward(self.problem.network.unpack(theta), self.test_features)[-1].z
        return step.cost, step.z, norm, prediction - self.problem.target, test_z
