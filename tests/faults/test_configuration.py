"""Configurations made from the schema: every invalid one is refused in one line before any job, every valid one plans."""

import copy
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import yaml
from conftest import ROOT, Workflow
from examples import CONFIG, dataset
from faults import one_line
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from meanfield.data import datasets, storage
from meanfield.errors import MeanfieldError
from meanfield.jobs import configuration
from meanfield.jobs.sizes import SIZES
from meanfield.model.registry import KNOWN

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
RULES = yaml.safe_load(SCHEMA.read_text())
INVALID, VALID = 300, 100
QUICK = 2  # of each go through Snakemake every day, all of them in `make test-faults`

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(allow_nan=True),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
NAMES = [
    "a b",
    "a'b",
    'a"b',
    "../up",
    "a;b",
    "$(b)",
    "a\nb",
    "a/b",
    "",
    "-a",
    "ä",
    "a" * 65,
    ".a",
    "a|b",
    "~",
    "{a}",
    "a*",
    "linear\n",
]


def places(rules, here=()):
    """Every place in a configuration that the schema speaks of, with its rules; in lists the first entry."""
    if "$ref" in rules:
        rules = RULES["$defs"][rules["$ref"].rsplit("/", 1)[1]]
    yield here, rules
    for name, inner in rules.get("properties", {}).items():
        yield from places(inner, (*here, name))
    if "items" in rules:
        yield from places(rules["items"], (*here, 0))
    if isinstance(rules.get("additionalProperties"), dict):
        yield from places(rules["additionalProperties"], (*here, "linear" if here == ("datasets",) else "digits"))


PLACES = [(here, rules) for here, rules in places(RULES) if here]


def spoil(data, config):
    """Put something wrong at one place of a valid configuration; returns whether that was possible."""
    here, _ = data.draw(st.sampled_from(PLACES))
    holder, key = config, here[-1]
    for step in here[:-1]:
        if not _has(holder, step):
            return False
        holder = holder[step]
    kind = data.draw(st.sampled_from(["value", "unknown key", "missing key"]))
    if kind == "value" and isinstance(holder, dict | list) and (isinstance(holder, dict) or holder):
        holder[key] = data.draw(ANYTHING)
    elif kind == "unknown key" and _has(holder, key) and isinstance(holder[key], dict):
        holder[key][data.draw(st.sampled_from(["sedes", "Optimizer", "", "x y", "π"]))] = 1
    elif kind == "missing key" and _has(holder, key):
        del holder[key]
    else:
        return False
    return True


def _has(holder, key) -> bool:
    """Whether a mapping has a key, or a list so many entries."""
    return (isinstance(holder, dict) and key in holder) or (
        isinstance(holder, list) and isinstance(key, int) and key < len(holder)
    )


def written(config) -> str:
    """A configuration as a file has it; by libyaml, ten times as fast as PyYAML itself."""
    return yaml.dump(config, Dumper=yaml.CSafeDumper, allow_unicode=True)


def read(text: str):
    """What a file with a configuration holds."""
    return yaml.load(text, Loader=yaml.CSafeLoader)


def refusal(config):
    """The line that a configuration is refused with, or None."""
    try:
        configuration.check(config, SCHEMA)
    except MeanfieldError as error:
        return str(error)
    return None


