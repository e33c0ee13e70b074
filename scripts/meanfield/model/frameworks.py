"""
Models of Keras, PyTorch and scikit-learn: what each does part by part, its parameters, its output (docs/library.md).

No framework is imported: a model is asked for its layers by the names that its framework gives them. What the parts amount
to, and whether they are a network, is said in `conversion`.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from meanfield.errors import MeanfieldError

SKIPPED = {"InputLayer", "Dropout", "Flatten", "Identity"}
"""Layers that do nothing to a sample [input] at inference, which is where the Hessian is taken."""

ALIASES = {"logistic": "sigmoid", "swish": "silu", "identity": "linear", "logsoftmax": "log_softmax"}
NEUTRAL = {"negative_slope": 0, "max_value": None, "approximate": "none", "beta": 1}
"""Options with which an activation layer is the function of its name; with others it is another function."""

SKLEARN = ("relu", "tanh", "logistic")
"""Activations of scikit-learn's perceptrons, without their identity: with it a perceptron is a linear model."""


class Affine(NamedTuple):
    """An affine layer: its name, weights [unit, input] and bias [unit], and a function that puts others in their place.

    `held` are the framework's own objects for both, by which parameters are told apart.
    """

    name: str
    weights: np.ndarray
    bias: np.ndarray
    write: Callable[[np.ndarray, np.ndarray], None]
    held: tuple[Any, ...]


Part = tuple[str, Affine | str]
"""What a model does, one thing after another, each with what to call it: an affine map, or a function by its name."""


class Model(NamedTuple):
    """A model as its framework shows it: its parts; all its parameters by name, as the framework's objects; and its output

    as a function of features float64 [sample, input], or None where the parts leave nothing open.
    """

    parts: Iterator[Part]
    parameters: Iterable[tuple[str, Any]]
    evaluate: Callable[[np.ndarray], np.ndarray] | None


def keras(model: Any) -> Model:
    """A Keras model. MeanfieldError for a model without layers; `parts` raises those of `_keras`."""
    _asked(model, "layers", "Keras model")

    def evaluate(features: np.ndarray) -> np.ndarray:
        return model.predict_on_batch(features.reshape(-1, *model.input_shape[1:]))

    return Model(_keras(model), [(getattr(of, "path", of.name), of) for of in model.weights], evaluate)


def torch(module: Any) -> Model:
    """A torch module, to be evaluated as a copy in float64. MeanfieldError for anything else; `parts` raises `_torch`'s."""
    _asked(module, "named_children", "torch module")

    def evaluate(features: np.ndarray) -> np.ndarray:
        precise = copy.deepcopy(module).cpu().double().train(False)
        return _array(precise(next(precise.parameters()).new_tensor(features)))

    return Model(_torch(module), module.named_parameters(), evaluate)


def sklearn(estimator: Any) -> Model:
    """A perceptron of scikit-learn, of which nothing is left open. `parts` raises `_sklearn`'s MeanfieldError."""
    return Model(_sklearn(estimator), (), None)


def _keras(model: Any) -> Iterator[Part]:
    """The parts of a Keras model, and of models within it. MeanfieldError for a layer that has weights and is no Dense."""
    for layer in model.layers:
        kind, label = type(layer).__name__, f"layer '{layer.name}' ({type(layer).__name__})"
        if hasattr(layer, "layers"):
            yield from _keras(layer)
        elif kind == "Dense":
            values = layer.get_weights()
            if len(values) != 2:
                raise MeanfieldError(f"{label} has {len(values)} arrays of weights; it must be built, with weights and bias")

            def write(weights: np.ndarray, bias: np.ndarray, layer: Any = layer) -> None:
                layer.set_weights([weights.T, bias])

            yield label, Affine(label, values[0].T, values[1], write, tuple(layer.weights))
            yield label, _name_of(layer.activation)
        elif kind == "Activation":
            yield label, _name_of(layer.activation)
        elif kind not in SKIPPED:
            yield label, _named(label, layer, layer.weights)


def _torch(module: Any, name: str = "") -> Iterator[Part]:
    """The parts of a torch module in the order of their definition. MeanfieldError for a Linear without bias, or for a
    layer that has parameters and is no Linear."""
    children = list(module.named_children())
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

    yield label, Affine(label, _array(module.weight), _array(module.bias), write, (module.weight, module.bias))


def _sklearn(estimator: Any) -> Iterator[Part]:
    """The parts of a multi-layer perceptron of scikit-learn. MeanfieldError for anything else, before it was fitted, or
    for the identity as activation."""
    coefs = _asked(estimator, "coefs_", "fitted MLPClassifier or MLPRegressor")
    if estimator.activation not in SKLEARN:
        raise MeanfieldError(f"the estimator's activation is '{estimator.activation}'; fit one with {', '.join(SKLEARN)}")
    for number, (weights, bias) in enumerate(zip(coefs, estimator.intercepts_, strict=True), start=1):

        def write(*values: np.ndarray, weights: np.ndarray = weights, bias: np.ndarray = bias) -> None:
            weights[...], bias[...] = values[0].T, values[1]

        yield f"layer {number}", Affine(f"layer {number}", weights.T, bias, write, (weights, bias))
        yield f"layer {number}", _name_of(estimator.out_activation_ if number == len(coefs) else estimator.activation)


def _asked(model: Any, attribute: str, kind: str) -> Any:
    """An attribute that every model of this kind has. MeanfieldError without it."""
    if not hasattr(model, attribute):
        raise MeanfieldError(f"{type(model).__name__} has no {attribute}; give a {kind}")
    return getattr(model, attribute)


def _array(tensor: Any) -> np.ndarray:
    """A torch tensor on any device, in its precision, or in float64 if NumPy has no such precision (bfloat16)."""
    tensor = tensor.detach().cpu()
    try:
        return tensor.numpy()
    except TypeError:
        return tensor.double().numpy()


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
