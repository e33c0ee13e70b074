"""config/mnist.yaml, run for real on a stand-in that is scaled down, in networks of three and of four hidden units."""

import pandas as pd
import pictures
import pytest
import xarray as xr
import yaml
from conftest import Workflow

pytestmark = pytest.mark.long

SAMPLES, LIMIT = 800, 3000  # images of each part; parameters up to which eigenvalues are counted
SIZES = {"3": 2395, "4": 3190}  # parameters of ReLU's and sigmoid's networks; ESP has a β a unit more


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> Workflow:
    """All results, and the claims on three draws of the weights."""
    workflow = Workflow(tmp_path_factory.mktemp("mnist"), None)
    path = workflow.folder / "config/mnist.yaml"
    shipped = yaml.safe_load(path.read_text())
    shipped["datasets"]["mnist"]["samples"] = SAMPLES
    shipped["experiments"] = [entry | {"updates": 160} for entry in shipped["experiments"]]
    for entry, architecture in zip(shipped["experiments"], SIZES, strict=True):
        entry["architecture"] = architecture
    shipped["spectrum"] |= {"steps": 40, "resolution": 1e-3, "inertia_up_to": LIMIT}
    path.write_text(yaml.safe_dump(shipped))
    workflow.result = workflow.snakemake("all", "claims", "--config", "seeds=3", "--configfile", "config/mnist.yaml")
    assert workflow.result.returncode == 0, workflow.result.stdout
    return workflow


def opened(workflow: Workflow, path: str) -> xr.Dataset:
    return xr.load_dataset(workflow.folder / "results" / path, engine="h5netcdf")


def test_the_stand_in_is_marked_and_the_parts_are_kept(judged):
    dataset = opened(judged, "datasets/mnist.nc")
    assert (dataset.split == ["train"] * SAMPLES + ["test"] * SAMPLES).all()
    assert dataset.attrs["source"] == "stand-in"
    assert "WARNING: mnist is a stand-in" in judged.result.stdout
    assert set(pd.read_csv(judged.folder / "results/tables/indices.csv").source) == {"stand-in"}


@pytest.mark.parametrize("activation", ["esp", "relu", "sigmoid"])
def test_the_small_network_is_counted_and_estimates_agree(judged, activation):
    spectrum = opened(judged, f"runs/mnist/3/{activation}/spectrum.nc")
    counted = spectrum.isel(update=-1)
    assert spectrum.isel(update=slice(-1)).negative_exact.isnull().all()
    assert (abs(counted.negative_exact - counted.negative) <= counted.negative_error).all()
    assert (abs(counted.flat_exact - counted.flat) <= counted.flat_error).all()
    assert (counted.negative_resolved >= counted.negative_exact).all()
    assert (counted.flat_resolved <= counted.flat_exact).all()
    assert (counted.tolerance_resolved < counted.tolerance).all()
    table = pd.read_csv(judged.folder / f"results/runs/mnist/3/{activation}/indices.csv")
    last = table[table["update"] == table["update"].max()]
    columns = ["alpha_exact", "gamma_exact", "alpha_resolved", "gamma_resolved", "tolerance_resolved"]
    assert last[columns].notna().all(axis=None)
    assert table.drop(last.index)[columns].isna().all(axis=None)
    assert last.alpha_exact.tolist() == (counted.negative_exact / spectrum.attrs["parameters"]).values.tolist()


def test_the_larger_network_is_not_and_says_so(judged):
    spectrum = opened(judged, "runs/mnist/4/relu/spectrum.nc")
    assert spectrum.attrs["parameters"] == SIZES["4"]
    words = f"nothing was counted by inertia: {SIZES['4']} parameters, more than {LIMIT} (spectrum.inertia_up_to)"
    assert spectrum.attrs["inertia_skipped"] == words
    assert f"spectrum mnist 4 relu: {words}" in judged.result.stdout


def test_the_claims_have_a_verdict_on_mnist(judged):
    claims = yaml.safe_load((judged.folder / "config/mnist_claims.yaml").read_text())["claims"]
    table = pd.read_csv(judged.folder / "results/claims/claims.csv")
    assert table.claim.tolist() == list(claims)
    assert "not testable" not in set(table.set_index("claim").verdict[["esp-fastest", "relu-alpha", "relu-gamma"]])
    assert set(pd.read_csv(judged.folder / "results/claims/comparisons.csv").task) == {"mnist"}
    for name in claims:
        assert not pictures.blank(judged.folder / f"results/claims/{name}.png")


def test_what_was_learnt_is_more_than_chance(judged):
    table = pd.read_csv(judged.folder / "results/tables/indices.csv")
    last = table[table["update"] == table["update"].max()]
    assert (last.test_accuracy[last.activation == "esp"] > 0.3).all()
