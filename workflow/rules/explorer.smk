"""
The explorer.

Needs  results/runs/…/trajectory.nc, spectrum.nc and indices.csv of every run, results/datasets/…
Makes  results/explorer.html
"""


rule explorer:
    """Spectrum, curves and decision boundary of every run in one page, to move through training."""
    input:
        datasets=[f"results/datasets/{dataset}.nc" for dataset in dict.fromkeys(entry["dataset"] for entry in DRAWN_RUNS)],
        trajectories=[run("trajectory.nc").format(**entry) for entry in DRAWN_RUNS],
        spectra=[run("spectrum.nc").format(**entry) for entry in DRAWN_RUNS],
        indices=[run("indices.csv").format(**entry) for entry in DRAWN_RUNS],
        code=code("explorer", "video", "explorer.js", "explorer.html.j2"),
    output:
        "results/explorer.html",
    log:
        "results/logs/explorer/explorer.log",
    benchmark:
        "results/benchmarks/explorer/explorer.tsv"
    conda:
        "../../envs/video.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: (1000 + 100 * len(DRAWN_RUNS)) * attempt,
        runtime=15,
    params:
        runs=DRAWN_RUNS,
        activations=config["activations"],
    script:
        "../../scripts/explorer.py"
