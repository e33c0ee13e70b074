"""The readable network against TensorFlow, central differences and the theory it is meant to teach."""

import subprocess
import sys
from functools import cache, partial

import examples
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meanfield.errors import MeanfieldError
from meanfield.model import reference
from meanfield.model.activations import esp
from meanfield.model.network import Layer, Network
from meanfield.model.registry import ACTIVATIONS
from meanfield.training.initial import initial_parameters
from meanfield.training.tensorflow_model import activation, configure, cost, output_layer, tf
from random_networks import central_differences
from threadpoolctl import threadpool_limits

configure(threads=1)  # as training does: it must come before TensorFlow's first use

HIDDEN = ["esp", "relu", "sigmoid", "tanh"]
MODELS = {
    "classification": reference.classification,
    "esp": lambda hidden: reference.regression(hidden, "esp"),
    "relu": lambda hidden: reference.regression(hidden, "relu"),
}
OUTPUTS = {
    "classification": lambda h, beta: beta * h,
    **{name: partial(activation, ACTIVATIONS[name]) for name in ("esp", "relu")},
}
EVERY_HIDDEN = [(*experiment, activation) for experiment in examples.EXPERIMENTS for activation in HIDDEN]


def flat(layers, network):
    """Layers as one vector in the order of `network`."""
    beta = network.activation.trainable_beta
    return np.concatenate([part.ravel() for layer in layers for part in (layer if beta else layer[:2])])


def tensorflow_gradient(network, task, features, target):
    """theta [P] → gradient [P] of the same cost by TensorFlow, compiled once."""
    features, target = tf.constant(features.T), tf.constant(target.T)
    loss = "sigmoid cross-entropy" if task == "classification" else "squared error"

    @tf.function
    def gradient(theta):
        with tf.GradientTape() as tape:
            tape.watch(theta)
            value = cost(OUTPUTS[task](*output_layer(theta[None], network, features)), target, loss, "float64")
        return tape.gradient(value, theta)

    return lambda theta: gradient(tf.constant(theta)).numpy()


def assert_close(ours, theirs, network, tolerance):
    """Array by array: W, b, β of each layer, relative to the array's largest entry."""
    for layout in network.layout:
        for part in (layout.weights, layout.bias, *([layout.beta] if layout.beta else [])):
            assert np.abs(ours[part] - theirs[part]).max() <= tolerance * np.abs(theirs[part]).max() + 1e-300


@cache
def published_case(run, mirror):
    """Network, its published initial parameters and training data of a published architecture."""
    network, data = examples.network(run, mirror), examples.objective(run[0], mirror)
    experiment = examples.EXPERIMENTS[run[:2]]
    theta = initial_parameters(network, 1, experiment["beta_stddev"], experiment["beta_op_seed"])
    return network, theta, data.features, data.target


@pytest.mark.parametrize("task", MODELS)
@pytest.mark.parametrize("run", EVERY_HIDDEN, ids="_".join)
def test_gradient_of_published_networks_against_tensorflow(run, task, published):
    network, initial, features, target = published_case(run, published)
    theirs, model = tensorflow_gradient(network, task, features, target), MODELS[task](run[2])
    for theta in (initial, np.random.default_rng(1).normal(size=network.size)):
        ours = flat(reference.gradient(model, network.unpack(theta), features, target), network)
        assert_close(ours, theirs(theta), network, 1e-12)


# Beyond 2 over the largest eigenvalue of the Hessian descent is unstable and amplifies rounding from step to step: at rate
# 0.1 the linear ESP runs already part. These rates stay below.
RATES = {"linear": 0.05, "nonlinear": 0.2, "digits": 0.2}


@pytest.mark.parametrize("run", examples.LESS_DIGITS, ids="_".join)
def test_thousand_steps_beside_tensorflow(run, published):
    network, theta, features, target = published_case(run, published)
    theirs, model = tensorflow_gradient(network, "classification", features, target), reference.classification(run[2])
    layers, rate = network.unpack(theta), RATES[run[0]]
    before = reference.cost(model, layers, features, target)
    with threadpool_limits(1):  # on a busy machine the threads of such small products wait for each other
        for _ in range(1000):
            layers = reference.descend(layers, reference.gradient(model, layers, features, target), rate)
            theta = theta - rate * theirs(theta)
            assert np.abs(flat(layers, network) - theta).max() <= 1e-9 * np.abs(theta).max()
    assert reference.cost(model, layers, features, target) < before


