"""The release's checklist: its quick checks hold of the project, and each finds what is wrong."""

import os
import runpy
import shutil
import subprocess
import sys

import pytest
from examples import ROOT

RELEASE = runpy.run_path(str(ROOT / "docs/release.py"))


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A project in a folder with a blank, and a `make` that notes its arguments, a line each, and archives nothing."""
    (root := tmp_path / "a project").mkdir()
    monkeypatch.setitem(RELEASE["made"].__globals__, "ROOT", root)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "make").write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >> '{root}/made'\ntest ! -e '{root}/fails'\n")
    (tmp_path / "make").chmod(0o755)
    return root


@pytest.mark.parametrize("check", ["versions", "links", "places"])
def test_quick_checks_hold(check):
    """Of what git has; results may be those of anybody's mirror."""
    wrong = RELEASE[check](*[RELEASE["tracked"]()] * (check == "places"))
    assert [line for line in wrong if not line.startswith("CHANGELOG.md says Unreleased")] == []  # between two releases


def test_a_link_that_leads_nowhere_is_named(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One & two\n\n[a](#one--two) [b](page.md#three) ![c](gone.png) [d](https://example.org/x)\n")
    assert list(RELEASE["links"]([page])) == [
        "page.md: page.md#three has no such heading",
        "page.md: gone.png leads nowhere",
    ]


@pytest.mark.parametrize(
    "line", ["cd /" + "home/me/project", "at 192." + "168.1.7:8080", "C:" + "\\Users\\me", "file:" + "///x"]
)
def test_a_place_of_a_machine_is_named(tmp_path, line):
    (file := tmp_path / "notes.txt").write_text(f"first\nsee {line}\n")
    [said] = RELEASE["places"]([file])
    assert said.startswith("notes.txt, line 2: ")


def test_addresses_are_found_in_lock_files_alone(tmp_path):
    for name in ("a.lock", "a.md"):
        (tmp_path / name).write_text("x @ https://example.org/x.whl\nnumpy==1.2.3.4\n")
    assert list(RELEASE["places"]([tmp_path / "a.lock"])) == ["a.lock, line 1: https://example.org/x.whl"]
    assert list(RELEASE["places"]([tmp_path / "a.md"])) == []


def test_a_place_in_results_is_named(elsewhere):
    subprocess.run(["git", "init", "--quiet"], cwd=elsewhere, check=True)
    (elsewhere / "results/runs").mkdir(parents=True)
    (elsewhere / "results/runs/a.csv").write_text("a\nnot from /" + "mnt/mirror: nothing\n")
    (elsewhere / "results/b.html").write_text("of file:" + "// and ^10.1.2.3\n")  # as libraries in pages have it
    (elsewhere / "results/c.mp4").write_bytes(b"\xff")
    assert list(RELEASE["places"]()) == ["a.csv, line 2: /" + "mnt/mirror"]


def test_what_was_archived_is_checked_unless_that_failed(elsewhere):
    (elsewhere / "build").mkdir()
    (elsewhere / "build/meanfield-1.zip").touch()
    assert list(RELEASE["archive"]()) == []
    made = ["archive", "check-archive", f"ARCHIVE={elsewhere}/build/meanfield-1.zip"]
    assert (elsewhere / "made").read_text().splitlines() == made
    (elsewhere / "fails").touch()
    assert list(RELEASE["archive"]()) == ["make archive failed"]
    assert (elsewhere / "made").read_text().splitlines() == [*made, "archive"]


def test_numbers_that_are_not_those_of_results_are_named(elsewhere):
    for name in ("README.md", "docs/verdicts.csv", "docs/claims.csv"):
        (elsewhere / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, elsewhere / name)
    for kept, result in (("verdicts", "verification"), ("claims", "claims")):
        (elsewhere / f"results/{result}").mkdir(parents=True)
        shutil.copy(ROOT / f"docs/{kept}.csv", elsewhere / f"results/{result}/{kept}.csv")
    assert list(RELEASE["numbers"]()) == []
    readme = elsewhere / "README.md"
    readme.write_text(readme.read_text().replace(" comparisons: ", "0 comparisons: "))
    assert list(RELEASE["numbers"]()) == ["README.md does not say what docs/verdicts.csv says: make images"]
    verdicts = elsewhere / "results/verification/verdicts.csv"
    verdicts.write_text(verdicts.read_text().replace("identical", "differs"))
    assert list(RELEASE["numbers"]())[1:] == ["docs/verdicts.csv is not results/verification/verdicts.csv: make images"]


def test_checks_that_there_are_not_are_refused():
    command = [sys.executable, ROOT / "docs/release.py", "links", "luck"]
    said = subprocess.run(command, capture_output=True, text=True)
    assert said.returncode
    assert said.stderr.startswith("no check luck; there are: all, versions")


def test_the_page_lists_the_checks_in_their_order():
    rows = [
        line.split("|")[1].strip() for line in (ROOT / "docs/release.md").read_text().splitlines() if line.startswith("| ")
    ]
    assert rows[1:] == list(RELEASE["CHECKS"])
