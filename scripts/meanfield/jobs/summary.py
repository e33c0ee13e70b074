"""What is said at the end of a run: how long it took, where to look first, verdicts, and data that were not published."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

RUN = ("dataset", "architecture", "activation")
FIRST = {
    "explorer.html": "every run, to move through training by hand",
    "tables/summary.html": "a line a run: cost, accuracy, α and γ at its first and last record",
    "claims/claims.html": "the claims, restated in this project's words, judged",
    "verification/verdicts.html": "a verdict on every published number",
}
"""What to look at first, under results/, and what it shows."""


def ending(seconds: float, results: str | Path) -> list[str]:
    """How long the run took, and those of the FIRST results that there are."""
    there = {Path(results) / name: what for name, what in FIRST.items() if (Path(results) / name).exists()}
    widest = max((len(str(path)) for path in there), default=0)
    took = f"Done in {int(seconds) // 60} min {int(seconds) % 60:02d} s."
    return [took + " Look first at" if there else took, *(f"  {path!s:{widest}}  {what}" for path, what in there.items())]


def replaced(table: str | Path, runs: Sequence[dict]) -> str:
    """A line for people if a summary holds runs other than these, whose tables are about to replace it; else nothing."""
    if not Path(table).exists():
        return ""
    with open(table, newline="") as stream:
        earlier = {tuple(row[key] for key in RUN) for row in csv.DictReader(stream)}
    lost = sorted(earlier - {tuple(run[key] for key in RUN) for run in runs})
    if not lost:
        return ""
    return (
        f"WARNING: {Path(table).parent} is of another configuration: {len(lost)} of its {len(earlier)} runs, such as "
        f"{' '.join(lost[0])}, are not in this one, whose tables, figures and explorer take the place of theirs. To keep "
        "both, stop, and give this one a folder of its own: --directory FOLDER\n"
    )


def verdicts(page: str | Path) -> str:
    """The sentence of verdicts.md on how many comparisons came to which verdict; empty if there is no such file."""
    lines = Path(page).read_text().splitlines() if Path(page).exists() else []
    return next((line.rstrip(".") for line in lines if line.startswith("verification: ")), "")


def stand_ins(origins: Iterable[Path]) -> str:
    """A warning that names the datasets which are stand-ins, and the way to replace them; `origins` their JSON files."""
    names = [path.stem for path in origins if path.exists() and json.loads(path.read_text())["source"] == "stand-in"]
    if not names:
        return ""
    return (
        f"WARNING: stand-in data, not the published: {', '.join(names)}. All results from them are marked. To use the "
        "published files, connect to the network or set MEANFIELD_MIRROR, and run again with --forcerun dataset"
    )
