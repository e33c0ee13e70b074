"""
What this folder has in SLURM's queue, and how what failed there has ended.

Submissions outlive a Snakemake that is killed, and the next one knows nothing of them: it would submit the same jobs again,
beside them. SLURM knows, by the place of their logs. `python -m meanfield.jobs.submissions` exits with 0 if none of this
folder is in the queue, else with 1 and one line that names them; with --cancel it cancels them first.
"""

import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from meanfield.errors import MeanfieldError

LOGS = ".snakemake/slurm_logs"  # where Snakemake's plugin has SLURM write the log of each submission, {number}.log
ENDING = "COMPLETING"  # its processes are being ended
PATIENCE = 60  # seconds, for what is ending
ANSWER = 10  # seconds, for SLURM's answer
NAMED = 5  # submissions in one line
REASONS = {
    "TIMEOUT": "it took longer than the {time} that it asked for",
    "OUT_OF_MEMORY": "it needed more than the {memory} that it asked for",
    "CANCELLED": "by scancel, or by SLURM itself",
    "NODE_FAIL": "its node failed",
    "FAILED": "one of its jobs failed, whose own log says why",
}
SAID = {
    "(oom|out-of-memory)": "OUT_OF_MEMORY",
    "DUE TO TIME LIMIT": "TIMEOUT",
    "DUE TO NODE FAILURE": "NODE_FAIL",
    "CANCELLED AT": "CANCELLED",
}
"""What SLURM writes into a submission's log, and the state that it means: where it remembers none, or calls it FAILED."""


class Submission(NamedTuple):
    """One in the queue; `run` is what Snakemake calls its SLURM run ID, `name` the group or rule."""

    number: str
    state: str
    run: str
    name: str

    def __str__(self) -> str:
        return f"{self.number} ({self.name}, {self.state.lower()})"


def ask(*command: str, seconds: float = ANSWER) -> str:
    """What a program of SLURM's answers; MeanfieldError if it does not."""
    try:
        answer = subprocess.run(command, text=True, capture_output=True, timeout=seconds)
    except FileNotFoundError as error:
        raise MeanfieldError(f"there is no {command[0]} here, though jobs were submitted from here") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MeanfieldError(f"{command[0]} does not answer ({error})") from error
    if answer.returncode:
        raise MeanfieldError(f"{command[0]} does not answer ({' '.join(answer.stderr.split())})")
    return answer.stdout


def queued(logs: str | Path = LOGS) -> list[Submission]:
    """The submissions of the user that are in the queue and write their log beneath that folder.

    None where there is no such folder; MeanfieldError if SLURM does not answer.
    """
    if not Path(logs).is_dir():
        return []
    wanted = ",".join(f"{name}:|" for name in ("JobID", "State", "Name", "Comment", "StdOut"))
    lines = ask("squeue", "--noheader", f"--user={os.getuid()}", f"--Format={wanted}").splitlines()
    entries = (line.rstrip().removesuffix("|").split("|", 4) for line in lines if line.count("|") > 4)
    here = Path(logs).resolve()
    return [
        Submission(number, state, run, comment.removeprefix("rule_"))
        for number, state, run, comment, log in entries
        if Path(log).resolve().is_relative_to(here)
    ]


def refusal(alive: Sequence[Submission]) -> str:
    """The line for whoever would submit the same jobs again."""
    more = f" and {len(alive) - NAMED} more" if len(alive) > NAMED else ""
    cancelled = " && ".join(f"scancel --name={run}" for run in dict.fromkeys(entry.run for entry in alive))
    named = ", ".join(map(str, alive[:NAMED])) + more
    return (
        f"submissions of this folder are still in SLURM's queue: {named}, of a Snakemake that is not alive here; wait until "
        f"they have ended, or cancel them: {cancelled} (or: make cluster CANCEL=1)"
    )


