"""One dataset: published file, packaged data or stand-in, verified, encoded and split → dataset.nc."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    import json

    from meanfield.data import datasets, description, published, storage

    settings, checksums = job.params.settings, published.registry(job.input.registry)
    features, target, origin = datasets.obtain(
        settings, checksums, job.config["mirror"], job.params.require_published, job.say
    )
    if origin["source"] == storage.STAND_IN:
        job.say(f"WARNING: {job.wildcards.dataset} is a stand-in, not the published data; all results from it are marked")
    parts = datasets.divided(features, target, settings)
    said = f"{len(features)} samples of {features.shape[1]} features, for a {origin['task']}; source: {origin['source']}."
    about = {
        "title": f"Dataset {job.wildcards.dataset}",
        "summary": said,
        "dataset": job.wildcards.dataset,
        "history": "dataset",
    }
    about |= description.configured({"dataset": settings})
    loss = datasets.loss(settings, target.shape[1], job.wildcards.dataset)
    dataset = parts.assign_attrs(origin | about, loss=loss)
    datasets.check_parts(dataset, origin["task"], job.wildcards.dataset)
    if few := datasets.few(dataset):
        job.say(f"WARNING: {job.wildcards.dataset} has few test samples of some classes; shares of them say little: {few}")
    storage.write(dataset, job.output.dataset)
    with open(job.output.origin, "w") as stream:
        json.dump(origin, stream, indent=2)
