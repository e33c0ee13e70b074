"""What jobs record, and the chain that is read from it: as a tree, as a picture, as commands."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from examples import CONFIG, ROOT
from meanfield.errors import MeanfieldError
from meanfield.figures import lineage
from meanfield.jobs import provenance, record
from meanfield.jobs.provenance import Chain

SCRIPTS = str(ROOT / "scripts")
SETTINGS = {"seeds": 1, "mirror": None, "averaging": "float32", "epsilon": 1e-8}


def job(name, inputs, outputs, config=SETTINGS, threads=1, device="CPU", where=""):
    """One job, whose outputs appear and are recorded."""
    for path in outputs:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if not Path(path).exists():
            Path(path).write_text(path)
    record.write(f"{where}results/logs/{name}.log", {"scripts/x.py": "e" * 64}, inputs, outputs, config, threads, device)


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A download and a table made from it."""
    monkeypatch.chdir(tmp_path)
    origin = {"source": "mirror", "address": "https://example.org/a.mat", "sha256": "f" * 64}
    (tmp_path / "results/datasets").mkdir(parents=True)
    (tmp_path / "results/datasets/a.json").write_text(json.dumps(origin))
    job("dataset/a", [], ["results/datasets/a.nc", "results/datasets/a.json"])
    job("tables/tables", ["results/datasets/a.nc"], ["results/table.csv"], SETTINGS | {"mirror": "x"}, 2, "GPU")
    return tmp_path


def tree(result="results/table.csv"):
    return "\n".join(Chain(result).tree())


def test_chain_leads_to_the_download(results):
    text = tree()
    assert (
        text.index("results/table.csv")
        < text.index("results/datasets/a.nc")
        < text.index("from mirror: https://example.org")
    )
    assert "2 thread(s), GPU" in text
    assert "numpy " in text
    assert "CHANGED" not in text


def test_what_all_jobs_share_is_said_once(results):
    text = tree()
    [code] = {json.loads(path.read_text())["code"] for path in results.rglob("results/provenance/*/*.json")}
    assert text.count(f"code {code}") == text.count("numpy ") == text.count("configuration ") == 1
    assert text.count("thread(s)") == 2


def test_the_tree_is_drawn_with_lines_and_each_job_once(results):
    job("tables/more", ["results/table.csv", "results/datasets/a.nc"], ["results/more.csv"], threads=2)
    lines = Chain("results/more.csv").tree()
    assert [line[:3] for line in lines if "sha256" in line and "from" not in line] == ["res", "├─ ", "└─ ", "   "]
    assert [line for line in lines if line.endswith("(above)")] == [lines[-3]]
    assert len([line for line in lines if "by dataset/a" in line]) == 1


def test_the_python_that_ran_is_recorded_and_shown(results):
    recorded = json.loads((results / "results/provenance/tables/tables.json").read_text())["python"]
    assert recorded.lower() == f"{sys.implementation.name} {'.'.join(map(str, sys.version_info[:3]))}"
    assert recorded in tree()


def test_changed_and_unknown_results(results):
    (results / "results/datasets/a.nc").write_text("other")
    [line] = [line for line in tree().splitlines() if "CHANGED" in line]
    assert "a.nc" in line
    (results / "results/datasets/a.nc").unlink()
    assert "GONE SINCE" in tree()
    with pytest.raises(MeanfieldError, match="recorded by no job"):
        Chain("results/nothing.csv")


def test_the_record_of_who_made_it_before_is_gone(results):
    """A run made in pieces and joined, then whole: one job has made the file that lies there."""
    path, readers = Path("results/indices.csv"), results / "results/provenance/tables/readers.json"
    for name, content in (("joined/a_indices.csv", "pieces"), ("indices/a", "whole")):
        job("tables/readers", [str(path)] * path.exists(), ["results/read.csv"])
        path.write_text(content)
        job(name, ["results/datasets/a.nc"], [str(path)])
    (results / "results/provenance/indices/.part-b.json").write_text("{")
    chain = Chain(path)
    assert list(chain.jobs) == ["indices/a", "dataset/a"]
    assert "CHANGED" not in "".join(chain.tree())
    assert readers.exists()
    job("indices/c", [], ["results/c.csv"])
    assert (results / "results/provenance/indices/a.json").exists()


