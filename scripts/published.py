"""The published arrays of one run, verified: mirror or pinned address in, one NetCDF file out, empty where none answers."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    import json
    from tempfile import TemporaryDirectory

    import xarray as xr
    from meanfield.data import published, storage

    checksums = published.registry(job.input.registry)
    arrays, missing, sources = {}, {}, {}
    with TemporaryDirectory() as folder:
        for name, file in published.array_files(tuple(job.wildcards), checksums).items():
            places = job.config["mirror"], folder, print, not missing  # an address that did not answer is not asked again
            try:
                path, source = published.published_file(file, checksums, *places)
            except published.Unavailable as unavailable:
                missing[name] = str(unavailable)
            else:
                arrays[name], sources[name] = published.read_array(path), f"{source} {file} {checksums[file]}"
    if missing:
        print(*missing.values(), sep="\n")
        job.say(f"{job.name}: {len(missing)} arrays could not be had from mirror or network (why: verdicts.md)")
    variables = {name: ([f"{name}_{axis}" for axis in range(array.ndim)], array) for name, array in arrays.items()}
    storage.write(
        xr.Dataset(
            variables,
            attrs={"unavailable": json.dumps(missing), "sources": json.dumps(sources), "address": published.PINNED},
        ),
        job.output[0],
    )
