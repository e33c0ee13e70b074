"""
Small copies of pictures, for the README: python docs/shrink.py FOLDER PICTURE… (GIFs are copied as they are).

A picture keeps its size and its commonest colours, so that a curve, a bar and a marker have theirs to the bit; the rarest,
shades at the edges of letters and where lines cross, become the nearest of these. It keeps as many as a palette holds, or
fewer, where the file would be too large for a repository.
"""

import io
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial import KDTree

PALETTES = (256, 128, 64)  # colours
LIMIT = 280_000  # bytes
PLACES = np.array([256**2, 256, 1])  # of red, green and blue in a colour's number


def reduced(image: Image.Image, most: int) -> Image.Image:
    """The picture with a palette of its commonest colours, at most so many."""
    pixels = np.asarray(image.convert("RGB")) @ PLACES
    numbers, where, counts = np.unique(pixels, return_inverse=True, return_counts=True)
    colours = (numbers[:, None] // PLACES % 256).astype(np.uint8)
    palette = colours[np.argsort(-counts, kind="stable")[:most]]
    nearest = KDTree(palette).query(colours)[1].astype(np.uint8)
    result = Image.fromarray(nearest[where], "P")
    result.putpalette(palette.tobytes())
    return result


def shrunk(image: Image.Image) -> bytes:
    """The picture as a PNG file, with the largest palette with which it is small; with the smallest if it never is."""
    for most in PALETTES:
        file = io.BytesIO()
        reduced(image, most).save(file, "PNG", optimize=True)
        if file.tell() <= LIMIT:
            break
    return file.getvalue()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for path in map(Path, sys.argv[2:]):
        if path.suffix == ".gif":
            shutil.copy(path, folder)
        else:
            (folder / path.name).write_bytes(shrunk(Image.open(path)))
