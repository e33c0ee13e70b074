"""
Hessian spectra along training.

Needs  results/runs/{dataset}/{architecture}/{activation}/trajectory.nc, results/datasets/{dataset}.nc
Makes  results/runs/{dataset}/{architecture}/{activation}/spectrum.nc
"""


rule spectrum:
    """Hessian and its eigenvalues at every recorded update of one run: all, counted, or, by lanczos, estimated."""
    input:
        trajectory=piece("trajectory.nc"),
        dataset="results/datasets/{dataset}.nc",
    output:
        piece("spectrum.nc"),
    log:
        f"results/logs/spectrum/{{dataset}}_{{architecture}}_{{activation}}{OF_PIECE}.log",
    benchmark:
        f"results/benchmarks/spectrum/{{dataset}}_{{architecture}}_{{activation}}{OF_PIECE}.tsv"
    priority: longest_first
    conda:
        f"../../envs/{SPECTRUM}.yaml"
    threads: config["threads"]["spectrum"]
    resources:
        **asked(resources.spectrum, *(CUDA if DENSE_ON_GPU else [])),
        gpu=int(DENSE_ON_GPU),
    params:
        *code("spectrum", SPECTRUM),
        activation=activation,
        averaging=of_pair(PLAN.averaging),
        spectrum=PLAN.spectrum,
        threads=config["threads"]["spectrum"],
    script:
        "../../scripts/spectrum.py"
