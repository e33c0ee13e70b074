"""The teaching notebook: stored without outputs, it runs in a minute, and shows what its words say."""

import time

import nbformat
import pytest
from examples import ROOT
from nbclient import NotebookClient

NOTEBOOK = ROOT / "docs/notebook.ipynb"


def stored() -> nbformat.NotebookNode:
    """The notebook as it is in git."""
    return nbformat.read(NOTEBOOK, as_version=4)


def test_it_is_stored_without_outputs_in_nbformats_own_bytes():
    notebook = stored()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert [cell for cell in code if cell.outputs or cell.execution_count is not None] == []
    assert [cell.metadata for cell in notebook.cells if cell.metadata] == []
    assert NOTEBOOK.read_text() == nbformat.writes(notebook) + "\n"


CHECKS = """
plateau_cost, last_cost = costs[plateau], costs[-1]
assert 0.98 < plateau_cost / best_linear < 1, "it rests at what a straight line can do"
assert last_cost < best_linear / 10, "the cost falls once more"
assert float(spectrum.lambda_min) < -spectrum.tolerance, "there are ways down on the plateau"
assert float(end.lambda_min) > float(spectrum.lambda_min) / 10, "the steepest is much weaker at the end"
assert abs(hessian @ v - difference).max() < 1e-7 * abs(difference).max(), "H v is how the gradient changes"
flat = {name: float(run.gamma.max()) for name, run in runs.items()}
assert [name for name in flat if flat[name]] == ["relu"], "only ReLU has flat directions"
"""
"""What the text says of the results; an assertion that fails is raised by the kernel."""


@pytest.fixture(scope="module")
def executed():
    """Run in a kernel, in the notebook's own folder; `seconds` in its metadata is how long it took."""
    notebook = stored()
    notebook.cells.append(nbformat.v4.new_code_cell(CHECKS))
    start = time.monotonic()
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    notebook.metadata["seconds"] = time.monotonic() - start
    return notebook


@pytest.mark.long
def test_it_runs_within_a_minute_and_draws(executed):
    assert executed.metadata["seconds"] < 60
    outputs = [output for cell in executed.cells for output in cell.get("outputs", ())]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 6
    assert [output for output in outputs if output.get("name") == "stderr"] == []  # warnings
