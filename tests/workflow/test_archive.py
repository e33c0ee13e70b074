"""An archive of the tiny run: made twice, checked from itself alone, and tampered with, each kind of file, one at a time."""

import copy
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import ROOT, Workflow, tiny
from meanfield.archive import bag, check, contents, crate, make

pytestmark = pytest.mark.long
VALIDATOR = ROOT / ".venv-archive/bin/python"
VERDICTS = "results/verification/verdicts.csv"
ESP, RELU = ("results/runs/linear/10/esp/", "results/runs/linear/10/relu/")
LINEAR = "results/datasets/linear"


def committed(folder: Path) -> None:
    """Make a folder with results a clone: all files of the project, in one commit."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, text=True, capture_output=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    who = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@b"}
    at = {"GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}
    for command in (["init", "--quiet"], ["add", "--all", "."], ["commit", "--quiet", "--message", "All"]):
        subprocess.run(["git", *command], cwd=folder, env=os.environ | who | at, check=True)


def verified(workflow: Workflow, folder: Path) -> Workflow:
    """A copy of a finished tiny run, with verdicts, in a clone."""
    shutil.copytree(workflow.folder, folder, ignore=shutil.ignore_patterns(".snakemake"))
    (folder / "tiny.yaml").rename(folder / "results/tiny.yaml")  # in no commit
    mine = copy.copy(workflow)
    mine.folder = folder
    result = mine.snakemake("tables", "verify", "--configfile", "results/tiny.yaml")
    assert result.returncode == 0, result.stdout
    (folder / "results/tiny.yaml").unlink()
    committed(folder)
    return mine


def made(folder: Path, to: Path, mirror: Path | None) -> Path:
    """The archive of a folder."""
    with pytest.MonkeyPatch.context() as patch:
        if mirror:
            patch.setenv("MEANFIELD_MIRROR", str(mirror))
        return make.make(folder, to)


@pytest.fixture(scope="module")
def clone(undisturbed, tmp_path_factory, published) -> Workflow:
    return verified(undisturbed, tmp_path_factory.mktemp("archived") / "clone")


@pytest.fixture(scope="module")
def archive(clone, published) -> Path:
    return made(clone.folder, clone.folder.parent / "made", published)


def said(archive: Path, monkeypatch, capsys, *arguments: str, validated: bool = False) -> list[str]:
    """The lines of a check; those of roc-validator are left out, if not asked for, since it takes most of the time."""
    monkeypatch.setattr(sys, "argv", ["check", str(archive), "--validator", str(VALIDATOR), *arguments])
    if not validated:
        monkeypatch.setattr(check, "valid", lambda *_: "left out")
    failed = False
    try:
        check.main()
    except SystemExit as error:
        failed = bool(error.code)
    lines = capsys.readouterr().out.splitlines()
    assert failed == any(line.startswith("FAILED") for line in lines), lines
    return lines


def test_the_archive_is_checked_from_itself_alone(archive, tmp_path, monkeypatch, capsys):
    alone = shutil.copy(archive, tmp_path / "any name.zip")
    monkeypatch.chdir(tmp_path)
    lines = said(alone, monkeypatch, capsys, "--run", "linear/10/esp", validated=True)
    names = [
        "archive",
        "checksums",
        "commit",
        "provenance",
        "description",
        "roc-validator",
        "inputs",
        "replay",
        "tables",
        "verdicts",
    ]
    assert [line.split()[:2] for line in lines[:-1]] == [["ok", name] for name in names], lines
    assert "linear 10 esp, trained again: its 6 records are equal in every bit; so is its spectrum" in lines[7]
    assert "24 verdicts of 2 runs follow from the archived numbers, byte for byte" in lines[9]
    assert os.listdir(tmp_path) == ["any name.zip"]


def test_what_is_unpacked_checks_itself(archive, tmp_path):
    """A stranger has the archive and nothing else: the code in it checks it."""
    with zipfile.ZipFile(archive) as stream:
        stream.extractall(tmp_path)
    data = tmp_path / archive.stem / "data"
    command = [sys.executable, "-m", "meanfield.archive.check", str(archive), "--validator", str(VALIDATOR)]
    result = subprocess.run(command, cwd=data, env=os.environ | {"PYTHONPATH": "scripts"}, text=True, capture_output=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1].startswith("No check found anything wrong")


def test_the_same_results_give_the_same_bytes(clone, archive, tmp_path, published):
    again = tmp_path / "clone"
    shutil.copytree(clone.folder, again)
    for path in (again / "results").rglob("*"):
        os.utime(path, (1, 1))
    assert made(again, tmp_path / "made", published).read_bytes() == archive.read_bytes()


def test_what_is_not_fit_to_be_archived_is_named(clone, tmp_path, published):
    folder = tmp_path / "clone"
    shutil.copytree(clone.folder, folder)

    def refusal() -> str:
        with pytest.raises(make.MeanfieldError) as caught:
            made(folder, tmp_path, published)
        return str(caught.value)

    (folder / VERDICTS).write_text("altered\n")
    assert f"{VERDICTS} is not the file made by verify/verify" in refusal()
    shutil.copy(clone.folder / VERDICTS, folder / VERDICTS)
    (folder / "results/stray.txt").write_text("stray\n")
    assert "results/stray.txt was made by no job" in refusal()
    (folder / "results/stray.txt").unlink()
    (folder / "README.md").write_text("Changed\n")
    assert "README.md is not as committed" in refusal()
    assert not list(tmp_path.glob("*.zip"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEANFIELD_MIRROR", str(published))
        changed = make.make(folder, tmp_path, uncommitted=True)
    version = crate.version({"pyproject.toml": ROOT / "pyproject.toml"})
    assert changed.name == f"meanfield-{version}-UNCOMMITTED.zip"
    assert check.commit(check.Archive(*bag.unpack(changed, tmp_path / "out"))).endswith("not committed: README.md")


# Tampering. The files of an archive by their names in the bag; what was changed may be made consistent again, as far as
# someone who tampers would.


class Files(dict):
    """Contents by name, without the top folder; `programs` have the executable bit."""

    def __init__(self, archive: Path) -> None:
        with zipfile.ZipFile(archive) as stream:
            self.top = archive.stem
            super().__init__({name.partition("/")[2]: stream.read(name) for name in stream.namelist()})
            modes = {entry.filename.partition("/")[2]: entry.external_attr >> 16 for entry in stream.infolist()}
        self.programs = {name for name, mode in modes.items() if mode & 0o100}

    def write(self, path: Path) -> Path:
        with zipfile.ZipFile(path, "w") as stream:
            for name, content in sorted(self.items()):
                entry = zipfile.ZipInfo(f"{self.top}/{name}")
                entry.external_attr = (stat.S_IFREG | (0o755 if name in self.programs else 0o644)) << 16
                stream.writestr(entry, content)
        return path

    def json(self, name: str, change: Callable[[dict], None]) -> None:
        content = json.loads(self[f"data/{name}"])
        change(content)
        self[f"data/{name}"] = json.dumps(content, indent=1).encode()

    def rebag(self) -> None:
        """Make the manifests fit again."""
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in self.items()}
        self[bag.MANIFEST] = bag._lines({name: found for name, found in digests.items() if name.startswith("data/")})
        payload = [len(content) for name, content in self.items() if name.startswith("data/")]
        lines = [line for line in self["bag-info.txt"].decode().splitlines() if not line.startswith("Payload-Oxum")]
        self["bag-info.txt"] = "\n".join([*lines, f"Payload-Oxum: {sum(payload)}.{len(payload)}", ""]).encode()
        tags = [name for name in self if not name.startswith("data/") and name != bag.TAGS]
        self[bag.TAGS] = bag._lines({name: hashlib.sha256(self[name]).hexdigest() for name in tags})

    def redescribe(self) -> None:
        """Make sizes and checksums of the description fit again, by the description's own code; then the manifests."""
        folder = Path(self.scratch)
        shutil.rmtree(folder, ignore_errors=True)
        for name, content in self.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        data = folder / "data"
        files = {path.relative_to(data).as_posix(): path for path in sorted(data.rglob("*")) if path.is_file()}
        self[f"data/{crate.METADATA}"] = json.dumps(crate.describe(files)).encode()
        self.rebag()

    def record(self) -> None:
        """Make the checksums of provenance fit again; then all else."""
        digests = {name.removeprefix("data/"): hashlib.sha256(content).hexdigest() for name, content in self.items()}

        def renewed(content: dict) -> None:
            for part in ("inputs", "outputs", "modules"):
                content[part] = {name: digests.get(name, found) for name, found in content[part].items()}

        for name in [name for name in self if name.startswith("data/results/provenance/")]:
            self.json(name.removeprefix("data/"), renewed)
        self.redescribe()