def test_a_result_is_found_however_its_path_is_written(results):
    for path in ("./results/table.csv", results / "results/table.csv", "results/datasets/../table.csv"):
        assert Chain(path).tree() == Chain("results/table.csv").tree()


def test_an_input_made_again_since_is_named(results):
    (results / "results/datasets/a.nc").write_text("other")
    job("dataset/a", [], ["results/datasets/a.nc"])
    assert "MADE FROM ANOTHER VERSION of results/datasets/a.nc" in tree()
    assert Chain("results/table.csv").boxes()["tables/tables"].look == "changed"


def test_what_earlier_versions_recorded_can_be_read(results):
    for path in results.rglob("results/provenance/*/*.json"):
        content = json.loads(path.read_text())
        path.write_text(json.dumps({key: value for key, value in content.items() if key not in ("python", "settings")}))
    assert "numpy " in tree()
    with pytest.raises(MeanfieldError, match="recorded no configuration; make it again"):
        Chain("results/table.csv").commands()


def test_beneath_a_prefix_the_chain_is_found_and_the_target_is_without_it(results):
    job("tables/tables", [], ["sub/results/table.csv"], where="sub/")
    assert (results / "sub/results/provenance/tables/tables.json").exists()
    chain = Chain("sub/results/table.csv")
    assert list(chain.jobs) == ["tables/tables"]
    assert chain.commands()[-1].startswith("snakemake results/table.csv ")


def test_configuration_hash_ignores_the_mirror_and_the_order():
    first = record.configuration_hash({"seeds": 1, "mirror": None, "averaging": "float32"})
    assert first == record.configuration_hash({"averaging": "float32", "seeds": 1, "mirror": "/a"})
    assert first != record.configuration_hash({"seeds": 2, "averaging": "float32"})


def test_the_same_configuration_in_another_order_is_recorded_by_the_same_bytes(results):
    path = results / "results/provenance/tables/tables.json"
    written = []
    for config in ({"seeds": 1, "optimizer": {"l2": 0, "beta1": 0.9}}, {"optimizer": {"beta1": 0.9, "l2": 0}, "seeds": 1}):
        job("tables/tables", [], ["results/table.csv"], config)
        written.append(path.read_bytes())
    assert written[0] == written[1]


def test_the_configuration_itself_is_recorded_without_the_mirror(results):
    content = json.loads((results / "results/provenance/tables/tables.json").read_text())
    assert content["settings"] == {key: value for key, value in SETTINGS.items() if key != "mirror"}
    assert record.configuration_hash(content["settings"]) == content["configuration"]


def test_code_version(tmp_path):
    assert record.code_version(tmp_path) == "unknown"


def test_commands_write_the_configuration_and_name_the_file_alone(results):
    lines = Chain("results/table.csv").commands()
    script = "\n".join(line for line in lines if "git checkout" not in line and not line.startswith(("pip", "snakemake")))
    subprocess.run(["sh", "-c", script], check=True, cwd=results)
    written = json.loads((results / "configuration.json").read_text())
    assert record.configuration_hash(written) == record.configuration_hash(SETTINGS)
    assert lines[-1] == "snakemake results/table.csv --cores 2 --configfile configuration.json"


def test_the_commands_name_files_of_ones_own(results):
    own = {"datasets": {"mine": {"table": "mine.csv"}, "linear": {}}, "claims": {"stated": "claims.yaml"}}
    job("tables/tables", [], ["results/table.csv"], SETTINGS | own)
    assert [line for line in Chain("results/table.csv").commands() if line.endswith("not: mine.csv, claims.yaml")]