@pytest.fixture(scope="module")
def invalid():
    """300 invalid configurations, all different."""
    found = {}

    @settings(max_examples=5 * INVALID, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def collect(data):
        config = copy.deepcopy(CONFIG)
        assume(spoil(data, config))
        text = written(config)
        assume(read(text) != CONFIG)
        if len(found) < INVALID and (refusal(read(text)) or not _harmless(config)):
            found[text] = config

    collect()
    assert len(found) == INVALID
    for number, name in enumerate(NAMES):  # whatever else: names that a shell or a path could trip over
        config = copy.deepcopy(CONFIG)
        config["datasets"][name] = config["datasets"]["linear"]
        if number % 2:
            config["experiments"][0]["dataset"] = name
        found[written(config)] = config
    for change in ({"architecture": "10\n"}, {"dataset": "linear\n"}):
        config = copy.deepcopy(CONFIG)
        config["experiments"][0] |= change
        found[written(config)] = config
    return list(found)


def _harmless(config) -> bool:
    """Whether a plain reading of the schema, jsonschema's own, accepts a configuration."""
    import jsonschema

    return jsonschema.Draft202012Validator(RULES).is_valid(config)


def test_invalid_configurations_are_refused_in_one_line(invalid):
    assert len(invalid) == INVALID + len(NAMES) + 2
    for text in invalid:
        line = refusal(read(text))
        assert line, text
        assert line.startswith("configuration: ")
        assert "\n" not in line
        assert len(line) < 400


def dry_runs(folder, texts, mirror) -> list[tuple[int, str]]:
    """Exit status and output of a dry run with each configuration."""
    workflow, commands = Workflow(folder, mirror), []
    snakefile = (folder / "workflow/Snakefile").read_text()
    for number, text in enumerate(texts):
        # the defaults would fill what is missing: the configuration takes their place
        (folder / f"config/{number}.yaml").write_text(text)
        mine = snakefile.replace('"config" / "config.yaml"', f'"config" / "{number}.yaml"')
        assert mine != snakefile
        (folder / f"workflow/Snakefile{number}").write_text(mine)
        commands.append(["--dry-run", "--quiet", "rules", "--snakefile", f"workflow/Snakefile{number}"])
    return workflow.forked(commands)


@pytest.mark.parametrize("many", [False, pytest.param(True, marks=pytest.mark.long)])
def test_snakemake_refuses_them_before_any_job(invalid, tmp_path, mirror, many):
    chosen = invalid if many else invalid[:: len(invalid) // QUICK]
    for text, (status, output) in zip(chosen, dry_runs(tmp_path, chosen, mirror), strict=True):
        assert status != 0, text
        assert "Traceback" not in output
        said = [line for line in output.splitlines() if not line.startswith("Using ")]
        assert len(said) == 1, output
        assert said[0].startswith("configuration: ")


WIDTHS = st.lists(st.integers(1, 30), min_size=1, max_size=3).map(lambda widths: "-".join(map(str, widths)))
POSITIVE = st.floats(1e-6, 10, allow_nan=False)
EXPERIMENT = st.fixed_dictionaries(
    {
        "dataset": st.sampled_from(list(CONFIG["datasets"])),
        "architecture": WIDTHS,
        "updates": st.integers(1, 5000),
        "beta_stddev": st.floats(0, 1),
        "beta_op_seed": st.integers(0, 100),
    },
    optional={
        "seeds": st.integers(1, 50),
        "protocol": st.sampled_from(["published", "corrected"]),
        "initial_weights": st.sampled_from(["as_published", "independent"]),
        "learning_rate": POSITIVE,
    },
)
SOUND = st.fixed_dictionaries(
    {
        "seeds": st.integers(1, 100),
        "activations": st.lists(
            st.sampled_from(["esp", "relu", "sigmoid", "tanh", "silu", "gelu", "softplus"]),
            min_size=1,
            max_size=7,
            unique=True,
        ),
        "experiments": st.lists(
            EXPERIMENT, min_size=1, max_size=3, unique_by=lambda entry: (entry["dataset"], entry["architecture"])
        ),
        "optimizer": st.fixed_dictionaries(
            dict.fromkeys(("learning_rate", "decay_updates", "epsilon"), POSITIVE)
            | {"decay_rate": st.floats(0.1, 1), "beta1": st.floats(0, 0.999), "beta2": st.floats(0, 0.9999)}
            | {"method": st.sampled_from(["adam", "sgd", "momentum"]), "momentum": st.floats(0, 0.99)}
            | {
                "batch_size": st.none() | st.integers(1, 38),  # as many as linear has
                "l2": st.sampled_from([0, 0.01]),
            }
        ),
        "averaging": st.sampled_from(["float32", "float64"]),
        "protocol": st.sampled_from([None, "published", "corrected"]),
        "recording": st.fixed_dictionaries(
            {"dense_every": st.integers(1, 50), "dense_until": st.integers(0, 500), "sparse_every": st.integers(1, 200)}
        ),
        "spectrum": st.fixed_dictionaries(
            {
                "method": st.sampled_from(["eigenvalues", "inertia", "lanczos"]),
                "eigenvectors_at": st.lists(st.one_of(st.integers(0, 900), st.just("last")), max_size=3, unique=True),
                "probes": st.integers(1, 1000),
                "steps": st.integers(2, 10000),
                "resolution": st.floats(1e-12, 0.99),
                "precision": st.sampled_from(["float64", "float32"]),
                "inertia_at": st.lists(st.one_of(st.integers(0, 900), st.just("last")), max_size=3, unique=True),
                "inertia_up_to": st.integers(0, 46340),
            }
        ),
        "verification": st.fixed_dictionaries({"members": st.integers(9, 30)}),
        "arithmetic": st.sampled_from(["2018", 2018, "tensorflow", "numpy"]),
        "exceptions": st.booleans(),
        "gpu": st.booleans(),
    }
)


@pytest.fixture(scope="module")
def valid():
    """100 valid configurations, all different."""
    found = {}

    @settings(max_examples=3 * VALID, deadline=None, suppress_health_check=list(HealthCheck))
    @given(SOUND)
    def collect(changes):
        if len(found) < VALID:
            found[yaml.safe_dump(CONFIG | changes)] = None

    collect()
    return list(found)


def test_valid_configurations_are_accepted(valid):
    assert len(valid) == VALID
    for text in valid:
        assert refusal(read(text)) is None, text


@pytest.mark.parametrize("many", [False, pytest.param(True, marks=pytest.mark.long)])
def test_valid_configurations_plan(valid, tmp_path, mirror, many):
    chosen = valid if many else valid[:: VALID // QUICK]
    for text, (status, output) in zip(chosen, dry_runs(tmp_path, chosen, mirror), strict=True):
        assert status == 0, f"{text}\n{output}"
        assert re.search(r"^training +\d+$", output, re.MULTILINE)


OWN = {"target": "c", "test_size": 0.25, "split_seed": 0}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"samples": None, "loss": "softmax", "pixel_scale": 1}, None),
        ({"samples": 784}, None),
        ({"samples": 783}, "datasets.m.samples is 783; allowed: at least 784 (the first so many of each part"),
        ({"downloaded": "cifar"}, 'datasets.m.downloaded is "cifar"; allowed: mnist'),
        ({"test_size": 0.2}, "datasets.m.test_size has no meaning for downloaded mnist; allowed: "),
        ({"split_seed": [1, 2]}, "datasets.m.split_seed has no meaning for downloaded mnist"),
        ({"labels": "shifted"}, "datasets.m.labels has no meaning for downloaded mnist"),
        ({"packaged": "iris"}, "datasets.m has packaged and downloaded of file, packaged, downloaded, table"),
    ],
)
def test_what_a_downloaded_dataset_may_say(changes, words):
    found = refusal(CONFIG | {"datasets": CONFIG["datasets"] | {"m": {"downloaded": "mnist", **changes}}})
    assert (words is None) == (found is None)
    assert words is None or words in found


