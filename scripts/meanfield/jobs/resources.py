"""
Memory and time that a job asks for, from the size of its problem (measured in docs/cluster.md). Imported by the Snakefile.

P parameters, N samples with K labels, S seeds, R records, V records with eigenvectors; float64. The constants are the
interpreter with its packages, rounded up; the times are five times those of one core of 2024, for slower ones.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

MIB = 2**20
PYTHON, TENSORFLOW = 300, 900  # MiB
LEAST = 5  # minutes
MEMBERS_DRAWN = 103  # of a run, at most, with their median and interval: `ensemble.members.drawn`


class Problem(NamedTuple):
    """The size of one run; `hidden` the widths of its hidden layers."""

    samples: int
    inputs: int
    labels: int
    hidden: Sequence[int]
    seeds: int
    updates: int
    records: int
    vectors: int
    lanczos: tuple[int, int] | None = None  # probes and steps where spectra are estimated by products, without the matrix
    batch: int | None = None  # samples of an update, if not all
    counted: int = 0  # records at which eigenvalues are counted by inertia, besides,
    counted_up_to: int = 0  # in networks of so many parameters at most
    by_inertia: bool = False  # whether eigenvalues are only counted, at all records

    @property
    def parameters(self) -> int:
        """P, a trainable β per unit included."""
        widths = (self.inputs, *self.hidden, self.labels)
        return sum((before + 2) * after for before, after in pairwise(widths))

    @property
    def trajectory(self) -> int:
        """Numbers in trajectory.nc: R·S·(N·K + P)."""
        return self.records * self.seeds * (self.samples * self.labels + self.parameters)


def training(problem: Problem) -> tuple[int, int]:
    """MiB and minutes: the trajectory in memory three times, the signals of all layers and their gradients."""
    signals = problem.seeds * problem.samples * (problem.inputs + sum(problem.hidden) + problem.labels)
    numbers = 3 * problem.trajectory + 12 * signals
    passes = problem.updates * min(problem.batch or problem.samples, problem.samples) + 5 * problem.records * problem.samples
    seconds = 2e-9 * problem.seeds * passes * problem.parameters
    return TENSORFLOW + 8 * numbers // MIB, LEAST + round(seconds / 60)


def spectrum(problem: Problem) -> tuple[int, int]:
    """MiB and minutes: 8·P² numbers for Hessians and their solution, S·V·P² for eigenvectors, and the trajectory.

    By inertia 3·P²: the Hessian, it without zero rows, and a factorization, of which there are two.
    """
    if problem.lanczos:
        asked, counted = _by_products(problem, *problem.lanczos), _by_inertia(problem)
        return max(asked[0], counted[0]), asked[1] + counted[1]
    matrices, cubes = (3, 1e-10) if problem.by_inertia else (8 + 2 * problem.seeds * problem.vectors, 2e-10)
    numbers = matrices * problem.parameters**2 + 2 * problem.trajectory
    products = 1e-10 * problem.samples * problem.parameters**2 + cubes * problem.parameters**3
    return PYTHON + 8 * numbers // MIB, LEAST + round(problem.records * problem.seeds * products / 60)


def _by_products(problem: Problem, probes: int, steps: int) -> tuple[int, int]:
    """The same without the matrix, for float64: what `curvature.quadrature` and `model.products` hold, and the trajectory.

    Lanczos vectors of as many probes as fit into 1 GiB, or of one; six vectors more of each; passes of all samples, if they
    fit into 1 GiB; 0.25 GiB of signals, 0.5 GiB of symmetries; features three times.
    """
    size, units = problem.parameters, sum(problem.hidden) + problem.labels
    vectors = max(min(8 * size * probes * steps, 2**30), 8 * size * steps) + 8 * size * (6 * probes + 12)
    passes = min(8 * problem.samples * (problem.inputs + 1 + 12 * units), 2**30) + 3 * 2**28
    features = 3 * 8 * problem.samples * problem.inputs
    products = (probes * steps + 300) * 5e-10 * problem.samples * size
    seconds = products + 3e-9 * probes * steps**2 * size + 1e-8 * probes * steps**3
    minutes = LEAST + round(problem.records * problem.seeds * seconds / 60)
    return PYTHON + (vectors + passes + features + 16 * problem.trajectory) // MIB, minutes


def _by_inertia(problem: Problem) -> tuple[int, int]:
    """The same for the records that are counted by inertia: the Hessian, what it is put together from, the trajectory."""
    if not problem.counted or problem.parameters > problem.counted_up_to:
        return 0, 0
    numbers = 2 * problem.parameters**2 + 2 * problem.trajectory + 3 * problem.samples * problem.inputs
    seconds = 1e-10 * problem.samples * problem.parameters**2 + 2e-10 * problem.parameters**3
    return PYTHON + 512 + int(8 * numbers / MIB), round(problem.counted * problem.seeds * seconds / 60)


def dataset(samples: int, features: int, labels: int) -> tuple[int, int]:
    """MiB and minutes of the job that makes a dataset: its numbers five times."""
    return 1000 + 5 * 8 * samples * (features + labels) // MIB, 10 + samples * features // 10**7


def gpu(problem: Problem) -> tuple[int, int]:
    """MiB and minutes that CUDA and TensorFlow take besides; not measured, for want of a GPU."""
    return 3000, LEAST


def table(problems: Sequence[Problem]) -> int:
    """MiB of a job that reads the tables of all runs: one run's lines at a time, a line a member, and what is drawn.

    2 KiB for a line (one a seed and record) and for a member, 1 KiB for a line that is drawn: about twice what was measured.
    """
    largest = max((problem.seeds * problem.records for problem in problems), default=0)
    members = sum(problem.seeds for problem in problems)
    drawn = sum(min(problem.seeds, MEMBERS_DRAWN) * problem.records for problem in problems)
    return 2 * PYTHON + (2 * largest + 2 * members + drawn) // 1024


def reading(problem: Problem, runs: int = 1) -> tuple[int, int]:
    """MiB and minutes of a job that reads trajectories and spectra of so many runs, and their data."""
    squares = 0 if problem.lanczos or problem.by_inertia else (1 + problem.seeds * problem.vectors) * problem.parameters**2
    numbers = 2 * problem.trajectory + squares + 4 * _density(problem)
    return 3 * PYTHON + 8 * (runs * numbers + 3 * problem.samples * problem.inputs) // MIB, LEAST


def joining(problem: Problem) -> tuple[int, int]:
    """MiB and minutes of a job that joins the pieces of a run, at 10 MB/s: the eigenvectors of a piece lie in memory."""
    vectors = problem.vectors * problem.parameters**2
    held = max(vectors, min(problem.seeds * vectors, 2**28))  # of one member, or of as many as fit into 2 GiB
    spectra = problem.seeds * (vectors + problem.records * problem.parameters) + 2 * _density(problem)
    return 1000 + 8 * held // MIB, 2 * LEAST + 8 * max(problem.trajectory, spectra) // (60 * 10**7)


def explorer(problems: Sequence[Problem]) -> int:
    """MiB of the explorer's job, by the problem of each run: features three times, parameters, spectra, 100 for the page."""
    held = (3 * it.samples * it.inputs + 2 * it.records * it.parameters + 4 * _density(it) for it in problems)
    return 1000 + 100 * len(problems) + 8 * sum(held) // MIB


def _density(problem: Problem) -> int:
    """Nodes in spectrum.nc where eigenvalues are estimated, and as many weights."""
    probes, steps = problem.lanczos or (0, 0)
    return problem.records * problem.seeds * probes * steps
