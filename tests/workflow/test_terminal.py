"""What `make` shows of a run, on a terminal and without one."""

import os
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT, SMALL, UNREACHABLE, Workflow, small

SHOWN = ("--logger", "meanfield")
PLUGIN = {"PYTHONPATH": "workflow/terminal"}


def screens(workflow: Workflow, columns: int, *arguments: str) -> tuple[list[str], list[str]]:
    """Lines of the screen in the middle of a run, and at its end."""
    command = [sys.executable, ROOT / "docs/terminal.py", str(columns), sys.executable, "-m", "snakemake", "--cores", "2"]
    variables = {**os.environ, **PLUGIN, "HTTPS_PROXY": UNREACHABLE, "HTTP_PROXY": UNREACHABLE}
    variables.pop("MEANFIELD_MIRROR", None)
    result = subprocess.run(
        [*command, *arguments, *SHOWN], cwd=workflow.folder, env=variables, text=True, capture_output=True
    )
    during, end = result.stdout.split("\n\f\n")
    return during.splitlines(), end.splitlines()


@pytest.mark.long
@pytest.mark.parametrize("columns", [80, 130])
def test_bars_and_above_them_what_a_job_says(tmp_path, columns):
    """Without a mirror a job warns of stand-in data, which would stand across the bars if it wrote to the terminal."""
    workflow = Workflow(tmp_path, None)
    target = "results/runs/linear/10/relu/trajectory.nc"
    during, end = screens(workflow, columns, target, *small(workflow))
    assert max(map(len, during)) == columns, "the bars take the width"
    top = next(number for number, line in enumerate(during) if line.startswith("╭"))
    bars = during[top + 1 : -1]
    assert during[-1].startswith("╰")
    assert all(line.startswith("│ ") and line.endswith("│") for line in bars), during
    assert "dataset" in " ".join(bars)
    assert not [line for line in end if line.startswith(("╭", "│", "╰"))], "the bars are gone"
    text = "".join(end)
    assert "WARNING: stand-in data" in text
    assert "Done in 0 min" in text
    assert ".snakemake/log/" in text


def test_without_a_terminal_one_line_a_job(finished):
    lines = finished.output.splitlines()
    jobs = [line for line in lines if " of 24  " in line]
    assert len(jobs) == 24
    assert max(map(len, jobs)) < 80
    assert jobs[-1].split() == ["24", "of", "24", "all,", "0.0", "s"]
    assert any(line.split()[3:7] == ["training", "linear", "10", "relu,"] for line in jobs)
    assert len(lines) < 24 + 12
    for path in ("results/explorer.html", "results/verification/verdicts.html", "results/tables/summary.html"):
        assert [line for line in lines if line.split()[:1] == [path]]


@pytest.mark.long
def test_a_failure_is_shown_in_full(tmp_path, mirror):
    workflow = Workflow(tmp_path, mirror)
    optimizer = yaml.safe_load((ROOT / "config/config.yaml").read_text())["optimizer"] | {"learning_rate": 1e30}
    target = "results/runs/linear/10/relu/trajectory.nc"
    result = workflow.snakemake(target, *small(workflow, optimizer=optimizer), *SHOWN, **PLUGIN)
    assert result.returncode != 0
    lines = result.stdout.splitlines()
    assert "failed: training linear 10 relu" in lines
    assert "results/logs/training/linear_10_relu.log:" in lines
    assert [line for line in lines if line.startswith("  ") and "MeanfieldError: the cost is no longer finite" in line]


def test_code_fills_no_screen(finished):
    """The files of a step's code count for re-runs and are not listed as inputs; Snakemake names the one that changed."""
    listing = finished.snakemake("--dry-run", "--forceall", *small(finished)).stdout
    assert "scripts/meanfield" not in listing
    assert SMALL["experiments"][0]["dataset"] in listing
