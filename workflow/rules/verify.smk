"""
Verdicts.

Needs  results/runs/…/comparison.csv of every published run
Makes  results/verification/verdicts.{csv,md,html}, results/figures/verdicts.{pdf,png}
"""


rule verify:
    """A verdict on every published number."""
    input:
        comparisons=every_run("comparison.csv", PLAN.judged),
    output:
        csv="results/verification/verdicts.csv",
        markdown="results/verification/verdicts.md",
        html=shown("results/verification/verdicts.html", "Verification", {"figure": "verdicts, with numbers"}),
        figures=[
            "results/figures/verdicts.pdf",
            shown("results/figures/verdicts.png", "Verification", {"figure": "verdicts"}),
        ],
    log:
        "results/logs/verify/verify.log",
    benchmark:
        "results/benchmarks/verify/verify.tsv"
    conda:
        "../../envs/video.yaml"
    resources:
        **SMALL,
    params:
        *code("verify", "video"),
    script:
        "../../scripts/verify.py"
