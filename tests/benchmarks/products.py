"""
Hessian products of a block of vectors: `Products` against curvlinops, hessian-eigenthings, PyHessian, PyTorch and JAX.

Three classifiers of MNIST's shape, SiLU, softmax, float64, random data and parameters; ten products with the same vectors.
Each method runs in a process of its own on one core, in its best reasonable form: what can be computed once for all products
(a graph, a linearization, compilation) is, before; then the best of three, in seconds of the core. Prints the table of
docs/performance.md; a product that differs by more than 1e-12 of the largest entry (float32: 1e-5) stops it.

    PYTHONPATH=scripts .venv-benchmarks/bin/python tests/benchmarks/products.py
"""

import json
import os
import resource
import sys
import time
import warnings
from itertools import pairwise

import numpy as np
from measure import alone, repeated

VECTORS, REPEATS, LARGEST_DEVIATION = 10, 3, 1e-12
CASES = {"784-25-10": 5000, "784-300-100-10": 2000, "784-1000-1000-10": 1000}
"""Networks, and samples of each."""


def case(name: str):
    """(network, theta, features [N, 784], classes [N], vectors [vector, P]), the same in every process."""
    from meanfield.model.network import Network

    samples = CASES.get(name, 1000)
    inputs, *hidden, outputs = map(int, name.split("-"))
    rng, network = np.random.default_rng(0), Network.of("-".join(map(str, hidden)), "silu", inputs, outputs)
    theta = rng.normal(scale=0.05, size=network.size)
    features, classes = rng.uniform(size=(samples, 784)), rng.integers(10, size=samples)
    return network, theta, features, classes, rng.normal(size=(VECTORS, network.size))


def our_arguments(network, theta, features, classes):
    from meanfield.model.losses import SOFTMAX_CROSS_ENTROPY
    from meanfield.model.propagation import Objective

    return theta, network, Objective(SOFTMAX_CROSS_ENTROPY, features, np.eye(10)[classes], 1 / len(features))


def ours(*arguments, precision="float64"):
    from meanfield.model.products import Products

    *problem, vectors = arguments
    product = Products(*our_arguments(*problem), precision=precision, vectors=VECTORS)
    return lambda: product(vectors)


def ours_single_precision(*arguments):
    return ours(*arguments, precision="float32")


def ours_one_by_one(*arguments):
    from meanfield.model.propagation import operator

    *problem, vectors = arguments
    product = operator(*our_arguments(*problem))
    return lambda: np.array([product(vector) for vector in vectors])


def torch_module(network, theta, features, classes, vectors):
    """The module with these parameters, its data and criterion, and the vectors as tensors."""
    import torch

    widths = [network.inputs, *network.hidden, network.outputs]

    class Gate(torch.nn.Module):
        """SiLU, written out: curvlinops has no forward derivative of torch's own."""

        def forward(self, h):
            return h * torch.sigmoid(h)

    layers = []
    for inputs, units in pairwise(widths):
        layers += [torch.nn.Linear(inputs, units, dtype=torch.float64), Gate()]
    module = torch.nn.Sequential(*layers[:-1])
    torch.nn.utils.vector_to_parameters(torch.tensor(theta), module.parameters())
    data = torch.tensor(features), torch.tensor(classes)
    return torch, module, data, torch.nn.CrossEntropyLoss(), torch.tensor(vectors)


def in_parts(module, vector):
    """A vector as a list of tensors like the module's parameters."""
    sizes = [parameter.numel() for parameter in module.parameters()]
    return [part.view_as(like) for part, like in zip(vector.split(sizes), module.parameters(), strict=True)]


def joined(torch, parts):
    return torch.cat([part.detach().ravel() for part in parts])


def torch_graph(*arguments):
    """The gradient's graph is kept, and each product is one backward pass through it."""
    torch, module, (x, y), criterion, vectors = torch_module(*arguments)
    parameters = list(module.parameters())
    gradient = torch.autograd.grad(criterion(module(x), y), parameters, create_graph=True)

    def product(vector):
        parts = in_parts(module, vector)
        return joined(torch, torch.autograd.grad(gradient, parameters, grad_outputs=parts, retain_graph=True))

    return lambda: torch.stack([product(vector) for vector in vectors]).numpy()


