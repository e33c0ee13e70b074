"""Labelled arrays in and out: NetCDF through xarray, with the attributes that say where the numbers come from."""

from importlib import metadata
from pathlib import Path

import xarray as xr

from meanfield.errors import MeanfieldError

ORIGIN = ("source", "address", "sha256", "licence")
"""Attributes that every file derived from a dataset inherits; `source` is published, mirror, packaged or stand-in."""

STAND_IN = "stand-in"
_RECORDED_PACKAGES = ("numpy", "scipy", "scikit-learn", "tensorflow", "xarray", "h5netcdf")


def read(path: str | Path) -> xr.Dataset:
    """The whole dataset in memory, file closed. MeanfieldError for a file that is no readable NetCDF."""
    try:
        with xr.open_dataset(path, engine="h5netcdf") as dataset:
            return dataset.load()
    except OSError as error:
        raise MeanfieldError(f"{path} cannot be read as NetCDF ({error}); delete it and run the workflow again") from error


def write(dataset: xr.Dataset, path: str | Path, origin: xr.Dataset | None = None) -> None:
    """Write NetCDF-4, deterministic bytes; `origin` passes its provenance attributes on.

    `packages` names the versions that made the file. The step puts the finished file in place (see `step`).
    """
    inherited = {key: origin.attrs[key] for key in ORIGIN} if origin is not None else {}
    dataset = dataset.assign_attrs(inherited, packages=package_versions())
    compressed = {name: {"zlib": True, "complevel": 1} for name, array in dataset.items() if array.dtype.kind == "f"}
    dataset.to_netcdf(path, engine="h5netcdf", encoding=compressed)


def package_versions() -> str:
    """Versions of the packages that make numbers, as far as this environment has them: "numpy 2.4.6, scipy 1.17.1"."""
    installed = {distribution.name.lower(): distribution.version for distribution in metadata.distributions()}
    return ", ".join(f"{name} {installed[name]}" for name in _RECORDED_PACKAGES if name in installed)
