"""All runs in one table, and one line a run: every indices.csv in, tables/{indices,summary}.{csv,md,tex} out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.figures import tables

    indices = tables.joined(job.input.indices)
    tables.write(indices, "All runs, record by record", *job.output.indices)
    summary = tables.summary(indices)
    tables.write(summary, "All runs, one line each", *job.output.summary, on_page=tables.brief(summary))
