"""Regression and data of one's own, run for real: the examples of config/."""

import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from conftest import ROOT, Workflow
from meanfield.data import storage
from meanfield.data.task import class_names, classes, original
from sklearn.metrics import r2_score


@pytest.fixture(scope="module")
def regression(tmp_path_factory) -> Workflow:
    """The shipped example of a regression, with fewer updates."""
    workflow = Workflow(tmp_path_factory.mktemp("regression"), None)
    path = workflow.folder / "config/examples/diabetes.yaml"
    example = yaml.safe_load(path.read_text())
    example["experiments"][0]["updates"] = 100
    path.write_text(yaml.safe_dump(example))
    result = workflow.snakemake("--configfile", "config/examples/diabetes.yaml")
    assert result.returncode == 0, result.stdout
    return workflow


@pytest.mark.long
def test_a_regression_makes_everything_but_verdicts(regression):
    results = regression.folder / "results"
    for name in ("tables/summary.html", "figures/accuracy.png", "figures/boundaries_diabetes_10.pdf", "explorer.html"):
        assert (results / name).stat().st_size
    assert (results / "videos/diabetes_10.mp4").stat().st_size
    assert not (results / "verification").exists()
    table = pd.read_csv(results / "tables/indices.csv")
    assert set(table.task) == {"regression"}
    assert set(table.source) == {"packaged"}


@pytest.mark.long
def test_r2_has_columns_of_its_own_name(regression):
    folder = regression.folder / "results"
    dataset = xr.load_dataset(folder / "datasets/diabetes.nc", engine="h5netcdf")
    run = xr.load_dataset(folder / "runs/diabetes/10/relu/trajectory.nc", engine="h5netcdf")
    target = dataset.target.values[(dataset.split == "train").values, 0]
    predicted = target + run.residual.values[0, -1, 0]
    assert "train_accuracy" not in run
    table = pd.read_csv(folder / "tables/indices.csv")
    assert {"train_r2", "test_r2"} <= set(table)
    assert not any("accuracy" in name for name in table)
    assert float(run.train_r2_after[0, -1]) == pytest.approx(r2_score(target, predicted), abs=1e-12)
    assert float(run.cost_after[0, -1]) == pytest.approx(np.mean((predicted - target) ** 2) / 2, rel=1e-6)


def documented() -> tuple[str, list[str]]:
    """The configuration of config/README.md's example of one's own data, and its command."""
    text = (ROOT / "config/README.md").read_text().split("## Data of your own")[1]
    return re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1], re.search(r"```bash\nsnakemake (.*?)\n```", text)[1].split()


def penguins() -> pd.DataFrame:
    """A table such as config/README.md shows: three species by two lengths and an island, two values missing."""
    rng = np.random.default_rng(0)
    species = np.repeat(["Adelie", "Chinstrap", "Gentoo"], [60, 50, 40])
    middle = pd.DataFrame({"length": [38.8, 48.8, 47.5], "depth": [18.3, 18.4, 15.0]}, ["Adelie", "Chinstrap", "Gentoo"])
    table = middle.loc[species].reset_index(drop=True) + rng.normal(0, [2, 0.8], size=(150, 2)).round(2)
    islands = np.where(species == "Chinstrap", "Dream", rng.choice(["Dream", "Biscoe"], 150))
    table = table.assign(island=islands, species=species).sample(frac=1, random_state=0).reset_index(drop=True)
    table.loc[3, "depth"], table.loc[7, "island"] = np.nan, None
    return table


@pytest.fixture(scope="module")
def example(tmp_path_factory) -> Workflow:
    """The documented example, with fewer updates."""
    workflow = Workflow(tmp_path_factory.mktemp("own"), None)
    penguins().to_csv(workflow.folder / "penguins.csv", sep=";", decimal=",", index=False)
    configuration, command = documented()
    (workflow.folder / "mine.yaml").write_text(configuration)
    targets = [f"results/{name}" for name in ("runs/penguins/8-2/esp/indices.csv", "datasets/penguins.nc")]
    workflow.result = workflow.snakemake(*targets, *command)
    assert workflow.result.returncode == 0, workflow.result.stdout
    return workflow