def curvlinops(*arguments):
    from curvlinops import HessianLinearOperator

    _, module, data, criterion, vectors = torch_module(*arguments)
    operator = HessianLinearOperator(module, criterion, list(module.parameters()), [data], check_deterministic=False)
    block = vectors.T.contiguous()
    return lambda: (operator @ block).detach().numpy().T


def eigenthings(*arguments):
    from hessian_eigenthings import HessianOperator

    torch, module, data, criterion, vectors = torch_module(*arguments)
    operator = HessianOperator(module, [data], lambda model, batch: criterion(model(batch[0]), batch[1]))
    return lambda: torch.stack([operator.matvec(vector).detach() for vector in vectors]).numpy()


def pyhessian(*arguments):
    """Its function of the gradient's graph, which it keeps."""
    torch, module, data, criterion, vectors = torch_module(*arguments)
    from pyhessian import hessian
    from pyhessian.utils import hessian_vector_product

    found = hessian(module, criterion, data=data, cuda=False)

    def product(vector):
        return joined(torch, hessian_vector_product(found.gradsH, found.params, in_parts(module, vector)))

    return lambda: torch.stack([product(vector) for vector in vectors]).numpy()


def jax_gradient(network, theta, features, classes, vectors):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    x, y, layout = jnp.array(features), jnp.array(classes), network.layout

    def loss(theta):
        signal = x
        for number, layer in enumerate(layout):
            h = signal @ theta[layer.weights].reshape(layer.units, layer.inputs).T + theta[layer.bias]
            signal = jax.nn.silu(h) if number < len(layout) - 1 else h
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(signal), y[:, None], axis=1))

    return jax, jax.grad(loss), jnp.array(theta), jnp.array(vectors)


def jax_linearized(*arguments):
    """The gradient is linearized once; its derivative along all vectors is one compiled function."""
    jax, gradient, theta, vectors = jax_gradient(*arguments)
    along = jax.jit(jax.vmap(jax.linearize(gradient, theta)[1]))
    return lambda: np.asarray(along(vectors))


def jax_forward_over_reverse(*arguments):
    jax, gradient, theta, vectors = jax_gradient(*arguments)
    along = jax.jit(lambda theta, block: jax.vmap(lambda vector: jax.jvp(gradient, (theta,), (vector,))[1])(block))
    return lambda: np.asarray(along(theta, vectors))


METHODS = {
    "`Products`, one block": ours,
    "`Products`, one block, float32": ours_single_precision,
    "`propagation.operator`, one by one": ours_one_by_one,
    "JAX, linearized once, `vmap`, `jit`": jax_linearized,
    "JAX, forward over reverse, `vmap`, `jit`": jax_forward_over_reverse,
    "PyTorch, backward through the gradient's graph": torch_graph,
    "PyHessian, `hessian_vector_product`": pyhessian,
    "curvlinops, `HessianLinearOperator @` block": curvlinops,
    "hessian-eigenthings, `HessianOperator.matvec`": eigenthings,
}


def one(name: str, method: str) -> dict:
    """Measure a method in this process: seconds of all products, GiB added by them, deviation from ours."""
    warnings.simplefilter("ignore")
    arguments = case(name)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    function = METHODS[method](*arguments)
    function()
    result, seconds = repeated(function, REPEATS, time.process_time)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    exact = ours(*arguments)()
    deviation = float(np.abs(result - exact).max() / np.abs(exact).max())
    if deviation > (1e-5 if "float32" in method else LARGEST_DEVIATION):
        sys.exit(f"{method} differs by {deviation:.1e}")
    return {"seconds": min(seconds), "deviation": deviation, "size": len(arguments[1]), "peak": (peak - before) / 2**20}


def main() -> None:
    """All networks, all methods, as Markdown tables."""
    core = max(os.sched_getaffinity(0))
    for name, samples in CASES.items():
        rows = {method: alone(__file__, name, method, core) for method in METHODS}
        first = next(iter(rows.values()))
        print(
            f"\n| {name}, P = {first['size']:,}, N = {samples:,}: {VECTORS} products by | ms each | times | GiB | differs |"
        )
        print("|---|---:|---:|---:|---:|")
        for method, row in rows.items():
            times, each = row["seconds"] / first["seconds"], 1e3 * row["seconds"] / VECTORS
            print(f"| {method} | {each:.3g} | {times:.2f} | {row['peak']:.1f} | {row['deviation']:.0e} |", flush=True)


if __name__ == "__main__":
    print(json.dumps(one(*sys.argv[1:]))) if len(sys.argv) > 1 else main()
