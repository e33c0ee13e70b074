"""Statistics over the members of each run: every indices.csv in; members, statistics and landscapes out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.ensemble import members
    from meanfield.figures import ensembles, style, tables
    from meanfield.model.registry import learn

    learn(job.params.activations)
    each = tables.by_run(members.members, job.input.indices)
    tables.write(each, "Members", *job.output.members)
    tables.write(members.statistics(each), "Statistics over the members of each run", *job.output.statistics)
    indices = tables.by_run(members.drawn, job.input.indices)
    shown = indices[indices.dataset.isin(job.params.shown)]
    for against, *paths in zip(("cost", "gradient_norm"), job.output.png, job.output.pdf, strict=True):
        style.save(ensembles.landscape(shown, against), *paths)
