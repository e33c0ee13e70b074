"""Verdicts on all runs: every comparison.csv in, verification/verdicts.{csv,md,html} and a figure out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from pathlib import Path

    import pandas as pd
    from meanfield.errors import MeanfieldError
    from meanfield.figures import style
    from meanfield.figures.verdicts import page, verdicts
    from meanfield.verification.verdicts import markdown

    if not job.input.comparisons:
        raise MeanfieldError("nothing to verify: none of the configured runs was published, has eigenvalues and one split")
    table = pd.concat(map(pd.read_csv, job.input.comparisons), ignore_index=True)
    table.to_csv(job.output.csv, index=False)
    Path(job.output.markdown).write_text(markdown(table))
    Path(job.output.html).write_text(page(table))
    style.save(verdicts(table), *job.output.figures)
