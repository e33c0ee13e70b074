"""
What goes into an archive: the commit's files, everything under results/, and, under deposit/, what else a stranger needs.

    deposit/commit               the commit as git keeps it: its hash is the commit's name, and it names the tree
    deposit/tree                 the tree: mode, hash and path of each of the commit's files
    deposit/uncommitted.txt      only on request: files that were changed since the commit
    deposit/configurations/      each configuration that results were made by, whole, named by its hash in the provenance
    deposit/inputs.csv           every input: its address, checksum, size, licence, and whether it is in the archive
    deposit/published/           the published files that were used, under the paths of their repository: a mirror

An input is left out, and just its address and checksum given, if its licence does not say that it may be passed on.
"""

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from meanfield.archive.bag import insist
from meanfield.data import published, storage
from meanfield.errors import MeanfieldError
from meanfield.jobs import provenance
from meanfield.jobs.dependencies import sha256

DEPOSIT, RESULTS = "deposit", "results"
MIRROR = f"{DEPOSIT}/published"
INPUTS, COMMIT, TREE = (f"{DEPOSIT}/{name}" for name in ("inputs.csv", "commit", "tree"))
UNCOMMITTED = f"{DEPOSIT}/uncommitted.txt"
CONFIGURATIONS = f"{DEPOSIT}/configurations"
MAY_BE_PASSED_ON = ("Apache-2.0", "BSD-3-Clause", "MIT", "CC0-1.0", "CC-BY-4.0")


