"""
The published files: from a mirror or their pinned address, verified against the registry, read without unpickling.
"""

import hashlib
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

import numpy as np
import pandas as pd
import requests

from meanfield.errors import MeanfieldError

PINNED = (
    "https://raw.githubusercontent.com/WessZumino/meanfield-theory-of-activation-functions/"
    "148ca59f424b3301b0d88eeac3b928199817567b/"
)
MIRROR_VARIABLE = "MEANFIELD_MIRROR"
TIMEOUT = 20  # seconds without an answer
PATIENCE = 120  # seconds for a whole file, however slowly it comes
MOST_BYTES = 2**24  # the largest published file has 1.7 MB
TOO_LARGE = f"more than {MOST_BYTES // 2**20} MiB, which is no published file"
PAUSES = 0.1, 0.5  # seconds before each further try
REDIRECTIONS = 5


class GivenUp(requests.RequestException):
    """A server that sends too much, too slowly, or elsewhere again and again: not asked a second time."""


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
    address: str | None = None,
) -> tuple[Path, str]:
    """One published file, verified, in `folder`; and its source, "mirror" or "published".

    Tried in this order: the mirror (a folder or base URL; the environment variable MEANFIELD_MIRROR wins over `mirror`),
    the pinned address (unless not `pinned`), which is the paper's repository if no other `address` is given. MeanfieldError
    if a file that was found has a wrong checksum; nothing corrupt is kept. `Unavailable` if none answered, with the reasons,
    which results repeat: where a mirror lies, which may be a path of the machine, is printed and not in them.
    """
    mirror, address = os.environ.get(MIRROR_VARIABLE) or mirror, address or PINNED
    places = ([(str(mirror), "mirror")] if mirror else []) + ([(address, "published")] if pinned else [])
    reasons = []
    for place, source in places:
        try:
            content = _fetched(name, place)
        except (OSError, requests.RequestException) as error:
            reasons.append(f"{'the mirror' if source == 'mirror' else place} ({type(error).__name__})")
            print(f"{name} not obtained from {place}: {error}")
            if source == "mirror" and pinned:
                say(f"{name} is not at the mirror {place} ({type(error).__name__}); trying the pinned address")
            continue
        found = hashlib.sha256(content).hexdigest()
        if found != checksums[name]:
            raise MeanfieldError(
                f"{name} from {place} is not the published file: SHA-256 expected {checksums[name]}, found {found}"
            )
        target = Path(folder) / name  # written only now: that a disk is full here is not the fault of a place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target, source
    raise Unavailable(f"{name} could not be obtained from {' nor from '.join(reasons) or address}")


def _fetched(name: str, place: str) -> bytes:
    """The content of one file at a place, a folder or a base URL. OSError or requests' exceptions if there is none."""
    if "://" not in place:
        path = Path(place) / name
        if path.exists() and not path.is_file():
            raise OSError(f"{path} is no file")
        if path.stat().st_size > MOST_BYTES:
            raise OSError(f"{path}: {TOO_LARGE}")
        return path.read_bytes()
    url = place.rstrip("/") + "/" + name
    for pause in PAUSES:
        try:
            return _in_time(url)
        except GivenUp:
            raise
        except requests.RequestException as error:
            print(f"{name}: {error}; trying again")
            time.sleep(pause)
    return _in_time(url)


def _in_time(url: str) -> bytes:
    """What a URL gives, if all of it comes within PATIENCE seconds, however it is slowed down; else GivenUp.

    Read in a thread of its own, which is left behind when time is up: no time limit of a socket covers a server that sends a
    little now and then.
    """
    result: list[bytes | Exception] = []

    def read() -> None:
        try:
            result.append(_read(url))
        except Exception as error:
            result.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if not result:
        raise GivenUp(f"{url}: not finished after {PATIENCE} s")
    if isinstance(result[0], Exception):
        raise result[0]
    return result[0]


class _Session(requests.Session):
    """Follows no redirection by itself: requests would read its whole body first, whatever allow_redirects says."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, as for an answer that is no redirection."""
        return


def _read(url: str) -> bytes:
    """The body at a URL, up to MOST_BYTES, after at most REDIRECTIONS."""
    for _ in range(REDIRECTIONS + 1):
        with _Session() as session, session.get(url, stream=True, timeout=TIMEOUT) as answer:
            if answer.is_redirect:
                url = urljoin(url, answer.headers["location"])
                continue
            answer.raise_for_status()
            content = bytearray()
            for block in answer.iter_content(2**16):
                content += block
                if len(content) > MOST_BYTES:
                    raise GivenUp(f"{url}: {TOO_LARGE}")
            return bytes(content)
    raise GivenUp(f"{url}: redirected more than {REDIRECTIONS} times")


QUANTITIES = {
    "cost": "cost",
    "accuracy": "accuracy",
    "residual": "residual",
    "eigenvalues": "eigen",
    "hessians": "hessians",
    "alpha": "index",
    "gamma": "zeros",
    "gradient": "gradients",  # not in the repository, but for pickles; plain numbers in a mirror whose registry lists them
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
