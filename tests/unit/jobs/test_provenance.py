import json
import sys

import pytest
from meanfield.errors import MeanfieldError
from meanfield.jobs import provenance


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A download and a table made from it."""
    monkeypatch.chdir(tmp_path)
    for path, text in (("results/datasets/a.nc", "data"), ("results/table.csv", "1"), ("results/datasets/a.json", "")):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    origin = {"source": "mirror", "address": "https://example.org/a.mat", "sha256": "f" * 64}
    (tmp_path / "results/datasets/a.json").write_text(json.dumps(origin))
    provenance.record("dataset/a", {}, [], ["results/datasets/a.nc"], {"seeds": 1, "mirror": None}, 1, "CPU")
    provenance.record(
        "tables/tables",
        {"scripts/tables.py": "e" * 64},
        ["results/datasets/a.nc"],
        ["results/table.csv"],
        {"seeds": 1, "mirror": "x"},
        2,
        "GPU",
    )
    return tmp_path


def test_chain_leads_to_the_download(results):
    text = "\n".join(provenance.chain("results/table.csv"))
    assert (
        text.index("results/table.csv")
        < text.index("results/datasets/a.nc")
        < text.index("from mirror: https://example.org")
    )
    assert "2 thread(s), GPU" in text
    assert "numpy " in text
    assert "CHANGED" not in text


def test_the_python_that_ran_is_recorded_and_shown(results):
    """Two implementations, or two versions, of the same packages may differ in hashes, rounding of text, or order."""
    version = ".".join(map(str, sys.version_info[:3]))
    recorded = json.loads((results / "results/provenance/tables/tables.json").read_text())["python"]
    assert recorded.lower() == f"{sys.implementation.name} {version}"
    assert recorded in "\n".join(provenance.chain("results/table.csv"))


def test_changed_and_unknown_results(results):
    (results / "results/datasets/a.nc").write_text("other")
    [line] = [line for line in provenance.chain("results/table.csv") if "CHANGED" in line]
    assert "a.nc" in line
    with pytest.raises(MeanfieldError, match="recorded by no job"):
        provenance.chain("results/nothing.csv")


def test_configuration_hash_ignores_the_mirror_and_the_order():
    first = provenance.configuration_hash({"seeds": 1, "mirror": None, "averaging": "float32"})
    assert first == provenance.configuration_hash({"averaging": "float32", "seeds": 1, "mirror": "/a"})
    assert first != provenance.configuration_hash({"seeds": 2, "averaging": "float32"})


def test_code_version(tmp_path):
    assert provenance.code_version(tmp_path) == "unknown"
