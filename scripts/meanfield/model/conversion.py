"""
Models trained elsewhere — Keras, PyTorch, scikit-learn — as a `Network` with its parameters, and back (docs/library.md).

No framework is imported: a model is asked for its layers by the names that its framework gives them. What names cannot say
(a `call` or `forward` of one's own, a layer used twice, a branch) is settled by evaluation: at random inputs the model's
output must be the network's.
"""

import copy
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import scipy  # its subpackages are loaded where they are first used

from meanfield.errors import MeanfieldError
from meanfield.model.activations import Activation
from meanfield.model.network import Layer, Network
from meanfield.model.registry import ACTIVATIONS, activation

SKIPPED = {"InputLayer", "Dropout", "Flatten", "Identity"}
"""Layers that do nothing to a sample [input] at inference, which is where the Hessian is taken."""

ALIASES = {"logistic": "sigmoid", "swish": "silu", "identity": "linear", "logsoftmax": "log_softmax"}
NEUTRAL = {"negative_slope": 0, "max_value": None, "approximate": "none", "beta": 1}
"""Options with which an activation layer is the function of its name; with others it is another function."""

OUTPUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda z: z,
    "sigmoid": lambda z: scipy.special.expit(z),
    "softmax": lambda z: scipy.special.softmax(z, axis=-1),
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


class Affine(NamedTuple):
    """An affine layer: its name, weights [unit, input] and bias [unit], and a function that puts others in their place."""

    name: str
    weights: np.ndarray
    bias: np.ndarray
    write: Callable[[np.ndarray, np.ndarray], None]


Part = tuple[str, Affine | str]
"""What a model does, one thing after another, each with what to call it: an affine map, or a function by its name."""


class Chain(NamedTuple):
    """A model as it was read: its affine layers, the activation between them, what it makes of the logits (or None)."""

    affine: list[Affine]
    hidden: Activation
    output: str | None


# Keras, PyTorch and scikit-learn


def from_keras(model: Any, hidden: str | Activation | None = None) -> Trained:
    """See `Network.from_keras`."""
    return _trained(*_read_keras(model, hidden))


def into_keras(network: Network, theta: np.ndarray, model: Any) -> None:
    """See `Network.into_keras`."""
    _write(network, theta, *_read_keras(model, network.activation))


def from_torch(module: Any, hidden: str | Activation | None = None) -> Trained:
    """See `Network.from_torch`."""
    return _trained(*_read_torch(module, hidden))


def into_torch(network: Network, theta: np.ndarray, module: Any) -> None:
    """See `Network.into_torch`."""
    _write(network, theta, *_read_torch(module, network.activation))


def from_sklearn(estimator: Any) -> Trained:
    """See `Network.from_sklearn`."""
    trained = _trained(*_read_sklearn(estimator))
    return trained._replace(loss=trained.loss or "squared")


def into_sklearn(network: Network, theta: np.ndarray, estimator: Any) -> None:
    """See `Network.into_sklearn`."""
    _write(network, theta, *_read_sklearn(estimator))


Read = tuple[Chain, Callable[[np.ndarray], np.ndarray] | None]
"""A chain, and the model's output as a function of features float64 [sample, input], or None."""


def _read_keras(model: Any, hidden: str | Activation | None) -> Read:
    chain = _chain(_keras(model), hidden)
    return chain, lambda features: model.predict_on_batch(features.reshape(-1, *model.input_shape[1:]))


def _read_torch(module: Any, hidden: str | Activation | None) -> Read:
    chain = _chain(_torch(module), hidden)
    precise = copy.deepcopy(module).cpu().double().eval()
    return chain, lambda features: _array(precise(next(precise.parameters()).new_tensor(features)))


def _read_sklearn(estimator: Any) -> Read:
    return _chain(_sklearn(estimator), None), None


def _keras(model: Any) -> Iterator[Part]:
    """The parts of a Keras model, and of models within it. MeanfieldError for a layer that has weights and is no Dense."""
    for layer in _asked(model, "layers", "Keras model"):
        kind, label = type(layer).__name__, f"layer '{layer.name}' ({type(layer).__name__})"
        if hasattr(layer, "layers"):
            yield from _keras(layer)
        elif kind == "Dense":
            values = layer.get_weights()
            if len(values) != 2:
                raise MeanfieldError(f"{label} has {len(values)} arrays of weights; it must be built, with weights and bias")

            def write(weights: np.ndarray, bias: np.ndarray, layer: Any = layer) -> None:
                layer.set_weights([weights.T, bias])

            yield label, Affine(label, values[0].T, values[1], write)
            yield label, _name_of(layer.activation)
        elif kind == "Activation":
            yield label, _name_of(layer.activation)
        elif kind not in SKIPPED:
            yield label, _named(label, layer, layer.weights)


