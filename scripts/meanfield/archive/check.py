"""
Checks an archive from itself alone: checksums, commit, description, provenance, inputs, one run trained again, verdicts.

    python -m meanfield.archive.check ARCHIVE [--run linear/10/esp] [--commit HASH]      (make check-archive ARCHIVE=…)

One line a check. The code that checks is that of the folder where this is typed; nothing that an archive holds is executed.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from meanfield.archive import bag, contents, crate, recompute, rejudged
from meanfield.data.storage import STAND_IN
from meanfield.errors import MeanfieldError
from meanfield.jobs import provenance
from meanfield.jobs.dependencies import sha256

VALIDATOR = Path(".venv-archive/bin/python")
MINE = Path(__file__).parents[3]  # the project that this code is of
CHANGED = "changed since the archive was made; do not use it"


class Archive:
    """An unpacked archive: its folder, files by path, which of them are programs, and the provenance of its jobs."""

    def __init__(self, folder: Path, programs: Mapping[str, bool]) -> None:
        self.name, self.folder, self.programs = folder.name, folder / "data", programs
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        self.files = {path.relative_to(self.folder).as_posix(): path for path in found}
        needed = (contents.COMMIT, contents.TREE, contents.INPUTS, crate.METADATA, "config/published/registry.csv")
        bag.insist([f"{name} is missing" for name in needed if name not in self.files], CHANGED)
        self.made = contents.records(self.folder)


def _hash(kind: str, content: bytes) -> str:
    """The name that git gives to an object."""
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content).hexdigest()


def _tree_hash(entries: Mapping[str, tuple[str, str]]) -> str:
    """The name of a tree of files {path: (mode, hash)}, folder by folder."""
    folders: dict[str, dict] = {}
    lines: list[tuple[str, str, str, str]] = []
    for path, entry in entries.items():
        first, _, rest = path.partition("/")
        if rest:
            folders.setdefault(first, {})[rest] = entry
        else:
            lines.append((first, entry[0], first, entry[1]))
    lines += [(f"{name}/", "40000", name, _tree_hash(inner)) for name, inner in folders.items()]  # git's order
    content = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(found) for _, mode, name, found in sorted(lines))
    return _hash("tree", content)


def commit(archive: Archive, wanted: str = "") -> str:
    """The archived code is, file by file, the tree of the commit named; a line about it."""
    raw, listing = (archive.files[name].read_bytes() for name in (contents.COMMIT, contents.TREE))
    tree, name = contents.tree(listing), _hash("commit", raw)
    if not name.startswith(wanted):
        raise MeanfieldError(f"{contents.COMMIT} is {name}, not {wanted}: another version, or changed since")
    if _tree_hash(tree) != raw.split()[1].decode():
        raise MeanfieldError(f"{contents.TREE} is not the tree of commit {name[:12]}: {CHANGED}")
    noted = archive.files.get(contents.UNCOMMITTED)
    changed = set(noted.read_text().splitlines()) if noted else set()
    problems = []
    for path, (mode, found) in tree.items():
        if path in changed:
            continue
        if path not in archive.files:
            problems.append(f"{path} is missing")
        elif _hash("blob", archive.files[path].read_bytes()) != found:
            problems.append(f"{path} is not that of commit {name[:12]}")
        elif archive.programs[f"data/{path}"] != (mode == "100755"):
            problems.append(f"{path} has not the permissions of commit {name[:12]}")
    known = (contents.COMMIT, contents.TREE, contents.UNCOMMITTED, contents.INPUTS, crate.METADATA)
    folders = tuple(f"{folder}/" for folder in (contents.RESULTS, contents.CONFIGURATIONS, contents.MIRROR))
    problems += [
        f"{path} is not in commit {name[:12]}"
        for path in archive.files
        if path not in tree and path not in known and not path.startswith(folders)
    ]
    bag.insist(problems, CHANGED)
    note = f"; but for {len(changed)} that were not committed: {bag.listed(sorted(changed))}" if changed else ""
    return f"{len(tree)} files are those of commit {name}{note}"


def made_by(archive: Archive) -> str:
    """Every result has the checksum that its job recorded, from inputs, code and a configuration that are here."""
    absent = contents.left_out(archive.files, archive.made)
    problems = contents.unlike_recorded(archive.made, archive.files, absent)
    found = {Path(name).stem: path for name, path in archive.files.items() if name.startswith(contents.CONFIGURATIONS)}
    named = {content["configuration"] for content in archive.made.values()}
    for name, path in found.items():
        if path != archive.folder / contents.CONFIGURATIONS / f"{name}.json" or name not in named:
            problems.append(f"{path.relative_to(archive.folder)} is the configuration of no job")
        elif provenance.configuration_hash(json.loads(path.read_text())) != name:
            problems.append(f"{contents.CONFIGURATIONS}/{path.name} is not the configuration of this hash")
    for job, content in archive.made.items():
        if provenance.configuration_hash(content["settings"]) != content["configuration"]:
            problems.append(f"{provenance.FOLDER}/{job}.json: its settings are not those of the configuration that it names")
        if content["configuration"] not in found:
            problems.append(f"the configuration of {job}, {content['configuration'][:12]}, is missing")
    bag.insist(problems, CHANGED)
    kept_back = sorted(name for name in absent if not name.startswith(contents.MIRROR))
    note = f"; inputs that may not be passed on are not here: {bag.listed(kept_back)}" if kept_back else ""
    return f"{len(archive.made)} jobs, each with its inputs, code, configuration and results as recorded{note}"


def described(archive: Archive) -> str:
    """The description names every file with size and checksum, no other, marks stand-ins, and, if it was written by the code
    that checks, is what follows from the files; a line about it."""
    said = json.loads(archive.files[crate.METADATA].read_text(encoding="utf-8"))
    entities = {entity["@id"]: entity for entity in said["@graph"]}
    if len(entities) != len(said["@graph"]):
        raise MeanfieldError(f"{crate.METADATA} has an entity twice: {CHANGED}")
    whole = _same_writer(archive)
    again = {entity["@id"]: entity for entity in crate.describe(archive.files)["@graph"]} if whole else entities
    problems = [f"{crate.METADATA}: {name} is missing" for name in again if name not in entities]
    problems += [f"{crate.METADATA}: {name} was added" for name in entities if name not in again]
    for name, entity in again.items():
        keys = {key for key in (*entity, *entities.get(name, {})) if entity.get(key) != entities.get(name, {}).get(key)}
        if name in entities and keys:
            problems.append(f"{crate.METADATA}: {', '.join(sorted(keys))} of {name} are not as they follow from the files")
    names, marked = crate.stand_ins(archive.made, archive.files)
    if not str(entities["./"].get("description")).startswith(crate.warning(names)):
        problems.append(f"{crate.METADATA}: the description does not begin with the stand-ins that there are")
    kept = {name: entity for name, entity in entities.items() if "File" in entity.get("@type", ())}
    for name, path in archive.files.items():
        entity = kept.pop(crate.quote(name), None)
        if name == crate.METADATA:
            continue
        if entity is None:
            problems.append(f"{crate.METADATA}: {name} is not described")
        elif entity.get("contentSize") != str(path.stat().st_size) or entity.get("sha256") != sha256(path):
            problems.append(f"{crate.METADATA}: size or checksum of {name} is not that of the file")
        elif (entity.get("creativeWorkStatus") == STAND_IN) != (name in marked):
            problems.append(f"{crate.METADATA}: {name} is {'not ' * (name in marked)}marked as made from a stand-in")
    problems += [f"{crate.METADATA}: {name} is no file of the archive" for name in kept]
    title = crate.title(archive.files)
    if archive.name != title:
        problems.append(f"the folder is called {archive.name}; of these contents it has to be {title}")
    bag.insist(dict.fromkeys(problems), CHANGED)
    note = f"; STAND-INS: {', '.join(names)}, {len(marked)} files are marked" if names else "; no stand-ins"
    if whole:
        return f"{len(archive.files) - 1} files and {len(entities)} entities, as they follow from the files{note}"
    return (
        f"{len(archive.files) - 1} files by size, checksum and mark; NOT whether the {len(entities)} entities follow "
        f"from them, since another version than this one wrote them{note}"
    )


def _same_writer(archive: Archive) -> bool:
    """Whether the code here would describe as the archive's own does: else the description is held to the files alone."""
    names = [f"scripts/meanfield/archive/{name}.py" for name in ("crate", "contents", "citation")]
    return all(name in archive.files and sha256(archive.files[name]) == sha256(MINE / name) for name in names)


