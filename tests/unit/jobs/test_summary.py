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
