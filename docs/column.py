"""
One column of figures along training, narrow enough to be read in a cell of the README's table.

    PYTHONPATH=scripts python docs/column.py RESULTS FOLDER DATASET ARCHITECTURE FIGURE…

writes FOLDER/{FIGURE}-{DATASET}-{ARCHITECTURE}.png; figures are functions of `meanfield.figures.curves`.
"""

import sys
from pathlib import Path

import pandas as pd
from meanfield.data.storage import RUN
from meanfield.figures import curves, style
from meanfield.verification import quantities

SUMMARY = Path(__file__).parent.parent / "config/published/summary.csv"

if __name__ == "__main__":
    results, folder, dataset, architecture, *names = sys.argv[1:]
    indices = pd.read_csv(Path(results, "tables/indices.csv"), dtype={"architecture": str})
    indices = indices[(indices.dataset == dataset) & (indices.architecture == architecture)]
    runs = indices[RUN].drop_duplicates().to_dict("records")
    arrays = [Path(results, "published", *run.values()).with_suffix(".nc") for run in runs]
    published = quantities.published_tables(indices, runs, arrays, SUMMARY)
    for name in names:
        figure = getattr(curves, name)(indices, published)
        style.save(figure, Path(folder, f"{name}-{dataset}-{architecture}.png"))
