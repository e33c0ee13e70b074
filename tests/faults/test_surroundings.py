"""What must not matter: cores, folder, home, locale, hash seed; and a small memory."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import TARGETS, Workflow, differing, results, tiny

LIMIT = 2 * 2**30  # bytes
MEMORY = Path("/sys/fs/cgroup/memory")  # control groups, version 1; version 2 has no such folder


def locales() -> list[str]:
    """Up to three of the locales that this machine has, other than the plain one."""
    listed = subprocess.run(["locale", "-a"], capture_output=True, text=True).stdout.split()
    return [name for name in listed if name.lower().startswith(("de_", "tr_", "fr_", "c.utf"))][:3]


# Several things are different at once in each: none of them may matter.
SURROUNDINGS = {
    "one core, plain locale, no home": (
        {"LC_ALL": "C", "LANG": "C", "TZ": "Asia/Kathmandu", "HOME": "/nonexistent", "XDG_CACHE_HOME": "{tmp}/cache"},
        ["--cores", "1"],
        "here",
    ),
    "four cores, another folder and home": (
        {"HOME": "{tmp}/home", "PYTHONHASHSEED": "random"},
        ["--cores", "4"],
        "a folder with spaces and ü",
    ),
    "threads by environment": (
        {"OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "3", "TF_NUM_INTRAOP_THREADS": "2", "PYTHONHASHSEED": "1"},
        [],
        "here",
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", SURROUNDINGS)
def test_surroundings_do_not_matter(undisturbed, tmp_path, mirror, name):
    environment, arguments, folder = SURROUNDINGS[name]
    variables = {key: value.format(tmp=tmp_path) for key, value in environment.items()}
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


def control_group() -> Path | None:
    """A new control group (version 1), which holds all processes of a run together; None where there can be none."""
    group = MEMORY / f"meanfield-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(LIMIT))
    except OSError:
        with suppress(OSError):
            group.rmdir()
        return None
    return group


@pytest.mark.long
def test_the_full_reproduction_in_two_gibibytes(tmp_path, mirror):
    """All 15 runs, figures, videos, verdicts; two jobs at a time, or where each process has a limit of its own, one."""
    workflow = Workflow(tmp_path / "clone", mirror)
    group = control_group()
    if group:
        arguments, limit = (), f"echo $$ > {group}/cgroup.procs"
    else:
        arguments, limit = ("--cores", "1"), f"ulimit -v {LIMIT // 1024}"
    try:
        result = workflow.snakemake(*arguments, before=("bash", "-c", f'{limit} && exec "$@"', "_"))
        assert result.returncode == 0, result.stdout
        if group:
            peak = int((group / "memory.max_usage_in_bytes").read_text())
            assert peak > 100 * 2**20, "the run was not in the group"
            print(f"peak {peak / 2**20:.0f} MiB, page cache included")
    finally:
        if group:
            group.rmdir()
    assert (workflow.folder / "results/verification/verdicts.md").exists()
    assert (workflow.folder / "results/videos/nonlinear_8-2.mp4").exists()
    assert "(traceback:" not in result.stdout


@pytest.mark.long
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
