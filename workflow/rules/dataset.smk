"""
Datasets.

Needs  nothing (a mirror, the network, or scikit-learn's packaged data), or a table of the user's own
Makes  results/datasets/{dataset}.nc, and .json saying where it came from
"""


rule dataset:
    """One dataset, verified, encoded and split; a marked stand-in where the published file cannot be had."""
    input:
        registry=REGISTRY,
        table=lambda wildcards: [local(path) for path in [PLAN.datasets[wildcards.dataset].get("table")] if path],
    output:
        dataset="results/datasets/{dataset}.nc",
        origin="results/datasets/{dataset}.json",
    log:
        "results/logs/dataset/{dataset}.log",
    benchmark:
        "results/benchmarks/dataset/{dataset}.tsv"
    priority: longest_first
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: attempt * resources.dataset(*sizes.data_size(PLAN.datasets[wildcards.dataset]))[0],
        runtime=lambda wildcards, attempt: attempt * resources.dataset(*sizes.data_size(PLAN.datasets[wildcards.dataset]))[1],
    params:
        *code("dataset", "data"),
        settings=lambda wildcards: PLAN.datasets[wildcards.dataset],
        require_published=config["require_published_data"],
    script:
        "../../scripts/dataset.py"
