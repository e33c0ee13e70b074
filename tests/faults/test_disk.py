"""Full, read-only and foreign disks. Mounting needs root; the limit on a file's size does not."""

import os
import subprocess
import time
from contextlib import contextmanager

import pytest
from conftest import TARGETS, differing, results, tiny
from faults import as_root, one_line

mounts = pytest.mark.skipif(not as_root(), reason="only root may mount file systems")


@contextmanager
def mounted(folder, options):
    """A file system in memory at this folder."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"file systems cannot be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def whole(workflow, undisturbed_folder):
    """Every result that is there has the bytes of an undisturbed run: nothing is half-written."""
    for path in workflow.folder.joinpath("results").rglob("*.*"):
        assert not path.name.startswith(".part-"), path
        relative = path.relative_to(workflow.folder)
        if path.is_file() and not {"logs", "benchmarks"} & set(relative.parts):
            assert path.read_bytes() == (undisturbed_folder / relative).read_bytes(), relative


@pytest.mark.long
@mounts
@pytest.mark.parametrize("room", ["64k", "400k"])
def test_full_disk(undisturbed, tmp_path, mirror, room):
    workflow = tiny(tmp_path / "full", mirror)
    with mounted(workflow.folder / "results", f"size={room}"):
        result = workflow.snakemake(*TARGETS)
        assert result.returncode != 0
        line = one_line(result.stdout, "results go to results/", "MiB free")
        assert "run the same command again" in line
        whole(workflow, undisturbed.folder)
        subprocess.run(["mount", "-o", "remount,size=64m", str(workflow.folder / "results")], check=True)
        result = workflow.snakemake(*TARGETS)
        assert result.returncode == 0, result.stdout
        assert differing(workflow, undisturbed, results(undisturbed, at_least=20)) == []


@pytest.mark.long
@pytest.mark.parametrize("blocks", ["20", "60", "64"])
def test_limit_on_the_size_of_a_file(undisturbed, tmp_path, mirror, blocks):
    workflow = tiny(tmp_path / "limited", mirror)
    result = workflow.snakemake(*TARGETS, before=("bash", "-c", f'ulimit -f {blocks}; exec "$@"', "_"))
    assert result.returncode != 0
    one_line(result.stdout, "File too large", "results go to results/", "MiB free")
    whole(workflow, undisturbed.folder)
    result = workflow.snakemake(*TARGETS)
    assert result.returncode == 0, result.stdout
    assert differing(workflow, undisturbed, results(undisturbed, at_least=20)) == []


@mounts
def test_read_only_results(tmp_path, mirror):
    workflow = tiny(tmp_path / "read-only", mirror)
    with mounted(workflow.folder / "results", "ro"):
        start = time.monotonic()
        result = workflow.snakemake(*TARGETS)
        assert result.returncode != 0
        assert time.monotonic() - start < 30
        one_line(result.stdout, "Read-only file system", "results/")
        assert not os.listdir(workflow.folder / "results")


@pytest.mark.long
@mounts
def test_results_on_another_file_system(undisturbed, tmp_path, mirror):
    workflow = tiny(tmp_path / "elsewhere", mirror)
    place = tmp_path / "disk"
    with mounted(place, "size=64m"):
        (workflow.folder / "results").symlink_to(place)
        result = workflow.snakemake(*TARGETS)
        assert result.returncode == 0, result.stdout
        assert differing(workflow, undisturbed, results(undisturbed, at_least=20)) == []