@pytest.mark.parametrize(
    ("commit", "config", "named"), [("a" * 40, CONFIG, 0), ("b" * 40, CONFIG, 1), ("a" * 40, SETTINGS, 1)]
)
def test_the_projects_own_configuration_is_not_written_out(tmp_path, monkeypatch, commit, config, named):
    """Where the code is the one that is checked out; with changes, or at another commit, it may be another configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(record, "code_version", lambda _: "a" * 40)
    monkeypatch.setattr(provenance, "code_version", lambda _: commit)
    job("tables/tables", [], ["results/table.csv"], config)
    assert sum("--configfile" in line for line in Chain("results/table.csv").commands()) == named
    assert f"set -e; git checkout {'a' * 40}" in Chain("results/table.csv").commands()
    monkeypatch.setattr(record, "code_version", lambda _: "a" * 40 + "-dirty")
    job("tables/tables", [], ["results/table.csv"], config)
    lines = Chain("results/table.csv").commands()
    assert any("not committed" in line for line in lines)
    assert "--configfile" in lines[-1]


def test_the_picture_is_of_the_tree(results):
    boxes = Chain("results/table.csv").boxes()
    assert {name: box.needs for name, box in boxes.items()} == {"tables/tables": ["dataset/a"], "dataset/a": []}
    assert boxes["tables/tables"].lines[0] == "tables"
    assert boxes["dataset/a"].lines[-1] == "from mirror: a.mat"
    assert (boxes["tables/tables"].look, boxes["dataset/a"].look) == ("job", "origin")
    (results / "results/datasets/a.nc").write_text("other")
    assert Chain("results/table.csv").boxes()["dataset/a"].look == "changed"


def test_many_jobs_of_a_rule_are_one_box(results):
    pieces = [f"results/pieces/{number}.csv" for number in range(provenance.MOST + 1)]
    for number, path in enumerate(pieces):
        job(f"training/{number}", ["results/datasets/a.nc"], [path])
    job("joined/joined", pieces, ["results/joined.csv"])
    boxes = Chain("results/joined.csv").boxes()
    assert set(boxes) == {"joined/joined", "training", "dataset/a"}
    assert boxes["training"].lines == ["training", f"{provenance.MOST + 1} jobs"]
    assert boxes["training"].needs == ["dataset/a"]
    assert boxes["joined/joined"].needs == ["training"]


def test_the_command_line(results, capsys):
    provenance.main(["results/table.csv", "--picture", "chain.svg"])
    assert "by tables/tables" in capsys.readouterr().out
    drawn = (results / "chain.svg").read_text()
    assert all(f">{words}" in drawn for words in ("tables", "from mirror: a.mat", "dataset a"))
    provenance.main(["results/table.csv", "--picture", "again.svg", "--command"])
    assert (results / "again.svg").read_text() == drawn
    assert "snakemake results/table.csv" in capsys.readouterr().out
    with pytest.raises(MeanfieldError, match=r"chain\.gif: .*\.svg, \.png, \.pdf"):
        provenance.main(["results/table.csv", "--picture", "chain.gif"])


def test_columns_and_arrows():
    """A box stands right of all that it needs, downloads beside what needs them."""
    needs = {
        "data": [],
        "training": ["data"],
        "spectrum": ["training", "data"],
        "published": [],
        "curves": ["spectrum", "published"],
    }
    boxes = {name: lineage.Box([name], "job", entry) for name, entry in needs.items()}
    assert lineage.stages(boxes) == [["data"], ["training"], ["published", "spectrum"], ["curves"]]
    figure = lineage.draw(boxes, "title")
    assert (
        len([artist for artist in figure.artists if isinstance(artist, lineage.FancyArrowPatch)]) == 4
    )  # data to spectrum: not
    figure.canvas.draw()
    extents = [text.get_window_extent() for text in figure.texts]
    assert all(figure.bbox.x0 <= extent.x0 and extent.x1 <= figure.bbox.x1 for extent in extents)
    assert all(figure.bbox.y0 <= extent.y0 and extent.y1 <= figure.bbox.y1 for extent in extents)
    assert not [one for at, one in enumerate(extents) for other in extents[:at] if one.overlaps(other)]


def test_no_job_depends_on_the_code_that_draws():
    """Editing the picture of a chain re-runs nothing."""
    from meanfield.jobs.dependencies import of_script

    names = {path.name for path in of_script(ROOT / "scripts/indices.py")}
    assert "record.py" in names
    assert not names & {"provenance.py", "lineage.py"}


def test_the_tree_needs_nothing_that_draws(results):
    code = "import sys; from meanfield.jobs.provenance import Chain; Chain('results/table.csv').tree(); print(*sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": SCRIPTS}
    )
    assert not {"yaml", "matplotlib", "numpy"} & set(said.stdout.split())
