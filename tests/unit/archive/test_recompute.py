"""Inputs made again from themselves."""

import json

import pytest
import xarray as xr
from meanfield.archive import recompute
from meanfield.data import mnist, storage

MNIST = {"downloaded": "mnist", "samples": 20}
ORIGIN = {
    "source": storage.STAND_IN,
    "address": "generated",
    "sha256": "",
    "license": "BSD-3-Clause",
    "task": "classification",
}


@pytest.fixture(scope="module")
def dataset():
    """MNIST's stand-in, as its job makes it."""
    features, target = mnist.arrays(mnist.stand_in(20), 20, mnist.WHITE)
    return xr.Dataset({"features": features, "target": target}).reset_coords("split").assign_attrs(ORIGIN)


@pytest.mark.parametrize(
    ("change", "origin", "said"),
    [
        (0, {}, []),
        (1e-9, {}, ["results/datasets/mnist.nc: features are not those of generated, source stand-in"]),
        (0, {"source": "published"}, ["results/datasets/mnist.nc is said to be MNIST, which may not be passed on"]),
    ],
)
def test_the_stand_in_for_mnist_is_made_again(dataset, tmp_path, change, origin, said):
    altered = dataset.copy(deep=True).assign_attrs(origin)
    altered.features[0, 0] += change
    storage.write(altered, tmp_path / "mnist.nc")
    (tmp_path / "mnist.json").write_text(json.dumps(ORIGIN | origin))
    assert recompute._dataset(tmp_path / "mnist.nc", MNIST, {}, {}) == said
