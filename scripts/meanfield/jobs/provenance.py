"""
Where each result comes from: a small JSON file per job, and the chain from any result back to the download.

    python -m meanfield.jobs.provenance results/figures/overview.png     (with PYTHONPATH=scripts)
"""

import hashlib
import json
import platform
import subprocess
import sys
from pathlib import Path

from meanfield.data.storage import package_versions
from meanfield.errors import MeanfieldError
from meanfield.jobs.dependencies import sha256

FOLDER = Path("results/provenance")


def code_version(folder: str | Path) -> str:
    """The git commit of the code, with "-dirty" if files were changed; "unknown" outside a repository."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def configuration_hash(config: dict) -> str:
    """SHA-256 of the configuration, whatever the order of its keys; the mirror aside, which changes no number."""
    kept = {key: value for key, value in config.items() if key != "mirror"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def record(
    job: str, modules: dict[str, str], inputs: list[str], outputs: list[str], config: dict, threads: int, device: str
) -> None:
    """Write results/provenance/{job}.json: checksums of code, inputs and outputs; configuration, Python, packages, device.

    `modules` are the checksums of the files of code behind the job, by their paths in the project.
    """
    content = {
        "code": code_version(Path(__file__).parent),
        "configuration": configuration_hash(config),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": package_versions(),
        "threads": threads,
        "device": device,
        "precision": "float64",
        "modules": modules,
        "inputs": {path: sha256(path) for path in sorted(inputs)},
        "outputs": {path: sha256(path) for path in sorted(outputs)},
    }
    path = FOLDER / f"{job}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".part-{path.name}")
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    temporary.replace(path)


def chain(result: str) -> list[str]:
    """Lines that lead from a result to its inputs, job by job, down to the download; changed files are named as such.

    MeanfieldError if no job has recorded the result.
    """
    makers = {}
    for path in sorted(FOLDER.rglob("*.json")):
        content = json.loads(path.read_text())
        makers |= {output: (str(path.relative_to(FOLDER).with_suffix("")), content) for output in content["outputs"]}
    if result not in makers:
        raise MeanfieldError(
            f"{result} was recorded by no job; paths are as in results/README.md, relative to the workflow's folder"
        )
    lines, seen = [], set()

    def visit(path: str, depth: int) -> None:
        job, content = makers[path]
        state = "" if Path(path).exists() and sha256(path) == content["outputs"][path] else "  CHANGED SINCE"
        lines.append(f"{'  ' * depth}{path}  sha256 {content['outputs'][path][:12]}{state}")
        if job in seen:
            lines[-1] += "  (above)"
            return
        seen.add(job)
        made_by = ", ".join(filter(None, [content.get("python"), content["packages"]]))  # earlier files name no Python
        about = f"{job}: code {content['code']}, configuration {content['configuration'][:12]}, {made_by}, "
        lines.append(f"{'  ' * depth}  by {about}{content['threads']} thread(s), {content['device']}")
        for name in content["inputs"]:
            if name in makers:
                visit(name, depth + 1)
                if makers[name][1]["outputs"][name] != content["inputs"][name]:
                    lines.append(f"{'  ' * depth}  MADE FROM ANOTHER VERSION of {name}")
        origin = Path(path).with_suffix(".json")
        if job.startswith("dataset/") and origin.exists():
            source = json.loads(origin.read_text())
            lines.append(f"{'  ' * depth}  from {source['source']}: {source['address']}  sha256 {source['sha256'][:12]}")

    visit(result, 0)
    return lines


if __name__ == "__main__":
    try:
        print("\n".join(chain(sys.argv[1])))
    except (MeanfieldError, IndexError) as error:
        sys.exit(
            str(error) if isinstance(error, MeanfieldError) else "give the path of a result, e.g. results/tables/summary.csv"
        )
