"""
The explorer.

Needs  results/runs/…/trajectory.nc, spectrum.nc and indices.csv of every run, results/datasets/…
Makes  results/explorer.html
"""

DRAWN_PROBLEMS = [PLAN.problem(entry["dataset"], entry["architecture"], 1) for entry in PLAN.drawn_runs]


rule explorer:
    """Spectrum, curves and decision boundary of every run in one page, to move through training."""
    input:
        datasets=[
            f"results/datasets/{dataset}.nc" for dataset in dict.fromkeys(entry["dataset"] for entry in PLAN.drawn_runs)
        ],
        trajectories=every_first("trajectory.nc", PLAN.drawn_runs),
        spectra=every_first("spectrum.nc", PLAN.drawn_runs),
        indices=every_first("indices.csv", PLAN.drawn_runs),
    output:
        "results/explorer.html",
    log:
        "results/logs/explorer/explorer.log",
    benchmark:
        "results/benchmarks/explorer/explorer.tsv"
    conda:
        "../../envs/video.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: attempt * resources.explorer(DRAWN_PROBLEMS),
        runtime=15,
    params:
        *code("explorer", "video", "meanfield/figures/explorer.js", "meanfield/figures/explorer.html.j2"),
        runs=PLAN.drawn_runs,
        activations=config["activations"],
    script:
        "../../scripts/explorer.py"