def insist(logs: str | Path = LOGS, cancel: bool = False, patience: float = PATIENCE) -> None:
    """MeanfieldError if submissions of this folder are in the queue, `cancel`led before where that is asked for.

    What is just ending is waited for, up to `patience` seconds. Where SLURM does not even say whether there are some, a
    warning says so.
    """
    try:
        alive = queued(logs)
    except MeanfieldError as error:
        unknown = "whether submissions of this folder are still in SLURM's queue cannot be told"
        print(f"WARNING: {unknown}: {error}", file=sys.stderr)
        return
    try:
        if cancel and alive:
            ask("scancel", *(entry.number for entry in alive))
            print(f"cancelled: {', '.join(map(str, alive))}", file=sys.stderr)
        end = time.monotonic() + patience
        while alive and (cancel or all(entry.state == ENDING for entry in alive)) and time.monotonic() < end:
            time.sleep(0.5)
            alive = queued(logs)
    except MeanfieldError as error:
        raise MeanfieldError(f"{error}; {refusal(alive)}") from error
    if alive:
        raise MeanfieldError(refusal(alive))


def outcome(number: str, log: str | Path) -> tuple[str, str]:
    """The state in which a submission ended, and what it means, with what was asked for.

    From the queue while SLURM remembers it, else from its accounting, else from what SLURM wrote into its log; a state of
    UNKNOWN where none of these tells. Snakemake waits meanwhile, so SLURM has ANSWER seconds for it.
    """
    state, asked = "UNKNOWN", {"time": "time", "memory": "memory"}
    try:
        shown = dict(re.findall(r"(\w+)=(\S+)", ask("scontrol", "--oneliner", "show", "job", number, seconds=ANSWER / 2)))
        state = shown["JobState"]
        memory = f"{shown['MinMemoryCPU']} a core" if "MinMemoryCPU" in shown else shown.get("MinMemoryNode", "memory")
        asked = {"time": shown.get("TimeLimit", "time"), "memory": memory}
    except (MeanfieldError, KeyError):
        try:
            listed = "--noheader", "--parsable2", "--format=State,Timelimit,ReqMem"
            lines = ask("sacct", f"--jobs={number}", *listed, seconds=ANSWER / 2)
            rows = [line.split("|") for line in lines.splitlines()]  # of the submission, then of each step
            states = [row[0].split()[0] for row in rows]
            state = "OUT_OF_MEMORY" if "OUT_OF_MEMORY" in states else states[0]  # a step's, where the shell then just failed
            asked = {"time": rows[0][1] or "time", "memory": rows[0][2] or "memory"}
        except (MeanfieldError, IndexError):
            pass
    if state in ("UNKNOWN", "FAILED") and Path(log).is_file():
        text = Path(log).read_text(errors="replace")
        state = next((meant for words, meant in SAID.items() if re.search(rf"slurmstepd.*{words}", text)), state)
    return state, REASONS.get(state, "").format(**asked)


class Watch(logging.Handler):
    """Hears of submissions that failed (records that name logs of SLURM's), asks how they ended, and says so at once.

    Snakemake names SLURM's log, not the state: not for groups, which all of ours are.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.ended: dict[str, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """One line a submission."""
        for path in map(Path, filter(None, [*getattr(record, "aux_logs", ()), *getattr(record, "log", ())])):
            if Path(LOGS).name in path.parts and path.stem not in self.ended:
                state, meaning = outcome(path.stem, path)
                self.ended[path.stem] = state
                print(f"SLURM ended submission {path.stem}: {state}{meaning and ', ' + meaning}", file=sys.stderr)

    def summary(self) -> str:
        """What is said at the end of a run: every submission that failed; empty if none did."""
        ended = ", ".join(f"{number} {state}" for number, state in self.ended.items())
        return ended and f"SLURM's states of what failed: {ended}"


if __name__ == "__main__":
    try:
        insist(cancel="--cancel" in sys.argv[1:])
    except MeanfieldError as refused:
        sys.exit(str(refused))
