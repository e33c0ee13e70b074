"""Verdicts on all runs: every comparison.csv in, verification/verdicts.{csv,md,html} and a figure out."""

from meanfield.step import step

with step(snakemake) as job:
    from pathlib import Path

    import pandas as pd
    from meanfield import audits, storage, style, verdicts
    from meanfield.errors import MeanfieldError

    if not job.input.comparisons:
        raise MeanfieldError("nothing to verify: none of the configured runs was published (protocol: corrected has none)")
    table = pd.concat(map(pd.read_csv, job.input.comparisons), ignore_index=True)
    table.to_csv(job.output.csv, index=False)
    Path(job.output.markdown).write_text(verdicts.markdown(table))
    Path(job.output.html).write_text(verdicts.html(table))
    style.save(audits.verdicts(verdicts.overview(table)), *job.output.figures)
    noise = [(run, storage.read(path)) for run, path in zip(job.params.runs, job.input.noise, strict=True)]
    style.save(audits.tolerances(noise), *job.output.tolerances)
    job.say(verdicts.sentence(table))
