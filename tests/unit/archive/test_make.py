"""What goes into an archive and what does not, on a clone with one job: a table of one's own."""

import hashlib
import json
import shutil
import subprocess

import pandas as pd
import pytest
import yaml
from examples import ROOT
from meanfield.archive import bag, check, contents, crate, make
from meanfield.errors import MeanfieldError
from meanfield.jobs.provenance import configuration_hash

COMMITTED = (
    "CITATION.cff", "README.md", "pyproject.toml", "requirements.lock", "config/config.yaml",
    "config/published/registry.csv", "docs/images/structure.svg", "envs/data.yaml", "scripts/dataset.py",
    "workflow/Snakefile", "workflow/schemas/config.schema.yaml",
)  # fmt: skip
OWN = "results/datasets/own"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def git(folder, *command):
    who = ["-c", "user.name=A", "-c", "user.email=a@b"]
    subprocess.run(["git", *who, *command], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path):
    """A clone whose one job has read mine.csv, with another number of seeds than the configuration has."""
    folder = tmp_path / "clone"
    for name in COMMITTED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / ".gitignore").write_text("results/\nmine.csv\n")
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "--message", "All")
    config = yaml.safe_load((folder / "config/config.yaml").read_text()) | {"seeds": 7}
    origin = {"source": "own", "address": "mine.csv", "sha256": "", "license": "not known", "task": "classification"}
    written = {f"{OWN}.nc": b"secret", f"{OWN}.json": json.dumps(origin).encode(), "mine.csv": b"a,b\n1,2\n"}
    modules = ("scripts/dataset.py", "envs/data.yaml")
    record = {
        "code": "unknown", "configuration": configuration_hash(config), "settings": config,
        "python": "CPython 3.12.1", "packages": "numpy 2", "threads": 1, "device": "CPU",
        "modules": {name: sha256((folder / name).read_bytes()) for name in modules},
        "inputs": {"mine.csv": sha256(written["mine.csv"])},
        "outputs": {name: sha256(written[name]) for name in (f"{OWN}.nc", f"{OWN}.json")},
    }  # fmt: skip
    written["results/provenance/dataset/own.json"] = json.dumps(record).encode()
    for name, content in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_data_that_may_not_be_passed_on_are_named_and_left_out(clone, tmp_path):
    folder, programs = bag.unpack(make.make(clone, tmp_path), tmp_path / "out")
    assert not (folder / f"data/{OWN}.nc").exists()
    assert not (folder / "data/mine.csv").exists()
    assert b"secret" not in b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    listed = pd.read_csv(folder / "data" / contents.INPUTS).set_index("path").loc[f"{OWN}.nc"]
    assert (listed.sha256, listed.address, listed.license, listed.included) == (
        sha256(b"secret"),
        "mine.csv",
        "not known",
        False,
    )
    archive = check.Archive(folder, programs)
    graph = {entity["@id"]: entity for entity in json.loads(archive.files[crate.METADATA].read_text())["@graph"]}
    assert graph[f"#absent/{OWN}.nc"]["sha256"] == sha256(b"secret")
    assert "CPython 3.12.1" in graph["#job/dataset/own"]["description"]
    assert {"@id": "#absent/mine.csv"} in graph["#job/dataset/own"]["object"]
    assert check.made_by(archive).endswith(f"not here: mine.csv; {OWN}.nc")
    assert check.described(archive).endswith("no stand-ins")
    assert check.commit(archive).startswith(f"{len(COMMITTED) + 1} files are those of commit")


def test_jobs_of_several_configurations_each_have_theirs_in_it(clone, tmp_path):
    """Whatever the configuration is now: an edit that changes no number of a job leaves its old one."""
    record = json.loads((clone / "results/provenance/dataset/own.json").read_text())
    changed = record["settings"] | {"seeds": 8}
    other = record | {"settings": changed, "configuration": configuration_hash(changed), "inputs": {}, "outputs": {}}
    (clone / "results/provenance/dataset/other.json").write_text(json.dumps(other))
    archive = check.Archive(*bag.unpack(make.make(clone, tmp_path), tmp_path / "out"))
    kept = {path.stem: json.loads(path.read_text()) for path in (archive.folder / contents.CONFIGURATIONS).iterdir()}
    assert kept == {content["configuration"]: content["settings"] for content in (record, other)}
    assert check.made_by(archive).startswith("2 jobs")


