"""The table of verdicts, for people: one row a run, one column a quantity, in Markdown and HTML, and one sentence."""

import pandas as pd

from meanfield.tolerances import QUANTITIES
from meanfield.verification import DIFFERS, HEADLINES, NOT_AVAILABLE, VERDICTS

SIGNS = dict(zip(VERDICTS, ("=", "f", "r", "s", "≠", "–", "·"), strict=True))
COLOURS = dict(zip(VERDICTS, ("#1b7837", "#5aae61", "#a6dba0", "#d9f0d3", "#b2182b", "#dddddd", "#f7f7f7"), strict=True))


def overview(table: pd.DataFrame) -> pd.DataFrame:
    """Verdicts by run and quantity, the headline figures after the quantities; empty where there is none."""
    wide = table.pivot(index="run", columns="quantity", values="verdict")
    columns = [name for name in (*QUANTITIES, *HEADLINES) if name in wide]
    return wide.loc[table.run.unique(), columns]


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


def html(table: pd.DataFrame) -> str:
    """The overview with coloured cells and the numbers as tooltips: a page of its own."""
    wide = overview(table)
    numbers = table.set_index(["run", "quantity"])

    def tip(run: str, quantity: str) -> str:
        row = numbers.loc[(run, quantity)]
        return f"{row.verdict}: worst {row.worst:.1e}, tolerance {row.tolerance:.1e} ({row.tolerance_from})"

    tips = pd.DataFrame(
        {name: [tip(run, name) if pd.notna(wide.loc[run, name]) else "" for run in wide.index] for name in wide},
        index=wide.index,
    )
    style = wide.fillna("").style.map(lambda verdict: f"background-color: {COLOURS.get(verdict, 'white')}")
    style = style.map(lambda verdict: "color: white" if verdict in (VERDICTS[0], DIFFERS) else "").set_tooltips(tips)
    style = style.set_caption(sentence(table)).set_table_styles(
        [{"selector": "td, th", "props": "padding: 4px 6px; font: 12px sans-serif; text-align: left"}]
    )
    page = style.set_uuid("verdicts").to_html()
    return f'<!doctype html><meta charset="utf-8"><title>Verdicts</title>{page}\n'
