"""
Writes what README says about agreement with the publication, from the verdicts of a run, so that it cannot say more.

    python docs/agreement.py README.md docs/verdicts.csv [results/verification/verdicts.csv]

With the last, docs/verdicts.csv is first made from it, reasons aside, which name places of one machine. (`make images` does
so; a test holds README to docs/verdicts.csv.)
"""

import re
import sys
from pathlib import Path

import pandas as pd

BLOCK = re.compile(r"(?<=<!-- from docs/verdicts.csv -->\n).*?(?=<!-- end -->)", re.DOTALL)
WORDS = {
    "identical": "are identical in every bit",
    "within float32 rounding": "lie within the rounding of a float32 sum",
    "within the solver's resolution": "lie within the resolution of a symmetric eigenvalue solver, P·ε of the largest",
    "follows from the eigenvalues": "follow from eigenvalues that no solver resolves (α of ReLU, which contains round-off)",
    "like a re-training": "lie among re-trainings with rounding at random",
    "differs": "differ",
    "not comparable (stand-in data)": "are not comparable, since the data are a stand-in",
}


def listed(runs: pd.Series) -> str:
    """Runs by task and architecture, in their order."""
    return ", ".join(dict.fromkeys(" ".join(run.split()[:-1]) for run in runs))


def paragraph(table: pd.DataFrame) -> str:
    """The verdicts in words: what was compared, how it came out, and of what nothing is claimed."""
    judged = table[table.verdict != "not available"]
    arrays = judged[judged.quantity == "cost"].run
    others = judged.run[~judged.run.isin(arrays)].drop_duplicates()
    counts = judged.verdict.value_counts()
    results = ", ".join(f"{counts[verdict]} {words}" for verdict, words in WORDS.items() if verdict in counts)
    lines = [f"{len(judged)} comparisons: {results}." + ("" if "differs" in counts else " None differs.")]
    if len(arrays):
        costs = judged[judged.quantity == "cost"]
        exact = (costs.verdict == "identical").sum()
        worst = judged[judged.quantity.isin(["eigenvalues", "hessians"])].worst.max()
        lines.append(
            f"Compared array by array: {listed(arrays)}. {exact} of these {len(costs)} runs have the published cost at "
            f"every record; eigenvalues and Hessians differ by at most {worst:.1e} of the largest."
        )
    if len(others):
        lines.append(
            f"By headline figures alone, since their arrays were not at hand: {listed(others)}. Of their arrays nothing is "
            "claimed here; with a network the same command compares them."
        )
    return "\n".join(lines) + "\n"


def updated(readme: str, table: pd.DataFrame) -> str:
    """README with the paragraph in its place."""
    text, places = BLOCK.subn(lambda _: paragraph(table), readme)
    if places != 1:
        raise SystemExit("README has no place for what docs/verdicts.csv says")
    return text


if __name__ == "__main__":
    path, kept, *fresh = map(Path, sys.argv[1:])
    for verdicts in fresh:
        pd.read_csv(verdicts).drop(columns=["tolerance_from", "source"]).to_csv(kept, index=False)
    path.write_text(updated(path.read_text(), pd.read_csv(kept)))
