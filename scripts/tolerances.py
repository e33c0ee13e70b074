"""What rounding does to every run: retraining.nc and spectrum.nc of each in, a figure out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.data import storage
    from meanfield.figures import style
    from meanfield.figures.verdicts import tolerances

    files = zip(job.params.runs, job.input.retrainings, job.input.spectra, strict=True)
    runs = [(run, storage.read(first), storage.read(second, first_seed=True)) for run, first, second in files]
    style.save(tolerances(runs), *job.output)
