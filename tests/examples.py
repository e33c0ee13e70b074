"""What several tests use: the published configuration, datasets, runs; random networks."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from meanfield.curvature import indices, spectrum
from meanfield.data import datasets, published
from meanfield.data.task import part, problem, scores_of
from meanfield.model.losses import SIGMOID_CROSS_ENTROPY
from meanfield.model.network import Network
from meanfield.model.propagation import Objective
from meanfield.training.arithmetic import Environment
from meanfield.training.initial import initial_members
from meanfield.training.schedule import published_updates
from meanfield.training.train import train

ROOT = Path(__file__).parent.parent
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())
EXPERIMENTS = {(entry["dataset"], entry["architecture"]): entry for entry in CONFIG["experiments"]}
RUNS = [(*experiment, activation) for experiment in EXPERIMENTS for activation in CONFIG["activations"]]
EXCEPTIONS = ROOT / "config/published/exceptions.csv"
LESS_DIGITS = [pytest.param(run, marks=pytest.mark.long) if run[0] == "digits" else run for run in RUNS]
"""All runs; those on the digits, which take seconds each, are left to `make test-long`."""
LINEAR_RUNS = [run for run in RUNS if run[0] == "linear"]


@cache
def dataset(name: str, mirror: Path) -> xr.Dataset:
    """A published dataset, from the mirror."""
    settings = CONFIG["datasets"][name]
    checksums = published.registry(ROOT / "config/published/registry.csv")
    features, target, _ = datasets.obtain(settings, checksums, str(mirror), require_published=True)
    return datasets.split(features, target, settings["test_size"], settings["split_seed"])


def network(run: tuple[str, str, str], mirror: Path) -> Network:
    """The network of a published run."""
    sizes = dataset(run[0], mirror).sizes
    return Network.of(run[1], run[2], sizes["feature"], sizes["label"])


def objective(name: str, mirror: Path) -> Objective:
    """The published loss over a dataset's training samples."""
    features, target = part(dataset(name, mirror), "train")
    return Objective(SIGMOID_CROSS_ENTROPY, features, target, SIGMOID_CROSS_ENTROPY.averaging(*target.shape))


@cache
def trajectory(run: tuple[str, str, str], mirror: Path) -> xr.Dataset:
    """A published run, trained again by the published protocol, with TensorFlow's kernels."""
    from meanfield.training.tensorflow_model import configure

    configure(threads=1)
    return _trained(run, mirror, None)


@cache
def replayed(run: tuple[str, str, str], mirror: Path, exceptions: bool = True) -> xr.Dataset:
    """The same in the arithmetic of 2018."""
    return _trained(
        run, mirror, Environment.of("digits" if run[0] == "digits" else "binary", EXCEPTIONS if exceptions else None)
    )


def _trained(run: tuple[str, str, str], mirror: Path, environment: Environment | None) -> xr.Dataset:
    settings = EXPERIMENTS[run[:2]]
    draw = [1], settings["beta_stddev"], settings["beta_op_seed"], environment and environment.sines
    initial = initial_members(network(run, mirror), *draw)
    followed = protocol(run) | {"environment": environment}
    return train(network(run, mirror), dataset(run[0], mirror), initial, seeds=[1], **followed)


def protocol_changed(
    run: tuple[str, str, str], mirror: Path, seed: int = 1, split_seed: int | None = None, learning_rate: float = 0.01
) -> xr.Dataset:
    """A published run by a protocol that is wrong in one place, in the arithmetic of 2018."""
    settings, data = EXPERIMENTS[run[:2]], dataset(run[0], mirror)
    environment = Environment.of("binary", EXCEPTIONS)
    initial = initial_members(
        network(run, mirror), [seed], settings["beta_stddev"], settings["beta_op_seed"], environment.sines
    )
    if split_seed is not None:
        test_size = CONFIG["datasets"][run[0]]["test_size"]
        data = datasets.split(data.features.values, data.target.values, test_size, split_seed)
    followed = protocol(run) | {
        "environment": environment,
        "optimizer": CONFIG["optimizer"] | {"learning_rate": learning_rate},
    }
    return train(network(run, mirror), data, initial, seeds=[1], **followed)


