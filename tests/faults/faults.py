"""What the tests of faults share: the processes of a run, what lies under results, what must never be seen."""

import os
import subprocess
import time
from pathlib import Path

from conftest import TARGETS, Workflow, differing, results


def family(process: subprocess.Popen) -> dict[int, str]:
    """The living processes of a run (all of its session), with their command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            if entry.name.isdigit() and int(fields[3]) == process.pid and fields[0] != "Z":
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        except (OSError, IndexError):
            continue
    return found


def jobs(process: subprocess.Popen) -> list[int]:
    """Those of them that are a step's script at work."""
    return [
        number for number, command in family(process).items() if "/.snakemake/scripts/" in command and "bash" not in command
    ]


def wait_for_job(process: subprocess.Popen, script: str = "") -> None:
    """Until a job is at work, of this script if one is named; AssertionError if the run ends before."""
    while not any(script in family(process).get(number, "") for number in jobs(process)):
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.01)


def wait_for_end(process: subprocess.Popen, seconds: float) -> None:
    """Until no process of the run lives; AssertionError if one still does after so many seconds."""
    end = time.monotonic() + seconds
    while alive := family(process):
        assert time.monotonic() < end, f"still alive: {alive}"
        time.sleep(0.05)


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time stamp of all that lies under results."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.joinpath("results").rglob("*.*")}


def finish(workflow: Workflow, undisturbed: Workflow) -> None:
    """The same command again: it ends well, and every result has the undisturbed run's bytes; no remains."""
    result = workflow.snakemake(*TARGETS)
    assert result.returncode == 0, result.stdout
    expected = results(undisturbed, at_least=20)
    assert results(workflow, at_least=20) == expected
    different = differing(workflow, undisturbed, expected)
    assert not different, different
    assert not list(workflow.folder.joinpath("results").rglob(".part-*"))


def one_line(output: str, *words: str) -> str:
    """The line of an output that holds all these words; AssertionError if there is none, or a traceback."""
    assert "Traceback" not in output, output
    assert '  File "' not in output, output
    lines = [line for line in output.splitlines() if all(word in line for word in words)]
    assert lines, f"no line with {words} in:\n{output}"
    return lines[0]


def as_root() -> bool:
    """Whether tests may mount file systems."""
    return os.geteuid() == 0
