"""
The exact Hessian of a user's PyTorch model: `meanfield.hessian` against torch.func, JAX, curvlinops and PyHessian.

Two models in float64, trained for a hundred steps of Adam on data that scikit-learn ships. Each method runs in a process of
its own on one core; the first call, with JAX's compilation, is not counted; then the best of five. Prints the table of
docs/library.md; a Hessian that differs by more than 1e-12 of the largest entry stops it.

    PYTHONPATH=scripts .venv-benchmarks/bin/python tests/benchmarks/library.py
"""

import json
import os
import sys
import warnings
from collections.abc import Callable

import numpy as np
from measure import alone, repeated

REPEATS, BATCH, LARGEST_DEVIATION = 5, 64, 1e-12
CASES = {
    "breast cancer, 30-16-8-1, SiLU, sigmoid": ("breast_cancer", (16, 8), "SiLU", "sigmoid"),
    "digits, 64-25-10, tanh, softmax": ("digits", (25,), "Tanh", "softmax"),
}


def case(name: str):
    """(module, features [N, input], target [N] as integers, the loss's word); float64, the same in every process."""
    import torch
    from sklearn import datasets

    data, hidden, activation, loss = CASES[name]
    features, target = getattr(datasets, f"load_{data}")(return_X_y=True)
    spread = features.std(axis=0)
    features = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1)
    torch.manual_seed(1)
    widths = (features.shape[1], *hidden)
    layers = [
        part for n in range(len(hidden)) for part in (torch.nn.Linear(*widths[n : n + 2]), getattr(torch.nn, activation)())
    ]
    module = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], 1 if loss == "sigmoid" else 10)).double()
    criterion, x, y = torch_loss(loss), torch.tensor(features), torch.tensor(target)
    optimizer = torch.optim.Adam(module.parameters(), 0.01)
    for _ in range(100):
        optimizer.zero_grad()
        criterion(module(x), y).backward()
        optimizer.step()
    return module, features, target, loss


def torch_loss(word: str) -> Callable:
    """The mean loss as PyTorch has it, of logits [N, K] and integers [N]."""
    import torch.nn.functional as F

    if word == "softmax":
        return F.cross_entropy
    return lambda z, y: F.binary_cross_entropy_with_logits(z[:, 0], y.double())


def ours(module, features, target, loss):
    import meanfield

    network, theta, _ = meanfield.Network.from_torch(module)
    return lambda: meanfield.hessian(network, theta, features, target, loss)


def torch_function(module, features, target, loss):
    """theta [P] → mean loss, and theta."""
    import torch

    names, values = zip(*module.named_parameters(), strict=True)
    x, y, criterion, sizes = (
        torch.tensor(features),
        torch.tensor(target),
        torch_loss(loss),
        [value.numel() for value in values],
    )

    def function(theta):
        parts = (part.view_as(value) for part, value in zip(theta.split(sizes), values, strict=True))
        return criterion(torch.func.functional_call(module, dict(zip(names, parts, strict=True)), x), y)

    return torch, function, torch.cat([value.detach().ravel() for value in values])


def torch_hessian(*arguments):
    torch, function, theta = torch_function(*arguments)
    return lambda: torch.func.hessian(function)(theta).numpy()


def torch_batches(*arguments):
    torch, function, theta = torch_function(*arguments)
    column = lambda v: torch.func.jvp(torch.func.grad(function), (theta,), (v,))[1]  # noqa: E731
    return lambda: torch.func.vmap(column, chunk_size=BATCH)(torch.eye(len(theta), dtype=theta.dtype)).numpy()