def replaced(name: str, old: bytes, new: bytes) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        assert old in files[f"data/{name}"], name
        files[f"data/{name}"] = files[f"data/{name}"].replace(old, new, 1)

    return change


def moved(old: str, new: str) -> Callable[[Files], None]:
    return lambda files: files.__setitem__(f"data/{new}", files.pop(f"data/{old}"))


def number(name: str, variable: str, **attributes: str) -> Callable[[Files], None]:
    """One number of a NetCDF file, by one unit in the last place or so."""

    def last(values: np.ndarray) -> None:
        values.flat[-1] += abs(values.flat[-1]) * 1e-9 + 1e-12

    return numbers(name, variable, last, **attributes)


def one_eigenvalue(values: np.ndarray) -> None:
    """The fourth largest, at all updates of the first member, half as large again."""
    values[0, :, -4] *= 1.5


def numbers(
    name: str, variable: str, altered: Callable[[np.ndarray], None] | None, **attributes: str
) -> Callable[[Files], None]:
    """Numbers of a NetCDF file, altered in place, or removed."""

    def change(files: Files) -> None:
        path = Path(files.scratch).with_suffix(".nc")
        path.write_bytes(files[f"data/{name}"])
        with h5py.File(path, "r+") as stream:
            if altered is None:
                del stream[variable]
            else:
                values = stream[variable][...]
                altered(values)
                stream[variable][...] = values
            stream.attrs.update(attributes)
        files[f"data/{name}"] = path.read_bytes()

    return change


