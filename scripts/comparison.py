"""One run against the publication: trajectory, spectrum, envelope and published arrays in, verdict rows out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    import pandas as pd
    from meanfield.data import storage
    from meanfield.data.task import problem
    from meanfield.verification import comparison, tolerances

    run = (job.wildcards.dataset, job.wildcards.architecture, job.wildcards.activation)
    dataset, published = storage.read(job.input.dataset), storage.read(job.input.published)
    trajectory, spectrum = (storage.read(path).sel(seed=[1]) for path in (job.input.trajectory, job.input.spectrum))
    headline = pd.read_csv(job.input.summary).set_index(["experiment", "activation"]).loc[f"{run[0]}_{run[1]}", run[2]]
    network, objective = problem(dataset, *run[1:], job.params.averaging)
    if dataset.attrs["source"] == storage.STAND_IN:
        rows, noise = comparison.stand_in_rows(), {}
    else:
        envelope = storage.read(job.input.envelope)
        rows, noise = comparison.run_rows(trajectory, spectrum, envelope, published, headline, network, objective)
    storage.write(tolerances.measured_noise(noise), job.output.noise, origin=dataset)
    comparison.table(" ".join(run), rows).to_csv(job.output.table, index=False)
