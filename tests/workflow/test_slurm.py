"""The workflow on a SLURM cluster of one node, this machine; skipped where none can be started."""

import contextlib
import shutil
import subprocess
import sys
import time

import pytest
import slurm_cluster
import yaml
from conftest import ROOT, UNREACHABLE, Workflow, differing, results, small, with_make
from meanfield.jobs import lifetime

pytestmark = pytest.mark.long

if slurm_cluster.missing():
    pytest.skip(slurm_cluster.missing(), allow_module_level=True)

PROFILE = ROOT / "workflow/profiles/slurm/config.yaml"
PROFILED = ("--profile", "workflow/profiles/slurm", "--slurm-init-seconds-before-status-checks", "2")
TARGET = "results/runs/linear/10/relu/trajectory.nc"
LIMIT = 400  # seconds, of one call of Snakemake


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with slurm_cluster.start(tmp_path_factory.mktemp("cluster")) as environment:
        yield environment


def surroundings(workflow, cluster):
    """Environment variables: the cluster, the mirror, no network."""
    environment = {**cluster, "HTTPS_PROXY": UNREACHABLE, "HTTP_PROXY": UNREACHABLE}
    environment.pop("MEANFIELD_MIRROR", None)
    return environment | ({"MEANFIELD_MIRROR": str(workflow.mirror)} if workflow.mirror else {})


@contextlib.contextmanager
def snakemake(workflow, cluster, *arguments, **changes):
    """Snakemake through the profile; at the end it has finished, and its output is in `output`."""
    with open(workflow.folder / "output.txt", "w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", *arguments, *PROFILED, *small(workflow, **changes)],
            cwd=workflow.folder, env=surroundings(workflow, cluster), stdout=stream, stderr=stream,
        )  # fmt: skip
        try:
            yield process
            process.wait(LIMIT)
        finally:
            process.kill()
            process.wait()
    process.output = (workflow.folder / "output.txt").read_text()


def queue(cluster, *arguments):
    """SLURM id and comment (rule_… or group's name, from Snakemake) of the jobs in the queue."""
    command = ["squeue", "--noheader", "--format=%i %k", *arguments]
    answer = subprocess.run(command, env=cluster, text=True, capture_output=True, check=True)
    return dict(line.split() for line in answer.stdout.splitlines())


def running(process, cluster, group):
    """SLURM id of the first running submission of that group, once it runs."""
    while process.poll() is None:
        for number, comment in queue(cluster, "--states=running").items():
            if comment.startswith(f"rule_{group}"):
                return number
        time.sleep(0.3)
    raise AssertionError("Snakemake ended before there was a job of that group")


def scancel(process, cluster, group):
    """Cancel that submission; its SLURM id."""
    number = running(process, cluster, group)
    subprocess.run(["scancel", number], env=cluster, check=True)
    return number


@pytest.fixture(scope="module")
def folder(tmp_path_factory, mirror):
    """A copy of the project for all runs through SLURM."""
    return Workflow(tmp_path_factory.mktemp("slurm"), mirror)


@pytest.fixture(scope="module")
def failed(folder, cluster):
    """A run whose only submission is cancelled, without retries."""
    with snakemake(folder, cluster, TARGET, "--retries", "0") as process:
        process.cancelled = scancel(process, cluster, "training")
    process.left = (folder.folder / TARGET).exists()
    return process


@pytest.fixture(scope="module")
def on_slurm(folder, cluster, failed):
    """After that, the whole small DAG in the same folder; on the way one submission is cancelled."""
    before = set(queue(cluster, "--states=all"))
    with snakemake(folder, cluster) as process:
        folder.cancelled = scancel(process, cluster, "spectra")
    assert process.returncode == 0, process.output
    folder.output = process.output
    folder.submissions = [comment for number, comment in queue(cluster, "--states=all").items() if number not in before]
    return folder


def test_cancelled_job_without_retries_fails_naming_its_logs(folder, failed):
    assert failed.returncode != 0
    [log] = (folder.folder / ".snakemake/slurm_logs").rglob(f"{failed.cancelled}.log")
    assert str(log) in failed.output
    assert "results/logs/training/linear_10_relu.log" in failed.output
    assert not failed.left


def test_the_state_that_slurm_names_is_said_with_the_failure_and_at_the_end(failed):
    assert f"SLURM ended submission {failed.cancelled}: CANCELLED, by scancel, or by SLURM itself" in failed.output
    assert f"SLURM's states of what failed: {failed.cancelled} CANCELLED" in failed.output


def test_results_of_slurm_are_those_of_the_local_run_byte_for_byte(finished, on_slurm):
    assert differing(finished, on_slurm, results(finished)) == []


