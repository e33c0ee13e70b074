"""One run against the publication: trajectory, spectrum and published arrays in, verdict rows out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.data import storage
    from meanfield.verification import judged

    run = (job.wildcards.dataset, job.wildcards.architecture, job.wildcards.activation)
    stored = tuple(map(storage.read, (job.input.dataset, job.input.trajectory, job.input.spectrum, job.input.published)))

    def re_trained() -> tuple:
        from meanfield.training.tensorflow_model import configure
        from meanfield.verification import retraining

        job.say(f"{job.name}: not equal to the last bit; {job.params.members} re-trainings show what rounding does to it")
        configure(job.params.threads)
        draw = (job.params.initial, job.params.protocol, job.params.members, job.progress)
        return retraining.members(stored[0], *run[1:], *draw)

    figures, averaging = judged.headline(job.input.summary, run), job.params.protocol["averaging"]
    judged.table(run, stored, figures, averaging, re_trained).to_csv(job.output[0], index=False)