def no_arrays() -> xr.Dataset:
    """The published arrays of a run of which none could be had."""
    return xr.Dataset(attrs={"unavailable": "{}"})


def protocol(run: tuple[str, str, str]) -> dict:
    """Keyword arguments of `train` for a published run."""
    return {
        "updates": EXPERIMENTS[run[:2]]["updates"],
        "recording": CONFIG["recording"],
        "optimizer": CONFIG["optimizer"],
        "residual_output": CONFIG["datasets"][run[0]].get("residual_output", "probability"),
    }


def published_array(run: tuple[str, str, str], quantity: str, mirror: Path) -> np.ndarray:
    """One published array of a linear run, by the name in `published.QUANTITIES`."""
    file = published.array_files(run, published.registry(ROOT / "config/published/registry.csv"))[quantity]
    return published.read_array(mirror / file)


def synthetic_dataset(features: int = 2, labels: int = 1, source: str = "mirror") -> xr.Dataset:
    """A small random dataset, 9 training and 3 test samples."""
    rng = np.random.default_rng(features + labels)
    target = rng.integers(2, size=(12, labels)).astype(float)
    return datasets.split(rng.normal(size=(12, features)), target, 0.25, 0).assign_attrs(source=source)


def named_dataset(features: Sequence[str], classes: Sequence[str] = (), scaled: Sequence[str] = ()) -> xr.Dataset:
    """The same with names and, 100 further on, rows of a file; a regression of two targets if there are no classes."""
    rng, rows = np.random.default_rng(len(features)), {"row": ("sample", np.arange(101, 113))}
    if classes:
        hot = np.eye(len(classes))[np.arange(12) % len(classes)]
        values, labels = (hot[:, 1:], classes[1:]) if len(classes) == 2 else (hot, classes)
        task, attributes = "classification", {"column": "kind", "classes": list(classes)}
    else:
        values, labels = rng.normal([70, 3], [5, 1], size=(12, 2)), ["u", "v"]
        task, attributes = "regression", {"column": "u, v"}
    target = xr.DataArray(values, rows | {"label": list(labels)}, ("sample", "label"), attrs=attributes)
    drawn = xr.DataArray(
        rng.normal(40, 3, size=(12, len(features))), rows | {"feature": list(features)}, ("sample", "feature")
    )
    return datasets.split(drawn, target, 0.25, 0, scaled).assign_attrs(source="own", task=task)


def synthetic_run(
    activation: str, data: xr.Dataset, architecture: str = "3", seeds: int = 1, records: int = 5, **lanczos: float
) -> tuple[xr.Dataset, xr.Dataset, pd.DataFrame]:
    """Trajectory, spectrum and indices of random parameters that grow along the records; the real Hessians of them.

    With settings of `lanczos` the spectrum is estimated.
    """
    net, target = problem(data, architecture, activation, "float64")
    rng = np.random.default_rng(net.size)
    dims, shape = ("seed", "update"), (seeds, records)
    scores = [f"{part}_{score}" for score in scores_of(data) for part in ("train", "test")]
    scale = np.linspace(0.1, 2, records)[:, None]
    run = xr.Dataset(
        {
            "parameters": ((*dims, "parameter"), scale * rng.normal(size=(*shape, net.size))),
            "residual": ((*dims, "label", "sample"), rng.choice([0.0, 0.5], size=(*shape, data.sizes["label"], 9))),
            "cost": (dims, np.geomspace(0.7, 0.01, records) * rng.uniform(0.9, 1.1, size=shape)),
            **{name: (dims, rng.uniform(size=shape)) for name in (*scores, "gradient_norm")},
            "diverged": ("seed", np.full(seeds, -1)),
        },
        coords={"seed": np.arange(1, seeds + 1), "update": published_updates(records), "parameter": net.parameter_names},
        attrs={"source": data.attrs["source"]},
    )
    options = {"method": "lanczos", **lanczos} if lanczos else {"eigenvectors_at": ["last"]}
    spectra = spectrum.along_trajectory(run, net, target, **options).assign_attrs(source=run.attrs["source"])
    return run, spectra, indices.indices(run, spectra)
