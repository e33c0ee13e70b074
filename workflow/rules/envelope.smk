"""
Rounding envelopes.

Needs  results/datasets/{dataset}.nc
Makes  results/runs/{dataset}/{architecture}/{activation}/envelope.nc
"""


rule envelope:
    """Re-training from initial parameters moved by one unit in the last place: how far rounding alone takes a run."""
    input:
        dataset="results/datasets/{dataset}.nc",
        code=code("envelope", "train-cpu"),
    output:
        run("envelope.nc"),
    log:
        "results/logs/envelope/{dataset}_{architecture}_{activation}.log",
    benchmark:
        "results/benchmarks/envelope/{dataset}_{architecture}_{activation}.tsv"
    conda:
        "../../envs/train-cpu.yaml"
    threads: config["threads"]["training"]
    resources:
        **asked(resources.training, resources.spectrum, members=config["verification"]["members"] + 1),
    params:
        initial=of_pair(PLAN.initial),
        protocol=of_pair(PLAN.protocol),
        members=config["verification"]["members"],
        threads=config["threads"]["training"],
    script:
        "../../scripts/envelope.py"
