"""
Time and peak memory of the exact Hessian: closed form against automatic differentiation and the eigenvalue solve.

Each method runs in a process of its own on all cores; first call (compilation) not counted, then the median of five.
"""

import json
import resource
import subprocess
import sys

import numpy as np
from measure import repeated
from methods import METHODS, case

REPEATS = 5


def one(name: str) -> dict:
    """Measure one method in this process."""
    network, theta, objective = case()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    function = METHODS[name](network, theta, objective)
    function()
    result, seconds = repeated(function, REPEATS)
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    reference = METHODS["closed form"](network, theta, objective)()
    deviation = np.abs(result - reference).max() / np.abs(reference).max() if result.ndim == 2 else None
    return {"method": name, "seconds": float(np.median(seconds)), "GiB": memory, "deviation": deviation}


def main() -> None:
    """All methods, as a table with ratios."""
    rows = []
    for name in METHODS:
        result = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True)
        if result.returncode:
            print(f"{name}: failed ({result.stderr.strip().splitlines()[-1:]})", file=sys.stderr)
            continue
        rows.append(json.loads(result.stdout.splitlines()[-1]))
        print(f"measured {name}", file=sys.stderr)
    ours = rows[0]["seconds"]
    print("| method | seconds | times the closed form | peak memory added, GiB | largest deviation |")
    print("|---|---|---|---|---|")
    for row in rows:
        deviation = "" if row["deviation"] is None else f"{row['deviation']:.0e}"
        print(f"| {row['method']} | {row['seconds']:.3f} | {row['seconds'] / ours:.1f} | {row['GiB']:.2f} | {deviation} |")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(one(sys.argv[1])))
    else:
        main()
