"""
Each run against the publication.

Needs  results/runs/{dataset}/{architecture}/{activation}/trajectory.nc, spectrum.nc and envelope.nc, and the published arrays
Makes  results/runs/{dataset}/{architecture}/{activation}/comparison.csv, and noise.nc with the measured tolerances
"""


rule comparison:
    """One verdict per quantity of one run, with the tolerance and where it comes from."""
    input:
        trajectory=run("trajectory.nc"),
        spectrum=run("spectrum.nc"),
        envelope=run("envelope.nc"),
        dataset="results/datasets/{dataset}.nc",
        published="results/published/{dataset}/{architecture}/{activation}.nc",
        summary=SUMMARY,
        code=code("comparison", "spectrum"),
    output:
        table=run("comparison.csv"),
        noise=run("noise.nc"),
    log:
        "results/logs/comparison/{dataset}_{architecture}_{activation}.log",
    benchmark:
        "results/benchmarks/comparison/{dataset}_{architecture}_{activation}.tsv"
    conda:
        "../../envs/spectrum.yaml"
    resources:
        **asked(resources.reading, resources.spectrum, members=1),
    params:
        averaging=averaging,
    script:
        "../../scripts/comparison.py"
