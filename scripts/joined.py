"""One file of a run from those of its pieces, each some of its seeds: pieces/*/{file} in, {file} out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.data import pieces

    join = pieces.join_tables if job.wildcards.file.endswith(".csv") else pieces.join_arrays
    join(job.input, job.output[0])
