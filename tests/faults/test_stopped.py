"""Runs that are killed, interrupted, or started twice."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT, TARGETS, Workflow, differing, results, tiny
from faults import family, jobs, state, wait_for_end

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")
MOMENTS = 10  # of each kind of kill
QUICK = 1


def moments(kind: str) -> list:
    """Ten random shares of the run, the same ones each time; one is enough for every day."""
    shares = [random.Random(f"{kind} {number}").uniform(0.05, 0.95) for number in range(MOMENTS)]
    return [pytest.param(share, marks=[pytest.mark.long] if number >= QUICK else []) for number, share in enumerate(shares)]


def finish(workflow: Workflow, undisturbed: Workflow) -> None:
    """The same command again: it ends well, and every result has the undisturbed run's bytes; no remains."""
    result = workflow.snakemake(*TARGETS)
    assert result.returncode == 0, result.stdout
    expected = results(undisturbed, at_least=20)
    assert results(workflow, at_least=20) == expected
    assert differing(workflow, undisturbed, expected) == []
    assert not list(workflow.folder.joinpath("results").rglob(".part-*"))


@pytest.mark.parametrize("share", moments("snakemake"))
def test_snakemake_is_killed(undisturbed, tmp_path, mirror, share):
    workflow = tiny(tmp_path / "killed", mirror)
    process = workflow.start(*TARGETS)
    time.sleep(share * undisturbed.seconds)
    assert process.poll() is None, "it had ended before it was killed"
    process.kill()
    process.wait()
    process.stdout.close()
    wait_for_end(process, 4)  # no orphan
    before = state(workflow.folder)
    time.sleep(1)
    assert state(workflow.folder) == before
    unlocked = workflow.snakemake("--unlock", *TARGETS)  # as `make` does
    assert unlocked.returncode == 0, unlocked.stdout
    finish(workflow, undisturbed)


@pytest.mark.parametrize("wait", [0.0, pytest.param(2.0, marks=pytest.mark.long)])
def test_a_long_job_does_not_outlive_snakemake(tmp_path, mirror, wait):
    """It would train for minutes; also if it has only begun to start when Snakemake is killed."""
    experiment = {"dataset": "linear", "architecture": "10", "updates": 500_000, "beta_stddev": 1e-4, "beta_op_seed": 21}
    workflow = tiny(tmp_path / "long", mirror, experiments=[experiment], activations=["esp"])
    process = workflow.start("results/runs/linear/10/esp/trajectory.nc", "--configfile", "tiny.yaml")
    while not any("training.py" in family(process)[number] for number in jobs(process) if number in family(process)):
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(wait)
    process.kill()
    process.wait()
    process.stdout.close()
    wait_for_end(process, 4)
    assert not workflow.folder.joinpath("results/runs/linear/10/esp/trajectory.nc").exists()


@pytest.mark.long
@pytest.mark.parametrize("share", moments("job"))
def test_a_job_is_killed(undisturbed, tmp_path, mirror, share):
    workflow = tiny(tmp_path / "killed", mirror)
    process = workflow.start(*TARGETS)
    time.sleep(share * undisturbed.seconds)
    while not (running := jobs(process)) and process.poll() is None:
        time.sleep(0.02)
    if running:
        os.kill(random.Random(share).choice(running), signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    if running:
        assert process.returncode != 0, "the job was killed, the run did not notice"
        assert "the same command goes on from here" in output
    finish(workflow, undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_interrupt_from_the_keyboard(undisturbed, tmp_path, mirror, share):
    workflow = tiny(tmp_path / "interrupted", mirror)
    process = workflow.start(*TARGETS)
    time.sleep(share * undisturbed.seconds)
    start = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # what Ctrl-C does
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - start < 5
    assert process.returncode != 0
    if "Select jobs to execute" in output:  # else it was stopped before it began
        assert "the same command goes on from here" in output
    wait_for_end(process, 1)
    finish(workflow, undisturbed)


@pytest.mark.long
def test_a_second_run_in_the_same_folder_says_so_and_harms_nothing(undisturbed, tmp_path, mirror):
    workflow = tiny(tmp_path / "twice", mirror)
    first = workflow.start(*TARGETS)
    while not jobs(first):
        assert first.poll() is None
        time.sleep(0.05)
    second = workflow.snakemake(*TARGETS)
    assert second.returncode != 0
    assert "Directory cannot be locked" in second.stdout
    unlocked = workflow.snakemake("--unlock", *TARGETS)
    assert unlocked.returncode != 0
    assert f"another run (process {first.pid}) is alive in this folder" in unlocked.stdout
    output, _ = first.communicate()
    assert first.returncode == 0, output
    finish(workflow, undisturbed)


@pytest.mark.long
def test_make_unlocks_unless_a_run_is_alive(tmp_path, mirror):
    workflow = tiny(tmp_path / "made", mirror)
    shutil.copy(ROOT / "Makefile", workflow.folder)
    shutil.copy(ROOT / "requirements.lock", workflow.folder)
    (workflow.folder / ".venv/bin").mkdir(parents=True)
    for name in ("python", "snakemake"):
        (workflow.folder / ".venv/bin" / name).symlink_to(shutil.which(name, path=os.path.dirname(sys.executable)))
    (workflow.folder / ".venv/run").touch()

    def unlock() -> subprocess.CompletedProcess:
        return subprocess.run(["make", "unlock"], cwd=workflow.folder, capture_output=True, text=True)

    process = workflow.start(*TARGETS)
    while not jobs(process):
        time.sleep(0.05)
    refused = unlock()
    assert refused.returncode != 0
    assert f"another run (process {process.pid}) is alive" in refused.stderr
    assert list((workflow.folder / ".snakemake/locks").iterdir())
    process.kill()
    process.wait()
    process.stdout.close()
    wait_for_end(process, 3)
    done = unlock()
    assert done.returncode == 0, done.stderr
    assert not list(workflow.folder.glob(".snakemake/locks/*"))
    assert unlock().returncode == 0  # nothing to do


@pytest.mark.long
def test_two_clones_at_once_are_independent(undisturbed, tmp_path, mirror):
    clones = [tiny(tmp_path / name, mirror) for name in ("one", "other")]
    processes = [clone.start(*TARGETS) for clone in clones]
    for clone, process in zip(clones, processes, strict=True):
        output, _ = process.communicate()
        assert process.returncode == 0, output
        assert not family(process)
        assert differing(clone, undisturbed, results(undisturbed, at_least=20)) == []
