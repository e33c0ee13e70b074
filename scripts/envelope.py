"""How far rounding moves one run: seed 1 re-trained from parameters moved by one unit; dataset.nc in, envelope.nc out."""

from meanfield.step import step

with step(snakemake) as job:
    from meanfield import storage, tolerances
    from meanfield.losses import SIGMOID_CROSS_ENTROPY, averaging
    from meanfield.network import Network
    from meanfield.propagation import Objective
    from meanfield.tensorflow_model import configure
    from meanfield.training import initial_members, train

    configure(job.params.threads)
    dataset, params = storage.read(job.input.dataset), job.params
    features, target = storage.part(dataset, "train")
    network = Network.of(job.wildcards.architecture, job.wildcards.activation, features.shape[1], target.shape[1])
    objective = Objective(SIGMOID_CROSS_ENTROPY, features, target, averaging(*target.shape, params.protocol["averaging"]))
    [published] = initial_members(network, [1], **params.initial)
    initial = tolerances.moved_by_one_unit(published, params.members)
    trajectory = train(network, dataset, initial, seeds=range(len(initial)), **params.protocol, progress=job.progress)
    storage.write(tolerances.envelope(trajectory, network, objective, job.progress), job.output[0], origin=dataset)
