"""Hessian spectra of one run: trajectory.nc and dataset.nc in, spectrum.nc out."""

from meanfield.step import step

with step(snakemake) as job:
    from meanfield import storage
    from meanfield.dense import NUMPY
    from meanfield.spectrum import of_run

    dense = NUMPY
    if job.gpu:
        from meanfield import tensorflow_model

        job.compute_on(tensorflow_model.configure(job.params.threads, job.gpu))
        dense = tensorflow_model.dense() if job.device == "GPU" else NUMPY
    trajectory, dataset = storage.read(job.input.trajectory), storage.read(job.input.dataset)
    run = (dataset, job.wildcards.architecture, job.wildcards.activation, job.params.averaging)
    spectra = of_run(trajectory, *run, **job.params.spectrum, dense=dense, progress=job.progress)
    storage.write(spectra, job.output[0], origin=trajectory)
