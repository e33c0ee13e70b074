"""
Networks with ESP in plain NumPy, to be read from top to bottom: how back-propagation changes when β is learnt.

A layer turns the signals a_{l−1} below it into pre-activations h_l = W_l a_{l−1} + b_l, and these, unit by unit, into its
own signals a_l = f(h_l, β_l). Arrays are float64, [sample, unit]; the parameters of a layer are weights [unit, input], bias
[unit] and beta [unit]. With ESP every β is trained, also that of the output; without it β is the constant 1. The rest of the
project computes the same in `propagation`, for many members at once, and in `tensorflow_model`; here it is spelt out.

    PYTHONPATH=scripts python -m meanfield.model.reference            # digits 0 and 1, packaged with scikit-learn
    PYTHONPATH=scripts python -m meanfield.model.reference table.csv  # names, then numbers; the last column is learnt
"""

import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from meanfield.errors import MeanfieldError
from meanfield.model.activations import Activation, Derivatives, esp, linear
from meanfield.model.losses import SIGMOID_CROSS_ENTROPY, SQUARED_ERROR, Loss
from meanfield.model.network import Layer
from meanfield.model.registry import activation

# 1. One unit: a gate in thermal noise (arXiv:1805.08786; derived in docs/method.md, section "From a gate to ESP").