@pytest.mark.long
def test_the_documented_example_of_own_data_runs(example):
    table = pd.read_csv(example.folder / "results/runs/penguins/8-2/esp/indices.csv")
    assert set(table.source) == {"own"}
    assert table.test_accuracy.iloc[-1] > 0.8
    assert table.cost.iloc[-1] < table.cost.iloc[0] / 2
    assert "2 of 150 rows dropped, since values are missing ('depth' 1, 'island' 1)" in example.result.stdout


@pytest.mark.long
def test_the_documented_example_keeps_its_names_rows_and_units(example):
    dataset, table = storage.read(example.folder / "results/datasets/penguins.nc"), penguins()
    assert dataset.feature.values.tolist() == ["length", "depth", "island=Biscoe", "island=Dream"]
    rows = table.iloc[dataset.row.values - 1]
    assert [class_names(dataset)[k] for k in classes(dataset.target.values)] == rows.species.tolist()
    mean, deviation = original(dataset, "features")
    given = np.column_stack([rows.length, rows.depth, rows.island == "Biscoe", rows.island == "Dream"])
    np.testing.assert_allclose(dataset.features.values * deviation + mean, given, atol=1e-12)


def test_a_table_that_is_not_there_is_told_before_any_job(tmp_path):
    workflow = Workflow(tmp_path, None)
    (tmp_path / "mine.yaml").write_text(documented()[0])
    result = workflow.snakemake("--configfile", "mine.yaml")
    assert result.returncode != 0
    [line] = [line for line in result.stdout.splitlines() if line.startswith("configuration: ")]
    assert "datasets.penguins.table is 'penguins.csv'; there is no such file" in line
    assert not (tmp_path / "results").exists()


@pytest.mark.long
def test_what_a_new_user_tries_first_works_or_is_one_line_that_says_what_to_do(tmp_path):
    """A semicolon CSV, one-hot NPZ, four positives in 400, a class with one sample: datasets alone, in one run."""
    workflow, rng = Workflow(tmp_path, None), np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(400, 2)), columns=["a", "b"])
    rare = table.assign(kind=["no"] * 396 + ["yes"] * 4)
    rare.to_csv(tmp_path / "rare.csv", index=False)
    rare.to_csv(tmp_path / "semicolons.csv", index=False, sep=";")
    table.assign(kind=["no"] * 200 + ["yes"] * 199 + ["once"]).to_csv(tmp_path / "once.csv", index=False)
    np.savez(tmp_path / "hot.npz", X=rng.normal(size=(300, 3)), y=np.eye(2)[np.arange(300) % 2])
    common = {"test_size": 0.25, "split_seed": 0}
    sets = {name: common | {"table": f"{name}.csv", "target": "kind"} for name in ("rare", "semicolons", "once")}
    sets["hot"] = common | {"table": "hot.npz", "target": "y"}
    experiment = {"architecture": "2", "updates": 5, "beta_stddev": 0.01, "beta_op_seed": 21}
    settings = {"datasets": sets, "experiments": [experiment | {"dataset": name} for name in sets]}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(settings))
    targets = [f"results/datasets/{name}.nc" for name in sets]
    result = workflow.snakemake(*targets, "--configfile", "mine.yaml", "--keep-going")
    assert result.returncode != 0
    said = {name: [line for line in result.stdout.splitlines() if line.startswith(f"dataset {name}: ")] for name in sets}
    assert said["rare"] == said["hot"] == []
    [semicolons], [once] = said["semicolons"], said["once"]
    assert "semicolons.csv has a single column, 'a;b;kind', which looks separated by ';': set delimiter: \";\"" in semicolons
    assert "class 'once' has one sample" in once
    assert "set stratify: false" in once
    assert (
        "WARNING: rare has few test samples of some classes; shares of them say little: 'yes' 1, beside 3" in result.stdout
    )
    hot, rare = (storage.read(tmp_path / f"results/datasets/{name}.nc") for name in ("hot", "rare"))
    assert class_names(hot) == ["y[0]", "y[1]"]
    assert rare.target.values[(rare.split == "test").values].sum() == 1