def valid(archive: Archive, validator: Path = VALIDATOR) -> str:
    """No required check of roc-validator fails; a line about it."""
    command = [str(validator), str(Path(__file__).with_name("validator.py")), str(archive.folder), "REQUIRED"]
    try:
        result = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise MeanfieldError(f"{validator} cannot be run ({error}): make .venv-archive/ready installs it") from error
    if result.returncode:
        raise MeanfieldError(f"roc-validator could not read {crate.METADATA}: {result.stderr.strip().splitlines()[-1]}")
    said = json.loads(result.stdout)
    bag.insist([f"{crate.METADATA}: {issue['message']} ({issue['check']})" for issue in said["issues"]], CHANGED)
    return f"{said['checks']} required checks of {', '.join(said['profiles'])} passed"


def checks(archive: Archive, asked: argparse.Namespace) -> list[tuple[str, Callable[[], str]]]:
    """The checks of an unpacked archive's contents by name, those first that read, then those that compute."""
    return [
        ("commit", lambda: commit(archive, asked.commit)),
        ("provenance", lambda: made_by(archive)),
        ("description", lambda: described(archive)),
        ("roc-validator", lambda: valid(archive, asked.validator)),
        ("inputs", lambda: recompute.inputs(archive.folder, archive.made)),
        ("replay", lambda: recompute.replay(archive.folder, archive.made, asked.run)),
        ("tables", lambda: recompute.tables(archive.folder, archive.made)),
        ("verdicts", lambda: rejudged.verdicts(archive.folder, archive.made)),
    ]


