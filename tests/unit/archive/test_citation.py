"""CITATION.cff and what is made from it."""

import tomllib

from examples import ROOT
from meanfield.archive import citation


def test_codemeta_and_zenodo_are_those_of_the_citation():
    for name, content in citation.files(ROOT).items():
        assert (ROOT / name).read_text(encoding="utf-8") == content, "make citation"


def test_the_version_is_that_of_the_package():
    assert citation.read(ROOT)["version"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_groups_are_organizations_and_people_have_names():
    cited = {
        "title": "A title", "abstract": "About", "version": "1", "license": "MIT", "keywords": ["one"],
        "authors": [{"name": "A group"}, {"given-names": "Ada", "family-names": "Lovelace"}],
        "references": [],
    }  # fmt: skip
    assert [author["@type"] for author in citation.codemeta(cited)["author"]] == ["Organization", "Person"]
    assert [creator["name"] for creator in citation.zenodo(cited)["creators"]] == ["A group", "Lovelace, Ada"]
