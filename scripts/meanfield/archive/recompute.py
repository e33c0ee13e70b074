"""
Archived numbers made again: inputs from the published files, one run trained anew, the numbers of every run.

Nothing of the archive is executed: the code is that of whoever checks.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from threadpoolctl import threadpool_limits

from meanfield.archive import contents
from meanfield.archive.bag import insist
from meanfield.curvature import spectrum
from meanfield.curvature.indices import indices
from meanfield.data import datasets, mnist, published, storage
from meanfield.errors import MeanfieldError
from meanfield.jobs.dependencies import sha256
from meanfield.jobs.plan import Plan
from meanfield.model.network import Network
from meanfield.model.registry import learn
from meanfield.training.arithmetic import Environment
from meanfield.training.initial import initial_members
from meanfield.training.train import TENSORFLOW, kernels_for, train
from meanfield.verification.tolerances import resolution

REGISTRY, SUMMARY, EXCEPTIONS = (f"config/published/{name}.csv" for name in ("registry", "summary", "exceptions"))


def _same(mine: np.ndarray, theirs: np.ndarray) -> bool:
    """Whether two arrays are equal in every bit, NaN and signs of zero included."""
    return mine.dtype == theirs.dtype and mine.shape == theirs.shape and mine.tobytes() == theirs.tobytes()


def plans(folder: Path, made: Mapping[str, dict]) -> dict[str, Plan]:
    """The plan of each configuration that the provenance names, by its hash."""
    summary = pd.read_csv(folder / SUMMARY, dtype=str)
    runs = list(zip(summary.experiment, summary.activation, strict=True))
    hashes = dict.fromkeys(content["configuration"] for content in made.values())
    return {name: Plan(json.loads((folder / contents.CONFIGURATIONS / f"{name}.json").read_text()), runs) for name in hashes}


def inputs(folder: Path, made: Mapping[str, dict]) -> str:
    """Published files against the registry, datasets and published arrays made again from these, bit by bit; a line on it.

    MeanfieldError names what differs. Data of one's own, and data that are not in the archive, are not made again.
    """
    registry, problems = published.registry(folder / REGISTRY), []
    files = {file.relative_to(folder / contents.MIRROR).as_posix(): file for file in _files(folder / contents.MIRROR)}
    problems += [f"{contents.MIRROR}/{name} is no published file" for name in files if name not in registry]
    there = {file.relative_to(folder).as_posix(): file for file in _files(folder)}
    if contents.inputs(there, made).to_csv(index=False) != (folder / contents.INPUTS).read_text():
        problems.append(f"{contents.INPUTS} is not the list that follows from provenance and registry")
    for name in registry.keys() & files.keys():
        if sha256(files[name]) != registry[name]:
            problems.append(f"{contents.MIRROR}/{name} is not the file that {REGISTRY} names")
    again = 0
    for job, plan in planned(folder, made, "dataset"):
        name = job.split("/")[1]
        target, settings = folder / f"results/datasets/{name}.nc", plan.datasets[name]
        if target.exists() and ({"file", "downloaded"} & set(settings) or settings.get("packaged") == "digits"):
            again += 1
            problems += _dataset(target, settings, files, registry)
    arrays = _files(folder / "results/published")
    for target in arrays:
        run = tuple(target.relative_to(folder / "results/published").with_suffix("").parts)
        stored, known = storage.read(target), published.array_files(run, registry)
        for name, array in stored.items():
            raw = files.get(known.get(name, ""))
            if raw is None or not _same(published.read_array(raw), array.values):
                problems.append(f"{target.relative_to(folder)}: {name} is not that of {contents.MIRROR}/{known.get(name)}")
        absent = json.loads(stored.attrs["unavailable"])
        for name in known.keys() - stored.keys():
            if name not in absent or known[name] in files:
                problems.append(f"{target.relative_to(folder)}: {name} is missing, and nothing says that it was not at hand")
    insist(sorted(set(problems)), "not what was published; do not use this archive")
    return f"{len(files)} published files are those of the registry; {again} datasets and {len(arrays)} runs' arrays follow"


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def planned(folder: Path, made: Mapping[str, dict], rule: str) -> list[tuple[str, Plan]]:
    """The jobs of a rule, each with the plan of its configuration."""
    by_hash = plans(folder, made)
    return [(job, by_hash[content["configuration"]]) for job, content in made.items() if job.split("/")[0] == rule]


def _dataset(target: Path, settings: dict, files: Mapping[str, Path], registry: Mapping[str, str]) -> list[str]:
    """What of a dataset of the publication, or of a stand-in for it or for MNIST, is not as the workflow makes it."""
    stored, name = storage.read(target), settings.get("file")
    source, said = stored.attrs["source"], f"results/datasets/{target.name}"
    origin = json.loads(target.with_suffix(".json").read_text())
    problems = [f"{said}: its {key} is not that of its .json" for key, value in origin.items() if stored.attrs[key] != value]
    if "downloaded" in settings:
        if source != storage.STAND_IN:
            return [*problems, f"{said} is said to be MNIST, which may not be passed on"]
        samples = settings.get("samples")
        features, labels = mnist.arrays(mnist.stand_in(samples), samples, settings.get("pixel_scale", mnist.WHITE))
    elif name is None:
        features, labels = datasets.digits(settings["labels"], settings["pixel_scale"])
    elif source == storage.STAND_IN:
        features, labels = datasets.stand_in(name)
    elif name not in files:
        return [*problems, f"{said} is said to be published, and {contents.MIRROR}/{name} is not in the archive"]
    else:
        features, labels = datasets.binary_from_mat(files[name])
        if origin["sha256"] != registry[name]:
            problems.append(f"{said}: its sha256 is not that of {REGISTRY}")
    again = datasets.divided(features, labels, settings)
    for variable in ("features", "target"):
        if not _same(again[variable].values, stored[variable].values):
            problems.append(f"{said}: {variable} are not those of {name or origin['address']}, source {source}")
    if (again.split.values != stored.split.values).any():
        problems.append(f"{said}: its split is not that of the configuration")
    return problems


def chosen(folder: Path, made: Mapping[str, dict], wanted: str) -> str:
    """The job of the run to be trained again: that of `wanted` (dataset/architecture/activation), else the smallest.

    Runs in the arithmetic of 2018 come first, which are equal to the bit on any machine. MeanfieldError if there is none.
    """
    found = []
    for job, plan in planned(folder, made, "training"):
        output = next(iter(made[job]["outputs"]))
        run = Path(output).parts[2:5]
        if (folder / f"results/datasets/{run[0]}.nc").exists() and (not wanted or wanted == "/".join(run)):
            found.append((plan.replayed(*run) is None, (folder / output).stat().st_size, job))
    if not found:
        raise MeanfieldError(
            f"no training of {wanted or 'any run'} with its dataset is in the archive: RUN=linear/10/esp, say"
        )
    return min(found)[2]


class Undecided(Exception):
    """What no check here can decide: another machine's rounding, or another's hand."""


def _trained(folder: Path, record: dict, plan: Plan, output: str, dataset: xr.Dataset) -> xr.Dataset:
    """The trajectory of a job, trained again as its script does it, with as many threads as recorded."""
    run = Path(output).parts[2:5]
    pair = run[:2]
    learn([plan.definitions[run[2]]])
    network = Network.of(*run[1:], dataset.sizes["feature"], dataset.sizes["label"])
    protocol, replayed, environment, kernels = plan.protocol(*pair), plan.replayed(*run), None, TENSORFLOW
    if replayed:
        environment = Environment.of(replayed["kernels"], folder / EXCEPTIONS if replayed["exceptions"] else None)
    elif (kernels := kernels_for(network, dataset, protocol["optimizer"], plan.by_numpy(run[0]))) == TENSORFLOW:
        from meanfield.training.tensorflow_model import configure

        configure(record["threads"], False)
    pieces = plan.pieces[pair]
    seeds = pieces[Path(output).parts[6]] if plan.split else plan.seeds(*pair)
    initial = initial_members(network, seeds, **plan.initial(*pair), exceptions=environment and environment.sines)
    said = {"environment": environment, "kernels": kernels, "others": len(pieces) > 1}
    with threadpool_limits(record["threads"]):
        return train(network, dataset, initial, seeds=plan.split_seeds(run[0]) or seeds, **protocol, **said)


def replay(folder: Path, made: Mapping[str, dict], wanted: str = "") -> str:
    """Train one run again, from the archived dataset and configuration, and its spectra; a line about it.

    MeanfieldError if its trajectory is not equal in every bit, or its spectrum not within what a solver resolves, or within
    its own errors: these depend on the machine's linear algebra in their last bits. So do trajectories that are not in the
    arithmetic of 2018: where their first record is the archived one but for rounding, and later ones are not, `Undecided`.
    """
    job = chosen(folder, made, wanted)
    plan, output = plans(folder, made)[made[job]["configuration"]], next(iter(made[job]["outputs"]))
    run = Path(output).parts[2:5]
    dataset, stored = storage.read(folder / f"results/datasets/{run[0]}.nc"), storage.read(folder / output)
    again = _trained(folder, made[job], plan, output, dataset)
    said = f"{' '.join(run)}, trained again"
    names = {*stored.variables, *again.data_vars}
    differing = sorted(
        name for name in names if name not in stored.variables or not _same(again[name].values, stored[name].values)
    )
    if differing and plan.replayed(*run) is None and _begins_like(again, stored):
        raise Undecided(
            f"{output}: {', '.join(differing)} are not what training gives here, by {again.arithmetic}, though they begin "
            f"alike: whether that is another machine's rounding (it had {made[job]['packages']}, {made[job]['device']}) or "
            "another's hand cannot be told; train it where it was made, or check a run in the arithmetic of 2018"
        )
    insist([f"{output}: {name} is not what training gives" for name in differing], "the archived numbers are not a run")
    with threadpool_limits(made[job]["threads"]):
        spectra = spectrum.of_run(again, dataset, *run[1:], plan.averaging(*run[:2]), **plan.spectrum)
    return f"{said}: its {again.sizes['update']} records are equal in every bit; {_spectra(folder, output, spectra)}"


def _begins_like(mine: xr.Dataset, theirs: xr.Dataset) -> bool:
    """Whether two trajectories are of the same shape, and but for rounding the same at their first record."""
    if {name: array.shape for name, array in mine.items()} != {name: array.shape for name, array in theirs.items()}:
        return False
    first = (side.parameters.isel(update=0).values for side in (mine, theirs))
    exact = all(_same(mine[name].values, theirs[name].values) for name in ("seed", "update", "parameter"))
    return exact and np.allclose(*first, rtol=1e-6, atol=1e-9)


def _spectra(folder: Path, trajectory: str, again: xr.Dataset) -> str:
    """What there is to say of the archived spectrum beside the one computed again."""
    name = trajectory.replace("trajectory.nc", "spectrum.nc")
    if not (folder / name).exists():
        return "it has no spectrum"
    stored = storage.read(folder / name)
    if set(stored.data_vars) != set(again.data_vars):
        raise MeanfieldError(f"{name}: its variables are not those of such a spectrum: it is not that of the run")
    differing = sorted(key for key in stored.data_vars if not _same(again[key].values, stored[key].values))
    if not differing:
        return "so is its spectrum"
    if "eigenvalues" in stored and "eigenvalues" not in differing:
        raise MeanfieldError(
            f"{name}: {', '.join(differing)} are not those of its eigenvalues, which are equal in every bit"
        )
    estimated = [key for key in again.data_vars if f"{key}_error" in again]
    judged = estimated or [key for key in ("eigenvalues", "lambda_min", "lambda_max") if key in again]
    for key in judged:
        mine, theirs = again[key].values, stored[key].values
        largest = np.abs(mine).max(axis=-1, keepdims=True) if key == "eigenvalues" else np.abs(mine)
        allowed = again[f"{key}_error"].values if estimated else resolution(again.attrs["parameters"]) * largest
        if not ((np.abs(mine - theirs) <= allowed) | (np.isnan(mine) & np.isnan(theirs))).all():
            raise MeanfieldError(
                f"{name}: {key} are not what the Hessian has: the archived numbers are not those of the run"
            )
    other = [key for key in differing if key not in judged]
    note = f"; {', '.join(other)} differ, by machine or by hand, and are not judged" if other else ""
    return f"its {', '.join(judged)} are within {'their errors' if estimated else 'the resolution of a solver'}{note}"


def tables(folder: Path, made: Mapping[str, dict]) -> str:
    """The numbers of every run, indices.csv, from its archived trajectory and spectrum; a line about it.

    MeanfieldError names a table that does not follow.
    """
    jobs, problems = planned(folder, made, "indices"), []
    for job, plan in jobs:
        name = next(iter(made[job]["outputs"]))
        stored = [storage.read((folder / name).with_name(f"{kind}.nc")) for kind in ("trajectory", "spectrum")]
        again = indices(*stored, plan.corrects(*Path(name).parts[2:4]))
        problems += [f"{name} does not follow from its trajectory and spectrum"] * (
            again.to_csv(index=False) != (folder / name).read_text()
        )
    insist(problems, "do not trust it")
    return f"{len(jobs)} tables of runs follow from their trajectories and spectra, byte for byte"
