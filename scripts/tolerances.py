"""What rounding does to every run: retraining.nc and spectrum.nc of each in, a figure out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.data import storage
    from meanfield.errors import MeanfieldError
    from meanfield.figures import style
    from meanfield.figures.verdicts import tolerances

    if not job.params.runs:
        raise MeanfieldError("none of the configured runs was published, has eigenvalues and one split (docs/arithmetic.md)")
    files = zip(job.params.runs, job.input.retrainings, job.input.spectra, strict=True)
    runs = [(run, storage.read(first), storage.read(second, first_seed=True)) for run, first, second in files]
    style.save(tolerances(runs), *job.output)
