"""
The published files: from a mirror or their pinned address, verified against the registry, read without unpickling.
"""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pooch
import requests
import urllib3

from meanfield.errors import MeanfieldError

PINNED = (
    "https://raw.githubusercontent.com/WessZumino/meanfield-theory-of-activation-functions/"
    "148ca59f424b3301b0d88eeac3b928199817567b/"
)
MIRROR_VARIABLE = "MEANFIELD_MIRROR"
TIMEOUT = 20  # seconds without an answer
PATIENCE = 120  # seconds for a whole file, however slowly it comes
MOST_BYTES = 2**24  # the largest published file has 1.7 MB
RETRIES = 2


class Unavailable(MeanfieldError):
    """Neither the mirror nor the pinned address answered."""


def registry(path: str | Path) -> dict[str, str]:
    """SHA-256 of each published file by its path in the repository (config/published/registry.csv)."""
    return pd.read_csv(path).set_index("path")["sha256"].to_dict()


def published_file(
    name: str,
    checksums: dict[str, str],
    mirror: str | None,
    folder: str | Path,
    say: Callable[[str], None] = print,
    pinned: bool = True,
) -> tuple[Path, str]:
    """One published file, verified, in `folder`; and its source, "mirror" or "published".

    Tried in this order: the mirror (a folder or base URL; the environment variable MEANFIELD_MIRROR wins over `mirror`),
    the pinned address (unless not `pinned`). MeanfieldError if a file that was found has a wrong checksum; nothing corrupt
    is kept. `Unavailable` if none answered, with the reasons.
    """
    mirror = os.environ.get(MIRROR_VARIABLE) or mirror
    places = ([(str(mirror), "mirror")] if mirror else []) + ([(PINNED, "published")] if pinned else [])
    reasons = []
    for place, source in places:
        try:
            return _obtain(name, place, checksums[name], Path(folder)), source
        except (OSError, requests.RequestException) as error:
            reasons.append(f"{place} ({type(error).__name__})")
            print(f"{name} not obtained from {place}: {error}")
            if source == "mirror" and pinned:
                say(f"{name} is not at the mirror {place} ({type(error).__name__}); trying the pinned address")
    raise Unavailable(f"{name} could not be obtained from {' nor from '.join(reasons) or PINNED}")


def _download(url: str, target: str, _: pooch.Pooch) -> None:
    """pooch's downloader, but with an end to time and bytes: a server may send slowly, or for ever."""
    end, size = time.monotonic() + PATIENCE, 0
    with requests.get(url, stream=True, timeout=TIMEOUT) as answer, open(target, "wb") as file:
        answer.raise_for_status()
        # What has come, at once: waiting for a full block, as requests itself does, has no end where bytes trickle.
        while block := _whatever_came(answer):
            size += len(block)
            if size > MOST_BYTES or time.monotonic() > end:
                limit = f"more than {MOST_BYTES // 2**20} MiB" if size > MOST_BYTES else f"not finished after {PATIENCE} s"
                raise requests.ConnectionError(f"{url}: {limit}, which is no published file; given up")
            file.write(block)


def _whatever_came(answer: requests.Response) -> bytes:
    """The next bytes, up to 64 KiB as sent; empty at the end. requests' own exception if the connection breaks."""
    try:
        return answer.raw.read1(2**16, decode_content=True)
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error) from error


def _obtain(name: str, place: str, sha256: str, folder: Path) -> Path:
    """Copy or download one file and verify it."""
    target = folder / name
    if "://" not in place:
        content = (Path(place) / name).read_bytes()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    else:
        # Checked below, not by pooch: it would download a file of wrong checksum again and again.
        downloads = pooch.create(folder, place.rstrip("/") + "/", registry={name: None}, retry_if_failed=RETRIES)
        target = Path(downloads.fetch(name, downloader=_download))
    found = pooch.file_hash(target)
    if found != sha256:
        target.unlink()
        raise MeanfieldError(f"{name} from {place} is not the published file: SHA-256 expected {sha256}, found {found}")
    return target


QUANTITIES = {
    "cost": "cost",
    "accuracy": "accuracy",
    "residual": "residual",
    "eigenvalues": "eigen",
    "hessians": "hessians",
    "alpha": "index",
    "gamma": "zeros",
}
"""Our name of a published array, and the stem of its file's name."""

_FOLDERS = {
    ("linear", "10"): "Artificial_class/10_Lin",
    ("linear", "8-2"): "Artificial_class/82_Lin",
    ("nonlinear", "10"): "Artificial_class/10_NL",
    ("nonlinear", "8-2"): "Artificial_class/82_NL",
    ("digits", "25"): "mnist",
}
_ACTIVATIONS = {"esp": "ftmp", "relu": "relu", "sigmoid": "sigmoid"}


def array_files(run: tuple[str, str, str], checksums: dict[str, str]) -> dict[str, str]:
    """Published path of each array of a run (dataset, architecture, activation), by our name; empty for other runs.

    MeanfieldError if the registry lacks an array that every run has.
    """
    if run[:2] not in _FOLDERS or run[2] not in _ACTIVATIONS:
        return {}
    pattern = rf"TF/{_FOLDERS[run[:2]]}/[^/]+/([a-z]+)_{_ACTIVATIONS[run[2]]}-?\d+\.npy"
    stems = {match[1]: match[0] for match in (re.fullmatch(pattern, path) for path in checksums) if match}
    missing = [stem for stem in ("cost", "accuracy", "eigen", "index", "zeros") if stem not in stems]
    if missing:
        raise MeanfieldError(f"config/published/registry.csv lacks {', '.join(missing)} of {' '.join(run)}; restore it")
    return {ours: stems[stem] for ours, stem in QUANTITIES.items() if stem in stems}


def read_array(path: str | Path) -> np.ndarray:
    """One published array, float64. MeanfieldError if it is no plain array of numbers; nothing is ever unpickled.

    Eigenvalues may be complex, since the published solver was not symmetric: their real part is taken.
    """
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise MeanfieldError(f"{path} is no readable array ({error})") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fc":
        raise MeanfieldError(f"{path} is no array of floating-point numbers")
    return array.real.astype(float)
