"""
One ZIP that is a BagIt bag (RFC 8493): payload under data/, a SHA-256 of every file, and of the lists of these.

Written so that the same files give the same bytes: in the order of their names, stored rather than compressed (compressors
differ), with one time for all, and with the permissions that git knows. Read as what a stranger has sent.
"""

import hashlib
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import bagit

from meanfield.errors import MeanfieldError
from meanfield.jobs.dependencies import sha256

PAYLOAD, MANIFEST, TAGS = "data/", "manifest-sha256.txt", "tagmanifest-sha256.txt"
DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
MOST_BYTES = 2**35  # unpacked; the archive of the published configuration has some hundred MB
DAMAGED = "damaged or changed since the archive was made; fetch it again"
SHOWN = 10  # problems of one kind in a message; the rest are counted


def listed(problems: Iterable[str]) -> str:
    """Some problems in one line, and how many more there are."""
    problems = list(problems)
    more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    return "; ".join(problems[:SHOWN]) + more


def insist(problems: Iterable[str], remedy: str) -> None:
    """MeanfieldError with the problems and the remedy, if there are problems."""
    if said := listed(problems):
        raise MeanfieldError(f"{said}: {remedy}")


def _lines(checksums: Mapping[str, str]) -> bytes:
    """The lines of a manifest; a path's percent signs and line ends are written as RFC 8493 has it."""
    escaped = {
        path.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D"): found for path, found in checksums.items()
    }
    return "".join(f"{escaped[path]}  {path}\n" for path in sorted(escaped)).encode()


def tag_files(payload: Mapping[str, Path], info: Mapping[str, str], readme: str) -> dict[str, bytes]:
    """The files of a bag beside its payload, by name: declaration, information, both manifests and a page for people."""
    size = sum(path.stat().st_size for path in payload.values())
    said = dict(info) | {"Payload-Oxum": f"{size}.{len(payload)}"}
    tags = {
        "README.txt": readme.encode(),
        "bag-info.txt": "".join(f"{key}: {value}\n" for key, value in said.items()).encode(),
        "bagit.txt": DECLARATION.encode(),
        MANIFEST: _lines({PAYLOAD + name: sha256(path) for name, path in payload.items()}),
    }
    return tags | {TAGS: _lines({name: hashlib.sha256(content).hexdigest() for name, content in tags.items()})}


def write(
    archive: Path, top: str, payload: Mapping[str, Path], info: Mapping[str, str], readme: str, executable: set[str], at: int
) -> None:
    """Write the ZIP: all under the folder `top`, all of the time `at` (seconds since 1970). Half of one is never left."""
    stamp = datetime.fromtimestamp(at, UTC).timetuple()[:6]
    tags = tag_files(payload, info, readme)
    files: dict[str, Path | bytes] = {f"{top}/{name}": content for name, content in tags.items()}
    files |= {f"{top}/{PAYLOAD}{name}": path for name, path in payload.items()}
    programs = {f"{top}/{PAYLOAD}{name}" for name in executable}
    archive.parent.mkdir(parents=True, exist_ok=True)
    temporary = archive.with_name(f".part-{archive.name}")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as stream:
            for name, content in sorted(files.items()):
                entry = zipfile.ZipInfo(name, stamp)
                entry.create_system = 3  # Unix, on whatever machine
                entry.external_attr = (stat.S_IFREG | (0o755 if name in programs else 0o644)) << 16
                stream.writestr(entry, content if isinstance(content, bytes) else content.read_bytes())
        temporary.replace(archive)
    finally:
        temporary.unlink(missing_ok=True)


def _wrong(entry: zipfile.ZipInfo) -> str:
    """What is wrong with a member by its entry alone; nothing, if it may be unpacked."""
    name, mode = entry.orig_filename, entry.external_attr >> 16
    parts = PurePosixPath(name).parts
    outside = ".." in parts or name.startswith("/") or "\\" in name or ":" in name
    if outside or any(unicodedata.category(sign).startswith("C") for sign in name) or not parts:
        return f"{name!r} would be written outside of the folder"
    if name.endswith("/") or "//" in name or "." in parts:
        return f"{name} is no plain file"
    if stat.S_ISLNK(mode):
        return f"{name} is a symbolic link"
    if mode and not stat.S_ISREG(mode):
        return f"{name} is no plain file"
    return f"{name} is encrypted" if entry.flag_bits & 1 else ""


