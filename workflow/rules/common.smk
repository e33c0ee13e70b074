"""What the rules share: the checked configuration, the list of runs, paths, and the code that a step depends on."""

import csv
import json
import os
import sys
from collections import Counter
from modulefinder import ModuleFinder
from pathlib import Path
from types import SimpleNamespace

import yaml

ROOT = Path(str(workflow.current_basedir)).parent.parent  # also where another workflow uses this one as a module
SCRIPTS = ROOT / "scripts"
sys.path.append(str(SCRIPTS))

from meanfield import alone, configuration, footprint, orphans, room
from meanfield.errors import MeanfieldError

try:
    configuration.check(config, ROOT / "workflow" / "schemas" / "config.schema.yaml")
    room.insist_on_folder("results")
    room.insist_on_writing(".snakemake")  # which a dry run needs, too
except MeanfieldError as error:
    sys.exit(str(error))

# Says to others that a run is alive here. Whether it may go on is up to Snakemake's own lock, which only needs protection
# from being removed.
if workflow.is_main_process:
    orphans.name_launcher()
    if (other := alone.hold()) > 0 and "--unlock" in sys.argv:
        sys.exit(alone.refusal(other))

if "gpu" in workflow.resource_settings.resources and not config["gpu"]:
    sys.exit(
        "a resource gpu is given and the configuration's gpu is false: --config replaces that of the profile; add gpu=True"
    )

# Files of the publication that the project holds, relative to where Snakemake runs.
HELD = ("registry.csv", "summary.csv", "claims.yaml")
REGISTRY, SUMMARY, CLAIMS = (os.path.relpath(ROOT / "config" / "published" / name) for name in HELD)
with open(CLAIMS) as stream:
    CLAIM_NAMES = list(yaml.safe_load(stream)["claims"])

# The corrected protocol's results stand beside the published one's, under names of their own.
CORRECTED = "-corrected"
DATASETS = dict(config["datasets"])
DATASETS |= {name + CORRECTED: kept | config["corrections"].get(name, {}) for name, kept in DATASETS.items()}


def experiments_of(protocol=None):
    """The experiments by (dataset, architecture), dataset named for the protocol: the one given, else each one's own."""

    def name(entry):
        followed = protocol or entry.get("protocol", config["protocol"])
        return entry["dataset"] + (CORRECTED if followed == "corrected" else "")

    return {(name(entry), str(entry["architecture"])): entry for entry in config["experiments"]}


def runs_of(protocol=None):
    """The runs of those experiments: dataset, architecture and activation of each."""
    return [
        {"dataset": dataset, "architecture": architecture, "activation": activation}
        for dataset, architecture in experiments_of(protocol)
        for activation in config["activations"]
    ]


EXPERIMENTS = experiments_of("published") | experiments_of("corrected") | experiments_of()
RUNS = runs_of()

# On a GPU the spectrum step uses TensorFlow's linear algebra, so both steps share an environment.
TRAIN, SPECTRUM = ("train-gpu", "train-gpu") if config["gpu"] else ("train-cpu", "spectrum")
CUDA = [footprint.gpu] if config["gpu"] else []
PAIRS = list(dict.fromkeys((entry["dataset"], entry["architecture"]) for entry in RUNS))
with open(ROOT / "config" / "published" / "summary.csv") as stream:
    PUBLISHED = {(row["experiment"], row["activation"]) for row in csv.DictReader(stream)}


def verified(runs):
    """Those of the runs that the publication has, too."""
    return [entry for entry in runs if ("{dataset}_{architecture}".format(**entry), entry["activation"]) in PUBLISHED]


def published_arrays(runs):
    """The published arrays of those runs."""
    return ["results/published/{dataset}/{architecture}/{activation}.nc".format(**entry) for entry in verified(runs)]


def split_seeds(dataset):
    """The seeds of a dataset's splits if it has several, one for each member of its runs; else none."""
    seeds = DATASETS[dataset]["split_seed"]
    return seeds if isinstance(seeds, list) else []


