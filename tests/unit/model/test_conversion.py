"""Models trained by Keras and scikit-learn in, networks and spectra out, and back; what is refused. PyTorch: test_torch."""

import os
import sys
import warnings

import meanfield
import numpy as np
import pytest
from meanfield import MeanfieldError, Network
from meanfield.model import conversion, losses
from meanfield.model.registry import ACTIVATIONS
from random_networks import refuses_to_write
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.neural_network import MLPClassifier, MLPRegressor

from meanfield.training.tensorflow_model import configure, tf  # isort: skip  # before Keras, which loads TensorFlow

PLAIN = [name for name, activation in ACTIVATIONS.items() if not activation.trainable_beta]


@pytest.fixture(scope="module")
def keras(tmp_path_factory):
    """Keras 3 on TensorFlow, with its settings in a folder of its own."""
    os.environ["KERAS_HOME"], os.environ["KERAS_BACKEND"] = str(tmp_path_factory.mktemp("keras")), "tensorflow"
    configure(threads=1)
    import keras

    keras.utils.set_random_seed(1)
    return keras


def binary():
    """Standardized features [60, 5] and a target of 0 and 1 [60]."""
    features, target = load_breast_cancer(return_X_y=True)
    features = features[:60, :5]
    return (features - features.mean(axis=0)) / features.std(axis=0), target[:60]


def automatic(model, loss, features):
    """The Hessian of a Keras model in its own weights by TensorFlow, in the order of our parameters: float64 [P, P]."""
    variables = [layer_variable.value for layer in model.layers for layer_variable in layer.trainable_weights]
    with tf.GradientTape(persistent=True) as outer:
        with tf.GradientTape() as inner:
            value = loss(model(features))
        gradient = inner.gradient(value, variables)
        rows = tf.concat([tf.reshape(part, [-1]) for part in gradient], axis=0)
    columns = [tf.reshape(part, (rows.shape[0], -1)) for part in outer.jacobian(rows, variables)]
    order, start = [], 0
    for shape in [variable.shape for variable in variables]:  # Keras' kernels are [input, unit]
        places = start + np.arange(np.prod(shape)).reshape(shape)
        order.append(places.T.ravel())
        start += places.size
    order = np.concatenate(order)
    return tf.concat(columns, axis=1).numpy()[np.ix_(order, order)]


def trained_keras(keras, activation, output="linear", outputs=1, dtype="float64", loss="mse"):
    """A network 5-4-3 of Keras, trained for two epochs."""
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((5,), dtype=dtype),
            layers.Dense(4, activation=activation, dtype=dtype),
            layers.Dropout(0.2, dtype=dtype),
            layers.Dense(3, dtype=dtype),
            layers.Activation(activation, dtype=dtype),
            layers.Dense(outputs, activation=output, dtype=dtype),
        ]
    )
    model.compile("adam", loss)
    features, target = binary()
    model.fit(features, np.eye(outputs)[target] if outputs > 1 else target, epochs=2, verbose=0)
    return model


def gelu(h):
    """In float64 TensorFlow's own has √½ rounded to float32, and a Hessian that differs by 1e-8."""
    return h * 0.5 * tf.math.erfc(-h * 0.5**0.5)


@pytest.mark.parametrize("activation", PLAIN)
def test_keras_in_the_spectrum_of_automatic_differentiation_out(keras, activation):
    function = gelu if activation == "gelu" else activation
    model = trained_keras(keras, function, "sigmoid", loss="binary_crossentropy")
    features, target = binary()
    network, theta, loss = Network.from_keras(model)
    assert (network.inputs, network.hidden, network.outputs, loss) == (5, (4, 3), 1, "sigmoid")
    model.layers[-1].activation = keras.activations.linear  # Keras clips probabilities, not logits

    def cross_entropy(z):
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=target[:, None].astype(float), logits=z))

    expected = automatic(model, cross_entropy, features)
    found = meanfield.hessian(network, theta, features, target, loss)
    assert np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max()
    spectrum = meanfield.spectrum(network, theta, features, target, loss)
    largest = np.abs(expected).max()
    np.testing.assert_allclose(spectrum.eigenvalues, np.linalg.eigvalsh(expected), rtol=0, atol=1e-12 * largest)


