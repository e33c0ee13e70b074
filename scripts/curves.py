"""The figures along training: tables/indices.csv and the published arrays in, figures/*.{pdf,png} out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    import pandas as pd
    from meanfield.figures import curves, style
    from meanfield.model.registry import learn
    from meanfield.verification import quantities

    learn(job.params.activations)
    indices = pd.read_csv(job.input.indices, dtype={"architecture": str})
    published = quantities.published_tables(indices, job.params.runs, job.input.published, job.input.summary)
    for name, *paths in zip(job.params.names, job.output.png, job.output.pdf, strict=True):
        style.save(getattr(curves, name)(indices, published), *paths)