def jax_function(module, features, target, loss):
    """The same in JAX, of parameters in the same order."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    x, y = jnp.array(features), jnp.array(target)
    values = [parameter.detach().numpy() for parameter in module.parameters()]
    activation = jax.nn.silu if loss == "sigmoid" else jnp.tanh
    ends = np.cumsum([value.size for value in values])[:-1]

    def function(theta):
        parts = [part.reshape(value.shape) for part, value in zip(jnp.split(theta, ends), values, strict=True)]
        signal = x
        for number in range(0, len(parts), 2):
            z = signal @ parts[number].T + parts[number + 1]
            signal = activation(z)
        if loss == "softmax":
            return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], axis=1))
        return jnp.mean(jnp.maximum(z[:, 0], 0) - z[:, 0] * y + jnp.log1p(jnp.exp(-jnp.abs(z[:, 0]))))

    return jax, function, jnp.array(np.concatenate([value.ravel() for value in values]))


def jax_hessian(*arguments):
    jax, function, theta = jax_function(*arguments)
    compiled = jax.jit(jax.hessian(function))
    return lambda: np.asarray(compiled(theta))


def jax_batches(*arguments):
    jax, function, theta = jax_function(*arguments)
    column = lambda v: jax.jvp(jax.grad(function), (theta,), (v,))[1]  # noqa: E731
    compiled = jax.jit(lambda: jax.lax.map(column, jax.numpy.eye(theta.size), batch_size=BATCH))
    return lambda: np.asarray(compiled())


def curvlinops_product(module, features, target, loss):
    import torch
    from curvlinops import HessianLinearOperator

    parameters, data = list(module.parameters()), [(torch.tensor(features), torch.tensor(target))]
    operator = HessianLinearOperator(module, Criterion(loss), parameters, data, check_deterministic=False)
    return lambda: (operator @ torch.eye(operator.shape[0], dtype=torch.float64)).detach().numpy()


def Criterion(word):
    """The loss as a torch module, as curvlinops wants it."""
    import torch

    class Mean(torch.nn.Module):
        reduction = "mean"

        def forward(self, z, y):
            return torch_loss(word)(z, y)

    return Mean()


def pyhessian_of(module, features, target, loss):
    import torch
    from pyhessian import hessian

    torch.set_default_dtype(torch.float64)  # its vectors are drawn in it
    return torch, hessian(module, torch_loss(loss), data=(torch.tensor(features), torch.tensor(target)), cuda=False)


def pyhessian_products(*arguments):
    """It has products with vectors, and no matrix: here one with each unit vector."""
    torch, found = pyhessian_of(*arguments)
    from pyhessian.utils import hessian_vector_product

    sizes = [p.numel() for p in found.params]

    def full():
        columns = []
        for vector in torch.eye(sum(sizes)):
            parts = [part.view_as(p) for part, p in zip(vector.split(sizes), found.params, strict=True)]
            product = hessian_vector_product(found.gradsH, found.params, parts)
            columns.append(torch.cat([part.detach().ravel() for part in product]))
        return torch.stack(columns).numpy()

    return full


def pyhessian_largest(*arguments):
    """The eigenvalue of largest magnitude, by power iteration until it changes by less than 1e-3, its default."""
    torch, found = pyhessian_of(*arguments)

    def largest():
        torch.manual_seed(0)
        return np.array(found.eigenvalues()[0][0])

    return largest


def our_spectrum(module, features, target, loss):
    import meanfield

    network, theta, _ = meanfield.Network.from_torch(module)
    return lambda: meanfield.spectrum(network, theta, features, target, loss, eigenvectors=False).eigenvalues.values


METHODS = {
    "`meanfield.hessian`": ours,
    "JAX, forward over reverse in batches of 64, `jit`": jax_batches,
    "JAX, `jax.hessian`, `jit`": jax_hessian,
    "PyTorch, forward over reverse in batches of 64": torch_batches,
    "PyTorch, `torch.func.hessian`": torch_hessian,
    "curvlinops, `HessianLinearOperator @ eye`": curvlinops_product,
    "PyHessian, a product with each unit vector": pyhessian_products,
    "`meanfield.spectrum`, all eigenvalues, α and γ by cause": our_spectrum,
    "PyHessian, the largest eigenvalue alone": pyhessian_largest,
}


def one(name: str, method: str) -> dict:
    """Measure a method in this process."""
    warnings.simplefilter("ignore")
    arguments = case(name)
    function = METHODS[method](*arguments)
    function()
    result, seconds = repeated(function, REPEATS)
    exact = ours(*arguments)()
    if result.ndim < 2:
        exact = np.linalg.eigvalsh(exact)
        exact = exact if result.ndim else exact[np.abs(exact).argmax()]
    deviation = float(np.abs(result - exact).max() / np.abs(exact).max())
    if deviation > LARGEST_DEVIATION and result.ndim:
        sys.exit(f"{method} differs by {deviation:.1e}")
    return {"seconds": min(seconds), "deviation": deviation, "parameters": exact.shape[-1] if exact.ndim else None}


def main() -> None:
    """Both models, all methods, as Markdown tables."""
    core = min(os.sched_getaffinity(0))
    for name in CASES:
        rows = {method: alone(__file__, name, method, core) for method in METHODS}
        first = rows["`meanfield.hessian`"]
        print(f"\n| {name}: P = {first['parameters']} | seconds | times | differs by |\n|---|---:|---:|---:|")
        for method, row in rows.items():
            if isinstance(row, str):
                print(f"| {method} | fails: {row} | | |")
                continue
            times = row["seconds"] / first["seconds"]
            print(f"| {method} | {row['seconds']:.3g} | {times:.2g} | {row['deviation']:.0e} |")


if __name__ == "__main__":
    print(json.dumps(one(*sys.argv[1:]))) if len(sys.argv) > 1 else main()
