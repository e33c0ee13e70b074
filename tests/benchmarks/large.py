"""
A network of MNIST size: 784-25-10, ESP, P = 19,920 (19,885 without β), N = 2,000 random samples, on all cores.

The exact Hessian, α and γ by inertia, the full spectrum: time and peak memory of each.
"""

import os
import resource
import time

os.environ["OPENBLAS_THREAD_TIMEOUT"] = "16"  # as the workflow's step does

import numpy as np
from meanfield.curvature import eigen, hessian, inertia
from meanfield.model import propagation
from methods import case

START = time.perf_counter()


def phase(name: str, function, *arguments):
    """Run one phase: say that it begins, then what it took."""
    print(f"[{time.perf_counter() - START:6.0f} s] {name} …", flush=True)
    start = time.perf_counter()
    result = function(*arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"| {name} | {time.perf_counter() - start:.1f} s | {peak:.1f} GiB peak so far |", flush=True)
    return result


def main() -> None:
    """All phases, and that both ways give the same counts."""
    network, theta, objective = case(architecture="25", inputs=784, outputs=10, samples=2000)
    matrix = phase(f"exact Hessian, P = {network.size}", hessian.hessian, theta, network, objective)
    product = propagation.operator(theta, network, objective)
    largest, _ = phase("largest eigenvalue by Lanczos", inertia.extreme_eigenvalue, product, network.size, "LM")
    tau = eigen.tolerance(network.size, abs(largest))
    below, up_to = phase("inertia at −τ and τ", inertia.count_below, matrix, (-tau, tau))
    print(f"inertia: α = {below / network.size:.5f}, γ = {(up_to - below) / network.size:.5f}", flush=True)
    values = phase("all eigenvalues", np.linalg.eigvalsh, matrix)
    tau = eigen.tolerance(network.size, np.abs(values).max())
    alpha, gamma = (values < -tau).mean(), (np.abs(values) <= tau).mean()
    print(f"eigenvalues: α = {alpha:.5f}, γ = {gamma:.5f}, λ from {values[0]:.2e} to {values[-1]:.2e}")


if __name__ == "__main__":
    main()
