"""README says of agreement what the verdicts of a run say, and no more."""

import re
import runpy

import pandas as pd
import pytest
from examples import ROOT

AGREEMENT = runpy.run_path(str(ROOT / "docs/agreement.py"))


def test_readme_says_what_the_verdicts_say():
    readme = (ROOT / "README.md").read_text()
    verdicts = pd.read_csv(ROOT / "docs/verdicts.csv")
    assert AGREEMENT["updated"](readme, verdicts) == readme, "python docs/agreement.py README.md docs/verdicts.csv"


def test_another_outcome_is_other_words():
    rows = [("linear 10 esp", "cost", "identical", 0.0), ("linear 10 esp", "eigenvalues", "differs", 0.5)]
    table = pd.DataFrame(
        [*rows, ("digits 25 esp", "cost_last", "identical", 0.0)], columns=["run", "quantity", "verdict", "worst"]
    )
    said = AGREEMENT["paragraph"](table)
    assert "1 differ." in said
    assert "None differs" not in said
    assert "Compared array by array: linear 10. 1 of these 1 runs" in said
    assert "By headline figures alone, since their arrays were not at hand: digits 25." in said


def test_a_readme_without_the_place_is_an_error():
    with pytest.raises(SystemExit, match="has no place"):
        AGREEMENT["updated"]("# Title", pd.DataFrame(columns=["run", "quantity", "verdict", "worst"]))


def test_readme_names_the_environment_with_the_first_command_that_needs_it():
    paragraphs = (ROOT / "README.md").read_text().split("\n\n")
    first = next(text for text in paragraphs if re.search(r"`[^`]*(snakemake --|python -m)", text))
    assert "`source .venv/bin/activate`" in first


def test_every_file_that_a_page_names_is_there():
    """Paths of the project in README, docs and the like; those with placeholders aside."""
    pages = [ROOT / "README.md", *ROOT.glob("*/README.md"), *ROOT.glob("docs/*.md")]
    absent = {}
    for page in pages:
        named = re.findall(r"(?<![\w/.])((?:scripts|tests|docs|config|envs|workflow)/[\w./-]*\w)", page.read_text())
        if missing := sorted({path for path in named if not (ROOT / path).exists()}):
            absent[page.name] = missing
    assert absent == {}
