"""
Runs whose seeds came in pieces, joined.

Needs  results/runs/{dataset}/{architecture}/{activation}/pieces/{seeds}/{file} of all pieces
Makes  results/runs/{dataset}/{architecture}/{activation}/{file}: indices.csv and, on request, trajectory.nc, spectrum.nc
"""

if PLAN.split:

    rule joined:
        """A file of a run from those of its pieces, read one after the other."""
        input:
            lambda wildcards: PLAN.files(wildcards, wildcards.file),
        output:
            run("{file}"),
        log:
            "results/logs/joined/{dataset}_{architecture}_{activation}_{file}.log",
        benchmark:
            "results/benchmarks/joined/{dataset}_{architecture}_{activation}_{file}.tsv"
        wildcard_constraints:
            file=r"(trajectory|spectrum)\.nc|indices\.csv",
        conda:
            "../../envs/analysis.yaml"
        resources:
            **asked(resources.joining),
        params:
            *code("joined", "analysis"),
        script:
            "../../scripts/joined.py"
