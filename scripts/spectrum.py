"""Hessian spectra of one run: trajectory.nc and dataset.nc in, spectrum.nc out."""

from meanfield.step import step

with step(snakemake) as job:
    from meanfield import storage
    from meanfield.propagation import problem
    from meanfield.spectrum import along_trajectory

    trajectory, dataset = storage.read(job.input.trajectory), storage.read(job.input.dataset)
    network, objective = problem(dataset, job.wildcards.architecture, job.wildcards.activation, job.params.averaging)
    spectra = along_trajectory(trajectory, network, objective, **job.params.spectrum, progress=job.progress)
    storage.write(spectra, job.output[0], origin=trajectory)
