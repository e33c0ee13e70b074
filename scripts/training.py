"""One run, all seeds: dataset.nc in, trajectory.nc out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.data import storage
    from meanfield.data.task import splits_of
    from meanfield.model.network import Network
    from meanfield.training.tensorflow_model import configure
    from meanfield.training.train import initial_members, train

    job.compute_on(configure(job.params.threads, job.gpu))
    dataset, params = storage.read(job.input.dataset), job.params
    sizes = dataset.sizes["feature"], dataset.sizes["label"]
    network = Network.of(job.wildcards.architecture, job.wildcards.activation, *sizes)
    initial = initial_members(network, params.seeds, **params.initial)
    members = splits_of(dataset) or params.seeds
    trajectory = train(network, dataset, initial, seeds=members, **params.protocol, progress=job.progress)
    if diverged := storage.diverged_members(trajectory.diverged.values, members):
        job.say(f"WARNING: {job.name}: the cost is no longer finite: {diverged}; the results of these members end there")
    storage.write(trajectory, job.output[0], origin=dataset)
