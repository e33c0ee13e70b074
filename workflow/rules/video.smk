"""
Spectrum videos.

Needs  results/runs/{dataset}/{architecture}/{activation}/spectrum.nc and indices.csv, for every activation
Makes  results/videos/{dataset}_{architecture}.mp4; its first frame as .png; a small preview as .gif;
       a page that plays it as .html
"""


rule video:
    """The spectra of all activations along training, a row each, over their cost curves."""
    input:
        spectra=every_activation("spectrum.nc"),
        indices=every_activation("indices.csv"),
    output:
        video="results/videos/{dataset}_{architecture}.mp4",
        poster="results/videos/{dataset}_{architecture}.png",
        preview="results/videos/{dataset}_{architecture}.gif",
        page=shown(
            "results/videos/{dataset}_{architecture}.html",
            "Videos",
            {"task": "{dataset}", "architecture": "{architecture}", "activations": SHOWN},
            "video",
        ),
    log:
        "results/logs/video/{dataset}_{architecture}.log",
    benchmark:
        "results/benchmarks/video/{dataset}_{architecture}.tsv"
    conda:
        "../../envs/video.yaml"
    resources:
        **asked(resources.reading, members=1, runs=len(PLAN.activations)),
    params:
        *code("video", "video"),
        activations=config["activations"],
        frames_per_second=config["video"]["frames_per_second"],
        hold=config["video"]["hold"],
    script:
        "../../scripts/video.py"
