"""What the rules share: the checked configuration, its plan, paths as Snakemake writes them, the code behind a step."""

import csv
import os
import sys
import time
from pathlib import Path

import yaml
from snakemake.logging import logger

BEGAN = time.monotonic()
ROOT = Path(str(workflow.current_basedir)).parent.parent  # also where another workflow uses this one as a module
sys.path.append(str(ROOT / "scripts"))

from meanfield.errors import MeanfieldError
from meanfield.jobs import configuration, dependencies, disk, lifetime, lock, plan, resources, sizes, submissions, summary

SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
try:
    configuration.typed(config, workflow.config_settings.config, SCHEMA)
    configuration.check(config, SCHEMA)
    disk.insist_on_folder("results")
    disk.insist_on_writing(".snakemake")  # which a dry run needs, too
except MeanfieldError as error:
    sys.exit(str(error))

# Says to others that a run is alive here. Whether it may go on is up to Snakemake's own lock, which only needs protection
# from being removed, also while jobs that a killed Snakemake has submitted are in SLURM's queue.
FAILED = submissions.Watch()
if workflow.is_main_process:
    lifetime.name_launcher()
    logger.addHandler(FAILED)
    if (other := lock.hold()) > 0 and "--unlock" in sys.argv:
        sys.exit(lock.refusal(other))
    if "--unlock" in sys.argv:
        try:
            submissions.insist()
        except MeanfieldError as error:
            sys.exit(str(error))

if "gpu" in workflow.resource_settings.resources and not config["gpu"]:
    sys.exit(
        "a resource gpu is given and the configuration's gpu is false: --config replaces that of the profile; add gpu=True"
    )

# Files of the publication that the project holds, relative to where Snakemake runs. To these and to files of the user's, which
# are `local`, the prefix does not apply that another workflow may give to this one's results.
HELD = ("registry.csv", "summary.csv", "exceptions.csv", "claims.yaml")
REGISTRY, SUMMARY, EXCEPTIONS, CLAIMS = (local(os.path.relpath(ROOT / "config" / "published" / name)) for name in HELD)
if config["claims"]["stated"]:
    CLAIMS = local(configuration.located(config["claims"]["stated"], ROOT))
with open(CLAIMS) as stream:
    CLAIM_NAMES = list(yaml.safe_load(stream)["claims"])
with open(SUMMARY) as stream:
    PLAN = plan.Plan(config, [(row["experiment"], row["activation"]) for row in csv.DictReader(stream)])

# On a GPU the spectrum step uses TensorFlow's linear algebra, so both steps share an environment. Products are NumPy's.
DENSE_ON_GPU = config["gpu"] and config["spectrum"]["method"] != "lanczos"
TRAIN, SPECTRUM = "train-gpu" if config["gpu"] else "train-cpu", "train-gpu" if DENSE_ON_GPU else "spectrum"
CUDA = [resources.gpu] if config["gpu"] else []
SHOWN = ", ".join(PLAN.activations)  # in results with a panel or curve for each
VIDEOS = [f"results/videos/{pair}.mp4" for pair in PLAN.drawn]
EXPLORER = ["results/explorer.html"] if PLAN.drawn else []
VERDICTS = ["results/verification/verdicts.md"] if PLAN.judged else []

# Where runs come in pieces, a submission holds as many as the profile says of the group "pieces": its sizes of groups, set
# after this file is read, are looked up by these names.
if PLAN.split:
    workflow.parent_groupids.update(training="pieces", spectra="pieces")


wildcard_constraints:
    dataset="|".join(PLAN.datasets),
    architecture="|".join({architecture for _, architecture in PLAN.experiments}),
    activation="|".join(PLAN.activations),


def run(name):
    """Path of one file of a run."""
    return plan.path({part: f"{{{part}}}" for part in ("dataset", "architecture", "activation")}, name)


# Where some run comes in pieces, each some of its seeds and a job of its own, the arrays of all runs lie in pieces.
PIECE, OF_PIECE = ("pieces/{seeds}/", "_{seeds}") if PLAN.split else ("", "")


def piece(name):
    """Path of one file of a piece of a run, or of a run that is whole."""
    return run(PIECE + name)


