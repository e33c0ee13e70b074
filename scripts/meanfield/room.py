"""Room to write, and the right to: asked before a run begins, and told when a job finds that there is none."""

import errno
import os
import shutil
from pathlib import Path

from meanfield.errors import MeanfieldError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


def concerns(error: BaseException) -> bool:
    """Whether a job may have failed for want of room; HDF5 says so without a number, or in its own words."""
    return (isinstance(error, OSError) and error.errno in (*NO_ROOM, None)) or "errno" in str(error)


def insist_on_folder(folder: str | Path) -> None:
    """MeanfieldError if something other than a folder, or a link to one, lies in the folder's place."""
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise MeanfieldError(f"{folder} is neither a folder nor a link to one; remove it, or make the folder it points to")


def insist_on_writing(folder: str | Path) -> None:
    """MeanfieldError, with the place and what is free there, if nothing can be written to a folder or where it will be."""
    place = next(path for path in (Path(folder), *Path(folder).absolute().parents) if path.exists())
    if not os.access(place, os.W_OK | os.X_OK):
        raise MeanfieldError(told(place))


def told(folder: str | Path) -> str:
    """Where results go, whether that can be written to, what is free there and what to do, for a message to people."""
    there = os.path.exists(folder)
    free = shutil.disk_usage(folder if there else ".").free
    writable = not there or os.access(folder, os.W_OK)
    remedy = "make room" if writable else "make it writable, or a link to a folder that is"
    state = "" if writable else " and not writable"
    return f"results go to {folder}, with {free / 2**20:.1f} MiB free{state}; {remedy} and run the same command again"
