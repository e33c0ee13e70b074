"""What is in SLURM's queue and how it ended, as stand-ins for its programs say; tests/workflow/test_slurm.py asks SLURM."""

import logging
import os
import subprocess
import sys
import time

import pytest
from examples import ROOT
from meanfield.errors import MeanfieldError
from meanfield.jobs import submissions

RUN = "d8fcba03-9b64-46ed-8800-9d983b18be0c"
SHOWN = (
    "JobId=12 JobName={run} JobState={state} Reason=None ExitCode=0:15 RunTime=00:05:02 TimeLimit=00:05:00 NodeList=n1 "
    "MinMemoryNode=1200M Comment=rule_trainings StdOut={log}"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder from which jobs were submitted, with programs of one's own first on the path."""
    (tmp_path / "mine" / submissions.LOGS).mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path / "mine")
    return tmp_path / "mine"


def program(folder, name, said="", status=0, error=""):
    """A stand-in that says this, notes its arguments in {name}.said and, `scancel`, empties the queue."""
    path = folder.parent / "bin" / name
    (folder.parent / f"{name}.out").write_text(said)
    emptied = f"echo -n > {folder.parent}/squeue.out" if name == "scancel" else ""
    path.write_text(
        f"#!/bin/sh\necho $@ >> {folder.parent}/{name}.said\ncat {folder.parent}/{name}.out\necho '{error}' >&2\n{emptied}\n"
        f"exit {status}\n"
    )
    path.chmod(0o755)


def queue(folder, *states, elsewhere=0):
    """SLURM's answer: submissions of this folder in these states, and of others."""
    lines = [
        f"{12 + at}|{state}|{RUN}|rule_trainings|{folder}/{submissions.LOGS}/group_trainings/%j.log|"
        for at, state in enumerate(states)
    ]
    lines += [f"{90 + at}|RUNNING|{RUN}|rule_other|{folder}-2/{submissions.LOGS}/%j.log|" for at in range(elsewhere)]
    program(folder, "squeue", "\n".join(lines) + "\n" * bool(lines))


def test_what_this_folder_has_submitted_is_named_and_nothing_else(folder):
    queue(folder, "RUNNING", "PENDING", elsewhere=2)
    assert [entry.number for entry in submissions.queued()] == ["12", "13"]
    with pytest.raises(MeanfieldError) as refused:
        submissions.insist()
    for words in ("12 (trainings, running)", "13 (trainings, pending)", f"scancel --name={RUN}", "CANCEL=1"):
        assert words in str(refused.value)
    assert "90" not in str(refused.value)
    assert f"--user={os.getuid()}" in (folder.parent / "squeue.said").read_text()


def test_a_hundred_submissions_are_one_line(folder):
    queue(folder, *["PENDING"] * 100)
    line = submissions.refusal(submissions.queued())
    assert "and 95 more" in line
    assert line.count(RUN) == 1
    assert len(line) < 500


def test_on_request_they_are_cancelled_and_waited_for(folder, capsys):
    queue(folder, "RUNNING", "PENDING", elsewhere=1)
    program(folder, "scancel")
    submissions.insist(cancel=True)
    assert (folder.parent / "scancel.said").read_text() == "12 13\n"
    assert "cancelled: 12 (trainings, running), 13" in capsys.readouterr().err


def test_what_is_ending_is_waited_for_but_not_for_ever(folder):
    queue(folder, "COMPLETING")
    with pytest.raises(MeanfieldError, match="completing"):
        submissions.insist(patience=1)
    assert len((folder.parent / "squeue.said").read_text().splitlines()) >= 2


def test_nothing_is_asked_where_nothing_was_submitted(folder):
    queue(folder, "RUNNING")
    (folder / submissions.LOGS).rmdir()
    submissions.insist()
    assert not (folder.parent / "squeue.said").exists()


def test_a_slurm_that_does_not_answer_is_a_warning(folder, capsys):
    program(folder, "squeue", status=1, error="slurm_load_jobs error: Unable to contact slurm controller")
    submissions.insist()
    said = capsys.readouterr().err
    assert "cannot be told: squeue does not answer (slurm_load_jobs error: Unable to contact" in said


def test_what_cannot_be_cancelled_is_refused(folder, capsys):
    queue(folder, "RUNNING")
    program(folder, "scancel", status=1, error="scancel: error: Kill job error on job id 12: Access/permission denied")
    with pytest.raises(MeanfieldError, match=r"Access/permission denied\); submissions .* 12 \(trainings, running\)"):
        submissions.insist(cancel=True)
    assert capsys.readouterr().err == ""


def test_a_slurm_that_stops_answering_while_jobs_end_is_refused(folder, monkeypatch):
    queue(folder, "COMPLETING")
    monkeypatch.setattr(submissions.time, "sleep", lambda _: program(folder, "squeue", status=1))
    with pytest.raises(MeanfieldError, match=r"squeue does not answer .* 12 "):
        submissions.insist()


