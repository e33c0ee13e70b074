"""Published and corrected protocol side by side: indices.csv of both in, a table and a figure out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.errors import MeanfieldError
    from meanfield.figures import deviations, style, tables
    from meanfield.model.registry import learn

    if not job.params.runs:
        raise MeanfieldError("nothing to compare: none of the configured experiments is on data of the publication")
    learn(job.params.activations)
    runs = dict.fromkeys(("published", "tensorflow", "corrected"), job.params.runs) | {"softmax": job.params.coupled}
    table = tables.deviations(*(tables.joined(job.input[name], named) for name, named in runs.items() if named))
    tables.write(table, "Published and corrected protocol", *job.output.table)
    style.save(deviations.deviations(table), *job.output.figure)
