"""What results say of themselves: every file against results/README.md, line by line; CF; readers in other languages."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pictures
import pytest
import xarray as xr
from conftest import ROOT, Workflow
from meanfield.data import storage
from nbclient import NotebookClient

PAGE = (ROOT / "results/README.md").read_text()


def rows(head: str) -> list[list[str]]:
    """The rows of the page's table whose first column has this head."""
    _, *lines = PAGE.split(f"| {head} |\n")[1].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def words(text: str) -> list[str]:
    """What stands in code spans, {score} as that of the published tasks."""
    return [word.replace("{score}", "accuracy") for word in re.findall(r"`([^`]+)`", text)]


def patterns(cell: str) -> list[re.Pattern]:
    """The paths that a cell of the page names; an ending by itself goes with the path before it."""
    found = []
    for path in words(cell):
        stem = found[-1].rsplit(".", 1)[0] if path.startswith(".") else ""
        found += [stem + path]
    expressions = (re.sub(r"\\\{([\w,.\\]+)\\\}", _holder, re.escape(path).replace("…", ".+")) for path in found)
    return [re.compile(expression) for expression in expressions]


def _holder(match: re.Match) -> str:
    inside = match[1].replace("\\", "")
    return f"({inside.replace(',', '|')})" if "," in inside else "[^/]+"


@pytest.fixture(scope="module")
def planned(tmp_path_factory, mirror) -> list[str]:
    """All results that the workflow can make: those of the published configuration, of the ensemble, and what is extra."""
    workflow = Workflow(tmp_path_factory.mktemp("planned"), mirror)
    extra = workflow.snakemake("--dry-run", "all", "tolerances", "deviations")
    ensemble = workflow.snakemake("--dry-run", "claims", "--configfile", "config/ensemble.yaml")
    pieces = workflow.snakemake("--dry-run", "tables", "--config", "seeds=2", "seeds_per_job=1")
    said = extra.stdout + ensemble.stdout + pieces.stdout
    outputs = re.findall(r"^    (?:output|log|benchmark): (.*)$", said, re.MULTILINE)
    assert len(outputs) > 100
    paths = {path.split(" (")[0].removeprefix("results/") for line in outputs for path in line.split(", ")}
    return sorted(paths | {"provenance/training/linear_10_esp.json"})


@pytest.mark.long
def test_the_page_lists_every_result_and_nothing_else(planned):
    listed = {cell: patterns(cell) for cell, _ in rows("file | holds")}
    for cell, expressions in listed.items():
        for expression in expressions:
            assert any(map(expression.fullmatch, planned)), f"no result is {cell}"
    for path in planned:
        assert any(expression.fullmatch(path) for expressions in listed.values() for expression in expressions), path


def arrays(finished) -> dict[str, xr.Dataset]:
    folder = finished.folder / "results"
    return {str(path.relative_to(folder)): storage.read(path) for path in sorted(folder.rglob("*.nc"))}


def test_variables_and_their_dimensions_are_as_the_page_says(finished):
    for cell, holds in rows("file | holds"):
        if not cell.endswith(".nc`") or cell.startswith("`published"):
            continue
        always = holds.split("At the configured")[0].split("Of all but")[0]
        dims = {
            name: tuple(found[2].split(", "))
            for found in re.finditer(r"((?:`[^`]+`,? ?)+) ?\[([^]]+)\]", holds)
            for name in words(found[1])
        }
        for path, dataset in arrays(finished).items():
            if patterns(cell)[0].fullmatch(path):
                coordinates = {"seed", "update", "vector_update", "parameter", "mode"}
                assert set(words(always)) & set(dims) <= set(dataset.variables) <= set(dims) | coordinates, path
                assert all(variable.dims == dims[name] for name, variable in dataset.data_vars.items()), path


