"""Environments: pins, and every step run with just the packages of its own environment."""

import filecmp
import json
import os
import re
import shlex
import subprocess
import sys
from importlib import metadata

import pytest
import xarray as xr
import yaml
from conda_stand_in import install
from conftest import ROOT, Workflow, differing, results, small
from packaging.requirements import Requirement
from pin import locked, required, wheels


@pytest.fixture(scope="module")
def separate(finished, tmp_path_factory) -> Workflow:
    """The small DAG, each step in an environment of its own, made by a stand-in for conda."""
    folder = tmp_path_factory.mktemp("separate")
    path = f"{install(folder / 'conda')}{os.pathsep}{os.environ['PATH']}"
    workflow = Workflow(folder / "run", finished.mirror)
    result = workflow.snakemake("--profile", "workflow/profiles/conda", *small(workflow), PATH=path)
    assert result.returncode == 0, result.stdout
    return workflow


@pytest.mark.long
def test_every_step_runs_with_the_packages_of_its_environment_alone(finished, separate):
    created = list((separate.folder / ".snakemake/conda").glob("*/pyvenv.cfg"))
    assert len(created) == 5
    logs = [path for path in (separate.folder / "results/logs").rglob("*.log") if "published" not in path.parts]
    assert all("belongs to another environment" in log.read_text() for log in logs)
    run = separate.folder / "results/runs/linear/10/esp"
    assert "tensorflow" in xr.open_dataset(run / "trajectory.nc", engine="h5netcdf").attrs["packages"]
    assert "tensorflow" not in xr.open_dataset(run / "spectrum.nc", engine="h5netcdf").attrs["packages"]


@pytest.mark.long
def test_results_do_not_depend_on_how_the_software_was_deployed(finished, separate):
    compared = results(finished, "provenance")
    arrays = [path for path in compared if path.endswith(".nc")]  # their attributes name the packages of the environment
    for path in arrays:
        ours, theirs = (xr.load_dataset(workflow.folder / path, engine="h5netcdf") for workflow in (finished, separate))
        assert ours.equals(theirs), path
    assert differing(finished, separate, [path for path in compared if path not in arrays]) == []


def test_one_step_in_an_environment_of_its_own(tmp_path, mirror):
    workflow = Workflow(tmp_path / "run", mirror)
    path = f"{install(tmp_path / 'conda')}{os.pathsep}{os.environ['PATH']}"
    target = "results/published/linear/10/esp.nc"
    result = workflow.snakemake("--profile", "workflow/profiles/conda", target, *small(workflow), PATH=path)
    assert result.returncode == 0, result.stdout
    assert len(list((workflow.folder / ".snakemake/conda").glob("*/pyvenv.cfg"))) == 1
    log = workflow.folder / "results/logs/published/linear_10_esp.log"
    assert "belongs to another environment" in log.read_text()
    assert "tensorflow" not in xr.open_dataset(workflow.folder / target, engine="h5netcdf").attrs["packages"]


ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environments_ask_for_python_and_pip_of_conda_forge_and_the_wheels_of_the_lock(path):
    content = yaml.safe_load(path.read_text())
    assert content["channels"] == ["conda-forge"]
    assert [entry for entry in content["dependencies"] if isinstance(entry, str)] == ["python=3.12", "pip"]
    lock = locked("requirements-gpu.lock") | locked("requirements.lock")
    for pin in wheels(path):
        name, version = re.fullmatch(r"([a-z0-9-]+)(?:\[[a-z-]+\])?==(\S+)", pin).groups()
        assert lock[name] == version
    pinned = {re.split(r"[\[=]", pin)[0] for pin in wheels(path)}
    assert set(required(wheels(path))) <= pinned  # nothing is left to the day of the installation


def test_the_environment_with_a_gpu_pins_all_of_the_cuda_libraries():
    """TensorFlow's extra gives ranges of them, and they require each other; none is in the lock for every machine."""
    asked = [Requirement(text) for text in metadata.requires("tensorflow") if 'extra == "and-cuda"' in text]
    libraries = {requirement.name: requirement.specifier for requirement in asked}
    assert len(libraries) >= 12
    gpu, everywhere = locked("requirements-gpu.lock"), locked("requirements.lock")
    pins = [Requirement(pin) for pin in wheels(ROOT / "envs/train-gpu.yaml")]
    pinned = {pin.name: str(pin.specifier).removeprefix("==") for pin in pins}
    assert {name for name in pinned if name.startswith("nvidia-")} == set(libraries)
    assert all(libraries[name].contains(pinned[name]) for name in libraries)
    assert gpu.items() <= pinned.items()
    assert {name: version for name, version in gpu.items() if name not in libraries}.items() <= everywhere.items()
    assert not set(libraries) & set(everywhere)


