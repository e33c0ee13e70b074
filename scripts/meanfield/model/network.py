"""
A fully connected network: its architecture, where each parameter lies, and the forward pass in NumPy.

h_l = W_l a_{l−1} + b_l and a_l = f(h_l, β_l); the last layer's output is the logit z = β_L ∘ h_L. β is a parameter, in
every layer, only when the activation has a trainable one; else it is the constant 1 (docs/protocol.md, section Network).
Parameters form one vector: layer by layer W (row-major), b, β.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from meanfield.errors import MeanfieldError
from meanfield.model.activations import Activation, Derivatives, linear
from meanfield.model.arguments import count, shown
from meanfield.model.registry import activation

if TYPE_CHECKING:
    from meanfield.model.conversion import Trained

ARCHITECTURE = r"[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})*"


def hidden_widths(architecture: str) -> tuple[int, ...]:
    """Hidden widths as the paper writes them: "10" → (10,), "8-2" → (8, 2). MeanfieldError for anything else."""
    if not isinstance(architecture, str) or not re.fullmatch(ARCHITECTURE, architecture):
        raise MeanfieldError(
            f"architecture {shown(architecture)} is not understood; write hidden widths ≥ 1 as text, as in '10' or '8-2'"
        )
    return tuple(int(width) for width in architecture.split("-"))


class Layout(NamedTuple):
    """Where one layer's parameters lie in the parameter vector; `beta` is None where β is the constant 1."""

    inputs: int
    units: int
    weights: slice
    bias: slice
    beta: slice | None

    @property
    def affine(self) -> np.ndarray:
        """Indices of W̃ = [W, b] in the parameter vector, int64 [unit, input + 1]."""
        weights = np.arange(self.weights.start, self.weights.stop).reshape(self.units, self.inputs)
        return np.column_stack([weights, np.arange(self.bias.start, self.bias.stop)])

    @property
    def betas(self) -> np.ndarray:
        """Indices of β in the parameter vector, int64 [unit]; empty where β is no parameter."""
        return np.arange(self.beta.start, self.beta.stop) if self.beta else np.arange(0)


class Layer(NamedTuple):
    """Values of one layer's parameters: weights [..., unit, input], bias [..., unit], beta [..., unit]."""

    weights: np.ndarray
    bias: np.ndarray
    beta: np.ndarray


