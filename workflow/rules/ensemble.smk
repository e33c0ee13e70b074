"""
Statistics over the members of each run.

Needs  results/runs/…/indices.csv of every run
Makes  results/ensemble/members.{csv,md,tex,html}, statistics.{csv,md,tex,html}, landscape_{cost,gradient_norm}.{pdf,png}
"""


rule ensemble:
    """One line a member, one line a run with median and interval; α and γ against cost and gradient norm."""
    input:
        indices=every_run("indices.csv", PLAN.runs),
    output:
        members=multiext("results/ensemble/members", ".csv", ".md", ".tex", ".html"),
        statistics=[
            *multiext("results/ensemble/statistics", ".csv", ".md", ".tex"),
            shown("results/ensemble/statistics.html", "Ensemble", {"figure": "statistics over the members"}, "ensemble"),
        ],
        png=[
            shown(
                f"results/ensemble/landscape_{against}.png",
                "Ensemble",
                {"figure": f"α and γ against {against}".replace("_", " ")},
                "ensemble",
            )
            for against in ("cost", "gradient_norm")
        ],
        pdf=expand("results/ensemble/landscape_{against}.pdf", against=("cost", "gradient_norm")),
    log:
        "results/logs/ensemble/ensemble.log",
    benchmark:
        "results/benchmarks/ensemble/ensemble.tsv"
    conda:
        "../../envs/video.yaml"
    resources:
        **asked_for_table(),
    params:
        *code("ensemble", "video"),
        activations=config["activations"],
        shown=list(PLAN.axes["seeds"].values()),
    script:
        "../../scripts/ensemble.py"
