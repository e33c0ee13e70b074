"""
Figures.

Needs  results/tables/indices.csv
Makes  results/figures/overview.{pdf,png}
"""


rule figures:
    """Cost, α and γ along training, all runs at a glance."""
    input:
        indices="results/tables/indices.csv",
        code=code("figures", "video"),
    output:
        multiext("results/figures/overview", ".pdf", ".png"),
    log:
        "results/logs/figures/figures.log",
    benchmark:
        "results/benchmarks/figures/figures.tsv"
    conda:
        "../../envs/video.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../../scripts/figures.py"