def entity(name: str, change: Callable[[list, dict], None]) -> Callable[[Files], None]:
    def tamper(files: Files) -> None:
        files.json(crate.METADATA, lambda said: change(said["@graph"], next(e for e in said["@graph"] if e["@id"] == name)))

    return tamper


def hidden_rate(files: Files) -> None:
    """Another learning rate, under the hash that it has, and the provenance of all jobs naming it."""
    name = next(name for name in files if name.startswith(f"data/{contents.CONFIGURATIONS}"))
    config = json.loads(files.pop(name))
    config["optimizer"]["learning_rate"] *= 2
    found = check.provenance.configuration_hash(config)
    files[f"data/{contents.CONFIGURATIONS}/{found}.json"] = json.dumps(config).encode()
    for job in [job for job in files if job.startswith("data/results/provenance/")]:
        files.json(job.removeprefix("data/"), lambda content: content.update(configuration=found, settings=config))


def both(*changes: Callable[[Files], None]) -> Callable[[Files], None]:
    return lambda files: [change(files) for change in changes]


TRAJECTORY, SPECTRUM = (f"{ESP}{name}.nc" for name in ("trajectory", "spectrum"))
COST = "deposit/published/TF/Artificial_class/10_Lin/Relu_10/cost_relu10.npy"
IDENTICAL, DIFFERS = b"identical,mirror", b"differs,mirror"
SOURCE = replaced(f"{LINEAR}.json", b'"mirror"', b'"stand-in"')