def test_keras_with_several_classes_is_a_softmax(keras):
    model = trained_keras(keras, "tanh", "softmax", outputs=2, loss="categorical_crossentropy")
    features, target = binary()
    network, theta, loss = Network.from_keras(model)
    model.layers[-1].activation = keras.activations.linear

    def cross_entropy(z):
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=z))

    expected = automatic(model, cross_entropy, features)
    found = meanfield.hessian(network, theta, features, target, loss)
    assert np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max()


def test_keras_with_an_activation_by_its_formula(keras):
    features, target = binary()
    model = trained_keras(keras, "elu", outputs=2)
    elu = meanfield.activation("where(h > 0, h, exp(h) - 1)", name="elu")
    network, theta, _ = Network.from_keras(model, activation=elu)
    targets = np.eye(2)[target]
    expected = automatic(model, lambda z: tf.reduce_mean((z - targets) ** 2) / 2, features)
    found = meanfield.hessian(network, theta, features, targets, "squared")
    assert np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max()


def test_keras_regression_of_several_targets(keras):
    model = trained_keras(keras, "tanh", outputs=2)
    features, _ = binary()
    targets = np.random.default_rng(0).normal(size=(60, 2))
    network, theta, loss = Network.from_keras(model)
    assert loss is None
    expected = automatic(model, lambda z: tf.reduce_mean((z - targets) ** 2) / 2, features)
    found = meanfield.hessian(network, theta, features, targets, "squared")
    assert np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keras_and_back_to_the_bit(keras, dtype):
    model = trained_keras(keras, "swish", "softmax", 2, dtype, "categorical_crossentropy")
    network, theta, loss = Network.from_keras(model)
    assert (network.activation.name, loss, theta.dtype) == ("silu", "softmax", float)
    np.testing.assert_array_equal(theta[network.layout[1].weights].reshape(3, 4), model.layers[2].get_weights()[0].T)
    before = model.get_weights()
    network.into_keras(np.zeros(network.size), model)
    assert not any(values.any() for values in model.get_weights())
    network.into_keras(theta, model)
    for values, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(values, expected)
        assert values.dtype == dtype


def test_keras_functional_nested_and_flattened(keras):
    layers = keras.layers
    inner = keras.Sequential([layers.Dense(3), layers.ReLU()])
    start = layers.Input((2, 4))
    model = keras.Model(start, layers.Softmax()(layers.Dense(2)(inner(layers.Flatten()(start)))))
    network, _, loss = Network.from_keras(model)
    assert (network.inputs, network.hidden, network.activation.name, loss) == (8, (3,), "relu", "softmax")


