"""One run judged against the publication, from what was stored of it: the table behind comparison.csv."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from meanfield.data import storage
from meanfield.data.task import problem
from meanfield.verification import comparison, quantities


def headline(summary: str | Path, run: tuple[str, str, str]) -> pd.Series:
    """The published figures of a run (dataset, architecture, activation), a row of config/published/summary.csv."""
    return pd.read_csv(summary).set_index(["experiment", "activation"]).loc[f"{run[0]}_{run[1]}", run[2]]


def table(
    run: tuple[str, str, str],
    stored: tuple[xr.Dataset, xr.Dataset, xr.Dataset, xr.Dataset],
    figures: pd.Series,
    averaging: str,
    re_train: Callable[[], tuple[xr.Dataset, np.ndarray, np.ndarray]] | None,
) -> pd.DataFrame:
    """A verdict on each quantity of a run; `stored` are its dataset, trajectory, spectrum and published arrays.

    `figures` are its `headline`, `averaging` the precision of its mean losses. `re_train` gives re-trainings as
    `retraining.members` does; it is called only where nothing else explains a difference. Without it such rows stay OPEN.
    """
    dataset, trajectory, spectrum, published = stored
    trajectory, spectrum = trajectory.sel(seed=[1]), spectrum.sel(seed=[1])
    if dataset.attrs["source"] == storage.STAND_IN:
        judged = comparison.table(" ".join(run), comparison.stand_in_rows())
    else:
        task = problem(dataset, *run[1:], averaging)
        pairs = quantities.pairs(trajectory["update"].values, published, figures)
        ours = comparison.Run.of(trajectory, spectrum, *task)
        rows = comparison.compare(ours, pairs, re_train and (lambda: quantities.ours(*re_train(), *task)))
        judged = comparison.table(" ".join(run), rows, quantities.missing(published, pairs))
    return judged.assign(source=dataset.attrs["source"])
