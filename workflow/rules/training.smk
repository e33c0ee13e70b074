"""
Training, as published in 2018.

Needs  results/datasets/{dataset}.nc
Makes  results/runs/{dataset}/{architecture}/{activation}/trajectory.nc
"""


rule training:
    """All seeds of one run, recorded along training: parameters, residuals, cost, accuracies."""
    input:
        dataset="results/datasets/{dataset}.nc",
        exceptions=EXCEPTIONS,
    output:
        piece("trajectory.nc"),
    log:
        f"results/logs/training/{{dataset}}_{{architecture}}_{{activation}}{OF_PIECE}.log",
    benchmark:
        f"results/benchmarks/training/{{dataset}}_{{architecture}}_{{activation}}{OF_PIECE}.tsv"
    priority: longest_first
    conda:
        f"../../envs/{TRAIN}.yaml"
    threads: config["threads"]["training"]
    resources:
        **asked(resources.training, *CUDA),
        gpu=lambda wildcards: int(config["gpu"] and not replayed(wildcards)),
    params:
        *code("training", TRAIN),
        activation=activation,
        seeds=seeds,
        initial=of_pair(PLAN.initial),
        protocol=of_pair(PLAN.protocol),
        replayed=replayed,
        by_numpy=lambda wildcards: PLAN.by_numpy(wildcards.dataset),
        others=lambda wildcards: len(PLAN.pieces[wildcards.dataset, wildcards.architecture]) > 1,
        corrected=of_pair(PLAN.corrects),
        threads=config["threads"]["training"],
    script:
        "../../scripts/training.py"
