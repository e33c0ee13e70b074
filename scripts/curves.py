"""The figures along training: every indices.csv and the published arrays in, figures/*.{pdf,png} out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.ensemble import members
    from meanfield.figures import curves, style, tables
    from meanfield.model.registry import learn
    from meanfield.verification import quantities

    learn(job.params.activations)
    indices = tables.by_run(members.drawn, job.input.indices)
    published = quantities.published_tables(indices, job.params.runs, job.input.published, job.input.summary)
    for name, *paths in zip(job.params.names, job.output.png, job.output.pdf, strict=True):
        style.save(getattr(curves, name)(indices, published), *paths)
