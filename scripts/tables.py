"""All runs in one table, and one line a run: every indices.csv in, tables/{indices,summary}.{csv,md,tex} out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.figures import tables

    indices = tables.joined(job.input.indices)
    tables.write(indices, "All runs, record by record", *job.output.indices)
    tables.write(tables.summary(indices), "All runs, one line each", *job.output.summary)