def runs_like(wildcards):
    """The runs of the wildcards' dataset and architecture, one per activation."""
    pair = {"dataset": wildcards.dataset, "architecture": wildcards.architecture}
    return [pair | {"activation": name} for name in config["activations"]]


VERIFIED = verified(RUNS)
SHOWN = ", ".join(config["activations"])  # in results with a panel or curve for each

# Videos, portraits, explorer and verdicts need spectra; with inertia there are none. They show one split.
DRAWN_RUNS = [entry for entry in RUNS if not split_seeds(entry["dataset"])]
DRAWN = ["_".join(pair) for pair in PAIRS if config["spectrum"]["method"] == "eigenvalues" and not split_seeds(pair[0])]
VIDEOS = [f"results/videos/{pair}.mp4" for pair in DRAWN]
EXPLORER = ["results/explorer.html"] if DRAWN else []
VERDICTS = ["results/verification/verdicts.md"] if VERIFIED and DRAWN else []


wildcard_constraints:
    dataset="|".join(DATASETS),
    architecture="|".join({architecture for _, architecture in EXPERIMENTS}),
    activation="|".join(config["activations"]),


def run(name):
    """Path of one file of a run."""
    return f"results/runs/{{dataset}}/{{architecture}}/{{activation}}/{name}"


def every_activation(name):
    """That file of all activations of a dataset and architecture."""
    return expand(run(name), activation=config["activations"], allow_missing=True)


def experiment(key, default=None):
    """The experiment's setting of that name, as a function of the wildcards."""

    def setting(wildcards):
        pair = (wildcards.dataset, wildcards.architecture)
        if pair not in EXPERIMENTS:
            configured = ", ".join(map(" ".join, experiments_of()))
            sys.exit(f"no experiment {' '.join(pair)} is configured; there are: {configured}")
        return EXPERIMENTS[pair].get(key, default)

    return setting


def seeds(wildcards):
    """Graph seeds of a run's members: 1, 2, …; with several splits all members start from the published draw, 1."""
    members = min(config["seeds"], experiment("seeds", config["seeds"])(wildcards))
    return [1] * len(split_seeds(wildcards.dataset)) or list(range(1, members + 1))


def initial(wildcards):
    """How a run's initial parameters are drawn: keyword arguments of meanfield.training.initial_members."""
    return {key: experiment(key)(wildcards) for key in ("beta_stddev", "beta_op_seed")}


def protocol(wildcards):
    """How a run is trained and recorded: keyword arguments of meanfield.training.train."""
    return {
        "updates": experiment("updates")(wildcards),
        "recording": config["recording"],
        "optimizer": config["optimizer"],
        "averaging": averaging(wildcards),
        "residual_output": DATASETS[wildcards.dataset].get("residual_output", "probability"),
    }


def corrected(wildcards):
    """Whether a run follows the corrected protocol."""
    return wildcards.dataset.endswith(CORRECTED)


def averaging(wildcards):
    """Precision in which a run's loss is averaged."""
    return "float64" if corrected(wildcards) else config["averaging"]


def sortable(name, content):
    """The sortable page of a table, in the report."""
    return report(
        f"results/tables/{name}.html",
        caption=f"../report/{name}.rst",
        category="Tables",
        labels={"table": name, "content": content},
    )


# Samples, features and labels of what the datasets are made of, before they are made.
SIZES = {
    "TF/Lindata.mat": (51, 2, 1),
    "TF/NLdata.mat": (863, 2, 1),
    "digits": (1797, 64, 10),
    "diabetes": (442, 10, 1),
    "iris": (150, 4, 3),
    "wine": (178, 13, 3),
    "breast_cancer": (569, 30, 1),
}


def table_size(dataset):
    """About the same of a table of the user's own: lines or, of a binary file, numbers as samples; at most 10 labels."""
    path, features = Path(dataset["table"]), dataset["features"]
    if path.suffix == ".csv":
        with open(path, "rb") as stream:
            return sum(1 for _ in stream), len(features) if isinstance(features, list) else 1, 10
    return path.stat().st_size // 8, len(features) if isinstance(features, list) else 100, 10


