"""What a configuration comes to: runs, settings, sizes, names of jobs."""

from copy import deepcopy
from itertools import combinations

import pytest
import yaml
from examples import CONFIG, ROOT, RUNS
from meanfield.data import tables
from meanfield.errors import MeanfieldError
from meanfield.jobs.plan import CORRECTED, MOST_REPLAYED, SECOND, SOFTMAX, SUFFIXES, Plan, named, path
from meanfield.jobs.sizes import DELIMITERS, data_size
from meanfield.training.arithmetic import KERNELS
from meanfield.training.replay import ACTIVATIONS
from snakemake.utils import update_config

WHOLE = [("_".join(run[:2]), run[2]) for run in RUNS]
PUBLISHED = [("linear_10", "esp"), ("linear_10", "relu"), ("digits_25", "esp")]


def plan(published=PUBLISHED, **changes) -> Plan:
    return Plan(CONFIG | changes, published)


def test_runs_of_the_published_configuration():
    ours = plan()
    assert len(ours.runs) == 15
    assert ours.pairs[0] == ("linear", "10")
    assert ours.runs[:2] == [{"dataset": "linear", "architecture": "10", "activation": name} for name in ("esp", "relu")]
    assert named(ours.runs[0]) == "linear_10_esp"
    assert path(ours.runs[0], "spectrum.nc") == "results/runs/linear/10/esp/spectrum.nc"


def test_the_projects_configurations_overwrite_no_run_of_each_other():
    """The deviations of the published one included: a folder holds the results of all."""
    configurations = [deepcopy(CONFIG) for _ in range(3)]
    for config, name in zip(configurations[1:], ("ensemble", "mnist"), strict=True):
        update_config(config, yaml.safe_load((ROOT / f"config/{name}.yaml").read_text()))
    runs = [set(map(named, Plan(config, WHOLE).runs)) for config in configurations]
    runs[0].update(named(run) for protocol in ("published", *SUFFIXES) for run in plan().runs_of(protocol))
    assert all(runs)
    assert [first & second for first, second in combinations(runs, 2)] == [set()] * 3


def test_the_corrected_protocol_stands_beside_the_published_one():
    ours = plan()
    assert {run["dataset"] for run in ours.runs_of("corrected")} == {name + CORRECTED for name in CONFIG["datasets"]}
    assert {run["dataset"] for run in plan(protocol="corrected").runs} == {name + CORRECTED for name in CONFIG["datasets"]}
    assert ours.datasets["digits" + CORRECTED]["labels"] == "one-hot"
    assert ours.datasets["digits"]["labels"] == "shifted"
    assert ours.averaging("digits", "25") == "float32"
    assert ours.protocol("digits" + CORRECTED, "25")["averaging"] == "float64"
    assert (ours.protocol("digits", "25")["residual_output"], ours.protocol("linear", "10")["residual_output"]) == (
        "esp",
        "probability",
    )


def test_the_softmax_is_for_the_digits_by_the_corrected_protocol():
    ours = plan()
    [pair] = ours.experiments_of("softmax")
    assert pair == ("digits" + SOFTMAX, "25")
    assert ours.datasets[pair[0]] == ours.datasets["digits" + CORRECTED] | {"loss": "softmax"}
    assert ours.averaging(*pair) == "float64"
    assert ours.initial(*pair)["initial_weights"] == "independent"
    assert plan(datasets={"mine": OWN}, experiments=[MINE]).experiments_of("softmax") == {}


def test_digits_with_a_softmax_are_not_compared_with_the_publication():
    ours = plan(datasets=CONFIG["datasets"] | {"digits": CONFIG["datasets"]["digits"] | {"loss": "softmax"}})
    assert not ours.as_published("digits", "25")
    assert ours.replayed("digits", "25", "esp") is None


