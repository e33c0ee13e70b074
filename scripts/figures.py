"""The figures: tables/indices.csv in, figures/*.{pdf,png} out."""

from meanfield.step import step

with step(snakemake) as job:
    import pandas as pd
    from meanfield import figures

    indices = pd.read_csv(job.input.indices, dtype={"architecture": str})
    figures.save(figures.overview(indices), *job.output)