def _torch(module: Any, name: str = "") -> Iterator[Part]:
    """The parts of a torch module in the order of their definition. MeanfieldError for a Linear without bias, or for a
    layer that has parameters and is no Linear."""
    children = list(_asked(module, "named_children", "torch module")())
    for key, child in children:
        yield from _torch(child, f"{name}.{key}" if name else key)
    kind, label = type(module).__name__, f"layer '{name}' ({type(module).__name__})"
    if children or kind in SKIPPED:
        return
    if kind != "Linear":
        yield label, _named(label, module, list(module.parameters()))
        return
    if module.bias is None:
        raise MeanfieldError(f"{label} has no bias; it must have weights and bias")

    def write(*values: np.ndarray) -> None:
        for parameter, value in zip((module.weight, module.bias), values, strict=True):
            parameter.data.copy_(parameter.data.new_tensor(value))

    yield label, Affine(label, _array(module.weight), _array(module.bias), write)


def _sklearn(estimator: Any) -> Iterator[Part]:
    """The parts of a multi-layer perceptron of scikit-learn. MeanfieldError for anything else, or before it was fitted."""
    coefs = _asked(estimator, "coefs_", "fitted MLPClassifier or MLPRegressor")
    for number, (weights, bias) in enumerate(zip(coefs, estimator.intercepts_, strict=True), start=1):

        def write(*values: np.ndarray, weights: np.ndarray = weights, bias: np.ndarray = bias) -> None:
            weights[...], bias[...] = values[0].T, values[1]

        yield f"layer {number}", Affine(f"layer {number}", weights.T, bias, write)
        yield f"layer {number}", _name_of(estimator.out_activation_ if number == len(coefs) else estimator.activation)


# What they have in common


def _asked(model: Any, attribute: str, kind: str) -> Any:
    """An attribute that every model of this kind has. MeanfieldError without it."""
    if not hasattr(model, attribute):
        raise MeanfieldError(f"{type(model).__name__} has no {attribute}; give a {kind}")
    return getattr(model, attribute)


def _array(tensor: Any) -> np.ndarray:
    """A torch tensor of any precision, on any device, as float64."""
    return tensor.detach().cpu().double().numpy()


def _name_of(function: Any) -> str:
    """Our name of an activation, given as a function, an object or its name elsewhere."""
    name = function if isinstance(function, str) else getattr(function, "__name__", type(function).__name__)
    return ALIASES.get(name.lower(), name.lower())


def _named(label: str, layer: Any, weights: list) -> str:
    """The name of a layer that is a function, with options that make it another one. MeanfieldError if it has weights."""
    if weights:
        raise MeanfieldError(f"{label} is not supported; only fully connected layers with an activation between them are")
    options = {name: getattr(layer, name) for name, neutral in NEUTRAL.items() if getattr(layer, name, neutral) != neutral}
    return _name_of(type(layer).__name__) + "".join(f", {name} {value}" for name, value in options.items())


def _chain(parts: Iterator[Part], hidden: str | Activation | None) -> Chain:
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


def _trained(chain: Chain, evaluate: Callable[[np.ndarray], np.ndarray] | None) -> Trained:
    """The network of a chain, if its output is what `evaluate` gives, to within √ε of the precision of that.

    A model that does not say what it makes of its logits may make anything of OUTPUTS. MeanfieldError otherwise.
    """
    inputs = chain.affine[0].weights.shape[1]
    *hidden, outputs = (len(layer.weights) for layer in chain.affine)
    network = Network(inputs, tuple(hidden), outputs, chain.hidden)
    theta = np.concatenate([np.append(layer.weights.ravel(), layer.bias) for layer in chain.affine]).astype(float)
    if evaluate is None:
        return Trained(network, theta, LOSS[chain.output or "linear"])
    features = np.random.default_rng(0).normal(size=(PROBES, inputs))
    try:
        found = np.asarray(evaluate(features))
        precision = np.sqrt(np.finfo(found.dtype).eps)
    except Exception as error:
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise MeanfieldError(f"the model cannot be evaluated for {inputs} features ({why})") from error
    z = network.forward(network.unpack(theta), features)[-1].value
    for name in [chain.output] if chain.output else OUTPUTS:
        expected = OUTPUTS[name](z)
        if found.shape == expected.shape and np.abs(found - expected).max() <= precision * max(1, np.abs(expected).max()):
            return Trained(network, theta, LOSS[name])
    raise MeanfieldError(
        f"the model's output is not that of its layers {'-'.join(map(str, (inputs, *hidden, outputs)))} one after another "
        f"with activation '{chain.hidden.name}'; a model that does more, or something else, is not supported"
    )


def _write(network: Network, theta: np.ndarray, chain: Chain, evaluate: Callable | None) -> None:
    """Put theta into the model of a chain, rounded to its precision. MeanfieldError if the model is another network's."""
    layers: list[Layer] = network.unpack(np.asarray(theta, dtype=float))
    ours, theirs = ((of.inputs, *of.hidden, of.outputs) for of in (network, _trained(chain, evaluate).network))
    if (ours, network.activation.name) != (theirs, chain.hidden.name):
        raise MeanfieldError(
            f"the network is {'-'.join(map(str, ours))} with '{network.activation.name}', the model "
            f"{'-'.join(map(str, theirs))} with '{chain.hidden.name}'"
        )
    for target, layer in zip(chain.affine, layers, strict=True):
        target.write(layer.weights, layer.bias)
