"""
The paper's claims, or one's own, judged.

Needs  results/ensemble/members.csv, results/runs/…/indices.csv of the runs over seeds
Makes  results/claims/claims.{csv,md,html}, comparisons.csv, and a figure per claim, {claim}.{pdf,png}
"""

JUDGED = [entry for entry in PLAN.runs if entry["dataset"] in PLAN.axes["seeds"].values()]


rule claims:
    """A verdict on every testable statement, of the paper unless others are given, from the published draw, many seeds, splits, independent weights."""
    input:
        members="results/ensemble/members.csv",
        indices=every_run("indices.csv", JUDGED),
        claims=CLAIMS,
    output:
        csv="results/claims/claims.csv",
        markdown="results/claims/claims.md",
        html=shown("results/claims/claims.html", "Claims", {"figure": "verdicts, with numbers"}),
        comparisons="results/claims/comparisons.csv",
        png=[
            shown(f"results/claims/{name}.png", "Claims", {"figure": name.replace("-", " ")}, "claims")
            for name in CLAIM_NAMES
        ],
        pdf=expand("results/claims/{claim}.pdf", claim=CLAIM_NAMES),
    log:
        "results/logs/claims/claims.log",
    benchmark:
        "results/benchmarks/claims/claims.tsv"
    conda:
        "../../envs/video.yaml"
    resources:
        **asked_for_table(),
    params:
        *code("claims", "video"),
        activations=config["activations"],
        axes=PLAN.axes,
        own=bool(config["claims"]["stated"]),
    script:
        "../../scripts/claims.py"