def test_an_activation_by_formula_goes_by_its_name():
    mish = {"name": "mish", "formula": "h*tanh(softplus(h))"}
    ours = plan(activations=["relu", mish])
    assert ours.activations == ["relu", "mish"]
    assert ours.definitions == {"relu": "relu", "mish": mish}
    assert ours.replayed("linear", "10", "mish") is None


def test_an_experiment_has_a_protocol_of_its_own_if_it_says_so():
    first, *rest = CONFIG["experiments"]
    ours = plan(experiments=[first | {"protocol": "corrected"}, *rest])
    assert ours.pairs[:2] == [("linear" + CORRECTED, "10"), ("linear", "8-2")]


OWN = {"packaged": "iris", "test_size": 0.2, "split_seed": 0}
MINE = {"dataset": "mine", "architecture": "3", "updates": 9, "beta_stddev": 0.01, "beta_op_seed": 21}


@pytest.mark.parametrize(
    ("everywhere", "here", "corrected"),
    [
        (None, {}, True),
        (None, {"protocol": "corrected"}, True),
        ("corrected", {}, True),
        ("published", {}, False),
        (None, {"protocol": "published"}, False),
        ("published", {"protocol": "corrected"}, True),
    ],
)
def test_data_of_ones_own_follow_the_corrected_protocol_unless_asked_otherwise(everywhere, here, corrected):
    """By whatever protocol they keep their name, and they are none of the data of which the deviations speak."""
    datasets = CONFIG["datasets"] | {"mine": OWN}
    ours = plan(datasets=datasets, experiments=[MINE | here, *CONFIG["experiments"]], protocol=everywhere)
    assert ours.pairs[0] == ("mine", "3")
    assert ours.corrects("mine", "3") == corrected
    assert ours.protocol("mine", "3")["averaging"] == ("float64" if corrected else "float32")
    assert ours.initial("mine", "3")["initial_weights"] == "independent"
    assert ours.pairs[1] == ("linear" + CORRECTED * (everywhere == "corrected"), "10")
    assert ours.corrects(*ours.pairs[1]) == (everywhere == "corrected")
    for followed in ("published", "tensorflow", "corrected"):
        assert len(ours.runs_of(followed)) == 15
        assert not [run for run in ours.runs_of(followed) if run["dataset"].startswith("mine")]


def test_weights_are_drawn_as_published_where_the_protocol_is():
    first, *rest = CONFIG["experiments"]

    def drawn(ours: Plan, *pair: str) -> str:
        return ours.initial(*pair)["initial_weights"]

    assert drawn(plan(), "linear", "10") == drawn(plan(), "linear" + SECOND, "10") == "as_published"
    assert drawn(plan(), "linear" + CORRECTED, "10") == "independent"
    asked = plan(WHOLE, experiments=[first | {"initial_weights": "independent"}, *rest])
    assert drawn(asked, "linear", "10") == "independent"
    assert asked.replayed("linear", "10", "esp") is None
    assert len(asked.judged) == len(plan(WHOLE).judged) - 3


@pytest.mark.parametrize("changes", [{"method": "sgd"}, {"batch_size": 8}, {"l2": 0.01}])
def test_another_optimizer_than_the_publications_is_neither_replayed_nor_judged(changes):
    ours = plan(WHOLE, optimizer=CONFIG["optimizer"] | changes)
    assert ours.replayed("linear", "10", "esp") is None
    assert ours.judged == []


def test_an_experiment_may_have_a_learning_rate_of_its_own():
    first, *rest = CONFIG["experiments"]
    ours = plan(experiments=[first | {"learning_rate": 0.3}, *rest])
    assert ours.protocol("linear", "10")["optimizer"] == CONFIG["optimizer"] | {"learning_rate": 0.3}
    assert ours.protocol("linear", "8-2")["optimizer"] == CONFIG["optimizer"]


def test_what_the_publication_has_is_verified():
    ours = plan()
    assert [named(run) for run in ours.judged] == ["linear_10_esp", "linear_10_relu", "digits_25_esp"]
    assert ours.published_arrays(ours.runs)[0] == "results/published/linear/10/esp.nc"
    assert ours.verified(ours.runs_of("corrected")) == []


