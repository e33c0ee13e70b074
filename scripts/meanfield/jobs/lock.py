"""
Whether a run is alive in this folder: the kernel knows, by a lock that ends with the process however it ends.

Snakemake's own lock is files, which a killed run leaves behind. Before they are removed (`snakemake --unlock`), this lock
says whether somebody still works here: `python -m meanfield.jobs.lock` exits with 0 if nobody does, else 1 and one line.
"""

import fcntl
import os
import sys
import time

from meanfield.errors import MeanfieldError

LOCK = ".snakemake/running"
_held: list[int] = []  # open for as long as this process lives


def hold(path: str = LOCK) -> int:
    """Hold the lock until this process ends, if nobody else does.

    Returns 0 if it is ours, else the other process's number, or −1 where that, or the lock itself, is not to be had.
    """
    if _held:
        return 0
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        return -1
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        other = os.read(file, 20).decode() if isinstance(error, BlockingIOError) else ""
        os.close(file)
        return int(other) if other.isdigit() else -1
    os.ftruncate(file, 0)
    os.write(file, str(os.getpid()).encode())
    _held.append(file)
    return 0


def insist(seconds: float = 10) -> None:
    """Hold the lock, waiting for whoever just looks (a dry run). MeanfieldError if a process keeps it."""
    end = time.monotonic() + seconds
    while (other := hold()) > 0:
        if time.monotonic() > end:
            raise MeanfieldError(refusal(other))
        time.sleep(0.2)


def refusal(other: int) -> str:
    """The line for whoever finds another run alive, or cannot tell."""
    if other < 0:
        return f"whether another run is alive in this folder cannot be told ({LOCK}); if none is: snakemake --unlock"
    return f"another run (process {other}) is alive in this folder; wait until it has ended, or stop it"


if __name__ == "__main__":
    if process := hold():
        sys.exit(refusal(process))
