"""Published and corrected protocol side by side: indices.csv of both in, a table and a figure out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    import pandas as pd
    from meanfield.errors import MeanfieldError
    from meanfield.figures import deviations, style, tables
    from meanfield.model.registry import learn

    if not job.input.published:
        raise MeanfieldError("nothing to compare: none of the configured experiments is on data of the publication")
    learn(job.params.activations)

    def of(protocol: str, suffix: str) -> pd.DataFrame:
        """One line a run by one protocol, under the published ones' names."""
        table = tables.by_run(tables.summary, job.input[protocol])
        return table.assign(dataset=table.dataset.str.removesuffix(suffix))

    table = tables.deviations(*(of(*protocol) for protocol in job.params.suffixes.items() if job.input[protocol[0]]))
    tables.write(table, "Published and corrected protocol", *job.output.table)
    style.save(deviations.deviations(table), *job.output.figure)