def _git(folder: Path, *command: str) -> bytes:
    try:
        return subprocess.run(["git", "-C", str(folder), *command], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise MeanfieldError(f"{folder.resolve().name} is no git repository with a commit: an archive is of one") from error


def code(folder: Path, uncommitted: bool) -> tuple[dict[str, Path], dict[str, bytes]]:
    """The commit's files by path, and what the archive says of the commit, by path in it; MeanfieldError for changes since.

    The files are those of the folder: with `uncommitted` the changed ones. What git does not know is left out.
    """
    status = _git(folder, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=no").decode().split("\0")
    changed = sorted(entry[3:] for entry in status if entry)
    if not uncommitted:
        insist([f"{name} is not as committed" for name in changed], "commit, or ask for it: make archive UNCOMMITTED=yes")
    said = {COMMIT: _git(folder, "cat-file", "commit", "HEAD"), TREE: _git(folder, "ls-tree", "-r", "-z", "HEAD")}
    if changed:
        said[UNCOMMITTED] = "".join(f"{name}\n" for name in changed).encode()
    said[TREE] = said[TREE].replace(b"\0", b"\n")
    files = {name: folder / name for name in tree(said[TREE]) if (folder / name).is_file()}
    clash = [name for name in files if name.startswith((f"{DEPOSIT}/", "ro-crate-"))]
    insist([f"{name} is in the way" for name in clash], "an archive needs this name; give the file another")
    return files, said


def tree(listing: bytes) -> dict[str, tuple[str, str]]:
    """Mode and hash of each file of a commit, by path, from the lines of deposit/tree."""
    lines = [line.split("\t", 1) for line in listing.decode().splitlines()]
    return {name: (about.split()[0], about.split()[2]) for about, name in lines}


def results(folder: Path) -> dict[str, Path]:
    """Everything under results/ that is no leftover of a job."""
    found = sorted(path for path in (folder / RESULTS).rglob("*") if path.is_file() and not path.name.startswith(".part-"))
    return {path.relative_to(folder).as_posix(): path for path in found}


def records(folder: Path) -> dict[str, dict]:
    """The provenance of every job under a folder, by the job's name, {rule}/{job}. MeanfieldError if there is none."""
    if found := provenance.recorded(folder / provenance.FOLDER):
        return found
    raise MeanfieldError("there are no results with a provenance here: run make reproduce first")


def unlike_recorded(made: Mapping[str, dict], files: Mapping[str, Path], left_out: Iterable[str] = ()) -> list[str]:
    """What does not fit the provenance of the jobs: results, inputs and code of other content than recorded, or missing."""
    found = {name: sha256(path) for name, path in files.items()}
    there = [name for name in found if name.startswith(f"{RESULTS}/")]
    outputs = {name for content in made.values() for name in content["outputs"]}
    unmade = {"README.md", "report.html"}
    problems = {
        f"{name} was made by no job": None
        for name in there
        if name not in outputs and name.split("/")[1] not in {"logs", "benchmarks", "provenance", *unmade}
    }
    for job, content in made.items():
        for part, what in (("outputs", "made by"), ("inputs", "read by"), ("modules", "the code of")):
            for name, expected in content[part].items():
                if name in found and found[name] != expected:
                    problems[f"{name} is not the file {what} {job}"] = None
                elif name not in found and name not in left_out:
                    problems[f"{name}, {what} {job}, is missing"] = None
    return list(problems)


def configurations(made: Mapping[str, dict]) -> dict[str, dict]:
    """Each configuration that results were made by, as their jobs recorded it, by its hash.

    MeanfieldError for jobs of a version that recorded a hash alone.
    """
    without = [f"{job} recorded no configuration" for job, content in made.items() if "settings" not in content]
    insist(without, "make its results again; remove results/provenance/ for that")
    return {content["configuration"]: content["settings"] for _, content in sorted(made.items())}


def origins(files: Mapping[str, Path]) -> dict[str, dict]:
    """Where each dataset comes from, by its name: source, address, sha256, license, task."""
    paths = {Path(name).stem: path for name, path in files.items() if name.startswith("results/datasets/")}
    return {name: json.loads(path.with_suffix(".json").read_text()) for name, path in sorted(paths.items())}


def used(files: Mapping[str, Path]) -> dict[str, str]:
    """SHA-256 of the published files that results were made from, by their path in their repository."""
    arrays = [storage.read(path) for name, path in files.items() if name.startswith("results/published/")]
    said = [array.attrs for dataset in arrays for array in dataset.values()] + list(origins(files).values())
    mine = [origin for origin in said if origin["address"].startswith(published.PINNED)]
    return {origin["address"].removeprefix(published.PINNED): origin["sha256"] for origin in mine}


def inputs(files: Mapping[str, Path], made: Mapping[str, dict]) -> pd.DataFrame:
    """Every input, a line each: path in the archive, address, sha256, bytes, license, and whether it is in the archive.

    The size of a dataset is given only if it is in the archive; its checksum is the one that its job recorded.
    """
    registry = pd.read_csv(files["config/published/registry.csv"])
    needed, recorded = used(files), {}
    for content in made.values():
        recorded |= content["outputs"]
    lines = [
        (f"{MIRROR}/{row.path}", published.PINNED + row.path, row.sha256, str(row.bytes), "Apache-2.0", row.path in needed)
        for row in registry.itertuples()
    ]
    for name, origin in origins(files).items():
        if not origin["address"].startswith(published.PINNED):
            path, keep = f"results/datasets/{name}.nc", origin["license"] in MAY_BE_PASSED_ON
            size = str(files[path].stat().st_size) if keep else ""
            lines.append((path, origin["address"], recorded[path], size, origin["license"], keep))
    columns = ["path", "address", "sha256", "bytes", "license", "included"]
    return pd.DataFrame(lines, columns=columns).sort_values("path", ignore_index=True)


def collect(folder: Path, scratch: Path, uncommitted: bool = False) -> dict[str, Path]:
    """All files of an archive but its description, by their path in it; those that it adds are written to `scratch`.

    MeanfieldError, with the remedy, for changes that are not committed, results that other code or inputs made, and a
    published file that was used and cannot be had any more.
    """
    committed, added = code(folder, uncommitted)
    files = dict(sorted((committed | results(folder)).items()))
    made = records(folder)
    own = {name: folder / name for name in elsewhere(made, tree(added[TREE])) if (folder / name).is_file()}
    insist(unlike_recorded(made, files | own), "make these results again: make reproduce")
    for found, content in configurations(made).items():
        added[f"{CONFIGURATIONS}/{found}.json"] = (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()
    table = inputs(files, made)
    text = StringIO()
    table.to_csv(text, index=False, lineterminator="\n")
    added[INPUTS] = text.getvalue().encode()
    for name, content in added.items():
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        (scratch / name).write_bytes(content)
        files[name] = scratch / name
    with TemporaryDirectory() as fetched:
        for name, expected in sorted(used(files).items()):
            try:
                path, _ = published.published_file(name, {name: expected}, None, fetched)
            except published.Unavailable as error:
                remedy = f"results were made from it: connect to the network, or set {published.MIRROR_VARIABLE}"
                raise MeanfieldError(f"{error}; {remedy}") from error
            target = scratch / MIRROR / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, target)
            files[f"{MIRROR}/{name}"] = target
    for name in table.path[~table.included]:
        files.pop(name, None)
    return dict(sorted(files.items()))


def elsewhere(made: Mapping[str, dict], committed: Iterable[str]) -> set[str]:
    """Inputs that are neither results nor in the commit, tables of one's own, say: they are not in the archive either."""
    read = {name for content in made.values() for name in content["inputs"]}
    return {name for name in read - set(committed) if not name.startswith(f"{RESULTS}/")}


def left_out(files: Mapping[str, Path], made: Mapping[str, dict]) -> set[str]:
    """What an archive's own list says is not in it, and what its jobs read from elsewhere."""
    table = pd.read_csv(files[INPUTS])
    return set(table.path[~table.included]) | elsewhere(made, tree(files[TREE].read_bytes()))
