"""Supply chain: every package pinned by its hash, no step that downloads code."""

import re
from pathlib import Path

import pytest
from conftest import ROOT

LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-gpu.lock"]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_by_hash_and_no_address_is_named(lock):
    text = (ROOT / lock).read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z0-9,_-]+\])?==\S+", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
    assert "://" not in text
    assert "--index-url" not in text


def test_make_installs_with_hashes_alone():
    installs = [line for line in (ROOT / "Makefile").read_text().splitlines() if "pip install" in line]
    assert len(installs) >= 2
    for line in installs:
        assert "--require-hashes" in line or "tests/benchmarks/requirements.txt" in line, line


def sources() -> list[Path]:
    """All code that a run executes."""
    return [
        path
        for folder in ("scripts", "workflow")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".smk", ".js") or path.name == "Snakefile"
    ]


FORBIDDEN = [
    r"\bpip\b.*install",
    r"\beval\(",
    r"\bexec\(",
    r"pickle\.load",
    r"allow_pickle=True",
    r"\bos\.system",
    r"shell=True",
    r"^\s*shell:",
]
PRINTED = {
    r"\bpip\b.*install": [
        'provenance.py:         lines.append("pip install --require-hashes --requirement requirements.lock")'
    ]
}
"""What stands in a text for people."""
NETWORK = [
    r"\brequests\b",
    r"\burllib\b(?!\.parse)",
    r"\bsocket\b",
    r"\bpooch\.(?!file_hash)",
    r"fetch\(",
    r"XMLHttpRequest",
]


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_no_step_runs_what_it_downloads(pattern):
    found = [
        f"{path.name}: {line}" for path in sources() for line in path.read_text().splitlines() if re.search(pattern, line)
    ]
    assert found == PRINTED.get(pattern, [])


def test_the_network_is_used_in_one_place():
    users = {path.name for path in sources() for pattern in NETWORK if re.search(pattern, path.read_text())}
    assert users == {"published.py", "validator.py"}, "the latter, of archives, answers requests itself"
    run = [path for path in sources() if path.parent.name != "archive"]  # where addresses are names of vocabularies
    addresses = {path.name for path in run if re.search(r"https?://(?!127\.0\.0\.1)", path.read_text())}
    assert addresses <= {"published.py"}
