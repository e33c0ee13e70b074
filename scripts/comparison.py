"""One run against the publication: trajectory, spectrum, envelope and published arrays in, verdict rows out."""

from meanfield.step import step

with step(snakemake) as job:
    import pandas as pd
    from meanfield import storage, verification
    from meanfield.losses import SIGMOID_CROSS_ENTROPY, averaging
    from meanfield.network import Network
    from meanfield.propagation import Objective

    run = (job.wildcards.dataset, job.wildcards.architecture, job.wildcards.activation)
    dataset, published = storage.read(job.input.dataset), storage.read(job.input.published)
    trajectory, spectrum = (storage.read(path).sel(seed=[1]) for path in (job.input.trajectory, job.input.spectrum))
    summary = pd.read_csv(job.input.summary).set_index(["experiment", "activation"])
    headline = summary.loc[f"{run[0]}_{run[1]}", run[2]]
    if dataset.attrs["source"] == storage.STAND_IN:
        rows = [verification.unjudged(name, verification.NOT_COMPARABLE) for name in verification.QUANTITIES]
        storage.write(verification.measured_noise({}), job.output.noise, dataset)
    else:
        features, target = storage.part(dataset, "train")
        network = Network.of(*run[1:], features.shape[1], target.shape[1])
        objective = Objective(SIGMOID_CROSS_ENTROPY, features, target, averaging(*target.shape, job.params.averaging))
        ours = verification.quantities(trajectory, spectrum, network, objective)
        ours = {name: array[0] for name, array in ours.items()}
        arrays = {name: array.values for name, array in published.items()}
        theirs = verification.published_quantities(arrays, int(headline.records), int(headline.parameters))
        records = min(int(headline.records), trajectory.sizes["epoch"])  # a shorter run shares the first ones
        theirs = {name: array[:records] for name, array in theirs.items()}
        noise = {
            verification.FLOAT32: verification.averaging_noise(trajectory.parameters.values[0], network, objective),
            verification.ENVELOPE: storage.read(job.input.envelope),
        }
        hessians = theirs.get("hessians", ours.get("hessians"))
        if hessians is not None:
            noise[verification.SOLVER] = verification.solver_noise(hessians, theirs.get("alpha", ours["alpha"]))
        storage.write(verification.measured_noise(noise).assign_coords(epoch=trajectory.epoch), job.output.noise, dataset)
        if theirs:
            rows = verification.compare(ours, theirs, noise)
        else:
            reason = published.attrs["unavailable"]
            rows = [verification.unjudged(name, verification.NOT_AVAILABLE, reason) for name in verification.QUANTITIES]
            rows += verification.compare_headlines(ours, headline, noise)
    table = pd.DataFrame(rows, columns=verification.COLUMNS)
    table.insert(0, "run", " ".join(run))
    table.to_csv(job.output.table, index=False)
