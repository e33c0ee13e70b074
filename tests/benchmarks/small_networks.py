"""
Small networks, each step by two computations, interleaved:  python tests/benchmarks/small_networks.py

H and G by blocks and by first derivatives; training by TensorFlow's kernels and by NumPy. One thread; CPU time of 24 or 30
members, the least of some repetitions, so that what else the machine does counts little.
"""

import os
import subprocess
import sys
import time
from unittest import mock

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from meanfield.curvature import hessian, small
from meanfield.jobs.step import keep_freed_memory
from meanfield.training import numpy_training
from meanfield.training.schedule import learning_rates
from methods import case

MEMBERS, REPEATS = 24, 5
CASES = [
    *((architecture, 2, 1, 690) for architecture in ("10", "8-2", "8-5", "8-5-3", "25", "100")),
    *(("10", 4, 3, samples) for samples in (150, 690)),
    ("10", 10, 10, 500),
    ("3", 64, 10, 1437),
]

SEEDS, UPDATES, ROUNDS = 30, 10, 10  # of training
ADAM = {"method": "adam", "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "batch_size": None, "l2": 0}
TRAINED = [
    *(("10", activation, 2, 1, 690) for activation in numpy_training.ACTIVATIONS),
    *((architecture, "esp", 2, 1, 690) for architecture in ("8-2", "8-5", "8-5-3", "25", "100")),
    ("8-5-3", "gelu", 2, 1, 690),
    ("8-5", "esp", 2, 1, 38),
    ("25", "esp", 64, 10, 1437),
]


def milliseconds(members: np.ndarray, network, objective) -> list[float]:
    """CPU time per member by blocks of the matrix and by first derivatives."""
    least = [np.inf, np.inf]
    for _ in range(REPEATS):
        for which, products in enumerate((0, np.inf)):
            with mock.patch.object(small, "LARGEST", products):
                start = time.process_time()
                hessian.hessian(members, network, objective, split=True)
                least[which] = min(least[which], time.process_time() - start)
    return [1e3 * seconds / len(members) for seconds in least]


def microseconds(architecture: str, activation: str, inputs: int, outputs: int, samples: int) -> tuple[list[float], float]:
    """CPU time per member and update by TensorFlow's kernels and by NumPy; by how much their parameters then differ."""
    from meanfield.training import tensorflow_training

    network, theta, objective = case(architecture, inputs, outputs, samples, activation)
    sets = dict.fromkeys(("train", "test"), (objective.features, objective.target))
    initial = theta * np.linspace(0.5, 1.5, SEEDS)[:, None]
    rates = learning_rates(1 + UPDATES * (ROUNDS + 1), 0.01, 0.9, 500)
    common = network, sets, initial, rates, ADAM, "probability"
    both = [
        tensorflow_training.Trainer(*common, loss="sigmoid cross-entropy", averaging="float32"),
        numpy_training.Trainer(*common, averaging="float32"),
    ]
    least = [np.inf, np.inf]
    for trainer in both:
        trainer.advance(1)  # with what is done once
    differ = abs(both[0].theta - both[1].theta).max()
    for _ in range(ROUNDS):
        for which, trainer in enumerate(both):
            start = time.process_time()
            trainer.advance(UPDATES)
            least[which] = min(least[which], time.process_time() - start)
    return [1e6 * seconds / UPDATES / SEEDS for seconds in least], differ


def seconds_to_load(modules: str) -> float:
    """CPU time of an interpreter that imports these, the least of three."""
    code = f"import time, {modules}; print(time.process_time())"
    command = [sys.executable, "-c", code]
    return min(float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(3))


def hessians() -> None:
    """The table of Hessians."""
    print(
        "| network | samples | P | by blocks, ms | by first derivatives, ms | ratio | taken |\n|---|---|---|---|---|---|---|"
    )
    for activation in ("esp", "relu"):
        for architecture, inputs, outputs, samples in CASES:
            network, theta, objective = case(architecture, inputs, outputs, samples, activation)
            members = theta * np.linspace(0.5, 1.5, MEMBERS)[:, None]
            blocks, few = milliseconds(members, network, objective)
            taken = "first derivatives" if small.suits(network, objective) else "blocks"
            name = f"{inputs}-{architecture}-{outputs} {network.activation.label}"
            print(
                f"| {name} | {samples} | {network.size} | {blocks:.2f} | {few:.2f} | {blocks / few:.1f} | {taken} |",
                flush=True,
            )


def trainings() -> None:
    """The table of trainings, and what loading TensorFlow takes."""
    from meanfield.training.tensorflow_model import configure

    configure(threads=1)
    print("\n| network | samples | P | by TensorFlow, µs | by NumPy, µs | ratio | differ |\n|---|---|---|---|---|---|---|")
    for architecture, activation, inputs, outputs, samples in TRAINED:
        network, *_ = case(architecture, inputs, outputs, 1, activation)
        (theirs, ours), differ = microseconds(architecture, activation, inputs, outputs, samples)
        name = f"{inputs}-{architecture}-{outputs} {network.activation.label}"
        sizes = f"{samples} | {network.size} | {theirs:.1f} | {ours:.1f}"
        print(f"| {name} | {sizes} | {theirs / ours:.2f} | {differ:.0e} |", flush=True)
    alone, with_it = map(
        seconds_to_load,
        ("meanfield.training.numpy_training, meanfield.training.train", "meanfield.training.tensorflow_training, xarray"),
    )
    print(f"\nto load: TensorFlow's trainer {with_it:.2f} s, NumPy's {alone:.2f} s of CPU time")


if __name__ == "__main__":
    keep_freed_memory()
    if sys.argv[1:] != ["trainings"]:
        hessians()
    trainings()
