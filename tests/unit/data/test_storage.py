import time

import numpy as np
import pytest
import xarray as xr
from meanfield.data import storage, task
from meanfield.errors import MeanfieldError


def example() -> xr.Dataset:
    values = np.array([[1.0, np.pi], [-0.0, 1e-300]])
    dataset = xr.Dataset({"values": (("seed", "parameter"), values), "split": ("seed", ["train", "test"])})
    return dataset.assign_coords(seed=[1, 2], parameter=["W1[0,0]", "b1[0]"])


def test_round_trip_is_exact_and_names_origin_and_packages(tmp_path):
    origin = xr.Dataset(attrs={"source": "mirror", "task": "regression", "title": "that of the origin"})
    storage.write(example().assign_attrs(title="its own"), tmp_path / "a.nc", origin=origin)
    result = storage.read(tmp_path / "a.nc")
    xr.testing.assert_identical(result.drop_attrs(), example())
    assert result.attrs["source"] == "mirror"
    assert task.task_of(result) == "regression"
    assert task.task_of(example()) == "classification"
    assert "numpy " + np.__version__ in result.attrs["packages"]
    assert result.attrs["title"] == "its own"


def test_of_the_variables_that_are_wanted_those_that_there_are_are_read(tmp_path):
    storage.write(example(), tmp_path / "a.nc")
    assert set(storage.read(tmp_path / "a.nc", only=["values", "nodes"]).data_vars) == {"values"}


def test_bytes_do_not_depend_on_the_time(tmp_path):
    storage.write(example(), tmp_path / "a.nc")
    time.sleep(1.1)  # HDF5 counts seconds
    storage.write(example(), tmp_path / "b.nc")
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_unreadable_file_is_one_clear_line(tmp_path):
    (tmp_path / "a.nc").write_bytes(b"truncated")
    with pytest.raises(MeanfieldError, match=r"a\.nc cannot be read as NetCDF .* delete it"):
        storage.read(tmp_path / "a.nc")


def test_parts():
    dataset = xr.Dataset(
        {"features": (("sample", "feature"), np.eye(3)), "target": (("sample", "label"), np.ones((3, 1)))},
    ).assign(split=("sample", ["train", "train", "test"]))
    features, target = task.part(dataset, "test")
    np.testing.assert_array_equal(features, [[0, 0, 1]])
    assert target.shape == (1, 1)


def test_pictures_of_a_first_member_that_diverged_are_refused(tmp_path):
    run = example().assign(cost=("seed", [np.nan, 0.5]))
    storage.write(run, tmp_path / "a.nc")
    with pytest.raises(MeanfieldError, match="its first member, seed 1, diverged"):
        storage.read(tmp_path / "a.nc", first_seed=True)
    storage.write(run.isel(seed=[1, 0]), tmp_path / "b.nc")
    assert storage.read(tmp_path / "b.nc", first_seed=True).cost.item() == 0.5
