"""
H and G of small networks by either computation, interleaved:  python tests/benchmarks/small_networks.py

One thread; CPU time of 24 members, the least of five repetitions, so that what else the machine does counts little.
"""

import os
import time
from unittest import mock

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from meanfield.curvature import hessian, small
from meanfield.jobs.step import keep_freed_memory
from methods import case

MEMBERS, REPEATS = 24, 5
CASES = [
    *((architecture, 2, 1, 690) for architecture in ("10", "8-2", "8-5", "8-5-3", "25", "100")),
    *(("10", 4, 3, samples) for samples in (150, 690)),
    ("10", 10, 10, 500),
    ("3", 64, 10, 1437),
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


if __name__ == "__main__":
    keep_freed_memory()
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
