"""
Verdicts.

Needs  results/runs/…/comparison.csv of every published run
Makes  results/verification/verdicts.{csv,md,html}, results/figures/{verdicts,tolerances}.{pdf,png}
"""


rule verify:
    """A verdict on every published number."""
    input:
        comparisons=every_run("comparison.csv", PLAN.judged),
        noise=every_run("noise.nc", PLAN.judged),
        code=code("verify", "video"),
    output:
        csv="results/verification/verdicts.csv",
        markdown="results/verification/verdicts.md",
        html=report(
            "results/verification/verdicts.html",
            caption="../report/verdicts.rst",
            category="Verification",
            labels={"figure": "verdicts, with numbers"},
        ),
        figures=[
            "results/figures/verdicts.pdf",
            report(
                "results/figures/verdicts.png",
                caption="../report/verdicts.rst",
                category="Verification",
                labels={"figure": "verdicts"},
            ),
        ],
        tolerances=[
            "results/figures/tolerances.pdf",
            report(
                "results/figures/tolerances.png",
                caption="../report/tolerances.rst",
                category="Verification",
                labels={"figure": "tolerances"},
            ),
        ],
    log:
        "results/logs/verify/verify.log",
    benchmark:
        "results/benchmarks/verify/verify.tsv"
    conda:
        "../../envs/video.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=10,
    params:
        runs=PLAN.judged,
    script:
        "../../scripts/verify.py"
