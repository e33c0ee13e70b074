"""
What surrounds the work of every job, once for all steps: log, threads, package origin, progress, atomic outputs, errors.

This is the only module that knows what a job is; it takes Snakemake's `snakemake` object and nothing else of Snakemake.
"""

import ctypes
import gc
import importlib.util
import os
import platform
import site
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from meanfield.errors import MeanfieldError
from meanfield.jobs import disk, lifetime

THREADED = ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM")
# mallopt's M_MMAP_THRESHOLD, M_TRIM_THRESHOLD and M_TOP_PAD, in glibc's malloc.h, and their values
KEEP_FREED = {-3: 2**30 - 1, -1: 2**31 - 1, -2: 2**26}
IDLE_SOON = "16"  # NumPy and SciPy each bring an OpenBLAS; idle threads of one must not spin while the other computes
COLLECT_EVERY = 200_000  # new objects; Python's 700 costs figures a tenth of their time
PROGRESS_EVERY = 30.0  # seconds between two progress lines


class Outputs(list):
    """Temporary paths of a job's outputs, by position and by name; `step` moves them into place when the job succeeds."""

    def __init__(self, outputs) -> None:
        # named for the process: whatever else still writes this result, this job does not finish the other's file
        mine = f".part-{platform.node()}-{os.getpid()}-"
        super().__init__(str(Path(path).with_name(mine + Path(path).name)) for path in outputs)
        self.final = [str(path) for path in outputs]
        self.lock = threading.Lock()
        for name, position in outputs._get_names():
            start, stop = position if isinstance(position, tuple) else (position, None)
            setattr(self, name, self[start] if stop is None else self[start:stop])

    def sweep(self) -> None:
        """Remove what killed jobs for the same results have left."""
        for final in map(Path, self.final):
            for stale in final.parent.glob(f".part-*-{escape(final.name)}"):
                stale.unlink(missing_ok=True)

    def commit(self) -> None:
        """Give each finished file its name, in one rename each: a killed job leaves no half-written result."""
        with self.lock:
            for temporary, final in zip(self, self.final, strict=True):
                os.replace(temporary, final)

    def discard(self) -> None:
        """Remove what a failed job has begun; it can commit nothing after that."""
        self.lock.acquire(timeout=5)
        for temporary in self:
            Path(temporary).unlink(missing_ok=True)


class Job:
    """What a script may use of its job: input, output (temporary paths), params, wildcards, gpu, progress.

    `device` is where the job's numbers are made, CPU unless the script says otherwise.
    """

    def __init__(self, snakemake, terminal: int) -> None:
        self.input, self.params, self.wildcards = snakemake.input, snakemake.params, snakemake.wildcards
        self.config = snakemake.config
        self.output = Outputs(snakemake.output)
        self.gpu = bool(snakemake.resources.get("gpu", 0))
        self.device = "CPU"
        self.name = " ".join([snakemake.rule, *snakemake.wildcards])
        self._terminal = terminal

    def say(self, line: str) -> None:
        """One line, to the terminal and to the job's log."""
        print(line, flush=True)
        os.write(self._terminal, f"{line}\n".encode())

    def compute_on(self, device: str) -> None:
        """Note the device for the provenance, and say so if it is not the one that was asked for."""
        self.device = device
        if self.gpu and device == "CPU":
            self.say(
                f"{self.name}: a GPU was asked for (resource gpu) and none is visible; computing on the CPU, same results"
            )

    def progress(self, items: Iterable, unit: str = "record") -> Iterator:
        """Yield the items (of known length); every few seconds a line says how far the job is and how long it has to go."""
        total, begin = len(items), time.monotonic()
        said = begin
        for done, item in enumerate(items):
            now = time.monotonic()
            if done and now - said > PROGRESS_EVERY:
                said = now
                left = (now - begin) / done * (total - done)
                self.say(f"{self.name}: {unit} {done} of {total}, about {left:.0f} s left")
            yield item


