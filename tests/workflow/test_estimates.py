"""Spectra without the matrix through the workflow: video, explorer, figures, tables, claims, all with their errors."""

import time

import imageio_ffmpeg
import numpy as np
import pandas as pd
import pictures
import pytest
import yaml
from browsing import DESKTOP, errors, resize, wait
from conftest import Workflow
from meanfield.data import storage
from selenium.webdriver.common.by import By

pytestmark = pytest.mark.long

EXPERIMENT = {"dataset": "linear", "updates": 60, "beta_stddev": 1e-2, "beta_op_seed": 21}
ESTIMATED = {
    "seeds": 3,
    "activations": ["esp", "relu"],
    "experiments": [{**EXPERIMENT, "architecture": "10"}, {**EXPERIMENT, "architecture": "8-2"}],
    "spectrum": {"method": "lanczos", "probes": 3, "steps": 12, "resolution": 1e-3},
    "figures": {"eigenvalues_at": [0, "last"]},
}
FIGURES = "results/figures"


@pytest.fixture(scope="module")
def made(tmp_path_factory, mirror) -> Workflow:
    """All results of a small configuration by lanczos, and its claims and deviations."""
    workflow = Workflow(tmp_path_factory.mktemp("estimates"), mirror)
    (workflow.folder / "mine.yaml").write_text(yaml.safe_dump(ESTIMATED))
    workflow.result = workflow.snakemake("all", "claims", "deviations", "--configfile", "mine.yaml")
    assert workflow.result.returncode == 0, workflow.result.stdout
    return workflow