@pytest.mark.long
@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_pip_resolves_every_environment(path, tmp_path):
    if path.stem == "train-gpu":
        pytest.skip("resolving the CUDA wheels downloads gigabytes; their version is TensorFlow's, tested above")
    command = ["-m", "pip", "install", "--dry-run", "--quiet", "--disable-pip-version-check", "--target", str(tmp_path)]
    command += ["--python-version", "3.12", "--only-binary", ":all:"]
    result = subprocess.run([sys.executable, *command, *wheels(path)], text=True, capture_output=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.long
def test_jobs_record_the_versions_of_their_environment(separate):
    for job, environment in (("training/linear_10_esp", "train-cpu"), ("spectrum/linear_10_esp", "spectrum")):
        recorded = json.loads((separate.folder / f"results/provenance/{job}.json").read_text())["packages"]
        pinned = {pin.replace("==", " ") for pin in wheels(ROOT / f"envs/{environment}.yaml")}
        assert set(recorded.split(", ")) <= pinned


def test_the_container_installs_the_lock_and_copies_what_jobs_need():
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes --requirement requirements.lock" in dockerfile
    copied = re.findall(r"^COPY (\S+) ", dockerfile, re.MULTILINE)
    assert copied == ["requirements.lock", "workflow", "scripts", "config", "envs"]
    shown = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert shown == set(copied)
    python = re.search(r"^FROM python:(\S+)-slim$", dockerfile, re.MULTILINE)[1]
    assert all(f"python={python}" in path.read_text() for path in ENVIRONMENTS)


@pytest.mark.long
def test_containerize_lists_every_environment(tmp_path, mirror):
    workflow = Workflow(tmp_path / "run", mirror)
    path = f"{install(tmp_path / 'conda')}{os.pathsep}{os.environ['PATH']}"
    result = workflow.snakemake("--containerize", PATH=path)
    assert result.returncode == 0, result.stdout
    used = {path.stem for path in ENVIRONMENTS} - {"train-gpu"}
    assert all(f"envs/{name}.yaml" in result.stdout for name in used)


@pytest.mark.long
def test_environments_can_be_made_without_running_anything(tmp_path, mirror):
    workflow = Workflow(tmp_path / "run", mirror)
    path = f"{install(tmp_path / 'conda')}{os.pathsep}{os.environ['PATH']}"
    options = ["--profile", "workflow/profiles/conda", "--conda-create-envs-only"]
    result = workflow.snakemake(*options, PATH=path)
    assert result.returncode == 0, result.stdout
    assert len(list((workflow.folder / ".snakemake/conda").glob("*/pyvenv.cfg"))) == 5
    assert not (workflow.folder / "results").exists()


@pytest.mark.long
def test_the_gpu_profile_cannot_be_switched_off_unnoticed(tmp_path, mirror):
    workflow = Workflow(tmp_path, mirror)
    result = workflow.snakemake("--dry-run", "--profile", "workflow/profiles/gpu", "--config", "seeds=2")
    assert result.returncode != 0
    assert "add gpu=True" in result.stdout
    result = workflow.snakemake("--dry-run", "--profile", "workflow/profiles/gpu", "--config", "seeds=2", "gpu=True")
    assert result.returncode == 0, result.stdout
    assert result.stdout.count("gpu=1") == 15  # spectra; the arithmetic of 2018 is the CPU's
    options = ("seeds=2", "gpu=True", "arithmetic=tensorflow")
    result = workflow.snakemake("--dry-run", "--profile", "workflow/profiles/gpu", "--config", *options)
    assert result.stdout.count("gpu=1") == 30
    options = ("gpu=True", "arithmetic=tensorflow", "spectrum={method: lanczos}")
    result = workflow.snakemake("--dry-run", "--profile", "workflow/profiles/gpu", "--config", *options)
    assert result.stdout.count("gpu=1") == 15  # training; products are NumPy's


@pytest.mark.long
def test_a_gpu_that_is_not_there_is_told_and_the_results_are_the_same(finished, tmp_path):
    workflow = Workflow(tmp_path, finished.mirror)
    target, second = (f"results/runs/{name}/10/esp/spectrum.nc" for name in ("linear", "linear-tensorflow"))
    options = ["--profile", "workflow/profiles/gpu", target, second, *small(workflow)]
    result = workflow.snakemake(*options, CUDA_VISIBLE_DEVICES="")
    assert result.returncode == 0, result.stdout
    for rule, name in (("spectrum", "linear"), ("training", "linear-tensorflow")):
        line = f"{rule} {name} 10 esp: a GPU was asked for (resource gpu) and none is visible; computing on the CPU"
        assert line in result.stdout
        assert line in (tmp_path / f"results/logs/{rule}/{name}_10_esp.log").read_text()
        assert json.loads((tmp_path / f"results/provenance/{rule}/{name}_10_esp.json").read_text())["device"] == "CPU"
    assert filecmp.cmp(tmp_path / target, finished.folder / target, shallow=False)


@pytest.mark.long
def test_usable_as_a_module_of_another_workflow_in_another_folder(tmp_path, mirror):
    Workflow(tmp_path / "project", mirror)
    other = Workflow.__new__(Workflow)
    other.folder, other.mirror = tmp_path / "other", mirror
    other.folder.mkdir()
    (other.folder / "Snakefile").write_text(
        'configfile: "../project/config/config.yaml"\n\n'
        'module meanfield:\n    snakefile: "../project/workflow/Snakefile"\n    config: config\n\n'
        "use rule * from meanfield as meanfield_*\n\n"
        'rule mine:\n    default_target: True\n    input:\n        "results/datasets/linear.nc",\n'
    )
    result = other.snakemake("--snakefile", "Snakefile")
    assert result.returncode == 0, result.stdout
    everything = other.snakemake("--snakefile", "Snakefile", "--dry-run", "meanfield_all")
    assert everything.returncode == 0, everything.stdout
    assert re.search(r"^meanfield_training +15$", everything.stdout, re.MULTILINE)
    assert (other.folder / "results/datasets/linear.nc").exists()
    assert not (tmp_path / "project/results").exists()


def test_without_the_projects_configuration_that_is_said_instead_of_every_key(tmp_path, mirror):
    """A module that is given some values alone; a project whose config.yaml is gone, with a file of one's own or without."""
    workflow = Workflow(tmp_path / "project", mirror)
    (tmp_path / "Snakefile").write_text(
        'module meanfield:\n    snakefile: "project/workflow/Snakefile"\n    config: {"seeds": 2}\n\n'
        "use rule * from meanfield\n"
    )
    other = Workflow.__new__(Workflow)
    other.folder, other.mirror = tmp_path, mirror
    said = [other.snakemake("--snakefile", "Snakefile", "--dry-run").stdout]
    (tmp_path / "project/config/config.yaml").unlink()
    (tmp_path / "away").mkdir()
    said.append(workflow.snakemake("--dry-run", "--directory", "../away", *small(workflow)).stdout)
    for output in said:
        [line] = [line for line in output.splitlines() if line.startswith("configuration: ")]
        assert "the project's own config/config.yaml was not read, or no longer says everything; missing: " in line


@pytest.mark.long
def test_all_results_of_a_module_with_a_prefix_lie_beneath_it(tmp_path, mirror):
    """Benchmarks and provenance, too; to the project's own files and to a table of the user's it does not apply."""
    Workflow(tmp_path / "project", mirror)  # in the folder itself, where paths to it look like those of results
    other = Workflow.__new__(Workflow)
    other.folder, other.mirror = tmp_path, mirror
    (tmp_path / "mine.csv").write_text("x,y,class\n" + "".join(f"{i % 7},{(i * i) % 5},{'ab'[i % 2]}\n" for i in range(40)))
    table = {"table": "mine.csv", "target": "class", "test_size": 0.25, "split_seed": 0}
    mine = {"dataset": "mine", "architecture": "2", "updates": 20, "beta_stddev": 0.01, "beta_op_seed": 21}
    settings = {"datasets": {"mine": table}, "experiments": [mine], "activations": ["esp"]}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(settings))
    (tmp_path / "Snakefile").write_text(
        'configfile: "project/config/config.yaml"\nconfigfile: "mine.yaml"\n\n'
        'module meanfield:\n    snakefile: "project/workflow/Snakefile"\n    config: config\n    prefix: "sub"\n\n'
        "use rule * from meanfield as meanfield_*\n"
    )
    result = other.snakemake("--snakefile", "Snakefile", "meanfield_all")
    assert result.returncode == 0, result.stdout
    assert not (tmp_path / "results").exists()
    assert len((tmp_path / "sub/results/benchmarks/summary.csv").read_text().splitlines()) > 5
    command = [sys.executable, "-m", "meanfield.jobs.provenance", "sub/results/videos/mine_2.mp4"]
    variables = {**os.environ, "PYTHONPATH": "project/scripts"}
    said = subprocess.run(command, cwd=tmp_path, env=variables, text=True, capture_output=True)
    assert said.returncode == 0, said.stderr
    for words in ("sub/results/runs/mine/2/esp/trajectory.nc", "sub/results/datasets/mine.nc", "mine.csv"):
        assert words in said.stdout


@pytest.mark.long
def test_every_command_of_the_table_in_the_readme_plans_the_reproduction(tmp_path, mirror):
    table = (ROOT / "README.md").read_text().split("| where | command |")[1].split("\n\n")[0]
    commands = re.findall(r"`(snakemake [^`]+)`", table)
    assert len(commands) >= 6
    workflow = Workflow(tmp_path / "run", mirror)
    path = f"{install(tmp_path / 'conda')}{os.pathsep}{os.environ['PATH']}"
    plans = workflow.forked([["--dry-run", *shlex.split(command)[1:]] for command in commands], PATH=path)
    for command, (status, output) in zip(commands, plans, strict=True):
        assert status == 0, f"{command}\n{output}"
        assert re.search(r"^training +15$", output, re.MULTILINE), command
