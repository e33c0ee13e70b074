"""One run, all seeds: dataset.nc in, trajectory.nc out."""

from meanfield.step import step

with step(snakemake) as job:
    from meanfield import storage
    from meanfield.network import Network
    from meanfield.schedule import recorded_updates
    from meanfield.training import train

    dataset, params = storage.read(job.input.dataset), job.params
    sizes = dataset.sizes["feature"], dataset.sizes["label"]
    trajectory = train(
        Network.of(job.wildcards.architecture, job.wildcards.activation, *sizes),
        dataset,
        seeds=params.seeds,
        records=recorded_updates(params.updates, **params.recording),
        beta=params.beta,
        optimizer=params.optimizer,
        averaging=params.averaging,
        residual_output=params.residual_output,
        threads=params.threads,
        progress=job.progress,
    )
    storage.write(trajectory, job.output[0], origin=dataset)
