"""Activations, a loss and an optimizer of one's own, from the configuration alone to video, explorer and claims."""

import re

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT, Workflow
from meanfield.data import storage

ABSURD = {
    "name": "absurd",
    "label": "absurd",
    "formula": "piecewise((log(1 + h), h > 1), (h*erf(h)*log(2)/erf(1), h > 0), exp(-h**2)*h)/(1 + sigmoid(h))**0.5",
}


def documented() -> list:
    """The activations of config/README.md's example."""
    text = (ROOT / "config/README.md").read_text().split("## An activation of your own")[1]
    return yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])["activations"]


def shipped() -> dict:
    return yaml.safe_load((ROOT / "config/examples/own_activations.yaml").read_text())


def test_the_documented_activations_are_those_of_the_shipped_example():
    assert shipped()["activations"] == documented()


@pytest.fixture(scope="module")
def activations(tmp_path_factory, mirror) -> Workflow:
    """The shipped example with an absurd formula more, three seeds and fewer updates."""
    workflow = Workflow(tmp_path_factory.mktemp("activations"), mirror)
    example = shipped()
    example["activations"].append(ABSURD)
    example["experiments"][0]["updates"] = 60
    (workflow.folder / "mine.yaml").write_text(yaml.safe_dump(example))
    result = workflow.snakemake("all", "claims", "--configfile", "mine.yaml", "--config", "seeds=3")
    assert result.returncode == 0, result.stdout
    return workflow


@pytest.mark.long
def test_formulas_go_from_the_configuration_to_video_explorer_and_claims(activations):
    results = activations.folder / "results"
    names = ["relu", "mish", "elu", "leaky", "gate", "absurd"]
    table = pd.read_csv(results / "tables/summary.csv")
    assert table.activation.unique().tolist() == names
    assert table[["cost_last", "alpha_last", "gamma_last"]].notna().all(axis=None)
    assert (table.cost_last < table.cost_first).all()
    assert (results / "videos/nonlinear_10.mp4").stat().st_size
    page = (results / "explorer.html").read_text()
    assert all(label in page for label in ("Mish", "ELU", "leaky ReLU", "tanh gate", "absurd"))
    said = (results / "claims/claims.md").read_text()
    assert "They have fewer flat directions than ReLU." in said
    assert "inal γ of tanh gate lower than ReLU" in said
    log = (results / "logs/training/nonlinear_10_leaky.log").read_text()
    assert "leaky ReLU, where(h > 0, h, 0.01*h): kink at h = 0, unchanged under" in log
    assert "AutoGraph" not in log


@pytest.mark.long
def test_another_formula_of_the_same_name_is_another_activation(activations):
    example = yaml.safe_load((activations.folder / "mine.yaml").read_text())
    example["activations"][3]["formula"] = "where(h > 0, h, 0.02*h)"
    (activations.folder / "other.yaml").write_text(yaml.safe_dump(example))
    result = activations.snakemake("--dry-run", "tables", "--configfile", "other.yaml", "--config", "seeds=3")
    runs = {
        line.split("nonlinear/10/")[1].split("/")[0] for line in result.stdout.splitlines() if "output: results/runs" in line
    }
    assert runs == {"leaky"}


@pytest.fixture(scope="module")
def softmax(tmp_path_factory) -> Workflow:
    """Three classes of one's own data, gradient descent with momentum on batches, a penalty on the weights."""
    workflow = Workflow(tmp_path_factory.mktemp("softmax"), None)
    settings = {
        "datasets": {"iris": {"packaged": "iris", "scaling": "features", "test_size": 0.2, "split_seed": 0}},
        "experiments": [{"dataset": "iris", "architecture": "4", "updates": 100, "beta_stddev": 0.01, "beta_op_seed": 21}],
        "activations": ["esp", "relu"],
        "optimizer": {"method": "momentum", "learning_rate": 0.1, "batch_size": 32, "l2": 0.001},
    }
    (workflow.folder / "mine.yaml").write_text(yaml.safe_dump(settings))
    result = workflow.snakemake("tables", "figures", "--configfile", "mine.yaml")
    assert result.returncode == 0, result.stdout
    return workflow


@pytest.mark.long
def test_several_classes_of_ones_own_have_a_softmax(softmax):
    run = softmax.folder / "results/runs/iris/4/relu"
    assert storage.read(softmax.folder / "results/datasets/iris.nc").attrs["loss"] == "softmax cross-entropy"
    residual = storage.read(run / "trajectory.nc").residual.values
    np.testing.assert_allclose(residual.sum(axis=-2), 0, atol=1e-14)  # probabilities of a sample add up to 1
    table = pd.read_csv(run / "indices.csv")
    assert table.test_accuracy.iloc[-1] > 0.8
    assert (table.gamma_symmetry * table.parameters >= 1 - 1e-9).all()  # a shift of the biases, which the penalty leaves


@pytest.mark.long
def test_what_the_penalty_lifts_is_said(softmax):
    table = pd.read_csv(softmax.folder / "results/runs/iris/4/relu/indices.csv")
    assert (table.gamma_lifted * table.parameters >= 4 - 1e-9).all()  # the shifts of the four units' weights
