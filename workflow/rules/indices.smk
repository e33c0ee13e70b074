"""
The numbers of each run.

Needs  results/runs/{dataset}/{architecture}/{activation}/trajectory.nc and spectrum.nc
Makes  results/runs/{dataset}/{architecture}/{activation}/indices.csv
"""


rule indices:
    """One line per seed and record: cost, accuracies, zero residuals, α and γ, extreme eigenvalues."""
    input:
        trajectory=piece("trajectory.nc"),
        spectrum=piece("spectrum.nc"),
    output:
        piece("indices.csv"),
    log:
        f"results/logs/indices/{{dataset}}_{{architecture}}_{{activation}}{OF_PIECE}.log",
    benchmark:
        f"results/benchmarks/indices/{{dataset}}_{{architecture}}_{{activation}}{OF_PIECE}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **asked(resources.reading),
    params:
        *code("indices", "analysis"),
        after=of_pair(PLAN.corrects),
    script:
        "../../scripts/indices.py"
