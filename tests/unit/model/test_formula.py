"""Activations by formula: what is found, against those written by hand, differences, TensorFlow; what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meanfield.curvature import autodiff, hessian, symmetry
from meanfield.errors import MeanfieldError
from meanfield.model import differentiation, formula, registry
from meanfield.model.losses import LOSSES
from meanfield.model.network import Network
from meanfield.model.propagation import Objective, gradient
from meanfield.model.registry import ACTIVATIONS, from_formula
from meanfield.training.tensorflow_model import activation as by_tensorflow
from meanfield.training.tensorflow_model import configure, tf
from random_networks import central_differences

configure(threads=1)  # as training does: it must come before TensorFlow's first use

OWN = {
    "mish": ("h*tanh(softplus(h))", None, (), ()),
    "elu": ("where(h > 0, h, exp(h) - 1)", None, (), ()),
    "leaky": ("where(h > 0, h, 0.01*h)", None, (0.0,), ((1, 0, -1),)),
    "gate": ("h*tanh(beta*h)", "trainable", (), ((1, -1, -1),)),
    "esp2": ("h*sigmoid(beta*h)", 2, (), ()),
    "absurd": (
        "piecewise((log(1 + h), h > 1), (h*erf(h)*log(2)/erf(1), h > 0), exp(-h**2)*h)/(1 + sigmoid(h))**0.5",
        None, None, (),
    ),
    "root": ("where(h > 0, (1 + h)**0.5 - 1, h/(2 - 2*h))", None, (), ()),
    "prelu": ("where(h > 0, h, beta*h)", "trainable", (0.0,), ((1, 0, -1),)),
    "loose": ("tanh(beta*h)", "trainable", (), ((1, -1, 0),)),
    "square": ("relu(h)**2", None, (), ((1, 0, -2),)),
    "two": ("beta*relu(h)", "trainable", (0.0,), ((1, 0, -1), (0, 1, -1))),
    "amplitude": ("beta*tanh(h)", "trainable", (), ((0, 1, -1),)),
    "nested": ("where(where(h > 0, h, 0.5*h) > 1, 2*h - 1, h)", None, (1.0,), ()),
    "flat": ("where(h > 0, h*exp(-1/h), 0)", None, (), ()),
    "power": ("h**0*tanh(h) + h", None, (), ()),
    "bent": ("((h - 0.33)**2)**0.5", None, (0.33,), ()),
}  # fmt: skip
"""Formula, beta, kinks and rescalings, known by hand; the kinks of the absurd one are what they are."""


def own(name):
    return from_formula(name, *OWN[name][:2])


@pytest.mark.parametrize("name", registry.KNOWN)
def test_built_in_activations_agree_with_their_formulas(name):
    known = ACTIVATIONS[name]
    found = from_formula("other", known.formula, "trainable" if known.trainable_beta else None)
    assert (found.rescalings, found.kinks, found.trainable_beta) == (known.rescalings, known.kinks, known.trainable_beta)
    rng = np.random.default_rng(1)
    h = np.append(rng.normal(size=4000) * rng.choice([0.01, 1, 10], 4000), [0, 30, -30, 300, -300])
    beta = rng.normal(size=h.size)
    ours, theirs = known.derivatives(h, beta)._asdict(), found.derivatives(h, beta)._asdict()
    for part, by_beta in {"value": 0, "h": 0, "hh": 0, "beta": 1, "hbeta": 1, "betabeta": 2}.items():
        scale = np.maximum(1, np.abs(h)) ** (1 + by_beta)  # as large as h·σ(βh) and its derivatives can be at this h
        assert (np.abs(ours[part] - theirs[part]) <= 1e-14 * scale).all()


@pytest.mark.parametrize("name", OWN)
def test_kinks_and_symmetry_are_found(name):
    found, (text, beta, kinks, rescalings) = own(name), OWN[name]
    assert found.rescalings == rescalings
    assert found.trainable_beta == (beta == "trainable")
    if kinks is not None:
        assert found.kinks == kinks
    assert text in found.description


def test_kinks_elsewhere_and_the_derivative_there():
    assert from_formula("own", "relu(2*h - 3)").kinks == (1.5,)
    assert from_formula("own", "relu(beta*h - 3)", beta=2).kinks == (1.5,)
    assert from_formula("own", "where(h > 1, h**2/2, h - 0.5)").kinks == ()  # f' is continuous, f'' is not
    zero = np.zeros(1)
    assert own("leaky").derivatives(zero, zero).h == 0.01
    assert from_formula("own", "where(h >= 0, h, 0.01*h)").derivatives(zero, zero).h == 1
    assert from_formula("own", "relu(h)").derivatives(zero, zero).h == 0


@pytest.mark.parametrize("name", [*registry.KNOWN, *OWN])
def test_tensorflow_gives_value_and_derivatives(name):
    chosen = ACTIVATIONS.get(name) or own(name)
    h = np.append(np.random.default_rng(2).normal(size=200) * 5, [0, 1, 1000, -1000]).reshape(1, 1, -1)
    beta = np.full((1, 1, 1), 0.7)
    x, b = tf.constant(h), tf.constant(beta)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = by_tensorflow(chosen, x, b)
        first = inner.gradient(value, x)
    second = outer.gradient(first, x)
    ours = chosen.derivatives(h, beta)
    for mine, theirs in ((ours.value, value), (ours.h, first), (ours.hh, 0.0 if second is None else second)):
        mine = np.broadcast_to(mine, h.shape)
        error = np.abs(mine - np.broadcast_to(theirs, h.shape))
        assert (error <= 1e-14 * np.maximum(1, h**2)).all()  # TensorFlow has 1 − tanh², which cancels


@st.composite
def cases(draw):
    """A random network with one of OWN, and any loss."""
    widths = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    labels, samples = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    network = Network(2, widths, labels, own(draw(st.sampled_from(sorted(OWN)))))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    loss = LOSSES[draw(st.sampled_from(sorted(LOSSES)))]
    target = np.eye(labels)[rng.integers(labels, size=samples)]
    data = Objective(loss, rng.normal(size=(samples, 2)), target, loss.averaging(samples, labels, "float64"))
    return network, rng.normal(size=network.size), data


def near_a_switch(network, theta, data, margin=1e-3):
    """Whether a pre-activation lies so close to 0, 0.33 or 1, where formulas of OWN switch, that differences straddle it."""
    layers, signal = network.unpack(theta), data.features
    for layer, state in zip(layers[:-1], network.forward(layers, data.features), strict=False):
        h = signal @ layer.weights.T + layer.bias
        if any((np.abs(h - place) < margin).any() for place in (0, 0.33, 1)):
            return True
        signal = state.value
    return False


@settings(max_examples=60, deadline=None)
@given(cases())
def test_hessians_against_central_differences(case):
    network, theta, data = case
    if near_a_switch(*case):
        return
    matrix = hessian.hessian(theta, network, data)
    numeric = central_differences(lambda t: gradient(t, network, data), theta)
    np.testing.assert_allclose(matrix, numeric, atol=1e-6 * np.abs(matrix).max() + 1e-10)


@pytest.mark.parametrize("name", [name if name == "absurd" else pytest.param(name, marks=pytest.mark.long) for name in OWN])
@pytest.mark.parametrize("loss", LOSSES)
def test_hessians_against_tensorflow(name, loss):
    network = Network(2, (4, 3), 3, own(name))
    rng = np.random.default_rng(4)
    theta, features, target = rng.normal(size=network.size), rng.normal(size=(7, 2)), np.eye(3)[rng.integers(3, size=7)]
    data = Objective(LOSSES[loss], features, target, LOSSES[loss].averaging(7, 3, "float64"))
    theirs = autodiff.hessian(theta, network, features, target, loss)
    assert np.abs(hessian.hessian(theta, network, data) - theirs).max() <= 1e-12 * np.abs(theirs).max()


REFUSED = {
    "__import__('os').system('true')": "is not allowed",
    "(" * 10_000 + "h" + ")" * 10_000: "has 20001 characters",
    "(" * 490 + "h" + ")" * 490: "do not fit together",
    "**".join("h" * 50): "exponent .* is not allowed",
    "9**9**9*h": "exponent",
    "h**99": "exponent",
    "ℎ": "'ℎ' is not understood",
    "ｈ*2": "is not understood",
    "h/0": "is no number for any h",
    "h/(h*h - 0.5)": "has no bounds near h = -?0.7071",
    "1/(h - 0.33)": "has no bounds near h = 0.33",
    "sigmoid(h) + log((h - 0.33)**2)": "has no bounds near h = 0.33",
    "where(h > 0, h**0.5, 0)": "has no bounds near h",
    "1/h": "no finite value at h = 0",
    "log(h)": "no finite value",
    "h**0.5": "no finite value",
    "relu(h)**1.5": "no finite second derivative",
    "exp(exp(h))": "no finite value",
    "where(h > 0, 1, 0)": "does not change with h",
    "where(h > 0, h + 1, h)": "jumps from 0 to 1 at h = 0",
    "h - h": "does not change with h",
    "3": "does not change with h",
    "": "do not fit together",
    "tanh(h": "do not fit together",
    "h if h else 1": "is not allowed",
    "lambda h: h": "is not allowed",
    "[h for h in h]": "is not allowed",
    "h.real": "is not allowed",
    "sin(h)": "'sin\\(h\\)' is not allowed",
    "exp(h, h)": "is not allowed",
    "exp(*h)": "is not allowed",
    "h == 1": "is not allowed",
    "where(h, 1, 2)": "is no comparison",
    "True*h": "is not allowed",
    "1e999*h": "is not allowed",
    "h*beta": "has a beta; say beta: trainable, or a number",
    "+".join("h" * 100): "199 parts; allowed: at most 50",
    "tanh(" * 22 + "h*h" + ")" * 22 + "*0": "does not change with h",
}


def test_a_jump_at_any_beta_is_refused():
    with pytest.raises(MeanfieldError, match=r"jumps from .* at h = 0, beta = -3"):
        from_formula("own", "where(h > 0, h, beta - 1 + h)", "trainable")


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(OWN)), st.integers(0, 2**32))
def test_every_rescaling_is_a_symmetry_of_the_loss(name, seed):
    network, rng = Network(2, (3, 2), 2, own(name)), np.random.default_rng(seed)
    theta, arrays = rng.normal(size=network.size), rng.normal(size=(2, 6, 2))
    data = Objective(LOSSES["squared error"], *arrays, 1 / 12)
    slope, matrix = gradient(theta, network, data), hessian.hessian(theta, network, data)
    directions, images = symmetry.Symmetries.of(network, data).directions(theta, slope)
    assert len(directions) == 5 * len(OWN[name][3]) + 2 * network.activation.trainable_beta
    scale = np.abs(matrix).max() * np.abs(theta).max() * network.size + 1e-300
    np.testing.assert_allclose(directions @ slope, 0, rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(directions @ matrix, images, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:30])
def test_what_is_refused_in_one_line(text):
    with pytest.raises(MeanfieldError, match=REFUSED[text]) as refusal:
        from_formula("own", text)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 400


WORDS = [
    "h",
    "beta",
    "(",
    ")",
    "+",
    "-",
    "*",
    "/",
    "**",
    ",",
    ">",
    "<=",
    " ",
    "0",
    "0.5",
    "2",
    "33",
    "where(",
    "relu(",
    "exp(",
]
WORDS += ["log(", "tanh(", "piecewise((", "sigmoid(", "erf(", "softplus("]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14).map("".join))
def test_whatever_is_typed_is_answered(text):
    """Either it is an activation, or a MeanfieldError says why not."""
    try:
        found = from_formula("own", text)
    except MeanfieldError:
        return
    assert np.isfinite(found.derivatives(np.linspace(-5, 5, 11), np.ones(11)).h).all()


def test_beta_that_nobody_uses():
    with pytest.raises(MeanfieldError, match="has no beta; leave beta out"):
        from_formula("own", "tanh(h)", beta=2)
    with pytest.raises(MeanfieldError, match="does not change with beta"):
        from_formula("own", "tanh(h) + 0*beta", beta="trainable")


def test_learning_keeps_the_known_ones():
    before = dict(ACTIVATIONS)
    try:
        assert registry.learn(["esp", {"name": "mish", "label": "Mish", "formula": OWN["mish"][0]}]) == ["esp", "mish"]
        assert Network.of("3", "mish", 2, 1).activation.label == "Mish"
        with pytest.raises(MeanfieldError, match="activation esp: the name is taken"):
            registry.learn([{"name": "esp", "formula": "h*h"}])
    finally:
        ACTIVATIONS.clear()
        ACTIVATIONS.update(before)


def test_formulas_are_evaluated_as_they_are_written():
    tree = formula.parse("where(h > 1, 2*h - 1, -h**2/4)")
    assert formula.evaluate(tree, differentiation.NUMBERS, {"h": np.array([3.0, -2.0])}).tolist() == [5, -1]
