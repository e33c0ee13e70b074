"""
Training, exact Hessian, eigenvalues and Hessian products on a GPU and on the CPU, in one run.

The paper's digits network, one of MNIST's size and a large one, ESP, float64, random data of their shapes; one member. Each
device in a process of its own, on all cores; the best of three calls, after one that is not counted. Where no GPU is
visible the table says so. What a device cannot do in its memory is left out, and said.

    PYTHONPATH=scripts python tests/benchmarks/gpu.py [NETWORK …]          (in the environment of envs/train-gpu.yaml)
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "16")  # as the workflow's step does

import numpy as np
from measure import repeated
from methods import case

CASES = {"64-25-10": 1437, "784-25-10": 5000, "784-300-100-10": 2000}
"""Networks, and samples of each."""
DEVICES = ("CPU", "GPU")
UPDATES, VECTORS, REPEATS = 50, 10, 3
LARGEST = 20_000  # parameters, up to which the Hessian is made: 3.2 GB
SOLVED = {"CPU": 10_000, "GPU": LARGEST}  # parameters, up to which all eigenvalues are computed: minutes


def tasks(device: str, network, theta: np.ndarray, objective) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is timed, by name: the project's own functions, as its steps call them on that device."""
    from meanfield.curvature import autodiff, hessian
    from meanfield.curvature.dense import NUMPY
    from meanfield.curvature.tensorflow_dense import TENSORFLOW
    from meanfield.model.products import Products
    from meanfield.training.tensorflow_model import tf
    from meanfield.training.tensorflow_training import Trainer

    dense = TENSORFLOW if device == "GPU" else NUMPY
    samples = objective.features, objective.target
    adam = {"method": "adam", "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "l2": 0.0}
    trainer = Trainer(
        network, dict.fromkeys(("train", "test"), samples), theta[None],
        np.full(10_000, 1e-3, np.float32), adam, "probability", loss=objective.loss.name, averaging="float64",
    )  # fmt: skip
    yield f"training, {UPDATES} updates", lambda: trainer.advance(UPDATES)
    vectors = np.random.default_rng(1).normal(size=(VECTORS, network.size))
    if device == "CPU":
        products = Products(theta, network, objective, vectors=VECTORS)
        yield f"{VECTORS} Hessian products, closed form", lambda: products(vectors)
    along = tf.function(autodiff.product(network, *samples, objective.loss.name))
    point, directions = tf.constant(theta), [tf.constant(vector) for vector in vectors]
    yield f"{VECTORS} Hessian products, TensorFlow", lambda: [along(point, vector).numpy() for vector in directions]
    if network.size <= LARGEST:
        yield "exact Hessian", lambda: hessian.hessian(theta, network, objective, dense=dense)
    if network.size <= SOLVED[device]:
        matrix = hessian.hessian(theta, network, objective, dense=dense)
        yield "all eigenvalues", lambda: dense.eigvalsh(matrix)


def one(name: str, device: str) -> dict[str, float]:
    """Seconds of each task on that device, in this process; empty if it is not there."""
    from meanfield.training.tensorflow_model import configure

    if configure(len(os.sched_getaffinity(0)), device == "GPU") != device:
        return {}
    inputs, *hidden, outputs = map(int, name.split("-"))
    problem = case("-".join(map(str, hidden)), inputs, outputs, CASES[name])
    found = {}
    for task, function in tasks(device, *problem):
        function()
        found[task] = min(repeated(function, REPEATS)[1])
    return found | {"size": problem[0].size}


def main(names: list[str]) -> None:
    """A table a network, in Markdown."""
    for name in names or CASES:
        columns = {}
        for device in DEVICES:
            result = subprocess.run([sys.executable, __file__, "--one", name, device], stdout=subprocess.PIPE, check=True)
            columns[device] = json.loads(result.stdout.splitlines()[-1])
        size = columns["CPU"].pop("size")
        columns["GPU"].pop("size", None)
        print(f"\n| {name}, P = {size:,}, N = {CASES[name]:,} | CPU, s | GPU, s |\n|---|---:|---:|")
        for task in dict.fromkeys(task for column in columns.values() for task in column):
            print(
                f"| {task} |",
                " | ".join(f"{column[task]:.3g}" if task in column else "–" for column in columns.values()),
                "|",
            )
        if not columns["GPU"]:
            print("\nNo GPU is visible: its column was not measured.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(*sys.argv[2:])))
    else:
        main(sys.argv[1:])
