"""The verdicts, and their table for people: one row a run, one column a quantity, in Markdown, and one sentence."""

import pandas as pd

IDENTICAL, FLOAT32, RESOLUTION = "identical", "within float32 rounding", "within the solver's resolution"
FOLLOWS, RETRAINING, DIFFERS = "follows from the eigenvalues", "like a re-training", "differs"
NOT_COMPARABLE, NOT_AVAILABLE = "not comparable (stand-in data)", "not available"
VERDICTS = (IDENTICAL, FLOAT32, RESOLUTION, FOLLOWS, RETRAINING, DIFFERS, NOT_COMPARABLE, NOT_AVAILABLE)

SIGNS = dict(zip(VERDICTS, ("=", "f", "s", "e", "r", "≠", "–", "·"), strict=True))


def overview(table: pd.DataFrame) -> pd.DataFrame:
    """Verdicts by run and quantity, as far as any run has the quantity; empty where there is none."""
    wide = table.pivot(index="run", columns="quantity", values="verdict")
    known = table.quantity[table.verdict != NOT_AVAILABLE].unique()
    return wide.loc[table.run.unique(), known if len(known) else table.quantity.unique()]


def sentence(table: pd.DataFrame) -> str:
    """How many comparisons came to which verdict, and what differs by name."""
    counts = table.verdict.value_counts()
    line = "verification: " + ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts)
    differing = table[table.verdict == DIFFERS]
    if len(differing):
        line += "; differing: " + ", ".join(f"{row.run} {row.quantity}" for row in differing.itertuples())
    return line


def markdown(table: pd.DataFrame) -> str:
    """The overview with one sign a cell, its legend, every comparison with numbers, and why arrays are missing."""
    wide = overview(table)
    signs = wide.apply(lambda column: column.map(SIGNS)).fillna("").reset_index()
    legend = ", ".join(f"`{sign}` {verdict}" for verdict, sign in SIGNS.items())
    missing = table[(table.verdict == NOT_AVAILABLE) & table.tolerance_from.fillna("").str.contains("could not")]
    reasons = [f"- {reason}" for reason in missing.tolerance_from.unique()]
    judged = table[table.worst.notna()].astype({"records": str})
    parts = ["# Verdicts", sentence(table) + ".", signs.to_markdown(index=False), legend]
    parts += ["## Every comparison", judged.to_markdown(index=False, floatfmt=".2e")]
    if reasons:
        parts += ["## Not available", "\n".join(reasons)]
    return "\n\n".join(parts) + "\n"
