"""The published arrays of one run, verified: mirror or pinned address in, one NetCDF file out, empty where none answers."""

from meanfield.step import step

with step(snakemake) as job:
    from tempfile import TemporaryDirectory

    import xarray as xr
    from meanfield import published, storage

    checksums = published.registry(job.input.registry)
    arrays, reason = {}, ""
    with TemporaryDirectory() as folder:
        for name, file in published.array_files(tuple(job.wildcards), checksums).items():
            try:
                path, _ = published.published_file(file, checksums, job.config["mirror"], folder, job.say)
            except published.Unavailable as unavailable:
                arrays, reason = {}, str(unavailable)
                break
            arrays[name] = published.read_array(path)
    if reason:
        job.say(f"{job.name}: {reason}")
    variables = {name: ([f"{name}_{axis}" for axis in range(array.ndim)], array) for name, array in arrays.items()}
    storage.write(xr.Dataset(variables, attrs={"unavailable": reason}), job.output[0])
