"""The joint tables: all runs record by record, and one line a run; as CSV, Markdown, LaTeX and a sortable page."""

from collections.abc import Callable, Container, Sequence
from pathlib import Path

import pandas as pd

from meanfield.data.description import RUN
from meanfield.data.storage import STAND_IN, read_table
from meanfield.data.task import scores_in
from meanfield.figures import pages

ENDS = ["zero_residuals", "alpha", "alpha_published", "gamma", "gamma_published"]
"""Columns of which the summary has the first and the last value, besides cost and scores; and their errors, if there are."""


MOST = 5000  # lines of a table for reading; beyond, the CSV has them


def by_run(measure: Callable[[pd.DataFrame], pd.DataFrame], paths: Sequence[str]) -> pd.DataFrame:
    """What `measure` makes of each run's indices.csv, as one table: one run in memory at a time."""
    return pd.concat([measure(read_table(path)) for path in paths], ignore_index=True)


def write_joined(paths: Sequence[str], csv: str | Path) -> pd.DataFrame:
    """Write the per-run indices.csv files as one CSV file, a run in memory at a time; its first MOST + 1 lines."""
    columns = list(dict.fromkeys(name for path in paths for name in pd.read_csv(path, nrows=0)))
    for number, path in enumerate(paths):
        run = read_table(path).reindex(columns=columns)
        run.to_csv(csv, index=False, mode="a" if number else "w", header=not number)
    return read_table(csv, lines=MOST + 1)


def summary(indices: pd.DataFrame) -> pd.DataFrame:
    """One line per run and seed: number of records, indices at the first and the last record, source of the data.

    Of the scores those that the table has; a run that lacks one has NaN.
    """
    groups = indices.groupby([*RUN, "seed"], sort=False)
    first, last = (rows.set_index([*RUN, "seed"]) for rows in (groups.head(1), groups.tail(1)))
    result = groups.size().rename("records").to_frame()
    scores = [f"{part}_{score}" for score in scores_in(indices) for part in ("train", "test")]
    for name in ("cost", *scores, *_beside(ENDS, indices.columns)):
        result[f"{name}_first"], result[f"{name}_last"] = first[name], last[name]
    extremes = _beside(("lambda_min", "lambda_max"), indices.columns)
    result[[f"{name}_last" for name in extremes]] = last[extremes]
    result["source"] = last.source
    return result.reset_index()


def _scores_of(summary: pd.DataFrame) -> list[str]:
    """Names of the scores that a summary has."""
    return scores_in(_quantities_of(summary))


def _quantities_of(summary: pd.DataFrame) -> list[str]:
    """Names of the quantities that a summary has at the last record."""
    return [name.removesuffix("_last") for name in summary]


def _beside(names: Sequence[str], known: Container[str]) -> list[str]:
    """Columns, each followed by that of its error, if that is known."""
    return [column for name in names for column in (name, f"{name}_error") if column == name or column in known]


def brief(table: pd.DataFrame) -> pd.DataFrame:
    """Of a summary what a page has room for: each run, six quantities at the first and the last record, and the source."""
    scores = [f"{part}_{score}" for score in _scores_of(table) for part in ("train", "test")]
    quantities = ("cost", *scores, "zero_residuals", *_beside(("alpha", "gamma"), _quantities_of(table)))
    return table[[*RUN, "seed", *(f"{name}_{end}" for name in quantities for end in ("first", "last")), "source"]]


def deviations(
    published: pd.DataFrame, second: pd.DataFrame, corrected: pd.DataFrame, softmax: pd.DataFrame | None = None
) -> pd.DataFrame:
    """One line per run at its last record: what the published protocol reports, and resolves; what it gives with
    TensorFlow's kernels (resolved); what the corrected protocol finds (resolved), and, for several classes, with a softmax.

    All arguments as `summary` gives them, under the same names of runs. Of estimates each has its error beside it. A line is
    of stand-in data if one of its protocols had these: downloads may fail for one and not for another.
    """
    last, other, after = (table.set_index([*RUN, "seed"]) for table in (published, second, corrected))
    coupled = None if softmax is None else softmax.set_index([*RUN, "seed"])
    columns = {}

    def add(name: str, form: str, table: pd.DataFrame) -> None:
        """A quantity of one protocol, and its error."""
        for column in _beside([name], _quantities_of(table)):
            columns[f"{column}_{form}"] = table[f"{column}_last"].reindex(last.index)

    for name in (*(f"test_{score}" for score in _scores_of(published)), "cost", "alpha", "gamma"):
        if name in ("alpha", "gamma"):
            columns[f"{name}_published"] = last[f"{name}_published_last"]
        add(name, "resolved" if name in ("alpha", "gamma") else "published", last)
        add(name, "tensorflow", other)
        add(name, "corrected", after)
        if coupled is not None:
            add(name, "softmax", coupled)
    sources = [table["source"].reindex(last.index) for table in (last, other, after, coupled) if table is not None]
    stand_in = pd.concat(sources, axis=1).eq(STAND_IN).any(axis=1)
    return pd.DataFrame(columns | {"source": last["source"].mask(stand_in, STAND_IN)}).reset_index()


def benchmarks(paths: Sequence[Path]) -> pd.DataFrame:
    """One line per rule from Snakemake's benchmark files {rule}/{job}.tsv: jobs, wall time, peak resident memory."""
    jobs = pd.concat([pd.read_csv(path, sep="\t").assign(rule=path.parent.name) for path in paths])
    groups = jobs.groupby("rule", sort=False)
    columns = {
        "jobs": groups.size(),
        "seconds_all_jobs": groups["s"].sum(),
        "seconds_longest": groups["s"].max(),
        "peak_memory_MiB": groups["max_rss"].max(),
    }
    return pd.DataFrame(columns).reset_index()


def markdown(table: pd.DataFrame, digits: str = ".4g") -> str:
    """The table in Markdown, numbers with the given format."""
    return table.to_markdown(index=False, floatfmt=digits) + "\n"


def write(
    table: pd.DataFrame,
    title: str,
    csv: str | Path,
    *readable: str | Path,
    on_page: pd.DataFrame | None = None,
) -> None:
    """The same table four times: CSV in full precision; Markdown, LaTeX and a sortable page in four digits for reading.

    The page may show less, `on_page`; it then points to the CSV file for the rest.
    """
    table.to_csv(csv, index=False)
    write_readable(table, title, *readable, on_page=on_page)


def write_readable(
    table: pd.DataFrame,
    title: str,
    markdown_path: str | Path,
    latex: str | Path,
    page: str | Path,
    on_page: pd.DataFrame | None = None,
) -> None:
    """A table for reading, as `write` does, beside a CSV file that is there; of a longer one the first MOST lines."""
    notes = [] if on_page is None else [f"All {table.shape[1]} columns are in the CSV file beside this page."]
    above = ""
    if len(table) > MOST:
        notes.append(f"These are the first {MOST} lines; all are in the CSV file beside this one.")
        above = notes[-1] + "\n\n"
        table, on_page = table.head(MOST), None if on_page is None else on_page.head(MOST)
    Path(markdown_path).write_text(above + markdown(table))
    shown = table.map(lambda value: f"{value:.4g}" if isinstance(value, float) else str(value))
    shown.columns = [name.replace("_", " ") for name in shown]
    latex_table = shown.style.hide(axis="index").format(escape="latex")
    Path(latex).write_text(latex_table.to_latex(hrules=True))
    Path(page).write_text(pages.sortable(table if on_page is None else on_page, title, " ".join(notes)))
