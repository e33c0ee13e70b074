"""
No job outlives the Snakemake that started it: when that is killed, nobody waits for the job's results any more.

Killed processes cannot tell their children, so each job looks for itself. Linux only; elsewhere a job goes on to its end.
"""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

WATCH_EVERY = 0.5  # seconds


def _status(process: int) -> tuple[str, int, str]:
    """State, parent and starting time of a process, from Linux's /proc; a zombie ("Z") if there is none."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return "Z", 0, ""
    return fields[0], int(fields[1]), fields[19]


def launchers() -> dict[int, str]:
    """The Snakemake processes that this job descends from, with their starting times; Linux only, empty elsewhere."""
    found, process = {}, os.getppid()
    while process > 1:
        state, parent, started = _status(process)
        if state == "Z":
            break
        command = Path(f"/proc/{process}/cmdline").read_text().split("\0")[:3]
        if "python" in Path(command[0]).name and any(Path(part).name == "snakemake" for part in command[1:]):
            found[process] = started
        process = parent
    return found


def end_with_launchers(discard: Callable[[], None]) -> None:
    """Discard what this job has begun and end it, soon after a Snakemake that it descends from has been killed."""
    watched = launchers()

    def watch() -> None:
        while all((now := _status(process))[0] != "Z" and now[2] == started for process, started in watched.items()):
            time.sleep(WATCH_EVERY)
        discard()
        print("Snakemake has ended, so this job ends, too")
        os._exit(1)

    if watched:
        threading.Thread(target=watch, daemon=True).start()
