"""
Re-trainings.

Needs  results/datasets/{dataset}.nc
Makes  results/runs/{dataset}/{architecture}/{activation}/retraining.nc
"""


rule retraining:
    """Re-training with rounding at random: how far rounding alone takes a run."""
    input:
        dataset="results/datasets/{dataset}.nc",
    output:
        run("retraining.nc"),
    log:
        "results/logs/retraining/{dataset}_{architecture}_{activation}.log",
    benchmark:
        "results/benchmarks/retraining/{dataset}_{architecture}_{activation}.tsv"
    conda:
        "../../envs/train-cpu.yaml"
    threads: config["threads"]["training"]
    resources:
        **asked(resources.training, resources.spectrum, members=RETRAINING["members"]),
    params:
        *code("retraining", "train-cpu"),
        **RETRAINING,
    script:
        "../../scripts/retraining.py"
