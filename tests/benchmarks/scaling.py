"""
How time and memory of the closed form grow with the number of parameters P and of samples N: table and log–log figure.

Networks 64-n-10, ESP, on all cores. Each point runs in a process of its own; the median of three. The figure goes to the
path given as argument.
"""

import json
import resource
import subprocess
import sys

import numpy as np
from meanfield.curvature import hessian
from measure import repeated
from methods import case

WIDTHS = (1, 3, 7, 13, 26, 52, 105)
SAMPLES = (500, 1437, 5000, 15000, 60000)


def one(width: int, samples: int) -> dict:
    """Time and added memory of one Hessian in this process."""
    network, theta, objective = case(architecture=str(width), samples=samples)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _, seconds = repeated(lambda: hessian.hessian(theta, network, objective), 3)
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**10
    return {"P": network.size, "N": samples, "seconds": float(np.median(seconds)), "MiB": memory}


def sweep(points: list[tuple[int, int]]) -> list[dict]:
    """One table."""
    rows = []
    print("\n| P | N | seconds | memory added, MiB | the result itself, MiB |\n|---|---|---|---|---|")
    for point in points:
        output = subprocess.run([sys.executable, __file__, *map(str, point)], capture_output=True, text=True, check=True)
        row = json.loads(output.stdout)
        rows.append(row)
        result = 8 * row["P"] ** 2 / 2**20
        print(f"| {row['P']} | {row['N']} | {row['seconds']:.4f} | {row['MiB']:.0f} | {result:.1f} |", flush=True)
    return rows


def main(path: str) -> None:
    """Both sweeps and the figure."""
    from matplotlib.figure import Figure

    figure = Figure((8, 3.2), layout="constrained")
    for axis, points, name in zip(
        figure.subplots(1, 2), ([(w, 1437) for w in WIDTHS], [(25, n) for n in SAMPLES]), ("P", "N"), strict=True
    ):
        rows = sweep(points)
        x = [row[name] for row in rows]
        axis.loglog(x, [row["seconds"] for row in rows], "o-", color="#0072B2", label="time, s")
        axis.loglog(x, [max(row["MiB"], 1) / 2**10 for row in rows], "s--", color="#D55E00", label="memory added, GiB")
        axis.set(xlabel={"P": "parameters P (N = 1437)", "N": "samples N (P = 1920)"}[name])
        axis.legend(frameon=False)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(one(*map(int, sys.argv[1:]))))
    else:
        main(sys.argv[1])