def test_seeds_are_the_fewer_of_the_configurations_and_the_experiments():
    first, second, *rest = CONFIG["experiments"]
    ours = plan(seeds=3, experiments=[first, second | {"seeds": 2}, *rest])
    assert ours.seeds("linear", "10") == [1, 2, 3]
    assert ours.seeds("linear", "8-2") == [1, 2]


def test_several_splits_start_from_the_published_draw_and_are_not_drawn():
    split = CONFIG["datasets"]["linear"] | {"split_seed": [4, 5]}
    ours = plan(datasets=CONFIG["datasets"] | {"linear": split})
    assert ours.seeds("linear", "10") == [1, 1]
    assert ours.problem("linear", "10").seeds == 2
    assert "linear_10" not in ours.drawn
    assert [named(run) for run in ours.judged] == ["digits_25_esp"]
    assert "nonlinear_10" in ours.drawn
    assert all(run["dataset"] != "linear" for run in ours.drawn_runs)


@pytest.mark.parametrize(("method", "pictures"), [("inertia", False), ("lanczos", True)])
def test_without_eigenvalues_nothing_is_judged_and_counts_have_no_pictures(method, pictures):
    ours = plan(spectrum=CONFIG["spectrum"] | {"method": method})
    assert ours.drawn == (plan().drawn if pictures else [])
    assert ours.judged == []
    assert not ours.exact
    rules = {name.split("/")[0] for name in ours.job_names()}
    assert {"video", "networks", "explorer"} & rules == ({"video", "networks", "explorer"} if pictures else set())
    assert not {"verify", "comparison"} & rules
    assert ours.problem("digits", "25").vectors == 0
    assert ours.problem("digits", "25").by_inertia == (method == "inertia")


def test_settings_of_lanczos_are_those_of_no_other_method():
    assert set(plan().spectrum) == {"method", "eigenvectors_at"}
    assert plan().problem("digits", "25").lanczos is None
    chosen = CONFIG["spectrum"] | {"method": "lanczos"}
    assert plan(spectrum=chosen).spectrum == chosen
    assert plan(spectrum=chosen).problem("digits", "25").lanczos == (chosen["probes"], chosen["steps"])


def mnist(**settings) -> Plan:
    """The plan of one network on MNIST."""
    spectrum = CONFIG["spectrum"] | {"method": "lanczos", "inertia_at": ["last"]}
    experiment = MINE | {"dataset": "mnist", "architecture": "25"}
    datasets = CONFIG["datasets"] | {"mnist": {"downloaded": "mnist", **settings}}
    return plan(WHOLE, datasets=datasets, experiments=[experiment], spectrum=spectrum)


def test_mnist_keeps_its_parts_and_follows_the_corrected_protocol():
    ours = mnist()
    assert ours.pairs == [("mnist", "25")]
    assert ours.corrects("mnist", "25")
    assert ours.initial("mnist", "25")["initial_weights"] == "independent"
    assert ours.split_seeds("mnist") == []
    assert ours.judged == []
    assert ours.replayed("mnist", "25", "esp") is None
    assert ours.runs_of("published") == []


def test_size_of_mnist():
    assert data_size({"downloaded": "mnist"}) == (70_000, 784, 10)
    assert data_size({"downloaded": "mnist", "samples": None}) == (70_000, 784, 10)
    assert data_size({"downloaded": "mnist", "samples": 20_000}) == (30_000, 784, 10)
    assert data_size({"downloaded": "mnist", "samples": 2000}) == (4000, 784, 10)
    problem = mnist(samples=2000).problem("mnist", "25")
    assert (problem.parameters, problem.counted, problem.counted_up_to) == (19_920, 1, 25_000)


DATASETS = CONFIG["datasets"]


