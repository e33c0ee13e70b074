"""
What the original's defects change.

Needs  results/runs/…/indices.csv of every run, by the published protocol, in the arithmetic of 2018 and by
       TensorFlow's kernels, and by the corrected protocol, of several classes with a softmax, too
Makes  results/tables/deviations.{csv,md,tex,html}, results/figures/deviations.{pdf,png}
"""


rule deviations:
    """Protocols side by side: accuracy, cost, α and γ as published, resolved, by TensorFlow's kernels, and corrected."""
    input:
        published=every_run("indices.csv", PLAN.runs_of("published")),
        tensorflow=every_run("indices.csv", PLAN.runs_of("tensorflow")),
        corrected=every_run("indices.csv", PLAN.runs_of("corrected")),
        softmax=every_run("indices.csv", PLAN.runs_of("softmax")),
    output:
        table=[
            *multiext("results/tables/deviations", ".csv", ".md", ".tex"),
            sortable("deviations", "published and corrected protocol"),
        ],
        figure=[
            "results/figures/deviations.pdf",
            shown("results/figures/deviations.png", "Verification", {"figure": "published and corrected protocol"}),
        ],
    log:
        "results/logs/deviations/deviations.log",
    benchmark:
        "results/benchmarks/deviations/deviations.tsv"
    conda:
        "../../envs/video.yaml"
    resources:
        **SMALL,
    params:
        *code("deviations", "video"),
        activations=config["activations"],
        suffixes={"published": "", **{name: plan.SUFFIXES[name] for name in ("tensorflow", "corrected", "softmax")}},
    script:
        "../../scripts/deviations.py"