@pytest.mark.parametrize(
    ("samples", "words"),
    [(900, "m has 900 training samples; allowed: 1 to 900"), (None, None), (1000, None)],
)
def test_a_batch_is_no_larger_than_what_is_kept_of_a_downloaded_dataset(samples, words):
    datasets = CONFIG["datasets"] | {"m": {"downloaded": "mnist", "samples": samples}}
    experiment = CONFIG["experiments"][0] | {"dataset": "m"}
    optimizer = CONFIG["optimizer"] | {"batch_size": 1000}
    found = refusal(CONFIG | {"datasets": datasets, "experiments": [experiment], "optimizer": optimizer})
    assert (words is None) == (found is None)
    assert words is None or words in found


@pytest.mark.parametrize("missing", ["test_size", "split_seed"])
def test_others_say_how_they_are_divided(missing):
    dataset = {"packaged": "iris", "test_size": 0.2, "split_seed": 0}
    del dataset[missing]
    assert f"datasets.m: missing key {missing}" in refusal(CONFIG | {"datasets": CONFIG["datasets"] | {"m": dataset}})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"delimiter": "::"}, 'delimiter is "::"; allowed: ",", ";", "\\t", "|", " "'),
        ({"decimal": ","}, 'decimal is ",", and so is the delimiter; set delimiter: ";"'),
        ({"missing": "ignore"}, 'missing is "ignore"; allowed: error, drop'),
        ({"encode": "island"}, 'encode is "island"; allowed: a list'),
        ({"stratify": True, "task": "regression"}, "stratify is true, which needs classes; allowed: false"),
        ({"table": "t.npz", "decimal": ","}, "decimal has no meaning for table t.npz"),
        ({"target": []}, "target is []; allowed: at least 1 entry"),
        (
            {"delimiter": ";", "decimal": ",", "encode": ["a"], "missing": "drop", "stratify": False, "target": ["c", "d"]},
            None,
        ),
        ({"table": "t.tsv", "decimal": ","}, None),
        ({"loss": "hinge"}, 'loss is "hinge"; allowed: sigmoid, softmax, squared'),
        ({"loss": "squared"}, None),
        ({"loss": "softmax", "task": "regression"}, "loss is softmax; allowed for a regression: squared"),
        ({"loss": "softmax"}, None),
    ],
)
def test_what_a_table_of_ones_own_may_say(tmp_path, monkeypatch, changes, words):
    monkeypatch.chdir(tmp_path)
    for name in ("t.csv", "t.tsv", "t.npz"):
        (tmp_path / name).write_text("a,b,c\n")
    line = refusal(CONFIG | {"datasets": CONFIG["datasets"] | {"mine": {"table": "t.csv"} | OWN | changes}})
    assert line == words if words is None else line.startswith("configuration: datasets.mine.") and words in line, line


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("swish", 'activations[3] is "swish"; allowed: esp, relu'),
        ({"name": "mish"}, "activations[3]: missing key formula"),
        ({"name": "a b", "formula": "h*h"}, 'activations[3].name is "a b"'),
        ({"name": "mish", "formula": 3}, "activations[3].formula is 3; allowed: text"),
        ({"name": "mish", "formula": "h*h", "beta": "learnt"}, 'activations[3].beta is "learnt"'),
        ({"name": "a" * 25, "formula": "h*h"}, "at most 24"),
        ({"name": "a" * 24, "formula": "h*h"}, None),
        *[
            ({"name": "mine", "formula": "h*h", "label": label}, "activations[3].label is ")
            for label in ("g $\\beta^$", "a{b}", "a<b", "a\\b", "a\tb", "a\n", "a\u200fb", "_hidden", " ", "", "a" * 25)
        ],
        ({"name": "mine", "formula": "h*h", "label": "tanh gate (β_1² = 0.5)"}, None),
        ({"name": "relu", "formula": "h*h"}, "activation relu: the name is taken"),
        ({"name": "mish", "formula": "__import__('os')"}, "activation mish: formula \"__import__('os')\""),
        ({"name": "mish", "formula": "1/h"}, "activation mish: formula '1/h' has no finite value at h = 0"),
        ({"name": "mish", "formula": "h*tanh(beta*h)"}, "has a beta; say beta: trainable, or a number"),
        ({"name": "mish", "formula": "h*tanh(softplus(h))"}, None),
    ],
)
def test_what_an_activation_may_be(entry, words):
    line = refusal(CONFIG | {"activations": [*CONFIG["activations"], entry]})
    assert line == words if words is None else line.startswith("configuration: ") and words in line, line