def test_what_is_not_a_chain_of_dense_layers_is_named(keras):
    layers = keras.layers
    start, dense = layers.Input((4,)), layers.Dense(4, "relu", name="twice")
    refused = {
        r"layer 'conv' \(Conv2D\) is not supported": [layers.Input((8, 8, 1)), layers.Conv2D(2, 3, name="conv")],
        r"layer 'norm' \(BatchNormalization\) is not supported": [layers.Dense(3), layers.BatchNormalization(name="norm")],
        r"layer 'bare' \(Dense\) has 1 arrays": [layers.Dense(3, use_bias=False, name="bare"), layers.Dense(1)],
        r"layer 'elu' \(Dense\) is 'elu', which is none of": [layers.Dense(3, "elu", name="elu"), layers.Dense(1)],
        r"'b' \(Dense\) is 'tanh', layer 'a' \(Dense\) 'relu'": [
            layers.Dense(3, "relu", name="a"),
            layers.Dense(3, "tanh", name="b"),
            layers.Dense(1),
        ],
        r"layer 'leaky' \(ReLU\) is 'relu, negative_slope 0.1'": [
            layers.Dense(3),
            layers.ReLU(negative_slope=0.1, name="leaky"),
            layers.Dense(1),
        ],
        r"layer 'scaled' \(Rescaling\) comes before the first weights": [layers.Rescaling(0.5, name="scaled")],
        r"layer 'end' \(Dense\) follows the last weights as 'tanh'": [
            layers.Dense(3, "tanh"),
            layers.Dense(1, "tanh", name="end"),
        ],
        "1 fully connected layers": [layers.Dense(1)],
        r"followed by no activation": [layers.Dense(3), layers.Dense(1)],
    }  # fmt: skip
    models = [
        (answer, keras.Sequential([start, *parts] if "conv" not in answer else parts)) for answer, parts in refused.items()
    ]
    models += [
        ("output is not that of its layers 4-4-1", keras.Model(start, layers.Dense(1)(dense(dense(start))))),
        (
            r"layer 'twice' \(Dense\) is followed by relu, then add",
            keras.Model(start, layers.Dense(1)(layers.Add()([start, dense(start)]))),
        ),
    ]
    for answer, model in models:
        with pytest.raises(MeanfieldError, match=answer) as raised:
            Network.from_keras(model)
        assert "\n" not in str(raised.value)
    with pytest.raises(MeanfieldError, match="MLPClassifier has no layers; give a Keras model"):
        Network.from_keras(MLPClassifier())


def test_an_activation_of_ones_own_is_taken_when_it_is_the_models(keras):
    """`activation` replaces what the layers say, and the evaluation notices if it is another function."""
    layers = keras.layers
    model = keras.Sequential([layers.Input((4,)), layers.Dense(3, lambda x: keras.ops.tanh(x)), layers.Dense(1)])
    with pytest.raises(MeanfieldError, match=r"'<lambda>', which is none of .*; say activation="):
        Network.from_keras(model)
    assert Network.from_keras(model, activation="tanh").network.activation is ACTIVATIONS["tanh"]
    with pytest.raises(MeanfieldError, match=r"output is not that of its layers 4-3-1 .* 'relu'"):
        Network.from_keras(model, activation="relu")
    with pytest.raises(MeanfieldError, match="'esp' trains a β"):
        Network.from_keras(model, activation="esp")


def test_a_parameter_vector_of_another_network_is_not_written(keras):
    model = trained_keras(keras, "tanh")
    network, theta, _ = Network.from_keras(model)
    with pytest.raises(MeanfieldError, match="the parameter vector has 42 entries; this network has 43"):
        network.into_keras(theta[:-1], model)
    other = Network.of("3-4", "tanh", 5, 1)
    with pytest.raises(MeanfieldError, match="the network is 5-3-4-1 with 'tanh', the model 5-4-3-1 with 'tanh'"):
        other.into_keras(np.zeros(other.size), model)
    with pytest.raises(
        MeanfieldError, match="output is not that of its layers 5-4-3-1 one after another with activation 'relu'"
    ):
        Network.of("4-3", "relu", 5, 1).into_keras(theta, model)


