"""What is said at the end of a run."""

import json

from meanfield.data.storage import STAND_IN
from meanfield.jobs import summary


def test_verdicts_are_counted(tmp_path):
    assert summary.verdicts(tmp_path / "verdicts.csv") == ""
    (tmp_path / "verdicts.csv").write_text("run,verdict\na,identical\nb,differs\nc,identical\n")
    assert summary.verdicts(tmp_path / "verdicts.csv") == "verification: 2 identical, 1 differs"


def test_stand_ins_are_named_with_the_remedy(tmp_path):
    for name, source in (("linear", "mirror"), ("nonlinear", STAND_IN)):
        (tmp_path / f"{name}.json").write_text(json.dumps({"source": source}))
    places = [tmp_path / f"{name}.json" for name in ("linear", "nonlinear", "absent")]
    assert "not the published: nonlinear. " in summary.stand_ins(places)
    assert "--forcerun dataset" in summary.stand_ins(places)
    assert summary.stand_ins(places[:1]) == ""
