"""What a job leaves of where its results come from: a small JSON file, which `provenance` reads."""

import hashlib
import json
import platform
import subprocess
from contextlib import suppress
from pathlib import Path

from meanfield.jobs.dependencies import sha256

FOLDER = Path("results/provenance")  # or beside the logs, wherever these are
UNRECORDED = "mirror"  # of the configuration: it changes no number, and may be a path of the machine


def code_version(folder: str | Path) -> str:
    """The git commit of the code, with "-dirty" if files were changed; "unknown" outside a repository."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def configuration_hash(config: dict) -> str:
    """SHA-256 of the configuration, whatever the order of its keys; the mirror aside, which changes no number."""
    return hashlib.sha256(json.dumps(_kept(config)).encode()).hexdigest()


def _kept(config: dict) -> dict:
    """What of a configuration is recorded, in the order of its keys, at any depth."""
    return json.loads(json.dumps({key: value for key, value in config.items() if key != UNRECORDED}, sort_keys=True))


def write(
    log: str | Path, modules: dict[str, str], inputs: list[str], outputs: list[str], config: dict, threads: int, device: str
) -> None:
    """Write provenance/{rule}/{job}.json beside logs/, where the job's `log` is {rule}/{job}.log.

    In it are checksums of code, inputs and outputs; the configuration and its hash; Python, packages, threads, device.
    `modules` are the checksums of the files of code behind the job, by their paths in the project. What another job has
    recorded of these outputs, which are no longer its own, is removed.
    """
    from meanfield.data.storage import package_versions  # with xarray, which reading records does not need

    content = {
        "code": code_version(Path(__file__).parent),
        "configuration": configuration_hash(config),
        "settings": _kept(config),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": package_versions(),
        "threads": threads,
        "device": device,
        "precision": "float64",
        "modules": modules,
        "inputs": {path: sha256(path) for path in sorted(inputs)},
        "outputs": {path: sha256(path) for path in sorted(outputs)},
    }
    rule, name = Path(log).parts[-2:]
    path = Path(log).parents[2] / FOLDER.name / rule / Path(name).with_suffix(".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".part-{path.name}")
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    temporary.replace(path)
    _forget(outputs, path)


def _forget(outputs: list[str], kept: Path) -> None:
    """Remove other jobs' records of these outputs: a run made whole had other jobs than one made in pieces."""
    named = [json.dumps(output).encode() for output in outputs]
    for path in kept.parents[1].glob("*/[!.]*.json"):
        with suppress(FileNotFoundError):  # removed by another job
            content = path.read_bytes() if path != kept else b""
            if any(name in content for name in named) and not set(outputs).isdisjoint(json.loads(content)["outputs"]):
                path.unlink()
