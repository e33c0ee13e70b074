"""The files of the core that a script depends on, so that editing one re-runs just the steps that use it."""

import hashlib
from modulefinder import ModuleFinder
from pathlib import Path


def sha256(path: str | Path) -> str:
    """Checksum of a file's content."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def of_script(script: str | Path, *beside: str) -> list[Path]:
    """The script, all modules of packages in its folder that it imports, at any depth, and the files `beside` them.

    The `__init__` of each package on the way counts, too. Nothing is imported or run.
    """
    folder = Path(script).parent
    finder = ModuleFinder(path=[str(folder)])
    finder.run_script(str(script))
    files = {Path(module.__file__) for module in finder.modules.values() if module.__file__}
    return sorted(files | {folder / file for file in beside})
