"""The workflow itself, run for real on a copy of this folder: full DAG of a small configuration, re-runs, mistakes."""

import json
import os
import re
import shutil
import subprocess
import sys

import imageio_ffmpeg
import pandas as pd
import pytest
import xarray as xr
import yaml
from conftest import ROOT, SMALL, Workflow, differing, results, rules, small

EVERYTHING = {
    "dataset",
    "training",
    "spectrum",
    "indices",
    "tables",
    "curves",
    "networks",
    "video",
    "explorer",
    "benchmarks",
}
EVERYTHING |= {"published", "comparison", "verify"}


@pytest.fixture
def copy(finished, tmp_path) -> Workflow:
    """A copy of the finished run, new time stamps and all, to be tampered with."""
    shutil.copytree(finished.folder, tmp_path / "copy", copy_function=shutil.copy)
    workflow = Workflow.__new__(Workflow)
    workflow.folder, workflow.mirror = tmp_path / "copy", finished.mirror
    return workflow


def test_dry_run_of_the_published_reproduction(tmp_path, mirror):
    workflow = Workflow(tmp_path, mirror)
    result = workflow.snakemake("--dry-run")
    assert result.returncode == 0, result.stdout
    assert rules(result.stdout) == EVERYTHING
    counts = dict(
        line.split() for line in result.stdout.splitlines() if line.startswith(("training ", "video ", "spectrum "))
    )
    assert counts == {"training": "15", "spectrum": "15", "video": "5"}


def test_small_run_makes_what_the_contract_promises(finished):
    results = finished.folder / "results"
    run = results / "runs/linear/10/esp"
    trajectory = xr.load_dataset(run / "trajectory.nc", engine="h5netcdf")
    spectrum = xr.load_dataset(run / "spectrum.nc", engine="h5netcdf")
    assert trajectory.residual.dims == ("seed", "update", "label", "sample")
    assert trajectory.parameters.dims == ("seed", "update", "parameter")
    assert spectrum.eigenvalues.dims == ("seed", "update", "mode")
    assert trajectory.seed.values.tolist() == [1, 2]
    assert trajectory["update"].values.tolist()[-2:] == [211, 261]
    indices = pd.read_csv(run / "indices.csv")
    assert len(indices) == 2 * trajectory.sizes["update"]
    for name in ("indices", "summary"):
        for ending in ("csv", "md", "tex"):
            assert (results / f"tables/{name}.{ending}").stat().st_size
    assert len(pd.read_csv(results / "tables/summary.csv")) == 3 * 2
    assert not list(results.rglob(".part-*"))
    for rule in EVERYTHING:
        assert list((results / "logs" / rule).iterdir())
        assert list((results / "benchmarks" / rule).iterdir())


def test_video_plays_in_a_browser(finished):
    path = finished.folder / "results/videos/linear_10.mp4"
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "faststart: a browser wants the index first"
    assert content[4:8] == b"ftyp"
    reader = imageio_ffmpeg.read_frames(str(path))
    header = next(reader)
    assert header["codec"] == "h264"
    assert header["pix_fmt"].startswith("yuv420p")
    assert all(side % 2 == 0 for side in header["size"])
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())["video"]
    frames = 22 + config["hold"] * config["frames_per_second"]
    assert sum(1 for _ in reader) == frames
    assert path.with_suffix(".png").exists()
    assert path.with_suffix(".gif").read_bytes()[:6] == b"GIF89a"


def test_source_of_the_data_is_in_every_file(finished):
    results = finished.folder / "results"
    source = "mirror" if finished.mirror else "stand-in"
    assert json.loads((results / "datasets/linear.json").read_text())["source"] == source
    for path in [*results.glob("datasets/*.nc"), *results.glob("runs/**/*.nc")]:
        with xr.open_dataset(path, engine="h5netcdf") as dataset:
            assert dataset.attrs["source"] == source
    for path in [*results.glob("runs/**/indices.csv"), *results.glob("tables/*.csv")]:
        assert set(pd.read_csv(path).source) == {source}


def test_running_again_or_touching_or_copying_reruns_nothing(finished, copy):
    assert finished.planned(*small(finished)) == set()
    assert copy.planned(*small(copy)) == set()
    for path in [*copy.folder.rglob("*.py"), *copy.folder.rglob("*.smk"), *copy.folder.rglob("*.yaml")]:
        path.touch()
    assert copy.planned(*small(copy)) == set()