def test_a_record_without_its_configuration_stops_it(clone, tmp_path):
    path = clone / "results/provenance/dataset/own.json"
    path.write_text(json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "settings"}))
    with pytest.raises(MeanfieldError, match="dataset/own recorded no configuration"):
        make.make(clone, tmp_path)


def test_what_a_job_read_outside_of_the_commit_is_named_whatever_it_made(clone, tmp_path):
    """Such as claims of one's own, whose table may be passed on."""
    (clone / "stated.csv").write_text("claim\n")
    (clone / "results/claims").mkdir()
    (clone / "results/claims/claims.csv").write_text("stands\n")
    record = json.loads((clone / "results/provenance/dataset/own.json").read_text())
    record |= {
        "inputs": {"stated.csv": sha256(b"claim\n")}, "outputs": {"results/claims/claims.csv": sha256(b"stands\n")},
    }  # fmt: skip
    (clone / "results/provenance/dataset/claims.json").write_text(json.dumps(record))
    archive = check.Archive(*bag.unpack(make.make(clone, tmp_path), tmp_path / "out"))
    assert "stated.csv" not in archive.files
    assert "results/claims/claims.csv" in archive.files
    assert "not here: mine.csv; results/datasets/own.nc; stated.csv" in check.made_by(archive)
    assert check.described(archive)


def test_what_is_in_no_commit_and_what_a_killed_job_left_are_no_hindrance(clone, tmp_path):
    (clone / "mine.yaml").write_text("seeds: 7\n")
    (clone / "results/provenance/dataset/.part-own.json").write_text("{")
    archive = check.Archive(*bag.unpack(make.make(clone, tmp_path), tmp_path / "out"))
    assert not {"mine.yaml", "results/provenance/dataset/.part-own.json"} & set(archive.files)
    assert check.made_by(archive).startswith("1 jobs")


def test_a_published_file_that_was_used_and_is_gone_stops_it(clone, tmp_path, monkeypatch):
    monkeypatch.setattr(contents, "used", lambda _: {"TF/Lindata.mat": "0" * 64})
    monkeypatch.setenv("MEANFIELD_MIRROR", str(tmp_path))
    monkeypatch.setattr("meanfield.data.published.PINNED", "http://127.0.0.1:9/")
    with pytest.raises(MeanfieldError, match=r"TF/Lindata\.mat could not be obtained .*MEANFIELD_MIRROR"):
        make.make(clone, tmp_path)
    assert not list(tmp_path.glob("*.zip"))


def test_a_description_by_another_version_is_held_against_files_and_stand_ins_alone_and_said_to_be(
    clone, tmp_path, monkeypatch
):
    path = clone / "results/provenance/dataset/own.json"
    record, origin = json.loads(path.read_text()), json.loads((clone / f"{OWN}.json").read_text())
    (clone / f"{OWN}.json").write_text(json.dumps(origin | {"source": "stand-in", "license": "Apache-2.0"}))
    record["outputs"][f"{OWN}.json"] = sha256((clone / f"{OWN}.json").read_bytes())
    path.write_text(json.dumps(record))
    archive = check.Archive(*bag.unpack(make.make(clone, tmp_path), tmp_path / "out"))
    monkeypatch.setattr(check, "_same_writer", lambda _: False)
    assert "NOT whether the" in check.described(archive)

    metadata = archive.files[crate.METADATA]
    whole = metadata.read_text()
    for old, named in (
        ('"creativeWorkStatus": "stand-in"', f"{OWN}.nc is not marked"),
        ("STAND-INS, not", "does not begin with"),
    ):
        assert old in whole
        metadata.write_text(whole.replace(old, old.lower().replace("stand-in", "published")))
        with pytest.raises(MeanfieldError, match=named):
            check.described(archive)


@pytest.mark.parametrize(
    ("name", "found_by"), [("deposit/note.txt", check.commit), ("deposit/configurations/0.json", check.made_by)]
)
def test_what_was_added_under_deposit_is_named(clone, tmp_path, name, found_by):
    folder, programs = bag.unpack(make.make(clone, tmp_path), tmp_path / "out")
    (folder / "data" / name).write_text("{}")
    with pytest.raises(MeanfieldError, match=name):
        found_by(check.Archive(folder, programs))


def test_trees_are_named_as_git_does(clone):
    said = subprocess.run(["git", "rev-parse", "HEAD^{tree}"], cwd=clone, text=True, capture_output=True, check=True).stdout
    listing = subprocess.run(["git", "ls-tree", "-r", "HEAD"], cwd=clone, capture_output=True, check=True).stdout
    assert check._tree_hash(contents.tree(listing)) == said.strip()
