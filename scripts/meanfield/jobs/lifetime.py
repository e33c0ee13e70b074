"""
No job outlives the Snakemake that started it: when that is killed, nobody waits for the job's results any more.

Killed processes cannot tell their children, so each job looks for itself. Snakemake's process is named in an environment
variable, with machine and starting time, so that a job on another node does not look for it. Linux only; elsewhere, and on
another node, a job goes on to its end.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

VARIABLE = "MEANFIELD_LAUNCHER"
INTERRUPTED = "interrupted"
WATCH_EVERY = 0.5  # seconds


def name_launcher() -> None:
    """Tell all jobs to come that this process is the one that starts them, or, once it is interrupted, not to begin.

    Ctrl-C reaches the jobs that run; Snakemake waits for one that it was just about to start.
    """
    os.environ[VARIABLE] = f"{_machine()} {os.getpid()} {_started(os.getpid())}"
    if threading.current_thread() is not threading.main_thread():
        return
    usual = signal.getsignal(signal.SIGINT)

    def interrupted(number: int, frame: object) -> None:
        os.environ[VARIABLE] = INTERRUPTED
        if callable(usual):
            usual(number, frame)

    signal.signal(signal.SIGINT, interrupted)


def _machine() -> str:
    """What tells this machine, since it was started, and this container from others; empty if that cannot be known."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip() + os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _started(process: int) -> str:
    """When a process started; empty if there is none, or only its remains (a zombie)."""
    try:
        fields = Path(f"/proc/{process}/stat").read_bytes().rsplit(b")", 1)[1].split()
    except OSError:
        return ""
    return "" if fields[0] == b"Z" else fields[19].decode()


def end_with_launcher(discard: Callable[[], None]) -> None:
    """Discard what this job has begun and end it, soon after the Snakemake that started it has ended."""
    machine, _, rest = os.environ.get(VARIABLE, "").partition(" ")
    process, _, started = rest.partition(" ")

    def end() -> None:
        discard()
        os._exit(1)

    def watch() -> None:
        while _started(int(process)) == started:
            time.sleep(WATCH_EVERY)
        end()

    if machine == INTERRUPTED:
        end()
    if not started or machine != _machine():
        return
    if _started(int(process)) != started:
        end()
    threading.Thread(target=watch, daemon=True).start()
