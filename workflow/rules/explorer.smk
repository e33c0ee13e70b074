"""
The explorer.

Needs  results/runs/…/trajectory.nc, spectrum.nc and indices.csv of every run, results/datasets/…
Makes  results/explorer.html
"""


rule explorer:
    """Spectrum, curves and decision boundary of every run in one page, to move through training."""
    input:
        datasets=[f"results/datasets/{dataset}.nc" for dataset in dict.fromkeys(dataset for dataset, _ in PAIRS)],
        trajectories=[run("trajectory.nc").format(**entry) for entry in RUNS],
        spectra=[run("spectrum.nc").format(**entry) for entry in RUNS],
        indices=[run("indices.csv").format(**entry) for entry in RUNS],
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
        mem_mb=lambda wildcards, attempt: (1000 + 100 * len(RUNS)) * attempt,
        runtime=15,
    params:
        runs=RUNS,
        activations=config["activations"],
    script:
        "../../scripts/explorer.py"