def test_parameters_of_no_layer_or_of_two_are_refused(keras):
    """Their output is that of the layers, so that only the parameters tell."""
    layers, start = keras.layers, keras.Input((4,))

    class Scaled(keras.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.scale = self.add_weight(name="scale", shape=(), initializer="ones")

        def call(self, x):
            return super().call(x) * self.scale

    free = Scaled(inputs=start, outputs=layers.Dense(1)(layers.Dense(3, "tanh")(start)))
    dense = layers.Dense(4, "tanh", name="twice")
    inner = [keras.Sequential([layers.Input((4,)), dense]) for _ in range(2)]
    tied = keras.Sequential([start, *inner, layers.Dense(1)])
    features = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    by_hand = keras.ops.matmul(features, free.layers[1].kernel) + free.layers[1].bias
    np.testing.assert_allclose(free(features), free.layers[2](keras.ops.tanh(by_hand)), rtol=1e-5)
    np.testing.assert_allclose(tied(features), tied.layers[-1](dense(dense(features))), rtol=1e-5)
    for answer, model in {
        r"parameter '(.*/)?scale' is of no fully connected layer; the Hessian would leave it out": free,
        r"layer 'twice' \(Dense\) shares a parameter with layer 'twice' \(Dense\); each must have its own": tied,
    }.items():
        with pytest.raises(MeanfieldError, match=f"^{answer}$"):
            Network.from_keras(model)
        network = Network.of("3" if model is free else "4-4", "tanh", 4, 1)
        with pytest.raises(MeanfieldError, match=f"^{answer}$"):
            network.into_keras(np.zeros(network.size), model)


@pytest.mark.parametrize(("theta", "answer"), [
    (np.nan, "theta contain 1 NaN or infinite value"), (-np.inf, "theta contain 1 NaN or infinite value"),
    (1e300, r"theta, in the model's float32, would make layer '.*' \(Dense\) contain 1 NaN or infinite value"),
])  # fmt: skip
def test_parameters_that_are_not_finite_are_not_written(keras, theta, answer):
    refuses_to_write("keras", trained_keras(keras, "tanh", dtype="float32"), theta, answer)


@pytest.mark.parametrize("theta", ["abc", None, 3.0, [["a"]], np.zeros((1, 43))])
def test_what_is_no_vector_of_parameters_is_not_written(keras, theta):
    model = trained_keras(keras, "tanh")
    network, *_ = Network.from_keras(model)
    with pytest.raises(MeanfieldError, match=r"^theta(: this is no array of numbers| has shape .* 43 parameters in a row)"):
        network.into_keras(theta, model)


def test_a_model_whose_weights_are_not_finite_is_refused_by_name(keras):
    model = trained_keras(keras, "tanh", dtype="float32")
    network, theta, _ = Network.from_keras(model)
    first, _, middle, _, last = model.layers
    middle.set_weights([middle.get_weights()[0], np.full(3, 100)])
    last.set_weights([np.full((3, 1), 3e38), last.get_weights()[1]])
    with pytest.raises(MeanfieldError, match="output is not finite at random inputs near 0; its weights or biases are too"):
        Network.from_keras(model)
    first.set_weights([first.get_weights()[0], np.array([1, np.nan, np.inf, 0])])
    answer = rf"weights and bias of layer '{first.name}' \(Dense\) contain 2 NaN or infinite values"
    for convert in (lambda: Network.from_keras(model), lambda: network.into_keras(theta, model)):
        with pytest.raises(MeanfieldError, match=answer):
            convert()


# scikit-learn


def fitted(kind, activation, features, target):
    """A perceptron of scikit-learn, fitted for a few iterations."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged
        return kind(hidden_layer_sizes=(4, 3), activation=activation, max_iter=20, random_state=0).fit(features, target)


@pytest.mark.parametrize(("kind", "target", "loss"), [
    (MLPClassifier, binary()[1], "sigmoid"), (MLPRegressor, binary()[0][:, 0], "squared"),
    (MLPRegressor, binary()[0][:, :2], "squared"),
])  # fmt: skip
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
def test_scikit_learn_in_the_spectrum_of_automatic_differentiation_out(kind, target, loss, activation):
    from meanfield.curvature import autodiff

    features, _ = binary()
    estimator = fitted(kind, activation, features, target)
    network, theta, word = Network.from_sklearn(estimator)
    assert word == loss
    z = network.forward(network.unpack(theta), features)[-1].value
    said = estimator.predict_proba(features)[:, 1:] if kind is MLPClassifier else estimator.predict(features)
    np.testing.assert_allclose(
        conversion.OUTPUTS["sigmoid" if loss == "sigmoid" else "linear"](z), said.reshape(z.shape), rtol=1e-12
    )
    spectrum = meanfield.spectrum(network, theta, features, target, loss)
    columns = np.asarray(target, float).reshape(len(features), -1)
    expected = autodiff.hessian(theta, network, features, columns, losses.WORDS[loss].name)
    largest = np.abs(expected).max()
    np.testing.assert_allclose(spectrum.eigenvalues, np.linalg.eigvalsh(expected), rtol=0, atol=1e-12 * largest)
    before = [values.copy() for values in (*estimator.coefs_, *estimator.intercepts_)]
    network.into_sklearn(np.zeros(network.size), estimator)
    assert not any(values.any() for values in (*estimator.coefs_, *estimator.intercepts_))
    network.into_sklearn(theta, estimator)
    for values, same in zip((*estimator.coefs_, *estimator.intercepts_), before, strict=True):
        np.testing.assert_array_equal(values, same)


def test_scikit_learn_with_several_classes_is_a_softmax():
    estimator = fitted(MLPClassifier, "relu", *load_digits(n_class=3, return_X_y=True))
    network, theta, loss = Network.from_sklearn(estimator)
    features = load_digits(n_class=3).data[:5]
    z = network.forward(network.unpack(theta), features)[-1].value
    np.testing.assert_allclose(conversion.OUTPUTS[loss](z), estimator.predict_proba(features), rtol=1e-9)


def test_scikit_learn_before_it_was_fitted_or_without_an_activation():
    with pytest.raises(MeanfieldError, match="MLPClassifier has no coefs_; give a fitted MLPClassifier or MLPRegressor"):
        Network.from_sklearn(MLPClassifier())
    with pytest.raises(
        MeanfieldError, match=r"^the estimator's activation is 'identity'; fit one with relu, tanh, logistic$"
    ):
        Network.from_sklearn(fitted(MLPRegressor, "identity", *binary()))


@pytest.mark.parametrize("labels", [1, 3])
def test_a_scikit_learn_classifier_of_several_labels_sums_over_them(labels):
    """Against differences of its own gradient, which is what one step of its gradient descent goes along."""
    features, _ = binary()
    target = (features[:, :labels] > 0).astype(int)
    alpha, step = 0.3, 1e-5
    estimator = MLPClassifier(
        (3,), "tanh", solver="sgd", alpha=alpha, batch_size=len(features), momentum=0, learning_rate_init=1.0, random_state=0
    )
    columns = target.ravel() if labels == 1 else target
    estimator.partial_fit(features, columns, classes=[0, 1] if labels == 1 else range(labels))
    network, theta, loss = Network.from_sklearn(estimator)
    assert (network.outputs, loss, estimator.out_activation_) == (labels, "sigmoid", "logistic")

    def gradient(at):
        network.into_sklearn(at, estimator)
        estimator.partial_fit(features, columns)
        return at - Network.from_sklearn(estimator).theta

    directions = step * np.eye(network.size)
    expected = np.array([gradient(theta + along) - gradient(theta - along) for along in directions]) / (2 * step)
    l2 = alpha / len(features)  # as docs/library.md has it, and the factor
    found = meanfield.hessian(network, theta, features, target, loss, factor=1 / len(features), l2=l2)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8 * np.abs(expected).max())
    mean = meanfield.hessian(network, theta, features, target, loss)
    total = meanfield.hessian(network, theta, features, target, loss, factor=1 / len(features))
    np.testing.assert_allclose(total, labels * mean, rtol=0, atol=1e-14 * np.abs(total).max())


def test_a_model_does_not_bring_its_framework(tmp_path):
    """`conversion` asks by names: a class that has them will do, and nothing is imported for it."""

    class MLPRegressor:
        coefs_, intercepts_ = [np.ones((2, 3)), np.ones((3, 1))], [np.zeros(3), np.zeros(1)]
        activation, out_activation_ = "relu", "identity"

    before = set(sys.modules)
    assert Network.from_sklearn(MLPRegressor()).network.hidden == (3,)
    assert not {"torch", "jax"} & (set(sys.modules) - before)