def unpack(archive: Path, folder: Path) -> tuple[Path, dict[str, bool]]:
    """Unpack an archive into an empty folder; the bag's folder, and which files are programs, by path within it.

    MeanfieldError, before anything is written, for what is no ZIP or has members that are there twice, lead outside, are
    links or not plain files, or that do not share one folder; and for members that cannot be read.
    """
    if not archive.is_file():
        raise MeanfieldError(f"{archive} is no file: name the ZIP, ARCHIVE=path/to/meanfield-….zip")
    try:
        stream = zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, OSError) as error:
        raise MeanfieldError(f"{archive.name} is no whole ZIP ({error}): fetch it again") from error
    with stream:
        entries, seen = stream.infolist(), set()
        problems = list(filter(None, map(_wrong, entries)))
        for entry in entries:
            if (name := unicodedata.normalize("NFC", entry.filename).casefold()) in seen:
                problems.append(f"{entry.filename} is there twice")
            seen.add(name)
        tops = sorted({entry.filename.split("/")[0] for entry in entries})
        if len(tops) != 1 and not problems:
            problems.append(f"{archive.name} has not one folder but {', '.join(tops[:SHOWN]) or 'none'}")
        if sum(entry.file_size for entry in entries) > MOST_BYTES:
            problems.append(f"{archive.name} is larger than {MOST_BYTES // 2**30} GiB when unpacked")
        insist(problems, "nothing was unpacked; this archive was not made by make archive, or was changed since")
        for entry in entries:
            try:
                stream.extract(entry, folder)
            except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, EOFError) as error:
                problems.append(f"{entry.filename} cannot be read ({error})")
    insist(problems, DAMAGED)
    programs = {entry.filename.partition("/")[2]: bool(entry.external_attr >> 16 & 0o100) for entry in entries}
    return folder / tops[0], programs


def _checksums(manifest: Path) -> dict[str, str]:
    """The checksums that a manifest lists, by path. MeanfieldError for what is no manifest."""
    try:
        pairs = [line.split(maxsplit=1) for line in manifest.read_text(encoding="utf-8").splitlines()]
        listing = {name.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%"): found for found, name in pairs}
    except (OSError, ValueError) as error:
        raise MeanfieldError(f"{manifest.name} is missing or no list of checksums: fetch the archive again") from error
    insist([f"{manifest.name} has a file twice"] * (len(listing) != len(pairs)), "fetch the archive again")
    return listing


def check(folder: Path) -> str:
    """Check every checksum of a bag, that no file is missing and none is added, payload and tag files; a line about it.

    MeanfieldError names the files; the library bagit, which ends at the first kind of trouble, has the last word.
    """
    there = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    lists = {TAGS: _checksums(folder / TAGS), MANIFEST: _checksums(folder / MANIFEST)}
    problems, said = [], lists[TAGS] | lists[MANIFEST]
    for name, path in there.items():
        where = MANIFEST if name.startswith(PAYLOAD) else TAGS
        if name not in lists[where]:
            problems += [f"{name} is not in {where}"] * (name != TAGS)
        elif sha256(path) != lists[where][name]:
            problems.append(f"{name} has not the checksum that {where} lists")
    problems += [f"{name} is missing" for name in said if name not in there]
    insist(problems, DAMAGED)
    try:
        bagit.Bag(str(folder)).validate()
    except (bagit.BagError, OSError, UnicodeError) as error:
        raise MeanfieldError(f"{folder.name} is no bag ({' '.join(str(error).split())}): {DAMAGED}") from error
    count = len(lists[MANIFEST])
    return f"{count} files and {len(there) - count} about them have the checksums listed; none is missing, none added"
