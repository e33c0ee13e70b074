"""
Models trained elsewhere — Keras, PyTorch, scikit-learn — as a `Network` with its parameters, and back (docs/library.md).

`frameworks` reads a model part by part; here the parts become a network. What their names cannot say (a `call` or `forward`
of one's own, a layer used twice, a branch) is settled by evaluation: at random inputs the model's output must be the
network's. And what no evaluation can say, which parameters the output depends on, is settled by comparing them.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import scipy  # its subpackages are loaded where they are first used

from meanfield.errors import MeanfieldError
from meanfield.model import arguments, frameworks, losses
from meanfield.model.activations import Activation
from meanfield.model.frameworks import Affine, Model, Part
from meanfield.model.network import Layer, Network
from meanfield.model.registry import ACTIVATIONS, activation

OUTPUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": losses.SQUARED_ERROR.prediction,
    "sigmoid": losses.SIGMOID_CROSS_ENTROPY.prediction,
    "softmax": losses.SOFTMAX_CROSS_ENTROPY.prediction,
    "log_softmax": lambda z: scipy.special.log_softmax(z, axis=-1),
}
"""What a model may make of its logits. Ours ends with the logits, so it is taken off, and implies the loss."""

LOSS = {"linear": None, "sigmoid": "sigmoid", "softmax": "softmax", "log_softmax": "softmax"}

PROBES = 8  # random inputs at which the model is compared with the network


class Trained(NamedTuple):
    """A network, its parameters float64 [P], and the loss its output implies: "sigmoid", "softmax", "squared" or None."""

    network: Network
    theta: np.ndarray
    loss: str | None


class Chain(NamedTuple):
    """A model as it was read: its affine layers, the activation between them, what it makes of the logits (or None)."""

    affine: list[Affine]
    hidden: Activation
    output: str | None


def from_keras(model: Any, hidden: str | Activation | None = None) -> Trained:
    """See `Network.from_keras`."""
    return _trained(frameworks.keras(model), hidden)[1]


def into_keras(network: Network, theta: Any, model: Any) -> None:
    """See `Network.into_keras`."""
    _write(network, theta, frameworks.keras(model), network.activation)


def from_torch(module: Any, hidden: str | Activation | None = None) -> Trained:
    """See `Network.from_torch`."""
    return _trained(frameworks.torch(module), hidden)[1]


def into_torch(network: Network, theta: Any, module: Any) -> None:
    """See `Network.into_torch`."""
    _write(network, theta, frameworks.torch(module), network.activation)


def from_sklearn(estimator: Any) -> Trained:
    """See `Network.from_sklearn`."""
    _, trained = _trained(frameworks.sklearn(estimator), None)
    return trained._replace(loss=trained.loss or "squared")


def into_sklearn(network: Network, theta: Any, estimator: Any) -> None:
    """See `Network.into_sklearn`."""
    _write(network, theta, frameworks.sklearn(estimator), None)


def _chain(parts: Iterable[Part], hidden: str | Activation | None) -> Chain:
    """The affine layers and what lies between them; `hidden` replaces the activations that were found between them."""
    affine, between, output = [], [], []
    for label, part in parts:
        if isinstance(part, Affine):
            affine.append(part)
            between += [output] if len(affine) > 1 else []
            output = []
        elif part != "linear":
            if not affine:
                raise MeanfieldError(f"{label} comes before the first weights; apply it to the features instead")
            output.append((label, part))
    if len(affine) < 2:
        raise MeanfieldError(
            f"the model has {len(affine)} fully connected layers; it must have 2 or more, one of them hidden"
        )
    for lower, upper in pairwise(affine):
        if upper.weights.shape[1] != len(lower.weights):
            raise MeanfieldError(
                f"{upper.name} takes {upper.weights.shape[1]} inputs, {lower.name} before it has {len(lower.weights)} units"
            )
    for label, part in output:
        if part not in OUTPUTS or len(output) > 1:
            raise MeanfieldError(f"{label} follows the last weights as '{part}'; there may be one of {', '.join(OUTPUTS)}")
    if hidden is None:
        hidden = _common(affine, between)
    found = activation(hidden)
    if found.trainable_beta:
        raise MeanfieldError(f"activation '{found.name}' trains a β, which layers of weights and bias do not have")
    return Chain(affine, found, output[0][1] if output else None)


def _common(affine: list[Affine], between: list[list[tuple[str, str]]]) -> str:
    """The name of the one activation between all layers. MeanfieldError where there is none, another or an unknown one."""
    for layer, found in zip(affine, between, strict=False):
        if len(found) != 1:
            names = ", then ".join(name for _, name in found) or "no activation"
            raise MeanfieldError(f"{layer.name} is followed by {names}; if the model applies one known, say activation=…")
    (first, name), *others = (found[0] for found in between)
    if name not in ACTIVATIONS:
        raise MeanfieldError(f"{first} is '{name}', which is none of {', '.join(ACTIVATIONS)}; say activation=…")
    for label, other in others:
        if other != name:
            raise MeanfieldError(f"{label} is '{other}', {first} '{name}'; all hidden layers must have one activation")
    return name


def _check_parameters(affine: list[Affine], parameters: Iterable[tuple[str, Any]]) -> None:
    """MeanfieldError unless the model's parameters are those of its layers, each in one place, and finite."""
    layers: dict[int, str] = {}
    for layer in affine:
        for held in layer.held:
            if id(held) in layers:
                raise MeanfieldError(f"{layer.name} shares a parameter with {layers[id(held)]}; each must have its own")
            layers[id(held)] = layer.name
        arguments.finite(f"weights and bias of {layer.name}", np.append(layer.weights, layer.bias).astype(float))
    for name, parameter in parameters:
        if id(parameter) not in layers:
            raise MeanfieldError(f"parameter '{name}' is of no fully connected layer; the Hessian would leave it out")


