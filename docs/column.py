"""
Figures along training with one column alone, whose type can be read in the README's cells, which are 410 pixels wide.

    PYTHONPATH=scripts python docs/column.py FOLDER DATASET ARCHITECTURE FIGURE…

Drawn of results/tables/indices.csv as {FIGURE}_{DATASET}_{ARCHITECTURE}.png, with the published points that are at hand.
"""

import sys
from pathlib import Path

import pandas as pd
from meanfield.data.storage import RUN
from meanfield.figures import curves, style
from meanfield.verification.quantities import published_tables

SUMMARY = Path(__file__).parent.parent / "config/published/summary.csv"

folder, dataset, architecture, *names = sys.argv[1:]
indices = pd.read_csv("results/tables/indices.csv", dtype={"architecture": str})
indices = indices[(indices.dataset == dataset) & (indices.architecture == architecture)]
arrays = {run: f"results/published/{'/'.join(run)}.nc" for run, _ in indices.groupby(RUN, sort=False)}
runs = [dict(zip(RUN, run, strict=True)) for run, path in arrays.items() if Path(path).exists()]
paths = [path for path in arrays.values() if Path(path).exists()]
published = published_tables(indices, runs, paths, str(SUMMARY))
for name in names:
    style.save(getattr(curves, name)(indices, published), Path(folder) / f"{name}_{dataset}_{architecture}.png")
