"""Small copies of pictures, for the README: python docs/shrink.py FOLDER PICTURE… (GIFs are copied as they are)."""

import shutil
import sys
from pathlib import Path

from PIL import Image

WIDTH, COLOURS = 1200, 128

folder = Path(sys.argv[1])
for path in map(Path, sys.argv[2:]):
    if path.suffix == ".gif":
        shutil.copy(path, folder)
        continue
    image = Image.open(path).convert("RGB")
    if image.width > WIDTH:
        image = image.resize((WIDTH, image.height * WIDTH // image.width), Image.Resampling.LANCZOS)
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(folder / path.name, optimize=True)
