"""
MNIST: 28×28 handwritten digits, 60,000 to train on and 10,000 to test with, as LeCun, Cortes and Burges divided them.

Four gzipped files in idx, a plain format that begins with its type and sizes: nothing is unpickled. Addresses, sizes and
SHA-256 are those of tensorflow/datasets, url_checksums/mnist.txt. The stand-in is drawn from the digits that scikit-learn
ships, other ones for training than for the test, each turned, sheared, scaled and moved at random.
"""

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr
from sklearn.datasets import load_digits

from meanfield.data.published import published_file
from meanfield.errors import MeanfieldError

ADDRESS = "https://storage.googleapis.com/cvdf-datasets/"
FILES = {
    "mnist/train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "mnist/train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "mnist/t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "mnist/t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
"""SHA-256 of each file by its path below the address, or in a mirror."""

LICENSE = "CC-BY-SA-3.0"  # as keras.io/api/datasets/mnist says
SIDE, CLASSES, WHITE = 28, 10, 255  # pixels a side, digits, the largest value of a pixel
SIZES = {"train": 60_000, "test": 10_000}
UNSIGNED_BYTES = 0x08  # idx's code of the type

Part = tuple[np.ndarray, np.ndarray]
"""Images, uint8 [sample, 28, 28], and the digits that they show, uint8 [sample]."""


def download(mirror: str | None, folder: str | Path, say: Callable[[str], None] = print) -> tuple[dict[str, Part], str]:
    """Both parts, and their source: "mirror" if all files came from there, else "published".

    As `published.published_file`: `Unavailable` if a file is nowhere, MeanfieldError for one that is not what it should be.
    """
    found = [published_file(name, FILES, mirror, folder, say, address=ADDRESS) for name in FILES]
    paths, sources = zip(*found, strict=True)
    parts = {}
    for name, images, labels in zip(SIZES, paths[::2], paths[1::2], strict=True):
        parts[name] = idx(images, (SIZES[name], SIDE, SIDE)), idx(labels, (SIZES[name],))
        if parts[name][1].max() >= CLASSES:
            raise MeanfieldError(f"{labels.name}: a label is {parts[name][1].max()}; allowed: 0 to {CLASSES - 1}")
    return parts, "mirror" if set(sources) == {"mirror"} else "published"


def idx(path: str | Path, shape: tuple[int, ...]) -> np.ndarray:
    """The array of a gzipped idx file of unsigned bytes, uint8 of that shape. MeanfieldError, one line, for any other file.

    No more is unpacked than this shape takes, whatever the file holds.
    """
    name = Path(path).name
    header = bytes([0, 0, UNSIGNED_BYTES, len(shape)]) + np.array(shape, ">u4").tobytes()
    size = int(np.prod(shape))
    try:
        with gzip.open(path) as stream:
            content = stream.read(len(header) + size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise MeanfieldError(f"{name} is no whole gzip file ({error})") from error
    if content[: len(header)] != header:
        raise MeanfieldError(f"{name} is no idx file of {' × '.join(map(str, shape))} unsigned bytes: another header")
    if len(content) != len(header) + size:
        more = "more" if len(content) > len(header) + size else f"{len(content) - len(header)}"
        raise MeanfieldError(f"{name} should hold {size} bytes after its header, and holds {more}")
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def stand_in(samples: int | None = None) -> dict[str, Part]:
    """Both parts of a deterministic substitute, or the first so many of each: which they are does not depend on how many."""
    data = load_digits()
    last = len(data.images) // 5  # these show handwriting that the training never sees
    pools = {"train": slice(None, -last), "test": slice(-last, None)}
    parts = {}
    for seed, (name, pool) in enumerate(pools.items()):
        rng, size = np.random.default_rng([2018, seed]), SIZES[name]
        chosen = rng.integers(len(data.images[pool]), size=size)
        angles, shears, scales = rng.normal(0, 0.1, size), rng.normal(0, 0.12, size), np.exp(rng.normal(0, 0.06, (2, size)))
        moves = rng.normal(0, 0.4, (size, 2))
        kept = slice(samples)
        turned = _maps(angles[kept], shears[kept], scales[:, kept])
        images = _drawn(data.images[pool][chosen[kept]] / 16, turned, moves[kept])
        parts[name] = images, data.target[pool][chosen[kept]].astype(np.uint8)
    return parts


def _maps(angles: np.ndarray, shears: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Linear maps [sample, 2, 2] from a place in the image of 28×28 to one in the digit of 8×8, which fills 20×20 of it."""
    cosine, sine = np.cos(angles), np.sin(angles)
    turned = np.array([[cosine, -sine], [sine, cosine]]).transpose(2, 0, 1)
    sheared = np.zeros_like(turned)
    sheared[:, 0, 0], sheared[:, 1, 1], sheared[:, 1, 0] = 1 / scales[0], 1 / scales[1], shears
    return 8 / 20 * sheared @ turned


def _drawn(digits: np.ndarray, maps: np.ndarray, moves: np.ndarray, block: int = 500) -> np.ndarray:
    """Digits [sample, 8, 8], 0…1, as images uint8 [sample, 28, 28]: centred by mass as MNIST's, mapped, moved, inked."""
    axis = np.arange(8)
    mass = digits.sum(axis=(1, 2))
    centres = np.stack([digits.sum(axis=2) @ axis, digits.sum(axis=1) @ axis], axis=-1) / mass[:, None]
    places = np.stack(np.meshgrid(*[np.arange(SIDE) - (SIDE - 1) / 2] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    padded = np.pad(digits, ((0, 0), (1, 2), (1, 2)))
    result = np.empty((len(digits), SIDE * SIDE), np.uint8)
    for start in range(0, len(digits), block):
        some = slice(start, start + block)
        seen = (places - moves[some, None]) @ maps[some].swapaxes(1, 2) + centres[some, None] + 1
        seen = np.clip(seen, 0, 9)  # there all is blank
        corner = seen.astype(int)
        down, right = np.moveaxis(seen - corner, -1, 0)
        row, column, sample = corner[..., 0], corner[..., 1], np.arange(len(seen))[:, None]
        near = padded[some]
        above = near[sample, row, column] * (1 - right) + near[sample, row, column + 1] * right
        below = near[sample, row + 1, column] * (1 - right) + near[sample, row + 1, column + 1] * right
        ink = above * (1 - down) + below * down
        result[some] = np.rint(255 * np.clip(2.5 * ink - 0.75, 0, 1))
    return result.reshape(-1, SIDE, SIDE)


def arrays(parts: dict[str, Part], samples: int | None, pixel_scale: float) -> tuple[xr.DataArray, xr.DataArray]:
    """Features [sample, pixel] and one-hot target [sample, label], float64, of both parts, or of the first so many of each.

    Training samples come first; the coordinate `split` of the features says which they are.
    """
    kept = {name: (images[:samples], labels[:samples]) for name, (images, labels) in parts.items()}
    images, labels = (np.concatenate([part[position] for part in kept.values()]) for position in (0, 1))
    names = [f"pixel {row},{column}" for row in range(SIDE) for column in range(SIDE)]
    split = np.repeat(list(kept), [len(labels) for _, labels in kept.values()])
    digits = list(map(str, range(CLASSES)))
    return (
        xr.DataArray(
            images.reshape(len(images), -1) / pixel_scale,
            {"feature": names, "split": ("sample", split)},
            ("sample", "feature"),
        ),
        xr.DataArray(
            (labels[:, None] == np.arange(CLASSES)).astype(float),
            {"label": digits},
            ("sample", "label"),
            attrs={"column": "digit", "classes": digits},
        ),
    )
