"""The explorer: dataset, trajectory, spectrum and indices of every run in, one HTML page out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from pathlib import Path

    from meanfield.data import storage
    from meanfield.figures import binning, explorer
    from meanfield.model.registry import learn

    activations = learn(job.params.activations)
    datasets = {Path(path).stem: storage.read(path) for path in job.input.datasets}
    files = zip(job.params.runs, job.input.trajectories, job.input.spectra, job.input.indices, strict=True)
    tasks = {}
    for run, trajectory, spectrum, indices in files:
        arrays = ((trajectory, ["parameters"]), (spectrum, binning.DRAWN))
        read = [storage.read(path, first_seed=True, only=names) for path, names in arrays]
        loaded = explorer.Run(*read, storage.read_table(indices))
        tasks.setdefault((run["dataset"], run["architecture"]), {})[run["activation"]] = loaded
    shown = {
        " ".join(pair): explorer.task(datasets[pair[0]], pair[1], runs)
        for pair, runs in zip(tasks, job.progress(tasks.values(), "task"), strict=True)
    }
    Path(job.output[0]).write_text(explorer.page(shown, activations))
