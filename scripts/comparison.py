"""One run against the publication: trajectory, spectrum and published arrays in, verdict rows out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    import pandas as pd
    from meanfield.data import storage
    from meanfield.data.task import problem
    from meanfield.verification import comparison, quantities

    run = (job.wildcards.dataset, job.wildcards.architecture, job.wildcards.activation)
    dataset, published = storage.read(job.input.dataset), storage.read(job.input.published)
    trajectory, spectrum = (storage.read(path).sel(seed=[1]) for path in (job.input.trajectory, job.input.spectrum))
    headline = pd.read_csv(job.input.summary).set_index(["experiment", "activation"]).loc[f"{run[0]}_{run[1]}", run[2]]

    def re_trained() -> dict:
        from meanfield.training.tensorflow_model import configure
        from meanfield.verification import retraining

        job.say(f"{job.name}: not equal to the last bit; {job.params.members} re-trainings show what rounding does to it")
        configure(job.params.threads)
        draw = (job.params.initial, job.params.protocol, job.params.members, job.progress)
        return quantities.ours(*retraining.members(dataset, *run[1:], *draw), *task)

    if dataset.attrs["source"] == storage.STAND_IN:
        table = comparison.table(" ".join(run), comparison.stand_in_rows())
    else:
        task = problem(dataset, *run[1:], job.params.protocol["averaging"])
        pairs = quantities.pairs(trajectory["update"].values, published, headline)
        ours = comparison.Run.of(trajectory, spectrum, *task)
        table = comparison.table(
            " ".join(run), comparison.compare(ours, pairs, re_trained), quantities.missing(published, pairs)
        )
    table.assign(source=dataset.attrs["source"]).to_csv(job.output[0], index=False)
