"""Figures of one dataset's and architecture's networks: trajectory.nc and spectrum.nc of each activation in, figures out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.data import storage
    from meanfield.figures import boundaries, networks, style
    from meanfield.model.registry import learn

    activations = learn(job.params.activations)

    def read(paths: list[str]) -> dict:
        return {name: storage.read(path, first_seed=True) for name, path in zip(activations, paths, strict=True)}

    trajectories, spectra, dataset = read(job.input.trajectories), read(job.input.spectra), storage.read(job.input.dataset)
    published = dict(zip(job.params.published, map(storage.read, job.input.published), strict=True))
    title, architecture = " ".join(job.wildcards), job.wildcards.architecture
    make = {
        "eigenvalues": lambda: networks.eigenvalues(title, spectra, job.params.eigenvalues_at, published),
        "eigenvectors": lambda: networks.eigenvectors(title, spectra, trajectories),
        "parameters": lambda: networks.parameters(title, trajectories),
        "boundaries": lambda: boundaries.boundaries(title, architecture, trajectories, dataset),
    }
    for name, *paths in zip(job.params.names, job.output.png, job.output.pdf, strict=True):
        style.save(make[name](), *paths)
