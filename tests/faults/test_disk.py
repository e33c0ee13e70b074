"""Full, read-only and foreign disks. Mounting needs root; the limit on a file's size does not."""

import shutil
import subprocess
from contextlib import contextmanager

import pytest
from conftest import TARGETS, Workflow, differing, results, tiny
from faults import as_root, finish, one_line, state

NOT_WRITABLE = ("MiB free and not writable", "run the same command again")
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
        finish(workflow, undisturbed)


@pytest.mark.long
@mounts
def test_full_disk_that_holds_the_clone_too(undisturbed, tmp_path, mirror):
    """Then Snakemake finds no room for its own notes either, and says so in its own words."""
    folder = tmp_path / "full"
    with mounted(folder, "size=64m"):
        workflow = tiny(folder, mirror)
        room = shutil.disk_usage(folder).used + 500 * 1024
        subprocess.run(["mount", "-o", f"remount,size={room}", str(folder)], check=True)
        result = workflow.snakemake(*TARGETS)
        assert result.returncode != 0
        assert "No space left on device" in result.stdout
        whole(workflow, undisturbed.folder)
        subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
        finish(workflow, undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("blocks", ["20", "64"])
def test_limit_on_the_size_of_a_file(undisturbed, tmp_path, mirror, blocks):
    workflow = tiny(tmp_path / "limited", mirror)
    result = workflow.snakemake(*TARGETS, before=("bash", "-c", f'ulimit -f {blocks}; exec "$@"', "_"))
    assert result.returncode != 0
    one_line(result.stdout, "File too large", "results go to results/", "MiB free")
    whole(workflow, undisturbed.folder)
    finish(workflow, undisturbed)


def refused(workflow, *words, **keywords):
    """A run ends before any job, with one line that holds these words."""
    result = workflow.snakemake(*TARGETS, **keywords)
    assert result.returncode != 0
    one_line(result.stdout, *words)
    assert "rule dataset" not in result.stdout
    assert not state(workflow.folder)


@pytest.mark.long
@mounts
def test_read_only_file_system(undisturbed, tmp_path, mirror):
    workflow = tiny(tmp_path / "read-only", mirror)
    with mounted(workflow.folder / "results", "ro,size=64m"):
        refused(workflow, "results go to results, with", *NOT_WRITABLE)
        subprocess.run(["mount", "-o", "remount,rw", str(workflow.folder / "results")], check=True)
        finish(workflow, undisturbed)


# Root may write anywhere; without this privilege it is held to a folder's permissions as everybody is.
UNPRIVILEGED = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--") if as_root() else ()


def held_to_permissions() -> bool:
    """Whether a run can be held to them."""
    try:
        return not subprocess.run([*UNPRIVILEGED, "true"], capture_output=True).returncode
    except OSError:
        return False


@pytest.mark.long
@pytest.mark.skipif(not held_to_permissions(), reason="root may write anywhere, and setpriv cannot change that here")
@pytest.mark.parametrize("folder", ["results", "results/tables", "."])
def test_folder_without_permission_to_write(undisturbed, tmp_path, mirror, folder):
    workflow = tiny(tmp_path / "read-only", mirror)
    place = workflow.folder / folder
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o555)
    if folder == "results/tables":  # seen by the job that writes there, after all others
        result = workflow.snakemake(*TARGETS, before=UNPRIVILEGED)
        assert result.returncode != 0
        one_line(result.stdout, "tables: ", "results go to results/tables, with", *NOT_WRITABLE)
        whole(workflow, undisturbed.folder)
    else:
        named = folder if folder == "results" else workflow.folder
        refused(workflow, f"results go to {named}, with", *NOT_WRITABLE, before=UNPRIVILEGED)
    if place.exists():  # Snakemake removes a failed job's empty folder
        place.chmod(0o755)
    finish(workflow, undisturbed)


@pytest.mark.long
@mounts
def test_a_clone_that_cannot_be_written_to_serves_two_configurations_at_once(undisturbed, tmp_path, mirror):
    """Each through a `--directory` of its own, which the refusal without one names."""
    clone = tmp_path / "clone"
    with mounted(clone, "size=64m"):
        workflow = tiny(clone, mirror)
        subprocess.run(["mount", "-o", "remount,ro", str(clone)], check=True)
        refused(workflow, f"results go to {clone}, with", *NOT_WRITABLE, "--directory FOLDER")
        commands = {"one": (), "other": ("--config", "seeds=2")}
        runs = [workflow.start(*TARGETS, "--directory", f"../{name}", *values) for name, values in commands.items()]
        for process in runs:
            output, _ = process.communicate()
            assert process.returncode == 0, output
    one = Workflow.__new__(Workflow)
    one.folder = tmp_path / "one"
    made = results(undisturbed, "provenance", at_least=20)  # which names the clone's own files by their place
    assert differing(undisturbed, one, made) == []
    assert (tmp_path / "other/results/tables/summary.csv").exists()


@pytest.mark.parametrize("kind", ["file", "link to nowhere"])
def test_something_else_in_the_place_of_results(tmp_path, mirror, kind):
    workflow = tiny(tmp_path / "clone", mirror)
    if kind == "file":
        (workflow.folder / "results").touch()
    else:
        (workflow.folder / "results").symlink_to(tmp_path / "nowhere")
    refused(workflow, "results is neither a folder nor a link to one")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.long
@mounts
def test_results_on_another_file_system(undisturbed, tmp_path, mirror):
    workflow = tiny(tmp_path / "elsewhere", mirror)
    place = tmp_path / "disk"
    with mounted(place, "size=64m"):
        (workflow.folder / "results").symlink_to(place)
        finish(workflow, undisturbed)