@st.composite
def random_cases(draw):
    """A random network of any depth, its model, parameters, features and target."""
    widths = draw(st.lists(st.integers(1, 8), min_size=0, max_size=4))
    inputs, labels, samples = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 9))
    hidden, task = draw(st.sampled_from(HIDDEN)), draw(st.sampled_from(sorted(MODELS)))
    network = Network(inputs, tuple(widths), labels, reference.activation(hidden))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    features, target = rng.normal(size=(samples, inputs)), rng.integers(0, 2, (samples, labels)).astype(float)
    return network, MODELS[task](hidden), rng.normal(size=network.size), features, target


def deviation(network, model, theta, features, target):
    """Largest difference between back-propagation and central differences of the cost, relative to the largest slope."""

    def costs(members):
        return np.array([reference.cost(model, network.unpack(member), features, target) for member in members])

    numeric = central_differences(costs, theta)
    ours = flat(reference.gradient(model, network.unpack(theta), features, target), network)
    return np.abs(ours - numeric).max() / (np.abs(numeric).max() + 1e-4)


@settings(max_examples=150, deadline=None)
@given(random_cases())
def test_gradient_against_central_differences(case):
    assert deviation(*case) <= 1e-6


@pytest.mark.parametrize("beta", [1.0, 0.3])
def test_without_beta_in_the_sigmoid_layer_the_gradient_is_wrong_unless_beta_is_one(beta):
    """The original's plain-Python version: ∂σ(βh)/∂h taken as σ(1 − σ), so that δ_L = e_L lacks β."""
    network = Network.of("4-3", "esp", 2, 1)
    rng = np.random.default_rng(3)
    theta = rng.normal(size=network.size)
    theta[network.layout[-1].beta] = beta
    case = theta, rng.normal(size=(9, 2)), rng.integers(0, 2, (9, 1)).astype(float)
    model = reference.classification("esp")
    original = model._replace(output=lambda h, beta: model.output(h, beta)._replace(h=np.ones_like(h)))
    assert deviation(network, model, *case) <= 1e-6
    assert (deviation(network, original, *case) <= 1e-6) == (beta == 1)


def test_sigmoid_layer_derivative():
    """∂σ(βh)/∂h = βσ(1 − σ), recovered from δ_L = ∂cost/∂h and the derivative of the cross-entropy in ŷ."""
    layers, target = [Layer(np.array([[0.7]]), np.array([0.2]), np.array([0.4]))], np.array([[1.0]])
    model = reference.classification("esp")
    prediction = reference.predict(model, layers, np.ones((1, 1)))
    delta = reference.gradient(model, layers, np.ones((1, 1)), target)[0].bias
    slope = delta / ((prediction - target) / (prediction * (1 - prediction)))
    np.testing.assert_allclose(slope, 0.4 * prediction * (1 - prediction), rtol=1e-14)


# Theory


H, BETA = np.meshgrid(np.linspace(-6, 6, 25), [-2.0, -0.3, 0.01, 1.0, 4.0])


def test_expectation_values_are_derivatives_of_the_partition_function():
    """By the complex step, ∂f = Im f(x + iε)/ε: exact to rounding."""
    log_z = lambda h, beta: np.log(reference.partition_function(h, beta))  # noqa: E731
    tiny = 1e-30
    np.testing.assert_allclose(reference.mean_gate(H, BETA), log_z(H + 1j * tiny, BETA).imag / tiny / BETA, rtol=1e-13)
    np.testing.assert_allclose(reference.mean_signal(H, BETA), log_z(H, BETA + 1j * tiny).imag / tiny, atol=1e-14)
    step = 1e-4
    second = (reference.mean_signal(H, BETA + step) - reference.mean_signal(H, BETA - step)) / (2 * step)
    np.testing.assert_allclose(reference.signal_variance(H, BETA), second, atol=1e-5)


