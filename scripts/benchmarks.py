"""Time and memory by rule: the benchmark files of all jobs in, benchmarks/summary.{csv,md} out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from pathlib import Path

    from meanfield.figures import tables

    table = tables.benchmarks([Path(path) for path in job.params.jobs if Path(path).exists()])
    table.to_csv(job.output.csv, index=False)
    Path(job.output.markdown).write_text(tables.markdown(table, digits=".1f"))
