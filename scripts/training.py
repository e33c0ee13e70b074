"""One run, all seeds: dataset.nc in, trajectory.nc out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from meanfield.data import description, storage
    from meanfield.data.task import splits_of
    from meanfield.model.network import Network
    from meanfield.model.registry import learn
    from meanfield.training import batches
    from meanfield.training.arithmetic import Environment
    from meanfield.training.initial import initial_members
    from meanfield.training.train import TENSORFLOW, kernels_for, train

    learn([job.params.activation])
    dataset, params = storage.read(job.input.dataset), job.params
    sizes = dataset.sizes["feature"], dataset.sizes["label"]
    network = Network.of(job.wildcards.architecture, job.wildcards.activation, *sizes)
    print(network.activation.description)
    environment, kernels = None, TENSORFLOW
    if params.replayed:
        exceptions = job.input.exceptions if params.replayed["exceptions"] else None
        environment = Environment.of(params.replayed["kernels"], exceptions)
    elif (kernels := kernels_for(network, dataset, params.protocol["optimizer"], params.by_numpy)) == TENSORFLOW:
        from meanfield.training.tensorflow_model import configure

        job.compute_on(configure(params.threads, job.gpu))
    initial = initial_members(network, params.seeds, **params.initial, exceptions=environment and environment.sines)
    members = splits_of(dataset) or params.seeds
    if left_out := batches.left_out(params.protocol["optimizer"]["batch_size"], int((dataset.split == "train").sum())):
        job.say(f"{job.name}: each pass over the training samples leaves out {left_out}, which fill no batch")
    protocol = params.protocol | {
        "environment": environment,
        "kernels": kernels,
        "others": params.others,
        "progress": job.progress,
    }
    trajectory = train(network, dataset, initial, seeds=members, **protocol)
    if diverged := storage.diverged_members(trajectory.diverged.values, members):
        job.say(f"WARNING: {job.name}: the cost is no longer finite: {diverged}; the results of these members end there")
    settings = {"activation": job.params.activation, "initial": params.initial, "training": params.protocol}
    about = description.derived(dataset, "training", "Training", job.wildcards, network.activation.description, **settings)
    followed = {"protocol": "corrected" if params.corrected else "published"} | params.initial
    storage.write(trajectory.assign_attrs(about | followed), job.output[0], origin=dataset)
