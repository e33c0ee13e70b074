"""
One column of figures along training, narrow enough to be read in a cell of the README's table.

    PYTHONPATH=scripts python docs/column.py RESULTS FOLDER DATASET ARCHITECTURE FIGURE…

writes FOLDER/{FIGURE}-{DATASET}-{ARCHITECTURE}.png; figures are functions of `meanfield.figures.curves`.
"""

import sys
from pathlib import Path

from meanfield.data.description import RUN
from meanfield.data.storage import read_table
from meanfield.ensemble.members import drawn
from meanfield.figures import curves, style
from meanfield.verification import quantities

SUMMARY = Path(__file__).parent.parent / "config/published/summary.csv"

if __name__ == "__main__":
    results, folder, dataset, architecture, *names = sys.argv[1:]
    indices = drawn(read_table(Path(results, "tables/indices.csv")))
    indices = indices[(indices.dataset == dataset) & (indices.architecture == architecture)]
    runs = {Path(results, "published", *run).with_suffix(".nc"): run for run, _ in indices.groupby(RUN, sort=False)}
    arrays = {path: dict(zip(RUN, run, strict=True)) for path, run in runs.items() if path.exists()}
    published = quantities.published_tables(indices, arrays.values(), arrays, SUMMARY)
    for name in names:
        figure = getattr(curves, name)(indices, published)
        style.save(figure, Path(folder, f"{name}-{dataset}-{architecture}.png"))
