"""The video of one dataset and architecture: spectrum.nc and indices.csv of each activation in; MP4, pictures, page out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from pathlib import Path

    import xarray as xr
    from meanfield.data import storage
    from meanfield.figures import binning, pages, video
    from meanfield.model.registry import learn

    def read(path: str) -> xr.Dataset:
        return storage.read(path, first_seed=True, only=binning.DRAWN)

    names, title = learn(job.params.activations), " ".join(job.wildcards)
    video.render(
        title,
        dict(zip(names, map(read, job.input.spectra), strict=True)),
        dict(zip(names, map(storage.read_table, job.input.indices), strict=True)),
        job.output.video,
        job.output.poster,
        job.output.preview,
        frames_per_second=job.params.frames_per_second,
        hold=job.params.hold,
        progress=job.progress,
    )
    Path(job.output.page).write_text(pages.player(job.output.video, job.output.poster, title))
