"""The right to write, asked before a run begins; and what a job says when it finds neither that nor room."""

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from meanfield.errors import MeanfieldError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


def writable(folder: str | Path) -> bool:
    """Whether files can be made in a folder."""
    return os.access(folder, os.W_OK | os.X_OK)


def advice(error: BaseException, folders: Sequence[Path]) -> str:
    """What to say beside a job's error if it may be one of room or right to write in one of its folders; else nothing.

    HDF5 reports a full disk without a number, or in its own words.
    """
    barred = [folder for folder in folders if folder.exists() and not writable(folder)]
    full = (isinstance(error, OSError) and error.errno in (*NO_ROOM, None)) or "errno" in str(error)
    return told((barred or folders)[0]) if barred or full else ""


def insist_on_folder(folder: str | Path) -> None:
    """MeanfieldError if something other than a folder, or a link to one, lies in the folder's place."""
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise MeanfieldError(f"{folder} is neither a folder nor a link to one; remove it, or make the folder it points to")


def insist_on_writing(folder: str | Path) -> None:
    """MeanfieldError, with the place and what is free there, if nothing can be written to a folder or where it will be."""
    place = next(path for path in (Path(folder), *Path(folder).absolute().parents) if path.exists())
    if not writable(place):
        raise MeanfieldError(told(place))


def told(folder: str | Path) -> str:
    """Where results go, whether that can be written to, what is free there and what to do, for a message to people."""
    there = os.path.exists(folder)
    free = shutil.disk_usage(folder if there else ".").free
    open_to_us = not there or writable(folder)
    state = f"results go to {folder}, with {free / 2**20:.1f} MiB free"
    if open_to_us:
        return f"{state}; make room and run the same command again"
    remedy = "make it writable, or a link to a folder that is, and run the same command again"
    return f"{state} and not writable; {remedy}, or have all results elsewhere: --directory FOLDER"
