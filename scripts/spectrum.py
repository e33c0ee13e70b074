"""Hessian spectra of one run: trajectory.nc and dataset.nc in, spectrum.nc out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.curvature.dense import NUMPY
    from meanfield.curvature.spectrum import of_run
    from meanfield.data import description, storage
    from meanfield.model.registry import learn

    learn([job.params.activation])
    dense = NUMPY
    if job.gpu:
        from meanfield.curvature.tensorflow_dense import TENSORFLOW
        from meanfield.training.tensorflow_model import configure

        job.compute_on(configure(job.params.threads, job.gpu))
        dense = TENSORFLOW if job.device == "GPU" else NUMPY
    trajectory, dataset = storage.read(job.input.trajectory), storage.read(job.input.dataset)
    run = (dataset, job.wildcards.architecture, job.wildcards.activation, job.params.averaging)
    spectra = of_run(trajectory, *run, **job.params.spectrum, dense=dense, progress=job.progress)
    if exceeding := int(spectra.get("in_float64", 0 * spectra.tolerance).sum()):
        job.say(f"{job.name}: {exceeding} of the records exceed float32, and are estimated in float64 (in_float64)")
    if "inertia_skipped" in spectra.attrs:
        job.say(f"{job.name}: {spectra.inertia_skipped}")
    said = ("spectrum", "Hessian spectrum along training", job.wildcards)
    about = description.derived(trajectory, *said, spectrum=job.params.spectrum)
    storage.write(spectra.assign_attrs(about), job.output[0], origin=trajectory)
