"""PyTorch's models in, networks and spectra out, and back; what is refused.

The wheel of PyTorch brings gigabytes of CUDA and is not in the tests' environment: `make benchmarks` runs this in its own.
"""

import meanfield
import numpy as np
import pytest
from meanfield import MeanfieldError, Network
from random_networks import refuses_to_write
from sklearn.datasets import load_breast_cancer

torch = pytest.importorskip(
    "torch", reason="PyTorch is too large for this environment; make benchmarks runs this in its own"
)
nn = torch.nn


def binary():
    """Standardized features [60, 5] and a target of 0 and 1 [60]."""
    features, target = load_breast_cancer(return_X_y=True)
    features = features[:60, :5]
    return (features - features.mean(axis=0)) / features.std(axis=0), target[:60]


@pytest.mark.parametrize("activation", ["ReLU", "Tanh", "Sigmoid", "SiLU", "GELU", "Softplus"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_torch_in_the_spectrum_of_automatic_differentiation_out(activation, dtype):
    features, target = binary()
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Flatten(), nn.Linear(5, 4), getattr(nn, activation)(), nn.Sequential(nn.Dropout(), nn.Linear(4, 3)),
        getattr(nn, activation)(), nn.Linear(3, 1),
    ).to(getattr(torch, dtype))  # fmt: skip
    network, theta, loss = Network.from_torch(module)
    assert (network.hidden, loss, module.training) == ((4, 3), None, True)
    before = [parameter.clone() for parameter in module.parameters()]
    network.into_torch(np.zeros(network.size), module)
    network.into_torch(theta, module)
    assert all((found == same).all() for found, same in zip(module.parameters(), before, strict=True))
    expected = torch_hessian(module.double().eval(), features, target)
    found = meanfield.hessian(network, theta, features, target, "sigmoid")
    assert np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max()
    spectrum = meanfield.spectrum(network, theta, features, target, "sigmoid")
    largest = np.abs(expected).max()
    np.testing.assert_allclose(spectrum.eigenvalues, np.linalg.eigvalsh(expected), rtol=0, atol=1e-12 * largest)


def torch_hessian(module, features, target):
    """torch.func.hessian of the mean cross-entropy in the module's parameters, float64 [P, P]."""
    names, values = zip(*module.named_parameters(), strict=True)
    splits = [value.numel() for value in values]

    def loss(theta):
        parts = [part.view_as(value) for part, value in zip(theta.split(splits), values, strict=True)]
        z = torch.func.functional_call(module, dict(zip(names, parts, strict=True)), torch.tensor(features))
        return torch.nn.functional.binary_cross_entropy_with_logits(z[:, 0], torch.tensor(target, dtype=torch.float64))

    return torch.func.hessian(loss)(torch.cat([value.detach().ravel() for value in values])).numpy()


def test_a_torch_class_of_ones_own_is_read_by_evaluation():
    class Own(nn.Module):
        def __init__(self, output, skip=False):
            super().__init__()
            self.first, self.second, self.last = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 3)
            self.output, self.skip = output, skip

        def forward(self, x):
            x = torch.tanh(self.first(x))
            x = torch.tanh(self.second(x)) + self.skip * x
            return self.output(self.last(x))

    outputs = {None: lambda z: z, "sigmoid": torch.sigmoid, "softmax": lambda z: torch.softmax(z, -1)}
    for loss, output in outputs.items():
        assert Network.from_torch(Own(output), activation="tanh").loss == loss
    assert Network.from_torch(Own(lambda z: torch.log_softmax(z, -1)), activation="tanh").loss == "softmax"
    for model, activation in (
        (Own(outputs[None]), "relu"),
        (Own(outputs[None], skip=True), "tanh"),
        (Own(torch.relu), "tanh"),
    ):
        with pytest.raises(MeanfieldError, match="output is not that of its layers 4-4-4-3"):
            Network.from_torch(model, activation=activation)
    with pytest.raises(MeanfieldError, match=r"layer 'first' \(Linear\) is followed by no activation"):
        Network.from_torch(Own(outputs[None]))


