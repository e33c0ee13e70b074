"""What a job asks for at its second and third attempt."""

import json

from conftest import ROOT, Workflow

TARGETS = ("all", "deviations", "tolerances", "claims")
ASK = """
include: "workflow/Snakefile"
onstart:
    import json
    asked = {}
    for job in workflow.dag.jobs:
        for attempt in (1, 2, 3) if job.rule.script else ():
            job.attempt = attempt
            asked.setdefault(job.rule.name, []).append([job.resources["mem_mb"], job.resources["runtime"]])
    Path("asked.json").write_text(json.dumps(asked))
    sys.exit("asked")
"""


def test_memory_and_time_of_every_rule_grow_with_the_attempt(tmp_path, mirror):
    """As docs/cluster.md says: two and three times as much. A run in pieces has all rules."""
    workflow = Workflow(tmp_path, mirror)
    (tmp_path / "ask").write_text(ASK)
    arguments = (*TARGETS, "--snakefile", "ask", "--config", "seeds=2", "seeds_per_job=1")
    assert "asked" in workflow.snakemake(*arguments).stdout
    asked = json.loads((tmp_path / "asked.json").read_text())
    assert set(asked) == {path.stem for path in (ROOT / "scripts").glob("*.py")}
    for rule in asked:
        for first, second, third in zip(asked[rule][::3], asked[rule][1::3], asked[rule][2::3], strict=True):
            for part in (0, 1):
                assert (second[part], third[part]) == (2 * first[part], 3 * first[part]), rule
