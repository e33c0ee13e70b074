"""How far rounding moves one run: re-trained with rounding at random; dataset.nc in, retraining.nc out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.data import description, storage
    from meanfield.training.tensorflow_model import configure
    from meanfield.verification import retraining

    configure(job.params.threads)
    dataset = storage.read(job.input.dataset)
    run = (dataset, job.wildcards.architecture, job.wildcards.activation)
    params = (job.params.initial, job.params.protocol, job.params.members, job.progress)
    settings = {"initial": job.params.initial, "training": job.params.protocol, "members": job.params.members}
    about = description.derived(dataset, "retraining", "Re-trainings with rounding at random", job.wildcards, **settings)
    about["summary"] = (
        "How far re-trainings with rounding at random lie from their mean: what rounding alone does to this run."
    )
    spread = retraining.spread(*retraining.members(*run, *params))
    storage.write(spread.assign_attrs(about), job.output[0], origin=dataset)
