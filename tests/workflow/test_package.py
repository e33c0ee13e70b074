"""The package without the workflow: built from what git tracks, installed into an empty environment, used from elsewhere."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from examples import ROOT

pytestmark = pytest.mark.long

HESSIAN = """
import sys
import numpy as np
import meanfield
from meanfield.curvature.hessian import hessian
from meanfield.model.losses import SIGMOID_CROSS_ENTROPY
from meanfield.model.network import Network
from meanfield.model.propagation import Objective, gradient
rng = np.random.default_rng(0)
network = Network.of("3-2", "esp", inputs=2, outputs=1)
objective = Objective(SIGMOID_CROSS_ENTROPY, rng.normal(size=(5, 2)), np.array([[0.0], [1], [1], [0], [1]]), 1 / 5)
theta = rng.normal(size=network.size)
exact = hessian(theta[None], network, objective)[0]
moved = 1e-5 * np.eye(network.size)
differences = (gradient(theta + moved, network, objective) - gradient(theta - moved, network, objective)) / 2e-5
assert np.abs(exact - differences).max() < 1e-8 * np.abs(exact).max()
assert not {"tensorflow", "matplotlib", "snakemake", "sklearn"} & set(sys.modules)
print(meanfield.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy of the tracked files."""
    folder = tmp_path_factory.mktemp("clone")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, text=True, capture_output=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    for name in tracked.stdout.splitlines():
        if (ROOT / name).exists() and name.startswith(("scripts/", "pyproject.toml", "README.md", "LICENSE")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        "dist",
        ".",
    ]
    built = subprocess.run(command, cwd=folder, text=True, capture_output=True)
    assert built.returncode == 0, built.stderr
    [path] = (folder / "dist").glob("*.whl")
    return path


def test_the_wheel_holds_every_module_and_the_explorers_files(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    core = ROOT / "scripts/meanfield"
    files = {str(path.relative_to(ROOT / "scripts")) for path in core.rglob("*.*") if "__pycache__" not in path.parts}
    assert {name for name in inside if name.startswith("meanfield/")} == files


def test_an_empty_environment_computes_a_hessian_from_another_folder(wheel, tmp_path):
    pins = re.findall(r"^([a-z0-9-]+==\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    (tmp_path / "pins.txt").write_text("\n".join(pins))
    subprocess.run([sys.executable, "-m", "venv", "empty"], cwd=tmp_path, check=True)
    python = str(tmp_path / "empty/bin/python")
    command = [python, "-m", "pip", "install", "--quiet", "--constraint", "pins.txt", str(wheel)]
    installed = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True)
    if installed.returncode and "No matching distribution" in installed.stderr:
        pytest.skip("the package index is out of reach")
    assert installed.returncode == 0, installed.stderr
    (tmp_path / "elsewhere").mkdir()
    result = subprocess.run([python, "-c", HESSIAN], cwd=tmp_path / "elsewhere", text=True, capture_output=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(str(tmp_path / "empty"))
