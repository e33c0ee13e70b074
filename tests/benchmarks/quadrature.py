"""
Spectra without the matrix against exact ones: the last record of every run at hand, and a network of P = 8,000.

By the default settings: α and γ beyond the same τ, with their errors, and in single precision; how far the densities are
apart, in decades of |λ| beyond τ, and how far on average by chance alone, were every eigenvalue resolved; of 100
repetitions, how many errors hold the true α and γ (95 are promised; beyond P = 1000 by fewer probes and steps). Prints the
table of docs/performance.md, in five minutes.

    PYTHONPATH=scripts:tests python tests/benchmarks/quadrature.py RESULTS     (a folder of results, MEANFIELD_MIRROR set)
"""

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import examples
import numpy as np
import xarray as xr
from exact_spectra import REPETITIONS, distances, exact, hits
from meanfield.curvature import hessian, quadrature
from meanfield.curvature.quadrature import Settings
from methods import case
from spectrum_step import descent


def of_run(folder: Path) -> tuple:
    """(theta, network, objective) at the last record of the run whose results are in that folder."""
    run, mirror = folder.parts[-3:], Path(os.environ["MEANFIELD_MIRROR"])
    theta = xr.open_dataset(folder / "trajectory.nc").parameters.values[0, -1]
    return theta, examples.network(run, mirror), examples.objective(run[0], mirror)


def of_thousands() -> tuple:
    """The same of digits' shape with 105 units, P = 8,000, after some descent on random data."""
    network, theta, objective = case("105")
    return descent(network, theta, objective, 5)[-1], network, objective


def estimated(problem: tuple, precision: str = "float64") -> tuple[dict, float]:
    """What is found, and in how many seconds."""
    start = time.perf_counter()
    theta, *rest = problem
    found = quadrature.of_members(theta[None], *rest, Settings(precision=precision), {})
    return {name: values[0] for name, values in found.items()}, time.perf_counter() - start


def line(name: str, problem: tuple) -> str:
    """One row of the table."""
    start = time.perf_counter()
    values = exact(hessian.hessian(*problem))
    solved, size = time.perf_counter() - start, len(values)
    double, seconds = estimated(problem)
    single, _ = estimated(problem, "float32")
    distance, by_chance = distances(double, values)
    [alpha, gamma], _ = hits(values, Settings() if size < 1000 else Settings(probes=3, steps=100))
    tau = double["tolerance"]
    true = {"negative": (values < -tau).mean(), "flat": (np.abs(values) <= tau).mean()}
    columns = [
        f"{true[key]:.3f} | {double[key] / size:.3f} ± {double[f'{key}_error'] / size:.3f} | {single[key] / size:.3f}"
        for key in true
    ]
    ends = max(abs(double["lambda_min"] - values[0]), abs(double["lambda_max"] - values[-1])) / np.abs(values).max()
    cells = [name, f"{size:,}", *columns, f"{distance:.3f} ({by_chance.mean():.3f})", f"{alpha}, {gamma}", f"{ends:.0e}"]
    return f"| {' | '.join(cells)} | {seconds:.2g} ({solved:.2g}) |"


def main(results: str) -> None:
    """The table, in Markdown."""
    print("| run | P | α exact | α | float32 | γ exact | γ | float32 | distance (chance) | hold, of", end=" ")
    print(f"{REPETITIONS}: α, γ | extremes differ by | seconds (exact) |\n|---|---:" + 10 * "|---:" + "|")
    for path in sorted(Path(results).glob("runs/*/*/*/trajectory.nc"), reverse=True):
        print(line(" ".join(path.parts[-4:-1]), of_run(path.parent)), flush=True)
    print(line("64-105-10 esp", of_thousands()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
