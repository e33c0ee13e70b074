"""A run split by its seeds comes to the results of the whole one; a piece that is lost is made again alone."""

import re

import numpy as np
import pytest
import yaml
from conftest import Workflow
from meanfield.data import storage

RUN = "results/runs/linear/10/relu"
CONFIG = {
    "experiments": [{"dataset": "linear", "architecture": "10", "updates": 60, "beta_stddev": 1e-4, "beta_op_seed": 21}],
    "activations": ["esp", "relu"],
    "arithmetic": "tensorflow",
    "seeds": 5,
}
TARGETS = ("tables", "videos", f"{RUN}/trajectory.nc", f"{RUN}/spectrum.nc", "--configfile", "c.yaml")

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def runs(tmp_path_factory, mirror) -> dict[int, Workflow]:
    """The same runs, whole and in pieces of two seeds."""
    made = {}
    for size in (5, 2):
        workflow = Workflow(tmp_path_factory.mktemp(f"pieces-of-{size}"), mirror)
        (workflow.folder / "c.yaml").write_text(yaml.safe_dump(CONFIG | {"seeds_per_job": size}))
        result = workflow.snakemake(*TARGETS)
        assert result.returncode == 0, result.stdout
        made[size] = workflow
    return made


def test_the_same_values_whatever_the_split(runs):
    for name in ("trajectory.nc", "spectrum.nc"):
        whole, joined = (storage.read(runs[size].folder / RUN / name) for size in (5, 2))
        assert whole.attrs == joined.attrs
        assert whole.seed.values.tolist() == joined.seed.values.tolist() == [1, 2, 3, 4, 5]
        for array in whole.data_vars:
            if array != "eigenvectors":  # of equal eigenvalues the basis is arbitrary
                np.testing.assert_allclose(whole[array], joined[array], rtol=1e-9, atol=1e-12, err_msg=array)
    whole, joined = (storage.read_table(runs[size].folder / "results/tables/summary.csv") for size in (5, 2))
    assert whole.iloc[:, :6].equals(joined.iloc[:, :6])
    np.testing.assert_allclose(*(table.select_dtypes("number") for table in (whole, joined)), rtol=1e-9, atol=1e-12)


def test_a_lost_piece_is_made_again_alone(runs):
    workflow = runs[2]
    for name in ("pieces/3-4/trajectory.nc", "trajectory.nc"):  # a piece, and what was to come of it
        (workflow.folder / RUN / name).unlink()
    said = workflow.snakemake(*TARGETS, "--dry-run").stdout
    trained = re.findall(r"rule training:.*?wildcards: ([^\n]*)", said, re.DOTALL)
    assert len(trained) == 1
    assert "activation=relu" in trained[0]
    assert "seeds=3-4" in trained[0]


def test_more_seeds_train_the_new_ones_alone(runs):
    said = runs[2].snakemake(*TARGETS, "--dry-run", "--config", "seeds=6").stdout
    pieces = set(re.findall(r"seeds=(\d+-\d+)", "".join(re.findall(r"rule training:.*?wildcards: [^\n]*", said, re.DOTALL))))
    assert "5-6" in pieces
    assert "1-2" not in pieces


@pytest.mark.parametrize("profile", [(), ("--group-components", "pieces=5")])
def test_on_slurm_each_piece_is_a_submission_of_its_own_if_no_more_are_asked_for(tmp_path, mirror, profile):
    """A thousand seeds of digits, as pieces of seven: training, and spectrum with indices, of each."""
    profile = ("--profile", "workflow/profiles/slurm", *profile)
    digits = ("results/runs/digits/25/esp/indices.csv", "--config", "seeds=1000", "arithmetic=numpy", "activations=[esp]")
    said = Workflow(tmp_path, mirror).snakemake("--dry-run", *digits, *profile).stdout
    submissions = re.split(r"Group job (\w+)", said)[1:]
    pieces = {"training": [], "spectra": []}
    for group, jobs in zip(submissions[::2], submissions[1::2], strict=True):
        if group in pieces:
            pieces[group].append(re.findall(r"seeds=(\d+-\d+)", jobs))
    assert sorted(piece for held in pieces["training"] for piece in held) == sorted(
        f"{first}-{min(first + 6, 1000)}" for first in range(1, 1001, 7)
    )
    most = 5 if "pieces=5" in profile else 1
    assert {len(held) for held in pieces["training"]} <= {most, 143 % most}
    assert {len(held) for held in pieces["spectra"]} <= {2 * most, 2 * (143 % most)}
    assert all(len(set(held)) == len(held) / 2 for held in pieces["spectra"])
