"""Portraits of one dataset and architecture: trajectory.nc and spectrum.nc of each activation in, figures out."""

from meanfield.step import step

with step(snakemake) as job:
    from meanfield import portraits, storage, style

    def read(paths: list[str]) -> dict:
        return {name: storage.read(path, first_seed=True) for name, path in zip(job.params.activations, paths, strict=True)}

    trajectories, spectra, dataset = read(job.input.trajectories), read(job.input.spectra), storage.read(job.input.dataset)
    published = dict(zip(job.params.published, map(storage.read, job.input.published), strict=True))
    title, architecture = " ".join(job.wildcards), job.wildcards.architecture
    figures = (
        portraits.eigenvalues(title, spectra, job.params.eigenvalues_at, published),
        portraits.eigenvectors(title, spectra, trajectories),
        portraits.parameters(title, trajectories),
        portraits.boundaries(title, architecture, trajectories, dataset),
    )
    for figure, *paths in zip(figures, job.output.png, job.output.pdf, strict=True):
        style.save(figure, *paths)
