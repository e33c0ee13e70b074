"""What several tests use: the published configuration, datasets, runs; random networks."""

from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr
import yaml
from meanfield import datasets, published, storage
from meanfield.losses import SIGMOID_CROSS_ENTROPY, averaging
from meanfield.network import Network
from meanfield.propagation import Objective

ROOT = Path(__file__).parent.parent
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())
EXPERIMENTS = {(entry["dataset"], entry["architecture"]): entry for entry in CONFIG["experiments"]}
RUNS = [(*experiment, activation) for experiment in EXPERIMENTS for activation in CONFIG["activations"]]
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
    features, target = storage.part(dataset(name, mirror), "train")
    return Objective(SIGMOID_CROSS_ENTROPY, features, target, averaging(*target.shape, "float32"))


@cache
def trajectory(run: tuple[str, str, str], mirror: Path) -> xr.Dataset:
    """A published run, trained again by the published protocol."""
    from meanfield.tensorflow_model import configure
    from meanfield.training import initial_members, train

    configure(threads=1)
    seeds, settings = [1], EXPERIMENTS[run[:2]]
    initial = initial_members(network(run, mirror), seeds, settings["beta_stddev"], settings["beta_op_seed"])
    return train(network(run, mirror), dataset(run[0], mirror), initial, seeds=seeds, **protocol(run))


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