def test_the_schema_knows_the_activations_that_are_built_in():
    assert RULES["properties"]["activations"]["items"]["then"]["enum"] == list(KNOWN)


def test_two_activations_have_two_names():
    entries = [{"name": "mine", "formula": "h*h"}, {"name": "mine", "formula": "h*h*h"}]
    assert "activation mine: the name is taken" in refusal(CONFIG | {"activations": entries})


def test_claims_that_are_not_there_are_told():
    stated = CONFIG["claims"] | {"stated": "nowhere.yaml"}
    assert "claims.stated is 'nowhere.yaml'; there is no such file" in refusal(CONFIG | {"claims": stated})


TEST = {"tasks": ["linear"], "measure": "cost_mean", "activation": "esp", "expect": "less", "than": ["relu"]}
CLAIM = {"statement": "It is so.", "curve": "cost", "tests": [TEST]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("root:x:0:0:root:/root:/bin/bash\n", "top level is "),
        ("", "top level is null; allowed: a mapping"),
        ("claims: [a", "cannot be read as YAML"),
        (b"\xff\xfe\x00", "cannot be read as YAML"),
        ({"level": 0.05}, "top level: missing key claims"),
        ({"level": 5, "claims": {"a": CLAIM}}, "level is 5; allowed: less than 1"),
        ({"level": 0.05, "claims": {}}, "claims is {}; allowed: at least 1 entry"),
        ({"level": 0.05, "claims": {"../a": CLAIM}}, "names are letters, digits, _ and -"),
        ({"level": 0.05, "claims": {3: CLAIM}}, "claims is 3"),
        ({"level": 0.05, "claims": {"a": {"tests": [TEST], "curve": None}}}, "claims.a: missing key statement"),
        ({"level": 0.05, "claims": {"a": CLAIM | {"tests": TEST}}}, "claims.a.tests is {"),
        ({"level": 0.05, "claims": {"a": CLAIM | {"curve": "speed"}}}, "claim a has curve speed; allowed: None, cost"),
        ({"level": 0.05, "claims": {"a": CLAIM | {"tests": [TEST | {"measure": "speed"}]}}}, "claim a has measure speed"),
        ({"level": 0.05, "claims": {"a": CLAIM | {"tests": [TEST | {"tasks": ["lin"]}]}}}, "claim a has task lin"),
        (
            {"level": 0.05, "claims": {"a": CLAIM | {"tests": [TEST | {"activation": "mish"}]}}},
            "claim a has activation mish",
        ),
        ({"level": 0.05, "claims": {"a": CLAIM | {"tests": [TEST | {"activation": "mine"}]}}}, None),
        ({"level": 0.05, "claims": {"a": CLAIM | {"figure": 3}}}, None),
        ({"level": 0.05, "claims": {"a": CLAIM}}, None),
    ],
)
def test_claims_are_understood_before_any_job(tmp_path, content, words):
    path = tmp_path / "claims.yaml"
    text = yaml.safe_dump(content) if isinstance(content, dict) else content
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    activations = [*CONFIG["activations"], {"name": "mine", "formula": "h*h"}]
    line = refusal(CONFIG | {"activations": activations, "claims": CONFIG["claims"] | {"stated": str(path)}})
    if words is None:
        assert line is None
    else:
        assert line.startswith("configuration: claims.stated, ")
        assert words in line.replace(str(path), "")
        assert "\n" not in line


