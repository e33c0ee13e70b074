"""What is said at the end of a run: verdicts, and which data are not the published ones."""

import csv
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path


def verdicts(table: str | Path) -> str:
    """How many comparisons with the publication came to which verdict, from verdicts.csv; empty if there is none."""
    if not Path(table).exists():
        return ""
    with open(table) as stream:
        counts = Counter(row["verdict"] for row in csv.DictReader(stream))
    return "verification: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())


def stand_ins(origins: Iterable[Path]) -> str:
    """A warning that names the datasets which are stand-ins, and the way to replace them; `origins` their JSON files."""
    names = [path.stem for path in origins if path.exists() and json.loads(path.read_text())["source"] == "stand-in"]
    if not names:
        return ""
    return (
        f"WARNING: stand-in data, not the published: {', '.join(names)}. All results from them are marked. To use the "
        "published files, connect to the network or set MEANFIELD_MIRROR, and run again with --forcerun dataset"
    )