@pytest.mark.parametrize(
    ("dataset", "activation", "changes"),
    [
        ("linear", "tanh", {}),
        ("linear", "esp", {"seeds": MOST_REPLAYED + 1}),
        ("linear", "esp", {"datasets": DATASETS | {"linear": DATASETS["linear"] | {"split_seed": [1, 2]}}}),
        ("linear" + CORRECTED, "esp", {}),
        ("linear" + SECOND, "esp", {}),
        ("linear", "esp", {"arithmetic": "tensorflow"}),
        ("linear", "esp", {"averaging": "float64"}),
    ],
)
def test_what_2018_had_not_is_trained_by_tensorflows_kernels(dataset, activation, changes):
    assert plan(WHOLE, **changes).replayed(dataset, "10", activation) is None


def test_numpy_trains_all_but_the_second_opinion():
    assert not plan(WHOLE).by_numpy("linear")
    ours = plan(WHOLE, arithmetic="numpy")
    assert ours.by_numpy("linear")
    assert ours.by_numpy("digits" + CORRECTED)
    assert not ours.by_numpy("linear" + SECOND)
    assert ours.replayed("linear", "10", "esp") is None


def test_other_architectures_are_trained_by_tensorflows_kernels():
    other = CONFIG["experiments"][0] | {"architecture": "8-5"}
    assert plan(WHOLE, experiments=[other]).replayed("linear", "8-5", "esp") is None


def test_the_published_runs_are_replayed():
    assert plan(WHOLE).replayed("linear", "10", "relu") == {"kernels": "binary", "exceptions": True}
    assert plan(WHOLE, arithmetic=2018, exceptions=False).replayed("digits", "25", "esp") == {
        "kernels": "digits",
        "exceptions": False,
    }


def test_a_pair_that_is_not_configured_is_one_line():
    with pytest.raises(MeanfieldError, match="no experiment linear 8-5 is configured; there are: linear 10, linear 8-2"):
        plan().seeds("linear", "8-5")


def test_sizes():
    problem = plan().problem("digits", "25")
    assert (problem.samples, problem.inputs, problem.labels, problem.parameters) == (1797, 64, 10, 1920)
    assert problem.records >= 56
    assert plan().problem("digits", "25", members=9).seeds == 9


def test_size_of_a_table_of_ones_own(tmp_path):
    (tmp_path / "mine.csv").write_text("a,b,c\n" + "1,2,3\n" * 20)
    (tmp_path / "mine.npz").write_bytes(b"0" * 8000)
    (tmp_path / "mine.tsv").write_text("a\tb\tc\n" + "1\t2\t3\n" * 20)

    def size(ending: str, **settings) -> tuple[int, int, int]:
        return data_size({"table": str(tmp_path / f"mine.{ending}"), "target": "c", **settings})

    assert size("csv", features=["a", "b"]) == (21, 2, 10)
    assert size("csv") == size("tsv") == (21, 2, 10)
    assert size("csv", encode=["a"]) == (21, 11, 10)
    assert size("csv", features="a", target=["b", "c"]) == (21, 1, 2)
    assert size("npz", features="x") == size("npz") == (1000, 100, 10)


def test_every_job_has_a_name_of_its_own():
    names = plan().job_names()
    assert len(names) == len(set(names)) == 3 + 3 * 15 + 2 + 2 * 5 + 1 + 2 * 3 + 1
    assert {"training/linear_10_esp", "networks/digits_25", "tables/tables", "comparison/linear_10_relu"} <= set(names)


def test_what_the_plan_says_without_numpy_is_what_the_core_says():
    """The plan is read by the launcher, which may lack the core's packages; so it states these again."""
    assert DELIMITERS == tables.DELIMITERS
    assert {activation for _, activation in WHOLE} == set(ACTIVATIONS)
    assert {plan(WHOLE).replayed(*pair, "esp")["kernels"] for pair in plan().pairs} == set(KERNELS)
