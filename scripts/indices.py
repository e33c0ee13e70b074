"""The numbers of one run, a line per seed and record: trajectory.nc and spectrum.nc in, indices.csv out."""

from meanfield.step import step

with step(snakemake) as job:
    from meanfield import storage
    from meanfield.spectrum import indices

    table = indices(storage.read(job.input.trajectory), storage.read(job.input.spectrum), job.params.after)
    table.to_csv(job.output[0], index=False)
