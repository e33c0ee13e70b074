"""What must not matter: cores, folder, home, locale, hash seed; and a small memory."""

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import ROOT, TARGETS, Workflow, differing, results, tiny
from faults import as_root

MEMORY = Path("/sys/fs/cgroup/memory")  # version 1; version 2 has no such folder


def locales() -> list[str]:
    """Some of the locales that this machine has, the plain one first."""
    listed = subprocess.run(["locale", "-a"], capture_output=True, text=True).stdout.split()
    return ["C", *(name for name in listed if name.lower().startswith(("de_", "tr_", "fr_")))][:3]


SURROUNDINGS = {
    "one core": ({}, ["--cores", "1"], "here"),
    "four cores": ({}, ["--cores", "4"], "here"),
    "another folder with a space": ({"PYTHONHASHSEED": "1"}, [], "a folder with spaces and ü"),
    "another home": ({"HOME": "{tmp}/home", "PYTHONHASHSEED": "random"}, [], "here"),
    "plain locale": ({"LC_ALL": "C", "LANG": "C", "TZ": "Asia/Kathmandu"}, [], "here"),
    "no home": ({"HOME": "/nonexistent", "XDG_CACHE_HOME": "{tmp}/cache"}, [], "here"),
    "threads by environment": (
        {"OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "3", "TF_NUM_INTRAOP_THREADS": "2"},
        [],
        "here",
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", SURROUNDINGS)
def test_surroundings_do_not_matter(undisturbed, tmp_path, mirror, name):
    environment, arguments, folder = SURROUNDINGS[name]
    variables = {key: value.format(tmp=tmp_path) for key, value in environment.items()}
    if "{tmp}" in environment.get("HOME", ""):
        (tmp_path / "home").mkdir()
    workflow = tiny(tmp_path / folder, mirror)
    result = workflow.snakemake(*TARGETS, *arguments, **variables)
    assert result.returncode == 0, result.stdout
    # provenance names the commit and the packages, neither of which differs here
    assert differing(workflow, undisturbed, results(undisturbed, at_least=20)) == []


@pytest.mark.long
@pytest.mark.parametrize("locale", locales())
def test_locales_do_not_matter(undisturbed, tmp_path, mirror, locale):
    workflow = tiny(tmp_path / "clone", mirror)
    result = workflow.snakemake(*TARGETS, LC_ALL=locale)
    assert result.returncode == 0, result.stdout
    assert differing(workflow, undisturbed, results(undisturbed, at_least=20)) == []


@contextmanager
def memory_limit(size: int):
    """A control group of so many bytes, page cache included; yields the command that puts a process into it."""
    if not (as_root() and (MEMORY / "memory.limit_in_bytes").exists() and os.access(MEMORY, os.W_OK)):
        pytest.skip("control groups (version 1) cannot be made here")
    group = MEMORY / f"meanfield-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(size))
    except OSError as error:
        pytest.skip(f"control groups cannot be made here: {error}")
    try:
        yield group
    finally:
        group.rmdir()


@pytest.mark.long
def test_the_full_reproduction_in_two_gibibytes(tmp_path, mirror):
    """All 15 runs, figures, videos, verdicts; two jobs at a time."""
    workflow = Workflow(tmp_path / "clone", mirror)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    with memory_limit(2 * 2**30) as group:
        inside = ("bash", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "_")
        result = workflow.snakemake(before=inside)
        assert result.returncode == 0, result.stdout
        peak = int((group / "memory.max_usage_in_bytes").read_text())
        failures = int((group / "memory.failcnt").read_text())
    assert peak > 100 * 2**20, "the run was not in the group"
    print(f"peak {peak / 2**20:.0f} MiB, page cache included; the limit was met {failures} times")
    assert (workflow.folder / "results/verification/verdicts.md").exists()
    assert (workflow.folder / "results/videos/nonlinear_8-2.mp4").exists()
    assert "(traceback:" not in result.stdout


def test_nothing_of_the_user_is_read_or_written(tmp_path, mirror):
    """A home that must not be touched: a job writes under results and Snakemake under .snakemake, nothing else."""
    home = tmp_path / "home"
    home.mkdir()
    workflow = tiny(tmp_path / "clone", mirror)
    before = {path for path in workflow.folder.rglob("*") if "__pycache__" not in path.parts}
    result = workflow.snakemake("tables", "--configfile", "tiny.yaml", HOME=str(home), XDG_CACHE_HOME=str(home / "cache"))
    assert result.returncode == 0, result.stdout
    new = {path.relative_to(workflow.folder) for path in workflow.folder.rglob("*") if "__pycache__" not in path.parts}
    new -= {path.relative_to(workflow.folder) for path in before}
    assert {path.parts[0] for path in new} <= {"results", ".snakemake"}
    known = ("snakemake", "matplotlib", ".keras")  # caches and settings that these libraries leave; nothing of ours
    written = [path for path in home.rglob("*") if path.is_file() and not any(name in str(path) for name in known)]
    assert written == []
