"""
The checklist of a release, checked by machine:

    make release                              everything, hours; with CHECKS=… those alone
    python docs/release.py [CHECK…]           the same in an environment of one's own; without names the quick ones

Each check prints one line, and what is wrong below it; the exit status says whether anything is. What is left to a person is
in docs/release.md.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from filecmp import cmp
from itertools import pairwise
from pathlib import Path
from runpy import run_path
from tempfile import TemporaryDirectory

import pandas as pd
import yaml
from markdown_it import MarkdownIt

ROOT = Path(__file__).parent.parent
MARKDOWN = MarkdownIt("commonmark").enable("table")
FOLDERS = "home|root|tmp|work|mnt|Users|opt|var|srv|scratch"  # in which a path of somebody's machine would lie
PATH = re.compile(rf"(?<![\w./}}<+-])/(?:{FOLDERS})/[\w.-]+|\b[A-Z]:\\Users|file://[/\w]")
PRIVATE = re.compile(r"(?<![\w.=^])(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3}\b(?!\.\d)")
BINARY = {".png", ".gif", ".mat", ".mp4", ".nc", ".pdf"}


def tracked(*patterns: str) -> list[Path]:
    """The project's files, as git names them."""
    named = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in named.split("\0") if name]


# Each check yields a line for what is wrong.


def versions() -> Iterator[str]:
    """One version: of the package, the citation, codemeta.json, .zenodo.json and the head of the changelog."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    head = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0]
    said = {
        "CHANGELOG.md": head,
        "CITATION.cff": yaml.safe_load((ROOT / "CITATION.cff").read_text()).get("version"),
        **{name: json.loads((ROOT / name).read_text()).get("version") for name in ("codemeta.json", ".zenodo.json")},
    }
    yield from (f"{name} says {other}, pyproject.toml {version}" for name, other in said.items() if other != version)


def _anchors(page: Path) -> set[str]:
    """The places in a page that a link can name, as GitHub makes them of its headings."""
    tokens = MARKDOWN.parse(page.read_text())
    heads = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def links(pages: list[Path] | None = None) -> Iterator[str]:
    """Every link of a page within the project leads to a file, and to a heading in it."""
    for page in pages or tracked("*.md"):
        inline = [child for token in MARKDOWN.parse(page.read_text()) for child in token.children or ()]
        targets = [str(child.attrs.get("href", child.attrs.get("src", ""))) for child in inline]
        for target in filter(None, targets):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            found = (page.parent / file) if file else page
            if not found.exists():
                yield f"{page.name}: {target} leads nowhere"
            elif anchor and anchor not in _anchors(found):
                yield f"{page.name}: {target} has no such heading"


def places(files: list[Path] | None = None) -> Iterator[str]:
    """No file, results included, carries a path or an address of somebody's machine; lock files carry no address at all."""
    for file in files or sorted({*tracked(), *filter(Path.is_file, (ROOT / "results").rglob("*"))}):
        if file.suffix in BINARY or file == Path(__file__):
            continue
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), start=1):
            address = file.suffix == ".lock" and "://" in line
            if found := PATH.search(line) or PRIVATE.search(line) or (address and re.search(r"\S*://\S*", line)):
                yield f"{file.name}, line {number}: {found.group()}"


def pictures() -> Iterator[str]:
    """The picture of the structure is that of the code; pictures of results are those of results/, where these are."""
    with TemporaryDirectory() as scratch:
        drawn = Path(scratch) / "structure.svg"
        subprocess.run([sys.executable, ROOT / "docs/structure.py", drawn], check=True)
        if not cmp(drawn, ROOT / "docs/images/structure.svg", shallow=False):
            yield "docs/images/structure.svg is not that of the code: make images"
        made = {
            path.name: path for folder in ("figures", "claims", "videos") for path in (ROOT / f"results/{folder}").glob("*")
        }
        shown = [path for path in tracked("docs/images") if path.name in made]
        subprocess.run([sys.executable, ROOT / "docs/shrink.py", scratch, *(made[path.name] for path in shown)], check=True)
        for path in shown:
            if not cmp(Path(scratch) / path.name, path, shallow=False):
                yield f"docs/images/{path.name} is not that of results: make images"


def numbers() -> Iterator[str]:
    """What README and docs say of verdicts, and docs of claims, is what the last runs said, where these are."""
    readme = (ROOT / "README.md").read_text()
    updated = run_path(str(Path(__file__).with_name("agreement.py")))["updated"]
    if updated(readme, pd.read_csv(ROOT / "docs/verdicts.csv")) != readme:
        yield "README.md does not say what docs/verdicts.csv says: make images"
    results = {"docs/verdicts.csv": "verification/verdicts.csv", "docs/claims.csv": "claims/claims.csv"}
    for page, result in results.items():
        if not (ROOT / "results" / result).exists():
            yield f"results/{result} is absent: make reproduce, and make ensemble"
            continue
        kept = pd.read_csv(ROOT / page)
        if not kept.equals(pd.read_csv(ROOT / "results" / result)[list(kept)]):
            yield f"{page} is not results/{result}: make images"


def clean() -> Iterator[str]:
    """Nothing is uncommitted."""
    said = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    yield from said.splitlines()


def made(*arguments: str) -> Callable[[], Iterator[str]]:
    """A check that `make` does, with these arguments."""
    said = f"make {' '.join(arguments)}"

    def check() -> Iterator[str]:
        if subprocess.run(["make", *arguments], cwd=ROOT).returncode:
            yield f"{said} failed"

    check.__doc__ = f"{said}."
    return check


def archive() -> Iterator[str]:
    """make archive, and make check-archive of what it made."""
    if failed := list(made("archive")()):
        yield from failed
        return
    found = sorted((ROOT / "build").glob("*.zip"), key=lambda path: path.stat().st_mtime)
    yield from made("check-archive", f"ARCHIVE={found[-1]}")() if found else ["no archive was made"]


QUICK = {"versions": versions, "links": links, "places": places, "clean": clean}
CHECKS = QUICK | {
    "lint": made("lint"),
    "tests": made("test-all"),
    "reproduction": made("reproduce"),
    "verdicts": made("verify"),
    "claims": made("ensemble"),
    "pictures": pictures,
    "numbers": numbers,
    "archive": archive,
}

if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - {*CHECKS, "all"}:
        sys.exit(f"no check {', '.join(sorted(unknown))}; there are: all, {', '.join(CHECKS)}")
    chosen = CHECKS if "all" in sys.argv else sys.argv[1:] or QUICK
    wrong = 0
    for name in chosen:
        failures = list(CHECKS[name]())
        wrong += len(failures)
        print(
            f"{'WRONG' if failures else 'holds'}  {name}: {(CHECKS[name].__doc__ or '').strip()}", *failures, sep="\n       "
        )
    sys.exit(bool(wrong))
