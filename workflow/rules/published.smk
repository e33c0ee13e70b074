"""
The published arrays.

Needs  nothing (a mirror or the network)
Makes  results/published/{dataset}/{architecture}/{activation}.nc
"""


rule published:
    """The published arrays of one run, each verified; an empty file, saying why, where none can be had."""
    input:
        registry=REGISTRY,
    output:
        "results/published/{dataset}/{architecture}/{activation}.nc",
    log:
        "results/logs/published/{dataset}_{architecture}_{activation}.log",
    benchmark:
        "results/benchmarks/published/{dataset}_{architecture}_{activation}.tsv"
    conda:
        "../../envs/data.yaml"
    resources:
        **SMALL,
    params:
        *code("published", "data"),
    script:
        "../../scripts/published.py"
