"""The video of one dataset and architecture: spectrum.nc and indices.csv of each activation in; MP4, PNG and GIF out."""

from meanfield.step import step

with step(snakemake) as job:
    import pandas as pd
    from meanfield import storage, video

    names = job.params.activations
    video.render(
        f"{job.wildcards.dataset} {job.wildcards.architecture}",
        dict(zip(names, map(storage.read, job.input.spectra), strict=True)),
        dict(zip(names, map(pd.read_csv, job.input.indices), strict=True)),
        job.output.video,
        job.output.poster,
        job.output.preview,
        frames_per_second=job.params.frames_per_second,
        hold=job.params.hold,
        progress=job.progress,
    )
