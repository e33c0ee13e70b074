"""Hessian spectra of one run: trajectory.nc and dataset.nc in, spectrum.nc out."""

from meanfield.step import step

with step(snakemake) as job:
    from meanfield import storage
    from meanfield.losses import SIGMOID_CROSS_ENTROPY, averaging
    from meanfield.network import Network
    from meanfield.propagation import Objective
    from meanfield.spectrum import along_trajectory

    trajectory, dataset = storage.read(job.input.trajectory), storage.read(job.input.dataset)
    features, target = storage.part(dataset, "train")
    network = Network.of(job.wildcards.architecture, job.wildcards.activation, features.shape[1], target.shape[1])
    objective = Objective(SIGMOID_CROSS_ENTROPY, features, target, averaging(*target.shape, job.params.averaging))
    spectra = along_trajectory(trajectory, network, objective, **job.params.spectrum, progress=job.progress)
    storage.write(spectra, job.output[0], origin=trajectory)
