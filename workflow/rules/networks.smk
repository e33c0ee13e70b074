"""
Figures of the networks of one dataset and architecture.

Needs  results/runs/{dataset}/{architecture}/{activation}/trajectory.nc and spectrum.nc, for every activation;
       results/datasets/{dataset}.nc, results/published/…nc
Makes  results/figures/{eigenvalues,eigenvectors,parameters,boundaries}_{dataset}_{architecture}.{pdf,png}, eigenvectors
       only where there are any
"""

NETWORKS = ["eigenvalues", *["eigenvectors"] * PLAN.exact, "parameters", "boundaries"]
FIGURES = [
    *rules.curves.output.png,
    *(f"results/figures/{name}_{pair}.png" for name in NETWORKS for pair in PLAN.drawn),
]
VERIFIED = of_pair(lambda *pair: PLAN.verified(PLAN.runs_like(*pair)))


rule networks:
    """Eigenvalues, eigenvectors, parameters and decision boundaries, one panel per activation."""
    input:
        trajectories=every_activation("trajectory.nc"),
        spectra=every_activation("spectrum.nc"),
        dataset="results/datasets/{dataset}.nc",
        published=lambda wildcards: PLAN.published_arrays(VERIFIED(wildcards)),
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
                    "of the paper": "5 and 6" if name == "eigenvectors" and PLAN.judged else "–",
                },
            )
            for name in NETWORKS
        ],
        pdf=expand("results/figures/{name}_{{dataset}}_{{architecture}}.pdf", name=NETWORKS),
    log:
        "results/logs/networks/{dataset}_{architecture}.log",
    benchmark:
        "results/benchmarks/networks/{dataset}_{architecture}.tsv"
    conda:
        "../../envs/video.yaml"
    resources:
        **asked(resources.reading, members=1, runs=len(PLAN.activations)),
    params:
        *code("networks", "video"),
        activations=config["activations"],
        names=NETWORKS,
        published=lambda wildcards: [entry["activation"] for entry in VERIFIED(wildcards)],
        eigenvalues_at=config["figures"]["eigenvalues_at"],
    script:
        "../../scripts/networks.py"
