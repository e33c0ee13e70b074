"""
How often a run that differs by rounding alone is called different.

    PYTHONPATH=scripts:tests python tests/benchmarks/false_alarms.py MIRROR     (the published files; 12 minutes)

Each draw takes one training as if it were the publication, and 19 others as its re-trainings; 1 in 20 must come out as the
most extreme. The publication is a re-training by TensorFlow's kernels like the others, or one in the arithmetic of 2018 (its
C library correctly rounded), as the real one is.
"""

import sys
from pathlib import Path

import numpy as np
from examples import EXPERIMENTS, dataset, network, objective, protocol
from meanfield.curvature import spectrum
from meanfield.training.arithmetic import Environment
from meanfield.training.initial import initial_members
from meanfield.training.tensorflow_model import configure
from meanfield.training.train import train
from meanfield.verification import quantities
from meanfield.verification.rank import rank
from meanfield.verification.retraining import members, moved_by_one_unit
from scipy import stats

RUNS = [("nonlinear", "10", "esp"), ("linear", "8-2", "sigmoid")]
DRAWS, MEMBERS = 200, 19


def values(run: tuple[str, str, str], mirror: Path) -> tuple[dict, dict]:
    """All that is compared, [member, update, …]: of re-trainings, and of trainings in the arithmetic of 2018."""
    data, task = dataset(run[0], mirror), (network(run, mirror), objective(run[0], mirror))
    draw = {key: EXPERIMENTS[run[:2]][key] for key in ("beta_stddev", "beta_op_seed")}
    followed = protocol(run) | {"averaging": "float32"}
    re_trained = quantities.ours(*members(data, *run[1:], draw, followed, DRAWS + MEMBERS), *task)
    [start] = initial_members(task[0], [1], **draw)
    moved, followed = moved_by_one_unit(start, DRAWS), followed | {"environment": Environment.of("binary", None)}
    replayed = train(task[0], data, moved, seeds=range(DRAWS), **followed)
    spectra = spectrum.along_trajectory(replayed, *task)
    return re_trained, quantities.ours(replayed, spectra.eigenvalues.values, spectra.zero_rows.values, *task)


def alarms(publications: dict, others: dict, rng: np.random.Generator, parameters: int, same: bool) -> int:
    """In how many draws the publication is the most extreme; it is one of the others itself if they are the `same`."""
    found = 0
    for draw in range(DRAWS):
        allowed = np.setdiff1d(np.arange(DRAWS + MEMBERS), [draw] if same else [])
        chosen = rng.choice(allowed, MEMBERS, replace=False)
        pairs = [quantities.Pair(name, name, np.arange(array.shape[1]), array[draw]) for name, array in publications.items()]
        standing = rank(pairs, [pair.theirs for pair in pairs], [array[chosen] for array in others.values()], parameters)
        found += standing.p <= 1 / (MEMBERS + 1)
    return found


if __name__ == "__main__":
    configure(threads=1)
    print(f"stated: {1 / (MEMBERS + 1):.3f}\n\n| run | publication | called different | 95 % interval |\n|---|---|---|---|")
    for run in RUNS:
        others, replayed = values(run, Path(sys.argv[1]))
        size = others["eigenvalues"].shape[-1]
        for name, publications in (("re-training", others), ("arithmetic of 2018", replayed)):
            found = alarms(
                publications, others, np.random.default_rng(1), network(run, Path(sys.argv[1])).size, publications is others
            )
            low, high = stats.binomtest(found, DRAWS).proportion_ci(method="wilson")
            print(f"| {' '.join(run)} | {name} | {found / DRAWS:.3f} | {low:.3f} to {high:.3f} |", flush=True)
