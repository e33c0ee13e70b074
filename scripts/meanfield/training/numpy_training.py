"""
Training of small networks by NumPy alone: full batch, Adam, sigmoid cross-entropy. It computes what `tensorflow_training`
does, but for rounding, without loading TensorFlow and in fewer passes over the signals.

Signals lie [member, unit, sample], a block of members at a time, in arrays that are made once and stay in the cache; their
last row is 1, for the biases. A layer has W̃ = [W, b] and multiples of it, by scales c_0, c_1, …: c_p W̃ã is what its
activation is computed from, in place, and leaves slopes s_p there, with f_h = Σ_p c_{p+1} s_p. ESP has c = 1, −β, 1: h and
−βh become −q and s of f_h = s + βq, where s = σ(βh) and q = hs(1 − s). All that the gradient needs of the samples is then
Σ_n ∂ℓ/∂a s_p ãᵀ, [unit, input + 1]: W̃ has their sum by c_{p+1}, and β, since f_β = hq and h = W̃ã, the first's with −W̃.

Each member's matrix products are its own, so what it comes to does not depend on the members beside it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy  # its subpackages are loaded where they are first used

from meanfield.errors import MeanfieldError
from meanfield.model.activations import BUILT_IN
from meanfield.model.losses import SIGMOID_CROSS_ENTROPY as LOSS
from meanfield.model.network import Layout, Network
from meanfield.training.replay import Adam

BLOCK = 2**16  # numbers in one signal of a block of members, so that the few in use stay in the cache: measured
SUSPECT = 1e60  # of Σz²: below it the cost is finite, in float32, too


class Fused(NamedTuple):
    """How an activation is computed: `function(pre, value)`, in place, and its scales; the second is times β, if trained.

    pre [member, part, unit, sample] holds c_p·h, and after it s_p; value [member, unit, sample] receives f.
    """

    function: Callable[[np.ndarray, np.ndarray], None]
    scales: tuple[float, ...] = (1.0, 1.0)


def _logistic(opposite: np.ndarray, out: np.ndarray) -> None:
    """σ(x) from −x, which is lost."""
    np.exp(opposite, out=opposite)
    np.add(opposite, 1.0, out=opposite)
    np.reciprocal(opposite, out=out)


def _gated(pre: np.ndarray, value: np.ndarray) -> None:
    h, s = pre[:, 0], pre[:, 1]
    _logistic(s, s)
    np.multiply(h, s, out=value)
    np.multiply(value, s, out=h)
    np.subtract(h, value, out=h)


def _sigmoid(pre: np.ndarray, value: np.ndarray) -> None:
    slope = pre[:, 0]
    _logistic(slope, value)
    np.multiply(value, value, out=slope)
    np.subtract(value, slope, out=slope)


def _relu(pre: np.ndarray, value: np.ndarray) -> None:
    positive = pre[:, 0] > 0  # NumPy's maximum and sign take longer than all of this
    np.copyto(value, positive)
    np.multiply(pre[:, 0], value, out=value)
    np.copyto(pre[:, 0], positive)


def _tanh(pre: np.ndarray, value: np.ndarray) -> None:
    slope = pre[:, 0]
    np.tanh(slope, out=value)
    np.multiply(value, value, out=slope)
    np.subtract(1.0, slope, out=slope)


def _gelu(pre: np.ndarray, value: np.ndarray) -> None:
    h = pre[:, 0]
    cumulative = scipy.special.ndtr(h)
    np.multiply(h, cumulative, out=value)
    density = h * h
    np.multiply(density, -0.5, out=density)
    np.exp(density, out=density)
    np.multiply(density, (2 * np.pi) ** -0.5, out=density)
    np.multiply(h, density, out=h)
    np.add(h, cumulative, out=h)


def _softplus(pre: np.ndarray, value: np.ndarray) -> None:
    h = pre[:, 0]
    np.copysign(h, -1.0, out=value)
    np.exp(value, out=value)
    np.log1p(value, out=value)
    np.add(value, np.maximum(h, 0.0), out=value)
    np.subtract(h, value, out=h)  # σ(h) = exp(h − f)
    np.exp(h, out=h)


OUTPUT = Fused(lambda pre, value: None)
"""z = βh, whose multiples of W̃ are by 1 and by β; what is left in place of h is not asked for."""
ACTIVATIONS = {
    "esp": Fused(_gated, (1.0, -1.0, 1.0)),
    "silu": Fused(_gated, (1.0, -1.0, 1.0)),
    "sigmoid": Fused(_sigmoid, (-1.0, 1.0)),
    "relu": Fused(_relu),
    "tanh": Fused(_tanh),
    "gelu": Fused(_gelu),
    "softplus": Fused(_softplus),
}


def suits(network: Network, loss: str, target: np.ndarray, optimizer: dict) -> bool:
    """Whether this module trains that: `loss` a loss's name, target of any shape, `optimizer` the configuration's."""
    as_published = (optimizer["method"], optimizer["batch_size"], optimizer["l2"]) == ("adam", None, 0)
    known = network.activation in BUILT_IN  # not one by formula, whatever its name
    return known and as_published and loss == LOSS.name and bool(np.isin(target, (0, 1)).all())


class Layer:
    """One layer: multiples of W̃ and sums over samples, of all members; signals, of a block of them."""

    def __init__(self, layout: Layout, start: int, fused: Fused, members: int, block: int, samples: int) -> None:
        self.fused, self.parts = fused, len(fused.scales) - 1
        self.shape = layout.units, layout.inputs + 1
        self.order = np.concatenate([layout.affine.ravel(), layout.betas])
        self.affine = slice(start, start + layout.affine.size)
        self.betas = slice(self.affine.stop, start + self.order.size)
        self.multiples = np.empty((members, self.parts + 1, *self.shape))
        self.sums = np.empty((members, self.parts, *self.shape))
        self.pre = np.empty((block, self.parts, layout.units, samples))
        self.value = np.ones((block, layout.units + 1, samples))
        self.error = np.empty((block, 1, layout.units, samples))
        self.input_error = np.empty((block, self.shape[1], samples))

    def set(self, theta: np.ndarray) -> None:
        """Take over parameters [member, P] in `order`."""
        self.own, self.beta = theta[:, self.affine].reshape(-1, *self.shape), theta[:, self.betas, None]
        for part, scale in enumerate(self.fused.scales):
            scales = scale * self.beta if part == 1 and self.beta.size else scale
            np.multiply(self.own, scales, out=self.multiples[:, part])

    def forward(self, signal: np.ndarray, some: slice) -> np.ndarray:
        """The activation of some members, [member, unit + 1, sample], from that of the layer below."""
        multiples = self.multiples[some, :-1]
        pre, value = self.pre[: len(multiples)], self.value[: len(multiples)]
        np.matmul(_flat(multiples), signal, out=_flat(pre))
        self.fused.function(pre, value[:, :-1])
        return value

    def gradient(self, result: np.ndarray) -> None:
        """Put what the sums come to into the gradient [member, P] in `order`."""
        into = result[:, self.affine].reshape(-1, *self.shape)
        trained = self.beta.size > 0
        np.multiply(self.sums[:, 0], self.fused.scales[1] * (self.beta if trained else 1.0), out=into)
        for part in range(1, self.parts):
            into += self.fused.scales[part + 1] * self.sums[:, part]
        if trained:
            result[:, self.betas] = self.fused.scales[1] * np.einsum("mui,mui->mu", self.own, self.sums[:, 0])


def _flat(array: np.ndarray) -> np.ndarray:
    """[member, part, unit, …] as [member, (part, unit), …], a view."""
    return array.reshape(len(array), -1, array.shape[-1])


class Pass:
    """Forward and backward pass of all members over features [input, sample], or [member, input, sample]."""

    def __init__(self, network: Network, features: np.ndarray, members: int, block: int) -> None:
        fused = [*[ACTIVATIONS[network.activation.name]] * len(network.hidden), OUTPUT]
        self.layers, start = [], 0
        for layout, chosen in zip(network.layout, fused, strict=True):
            self.layers.append(Layer(layout, start, chosen, members, block, features.shape[-1]))
            start += self.layers[-1].order.size
        self.order = np.concatenate([layer.order for layer in self.layers])
        ones = np.ones_like(features[..., :1, :])
        self.features = np.concatenate([features, ones], axis=-2).reshape(-1, network.inputs + 1, features.shape[-1])

    def set(self, theta: np.ndarray) -> None:
        """Take over parameters [member, P] in `order`."""
        for layer in self.layers:
            layer.set(theta)

    def forward(self, some: slice) -> tuple[np.ndarray, np.ndarray]:
        """h and z [member, label, sample] of some members."""
        self.inputs = [self.features[some] if len(self.features) > 1 else self.features]
        for layer in self.layers:
            self.inputs.append(layer.forward(self.inputs[-1], some))
        h = layer.pre[: len(self.inputs[-1]), 0]
        return h, layer.beta[some] * h if layer.beta.size else h

    def backward(self, slope: np.ndarray, some: slice) -> None:
        """The sums of some members from ∂cost/∂z [member, label, sample], after `forward` of the same."""
        *hidden, output = self.layers
        np.matmul(slope, self.inputs[-2].swapaxes(-1, -2), out=output.sums[some, 0])
        above, weighted = output, slope[:, None]
        for number in reversed(range(len(hidden))):
            layer, below = hidden[number], self.inputs[number]
            back = _flat(above.multiples[some, 1:])[..., :-1].swapaxes(-1, -2)
            slopes = layer.pre[: len(slope)]
            outer = weighted.shape[1:3] == (1, 1)  # ∂ℓ/∂a = back · weighted, whose sums are those of ã · weighted
            if outer:
                with_error = np.multiply(below, weighted[:, 0], out=layer.input_error[: len(slope)])
                np.matmul(_flat(slopes), with_error.swapaxes(-1, -2), out=_flat(layer.sums[some]))
                layer.sums[some] *= back[:, None]
            if number or not outer:
                error = layer.error[: len(slope)]
                (np.multiply if outer else np.matmul)(back, _flat(weighted), out=error[:, 0])
                weighted = np.multiply(slopes, error, out=slopes)
            if not outer:
                np.matmul(_flat(weighted), below.swapaxes(-1, -2), out=_flat(layer.sums[some]))
            above = layer

    def gradient(self, result: np.ndarray) -> None:
        """Put the gradient of all members into result [member, P] in `order`."""
        for layer in self.layers:
            layer.gradient(result)


class Trainer:
    """All members of a run; the same interface as `tensorflow_training.Trainer`."""

    def __init__(
        self, network: Network, sets: dict, initial: np.ndarray, rates: np.ndarray, optimizer: dict, residual_output: str,
        *, averaging: str,
    ) -> None:  # fmt: skip
        """`sets` (features […, sample, input], target […, sample, label]) of "train" and "test"; `initial` [seed, P].

        MeanfieldError for what this module does not train (`suits`).
        """
        features, target, test = (
            np.ascontiguousarray(array.swapaxes(-1, -2)) for array in (*sets["train"], sets["test"][0])
        )
        if not suits(network, LOSS.name, target, optimizer):
            known = ", ".join(ACTIVATIONS)
            raise MeanfieldError(
                f"NumPy trains {known} by Adam, full batch, without l2, on targets of 0 and 1; set arithmetic: tensorflow"
            )
        members, (labels, samples) = len(initial), target.shape[-2:]
        self.block = min(members, max(1, BLOCK // (samples * max(network.hidden))))
        self.train, self.test = (Pass(network, part, members, self.block) for part in (features, test))
        self.target = target.reshape(-1, labels, samples)
        self.wrong = 1.0 - 2.0 * self.target  # the sign of z that is wrong
        self.factor = LOSS.averaging(samples, labels, averaging)
        self.averaging, self.residual_output = averaging, residual_output
        self.adam = Adam(initial[:, self.train.order], rates, optimizer)
        self.gradient = np.empty_like(self.adam.theta)
        self.h, self.z = np.empty((2, members, labels, samples))
        self.diverged = np.full(members, -1)

    @property
    def theta(self) -> np.ndarray:
        """The parameters as they are now, [seed, P]."""
        return self._in_order(self.adam.theta)

    def _in_order(self, ours: np.ndarray) -> np.ndarray:
        """The same in the network's order of parameters."""
        return ours.take(np.argsort(self.train.order), axis=-1)  # in C order, on which that of later sums depends

    def _blocks(self) -> list[slice]:
        return [slice(start, start + self.block) for start in range(0, len(self.z), self.block)]

    def _step(self) -> None:
        """h, z and gradient of the parameters as they are now."""
        self.train.set(self.adam.theta)
        for some in self._blocks():
            self.h[some], self.z[some] = self.train.forward(some)
            wrong = self.wrong[some] if len(self.wrong) > 1 else self.wrong
            slope = np.multiply(self.z[some], -wrong)  # the residual σ(z) − y is ±σ of z to the wrong side
            _logistic(slope, slope)
            self.train.backward(np.multiply(slope, wrong * self.factor, out=slope), some)
        self.train.gradient(self.gradient)

    def _cost(self) -> np.ndarray:
        losses = LOSS.value(self.z, self.target).astype(self.averaging)
        return losses.reshape(len(losses), -1).mean(axis=-1).astype(float)

    def advance(self, updates: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """So many updates on; cost [seed], z [seed, label, sample] and gradient [seed, P] before the last of them."""
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(updates):
                self._step()
                if not (np.einsum("mls,mls->m", self.z, self.z) < SUSPECT).all():
                    self.diverged[(self.diverged < 0) & ~np.isfinite(self._cost())] = self.adam.updates
                self.adam.update(self.gradient)
            return self._cost(), self.z.copy(), self._in_order(self.gradient)

    def measure(self) -> tuple[np.ndarray, ...]:
        """As they are now: cost [seed], z [seed, label, sample], gradient norm [seed], residual ŷ − y, z of the test set."""
        with np.errstate(over="ignore", invalid="ignore"):
            self._step()
            prediction = LOSS.prediction(self.z)
            if self.residual_output == "esp":  # the original's digits script; docs/protocol.md, section Indices
                prediction = prediction * self.h
            self.test.set(self.adam.theta)
            test_z = np.concatenate([self.test.forward(some)[1].copy() for some in self._blocks()])
            norm = np.sqrt((self._in_order(self.gradient) ** 2).sum(axis=-1))
            return self._cost(), self.z.copy(), norm, prediction - self.target, test_z
