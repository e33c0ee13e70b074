"""
Each run against the publication.

Needs  results/runs/{dataset}/{architecture}/{activation}/trajectory.nc and spectrum.nc, and the published arrays
Makes  results/runs/{dataset}/{architecture}/{activation}/comparison.csv
"""


rule comparison:
    """One verdict per quantity of one run, with the tolerance and where it comes from; re-trains where a bit differs."""
    input:
        trajectory=first("trajectory.nc"),
        spectrum=first("spectrum.nc"),
        dataset="results/datasets/{dataset}.nc",
        published="results/published/{dataset}/{architecture}/{activation}.nc",
        summary=SUMMARY,
    output:
        run("comparison.csv"),
    log:
        "results/logs/comparison/{dataset}_{architecture}_{activation}.log",
    benchmark:
        "results/benchmarks/comparison/{dataset}_{architecture}_{activation}.tsv"
    conda:
        "../../envs/train-cpu.yaml"
    threads: config["threads"]["training"]
    resources:
        **asked(resources.training, resources.spectrum, members=RETRAINING["members"]),
    params:
        *code("comparison", "train-cpu"),
        **RETRAINING,
    script:
        "../../scripts/comparison.py"
