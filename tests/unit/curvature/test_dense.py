"""The spectrum step's linear algebra on another device: the same formulas with TensorFlow's functions, on the CPU here."""

import numpy as np
import pytest
import xarray as xr
from examples import synthetic_dataset, synthetic_run
from meanfield.curvature.dense import NUMPY, Dense
from meanfield.curvature.spectrum import along_trajectory
from meanfield.curvature.tensorflow_dense import TENSORFLOW
from meanfield.data.task import problem
from meanfield.training import tensorflow_model

assert tensorflow_model.configure(threads=1) == "CPU"


@pytest.mark.parametrize("activation", ["esp", "relu", "sigmoid"])
@pytest.mark.parametrize(("features", "labels", "architecture"), [(2, 1, "8-2"), (30, 4, "9")])
def test_spectra_with_tensorflow_equal_those_with_numpy(activation, features, labels, architecture):
    dataset = synthetic_dataset(features, labels)
    trajectory, expected, _ = synthetic_run(activation, dataset, architecture, seeds=2)
    network, objective = problem(dataset, architecture, activation, "float64")
    found = along_trajectory(trajectory, network, objective, eigenvectors_at=["last"], dense=TENSORFLOW)
    largest = float(abs(expected.eigenvalues).max())
    assert abs(found.eigenvalues - expected.eigenvalues).max() <= 1e-13 * largest
    for name in ("negative", "flat", "zero_rows", "symmetric"):
        xr.testing.assert_equal(found[name], expected[name])
    assert found.eigenvectors.shape == expected.eigenvectors.shape


def test_the_large_work_goes_through_the_device():
    """Each of the three functions is called, from along_trajectory, with matrices of the size that makes it large."""
    calls = {name: [] for name in NUMPY._fields}

    def counted(name):
        return lambda *arrays: calls[name].append(arrays[0].shape) or getattr(NUMPY, name)(*arrays)

    dense = Dense(*map(counted, NUMPY._fields))
    dataset = synthetic_dataset(30, 4)
    trajectory, *_ = synthetic_run("esp", dataset, "9")
    network, objective = problem(dataset, "9", "esp", "float64")
    along_trajectory(trajectory, network, objective, eigenvectors_at=["last"], dense=dense)
    assert max(np.prod(shape[-2:]) for shape in calls["product"]) >= 45 * 9  # the packed pairs of the widest layer
    assert {shape[-1] for shape in calls["eigvalsh"]} == {network.size}
    assert calls["eigh"] == [(network.size, network.size)]
