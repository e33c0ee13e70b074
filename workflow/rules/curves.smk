"""
Figures along training.

Needs  results/runs/…/indices.csv of every run, results/published/…nc
Makes  results/figures/{overview, fig2_activations, …, accuracy}.{pdf,png}
"""

# Figure: which of the paper it is.
CURVES = {
    "overview": "–",
    "fig2_activations": "2",
    "fig3a_cost": "3a",
    "fig3b_alpha": "3b",
    "fig4a_zero_residuals": "4, left",
    "fig4b_gamma": "4, right",
    "accuracy": "–",
}


rule curves:
    """Figures 2 to 4 of the paper, of the runs there are, and more; published points on top of ours, where there are any."""
    input:
        indices=every_run("indices.csv", PLAN.runs),
        summary=SUMMARY,
        published=PLAN.published_arrays(PLAN.runs),
    output:
        png=[
            shown(
                f"results/figures/{name}.png",
                "Along training",
                {
                    "figure": name.split("_", 1)[-1].replace("_", " "),
                    "of the paper": paper if PLAN.verified(PLAN.runs) else "–",
                },
            )
            for name, paper in CURVES.items()
        ],
        pdf=expand("results/figures/{name}.pdf", name=CURVES),
    log:
        "results/logs/curves/curves.log",
    benchmark:
        "results/benchmarks/curves/curves.tsv"
    conda:
        "../../envs/video.yaml"
    resources:
        **asked_for_table(),
    params:
        *code("curves", "video"),
        activations=config["activations"],
        names=list(CURVES),
        runs=PLAN.verified(PLAN.runs),
        shifted=any(PLAN.datasets[entry["dataset"]].get("labels") == "shifted" for entry in PLAN.runs),
    script:
        "../../scripts/curves.py"
