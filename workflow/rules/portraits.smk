"""
Portraits of the networks of one dataset and architecture.

Needs  results/runs/{dataset}/{architecture}/{activation}/trajectory.nc and spectrum.nc, for every activation;
       results/datasets/{dataset}.nc, results/published/…nc
Makes  results/figures/{eigenvalues,eigenvectors,parameters,boundaries}_{dataset}_{architecture}.{pdf,png}
"""

PORTRAITS = ("eigenvalues", "eigenvectors", "parameters", "boundaries")
FIGURES = [
    *rules.curves.output.png,
    *(f"results/figures/{name}_{pair}.png" for name in PORTRAITS for pair in DRAWN),
]


rule portraits:
    """Eigenvalues, eigenvectors, parameters and decision boundaries, one panel per activation."""
    input:
        trajectories=every_activation("trajectory.nc"),
        spectra=every_activation("spectrum.nc"),
        dataset="results/datasets/{dataset}.nc",
        published=lambda wildcards: published_arrays(runs_like(wildcards)),
        code=code("portraits", "video"),
    output:
        png=[
            report(
                f"results/figures/{name}_{{dataset}}_{{architecture}}.png",
                caption=f"../report/{name}.rst",
                category="Networks",
                subcategory="{dataset} {architecture}",
                labels={
                    "figure": name,
                    "task": "{dataset}",
                    "architecture": "{architecture}",
                    "activations": SHOWN,
                    "of the paper": "5 and 6" if name == "eigenvectors" else "–",
                },
            )
            for name in PORTRAITS
        ],
        pdf=expand("results/figures/{name}_{{dataset}}_{{architecture}}.pdf", name=PORTRAITS),
    log:
        "results/logs/portraits/{dataset}_{architecture}.log",
    benchmark:
        "results/benchmarks/portraits/{dataset}_{architecture}.tsv"
    conda:
        "../../envs/video.yaml"
    threads: 1
    resources:
        **asked(footprint.reading, members=1, runs=len(config["activations"])),
    params:
        activations=config["activations"],
        published=lambda wildcards: [entry["activation"] for entry in verified(runs_like(wildcards))],
        eigenvalues_at=config["figures"]["eigenvalues_at"],
    script:
        "../../scripts/portraits.py"
