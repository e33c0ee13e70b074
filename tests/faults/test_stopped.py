"""Runs that are killed, interrupted, or started twice."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
import yaml
from conftest import SMALL, TARGETS, Workflow, differing, results, tiny, with_make
from faults import family, finish, jobs, state, wait_for_end, wait_for_job

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")
MOMENTS = 20  # of each kind of kill
QUICK = 1


def moments(kind: str) -> list:
    """Random shares of the run, the same ones each time; one is enough for every day."""
    shares = [random.Random(f"{kind} {number}").uniform(0.05, 0.95) for number in range(MOMENTS)]
    return [pytest.param(share, marks=[pytest.mark.long] if number >= QUICK else []) for number, share in enumerate(shares)]


def killed(process: subprocess.Popen) -> bool:
    """Kill Snakemake, or make and Snakemake: whether it was alive. AssertionError if any process of the run outlives it."""
    launchers = [number for number, command in family(process).items() if "bin/snakemake" in command]
    for number in {process.pid, *launchers}:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    if process.wait() != -signal.SIGKILL:
        return False
    wait_for_end(process, 4)  # no orphan
    process.stdout.close()
    return True


def struck(folder, mirror, undisturbed, share, strike) -> tuple[Workflow, subprocess.Popen]:
    """A tiny run that `strike` has struck at this share of its time; where it had ended before, another run."""
    for attempt in range(4):
        workflow = tiny(folder / f"attempt{attempt}", mirror)
        start, process = time.monotonic(), workflow.start(*TARGETS)
        while process.poll() is None:
            if time.monotonic() - start > share * undisturbed.seconds and strike(process):
                return workflow, process
            time.sleep(0.02)
        process.stdout.close()
        undisturbed.seconds = 0.9 * (time.monotonic() - start)  # it was slow then, being the first
    raise AssertionError("every run ended before it was struck")


@pytest.mark.parametrize("share", moments("snakemake"))
def test_snakemake_is_killed(undisturbed, tmp_path, mirror, share):
    workflow, _ = struck(tmp_path, mirror, undisturbed, share, killed)
    before = state(workflow.folder)
    unlocked = workflow.snakemake("--unlock", *TARGETS)  # as `make` does; it takes two seconds
    assert unlocked.returncode == 0, unlocked.stdout
    assert state(workflow.folder) == before
    finish(workflow, undisturbed)


@pytest.mark.parametrize("wait", [0.0, pytest.param(2.0, marks=pytest.mark.long)])
def test_a_long_job_does_not_outlive_snakemake(tmp_path, mirror, wait):
    """It would train for minutes; also if it has only begun to start when Snakemake is killed."""
    experiment = {"dataset": "linear", "architecture": "10", "updates": 500_000, "beta_stddev": 1e-4, "beta_op_seed": 21}
    workflow = tiny(tmp_path / "long", mirror, experiments=[experiment], activations=["esp"])
    process = workflow.start("results/runs/linear/10/esp/trajectory.nc", "--configfile", "tiny.yaml")
    wait_for_job(process, "training.py")
    time.sleep(wait)
    assert killed(process)
    assert not workflow.folder.joinpath("results/runs/linear/10/esp/trajectory.nc").exists()


@pytest.mark.long
@pytest.mark.parametrize("share", moments("job"))
def test_a_job_is_killed(undisturbed, tmp_path, mirror, share):
    chance = random.Random(share)

    def kill_a_job(process) -> bool:
        with suppress(ProcessLookupError, IndexError):  # it has just ended, or there is none
            os.kill(chance.choice(jobs(process)), signal.SIGKILL)
            return True
        return False

    workflow, process = struck(tmp_path, mirror, undisturbed, share, kill_a_job)
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0, "the job was killed, the run did not notice"
    assert "the same command goes on from here" in output
    finish(workflow, undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_interrupt_from_the_keyboard(undisturbed, tmp_path, mirror, share):
    def press_ctrl_c(process) -> bool:
        if at_work := jobs(process):
            os.killpg(process.pid, signal.SIGINT)
        return bool(at_work)

    workflow, process = struck(tmp_path, mirror, undisturbed, share, press_ctrl_c)
    start = time.monotonic()
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - start < 5
    assert process.returncode != 0
    assert "the same command goes on from here" in output
    wait_for_end(process, 1)
    finish(workflow, undisturbed)


@pytest.mark.long
def test_a_second_run_in_the_same_folder_says_so_and_harms_nothing(undisturbed, tmp_path, mirror):
    workflow = tiny(tmp_path / "twice", mirror)
    first = workflow.start(*TARGETS)
    wait_for_job(first)
    second = workflow.snakemake(*TARGETS)
    assert second.returncode != 0
    assert "Directory cannot be locked" in second.stdout
    unlocked = workflow.snakemake("--unlock", *TARGETS)
    assert unlocked.returncode != 0
    assert f"another run (process {first.pid}) is alive in this folder" in unlocked.stdout
    output, _ = first.communicate()
    assert first.returncode == 0, output
    finish(workflow, undisturbed)


def make(workflow: Workflow, *arguments: str) -> tuple[int, str]:
    """Exit status and output of make."""
    process = workflow.launch("make", *arguments)
    output, _ = process.communicate()
    return process.returncode, output


@pytest.mark.long
def test_make_unlocks_unless_a_run_is_alive(tmp_path, mirror):
    workflow = with_make(tiny(tmp_path / "made", mirror))
    process = workflow.start(*TARGETS)
    wait_for_job(process)
    status, said = make(workflow, "unlock")
    assert status != 0
    assert f"another run (process {process.pid}) is alive" in said
    assert list((workflow.folder / ".snakemake/locks").iterdir())
    assert killed(process)
    status, said = make(workflow, "unlock")
    assert status == 0, said
    assert not list(workflow.folder.glob(".snakemake/locks/*"))
    assert make(workflow, "unlock")[0] == 0  # nothing to do


@pytest.mark.long
@pytest.mark.parametrize("share", [0.6])
def test_make_reproduce_goes_on_after_a_kill(finished, tmp_path, mirror, share):
    """All kinds of results, from the dataset to verdicts and explorer; no other command than the first is needed."""
    workflow = with_make(Workflow(tmp_path / "made", mirror))
    settings = workflow.folder / "config/config.yaml"
    settings.write_text(yaml.safe_dump(yaml.safe_load(settings.read_text()) | SMALL, sort_keys=False))
    process = workflow.launch("make", "reproduce", "CORES=2")
    time.sleep(share * finished.seconds)
    assert killed(process), "it had ended before"
    assert list(workflow.folder.glob(".snakemake/locks/*"))
    expected = results(finished)
    assert 0 < len(results(workflow, at_least=1)) < len(expected)
    status, said = make(workflow, "reproduce", "CORES=2")
    assert status == 0, said
    assert results(workflow) == expected
    assert differing(workflow, finished, expected) == []


@pytest.mark.long
def test_two_clones_at_once_are_independent(undisturbed, tmp_path, mirror):
    clones = [tiny(tmp_path / name, mirror) for name in ("one", "other")]
    processes = [clone.start(*TARGETS) for clone in clones]
    for clone, process in zip(clones, processes, strict=True):
        output, _ = process.communicate()
        assert process.returncode == 0, output
        assert not family(process)
        assert differing(clone, undisturbed, results(undisturbed, at_least=20)) == []
