"""
The numbers of each run.

Needs  results/runs/{dataset}/{architecture}/{activation}/trajectory.nc and spectrum.nc
Makes  results/runs/{dataset}/{architecture}/{activation}/indices.csv
"""


rule indices:
    """One line per seed and record: cost, accuracies, zero residuals, α and γ, extreme eigenvalues."""
    input:
        trajectory=run("trajectory.nc"),
        spectrum=run("spectrum.nc"),
    output:
        run("indices.csv"),
    log:
        "results/logs/indices/{dataset}_{architecture}_{activation}.log",
    benchmark:
        "results/benchmarks/indices/{dataset}_{architecture}_{activation}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **asked(resources.reading),
    params:
        *code("indices", "analysis"),
        after=of_pair(PLAN.corrects),
    script:
        "../../scripts/indices.py"
