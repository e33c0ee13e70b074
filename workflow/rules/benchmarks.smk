"""
Time and memory by rule.

Needs  every table, figure, video, explorer and verdict (their jobs leave results/benchmarks/{rule}/{job}.tsv)
Makes  results/benchmarks/summary.{csv,md}
"""


rule benchmarks:
    """Number of jobs, time and peak memory of each rule. The one result that differs from run to run."""
    input:
        rules.tables.output,
        FIGURES,
        VIDEOS,
        EXPLORER,
        VERDICTS,
    output:
        csv="results/benchmarks/summary.csv",
        markdown="results/benchmarks/summary.md",
    log:
        "results/logs/benchmarks/benchmarks.log",
    benchmark:
        "results/benchmarks/benchmarks/benchmarks.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **SMALL,
    params:
        *code("benchmarks", "analysis"),
        jobs=PLAN.job_names(),
    script:
        "../../scripts/benchmarks.py"