def test_torch_refusals_name_the_layer():
    refused = {
        r"layer '0' \(Conv2d\) is not supported": [nn.Conv2d(1, 1, 3)],
        r"layer '1' \(BatchNorm1d\) is not supported": [nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1)],
        r"layer '0' \(Linear\) has no bias": [nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 1)],
        r"layer '1' \(GELU\) is 'gelu, approximate tanh'": [nn.Linear(2, 3), nn.GELU("tanh"), nn.Linear(3, 1)],
        r"layer '1' \(Softplus\) is 'softplus, beta 2'": [nn.Linear(2, 3), nn.Softplus(beta=2), nn.Linear(3, 1)],
        r"layer '1' \(ELU\) is 'elu'": [nn.Linear(2, 3), nn.ELU(), nn.Linear(3, 1)],
        r"layer '2' \(Linear\) takes 4 inputs, layer '0' ": [nn.Linear(2, 3), nn.ReLU(), nn.Linear(4, 1)],
        "output is not that of": [nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2), nn.Softmax(dim=0)],
    }  # fmt: skip
    for answer, parts in refused.items():
        with pytest.raises(MeanfieldError, match=answer):
            Network.from_torch(nn.Sequential(*parts))


def test_torch_parameters_of_no_layer_or_of_two_are_refused():
    """Their output is that of the layers, so that only the parameters tell."""

    class Scaled(nn.Module):
        def __init__(self, trained=True):
            super().__init__()
            self.first, self.second = nn.Linear(4, 3), nn.Linear(3, 1)
            self.scale = nn.Parameter(torch.ones(1), requires_grad=trained)

        def forward(self, x):
            return self.second(torch.tanh(self.first(x))) * self.scale

    tied = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
    tied[2].weight = tied[0].weight
    free = "parameter 'scale' is of no fully connected layer; the Hessian would leave it out"
    shared = r"layer '2' \(Linear\) shares a parameter with layer '0' \(Linear\); each must have its own"
    for answer, module, widths in ((free, Scaled(), "3"), (free, Scaled(trained=False), "3"), (shared, tied, "4-4")):
        before = [parameter.clone() for parameter in module.parameters()]
        with pytest.raises(MeanfieldError, match=f"^{answer}$"):
            Network.from_torch(module, activation="tanh")
        network = Network.of(widths, "tanh", 4, 1)
        with pytest.raises(MeanfieldError, match=f"^{answer}$"):
            network.into_torch(np.zeros(network.size), module)
        assert all((found == same).all() for found, same in zip(module.parameters(), before, strict=True))


@pytest.mark.parametrize(("dtype", "theta", "answer"), [
    ("float64", np.nan, "theta contain 1 NaN or infinite value"),
    ("float16", 1e6, r"theta, in the model's float16, would make layer '2' \(Linear\) contain 1 NaN or infinite value"),
    ("float32", 1e300, r"theta, in the model's float32, would make layer '2' \(Linear\) contain 1 NaN or infinite value"),
])  # fmt: skip
def test_torch_parameters_that_are_not_finite_are_refused(dtype, theta, answer):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).to(getattr(torch, dtype))
    network, before = refuses_to_write("torch", module, theta, answer)
    module[0].bias.data[1] = float("nan")
    for convert in (lambda: Network.from_torch(module), lambda: network.into_torch(before, module)):
        with pytest.raises(
            MeanfieldError, match=r"weights and bias of layer '0' \(Linear\) contain 1 NaN or infinite value"
        ):
            convert()


def test_torch_in_bfloat16_is_widened_without_loss():
    module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).to(torch.bfloat16)
    network, theta, _ = Network.from_torch(module)
    before = [parameter.clone() for parameter in module.parameters()]
    np.testing.assert_array_equal(theta[:6].reshape(3, 2), module[0].weight.detach().double().numpy())
    network.into_torch(np.zeros(network.size), module)
    network.into_torch(theta, module)
    assert all((found == same).all() for found, same in zip(module.parameters(), before, strict=True))
