"""A small ensemble through the workflow: member 1, the number of cores and of members, a diverging member, the claims."""

import csv
import shutil

import numpy as np
import pandas as pd
import pictures
import pytest
import xarray as xr
import yaml
from conftest import Workflow, differing, results

pytestmark = pytest.mark.long

LINEAR = {"dataset": "linear", "updates": 300, "beta_stddev": 1e-2, "beta_op_seed": 21}
ENSEMBLE = {
    "seeds": 4,
    "activations": ["esp", "relu", "sigmoid"],
    "datasets": {
        "linear-splits": {"file": "TF/Lindata.mat", "test_size": 0.25, "split_seed": [5, 0, 1]},
        "linear-independent": {"file": "TF/Lindata.mat", "test_size": 0.25, "split_seed": 5},
    },
    "experiments": [
        {**LINEAR, "architecture": "10", "beta_stddev": 1e-4},
        {**LINEAR, "architecture": "8-2", "seeds": 2},
        {**LINEAR, "dataset": "linear-splits", "architecture": "10", "beta_stddev": 1e-4},
        {**LINEAR, "dataset": "linear-independent", "architecture": "8-2", "initial_weights": "independent"},
    ],
    "arithmetic": "tensorflow",
    "claims": {"splits": {"linear": "linear-splits"}, "independent": {"linear": "linear-independent"}},
}
RUNS = [f"results/runs/linear/10/{activation}" for activation in ENSEMBLE["activations"]]


def ensemble(workflow, *arguments, **changes):
    """Run the claims of the small ensemble."""
    (workflow.folder / "ensemble.yaml").write_text(yaml.safe_dump(ENSEMBLE | changes))
    return workflow.snakemake("claims", "--configfile", "ensemble.yaml", *arguments)


@pytest.fixture(scope="module")
def judged(tmp_path_factory, mirror) -> Workflow:
    """The small ensemble, run once."""
    workflow = Workflow(tmp_path_factory.mktemp("judged"), mirror)
    workflow.result = ensemble(workflow)
    assert workflow.result.returncode == 0, workflow.result.stdout
    return workflow


def test_every_claim_gets_a_verdict_its_numbers_and_a_figure(judged):
    claims = yaml.safe_load((judged.folder / "config/published/claims.yaml").read_text())["claims"]
    with open(judged.folder / "results/claims/claims.csv") as stream:
        rows = {row["claim"]: row for row in csv.DictReader(stream)}
    assert list(rows) == list(claims)
    for name, row in rows.items():
        assert f"{row['verdict']}: {row['statement']}" in judged.result.stdout
        assert row["numbers"].endswith(".")
        assert not pictures.blank(judged.folder / f"results/claims/{name}.png")
    assert rows["digits-same"]["verdict"] == "not testable"  # not run here
    for name in ("claims.md", "claims.html"):
        assert "ESP converges fastest" in (judged.folder / "results/claims" / name).read_text()


def test_statistics_name_members_and_splits(judged):
    table = pd.read_csv(judged.folder / "results/ensemble/statistics.csv")
    found = table.groupby(["dataset", "architecture"]).members.unique().map(list).to_dict()
    assert found == {("linear", "10"): [4], ("linear", "8-2"): [2], ("linear-splits", "10"): [3]} | {
        ("linear-independent", "8-2"): [4]
    }
    members = pd.read_csv(judged.folder / "results/ensemble/members.csv")
    assert members[members.dataset == "linear-splits"].seed.unique().tolist() == [5, 0, 1]
    # the first split is the published one, and all splits start from the published draw
    first = members[(members.dataset == "linear-splits") & (members.seed == 5)].cost_last.to_numpy()
    np.testing.assert_allclose(first, members[(members.architecture == "10") & (members.seed == 1)].cost_last[:3], rtol=1e-6)


def test_independent_weights_are_an_axis_of_their_own(judged):
    verdicts = pd.read_csv(judged.folder / "results/claims/claims.csv").set_index("claim")
    assert verdicts.independent_counts["esp-fastest"].split(" hold")[0].endswith("of 2")  # of one network: ReLU, sigmoid
    compared = pd.read_csv(judged.folder / "results/claims/comparisons.csv")
    mine = compared[compared.axis == "independent"]
    assert set(mine.architecture) == {"8-2", "all"}
    assert mine.p_corrected.notna().any()
    published, independent = (
        xr.open_dataset(judged.folder / f"results/runs/{name}/8-2/esp/trajectory.nc", engine="h5netcdf").parameters[0, 0]
        for name in ("linear", "linear-independent")
    )
    later = published.parameter.str.startswith("W2") | published.parameter.str.startswith("W3")
    moved = abs(published - independent) > 0.05
    assert moved[later].any()
    assert not moved[published.parameter.str.startswith("W1")].any()


def test_member_1_is_the_single_published_run_but_for_rounding(judged, finished):
    """`finished` ran the same experiment in the arithmetic of 2018, the ensemble by TensorFlow's kernels, many at a time."""
    for run in RUNS:
        ours, alone = (
            xr.open_dataset(place.folder / run / "trajectory.nc", engine="h5netcdf") for place in (judged, finished)
        )
        assert (ours.attrs["arithmetic"], alone.attrs["arithmetic"]) == ("tensorflow", "2018")
        np.testing.assert_allclose(ours.cost.sel(seed=1), alone.cost.sel(seed=1), rtol=0, atol=1.2e-7)
        np.testing.assert_allclose(ours.parameters.sel(seed=1), alone.parameters.sel(seed=1), rtol=1e-6, atol=1e-9)


def test_cores_do_not_matter(judged, tmp_path):
    """Three of the trainings and all that is made of them are made again, by one job at a time."""
    again = ("results/runs/linear/10", "results/ensemble", "results/claims")
    other = Workflow(tmp_path / "one", judged.mirror)
    shutil.copytree(judged.folder / "results", other.folder / "results")
    for name in again:
        shutil.rmtree(other.folder / name)
    result = ensemble(other, "--cores", "1")
    assert result.returncode == 0, result.stdout
    assert differing(judged, other, [path for path in results(judged) if path.startswith(again)]) == []


def test_a_diverging_member_is_named_by_seed_and_takes_none_down(tmp_path, mirror):
    """With this learning rate float32 cannot hold the cost of some members of the ReLU network, and can of others."""
    workflow = Workflow(tmp_path / "diverging", mirror)
    optimizer = yaml.safe_load((workflow.folder / "config/config.yaml").read_text())["optimizer"] | {"learning_rate": 1e13}
    changes = {
        "optimizer": optimizer,
        "experiments": [{**LINEAR, "architecture": "8-2"}],
        "activations": ["relu"],
        "seeds": 6,
    }
    result = ensemble(workflow, **changes)
    assert result.returncode == 0, result.stdout
    members = pd.read_csv(workflow.folder / "results/ensemble/members.csv").set_index("seed")
    lost = members[members.diverged.notna()]
    assert 0 < len(lost) < 6
    assert members.drop(lost.index).cost_last.notna().all()
    assert lost.cost_last.isna().all()
    [line] = pd.read_csv(workflow.folder / "results/ensemble/statistics.csv").to_dict("records")
    for seed, at in lost.diverged.items():
        assert f"seed {seed} at update {at:.0f}" in line["diverged"]
        assert f"seed {seed} at update {at:.0f}" in result.stdout


def test_the_ensemble_of_the_project_is_valid(judged):
    planned = judged.planned("claims", "--configfile", "config/ensemble.yaml", "--config", "seeds=5")
    assert planned == {"dataset", "training", "spectrum", "indices", "ensemble", "claims"}