def every_run(name, runs):
    """That file of each of the runs."""
    return [plan.path(entry, name) for entry in runs]


def every_first(name, runs):
    """That file of the first piece of each of the runs: of the published draw, which pictures show."""
    return [PLAN.files(entry, name)[0] for entry in runs]


def first(name):
    """The same for the run of the wildcards."""
    return planned(lambda wildcards: every_first(name, [wildcards])[0])


def every_activation(name):
    """The same for all activations of a dataset and architecture."""
    return of_pair(lambda *pair: every_first(name, PLAN.runs_like(*pair)))


def seeds(wildcards):
    """The graph seeds of a piece's members, or of all members of a run that is whole."""
    members = of_pair(PLAN.seeds)(wildcards)
    return PLAN.pieces[wildcards.dataset, wildcards.architecture][wildcards.seeds] if PLAN.split else members


def planned(value):
    """A function of the wildcards that ends with one line where the plan has no such run."""

    def said(wildcards):
        try:
            return value(wildcards)
        except MeanfieldError as error:
            sys.exit(str(error))

    return said


def of_pair(value):
    """A method of the plan that takes a dataset and an architecture, as a function of the wildcards."""
    return planned(lambda wildcards: value(wildcards.dataset, wildcards.architecture))


def longest_first(wildcards):
    """Priority of the jobs that lead to spectra: the longest chain of a run begins first, so that no core waits for it."""
    return PLAN.longest(wildcards.dataset, wildcards.get("architecture"))


# How a published run is trained again, where that is asked for or a bit differs.
RETRAINING = dict(
    initial=of_pair(PLAN.initial),
    protocol=of_pair(PLAN.protocol),
    members=config["verification"]["members"],
    threads=config["threads"]["training"],
)


def shown(path, category, labels, caption=None):
    """A result that the report shows; its caption is of the same name, if none is given."""
    return report(path, caption=f"../report/{caption or Path(path).stem}.rst", category=category, labels=labels)


def activation(wildcards):
    """The activation as the configuration gives it, a name or a formula."""
    return PLAN.definitions[wildcards.activation]


def replayed(wildcards):
    """How a run is computed in the arithmetic of 2018; None if it is TensorFlow's."""
    return PLAN.replayed(wildcards.dataset, wildcards.architecture, wildcards.activation)


def sortable(name, content):
    """The sortable page of a table, in the report."""
    return shown(f"results/tables/{name}.html", "Tables", {"table": name, "content": content})


# What a job asks for whose size hardly matters.
SMALL = dict(mem_mb=lambda wildcards, attempt: 1000 * attempt, runtime=lambda wildcards, attempt: 10 * attempt)


def asked_for_table():
    """mem_mb and runtime of a rule that holds the joint table of all runs; twice as much at the second attempt."""
    sizes = [PLAN.problem(entry["dataset"], entry["architecture"]) for entry in PLAN.runs]
    return {
        "mem_mb": lambda wildcards, attempt: attempt * resources.table(sizes),
        "runtime": lambda wildcards, attempt: attempt * 15,
    }


def asked(*needs, members=None, runs=None):
    """mem_mb and runtime of a rule: the sum of what `resources` gives for each need; twice as much at the second attempt."""

    def of(part):
        def value(wildcards, attempt):
            held = len(seeds(wildcards)) if members is None and "seeds" in wildcards.keys() else members
            size = of_pair(lambda *pair: PLAN.problem(*pair, held))(wildcards)
            return attempt * sum(need(size, **({"runs": runs} if runs else {}))[part] for need in needs)

        return value

    return {"mem_mb": of(0), "runtime": of(1)}


def code(name, environment, *beside):
    """
    The script `name`, all that it imports of the core, the files beside that which it reads, and its environment file,
    each with its checksum.

    They are params of the rule, without names: editing one re-runs just the steps that use it, and Snakemake says which. As
    inputs they would do the same, and fill the screen.
    """
    files = dependencies.of_script(ROOT / "scripts" / f"{name}.py", *beside)
    return [
        f"{file.relative_to(ROOT)} {dependencies.sha256(file)}" for file in [*files, ROOT / "envs" / f"{environment}.yaml"]
    ]
