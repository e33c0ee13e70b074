"""
Completes the environment files: the packages that each names, and all that these require, in the installed versions, which
are those of requirements.lock. Run by `make lock`; a test holds the files against the lock.
"""

from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import Requirement

MARK = "      # and what they require"
PYTHON = "3.12"


def required(pins: list[str], python: str = PYTHON) -> dict[str, metadata.Distribution]:
    """The pinned distributions and all that they require, by name; an error if a pin is not what is installed."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [Requirement(pin) for pin in pins]
    while waiting:
        requirement = waiting.pop()
        distribution = metadata.distribution(requirement.name)
        if not requirement.specifier.contains(distribution.version, prereleases=True):
            raise SystemExit(f"{requirement} is asked for; {distribution.version} is installed")
        name = requirement.name.lower().replace("_", "-").replace(".", "-")
        if name in found:
            continue
        found[name] = distribution
        needs = [Requirement(text) for text in distribution.requires or []]
        place = {"extra": "", "python_version": python, "python_full_version": f"{python}.0"}
        waiting += [need for need in needs if not need.marker or need.marker.evaluate(place)]
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
        rest = {name: found.version for name, found in required(named).items() if name not in names}
        path.write_text("\n".join([head, MARK, *(f"      - {name}=={rest[name]}" for name in sorted(rest))]) + "\n")
