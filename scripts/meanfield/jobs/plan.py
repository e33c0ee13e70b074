"""
The plan of a configuration: its runs, the settings and the size of each, and the results and jobs that come of them.

Imported by the Snakefile, so it needs nothing but the standard library. A run is a dict of dataset, architecture and
activation; a pair is dataset and architecture. The configuration is one that `configuration.check` has passed.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property

from meanfield.errors import MeanfieldError
from meanfield.jobs import resources
from meanfield.jobs.sizes import data_size

CORRECTED = "-corrected"  # after a dataset's name: by the corrected protocol, whose results stand beside the published one's
SECOND = "-tensorflow"  # the same: by the published protocol, but with TensorFlow's kernels, as a second opinion
SOFTMAX = "-softmax"  # the same: by the corrected protocol, and several classes with the softmax cross-entropy
SUFFIXES = {"corrected": CORRECTED, "tensorflow": SECOND, "softmax": SOFTMAX}
ORIGINAL = {"method": "adam", "batch_size": None, "l2": 0}  # of the optimizer: what all runs of the publication share
MOST_MIB, MOST_MINUTES = 4000, 20  # that a job of a run may ask for; with more members than that takes it is split
MOST_REPLAYED = 10  # members of a run that are trained in the arithmetic of 2018, one by one; more are an ensemble


def named(run: dict) -> str:
    """A run as logs and benchmarks are named."""
    return "{dataset}_{architecture}_{activation}".format(**run)


def path(run: dict, name: str) -> str:
    """One file of a run."""
    return f"results/runs/{run['dataset']}/{run['architecture']}/{run['activation']}/{name}"


def is_own(dataset: dict) -> bool:
    """Whether a dataset's settings are of data of one's own, none of those that were published on."""
    return "file" not in dataset and dataset.get("packaged") != "digits"


def protocol_of(experiment: dict, config: dict) -> str:
    """What an experiment follows: its own protocol, else the configuration's, else published for published data alone."""
    default = "corrected" if is_own(config["datasets"][experiment["dataset"]]) else "published"
    return experiment.get("protocol") or config["protocol"] or default


