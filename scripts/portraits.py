"""Portraits of one dataset and architecture: trajectory.nc and spectrum.nc of each activation in, figures out."""

from meanfield.step import step

with step(snakemake) as job:
    from meanfield import portraits, storage, style

    def read(names: list[str], paths: list[str]) -> dict:
        return dict(zip(names, map(storage.read, paths), strict=True))

    trajectories, spectra = (read(job.params.activations, paths) for paths in (job.input.trajectories, job.input.spectra))
    dataset, published = storage.read(job.input.dataset), read(job.params.published, job.input.published)
    title, architecture = " ".join(job.wildcards), job.wildcards.architecture
    figures = (
        portraits.eigenvalues(title, spectra, job.params.eigenvalues_at, published),
        portraits.eigenvectors(title, spectra, trajectories),
        portraits.parameters(title, trajectories),
        portraits.boundaries(title, architecture, trajectories, dataset),
    )
    for figure, *paths in zip(figures, job.output.png, job.output.pdf, strict=True):
        style.save(figure, *paths)
