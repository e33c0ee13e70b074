"""The rooms of the core: each imports only what stands below it, and its name costs nothing."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from examples import ROOT


def linted(folder: Path) -> subprocess.CompletedProcess:
    """What import-linter says of the core in a folder, by the project's own contract."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": "scripts", "PATH": "", "COLUMNS": "200"}, text=True, capture_output=True
    )


def test_each_room_imports_only_rooms_below_it():
    result = linted(ROOT)
    assert result.returncode == 0, result.stdout
    assert "2 kept, 0 broken" in result.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("model/losses.py", "from meanfield.figures import style"),
        ("training/schedule.py", "def late():\n    from meanfield.curvature import hessian"),
        ("errors.py", "import meanfield.jobs.plan"),
        ("curvature/inertia.py", "import tensorflow"),
    ],
)
def test_an_import_from_above_is_noticed(tmp_path, module, line):
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    with open(tmp_path / "scripts/meanfield" / module, "a") as stream:
        stream.write(f"\n{line}\n")
    result = linted(tmp_path)
    assert result.returncode == 1
    assert "1 kept, 1 broken" in result.stdout
    assert module.removesuffix(".py").replace("/", ".") in result.stdout


def test_every_room_has_a_place_in_the_order():
    """A new room, or a module beside the rooms, that the contract forgets would be held to nothing."""
    core = ROOT / "scripts/meanfield"
    found = {path.stem for path in core.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()} - {"__init__"}
    text = (ROOT / "pyproject.toml").read_text()
    assert found == {name for name in found if f'"meanfield.{name}",' in text}


def test_no_module_is_longer_than_300_lines():
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / "scripts").rglob("*.py")}
    assert {str(path): length for path, length in lengths.items() if length > 300} == {}


def test_importing_the_package_loads_nothing_else(tmp_path):
    """TensorFlow, NumPy and the like come with the modules that need them."""
    code = "import sys; before = set(sys.modules); import meanfield; print(*set(sys.modules) - before)"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT / "scripts")}, text=True, capture_output=True)
    assert result.stdout.split() == ["meanfield"], result.stderr


def test_every_rule_is_in_the_picture():
    drawn = (ROOT / "docs/images/structure.svg").read_text()
    rules = {path.stem for path in (ROOT / "scripts").glob("*.py")} - {"benchmarks"}
    assert {rule for rule in rules if f">{rule}</text>" not in drawn} == set()


def test_the_picture_is_that_of_the_code(tmp_path):
    command = [sys.executable, str(ROOT / "docs/structure.py"), str(tmp_path / "structure.svg")]
    result = subprocess.run(command, text=True, capture_output=True)
    assert result.returncode == 0, result.stderr
    drawn = (tmp_path / "structure.svg").read_bytes()
    assert drawn == (ROOT / "docs/images/structure.svg").read_bytes(), "python docs/structure.py docs/images/structure.svg"