def test_expectation_values_are_averages_over_the_gate():
    gates = np.array([0.0, 1.0])[:, None, None]
    probability = np.exp(BETA * H * gates) / reference.partition_function(H, BETA)
    np.testing.assert_allclose(probability.sum(axis=0), 1, rtol=1e-14)
    mean = (probability * H * gates).sum(axis=0)
    np.testing.assert_allclose(reference.mean_gate(H, BETA), probability[1], rtol=1e-14)
    np.testing.assert_allclose(reference.mean_signal(H, BETA), mean, rtol=1e-13)
    np.testing.assert_allclose(
        reference.signal_variance(H, BETA), (probability * (H * gates - mean) ** 2).sum(axis=0), atol=1e-14
    )


@pytest.mark.parametrize("beta", [1e-6, 1e-2, 1.0, 1e2, 1e6])
def test_limits(beta):
    """Both within the stated bounds, which are the smallest possible."""
    h = np.linspace(-20, 20, 4001) / max(beta, 1)
    below = reference.noiseless_limit(h) - reference.mean_signal(h, beta)
    assert below.min() >= 0
    assert below.max() <= 0.2785 / beta
    from_half = np.abs(reference.mean_signal(h, beta) - reference.noisy_limit(h))
    assert (from_half <= beta * h**2 / 4 * (1 + 1e-9) + 1e-15 * np.abs(h)).all()
    if beta == 1:
        assert below.max() >= 0.2784
        near = np.abs(h[h != 0]).min()
        assert reference.mean_signal(near, beta) - near / 2 >= 0.9999 * beta * near**2 / 4


def test_esp_changes_its_unit_with_its_input_and_sigmoid_does_not():
    """The dimensional argument: h in another unit, h → ch, β → β/c."""
    np.testing.assert_allclose(esp(8 * H, BETA / 8).value, 8 * esp(H, BETA).value, rtol=1e-15)
    np.testing.assert_allclose(reference.mean_gate(8 * H, BETA / 8), reference.mean_gate(H, BETA), rtol=1e-15)


# Initialisation


def test_initialisations():
    model = reference.classification("esp")
    layers = reference.initialise(model, (3, 8, 2, 1), seed=1)
    assert [layer.weights.shape for layer in layers] == [(8, 3), (2, 8), (1, 2)]
    for layer in layers:
        limit = np.sqrt(6 / sum(layer.weights.shape))
        assert np.abs(layer.weights).max() <= limit
        assert not layer.bias.any()
        assert layer.beta.all()
    assert all((layer.beta == 1).all() for layer in reference.initialise(reference.classification("relu"), (3, 4, 1), 1))


