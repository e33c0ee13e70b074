"""Where the published files are, and a copy of this folder to run Snakemake in."""

import filecmp
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import hypothesis
import pytest
import yaml

ROOT = Path(__file__).parent.parent
PUBLISHED = ROOT.parent / "shared" / "published"
UNREACHABLE = "http://127.0.0.1:9"  # the discard port: a proxy that refuses at once, so that nothing leaves the machine

SMALL = {
    "experiments": [
        {"dataset": "linear", "architecture": "10", "updates": 300, "beta_stddev": 1e-4, "beta_op_seed": 21},
    ],
    "seeds": 2,
}


@pytest.fixture(scope="session")
def published() -> Path:
    """The mirror of published files; tests that need it are skipped where it is absent."""
    if not PUBLISHED.is_dir():
        pytest.skip("the published arrays (../shared/published) are not here")
    return PUBLISHED


class Workflow:
    """A copy of the project in a folder of its own, and Snakemake in it, without network."""

    def __init__(self, folder: Path, mirror: Path | None) -> None:
        self.folder, self.mirror = folder, mirror
        folder.mkdir(exist_ok=True)
        copied = ["workflow", "scripts", "config", "envs"]
        for name in copied:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))

    def start(self, *arguments: str, before: tuple[str, ...] = (), **environment: str) -> subprocess.Popen:
        """Start Snakemake in a session of its own; output is text, stdout and stderr together. `before`: e.g. nice."""
        return self.launch(*before, sys.executable, "-m", "snakemake", "--cores", "2", *arguments, **environment)

    def launch(self, *command: str, **environment: str) -> subprocess.Popen:
        """Start a command in the same way; for `make` and the like."""
        variables = {**os.environ, "HTTPS_PROXY": UNREACHABLE, "HTTP_PROXY": UNREACHABLE, **environment}
        variables.pop("MEANFIELD_MIRROR", None)
        if self.mirror:
            variables["MEANFIELD_MIRROR"] = str(self.mirror)
        return subprocess.Popen(
            command, cwd=self.folder, env=variables, start_new_session=True,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def snakemake(self, *arguments: str, **keywords) -> subprocess.CompletedProcess:
        """Run Snakemake to its end; arguments as for `start`."""
        process = self.start(*arguments, **keywords)
        output, _ = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, output)

    def forked(self, commands: list[list[str]], **environment: str) -> list[tuple[int, str]]:
        """Exit status and output of Snakemake with each of these arguments; AssertionError if any of them makes a result."""
        runs = [["--cores", "2", *arguments] for arguments in commands]
        (self.folder / "commands.json").write_text(json.dumps(runs))
        forked = str(ROOT / "tests/forked.py")
        process = self.launch(sys.executable, "-W", "ignore", forked, "commands.json", **environment)
        said, _ = process.communicate()
        statuses = said.split()
        assert len(statuses) == len(commands), said
        assert not (self.folder / "results").exists()
        return [(int(status), (self.folder / f"{number}.out").read_text()) for number, status in enumerate(statuses)]

    def planned(self, *arguments: str) -> set[str]:
        """Names of the rules that a dry run would run, e.g. {"dataset", "training"}."""
        result = self.snakemake("--dry-run", *arguments)
        assert result.returncode == 0, result.stdout
        return rules(result.stdout)


def with_make(workflow: Workflow) -> Workflow:
    """The Makefile beside the workflow, and what it would install."""
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, workflow.folder)
    (workflow.folder / ".venv/bin").mkdir(parents=True)
    for name in ("python", "snakemake"):
        (workflow.folder / ".venv/bin" / name).symlink_to(shutil.which(name, path=os.path.dirname(sys.executable)))
    (workflow.folder / ".venv/run").touch()
    return workflow


def rules(output: str) -> set[str]:
    """The rules in the table of a dry run's jobs, but for those that only name others."""
    if "Job stats:" not in output:
        return set()
    table = output.split("Job stats:")[-1].split("\n\n")[0]
    rows = [line.split() for line in table.splitlines()[3:]]
    return {row[0] for row in rows if row} - {"total", "all", "figures", "videos"}


def results(workflow: Workflow, *without: str, at_least: int = 40) -> list[str]:
    """Paths of all results but logs, benchmarks and the folders named, relative to the workflow's folder."""
    left_out = {"logs", "benchmarks", *without}
    paths = (path.relative_to(workflow.folder) for path in (workflow.folder / "results").rglob("*.*"))
    found = sorted(str(path) for path in paths if not left_out & set(path.parts))
    assert len(found) >= at_least
    return found


def differing(ours: Workflow, theirs: Workflow, paths: list[str]) -> list[str]:
    """Those of the files that are not there twice with the same bytes."""
    _, different, missing = filecmp.cmpfiles(ours.folder, theirs.folder, paths, shallow=False)
    return different + missing


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium; tests that need it are skipped where it is absent."""
    import browsing

    with browsing.start() as driver:
        yield driver


@pytest.fixture(scope="session")
def mirror() -> Path | None:
    """The mirror of the published files, or None: the workflow then makes stand-ins."""
    return PUBLISHED if PUBLISHED.is_dir() else None


def small(workflow: Workflow, **changes) -> tuple[str, str]:
    """The arguments that select the small configuration."""
    (workflow.folder / "small.yaml").write_text(yaml.safe_dump({**SMALL, **changes}))
    return "--configfile", "small.yaml"


TINY = {
    "experiments": [{"dataset": "linear", "architecture": "10", "updates": 60, "beta_stddev": 1e-4, "beta_op_seed": 21}],
    "activations": ["esp", "relu"],
}
TARGETS = ("tables", "videos", "--configfile", "tiny.yaml")


def tiny(folder: Path, mirror: Path | None, **changes) -> Workflow:
    """A workflow of nine jobs, about fifteen seconds, for the tests of faults."""
    workflow = Workflow(folder, mirror)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(TINY | changes))
    return workflow


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, mirror) -> Workflow:
    """The tiny run in the usual surroundings, that nobody disturbs; `seconds` is how long it took."""
    workflow = tiny(tmp_path_factory.mktemp("undisturbed"), mirror)
    start = time.monotonic()
    result = workflow.snakemake(*TARGETS)
    assert result.returncode == 0, result.stdout
    workflow.seconds = time.monotonic() - start
    return workflow


@pytest.fixture(scope="session")
def finished(tmp_path_factory, mirror) -> Workflow:
    """The whole small DAG, run once; `seconds` is how long it took."""
    workflow = Workflow(tmp_path_factory.mktemp("finished"), mirror)
    start = time.monotonic()
    result = workflow.snakemake("--logger", "meanfield", *small(workflow), PYTHONPATH="workflow/terminal")  # as `make` does
    assert result.returncode == 0, result.stdout
    workflow.seconds = time.monotonic() - start
    workflow.output = result.stdout
    return workflow


SHARED = ("cluster", "finished", "undisturbed", "browser")
"""Fixtures that take long to make: tests that share one run in one process, where tests run side by side."""


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name the process-sharing group of each test: that of the fixture it shares, else its file. The long groups begin."""
    for item in items:
        shared = next((name for name in SHARED if name in item.fixturenames), str(item.path))
        item.add_marker(pytest.mark.xdist_group(shared))
    items.sort(key=lambda item: not set(SHARED) & set(item.fixturenames))


hypothesis.settings.register_profile("repeatable", derandomize=True, database=None)
hypothesis.settings.load_profile("repeatable")