def test_attributes_are_as_the_page_says_and_every_variable_is_described(finished):
    said = rows("files | attributes")
    assert len(said) == 6
    folder = finished.folder / "results"
    for cell, attributes in said:
        for path in {path for pattern in words(cell) for path in folder.glob(pattern)}:
            dataset = storage.read(path)
            expected = words(re.split("each array|; with", attributes)[0])
            assert set(expected) <= set(dataset.attrs), path
            for array in dataset.data_vars.values() if "each array" in attributes else ():
                assert {"source", "address", "sha256"} <= set(array.attrs)
    for path, dataset in arrays(finished).items():
        for name, variable in dataset.variables.items():
            assert variable.attrs["long_name"], (path, name)
            assert (variable.attrs.get("units") == "1") == (variable.dtype.kind in "fiu"), (path, name)


def test_one_configuration_one_hash(finished):
    found = {path: dataset.attrs for path, dataset in arrays(finished).items() if path.endswith("spectrum.nc")}
    assert len({attributes["configuration_sha256"] for attributes in found.values()}) == len(found) == 3
    for attributes in found.values():
        settings = json.loads(attributes["configuration"])
        assert settings["training"]["updates"] == 300
        assert settings["activation"] == attributes["activation"]
        assert {"dataset", "initial", "spectrum"} <= set(settings)


def test_columns_of_the_tables_are_as_the_page_says(finished):
    results = finished.folder / "results"
    table = storage.read_table(results / "runs/linear/10/relu/indices.csv")
    columns = rows("column of indices.csv | meaning")
    sometimes = {name for cell, meaning in columns for name in words(cell) if meaning.startswith("only with")}
    assert set(table) == {name for cell, _ in columns for name in words(cell)} - sometimes
    assert table.iloc[0][["dataset", "architecture", "activation"]].tolist() == ["linear", "10", "relu"]
    for path in results.rglob("*.csv"):
        if "benchmarks" not in path.parts:
            assert list(pd.read_csv(path))[-1] == "source", path


@pytest.mark.long
def test_files_comply_with_cf(finished):
    paths = list((finished.folder / "results").rglob("*.nc"))
    skipped = "check_coordinate_variables_strict_monotonicity"  # fails by itself at names: the parameters'
    checker = Path(sys.executable).with_name("compliance-checker")
    command = [checker, "--test=cf:1.11", "--criteria=strict", f"--skip-checks={skipped}", *paths]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    assert result.stdout.count("All tests passed!") == len(paths)


def snippet(language: str) -> str:
    return re.search(rf"```{language}\n(.*?)```", (ROOT / "docs/files.md").read_text(), re.DOTALL)[1]


@pytest.fixture
def alone(finished, tmp_path):
    """A folder with one spectrum.nc and nothing else."""
    shutil.copy(finished.folder / "results/runs/linear/10/relu/spectrum.nc", tmp_path)
    return tmp_path


def test_a_stranger_with_one_file_learns_what_it_is_and_draws_it(alone):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("%matplotlib inline\n" + snippet("python"))])
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(alone)}}).execute()
    [printed, *_] = [output.text for output in notebook.cells[0].outputs if output.output_type == "stream"]
    for said in ("linear 10 relu", "sigmoid cross-entropy", "published", "adam", "classification", "[1]"):
        assert said in printed.replace("1  ", "[1]"), said
    assert not pictures.blank(alone / "spectrum.png")


def test_the_reader_in_r(alone, finished):
    present = shutil.which("Rscript") and subprocess.run(["Rscript", "-e", "library(ncdf4)"], capture_output=True)
    if not present or present.returncode:
        pytest.skip("R with its package ncdf4 is not here")
    (alone / "read.R").write_text(snippet("r"))
    result = subprocess.run(["Rscript", "read.R"], capture_output=True, text=True, cwd=alone)
    assert result.returncode == 0, result.stderr
    assert "loss : sigmoid cross-entropy" in result.stdout
    table = storage.read_table(finished.folder / "results/runs/linear/10/relu/indices.csv")
    gamma = table[table.seed == 1].gamma.iloc[-1]
    assert float(result.stdout.split("gamma =")[1]) == pytest.approx(gamma, abs=1e-12)
