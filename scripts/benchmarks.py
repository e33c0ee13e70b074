"""Time and memory by rule: the benchmark files of all jobs in, benchmarks/summary.{csv,md} out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from pathlib import Path

    from meanfield.figures import tables

    measured = [Path(job.output.csv).parent / f"{name}.tsv" for name in job.params.jobs]
    table = tables.benchmarks([path for path in measured if path.exists()])
    table.to_csv(job.output.csv, index=False)
    Path(job.output.markdown).write_text(tables.markdown(table, digits=".1f"))
