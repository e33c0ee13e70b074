"""What is said at the end of a run."""

import json

import pandas as pd
from meanfield.data.storage import STAND_IN
from meanfield.jobs import summary
from meanfield.verification.verdicts import DIFFERS, IDENTICAL, markdown, sentence


def test_the_sentence_on_verdicts_is_that_of_the_page(tmp_path):
    assert summary.verdicts(tmp_path / "verdicts.md") == ""
    table = pd.DataFrame({"run": ["a", "b", "c"], "quantity": "cost", "verdict": [IDENTICAL, DIFFERS, IDENTICAL]})
    (tmp_path / "verdicts.md").write_text(markdown(table.assign(tolerance_from="", worst=0.0, records=1)))
    assert summary.verdicts(tmp_path / "verdicts.md") == sentence(table)
    assert sentence(table) == "verification: 2 identical, 1 differs; differing: b cost"


def test_tables_of_other_runs_are_not_replaced_without_a_word(tmp_path):
    table = tmp_path / "tables/summary.csv"
    ours = [{"dataset": "linear", "architecture": "10", "activation": name} for name in ("esp", "relu")]
    assert summary.replaced(table, ours) == ""
    table.parent.mkdir()
    pd.DataFrame(ours).assign(seed=1, cost_last=0.1).to_csv(table, index=False)
    assert summary.replaced(table, ours) == ""
    assert summary.replaced(table, [*ours, ours[0] | {"dataset": "mine"}]) == ""  # all that there was is kept
    line = summary.replaced(table, ours[:1])
    assert line.count("\n") == 1
    for words in ("tables is of another configuration", "1 of its 2 runs", "linear 10 relu", "--directory"):
        assert words in line


def test_the_ending_names_what_is_there(tmp_path):
    assert summary.ending(61.9, tmp_path) == ["Done in 1 min 01 s."]
    (tmp_path / "explorer.html").touch()
    first, place = summary.ending(61.9, tmp_path)
    assert first == "Done in 1 min 01 s. Look first at"
    assert place.split()[0] == str(tmp_path / "explorer.html")


def test_stand_ins_are_named_with_the_remedy(tmp_path):
    for name, source in (("linear", "mirror"), ("nonlinear", STAND_IN)):
        (tmp_path / f"{name}.json").write_text(json.dumps({"source": source}))
    places = [tmp_path / f"{name}.json" for name in ("linear", "nonlinear", "absent")]
    assert "not the published: nonlinear. " in summary.stand_ins(places)
    assert "--forcerun dataset" in summary.stand_ins(places)
    assert summary.stand_ins(places[:1]) == ""
