"""Archived verdicts made again, from archived trajectories, spectra and published arrays, without any training."""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from meanfield.archive.bag import insist
from meanfield.archive.recompute import SUMMARY, planned
from meanfield.data import storage
from meanfield.errors import MeanfieldError
from meanfield.jobs.plan import path
from meanfield.verification import judged
from meanfield.verification.comparison import OPEN, RANKED
from meanfield.verification.verdicts import DIFFERS, FOLLOWS, RETRAINING, markdown

VERDICTS = "results/verification/verdicts"
EXACT = ["run", "quantity", "records", "tolerance_from", "verdict", "source"]  # of a row: what no machine's rounding changes


def _ranked(archived: pd.Series, mine: pd.Series) -> bool:
    """Whether an archived row may be one that re-trainings judged: its difference is ours, of the records they have."""
    by_ranks = archived.verdict in (RETRAINING, DIFFERS) and str(archived.tolerance_from).startswith(RANKED)
    whole = archived.records == mine.records and np.isclose(archived.worst, mine.worst, rtol=1e-6, atol=0, equal_nan=True)
    part = archived.records < mine.records and not archived.worst > mine.worst * (1 + 1e-6)
    return bool(by_ranks and (whole or part))


def _rounded(name: str, mine: pd.DataFrame, theirs: pd.DataFrame) -> str:
    """What to say of verdicts that are not those computed again: the rounding of worst differences, or MeanfieldError."""
    if not mine[EXACT].equals(theirs[EXACT]):
        columns = [key for key in EXACT if list(mine[key].fillna("")) != list(theirs[key].fillna(""))]
        raise MeanfieldError(
            f"{name}: {', '.join(columns)} are not those that follow from the archived numbers: do not trust it"
        )
    apart = (mine.worst - theirs.worst).abs().fillna(0) > mine.tolerance.fillna(0)
    apart |= (mine.tolerance - theirs.tolerance).abs().fillna(0) > 1e-6 * mine.tolerance.abs().fillna(0)
    apart |= (mine.worst.isna() != theirs.worst.isna()) | (mine.tolerance.isna() != theirs.tolerance.isna())
    insist([f"{name}: {mine.run[at]} {mine.quantity[at]}" for at in mine.index[apart]], "not what the archived numbers give")
    return f"{Path(name).parent.name}: last bits of {int((mine.worst != theirs.worst).sum())} differences"


def compared(name: str, text: str, again: pd.DataFrame) -> tuple[int, str]:
    """How many rows of a run's archived table rest on re-trainings, and what rounding there is in the others.

    `again` is the table without re-trainings: each row that it explains has to be the archived one, and each that it leaves
    open has to have been judged by ranks. MeanfieldError names the quantities.
    """
    theirs, mine = pd.read_csv(StringIO(text)), again.reset_index(drop=True)
    if list(mine) != list(theirs) or list(mine.quantity) != list(theirs.quantity):
        raise MeanfieldError(f"{name}: its rows are not those that follow from the archived numbers: do not trust it")
    left = mine.verdict == OPEN
    problems = [
        f"{name}: {mine.quantity[at]} is said to be {theirs.verdict[at]}, which does not follow from the archived numbers"
        for at in mine.index[left]
        if not _ranked(theirs.loc[at], mine.loc[at])
    ]
    insist(problems, "do not trust it")
    if ((mine.quantity == "eigenvalues") & left & (theirs.verdict == DIFFERS)).any():  # then what follows from these, too
        mine.loc[mine.verdict == FOLLOWS, "verdict"] = DIFFERS
    header, *lines = text.splitlines()
    expected = mine.to_csv(index=False).splitlines()
    same = [line for line, open_row in zip(lines, left, strict=True) if not open_row] == [
        line for line, open_row in zip(expected[1:], left, strict=True) if not open_row
    ]
    if same and header == expected[0]:
        return int(left.sum()), ""
    mine = pd.read_csv(StringIO(mine.to_csv(index=False)))  # what is empty reads alike on both sides
    kept = ~left
    return int(left.sum()), _rounded(name, *(table[kept].reset_index(drop=True) for table in (mine, theirs)))


def verdicts(folder: Path, made: Mapping[str, dict]) -> str:
    """Every verdict again but those that rest on re-trainings, and the tables of all; a line about it.

    MeanfieldError for a verdict that is not the archived one.
    """
    jobs, counts, notes, tables = planned(folder, made, "comparison"), [], [], {}
    for job, plan in jobs:
        name = next(iter(made[job]["outputs"]))
        run = Path(name).parts[2:5]
        as_run = dict(zip(("dataset", "architecture", "activation"), run, strict=True))
        first = [plan.files(as_run, kind)[0] for kind in ("trajectory.nc", "spectrum.nc")]
        paths = [f"results/datasets/{run[0]}.nc", *first, f"results/published/{'/'.join(run)}.nc"]
        stored = tuple(storage.read(folder / found) for found in paths)
        again = judged.table(run, stored, judged.headline(folder / SUMMARY, run), plan.averaging(*run[:2]), None)
        tables[name] = (folder / name).read_text()
        left, rounding = compared(name, tables[name], again)
        counts.append((len(again) - left, left, " ".join(run)))
        notes += [rounding] * bool(rounding)
    if not jobs:
        return "there are none: no run of the publication is in the archive"
    for _, plan in planned(folder, made, "verify"):
        joint = pd.concat(
            [pd.read_csv(StringIO(tables[path(run, "comparison.csv")])) for run in plan.judged], ignore_index=True
        )
        page = {".csv": joint.to_csv(index=False), ".md": markdown(joint)}
        wrong = [VERDICTS + ending for ending, text in page.items() if (folder / (VERDICTS + ending)).read_text() != text]
        insist([f"{name} is not what the verdicts of the runs come to" for name in wrong], "do not trust it")
    said = f"{sum(count for count, *_ in counts)} verdicts of {len(jobs)} runs follow from the archived numbers"
    said += f" but for rounding on another machine ({', '.join(notes)})" if notes else ", byte for byte"
    trained = [f"{left} of {run}" for _, left, run in counts if left]
    return said + (f"; not checked, since they rest on re-trainings: {', '.join(trained)}" if trained else "")
