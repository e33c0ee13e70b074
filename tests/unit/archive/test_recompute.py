"""Inputs made again from themselves, and a run that is not in the arithmetic of 2018, trained again."""

import copy
import json
import shutil

import numpy as np
import pytest
import xarray as xr
from examples import CONFIG, ROOT
from meanfield.archive import check, recompute
from meanfield.curvature import spectrum
from meanfield.data import datasets, mnist, storage
from meanfield.errors import MeanfieldError

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


RUN, JOB, HASH = "linear/10/tanh", "training/linear_10_tanh", "0" * 64
TRAJECTORY, SPECTRUM = (f"results/runs/{RUN}/{name}.nc" for name in ("trajectory", "spectrum"))


def folder_of(folder, config):
    """What an unpacked archive has of a run, and the provenance of its job."""
    (folder / "deposit/configurations").mkdir(parents=True)
    (folder / f"deposit/configurations/{HASH}.json").write_text(json.dumps(config))
    shutil.copytree(ROOT / "config/published", folder / "config/published")
    made = {JOB: {"configuration": HASH, "threads": 1, "packages": "numpy 2", "device": "CPU", "outputs": {TRAJECTORY: ""}}}
    for name in ("datasets", f"runs/{RUN}"):
        (folder / "results" / name).mkdir(parents=True)
    parts = datasets.divided(*datasets.stand_in("TF/Lindata.mat"), config["datasets"]["linear"])
    storage.write(parts.assign_attrs(ORIGIN, loss="sigmoid cross-entropy"), folder / "results/datasets/linear.nc")
    dataset, plan = storage.read(folder / "results/datasets/linear.nc"), recompute.plans(folder, made)[HASH]
    trained = recompute._trained(folder, made[JOB], plan, TRAJECTORY, dataset)
    storage.write(trained, folder / TRAJECTORY)
    spectra = spectrum.of_run(trained, dataset, "10", "tanh", plan.averaging("linear", "10"), **plan.spectrum)
    storage.write(spectra, folder / SPECTRUM)
    return made


def altered(path, variable, change):
    """The file with one variable changed in place."""
    content = storage.read(path)
    change(content[variable].values)
    storage.write(content, path)


@pytest.fixture(params=["eigenvalues", "lanczos", "inertia"])
def run(request, tmp_path):
    """A run by NumPy, an unpacked archive of it, and its method."""
    config = copy.deepcopy(CONFIG) | {"arithmetic": "numpy", "activations": ["tanh"], "seeds": 2}
    config["experiments"] = [entry | {"updates": 60} for entry in config["experiments"] if entry["dataset"] == "linear"]
    config["spectrum"] |= {"method": request.param, "probes": 2, "steps": 8}
    return tmp_path, folder_of(tmp_path, config), request.param


def test_a_run_by_numpy_is_trained_by_numpy_and_what_a_machine_may_do_is_told_apart(run):
    folder, made, method = run
    assert storage.read(folder / TRAJECTORY).arithmetic == "numpy"
    whole = f"{RUN.replace('/', ' ')}, trained again: its"
    said = recompute.replay(folder, made, RUN)
    assert said.startswith(whole)
    assert said.endswith("so is its spectrum")
    variable = "eigenvalues" if method == "eigenvalues" else "lambda_max"

    def rounded(values):
        values *= 1 + 1e-15

    altered(folder / SPECTRUM, variable, rounded)
    assert ("within their errors" if method == "lanczos" else "resolution of a solver") in recompute.replay(
        folder, made, RUN
    )
    altered(folder / SPECTRUM, variable, lambda values: np.multiply(values, 3, out=values))
    with pytest.raises(MeanfieldError, match=f"{variable} are not what the Hessian has"):
        recompute.replay(folder, made, RUN)
    altered(folder / TRAJECTORY, "parameters", lambda values: np.add(values[:, 1:], 1e-12, out=values[:, 1:]))
    with pytest.raises(recompute.Undecided, match=r"parameters are not what training gives here, by numpy, though .* alike"):
        recompute.replay(folder, made, RUN)
    altered(folder / TRAJECTORY, "parameters", lambda values: np.add(values, 1e-3, out=values))
    with pytest.raises(MeanfieldError, match="parameters is not what training gives"):
        recompute.replay(folder, made, RUN)


def test_what_cannot_be_decided_is_an_open_line_that_fails_nothing(capsys):
    def undecided():
        raise recompute.Undecided("not on this machine")

    assert check._passes("replay", undecided) is not None
    assert capsys.readouterr().out == "open   replay        not on this machine\n"