@pytest.mark.parametrize(
    ("file", "rerun"),
    [
        ("data/datasets.py", EVERYTHING - {"published"}),
        ("training/replay.py", EVERYTHING - {"dataset", "published"}),
        ("training/train.py", EVERYTHING - {"dataset", "published"}),
        ("curvature/hessian.py", EVERYTHING - {"dataset", "published", "training"}),
        ("verification/comparison.py", {"comparison", "verify", "benchmarks"}),
        ("figures/video.py", {"video", "benchmarks"}),
        ("model/__init__.py", EVERYTHING - {"published"}),
        ("verification/__init__.py", {"comparison", "verify", "curves", "benchmarks"}),
        ("figures/explorer.js", {"explorer", "benchmarks"}),
    ],
)
def test_editing_a_module_reruns_just_the_steps_that_import_it(copy, file, rerun):
    with open(copy.folder / f"scripts/meanfield/{file}", "a") as stream:
        stream.write("\n# edited\n")
    assert copy.planned(*small(copy)) == rerun


@pytest.mark.long
def test_from_scratch_again_gives_the_same_bytes(finished, tmp_path):
    again = Workflow(tmp_path, finished.mirror)
    result = again.snakemake(*small(again), PYTHONHASHSEED="7")
    assert result.returncode == 0, result.stdout
    assert differing(finished, again, results(finished)) == []


def test_jobs_stay_within_the_memory_that_they_ask_for(finished):
    plan = finished.snakemake("--dry-run", "--forceall", *small(finished)).stdout
    asked = re.findall(r"    benchmark: (\S+)\n(?:.*\n)*?    resources: .*?mem_mb=(\d+)", plan)
    assert len(asked) > 20
    for benchmark, megabytes in asked:
        [job] = pd.read_csv(finished.folder / benchmark, sep="\t").itertuples()
        assert job.max_rss == "-" or float(job.max_rss) * 2**20 < int(megabytes) * 1e6, benchmark


@pytest.mark.long
def test_single_targets(tmp_path, mirror):
    workflow = Workflow(tmp_path, mirror)
    chain = {"dataset", "training", "spectrum", "indices"}
    expected = {
        "results/videos/linear_10.mp4": chain | {"video"},
        "videos": chain | {"video"},
        "tables": chain | {"tables"},
        "explorer": chain | {"explorer"},
        "verify": {*chain, "published", "comparison", "verify"} - {"indices"},
        "tolerances": {"dataset", "training", "spectrum", "retraining", "tolerances"},
        "deviations": chain | {"deviations"},
    }
    plans = workflow.forked([["--dry-run", target] for target in expected])
    assert {target: rules(output) for target, (_, output) in zip(expected, plans, strict=True)} == expected


def test_verdicts_of_the_small_run(finished):
    """300 updates share their first 22 records with the published 1000."""
    verdicts = pd.read_csv(finished.folder / "results/verification/verdicts.csv")
    if not finished.mirror:
        assert set(verdicts.verdict) == {"not comparable (stand-in data)"}
        return
    found = verdicts.set_index(["run", "quantity"]).verdict.unstack()
    assert set(found.drop(columns=["alpha", "eigenvalues", "hessians", "gradient"]).to_numpy().ravel()) == {"identical"}
    assert set(found[["eigenvalues", "hessians"]].to_numpy().ravel()) == {"within the solver's resolution"}
    assert found.alpha.tolist() == ["identical", "follows from the eigenvalues", "identical"]  # that of ReLU is round-off
    assert set(verdicts.records[verdicts.verdict != "not available"]) == {22}
    assert "re-trainings" not in finished.output
    assert "verification: " in finished.output
    for name in ("verification/verdicts.md", "verification/verdicts.html", "figures/verdicts.png"):
        assert (finished.folder / "results" / name).stat().st_size


def test_chain_from_a_video_to_the_download(finished):
    command = [sys.executable, "-m", "meanfield.jobs.provenance", "results/videos/linear_10.mp4"]
    variables = {**os.environ, "PYTHONPATH": "scripts"}
    result = subprocess.run(command, cwd=finished.folder, env=variables, text=True, capture_output=True)
    assert result.returncode == 0, result.stderr
    for words in ("trajectory.nc", "datasets/linear.nc", "TF/Lindata.mat" if finished.mirror else "generated", "tensorflow"):
        assert words in result.stdout
    assert "CHANGED" not in result.stdout


