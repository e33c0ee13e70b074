"""Regression and data of one's own, run for real: the examples of config/."""

import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from conftest import ROOT, Workflow
from sklearn.datasets import load_iris
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


@pytest.mark.long
def test_the_documented_example_of_own_data_runs(tmp_path):
    workflow = Workflow(tmp_path, None)
    flowers = load_iris()
    table = pd.DataFrame(flowers.data[:, 2:], columns=["length", "width"])
    table.assign(species=flowers.target_names[flowers.target]).to_csv(tmp_path / "flowers.csv", index=False)
    configuration, command = documented()
    (tmp_path / "mine.yaml").write_text(configuration)
    target = "results/runs/flowers/8-2/esp/indices.csv"
    result = workflow.snakemake(target, *command)
    assert result.returncode == 0, result.stdout
    table = pd.read_csv(tmp_path / target)
    assert set(table.source) == {"own"}
    assert table.test_accuracy.iloc[-1] > 0.8
    assert table.cost.iloc[-1] < table.cost.iloc[0] / 2


def test_a_table_that_is_not_there_is_told_before_any_job(tmp_path):
    workflow = Workflow(tmp_path, None)
    (tmp_path / "mine.yaml").write_text(documented()[0])
    result = workflow.snakemake("--configfile", "mine.yaml")
    assert result.returncode != 0
    [line] = [line for line in result.stdout.splitlines() if line.startswith("configuration: ")]
    assert "datasets.flowers.table is 'flowers.csv'; there is no such file" in line
    assert not (tmp_path / "results").exists()
