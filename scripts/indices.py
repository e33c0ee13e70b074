"""The numbers of one run, a line per seed and record: trajectory.nc and spectrum.nc in, indices.csv out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.curvature.indices import indices
    from meanfield.data import storage

    table = indices(storage.read(job.input.trajectory), storage.read(job.input.spectrum), job.params.after)
    table.to_csv(job.output[0], index=False)