@pytest.mark.long
def test_the_commands_of_a_result_make_it_again_byte_for_byte(finished, tmp_path):
    """In a clone (here there is no git, and the packages are installed), with the configuration that was recorded."""
    target = "results/runs/linear/10/relu/indices.csv"
    command = [sys.executable, "-m", "meanfield.jobs.provenance", target, "--command"]
    variables = {**os.environ, "PYTHONPATH": "scripts"}
    said = subprocess.run(command, cwd=finished.folder, env=variables, text=True, capture_output=True, check=True).stdout
    assert said.count("pip install") == 1
    script = "".join(line for line in said.splitlines(True) if not line.startswith("pip install"))
    again = Workflow(tmp_path, finished.mirror)
    process = again.launch("sh", "-c", script, PATH=f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}")
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert differing(again, finished, [target]) == []
    assert not (tmp_path / "results/tables").exists()


def test_altered_published_array_is_an_error(finished, tmp_path):
    if not finished.mirror:
        pytest.skip("the published arrays are not here")
    shutil.copytree(finished.mirror, tmp_path / "mirror")
    [path] = (tmp_path / "mirror").rglob("10_Lin/*/cost_relu10.npy")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    target = "results/published/linear/10/relu.nc"
    (tmp_path / "run").mkdir()
    workflow = Workflow(tmp_path / "run", tmp_path / "mirror")
    result = workflow.snakemake(target)
    assert result.returncode != 0
    assert "is not the published file: SHA-256 expected" in result.stdout
    assert not (workflow.folder / target).exists()


def test_stand_in_is_never_silent(tmp_path):
    workflow = Workflow(tmp_path, mirror=None)
    result = workflow.snakemake("results/datasets/linear.nc", *small(workflow))
    assert result.returncode == 0, result.stdout
    warning = [line for line in result.stdout.splitlines() if line.startswith("WARNING: stand-in data")]
    assert len(warning) == 1
    assert "linear" in warning[0]
    assert "stand-in" in (tmp_path / "results/logs/dataset/linear.log").read_text()


def test_required_published_data_are_an_error_with_remedies(tmp_path):
    workflow = Workflow(tmp_path, mirror=None)
    result = workflow.snakemake("results/datasets/linear.nc", *small(workflow, require_published_data=True))
    assert result.returncode != 0
    [line] = [line for line in result.stdout.splitlines() if line.startswith("dataset linear: ")]
    assert "MEANFIELD_MIRROR" in line
    assert "results/logs/dataset/linear.log" in line
    assert "Traceback" not in result.stdout
    assert "Traceback" in (tmp_path / "results/logs/dataset/linear.log").read_text()
    assert not (tmp_path / "results/datasets/linear.nc").exists()


def test_divergence_names_run_seed_and_update(tmp_path, mirror):
    workflow = Workflow(tmp_path, mirror)
    optimizer = yaml.safe_load((ROOT / "config/config.yaml").read_text())["optimizer"] | {"learning_rate": 1e30}
    target = "results/runs/linear/10/relu/trajectory.nc"
    result = workflow.snakemake(target, *small(workflow, optimizer=optimizer))
    assert result.returncode != 0
    [line] = [line for line in result.stdout.splitlines() if line.startswith("training linear 10 relu: ")]
    assert "seed 1 at update" in line
    assert "seed 2 at update" in line
    assert not os.path.exists(tmp_path / target)


def test_target_of_an_experiment_that_is_not_configured(tmp_path, mirror):
    workflow = Workflow(tmp_path, mirror)
    for target in ("results/videos/linear_11.mp4", "results/videos/linear_25.mp4"):
        result = workflow.snakemake("--dry-run", target)
        assert result.returncode != 0
        assert "Traceback" not in result.stdout
        assert target in result.stdout or "no experiment linear 25 is configured; there are: linear 10" in result.stdout


@pytest.mark.long
def test_inertia_gives_the_same_indices_and_no_videos(finished, tmp_path):
    workflow = Workflow(tmp_path, finished.mirror)
    method = {"method": "inertia", "eigenvectors_at": ["last"]}
    result = workflow.snakemake(*small(workflow, spectrum=method))
    assert result.returncode == 0, result.stdout
    assert not (tmp_path / "results/videos").exists()
    assert not (tmp_path / "results/explorer.html").exists()
    ours, theirs = (pd.read_csv(path / "results/tables/indices.csv") for path in (tmp_path, finished.folder))
    for name in ("alpha", "gamma", "gamma_rows", "gamma_symmetry", "gamma_flat"):
        pd.testing.assert_series_equal(ours[name], theirs[name])


@pytest.mark.long
def test_mistyped_mirror_is_told(tmp_path):
    result = Workflow(tmp_path, mirror=tmp_path / "typo").snakemake("results/datasets/linear.nc")
    assert result.returncode == 0, result.stdout
    assert "TF/Lindata.mat is not at the mirror" in result.stdout