def test_without_slurm_a_line_says_that_jobs_were_submitted_from_here(folder, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    submissions.insist()
    assert "cannot be told: there is no squeue here, though jobs were submitted" in capsys.readouterr().err


def test_a_slurm_that_hangs_is_not_waited_for(folder, monkeypatch, capsys):
    monkeypatch.setattr(submissions, "ANSWER", 0.5)
    monkeypatch.setitem(submissions.ask.__kwdefaults__, "seconds", 0.5)
    for name in ("squeue", "scontrol", "sacct"):
        program(folder, name)
        (folder.parent / "bin" / name).write_text("#!/bin/sh\nexec sleep 60\n")
    began = time.monotonic()
    submissions.insist()
    assert submissions.outcome("12", "12.log") == ("UNKNOWN", "")
    assert time.monotonic() - began < 10
    assert capsys.readouterr().err.count("cannot be told: squeue does not answer") == 1


@pytest.mark.parametrize(("option", "status"), [((), 1), (("--cancel",), 0)])
def test_the_command_that_make_calls(folder, option, status):
    queue(folder, "RUNNING")
    program(folder, "scancel")
    command = [sys.executable, "-m", "meanfield.jobs.submissions", *option]
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    result = subprocess.run(command, env=variables, text=True, capture_output=True)
    assert result.returncode == status
    assert result.stderr.count("\n") == 1
    assert "12 (trainings, running)" in result.stderr


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("TIMEOUT", "longer than the 00:05:00"),
        ("OUT_OF_MEMORY", "more than the 1200M"),
        ("CANCELLED", "scancel"),
        ("NODE_FAIL", "node failed"),
        ("FAILED", "own log"),
        ("BOOT_FAIL", ""),
    ],
)
def test_how_a_submission_ended_while_slurm_remembers_it(folder, state, words):
    program(folder, "scontrol", SHOWN.format(run=RUN, state=state, log="12.log"))
    found, meaning = submissions.outcome("12", "12.log")
    assert found == state
    assert words in meaning


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ("TIMEOUT|00:05:00|1200M\nCANCELLED||\n", "TIMEOUT"),
        ("CANCELLED by 1000|00:05:00|1200M\n", "CANCELLED"),
        ("FAILED|00:05:00|1200M\nFAILED||\nOUT_OF_MEMORY||\n", "OUT_OF_MEMORY"),
        ("NODE_FAIL|00:05:00|\n", "NODE_FAIL"),
    ],
)
def test_how_it_ended_by_slurms_accounting(folder, rows, state):
    program(folder, "scontrol", status=1, error="slurm_load_jobs error: Invalid job id specified")
    program(folder, "sacct", rows)
    assert submissions.outcome("12", "12.log")[0] == state


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("slurmstepd-n1: error: *** JOB 12 ON n1 CANCELLED AT 2026-01-01T00:00:00 DUE TO TIME LIMIT ***", "TIMEOUT"),
        ("slurmstepd: error: Detected 1 oom_kill event in StepId=12.batch.", "OUT_OF_MEMORY"),
        ("slurmstepd: error: *** JOB 12 ON n1 CANCELLED AT 2026-01-01T00:00:00 DUE TO NODE FAILURE ***", "NODE_FAIL"),
        ("slurmstepd: error: *** JOB 12 ON n1 CANCELLED AT 2026-01-01T00:00:00 ***", "CANCELLED"),
        ("Error in rule training: no room", "UNKNOWN"),
    ],
)
def test_how_it_ended_by_its_log(folder, text, state):
    for name in ("scontrol", "sacct"):
        program(folder, name, status=1)
    (folder / "12.log").write_text(f"Building DAG of jobs...\n{text}\n")
    assert submissions.outcome("12", "12.log")[0] == state
    if state == "OUT_OF_MEMORY":  # SLURM may call it failed, since the shell has outlived what was killed
        program(folder, "scontrol", SHOWN.format(run=RUN, state="FAILED", log="12.log"))
        assert submissions.outcome("12", "12.log") == (state, "it needed more than the 1200M that it asked for")


def test_each_failure_is_said_once_and_again_at_the_end(folder, capsys):
    program(folder, "scontrol", SHOWN.format(run=RUN, state="TIMEOUT", log="12.log"))
    logger, watch = logging.Logger("snakemake"), submissions.Watch()
    logger.addHandler(watch)
    assert watch.summary() == ""
    logger.error("Error in group trainings", extra={"aux_logs": [f"{folder}/{submissions.LOGS}/group_trainings/12.log"]})
    logger.error("Error in rule training", extra={"log": ["results/logs/dataset/7.log", None]})
    logger.error("Error in rule training", extra={"log": [f"{folder}/{submissions.LOGS}/group_trainings/12.log"]})
    said = capsys.readouterr().err
    assert said == "SLURM ended submission 12: TIMEOUT, it took longer than the 00:05:00 that it asked for\n"
    assert watch.summary() == "SLURM's states of what failed: 12 TIMEOUT"