def _passes(name: str, work: Callable[[], object]) -> object:
    """What a check gives, said in a line with the time it took; None if it failed."""
    began = time.monotonic()
    try:
        result = work()
    except recompute.Undecided as undecided:
        print(f"open   {name:13} {undecided}", flush=True)
        return undecided
    except MeanfieldError as error:
        print(f"FAILED {name:13} {error}", flush=True)
        return None
    except Exception as error:  # what a tampered file makes a library raise
        print(
            f"FAILED {name:13} cannot be done: {type(error).__name__}: {' '.join(str(error).split())}: {CHANGED}", flush=True
        )
        return None
    if isinstance(result, str):
        print(f"ok     {name:13} {result} ({time.monotonic() - began:.1f} s)", flush=True)
    return result


def check(asked: argparse.Namespace) -> bool:
    """Do all checks of an archive, each a line; whether all passed. What rests on files that are not sound is not done."""
    with TemporaryDirectory() as scratch:
        unpacked = _passes("archive", lambda: bag.unpack(asked.archive, Path(scratch)))
        if unpacked is None:
            return False
        print(
            f"ok     {'archive':13} one folder, {unpacked[0].name}, of plain files; none is there twice, none leads outside"
        )
        if _passes("checksums", lambda: bag.check(unpacked[0])) is None:
            return False
        archive = _passes("contents", lambda: Archive(*unpacked))
        return archive is not None and None not in [_passes(*entry) for entry in checks(archive, asked)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n")[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument(
        "--run", default="", help="the run to train again, dataset/architecture/activation; the smallest if none"
    )
    parser.add_argument(
        "--commit", default="", help="the commit that the archive has to be of, by its hash or its beginning"
    )
    parser.add_argument("--validator", type=Path, default=VALIDATOR, help="Python of the environment with roc-validator")
    if not check(parser.parse_args()):
        sys.exit("The archive is NOT what it should be: see above.")
    print("No check found anything wrong; an open line decides nothing. What none can find: docs/archive.md.")


if __name__ == "__main__":
    main()
