"""
The spectrum step of a digits run against bare symmetric eigenvalue solves, and inertia against eigenvalues.

One thread, as the workflow's default; the environment variable THREADS chooses another number. The trajectory is made here,
so no results are needed: random data of the digits' shape, three constant pixels, 56 points along plain gradient descent.
"""

import os
import time

os.environ["OPENBLAS_NUM_THREADS"] = os.environ.get("THREADS", "1")
os.environ["OPENBLAS_THREAD_TIMEOUT"] = "16"  # as the workflow's step does

import numpy as np
import xarray as xr
from meanfield.curvature import eigen, hessian, inertia, spectrum
from meanfield.model import propagation
from methods import case

RECORDS = 56


def descent(network, theta: np.ndarray, objective, records: int) -> np.ndarray:
    """Parameters along plain gradient descent, [record, P]."""
    members = [theta]
    for _ in range(records - 1):
        for _ in range(20):
            theta = theta - 3.0 * propagation.gradient(theta, network, objective)
        members.append(theta)
    return np.array(members)


def timed(function, *arguments, **keywords):
    """(result, seconds)"""
    start = time.perf_counter()
    result = function(*arguments, **keywords)
    return result, time.perf_counter() - start


def step_against_bare_solves() -> None:
    """The whole step over 56 records, and the same matrices solved and nothing else."""
    network, theta, objective = case()
    objective = objective._replace(
        features=np.where(np.isin(np.arange(64), [0, 32, 39]), 0, objective.features)
    )  # as in the digits
    members = descent(network, theta, objective, RECORDS)
    trajectory = xr.Dataset(
        {"parameters": (("seed", "update", "parameter"), members[None])}, coords={"seed": [1], "update": np.arange(RECORDS)}
    )
    bare = sum(timed(np.linalg.eigvalsh, hessian.hessian(theta, network, objective))[1] for theta in members)
    _, step = timed(spectrum.along_trajectory, trajectory, network, objective, eigenvectors_at=["last"])
    _, count = timed(spectrum.along_trajectory, trajectory, network, objective, method="inertia")
    print("| 56 records, P = 1920 | seconds | ratio to the bare solves |\n|---|---|---|")
    for name, seconds in (
        ("bare eigenvalue solves", bare),
        ("spectrum step, eigenvalues", step),
        ("spectrum step, inertia", count),
    ):
        print(f"| {name} | {seconds:.1f} | {seconds / bare:.2f} |")


def inertia_against_eigenvalues(size: int, repeats: int) -> None:
    """Counting below ±τ, the largest eigenvalue included, against all eigenvalues of the same matrix."""
    width = round((size - 20) / 76)
    network, theta, objective = case(architecture=str(width), samples=500)
    matrix, product = hessian.hessian(theta, network, objective), propagation.operator(theta, network, objective)
    solve, count = [], []
    for _ in range(repeats):
        solve.append(timed(np.linalg.eigvalsh, matrix))
        tau, start = None, time.perf_counter()
        tau = eigen.tolerance(network.size, abs(inertia.extreme_eigenvalue(product, network.size, "LM")[0]))
        below, up_to = inertia.count_below(matrix, (-tau, tau))
        count.append(time.perf_counter() - start)
    values = solve[0][0]
    tau = eigen.tolerance(network.size, np.abs(values).max())
    assert (below, up_to) == ((values < -tau).sum(), (values <= tau).sum())
    solve, count = np.median([seconds for _, seconds in solve]), np.median(count)
    print(f"| {network.size} | {solve:.2f} | {count:.2f} | {solve / count:.1f} |", flush=True)


if __name__ == "__main__":
    step_against_bare_solves()
    print("\n| P | all eigenvalues, s | inertia, s | ratio |\n|---|---|---|---|")
    for size, repeats in ((1920, 5), (4000, 3), (8000, 1)):
        inertia_against_eigenvalues(size, repeats)
