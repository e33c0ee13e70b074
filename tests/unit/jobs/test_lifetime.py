"""A job ends with the Snakemake that started it: when that has ended before, while the job works, or was interrupted."""

import os
import subprocess
import sys
import time

import pytest
from examples import ROOT
from meanfield.jobs import lifetime

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")
JOB = (
    "import time\nfrom meanfield.jobs import lifetime\n"
    "lifetime.end_with_launcher(lambda: print('discarded', flush=True))\nprint('begun', flush=True)\ntime.sleep(60)"
)


def job(launcher: str) -> subprocess.Popen:
    """A job that would take a minute, told that this is its launcher."""
    variables = {**os.environ, lifetime.VARIABLE: launcher, "PYTHONPATH": str(ROOT / "scripts")}
    return subprocess.Popen([sys.executable, "-c", JOB], env=variables, stdout=subprocess.PIPE, text=True)


def named(process: int) -> str:
    """A living process, as launchers are named."""
    return f"{lifetime._machine()} {process} {lifetime._started(process)}"


def test_it_ends_when_its_launcher_is_killed():
    launcher = subprocess.Popen(["sleep", "60"])
    running = job(named(launcher.pid))
    assert running.stdout.readline() == "begun\n"
    time.sleep(1)
    assert running.poll() is None
    launcher.kill()  # not waited for: a zombie counts as ended
    output, _ = running.communicate(timeout=10)
    launcher.wait()
    assert (running.returncode, output) == (1, "discarded\n")


def test_it_ends_at_once_if_its_launcher_has_ended_before():
    launcher = subprocess.Popen(["sleep", "60"])
    name = named(launcher.pid)
    launcher.kill()
    launcher.wait()
    output, _ = job(name).communicate(timeout=10)
    assert output == "discarded\n"


def test_it_does_not_begin_after_an_interrupt():
    output, _ = job(lifetime.INTERRUPTED).communicate(timeout=10)
    assert output == "discarded\n"


@pytest.mark.parametrize(
    "launcher", ["", "another-machine 1 1", f"{lifetime._machine()}x {os.getpid()} 1"], ids=["none", "a name", "an id"]
)
def test_it_goes_on_without_a_launcher_or_with_one_on_another_machine(launcher):
    running = job(launcher)
    assert running.stdout.readline() == "begun\n"
    time.sleep(1.2)
    assert running.poll() is None
    running.kill()
    running.communicate()