def partition_function(h: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Z = Σ_s exp(βhs) = 1 + exp(βh), summed over a gate that is closed, s = 0, or open, s = 1.

    The distribution of largest entropy for a given mean signal ⟨hs⟩ is p(s) = exp(βhs)/Z: β is the inverse noise. Here and
    below h and beta are float64 arrays that broadcast together; the result has their common shape. Z overflows at βh > 709.
    """
    return 1 + np.exp(beta * h)


def mean_gate(h: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """⟨s⟩ = (1/β) ∂ln Z/∂h = σ(βh): the probability that the gate is open. A sigmoid unit sends this on."""
    return expit(beta * h)


def mean_signal(h: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """⟨hs⟩ = ∂ln Z/∂β = h σ(βh): what passes the gate on average. This is ESP, expected signal propagation."""
    return esp(h, beta).value


def signal_variance(h: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """⟨(hs)²⟩ − ⟨hs⟩² = ∂²ln Z/∂β² = h² σ(1 − σ): how much the signal fluctuates, and so how ESP responds to β."""
    return esp(h, beta).beta


def noiseless_limit(h: np.ndarray) -> np.ndarray:
    """ESP for β → ∞, max(h, 0) = ReLU: the gate follows the sign of h. For β > 0 ESP lies below by 0.2785/β at most."""
    return np.maximum(h, 0)


def noisy_limit(h: np.ndarray) -> np.ndarray:
    """ESP for β → 0, h/2: the gate is a coin, and the unit is linear. ESP differs by |β| h²/4 at most."""
    return h / 2


# 2. What a network computes, and what it minimises.


class Model(NamedTuple):
    """The activation of the hidden units, the function of the output layer and the loss; widths come with the layers."""

    hidden: Activation
    output: Callable[[np.ndarray, np.ndarray], Derivatives]
    loss: Loss


def classification(hidden: str) -> Model:
    """Output ŷ = σ(βh), the mean gate, with the cross-entropy −y ln ŷ − (1 − y) ln(1 − ŷ); hidden as in `activations`.

    The output function is the logit z = βh and the loss takes it through σ: the same in exact arithmetic, and finite where
    ŷ rounds to 0 or 1. MeanfieldError for an unknown activation.
    """
    return Model(activation(hidden), linear, SIGMOID_CROSS_ENTROPY)


def regression(hidden: str, output: str = "esp") -> Model:
    """Output ŷ = ESP or ReLU of h with the squared error (ŷ − y)²/2. MeanfieldError for any other output.

    A ReLU output that is 0 on every sample has no slope and never learns; another seed may start it alive.
    """
    if output not in ("esp", "relu"):
        raise MeanfieldError(f"the output of a regression is esp or relu, not '{output}'")
    return Model(activation(hidden), activation(output).derivatives, SQUARED_ERROR)


# 3. Where the parameters start.

SMALLEST_SUM = 1e-3
"""Weights whose sum is smaller than this part of their Euclidean norm are not normalised: they would become huge."""


def glorot(units: int, inputs: int, rng: np.random.Generator) -> np.ndarray:
    """Weights [unit, input], uniform within ±√(6/(inputs + units)) (Glorot and Bengio 2010), as in the published runs."""
    limit = np.sqrt(6 / (inputs + units))
    return rng.uniform(-limit, limit, size=(units, inputs))


def information_conserving(units: int, inputs: int, rng: np.random.Generator) -> np.ndarray:
    """Normal weights [unit, input], then `normalised`, as the original's plain-Python version starts."""
    return normalised(rng.normal(size=(units, inputs)))


def normalised(weights: np.ndarray) -> np.ndarray:
    """The weights [unit, input] over their sum: Σ_j W_ij = 1, so that h_i is an average of the signals below, in their unit.

    MeanfieldError where a sum is too near 0 (SMALLEST_SUM).
    """
    sums = weights.sum(axis=1, keepdims=True)
    for unit in np.flatnonzero(np.abs(sums[:, 0]) <= SMALLEST_SUM * np.linalg.norm(weights, axis=1)):
        raise MeanfieldError(
            f"the weights into unit {unit} sum to {sums[unit, 0]:.1e}, too near 0 to be normalised to 1; use another seed"
        )
    return weights / sums


def initialise(
    model: Model, widths: Sequence[int], seed: int, weights: Callable = glorot, beta_stddev: float = 0.1
) -> list[Layer]:
    """A layer for each pair of neighbours in widths, e.g. (2, 8, 2, 1), of any number.

    Biases are 0; β is normal with mean 0 if the hidden activation trains it, else 1. Errors: those of `weights`.
    """
    rng = np.random.default_rng(seed)
    return [
        Layer(
            weights=weights(units, inputs, rng),
            bias=np.zeros(units),
            beta=rng.normal(scale=beta_stddev, size=units) if model.hidden.trainable_beta else np.ones(units),
        )
        for inputs, units in pairwise(widths)
    ]


# 4. Forwards, the cost, and backwards.


def forward(model: Model, layers: list[Layer], features: np.ndarray) -> list[Derivatives]:
    """h_l = W_l a_{l−1} + b_l and a_l = f(h_l, β_l), from features [sample, input] upwards.

    Returns for each layer a_l (`value`) and its derivatives f_h (`h`) and f_β (`beta`), [sample, unit]. With σ at βh, for
    ESP they are f_h = σ + βh σ(1 − σ) and f_β = h² σ(1 − σ), for the logit of the output f_h = β and f_β = h.
    """
    signal, states = features, []
    for number, layer in enumerate(layers, start=1):
        f = model.output if number == len(layers) else model.hidden.derivatives
        h = signal @ layer.weights.T + layer.bias
        states.append(f(h, layer.beta))
        signal = states[-1].value
    return states


def cost(model: Model, layers: list[Layer], features: np.ndarray, target: np.ndarray) -> float:
    """The mean loss over samples and labels, target [sample, label]. MeanfieldError for a target of another shape."""
    output = forward(model, layers, features)[-1].value
    if output.shape != target.shape:  # NumPy would broadcast [sample] against [sample, 1] to a square
        raise MeanfieldError(f"the target has shape {target.shape}, the output {output.shape}; both are [sample, label]")
    return float(model.loss.value(output, target).mean())


def gradient(model: Model, layers: list[Layer], features: np.ndarray, target: np.ndarray) -> list[Layer]:
    """Back-propagation: the derivative of the cost in every weight, bias and β, shaped like the layers.

    With e_l = ∂cost/∂a_l and δ_l = ∂cost/∂h_l the chain rule reads, from the output downwards,

        δ_l = f_h ∘ e_l,   ∂W_l = Σ_n δ_l a_{l−1}ᵀ,   ∂b_l = Σ_n δ_l,   ∂β_l = Σ_n f_β ∘ e_l,   e_{l−1} = W_lᵀ δ_l.

    All that ESP adds is the fourth equation: the same error e_l, through another derivative of f. In the output layer of a
    classification ∂ŷ/∂h = β ŷ(1 − ŷ), and the cross-entropy cancels ŷ(1 − ŷ): e_L = (ŷ − y)/(N·K), δ_L = β ∘ e_L. The
    original's plain-Python version leaves out this β.
    """
    states = forward(model, layers, features)
    signals = [features, *(state.value for state in states[:-1])]
    e = model.loss.residual(states[-1].value, target) / target.size
    slopes = []
    for layer, signal, state in zip(layers[::-1], signals[::-1], states[::-1], strict=True):
        delta = state.h * e
        slope_beta = (state.beta * e).sum(axis=0) if model.hidden.trainable_beta else np.zeros_like(layer.beta)
        slopes.append(Layer(weights=delta.T @ signal, bias=delta.sum(axis=0), beta=slope_beta))
        e = delta @ layer.weights
    return slopes[::-1]


# 5. Learning and prediction.


def descend(layers: list[Layer], slopes: list[Layer], learning_rate: float) -> list[Layer]:
    """One step of gradient descent: θ − learning_rate · ∂cost/∂θ for every parameter."""
    return [
        Layer(*(value - learning_rate * slope for value, slope in zip(layer, slope_of_layer, strict=True)))
        for layer, slope_of_layer in zip(layers, slopes, strict=True)
    ]


def train(
    model: Model, layers: list[Layer], features: np.ndarray, target: np.ndarray, learning_rate: float, steps: int, every: int
) -> list[Layer]:
    """`steps` steps of gradient descent on all samples; prints cost and score each `every` steps and at the end.

    MeanfieldError when the cost printed is not finite.
    """
    for step in range(steps + 1):
        if step % every == 0 or step == steps:
            value, quality = cost(model, layers, features, target), score(model, predict(model, layers, features), target)
            print(f"step {step:5}   cost {value:.6f}   {quality}")
            if not np.isfinite(value):
                raise MeanfieldError(f"the cost is not finite at step {step}; lower the learning rate {learning_rate}")
        if step < steps:
            layers = descend(layers, gradient(model, layers, features, target), learning_rate)
    return layers


def predict(model: Model, layers: list[Layer], features: np.ndarray) -> np.ndarray:
    """ŷ [sample, label]: probabilities for a classification, values for a regression."""
    return model.loss.prediction(forward(model, layers, features)[-1].value)


def accuracy(prediction: np.ndarray, target: np.ndarray) -> float:
    """Share of samples classified correctly: ŷ > ½ for one label, the largest ŷ for several."""
    if target.shape[1] == 1:
        return float(((prediction > 0.5) == target).mean())
    return float((prediction.argmax(axis=1) == target.argmax(axis=1)).mean())


def r_squared(prediction: np.ndarray, target: np.ndarray) -> float:
    """R² = 1 − Σ(ŷ − y)²/Σ(y − ȳ)², averaged over labels. MeanfieldError for a constant label, where it is undefined."""
    spread = ((target - target.mean(axis=0)) ** 2).sum(axis=0)
    if not spread.all():
        raise MeanfieldError("R² is undefined: the target is constant")
    return float((1 - ((prediction - target) ** 2).sum(axis=0) / spread).mean())


def score(model: Model, prediction: np.ndarray, target: np.ndarray) -> str:
    """Accuracy or R², as the model's task has it, in words."""
    if model.loss is SIGMOID_CROSS_ENTROPY:
        return f"accuracy {accuracy(prediction, target):.4f}"
    return f"R² {r_squared(prediction, target):.4f}"


# 6. The command.


def read_csv(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Features [sample, input] and target [sample, 1], the last column. MeanfieldError, in one line, for anything else."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            names, *rows = [line for line in file if line.strip()] or [""]
        if len(rows) < 10 or all(name.strip()[:1] in "+-.0123456789" for name in names.split(",")):
            raise MeanfieldError("needs a first line that names the columns, and 10 samples or more")
        table = np.loadtxt(rows, delimiter=",", comments=None, ndmin=2)
        if not 2 <= table.shape[1] == len(names.split(",")) or not np.isfinite(table).all() or np.ptp(table[:, -1]) == 0:
            raise MeanfieldError("needs 2 named columns or more, finite numbers, and a last column that is not constant")
    except OSError as error:
        raise MeanfieldError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise MeanfieldError(f"{path}: {error}") from error
    return table[:, :-1], table[:, -1:]


def main(arguments: list[str]) -> None:
    """Train one hidden layer of 25 ESP units on four fifths of the data and judge it on the rest."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    if len(arguments) > 1:
        raise MeanfieldError("give one CSV file, or none to train on the packaged digits 0 and 1")
    features, target = read_csv(arguments[0]) if arguments else load_digits(n_class=2, return_X_y=True)
    target = target.reshape(-1, 1).astype(float)
    classes = np.isin(target, (0, 1)).all()
    features, test_features, target, test_target = train_test_split(features, target, test_size=0.2, random_state=0)
    centre, spread = features.mean(axis=0), features.std(axis=0)
    if not np.isfinite(spread).all() or 0 in (np.ptp(target), np.ptp(test_target)):
        raise MeanfieldError("the features are too large, or the target is constant in the training or in the test set")
    spread[spread == 0] = 1  # a constant column, such as a pixel at the edge
    features, test_features = (features - centre) / spread, (test_features - centre) / spread
    if not classes:  # ReLU, and ESP at large β, give no negative values
        low, high = target.min(), target.max()
        target, test_target = (target - low) / (high - low), (test_target - low) / (high - low)
        print("regression; the target is scaled to 0…1")
    model = classification("esp") if classes else regression("esp")
    layers = initialise(model, (features.shape[1], 25, 1), seed=1)
    layers = train(model, layers, features, target, learning_rate=0.1, steps=2000, every=200)
    print(f"test set     cost {cost(model, layers, test_features, test_target):.6f}   ", end="")
    print(score(model, predict(model, layers, test_features), test_target))


if __name__ == "__main__":
    np.seterr(over="ignore", invalid="ignore")  # a cost that is not finite is said once, by `train`
    try:
        main(sys.argv[1:])
    except MeanfieldError as error:
        sys.exit(str(error))
