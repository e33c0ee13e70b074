"""What the rules share: the checked configuration, the list of runs, paths, and the code that a step depends on."""

import json
import os
import sys
from modulefinder import ModuleFinder
from pathlib import Path

SCRIPTS = Path(workflow.basedir).parent / "scripts"
sys.path.append(str(SCRIPTS))

from meanfield import configuration
from meanfield.errors import MeanfieldError

try:
    configuration.check(config, Path(workflow.basedir) / "schemas" / "config.schema.yaml")
except MeanfieldError as error:
    sys.exit(str(error))

EXPERIMENTS = {(entry["dataset"], str(entry["architecture"])): entry for entry in config["experiments"]}
RUNS = [
    {"dataset": dataset, "architecture": architecture, "activation": activation}
    for dataset, architecture in EXPERIMENTS
    for activation in config["activations"]
]
# A video shows spectra; with inertia there are none.
VIDEOS = [
    f"results/videos/{dataset}_{architecture}.mp4"
    for dataset, architecture in EXPERIMENTS
    if config["spectrum"]["method"] == "eigenvalues"
]


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    architecture="|".join({architecture for _, architecture in EXPERIMENTS}),
    activation="|".join(config["activations"]),


def run(name):
    """Path of one file of a run."""
    return f"results/runs/{{dataset}}/{{architecture}}/{{activation}}/{name}"


def every_activation(name):
    """That file of all activations of a dataset and architecture."""
    return expand(run(name), activation=config["activations"], allow_missing=True)


def experiment(key):
    """The experiment's setting of that name, as a function of the wildcards."""

    def setting(wildcards):
        pair = (wildcards.dataset, wildcards.architecture)
        if pair not in EXPERIMENTS:
            configured = ", ".join(map(" ".join, EXPERIMENTS))
            sys.exit(f"no experiment {' '.join(pair)} is configured; there are: {configured}")
        return EXPERIMENTS[pair][key]

    return setting


def job_names():
    """{rule}/{job} of every job of this configuration, as logs and benchmarks are named."""
    runs = ["{dataset}_{architecture}_{activation}".format(**entry) for entry in RUNS]
    per_run = [f"{rule}/{run}" for rule in ("training", "spectrum", "indices") for run in runs]
    datasets = [f"dataset/{dataset}" for dataset in dict.fromkeys(dataset for dataset, _ in EXPERIMENTS)]
    return [*datasets, *per_run, "tables/tables", "figures/figures", *(f"video/{Path(path).stem}" for path in VIDEOS)]


def code(name, environment):
    """
    The script `name`, all core modules that it imports, at any depth, and its environment file.

    They are inputs of the rule: their content is compared, so editing one re-runs just the steps that use it.
    """
    finder = ModuleFinder(path=[str(SCRIPTS)])
    finder.run_script(str(SCRIPTS / f"{name}.py"))
    files = {Path(module.__file__) for module in finder.modules.values() if module.__file__}
    files.add(SCRIPTS.parent / "envs" / f"{environment}.yaml")
    return sorted(os.path.relpath(file) for file in files)


def warn_of_stand_ins():
    """At the end of a run: name the datasets that are not the published ones, and the way to replace them."""
    origins = [Path(f"results/datasets/{dataset}.json") for dataset in config["datasets"]]
    names = [path.stem for path in origins if path.exists() and json.loads(path.read_text())["source"] == "stand-in"]
    if names:
        print(
            f"WARNING: stand-in data, not the published: {', '.join(names)}. All results from them are marked. To use the "
            "published files, connect to the network or set MEANFIELD_MIRROR, and run again with --forcerun dataset",
            file=sys.stderr,
        )