@pytest.mark.parametrize("path", ["config/published/claims.yaml", "config/examples/own_claims.yaml"])
def test_the_claims_of_the_project_have_the_form_of_their_schema(path):
    own = yaml.safe_load((ROOT / "config/examples/own_activations.yaml").read_text())["activations"]
    changes = {"activations": own, "claims": CONFIG["claims"] | {"stated": str(ROOT / path)}}
    assert refusal(CONFIG | changes) is None


def test_claims_of_the_project_are_found_from_elsewhere_and_recorded_as_given(tmp_path, monkeypatch):
    """The settings of a result are to be of use in a clone, wherever Snakemake ran."""
    monkeypatch.chdir(tmp_path)
    path = "config/mnist_claims.yaml"
    config = CONFIG | {"claims": CONFIG["claims"] | {"stated": path, "seeds": {"mnist": "linear"}}}
    assert refusal(config) is None
    assert config["claims"]["stated"] == path
    assert configuration.located(path, ROOT) == os.path.relpath(ROOT / path)
    (tmp_path / "config").mkdir()
    (tmp_path / path).touch()
    assert configuration.located(path, ROOT) == path


def test_claims_of_the_paper_need_no_scientific_library():
    code = "import sys, yaml; from meanfield.jobs import configuration; "
    code += f"configuration.check(yaml.safe_load(open('config/config.yaml')), {str(SCHEMA)!r}); "
    code += "print([name for name in ('numpy', 'pandas', 'scipy') if name in sys.modules])"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize(
    ("name", "settings"),
    [(name, CONFIG["datasets"][name]) for name in ("linear", "nonlinear", "digits")]
    + [(name, {"packaged": name, "test_size": 0.25, "split_seed": 0}) for name in ("iris", "wine")],
)
def test_a_batch_is_at_most_the_training_set(name, settings, mirror):
    if "file" not in settings:
        made = datasets.split(*(np.zeros((SIZES[name][0], 2)),) * 2, settings["test_size"], 0)
    else:
        made = dataset(name, mirror)
    training = int((made.split == "train").sum())
    changes = {
        "datasets": CONFIG["datasets"] | {name: settings},
        "experiments": [CONFIG["experiments"][0] | {"dataset": name, "architecture": "3"}],
    }
    assert refusal(CONFIG | changes | {"optimizer": CONFIG["optimizer"] | {"batch_size": training}}) is None
    line = refusal(CONFIG | changes | {"optimizer": CONFIG["optimizer"] | {"batch_size": training + 1}})
    said = f"batch_size is {training + 1} and {name} has {training} training samples; allowed: 1 to {training}, or null"
    assert line.startswith("configuration: optimizer.")
    assert said in line