def _trained(model: Model, hidden: str | Activation | None) -> tuple[Chain, Trained]:
    """A model as a chain and as a network, if that has its parameters, and its output to within √ε of its precision.

    A model that does not say what it makes of its logits may make anything of OUTPUTS. MeanfieldError otherwise.
    """
    chain = _chain(model.parts, hidden)
    _check_parameters(chain.affine, model.parameters)
    inputs = chain.affine[0].weights.shape[1]
    *hidden, outputs = (len(layer.weights) for layer in chain.affine)
    network = Network(inputs, tuple(hidden), outputs, chain.hidden)
    theta = np.concatenate([np.append(layer.weights.ravel(), layer.bias) for layer in chain.affine]).astype(float)
    if model.evaluate is None:
        return chain, Trained(network, theta, LOSS[chain.output or "linear"])
    features = np.random.default_rng(0).normal(size=(PROBES, inputs))
    try:
        found = np.asarray(model.evaluate(features))
        precision = np.sqrt(np.finfo(found.dtype).eps)
    except Exception as error:
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise MeanfieldError(f"the model cannot be evaluated for {inputs} features ({why})") from error
    if not np.isfinite(found).all():
        raise MeanfieldError("the model's output is not finite at random inputs near 0; its weights or biases are too large")
    z = network.forward(network.unpack(theta), features)[-1].value
    for name in [chain.output] if chain.output else OUTPUTS:
        expected = OUTPUTS[name](z)
        if found.shape == expected.shape and np.abs(found - expected).max() <= precision * max(1, np.abs(expected).max()):
            return chain, Trained(network, theta, LOSS[name])
    raise MeanfieldError(
        f"the model's output is not that of its layers {'-'.join(map(str, (inputs, *hidden, outputs)))} one after another "
        f"with activation '{chain.hidden.name}'; a model that does more, or something else, is not supported"
    )


def _write(network: Network, theta: Any, model: Model, hidden: Activation | None) -> None:
    """Put theta into a model, rounded to its precision. MeanfieldError if the model is another network's, or if theta is
    not finite in that precision; nothing is written then."""
    values = arguments.row("theta", theta, network.size)
    arguments.finite("theta", values)
    layers: list[Layer] = network.unpack(values)
    chain, found = _trained(model, hidden)
    ours, theirs = ((of.inputs, *of.hidden, of.outputs) for of in (network, found.network))
    if (ours, network.activation.name) != (theirs, chain.hidden.name):
        raise MeanfieldError(
            f"the network is {'-'.join(map(str, ours))} with '{network.activation.name}', the model "
            f"{'-'.join(map(str, theirs))} with '{chain.hidden.name}'"
        )
    for target, layer in zip(chain.affine, layers, strict=True):
        with np.errstate(over="ignore"):  # said by the error
            rounded = np.append(layer.weights, layer.bias).astype(target.weights.dtype)
        arguments.finite(f"theta, in the model's {rounded.dtype}, would make {target.name}", rounded.astype(float))
    for target, layer in zip(chain.affine, layers, strict=True):
        target.write(layer.weights, layer.bias)
