"""The files behind a script: packages with their __init__, lazy imports, nothing that is not imported."""

import pytest
from examples import ROOT
from meanfield.jobs.dependencies import of_script


def test_modules_packages_and_files_beside_are_found(tmp_path):
    files = {
        "step.py": "from core.upper import first\n\ndef lazy():\n    from core.upper.second import value\n",
        "core/__init__.py": "",
        "core/upper/__init__.py": "",
        "core/upper/first.py": "import os\nfrom core.lower.ground import thing\n",
        "core/upper/second.py": "value = 1\n",
        "core/upper/third.py": "raise SystemExit('nothing is run')\n",
        "core/lower/__init__.py": "",
        "core/lower/ground.py": "thing = 2\n",
        "core/lower/page.html": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = {str(path.relative_to(tmp_path)) for path in of_script(tmp_path / "step.py", "core/lower/page.html")}
    assert found == set(files) - {"core/upper/third.py"}


@pytest.mark.parametrize("script", ["indices", "tables", "curves", "networks", "video", "explorer", "verify"])
def test_steps_that_do_without_tensorflow_do_not_depend_on_its_code(script):
    assert not [path.name for path in of_script(ROOT / f"scripts/{script}.py") if "tensorflow" in path.name]