@contextmanager
def step(snakemake) -> Iterator[Job]:
    """Run one job: all output goes to its log, outputs appear only when it succeeds, errors are one line for people.

    Scripts import everything else within the step: what an import says or raises is in the log, and the numerical
    libraries read the number of threads when they are loaded.
    """
    log = Path(snakemake.log[0])
    terminal = os.dup(2)
    job = Job(snakemake, terminal)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "w", buffering=1) as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        sys.stdout.reconfigure(line_buffering=True)
        lifetime.end_with_launcher(job.output.discard)
        job.output.sweep()
        isolate()
        check_origin("numpy", "tensorflow")
        for library in THREADED:
            os.environ[f"{library}_NUM_THREADS"] = str(snakemake.params.get("threads", 1))
        os.environ["OPENBLAS_THREAD_TIMEOUT"] = IDLE_SOON
        keep_freed_memory()
        gc.set_threshold(COLLECT_EVERY)
        yield job
        job.output.commit()
        from meanfield.jobs import record  # not before the job's environment is checked and its threads are set

        threads = snakemake.params.get("threads", 1)
        record.write(log, modules(snakemake.params), job.input, job.output.final, job.config, threads, job.device)
    except BaseException as error:
        if not isinstance(error, KeyboardInterrupt | SystemExit):
            folders = [Path(path).parent for path in (*job.output.final, log)]
            os.write(terminal, f"{job.name}: {sentence(error, folders)} (traceback: {log})\n".encode())
        job.output.discard()
        with suppress(OSError):  # the log may lie on the disk that is full
            traceback.print_exc()
            sys.stderr.flush()
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        os._exit(1)  # not sys.exit: what is left in the streams' buffers may have no place, either


def modules(params) -> dict[str, str]:
    """Checksums of the files of code behind a job, by path: those of its params that have no name (`code` in common.smk)."""
    unnamed = len(params) - len(dict(params.items()))
    return dict(entry.split() for entry in params[:unnamed])


def sentence(error: BaseException, folders: Sequence[Path]) -> str:
    """An exception in one line for people; with the place and what is free there, if that may be why."""
    message = " ".join(str(error).split())
    if not isinstance(error, MeanfieldError):
        message = f"{type(error).__name__}: {message}"
    return "; ".join(filter(None, [message, disk.advice(error, folders)]))


def keep_freed_memory() -> None:
    """Have the C library keep what NumPy frees for its next array, instead of giving it back to the kernel each time.

    Fresh pages cost more than the arithmetic on them: the spectra of small networks take 1.4 to 1.8 times as long without.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it, other systems may not
    for option, value in KEEP_FREED.items() if mallopt else ():
        mallopt(option, value)


def own(path: str | Path) -> bool:
    """Whether a path belongs to the Python environment that runs the job; the user's packages too, while on the path."""
    users = [place for place in (site.getusersitepackages(),) if place in sys.path]
    return any(Path(path).is_relative_to(prefix) for prefix in (sys.prefix, sys.base_prefix, *users))


def isolate() -> None:
    """Take the packages of other Python environments off the path.

    Snakemake adds its own to a script's path, so a job in an environment of its own could silently import the launcher's
    NumPy, or a package that its environment lacks.
    """
    foreign = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages") and not own(path)]
    if foreign:  # then the job has an environment of its own, and the user's packages (~/.local) belong to another, too
        foreign += [path for path in (site.getusersitepackages(),) if path in sys.path]
    sys.path[:] = [path for path in sys.path if path not in foreign]
    for path in foreign:
        print(f"not used by this job, since it belongs to another environment: {path}")


def check_origin(*packages: str) -> None:
    """MeanfieldError if a package would still come, by PYTHONPATH say, from another environment than the job's."""
    for package in packages:
        loaded = sys.modules.get(package)
        found = loaded.__spec__ if loaded else importlib.util.find_spec(package)
        if found and not own(found.origin):
            raise MeanfieldError(
                f"{package} would be imported from {found.origin}, which is not in this job's environment {sys.prefix}"
            )