def experiment(**changes):
    return {"experiments": [{**SMALL["experiments"][0], **changes}]}


def own(**settings):
    return {"datasets": {"mine": {"test_size": 0.2, "split_seed": 0, **settings}}}


MISTAKES = [
    ({"experimens": []}, ["experimens", "allowed: mirror"]),
    ({"activations": ["esp", "swish"]}, ["activations[1]", "swish", "esp, relu, sigmoid"]),
    ({"seeds": "many"}, ["seeds", "many", "whole number"]),
    ({"seeds": 5.0}, ["seeds", "5.0", "whole number"]),
    ({"datasets": None}, ["datasets", "null", "mapping"]),
    (
        {"datasets": {"mine": {"test_size": 0.2, "split_seed": 0}}},
        ["datasets.mine", "none of file, packaged, downloaded, table"],
    ),
    (
        {"datasets": {"linear": {"packaged": "digits", "labels": "one-hot", "pixel_scale": 16}}},
        ["datasets.linear", "file and packaged", "just one"],
    ),
    (
        {"datasets": {"linear": {"labels": "one-hot"}}},
        ["datasets.linear.labels", "no meaning for file TF/Lindata.mat", "allowed: "],
    ),
    (own(packaged="diabetes"), ["datasets.mine.task is classification", "allowed for diabetes: regression"]),
    (own(packaged="iris", scaling="all"), ["datasets.mine.scaling is all", "none, features"]),
    (own(table="x.csv", features=["a"]), ["datasets.mine: missing key target"]),
    (own(table="x.csv", features=["a"], target="y"), ["datasets.mine.table is 'x.csv'", "no such file"]),
    (own(table="x.txt", features=["a"], target="y"), ["datasets.mine.table", "x.txt", ".csv, .tsv, .npz or .mat"]),
    (experiment(beta_stddev=float("nan")), ["experiments[0].beta_stddev", "NaN", "finite"]),
    (experiment(beta_stddev="1e-2"), ["experiments[0].beta_stddev", "1e-2", "1.0e-2"]),
    (experiment(architecture=100000), ["experiments[0].architecture", "100000", "at most 99999"]),
    ({"seeds": 0}, ["seeds", "0", "at least 1"]),
    ({"threads": {"training": 1, "spectrum": 1, "video": 1}}, ["threads", "video", "training, spectrum"]),
    (experiment(architecture="8--2"), ["experiments[0].architecture", "8--2", "hidden widths"]),
    (experiment(architecture=0), ["experiments[0].architecture", "0", "at least 1"]),
    (experiment(architecture="8-0"), ["experiments[0].architecture", "8-0", "hidden widths"]),
    (experiment(dataset="mnist"), ["experiments[0].dataset", "mnist", "linear, nonlinear, digits"]),
    (experiment(updates=1.5), ["experiments[0].updates", "1.5", "whole number"]),
    ({"experiments": [SMALL["experiments"][0]] * 2}, ["experiments[1]", "repeats linear 10"]),
    ({"claims": {"seeds": {"linear": "lineer"}}}, ["claims.seeds.linear is 'lineer'", "linear, nonlinear, digits"]),
    ({"datasets": {"linear": {"split_seed": [1, 1]}}}, ["datasets.linear.split_seed", "each entry once"]),
]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory, mirror) -> list[tuple[int, str]]:
    """Exit status and output with each of these mistakes."""
    workflow, commands = Workflow(tmp_path_factory.mktemp("mistakes"), mirror), []
    for number, (changes, _) in enumerate(MISTAKES):
        path = workflow.folder / f"{number}.yaml"
        path.write_text(yaml.safe_dump(SMALL | changes))
        commands.append(["--configfile", path.name])
    return workflow.forked(commands)  # not dry runs: no job may have begun


@pytest.mark.parametrize("number", range(len(MISTAKES)), ids=[" ".join(words) for _, words in MISTAKES])
def test_mistakes_in_the_configuration_are_one_line(refusals, number):
    status, output = refusals[number]
    assert status != 0
    lines = [line for line in output.splitlines() if line.startswith("configuration: ")]
    assert len(lines) == 1, output
    assert all(word in lines[0] for word in MISTAKES[number][1]), lines[0]
    assert "Traceback" not in output


def test_lint_has_nothing_to_say(tmp_path, mirror):
    result = Workflow(tmp_path, mirror).snakemake("--lint")
    assert result.returncode == 0, result.stdout
    assert "good condition" in result.stdout
