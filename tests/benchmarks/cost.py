"""
What one record's spectrum costs against P: all eigenvalues, counts by inertia, Lanczos, and the products of the peers.

Classifiers of MNIST's shape, SiLU, softmax, N = 1,000 random samples, float64. By the spectrum step's own functions, with
its default settings, one core, in seconds of it. Of the peers, and of ours once more, ten products are measured, and
counted as often as Lanczos takes them. Each point in a process of its own. Prints a table; the figure goes to the path
given.

    PYTHONPATH=scripts .venv-benchmarks/bin/python tests/benchmarks/cost.py docs/images/cost.png         (about half an hour)
"""

import json
import os
import sys
import time

os.environ["OPENBLAS_THREAD_TIMEOUT"] = "16"  # as the workflow's step does

import products
from measure import alone, repeated

NETWORKS = ("784-1-10", "784-3-10", "784-10-10", "784-25-10", "784-100-10", "784-300-100-10")
SOLVED = {"all eigenvalues": 10_000, "inertia": 20_000}
"""Parameters up to which these are measured: minutes, and gigabytes, of one core."""
PEERS = {
    "`Products`, one block": "Lanczos' products alone",
    "JAX, linearized once, `vmap`, `jit`": "JAX",
    "PyHessian, `hessian_vector_product`": "PyHessian",
    "curvlinops, `HessianLinearOperator @` block": "curvlinops",
    "hessian-eigenthings, `HessianOperator.matvec`": "hessian-eigenthings",
}
"""Methods of `products`, and what the figure calls them."""


def one(name: str, method: str) -> dict:
    """CPU seconds of one record's indices by that method, in this process, and P."""
    from meanfield.curvature import quadrature, spectrum
    from meanfield.curvature.dense import NUMPY

    theta, network, objective = products.our_arguments(*products.case(name)[:-1])
    if network.size > SOLVED.get(method, network.size):
        return {"P": network.size, "seconds": None}
    problem = theta[None], network, objective
    if method == "Lanczos":
        _, [seconds] = repeated(lambda: quadrature.of_members(*problem, quadrature.Settings(), {}), 1, time.process_time)
    else:
        word = {"all eigenvalues": "eigenvalues"}.get(method, method)
        _, [seconds] = repeated(lambda: spectrum.of_members(*problem, word, NUMPY, {}), 1, time.process_time)
    return {"P": network.size, "seconds": seconds}


def measured() -> dict[str, dict[int, float]]:
    """Seconds by method and P."""
    from meanfield.curvature.quadrature import Settings

    core, found = max(os.sched_getaffinity(0)), {}
    times = Settings().probes * Settings().steps / products.VECTORS
    for name in NETWORKS:
        for method in (*SOLVED, "Lanczos"):
            row = alone(__file__, name, method, core)
            if row["seconds"] is not None:
                found.setdefault(method, {})[row["P"]] = row["seconds"]
        for method, said in PEERS.items():
            row = alone(products.__file__, name, method, core)
            found.setdefault(said, {})[row["size"]] = times * row["seconds"]
    return found


def draw(found: dict[str, dict[int, float]], path: str) -> None:
    """The figure."""
    from matplotlib.figure import Figure

    figure = Figure((7, 4.9), layout="constrained")
    axis = figure.subplots()
    for method, column in found.items():
        line = {"marker": "o", "linewidth": 2} if method in (*SOLVED, "Lanczos") else {"marker": ".", "linestyle": ":"}
        axis.loglog(*zip(*sorted(column.items()), strict=True), label=method, **line)
    axis.set(xlabel="parameters P", ylabel="one record, seconds of one core")
    figure.legend(loc="outside lower center", frameon=False, ncols=3)
    figure.savefig(path, dpi=150)


def main(path: str) -> None:
    """The table, in Markdown, and the figure."""
    found = measured()
    sizes = sorted({size for column in found.values() for size in column})
    print(f"| P | {' | '.join(found)} |\n|---:{len(found) * '|---:'}|")
    for size in sizes:
        cells = [f"{column[size]:.3g}" if size in column else "–" for column in found.values()]
        print(f"| {size:,} | {' | '.join(cells)} |")
    draw(found, path)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(one(*sys.argv[1:])))
    else:
        main(sys.argv[1])
