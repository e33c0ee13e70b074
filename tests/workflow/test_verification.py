"""Verdicts through the workflow: where a bit is not met, and of a run whose arrays come to hand later."""

import hashlib
import shutil

import examples
import numpy as np
import pandas as pd
import pytest
from conftest import Workflow, small
from meanfield.curvature import spectrum
from meanfield.data import published as publication
from meanfield.verification import comparison, quantities

pytestmark = pytest.mark.long

RUN = ("nonlinear", "8-2", "relu")


def verdicts(workflow):
    return pd.read_csv(workflow.folder / "results/verification/verdicts.csv").set_index(["run", "quantity"])


def test_with_tensorflows_kernels_the_publication_is_ranked_among_re_trainings(tmp_path, published):
    workflow = Workflow(tmp_path / "run", published)
    options = small(workflow, arithmetic="tensorflow", activations=["sigmoid"], seeds=1)
    result = workflow.snakemake("verify", *options)
    assert result.returncode == 0, result.stdout
    assert "not equal to the last bit; 19 re-trainings show what rounding does to it" in result.stdout
    found = verdicts(workflow)
    assert found.loc[("linear 10 sigmoid", "residual"), "verdict"] == "like a re-training"
    assert "p = " in found.loc[("linear 10 sigmoid", "residual"), "tolerance_from"]
    assert "differs" not in set(found.verdict)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory, published):
    """The published files, and beside them the arrays of a run that is not among them, made by a run of our own."""
    folder = tmp_path_factory.mktemp("mirror")
    for name in ("Lindata.mat", "NLdata.mat"):
        (folder / "TF").mkdir(exist_ok=True)
        shutil.copy(published / "TF" / name, folder / "TF" / name)
    trajectory = examples.replayed(RUN, published)
    task = examples.network(RUN, published), examples.objective(RUN[0], published)
    values = comparison.Run.of(trajectory, spectrum.along_trajectory(trajectory, *task), *task).values
    arrays = {name: values[name] for name in ("cost", "residual", "alpha", "gamma", "eigenvalues", "hessians")}
    arrays["accuracy"] = np.array([values["train_accuracy"], values["test_accuracy"]])
    checksums = publication.registry(examples.ROOT / "config/published/registry.csv")
    for name, file in publication.array_files(RUN, checksums).items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        np.save(folder / file, arrays[name])
    return folder


def judged(folder, mirror):
    """Verdicts of the run with the arrays of a mirror, whose checksums are put into the registry."""
    workflow = Workflow(folder, mirror)
    path = workflow.folder / "config/published/registry.csv"
    registry = pd.read_csv(path)
    for row in registry.itertuples():
        if (mirror / row.path).exists():
            registry.loc[row.Index, "sha256"] = hashlib.sha256((mirror / row.path).read_bytes()).hexdigest()
    registry.to_csv(path, index=False)
    experiment = {"dataset": RUN[0], "architecture": RUN[1], "updates": 2500, "beta_stddev": 1e-2, "beta_op_seed": 21}
    result = workflow.snakemake("verify", *small(workflow, experiments=[experiment], activations=[RUN[2]], seeds=1))
    assert result.returncode == 0, result.stdout
    return verdicts(workflow).loc[" ".join(RUN)].verdict


def test_a_run_that_comes_to_hand_is_judged_array_by_array(tmp_path, mirror):
    found = judged(tmp_path / "run", mirror).drop("gradient")
    assert set(found.index) == set(quantities.QUANTITIES) - {"gradient"}
    assert set(found) == {"identical"}


def test_another_labelling_differs(tmp_path, mirror):
    """As if the publication had been trained on labels the other way round: its residuals are those of 1 − y."""
    altered = tmp_path / "mirror"
    shutil.copytree(mirror, altered)
    [path] = altered.rglob("residual_relu82.npy")
    np.save(path, -np.load(path))
    found = judged(tmp_path / "run", altered)
    assert found["residual"] == "differs"
    assert found["cost"] == "identical"