def problem(wildcards, members=None):
    """The size of a run, named by its wildcards, for what its jobs ask for; with all its members if their number is not given."""
    dataset = DATASETS[wildcards.dataset]
    updates, recording = experiment("updates")(wildcards), config["recording"]
    return footprint.Problem(
        *(table_size(dataset) if "table" in dataset else SIZES[dataset.get("file") or dataset["packaged"]]),
        hidden=[int(width) for width in wildcards.architecture.split("-")],
        seeds=members or len(seeds(wildcards)),
        updates=updates,
        records=recording["dense_until"] // recording["dense_every"] + updates // recording["sparse_every"] + 1,
        vectors=len(config["spectrum"]["eigenvectors_at"]),
    )


def asked_for_table():
    """mem_mb and runtime of a rule that holds the joint table of all runs."""
    sizes = [problem(SimpleNamespace(**entry)) for entry in RUNS]
    return {"mem_mb": lambda wildcards, attempt: attempt * footprint.table(sizes), "runtime": 15}


def asked(*needs, members=None, runs=None):
    """mem_mb and runtime of a rule: the sum of what `footprint` gives for each need; twice as much at the second attempt."""

    def of(part):
        def value(wildcards, attempt):
            size = problem(wildcards, members)
            return attempt * sum(need(size, **({"runs": runs} if runs else {}))[part] for need in needs)

        return value

    return {"mem_mb": of(0), "runtime": of(1)}


def job_names():
    """{rule}/{job} of every job of this configuration, as logs and benchmarks are named."""
    runs = ["{dataset}_{architecture}_{activation}".format(**entry) for entry in RUNS]
    per_run = [f"{rule}/{run}" for rule in ("training", "spectrum", "indices") for run in runs]
    datasets = [f"dataset/{dataset}" for dataset in dict.fromkeys(dataset for dataset, _ in PAIRS)]
    verified = ["{dataset}_{architecture}_{activation}".format(**entry) for entry in VERIFIED if VERDICTS]
    checks = [f"{rule}/{run}" for rule in ("published", "envelope", "comparison") for run in verified]
    joint = ["tables/tables", "curves/curves", *(f"{rule}/{pair}" for rule in ("portraits", "video") for pair in DRAWN)]
    joint += ["explorer/explorer"] if EXPLORER else []
    return [*datasets, *per_run, *joint, *checks, *(["verify/verify"] if VERDICTS else [])]


def code(name, environment, *beside):
    """
    The script `name`, all core modules that it imports, at any depth, the files beside them that it reads, and its
    environment file.

    They are inputs of the rule: their content is compared, so editing one re-runs just the steps that use it.
    """
    finder = ModuleFinder(path=[str(SCRIPTS)])
    finder.run_script(str(SCRIPTS / f"{name}.py"))
    files = {Path(module.__file__) for module in finder.modules.values() if module.__file__}
    files.update(SCRIPTS / "meanfield" / file for file in beside)
    files.add(ROOT / "envs" / f"{environment}.yaml")
    return sorted(os.path.relpath(file) for file in files)


def say_verdicts():
    """At the end of a run: how many comparisons with the publication came to which verdict."""
    path = Path("results/verification/verdicts.csv")
    if VERDICTS and path.exists():
        with open(path) as stream:
            counts = Counter(row["verdict"] for row in csv.DictReader(stream))
        print("verification: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common()), file=sys.stderr)


def warn_of_stand_ins():
    """At the end of a run: name the datasets that are not the published ones, and the way to replace them."""
    origins = [Path(f"results/datasets/{dataset}.json") for dataset in DATASETS]
    names = [path.stem for path in origins if path.exists() and json.loads(path.read_text())["source"] == "stand-in"]
    if names:
        print(
            f"WARNING: stand-in data, not the published: {', '.join(names)}. All results from them are marked. To use the "
            "published files, connect to the network or set MEANFIELD_MIRROR, and run again with --forcerun dataset",
            file=sys.stderr,
        )