def test_published_splits_are_not_by_class():
    config = copy.deepcopy(CONFIG)
    config["datasets"]["digits"]["stratify"] = True
    assert "datasets.digits.stratify has no meaning" in refusal(config)


ODD = [
    "a b",
    "a'b",
    'a"b',
    "a;touch HACKED;",
    "$(touch HACKED)",
    "`touch HACKED`",
    "a&touch HACKED&",
    "ä€",
    "-rf",
    "a\\b",
    "{a}",
]
ODD += ["a*b", "a\nb", "../outside"]


@pytest.mark.parametrize(
    "name",
    [pytest.param(f"{name}.csv", marks=[pytest.mark.long] if number >= QUICK else []) for number, name in enumerate(ODD)],
)
def test_odd_paths_reach_no_shell_and_leave_no_results_elsewhere(tmp_path, mirror, name):
    workflow = Workflow(tmp_path / "clone", mirror)
    path = workflow.folder / name
    lines = ["x,y,class", *(f"{i % 7},{(i * i) % 5},{'ab'[i % 2]}" for i in range(40))]
    path.write_text("\n".join(lines))
    changes = {
        "datasets": {"mine": {"table": name, "features": ["x", "y"], "target": "class", "test_size": 0.25, "split_seed": 0}},
        "experiments": [{"dataset": "mine", "architecture": "2", "updates": 5, "beta_stddev": 0.01, "beta_op_seed": 21}],
        "activations": ["relu"],
    }
    (workflow.folder / "mine.yaml").write_text(yaml.safe_dump(changes, allow_unicode=True))
    before = set(os.listdir(tmp_path)) | set(os.listdir(workflow.folder))
    result = workflow.snakemake("results/datasets/mine.nc", "--configfile", "mine.yaml")
    after = set(os.listdir(tmp_path)) | set(os.listdir(workflow.folder))
    assert after - before <= {"results", ".snakemake"}
    assert not list(tmp_path.rglob("HACKED*"))
    if "{" in name:  # Snakemake would take it for a wildcard
        assert result.returncode != 0
        one_line(result.stdout, "configuration: datasets.mine.table", "without braces")
    else:
        assert result.returncode == 0, result.stdout
        assert storage.read(workflow.folder / "results/datasets/mine.nc").attrs["address"] == name
