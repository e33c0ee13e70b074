"""
What rounding does to every run.

Needs  results/runs/…/retraining.nc and spectrum.nc of every published run
Makes  results/figures/tolerances.{pdf,png}
"""


rule tolerances:
    """The spread of re-trainings along training, and the share of eigenvalues that no solver resolves from zero."""
    input:
        retrainings=every_run("retraining.nc", PLAN.judged),
        spectra=every_first("spectrum.nc", PLAN.judged),
    output:
        "results/figures/tolerances.pdf",
        shown("results/figures/tolerances.png", "Verification", {"figure": "tolerances"}),
    log:
        "results/logs/tolerances/tolerances.log",
    benchmark:
        "results/benchmarks/tolerances/tolerances.tsv"
    conda:
        "../../envs/video.yaml"
    resources:
        **SMALL,
    params:
        *code("tolerances", "video"),
        runs=PLAN.judged,
    script:
        "../../scripts/tolerances.py"
