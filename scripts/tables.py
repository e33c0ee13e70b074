"""All runs in one table, and one line a run: every indices.csv in, tables/{indices,summary}.{csv,md,tex} out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.figures import tables

    begin = tables.write_joined(job.input.indices, job.output.indices[0])
    tables.write_readable(begin, "All runs, record by record", *job.output.indices[1:])
    summary = tables.by_run(tables.summary, job.input.indices)
    tables.write(summary, "All runs, one line each", *job.output.summary, on_page=tables.brief(summary))
