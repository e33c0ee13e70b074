"""
The joint tables.

Needs  results/runs/…/indices.csv of every run
Makes  results/tables/indices.{csv,md,tex,html}, results/tables/summary.{csv,md,tex,html}
"""


rule tables:
    """All runs record by record, and one line a run."""
    input:
        indices=every_run("indices.csv", PLAN.runs),
    output:
        indices=[
            *multiext("results/tables/indices", ".csv", ".md", ".tex"),
            sortable("indices", "all runs, record by record"),
        ],
        summary=[*multiext("results/tables/summary", ".csv", ".md", ".tex"), sortable("summary", "one line a run")],
    log:
        "results/logs/tables/tables.log",
    benchmark:
        "results/benchmarks/tables/tables.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **asked_for_table(),
    params:
        *code("tables", "analysis"),
    script:
        "../../scripts/tables.py"
