"""How far rounding moves one run: seed 1 re-trained from parameters moved by one unit; dataset.nc in, envelope.nc out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.data import storage
    from meanfield.data.task import problem
    from meanfield.training.tensorflow_model import configure
    from meanfield.training.train import initial_members, train
    from meanfield.verification import tolerances

    configure(job.params.threads)
    dataset, params = storage.read(job.input.dataset), job.params
    run = (job.wildcards.architecture, job.wildcards.activation)
    network, objective = problem(dataset, *run, params.protocol["averaging"])
    [published] = initial_members(network, [1], **params.initial)
    initial = tolerances.moved_by_one_unit(published, params.members)
    trajectory = train(network, dataset, initial, seeds=range(len(initial)), **params.protocol, progress=job.progress)
    storage.write(tolerances.envelope(trajectory, network, objective, job.progress), job.output[0], origin=dataset)
