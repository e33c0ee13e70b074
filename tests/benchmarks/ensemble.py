"""
An ensemble against the same networks one at a time, in one run:  python tests/benchmarks/ensemble.py

Both go through the workflow, on two cores, in folders of their own: runs of 30 members, and runs of one. And in one process,
without jobs: what is left when a network does not have to start Python of its own.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
RUNS = [
    (data, architecture, name)
    for data in ("linear", "nonlinear")
    for architecture in ("10", "8-2")
    for name in ("esp", "relu")
]
MEMBERS = 30


def seconds_by_jobs(members: int) -> float:
    """Wall time per network of `snakemake --cores 2` for RUNS, datasets made before."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("workflow", "scripts", "config", "envs"):
            shutil.copytree(ROOT / name, Path(folder) / name)
        settings = ["--configfile", "config/ensemble.yaml", "--config", f"seeds={members}", "--quiet", "all", "--"]
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *settings]
        subprocess.run([*command, *(f"results/datasets/{data}-seeds.nc" for data, *_ in RUNS)], cwd=folder, check=True)
        start = time.perf_counter()
        wanted = [f"results/runs/{data}-seeds/{architecture}/{name}/indices.csv" for data, architecture, name in RUNS]
        subprocess.run([*command, *wanted], cwd=folder, check=True)
        return (time.perf_counter() - start) / (members * len(RUNS))


def seconds_in_one_process() -> tuple[float, float]:
    """Per network: training and spectra of nonlinear 10 ESP one by one, and 30 at once; one thread."""
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    sys.path.insert(0, str(ROOT / "scripts"))
    import yaml
    from meanfield.curvature import spectrum
    from meanfield.data import datasets
    from meanfield.data.task import problem
    from meanfield.jobs.step import keep_freed_memory
    from meanfield.training.initial import initial_members
    from meanfield.training.train import NUMPY, train

    keep_freed_memory()
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    dataset = datasets.split(*datasets.stand_in("TF/NLdata.mat"), 0.2, 0)
    network, _ = problem(dataset, "10", "esp", "float32")

    def one(seeds: list[int]) -> None:
        initial = initial_members(network, seeds, 1e-2, 21)
        protocol = {"updates": 2300, "recording": config["recording"], "optimizer": config["optimizer"], "kernels": NUMPY}
        run = train(network, dataset, initial, seeds=seeds, **protocol)
        spectrum.of_run(run, dataset, "10", "esp", "float32", eigenvectors_at=["last"])

    one([1])  # the first call loads what the others find loaded
    start = time.perf_counter()
    for seed in range(1, 11):
        one([seed])
    middle = time.perf_counter()
    one(list(range(1, MEMBERS + 1)))
    return (middle - start) / 10, (time.perf_counter() - middle) / MEMBERS


if __name__ == "__main__":
    print("| seconds per network | one at a time | 30 at once | ratio |\n|---|---|---|---|")
    for name, (alone, together) in {
        "through the workflow, two cores": (seconds_by_jobs(1), seconds_by_jobs(MEMBERS)),
        "in one process, one core (nonlinear 10 ESP)": seconds_in_one_process(),
    }.items():
        print(f"| {name} | {alone:.3f} | {together:.3f} | {alone / together:.1f} |", flush=True)
