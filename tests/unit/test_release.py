"""The release's checklist: its quick checks hold of the project, and each finds what is wrong."""

import runpy
import subprocess
import sys

import pytest
from examples import ROOT

RELEASE = runpy.run_path(str(ROOT / "docs/release.py"))


@pytest.mark.parametrize("check", ["versions", "links", "places"])
def test_quick_checks_hold(check):
    wrong = RELEASE["CHECKS"][check]()
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
