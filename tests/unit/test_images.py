"""Pictures of README and docs: small, and in the colours of the figures."""

import io
import re
import runpy

import numpy as np
import pytest
from examples import ROOT
from meanfield.figures import style
from PIL import Image, ImageDraw

SHRINK = runpy.run_path(str(ROOT / "docs/shrink.py"))
DRAWN = [
    "overview",
    "fig2_activations",
    "fig3a_cost",
    "fig3b_alpha",
    "fig4b_gamma",
    "esp-fastest",
    "fig4b_gamma-nonlinear-10",
]


def rgb(activation: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(style.colour(activation)[1:]))


def colours(image: Image.Image) -> dict[tuple[int, ...], int]:
    """How many pixels have each colour."""
    return {colour: count for count, colour in image.convert("RGB").getcolors(image.width * image.height)}


@pytest.mark.parametrize("name", DRAWN)
def test_activations_have_their_colours_to_the_bit(name):
    found = colours(Image.open(ROOT / f"docs/images/{name}.png"))
    for activation in ("esp", "relu", "sigmoid"):
        assert found.get(rgb(activation), 0) > 100, activation


def test_every_picture_is_small():
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs/images").glob("*.png")}
    assert {name: size for name, size in sizes.items() if size > SHRINK["LIMIT"]} == {}


def test_the_commonest_colours_stay_and_a_noisy_picture_is_shrunk():
    random = np.random.default_rng(1)
    image = Image.fromarray(random.integers(0, 256, (500, 500, 3), np.uint8))
    drawing = ImageDraw.Draw(image)
    for number, activation in enumerate(("esp", "relu", "sigmoid")):
        drawing.rectangle((100 * number, 0, 100 * number + 50, 400), fill=rgb(activation))
    assert len(colours(image)) > 10000
    file = SHRINK["shrunk"](image)
    small = Image.open(io.BytesIO(file))
    assert small.size == image.size
    for activation in ("esp", "relu", "sigmoid"):
        assert colours(small)[rgb(activation)] >= 51 * 401
    assert len(colours(small)) < len(colours(image))
    for most in SHRINK["PALETTES"]:
        assert len(colours(SHRINK["reduced"](image, most))) == most


CELL, PAGE = 410, 830  # pixels that a picture has in a cell of README's table, and on a line of its own
POINTS = 9  # of the type of figures


def test_pictures_of_readme_can_be_read_where_they_stand():
    """Letters of 7 pixels and more; the preview of a video aside, which says that it is one."""
    small = {}
    for line in (ROOT / "README.md").read_text().splitlines():
        for name in re.findall(r"\]\(docs/images/([\w-]+\.png)\)", line):
            width = Image.open(ROOT / "docs/images" / name).width
            pixels = POINTS / 72 * style.DPI * min((CELL if line.startswith("|") else PAGE) / width, 1)
            if pixels < 7:
                small[name] = pixels
    assert small == {}