def test_information_conserving_weights_pass_a_constant_signal_unchanged():
    model = reference.regression("relu", "relu")
    layers = reference.initialise(model, (5, 8, 7, 6, 2), seed=1, weights=reference.information_conserving)
    for layer in layers:
        np.testing.assert_allclose(layer.weights.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(reference.predict(model, layers, np.full((1, 5), 0.8)), 0.8, rtol=1e-12)


def test_weights_that_sum_to_nearly_zero_are_refused():
    weights = np.array([[1.0, 2.0], [1.0, -1.0 + 1e-6]])
    with pytest.raises(MeanfieldError, match=r"the weights into unit 1 sum to 1.0e-06, too near 0 .* use another seed"):
        reference.normalised(weights)
    with pytest.raises(MeanfieldError):
        reference.normalised(np.zeros((1, 3)))


# Scores and mistakes


def test_scores_against_scikit_learn():
    from sklearn.metrics import accuracy_score, r2_score

    rng = np.random.default_rng(4)
    target, prediction = rng.normal(size=(2, 30, 3))
    assert reference.r_squared(prediction, target) == pytest.approx(r2_score(target, prediction), rel=1e-13)
    labels, classes = rng.integers(0, 2, (30, 1)).astype(float), np.eye(3)[rng.integers(0, 3, 30)]
    chance = rng.uniform(size=(30, 1))
    assert reference.accuracy(chance, labels) == accuracy_score(labels, chance > 0.5)
    assert reference.accuracy(prediction, classes) == accuracy_score(classes.argmax(axis=1), prediction.argmax(axis=1))
    with pytest.raises(MeanfieldError, match="target is constant"):
        reference.r_squared(prediction, np.ones_like(prediction))


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("output", ["esp", "relu"])
def test_regression_learns(hidden, output, capsys):
    rng = np.random.default_rng(5)
    features = rng.uniform(-1, 1, size=(200, 1))
    target = features**2
    model = reference.regression(hidden, output)
    layers = reference.initialise(model, (1, 10, 1), seed=4)  # a ReLU output is not dead with it
    rate = {"esp": 0.5, "relu": 0.2}[output]
    reference.train(model, layers, features, target, learning_rate=rate, steps=3000, every=1000)
    *printed, last = (line.split() for line in capsys.readouterr().out.splitlines())
    assert [line[:2] for line in (*printed, last)] == [["step", str(step)] for step in (0, 1000, 2000, 3000)]
    assert float(last[-1]) > 0.9


def test_mistakes_are_named():
    with pytest.raises(MeanfieldError, match="esp or relu, not 'sigmoid'"):
        reference.regression("esp", "sigmoid")
    model = reference.regression("relu", "esp")
    layers = reference.initialise(model, (1, 1), seed=1)
    with pytest.raises(MeanfieldError, match=r"target has shape \(5,\), the output \(5, 1\)"):
        reference.cost(model, layers, np.zeros((5, 1)), np.zeros(5))
    features, target = np.array([[9.0], [-9.0]]), np.array([[0.0], [1.0]])
    with np.errstate(all="ignore"), pytest.raises(MeanfieldError, match=r"not finite at step .* lower the learning rate"):
        reference.train(model, layers, features, target, learning_rate=1e9, steps=50, every=10)


# The command


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "meanfield.model.reference", *map(str, arguments)],
        cwd=examples.ROOT / "scripts", text=True, capture_output=True, timeout=60,
    )  # fmt: skip


def test_command_on_the_packaged_digits():
    result = run()
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == 12
    assert lines[-1].startswith("test set     cost 0.00")
    assert float(lines[-1].split()[-1]) >= 0.98


def table(path, target):
    features = np.random.default_rng(6).normal(size=(100, 2))
    np.savetxt(path, np.column_stack([features, target(*features.T)]), delimiter=",", header="x,y,z", comments="")
    return path


@pytest.mark.long
def test_command_on_a_table(tmp_path):
    result = run(table(tmp_path / "classes.csv", lambda x, y: x > y))
    assert float(result.stdout.splitlines()[-1].split("accuracy")[1]) >= 0.9
    result = run(table(tmp_path / "values.csv", lambda x, y: 5 * x - y**2 - 30))
    assert result.stdout.startswith("regression; the target is scaled")
    assert float(result.stdout.splitlines()[-1].split("R²")[1]) >= 0.9


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("", "first line that names"),
        ("x,y\n1,2\n", "10 samples or more"),
        ("1,2\n" * 20, "first line that names"),
        ("x,y\n" + "1,2\n" * 20, "last column that is not constant"),
        ("x,y\n" + "1,nan\n" * 20, "finite numbers"),
        ("x\n" + "1\n" * 20, "2 named columns or more"),
        ("x,y\n" + "1,2\n" * 20 + "1,yes\n", "could not convert string 'yes'"),
        ("x,y\n" + "1,2\n" * 20 + "1\n", "number of columns changed"),
        (b"\xff\xfe\x00", "can't decode"),
    ],
)
def test_command_refuses_in_one_line(tmp_path, content, message):
    path = tmp_path / "table.csv"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(MeanfieldError, match=message) as refusal:
        reference.read_csv(str(path))
    assert "\n" not in str(refusal.value)


def test_command_says_an_error_without_a_traceback():
    result = run("a.csv", "b.csv")
    assert result.returncode == 1
    assert result.stderr == "give one CSV file, or none to train on the packaged digits 0 and 1\n"