# what is done; how far the rest is made to fit; the check that finds it; what it names
CASES = {
    "a file of the payload altered": (replaced("README.md", b"Mean", b"mean"), None, "checksums", "data/README.md"),
    "a number altered": (number(TRAJECTORY, "cost"), None, "checksums", TRAJECTORY),
    "a file added": (lambda files: files.update({"data/results/new.csv": b"1\n"}), None, "checksums", "results/new.csv"),
    "a file removed": (lambda files: files.pop(f"data/{VERDICTS}"), None, "checksums", VERDICTS),
    "a file renamed": (moved(VERDICTS, "results/verification/v.csv"), None, "checksums", "results/verification/v.csv"),
    "a file cut short": (
        lambda files: files.update({f"data/{SPECTRUM}": files[f"data/{SPECTRUM}"][:1000]}),
        None,
        "checksums",
        SPECTRUM,
    ),
    "a line of the manifest altered": (
        lambda files: files.update({bag.MANIFEST: files[bag.MANIFEST].replace(b"0", b"1", 1)}),
        None,
        "checksums",
        bag.MANIFEST,
    ),
    "a line of the tag manifest altered": (
        lambda files: files.update({bag.TAGS: files[bag.TAGS][1:]}),
        None,
        "checksums",
        bag.TAGS,
    ),
    "the tag manifest removed": (lambda files: files.pop(bag.TAGS), None, "checksums", bag.TAGS),
    "a tag file added": (lambda files: files.update({"NOTE.txt": b"1\n"}), None, "checksums", "NOTE.txt"),
    "an entity removed": (
        entity("#job/training/linear_10_esp", lambda graph, found: graph.remove(found)),
        Files.rebag,
        "description",
        "#job/training/linear_10_esp",
    ),
    "an entity altered": (
        entity("#thiparat-chotibut", lambda _, found: found.update(name="Someone else")),
        Files.rebag,
        "description",
        "#thiparat-chotibut",
    ),
    "a checksum in the description altered": (
        entity("README.md", lambda _, found: found.update(sha256="0" * 64)),
        Files.rebag,
        "description",
        "README.md",
    ),
    "a file undescribed": (
        lambda files: files.update({"data/results/logs/new.log": b"1\n"}),
        Files.rebag,
        "description",
        "results/logs/new.log",
    ),
    "a result that no job made": (
        lambda files: files.update({"data/results/tables/new.csv": b"1\n"}),
        Files.redescribe,
        "provenance",
        "results/tables/new.csv",
    ),
    "a figure replaced": (
        lambda files: files.update({"data/results/videos/linear_10.png": b"1\n"}),
        Files.redescribe,
        "provenance",
        "results/videos/linear_10.png",
    ),
    "the record of a job removed": (
        lambda files: files.pop("data/results/provenance/video/linear_10.json"),
        Files.redescribe,
        "provenance",
        "results/videos/linear_10.mp4",
    ),
    "a number altered of a table": (
        replaced(f"{RELU}indices.csv", b"linear,10,relu,1,0,0", b"linear,10,relu,1,0,1"),
        Files.record,
        "tables",
        f"{RELU}indices.csv",
    ),
    "a verdict altered": (replaced(VERDICTS, IDENTICAL, DIFFERS), Files.record, "verdicts", VERDICTS),
    "a verdict altered in all tables": (
        both(*(replaced(name, IDENTICAL, DIFFERS) for name in (VERDICTS, f"{ESP}comparison.csv"))),
        Files.record,
        "verdicts",
        f"{ESP}comparison.csv",
    ),
    "a number altered of the run that is trained again": (
        number(TRAJECTORY, "parameters"),
        Files.record,
        "replay",
        TRAJECTORY,
    ),
    "a spectrum altered of the run that is trained again": (
        number(SPECTRUM, "eigenvalues"),
        Files.record,
        "replay",
        SPECTRUM,
    ),
    "a number altered of another run": (
        number(f"{RELU}trajectory.nc", "cost"),
        Files.record,
        "verdicts",
        f"{RELU}comparison.csv",
    ),
    "eigenvalues altered of another run": (
        numbers(f"{RELU}spectrum.nc", "eigenvalues", one_eigenvalue),
        Files.record,
        "verdicts",
        f"{RELU}comparison.csv: eigenvalues",
    ),
    "a published array altered": (
        number("results/published/linear/10/relu.nc", "cost"),
        Files.record,
        "inputs",
        "relu.nc: cost",
    ),
    "a published array removed": (
        numbers("results/published/linear/10/relu.nc", "cost", None),
        Files.record,
        "inputs",
        "relu.nc: cost is missing",
    ),
    "a published file altered": (
        lambda files: files.update({f"data/{COST}": files[f"data/{COST}"][:-1] + b"\x40"}),
        Files.record,
        "inputs",
        COST,
    ),
    "the data altered": (number(f"{LINEAR}.nc", "features"), Files.record, "inputs", f"{LINEAR}.nc"),
    "the configuration altered": (
        lambda files: [
            files.json(name.removeprefix("data/"), lambda config: config["optimizer"].update(learning_rate=1))
            for name in list(files)
            if contents.CONFIGURATIONS in name
        ],
        Files.record,
        "provenance",
        contents.CONFIGURATIONS,
    ),
    "the settings altered that a job recorded": (
        lambda files: files.json(
            "results/provenance/tables/tables.json", lambda content: content.update(settings={"seeds": 99})
        ),
        Files.record,
        "provenance",
        "results/provenance/tables/tables.json",
    ),
    "the configuration altered, and all that names it": (hidden_rate, Files.record, "replay", TRAJECTORY),
    "a lock file altered": (
        replaced("requirements.lock", b"numpy==", b"numpy==1."),
        Files.record,
        "commit",
        "requirements.lock",
    ),
    "code altered": (
        replaced("scripts/meanfield/curvature/spectrum.py", b"* ", b"/ "),
        Files.record,
        "commit",
        "curvature/spectrum.py",
    ),
    "a program's permission altered": (lambda files: files.programs.clear(), Files.rebag, "commit", ".ci/run"),
    "the tree altered": (replaced("deposit/tree", b"100755", b"100644"), Files.record, "commit", "deposit/tree"),
    "the list of inputs altered": (
        replaced("deposit/inputs.csv", b"Apache-2.0,False", b"Apache-2.0,True"),
        Files.record,
        "inputs",
        "deposit/inputs.csv",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_was_tampered_with_is_found_and_named(case, archive, tmp_path, monkeypatch, capsys):
    change, mended, found_by, named = CASES[case]
    files = Files(archive)
    files.scratch = tmp_path / "scratch"
    change(files)
    if mended:
        mended(files)
    lines = said(files.write(tmp_path / archive.name), monkeypatch, capsys, "--run", "linear/10/esp")
    failed = {line.split()[1]: line for line in lines if line.startswith("FAILED")}
    assert found_by in failed, lines
    assert named in failed[found_by], lines


def test_a_damaged_file_a_cut_and_a_member_that_is_there_twice(archive, tmp_path, monkeypatch, capsys):
    whole = archive.read_bytes()
    place = whole.index(b"# Mean-field theory of activation")
    damaged, cut, twice = tmp_path / "damaged.zip", tmp_path / "cut.zip", shutil.copy(archive, tmp_path / "twice.zip")
    damaged.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
    cut.write_bytes(whole[:-1000])
    with zipfile.ZipFile(twice, "a") as stream, pytest.warns(UserWarning, match="Duplicate name"):
        stream.writestr(f"{archive.stem}/data/{VERDICTS}", "altered\n")
    for path, named in ((damaged, "README.md"), (cut, "cut.zip"), (twice, f"{VERDICTS} is there twice")):
        [line, *rest] = said(path, monkeypatch, capsys)
        assert line.startswith("FAILED archive")
        assert named in line
        assert not rest


def test_another_commit_is_no_longer_the_one_asked_for(archive, tmp_path, monkeypatch, capsys):
    files = Files(archive)
    files.scratch = tmp_path / "scratch"
    original = hashlib.sha1(b"commit %d\0" % len(files["data/deposit/commit"]) + files["data/deposit/commit"]).hexdigest()
    files["data/deposit/commit"] += b"\n"
    files.record()
    lines = said(files.write(tmp_path / archive.name), monkeypatch, capsys, "--commit", original[:12])
    assert any(line.startswith("FAILED commit") and original[:12] in line for line in lines), lines


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory) -> Path:
    """An archive of a run on stand-in data."""
    workflow = tiny(tmp_path_factory.mktemp("stand-ins") / "clone", None, activations=["esp"])
    result = workflow.snakemake("tables", "verify", "--configfile", "tiny.yaml")
    assert result.returncode == 0, result.stdout
    (workflow.folder / "tiny.yaml").unlink()
    shutil.rmtree(workflow.folder / ".snakemake")
    committed(workflow.folder)
    return made(workflow.folder, workflow.folder.parent / "made", None)


def test_stand_ins_show_in_the_name_and_the_description(stand_ins, monkeypatch, capsys):
    lines = said(stand_ins, monkeypatch, capsys)
    assert stand_ins.stem.endswith("-STAND-INS")
    [described] = [line for line in lines if "description" in line]
    assert "STAND-INS: linear" in described
    graph = {entity["@id"]: entity for entity in json.loads(Files(stand_ins)[f"data/{crate.METADATA}"])["@graph"]}
    assert graph["./"]["description"].startswith("STAND-INS, not the published data: linear")
    assert graph[TRAJECTORY]["creativeWorkStatus"] == "stand-in"
    assert "creativeWorkStatus" not in graph["README.md"]


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_stand_in_that_is_no_longer_marked_is_found(stand_ins, everywhere, tmp_path, monkeypatch, capsys):
    """Its mark is removed from its origin, or from the dataset, too, and all is made to fit, the archive's name included."""
    files = Files(stand_ins)
    files.scratch = tmp_path / "scratch"
    replaced(f"{LINEAR}.json", b"stand-in", b"published")(files)
    if everywhere:
        path = tmp_path / "x.nc"
        path.write_bytes(files[f"data/{LINEAR}.nc"])
        with h5py.File(path, "r+") as stream:
            stream.attrs["source"] = "published"
        files[f"data/{LINEAR}.nc"] = path.read_bytes()
    files.top = files.top.removesuffix("-STAND-INS")
    files.record()
    lines = said(files.write(tmp_path / "x.zip"), monkeypatch, capsys)
    assert any(line.startswith("FAILED inputs") and f"{LINEAR}.nc" in line for line in lines), lines