@dataclass(frozen=True)
class Network:
    """Widths from input to output, and the activation of the hidden units."""

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    activation: Activation

    @classmethod
    def of(cls, architecture: str, activation_name: str | Activation, inputs: int, outputs: int) -> "Network":
        """The network that the configuration names, e.g. `Network.of("8-2", "esp", inputs=2, outputs=1)`."""
        hidden, chosen = hidden_widths(architecture), activation(activation_name)
        return cls(count("inputs", inputs), hidden, count("outputs", outputs), chosen)

    # Models trained elsewhere; `conversion` is loaded where it is used.

    @classmethod
    def from_keras(cls, model: Any, activation: str | Activation | None = None) -> "Trained":
        """(network, theta, loss) of a fully connected Keras model; `activation` names the hidden one if the model cannot.

        float32 parameters are widened. A sigmoid or softmax at the end is taken off, and implies `loss`, else None.
        MeanfieldError, naming the layer, for anything that is not Dense, an activation, Dropout or Flatten, for a model
        whose output is not that of its layers one after another, or whose parameters are not theirs, each in one place, and
        finite (docs/library.md).
        """
        from meanfield.model import conversion

        return conversion.from_keras(model, activation)

    @classmethod
    def from_torch(cls, module: Any, activation: str | Activation | None = None) -> "Trained":
        """The same of a torch module: nn.Sequential, or a class of one's own whose layers are defined in their order.

        Where `forward` applies the activation as a function, no layer tells: name it in `activation`. Errors likewise.
        """
        from meanfield.model import conversion

        return conversion.from_torch(module, activation)

    @classmethod
    def from_sklearn(cls, estimator: Any) -> "Trained":
        """The same of a fitted MLPClassifier or MLPRegressor, whose loss is always known. Errors likewise.

        A classifier of several labels at once sums over them: its Hessian takes `factor=1 / len(features)`.
        """
        from meanfield.model import conversion

        return conversion.from_sklearn(estimator)

    def into_keras(self, theta: np.ndarray, model: Any) -> None:
        """Write theta [P] into a Keras model of the same layers, rounded to its precision, in which it must be finite.

        MeanfieldError, with nothing written, for another model or theta.
        """
        from meanfield.model import conversion

        conversion.into_keras(self, theta, model)

    def into_torch(self, theta: np.ndarray, module: Any) -> None:
        """The same for a torch module."""
        from meanfield.model import conversion

        conversion.into_torch(self, theta, module)

    def into_sklearn(self, theta: np.ndarray, estimator: Any) -> None:
        """The same for a fitted estimator of scikit-learn, in place."""
        from meanfield.model import conversion

        conversion.into_sklearn(self, theta, estimator)

    @cached_property
    def layout(self) -> tuple[Layout, ...]:
        """One `Layout` per layer, hidden layers first, the output layer last."""
        layers, offset = [], 0
        for inputs, units in zip((self.inputs, *self.hidden), (*self.hidden, self.outputs), strict=True):
            bias = offset + units * inputs
            beta = bias + units
            offset = beta + units * self.activation.trainable_beta
            layers.append(
                Layout(
                    inputs,
                    units,
                    weights=slice(bias - units * inputs, bias),
                    bias=slice(bias, beta),
                    beta=slice(beta, offset) if self.activation.trainable_beta else None,
                )
            )
        return tuple(layers)

    @property
    def size(self) -> int:
        """The number of parameters, P."""
        last = self.layout[-1]
        return (last.beta or last.bias).stop

    @cached_property
    def weights(self) -> np.ndarray:
        """Indices of all weights in the parameter vector, biases and β left out: int64."""
        return np.concatenate([np.arange(layout.weights.start, layout.weights.stop) for layout in self.layout])

    @property
    def parameter_names(self) -> list[str]:
        """A name for each parameter, in order: W1[0,0] …, b1[0] …, beta1[0] …; layers count from 1, units from 0."""
        names = []
        for number, layer in enumerate(self.layout, start=1):
            names += [f"W{number}[{i},{j}]" for i in range(layer.units) for j in range(layer.inputs)]
            names += [f"b{number}[{i}]" for i in range(layer.units)]
            names += [f"beta{number}[{i}]" for i in range(layer.units) if layer.beta]
        return names

    def unpack(self, theta: np.ndarray) -> list[Layer]:
        """Split theta [..., P] into layers (views). MeanfieldError for a wrong length."""
        if theta.shape[-1] != self.size:
            raise MeanfieldError(
                f"the parameter vector has {theta.shape[-1]} entries; this network has {self.size} parameters"
            )
        layers = []
        for layer in self.layout:
            weights = theta[..., layer.weights].reshape(*theta.shape[:-1], layer.units, layer.inputs)
            bias = theta[..., layer.bias]
            layers.append(Layer(weights, bias, theta[..., layer.beta] if layer.beta else np.ones_like(bias)))
        return layers

    def forward(self, layers: list[Layer], features: np.ndarray) -> list[Derivatives]:
        """Forward pass of features [sample, input]; each layer's activation with its derivatives, [..., sample, unit].

        The last entry is the output layer: its `value` is the logit z.
        """
        states, signal = [], features
        for number, layer in enumerate(layers, start=1):
            h = signal @ layer.weights.swapaxes(-1, -2) + layer.bias[..., None, :]
            f = linear if number == len(layers) else self.activation.derivatives
            states.append(f(h, layer.beta[..., None, :]))
            signal = states[-1].value
        return states