class Plan:
    """What a configuration comes to; `published` holds (dataset_architecture, activation) of the runs of the publication."""

    def __init__(self, config: dict, published: Iterable[tuple[str, str]]) -> None:
        self.config, self.published = config, set(published)
        self.definitions = {entry if isinstance(entry, str) else entry["name"]: entry for entry in config["activations"]}
        self.activations = list(self.definitions)
        self.axes = {axis: tasks for axis, tasks in config["claims"].items() if axis != "stated"}
        corrections = config["corrections"]
        self.datasets = dict(config["datasets"])
        for name, kept in config["datasets"].items():
            corrected = kept | corrections.get(name, {})
            self.datasets |= {name + CORRECTED: corrected, name + SECOND: kept}
            if kept.get("packaged") == "digits":
                self.datasets[name + SOFTMAX] = corrected | {"loss": "softmax"}
        self.experiments = {}
        for followed in ("published", *SUFFIXES, None):
            self.experiments |= self.experiments_of(followed)
        self.runs = self.runs_of()
        self.pairs = list(self.experiments_of())
        self.pieces = {pair: self._pieces(*pair) for pair in self.experiments}
        self.split = any(len(pieces) > 1 for pieces in self.pieces.values())

    def experiments_of(self, protocol: str | None = None) -> dict[tuple[str, str], dict]:
        """The experiments by pair, the dataset named for the protocol: the one given, else each one's own.

        Data of one's own keep their name by whatever protocol, and have no second one: with one given they are left out.
        The softmax is for several classes, which of the published data the digits have.
        """
        named = {}
        for entry in self.config["experiments"]:
            own = is_own(self.datasets[entry["dataset"]])
            suffix = "" if own else SUFFIXES.get(protocol or protocol_of(entry, self.config), "")
            if not (own and protocol) and entry["dataset"] + suffix in self.datasets:
                named[entry["dataset"] + suffix, str(entry["architecture"])] = entry
        return named

    def runs_of(self, protocol: str | None = None) -> list[dict]:
        """The runs of those experiments."""
        return [run for pair in self.experiments_of(protocol) for run in self.runs_like(*pair)]

    def runs_like(self, dataset: str, architecture: str) -> list[dict]:
        """The runs of a pair, one per activation."""
        return [{"dataset": dataset, "architecture": architecture, "activation": name} for name in self.activations]

    def verified(self, runs: Sequence[dict]) -> list[dict]:
        """Those of the runs that the publication has, too."""
        named = [run for run in runs if (f"{run['dataset']}_{run['architecture']}", run["activation"]) in self.published]
        return [run for run in named if self.as_published(run["dataset"], run["architecture"])]

    def published_arrays(self, runs: Sequence[dict]) -> list[str]:
        """The published arrays of those runs."""
        return ["results/published/{dataset}/{architecture}/{activation}.nc".format(**run) for run in self.verified(runs)]

    def split_seeds(self, dataset: str) -> list[int]:
        """The seeds of a dataset's splits if it has several, one for each member of its runs; else none."""
        seeds = self.datasets[dataset].get("split_seed")
        return seeds if isinstance(seeds, list) else []

    # A run with many members comes in pieces, which are jobs of their own; if any does, the files of all lie in pieces.

    def _pieces(self, dataset: str, architecture: str) -> dict[str, list[int]]:
        """The graph seeds of a run's members, job by job, by the numbers of the first and the last: "1-50", "51-100", …

        Of a size that does not depend on the number of members: more of them leave finished pieces as they are.
        """
        seeds = self.seeds(dataset, architecture)
        undivided = self.split_seeds(dataset) or len(seeds) == 1
        most = len(seeds) if undivided else self.config["seeds_per_job"] or self.most_members(dataset, architecture)
        return {f"{at + 1}-{at + len(part)}": part for at in range(0, len(seeds), most) if (part := seeds[at : at + most])}

    def most_members(self, dataset: str, architecture: str) -> int:
        """How many members of a run fit into MOST_MIB and MOST_MINUTES, for its training and its spectra; at least 1."""
        whole = self.problem(dataset, architecture)

        def too_many(members: int) -> bool:
            part = whole._replace(seeds=members)
            asked = [need(part) for need in (resources.training, resources.spectrum)]
            return max(asked)[0] > MOST_MIB or max(minutes for _, minutes in asked) > MOST_MINUTES

        return max(1, bisect_left(range(1, whole.seeds + 1), True, key=too_many))

    def files(self, run: dict, name: str) -> list[str]:
        """That file of each piece of a run, or the one of a run that is whole."""
        pair = run["dataset"], run["architecture"]
        self.experiment(*pair)  # which says so if it is not configured
        pieces = self.pieces[pair]
        return [path(run, f"pieces/{piece}/{name}") for piece in pieces] if self.split else [path(run, name)]

    # Videos, figures of networks and explorer need a spectrum, of eigenvalues or estimated: inertia only counts. They show
    # one split. Eigenvectors and verdicts need eigenvalues, which lanczos does not give.

    @cached_property
    def drawn_runs(self) -> list[dict]:
        """The runs of one split each."""
        return [run for run in self.runs if not self.split_seeds(run["dataset"])]

    @cached_property
    def drawn(self) -> list[str]:
        """{dataset}_{architecture} of the pairs that have spectra and one split each."""
        spectra = self.config["spectrum"]["method"] != "inertia"
        return ["_".join(pair) for pair in self.pairs if spectra and not self.split_seeds(pair[0])]

    @property
    def exact(self) -> bool:
        """Whether eigenvalues are computed."""
        return self.config["spectrum"]["method"] == "eigenvalues"

    @cached_property
    def judged(self) -> list[dict]:
        """The runs that are compared with the publication: they have eigenvalues, and one split each."""
        return self.verified(self.drawn_runs) if self.exact else []

    # Settings of a pair.

    def experiment(self, dataset: str, architecture: str) -> dict:
        """The settings of a pair's experiment. MeanfieldError for a pair that is not configured."""
        if (dataset, architecture) not in self.experiments:
            configured = ", ".join(map(" ".join, self.pairs))
            raise MeanfieldError(f"no experiment {dataset} {architecture} is configured; there are: {configured}")
        return self.experiments[dataset, architecture]

    def corrects(self, dataset: str, architecture: str) -> bool:
        """Whether a pair follows the corrected protocol: mean losses in float64, all of a record of the same parameters."""
        if dataset.endswith(tuple(SUFFIXES.values())):
            return not dataset.endswith(SECOND)
        own = is_own(self.datasets[dataset])
        return own and protocol_of(self.experiment(dataset, architecture), self.config) == "corrected"

    def as_published(self, dataset: str, architecture: str) -> bool:
        """Whether a pair is trained in the way of the publication: its protocol, loss, weights and kind of optimizer."""
        optimizer = {key: self.config["optimizer"][key] for key in ORIGINAL}
        drawn = self.initial(dataset, architecture)["initial_weights"]
        theirs = (
            drawn == "as_published" and optimizer == ORIGINAL and self.datasets[dataset].get("loss", "sigmoid") == "sigmoid"
        )
        return theirs and not self.corrects(dataset, architecture)

    def seeds(self, dataset: str, architecture: str) -> list[int]:
        """Graph seeds of a run's members: 1, 2, …; with several splits all members start from the published draw, 1."""
        members = min(self.config["seeds"], self.experiment(dataset, architecture).get("seeds", self.config["seeds"]))
        return [1] * len(self.split_seeds(dataset)) or list(range(1, members + 1))

    def initial(self, dataset: str, architecture: str) -> dict:
        """How a run's initial parameters are drawn: keyword arguments of `training.initial.initial_members`."""
        entry = self.experiment(dataset, architecture)
        corrected = self.corrects(dataset, architecture) or is_own(self.datasets[dataset])
        weights = entry.get("initial_weights", "independent" if corrected else "as_published")
        return {key: entry[key] for key in ("beta_stddev", "beta_op_seed")} | {"initial_weights": weights}

    def protocol(self, dataset: str, architecture: str) -> dict:
        """How a run is trained and recorded: keyword arguments of `training.train.train`."""
        entry = self.experiment(dataset, architecture)
        return {
            "updates": entry["updates"],
            "recording": self.config["recording"],
            "optimizer": self.config["optimizer"] | {key: entry[key] for key in ("learning_rate",) if key in entry},
            "averaging": self.averaging(dataset, architecture),
            "residual_output": self.datasets[dataset].get("residual_output", "probability"),
        }

    def averaging(self, dataset: str, architecture: str) -> str:
        """Precision in which a run's loss is averaged."""
        return "float64" if self.corrects(dataset, architecture) else self.config["averaging"]

    def replayed(self, dataset: str, architecture: str, activation: str) -> dict | None:
        """How a run is computed in the arithmetic of 2018: kernels, and whether its exceptions count; else None.

        That is for what the publication has: its runs, from its data by its protocol, on one split.
        """
        settings = self.datasets[dataset]
        kernels = "binary" if "file" in settings else "digits" if settings.get("packaged") == "digits" else None
        wanted = str(self.config["arithmetic"]) == "2018" and not dataset.endswith(SECOND)
        published = kernels and self.verified([{"dataset": dataset, "architecture": architecture, "activation": activation}])
        few = not self.split_seeds(dataset) and len(self.seeds(dataset, architecture)) <= MOST_REPLAYED
        if wanted and published and few and self.config["averaging"] == "float32":
            return {"kernels": kernels, "exceptions": self.config["exceptions"]}
        return None

    def by_numpy(self, dataset: str) -> bool:
        """Whether a dataset's runs that are not replayed are trained by NumPy, as far as it can; it has no GPU."""
        return self.config["arithmetic"] == "numpy" and not self.config["gpu"] and not dataset.endswith(SECOND)

    @property
    def spectrum(self) -> dict:
        """How spectra are computed: keyword arguments of `spectrum.of_run`, those of lanczos where it is chosen."""
        used = self.config["spectrum"]
        return used if used["method"] == "lanczos" else {key: used[key] for key in ("method", "eigenvectors_at")}

    def problem(self, dataset: str, architecture: str, members: int | None = None) -> resources.Problem:
        """The size of a run, for what its jobs ask for; with all its members if their number is not given."""
        updates, recording = self.experiment(dataset, architecture)["updates"], self.config["recording"]
        spectrum, by_products = self.config["spectrum"], self.config["spectrum"]["method"] == "lanczos"
        return resources.Problem(
            *data_size(self.datasets[dataset]),
            hidden=[int(width) for width in architecture.split("-")],
            seeds=members or len(self.seeds(dataset, architecture)),
            updates=updates,
            records=recording["dense_until"] // recording["dense_every"] + updates // recording["sparse_every"] + 1,
            vectors=len(spectrum["eigenvectors_at"]) if spectrum["method"] == "eigenvalues" else 0,
            lanczos=(spectrum["probes"], spectrum["steps"]) if by_products else None,
            batch=self.config["optimizer"]["batch_size"],
            counted=len(spectrum["inertia_at"]) if by_products else 0,
            counted_up_to=spectrum["inertia_up_to"],
            by_inertia=spectrum["method"] == "inertia",
        )

    def longest(self, dataset: str, architecture: str | None = None) -> int:
        """Minutes that the longest spectra of a dataset ask for, of this architecture if one is given."""
        pairs = [pair for pair in self.experiments if pair[0] == dataset and architecture in (None, pair[1])]
        return max((resources.spectrum(self.problem(*pair))[1] for pair in pairs), default=0)

    def job_names(self) -> list[str]:
        """{rule}/{job} of every job of this configuration, as logs and benchmarks are named."""
        datasets = [f"dataset/{dataset}" for dataset in dict.fromkeys(dataset for dataset, _ in self.pairs)]
        pieces = [
            f"{named(run)}_{piece}" if self.split else named(run)
            for run in self.runs
            for piece in self.pieces[run["dataset"], run["architecture"]]
        ]
        per_run = [f"{rule}/{piece}" for rule in ("training", "spectrum", "indices") for piece in pieces]
        per_run += [f"joined/{named(run)}_indices.csv" for run in self.runs if self.split]
        per_pair = [f"{rule}/{pair}" for rule in ("networks", "video") for pair in self.drawn]
        checks = [f"{rule}/{named(run)}" for rule in ("published", "comparison") for run in self.judged]
        joint = ["explorer/explorer"] * bool(self.drawn), ["verify/verify"] * bool(self.judged)
        return [*datasets, *per_run, "tables/tables", "curves/curves", *per_pair, *joint[0], *checks, *joint[1]]