def test_jobs_travel_in_few_submissions(on_slurm):
    [total] = [line for line in on_slurm.output.splitlines() if line.startswith("total ")]
    once_more, never = 1, 2  # the cancelled one; re-trainings, since every bit is met, and pieces
    assert int(total.split()[1]) > 20
    assert len(on_slurm.submissions) == len(yaml.safe_load(PROFILE.read_text())["group-components"]) + once_more - never


def test_cancelled_job_is_submitted_again_and_the_run_finishes(on_slurm):
    assert len([comment for comment in on_slurm.submissions if comment.startswith("rule_spectra")]) == 2
    assert on_slurm.output.count("Trying to restart job") == 1
    assert f"/{on_slurm.cancelled}.log (check log file(s) for error details)" in on_slurm.output


def test_both_profiles_hold(on_slurm):
    """The default profile compares contents: a touched input re-runs nothing."""
    (on_slurm.folder / "results/datasets/linear.nc").touch()
    assert on_slurm.planned("--profile", "workflow/profiles/slurm", *small(on_slurm)) == set()


def test_every_rule_that_is_submitted_belongs_to_a_group(on_slurm):
    grouped = set(yaml.safe_load(PROFILE.read_text())["groups"])
    local = {"dataset", "published"}
    targets = ("all", "deviations", "tolerances", "claims")
    in_pieces = ("--config", "seeds=2", "seeds_per_job=1")  # a run in pieces has all rules
    assert on_slurm.planned("--profile", "workflow/profiles/slurm", "--forceall", *targets, *in_pieces) == grouped | local


ENDLESS = {
    "experiments": [
        {"dataset": "linear", "architecture": "10", "updates": 900_000, "beta_stddev": 1e-4, "beta_op_seed": 21},
    ],
    "activations": ["relu"],
}
"""Training that takes longer than any of these tests."""


def test_a_job_that_runs_out_of_time_is_said_to(cluster, tmp_path, mirror):
    """It asks for a minute; SLURM ends it half a minute later at most."""
    workflow = Workflow(tmp_path, mirror)
    arguments = (TARGET, "--retries", "0", "--set-resources", "training:runtime=1", "--logger", "meanfield")
    cluster = cluster | {"PYTHONPATH": "workflow/terminal"}
    with snakemake(workflow, cluster, *arguments, **ENDLESS) as process:
        number = running(process, cluster, "training")
    assert process.returncode != 0
    assert f"SLURM ended submission {number}: TIMEOUT, it took longer than the 00:01:00 that it asked for" in process.output
    assert f"SLURM's states of what failed: {number} TIMEOUT" in process.output


def test_what_a_killed_snakemake_has_submitted_is_not_submitted_again(cluster, tmp_path, mirror):
    """It is named and nothing is unlocked, or it is cancelled on request."""
    workflow = with_make(Workflow(tmp_path, mirror))
    (
        tmp_path / "another"
    ).mkdir()  # as on another node, where a job cannot look whether its launcher lives (jobs/lifetime.py)
    (tmp_path / "another/srun").write_text(
        f'#!/bin/sh\nunset {lifetime.VARIABLE}\nexec {shutil.which("srun", path=cluster["PATH"])} "$@"\n'
    )
    (tmp_path / "another/srun").chmod(0o755)
    elsewhere = cluster | {"PATH": f"{tmp_path}/another:{cluster['PATH']}"}
    with snakemake(workflow, elsewhere, TARGET, **ENDLESS) as process:
        number = running(process, cluster, "training")
        process.kill()
    variables = surroundings(workflow, cluster)

    def refused(*command):
        result = subprocess.run(command, cwd=tmp_path, env=variables, text=True, capture_output=True, timeout=60)
        [line] = [line for line in result.stderr.splitlines() if "still in SLURM's queue" in line]
        assert result.returncode != 0
        assert f"{number} (training" in line
        assert "scancel --name=" in line

    refused("make", "unlock")
    refused("make", "cluster")
    unlock = (sys.executable, "-m", "snakemake", "--unlock", *PROFILED, *small(workflow, **ENDLESS))
    refused(*unlock)
    assert list((tmp_path / ".snakemake/locks").iterdir())
    shutil.rmtree(tmp_path / ".snakemake/locks")  # by hand, say
    refused(sys.executable, "-m", "snakemake", TARGET, *PROFILED, *small(workflow, **ENDLESS))
    assert set(queue(cluster)) == {number}
    cancelled = subprocess.run(["make", "unlock", "CANCEL=1"], cwd=tmp_path, env=variables, text=True, capture_output=True)
    assert cancelled.returncode == 0, cancelled.stderr
    assert f"cancelled: {number} (training" in cancelled.stderr
    assert queue(cluster) == {}
    assert subprocess.run([*unlock], cwd=tmp_path, env=variables).returncode == 0
