"""
Completes the environment files: the packages that each names, and all that these require, in the installed versions, which
are those of requirements.lock; CUDA libraries in those of requirements-gpu.lock. Run by `make lock`; a test holds the files
against the locks.
"""

import re
from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import Requirement

MARK = "      # and what they require"
PYTHON = "3.12"
ROOT = Path(__file__).parent.parent


def locked(name: str) -> dict[str, str]:
    """Versions by package, of one of the lock files."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", (ROOT / name).read_text(), re.MULTILINE))


def required(pins: list[str], python: str = PYTHON) -> dict[str, str]:
    """The pinned packages and all that they and their extras require: {name: version}.

    An error if a pin is not what is installed or, where it is not installed (CUDA libraries, gigabytes, whose requirements
    are among TensorFlow's), what requirements-gpu.lock has.
    """
    found: dict[str, str] = {}
    seen = set()
    waiting = [Requirement(pin) for pin in pins]
    while waiting:
        requirement = waiting.pop()
        name = requirement.name.lower().replace("_", "-").replace(".", "-")
        try:
            distribution = metadata.distribution(name)
            version, needs = distribution.version, map(Requirement, distribution.requires or [])
        except metadata.PackageNotFoundError:
            version, needs = locked("requirements-gpu.lock").get(name, "nothing"), []
        if version == "nothing" or not requirement.specifier.contains(version, prereleases=True):
            raise SystemExit(f"{requirement} is asked for; {version} is installed or in requirements-gpu.lock")
        extras = ("", *sorted(requirement.extras))
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found[name] = version
        places = [{"extra": extra, "python_version": python, "python_full_version": f"{python}.0"} for extra in extras]
        waiting += [need for need in needs if not need.marker or any(map(need.marker.evaluate, places))]
    return found


def wheels(path: Path) -> list[str]:
    """The wheels that an environment file asks for."""
    [pins] = [entry["pip"] for entry in yaml.safe_load(path.read_text())["dependencies"] if isinstance(entry, dict)]
    return pins


if __name__ == "__main__":
    for path in sorted(Path(__file__).parent.glob("*.yaml")):
        head = path.read_text().split(MARK)[0].rstrip()
        path.write_text(head + "\n")
        named = wheels(path)
        names = {Requirement(pin).name for pin in named}
        rest = {name: version for name, version in required(named).items() if name not in names}
        path.write_text("\n".join([head, MARK, *(f"      - {name}=={rest[name]}" for name in sorted(rest))]) + "\n")
