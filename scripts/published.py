"""The published arrays of one run, verified: mirror or pinned address in, one NetCDF file out, empty where none answers."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    import json
    from pathlib import Path
    from tempfile import TemporaryDirectory

    import xarray as xr
    from meanfield.data import published, storage

    checksums = published.registry(job.input.registry)
    arrays, missing = {}, {}
    with TemporaryDirectory() as folder:
        for name, file in published.array_files(tuple(job.wildcards), checksums).items():
            places = job.config["mirror"], folder, print, not missing  # an address that did not answer is not asked again
            try:
                path, source = published.published_file(file, checksums, *places)
            except published.Unavailable as unavailable:
                missing[name] = str(unavailable)
            else:
                array = published.read_array(path)
                said = {"long_name": f"published array {Path(file).name}", "units": "1"}
                said |= {"source": source, "address": published.PINNED + file, "sha256": checksums[file]}
                arrays[name] = [f"{name}_{axis}" for axis in range(array.ndim)], array, said
    if missing:
        print(*missing.values(), sep="\n")
        job.say(f"{job.name}: {len(missing)} arrays could not be had from mirror or network (why: verdicts.md)")
    about = {
        "title": f"Published arrays: {' '.join(job.wildcards)}",
        **dict(job.wildcards.items()),
        "summary": "The arrays that the original's repository holds of this run, as they are, in float64.",
        "license": "Apache-2.0",
        "unavailable": json.dumps(missing),
        "history": "published",
    }
    storage.write(xr.Dataset(arrays, attrs=about), job.output[0])
