"""
A stand-in for conda where there is none: the commands that Snakemake calls, enough to run every step in an environment that
holds its own packages and no others.

An environment is a virtual environment of the running Python in which the packages that the file pins, and those that they
require, are links to the installed ones. What it cannot show is that conda-forge has the Python and pip that the file names.
"""

import json
import sys
import venv
from importlib import metadata
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "envs"))
from pin import required, wheels

ACTIVATE = 'export PATH="$1/bin:$PATH"\n'


def install(folder: Path) -> Path:
    """Put the stand-in into a folder, as bin/conda with its bin/activate; returns the folder to put on PATH."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    run = f"runpy.run_path({__file__!r}, {{'FOLDER': {str(folder)!r}}}, '__main__')"
    (programs / "conda").write_text(f"#!{sys.executable}\nimport runpy\n{run}\n")
    (programs / "conda").chmod(0o755)
    (programs / "activate").write_text(ACTIVATE)
    return programs


def create(file: Path, prefix: Path) -> None:
    """Make the environment that a conda file describes."""
    venv.create(prefix, with_pip=False, symlinks=True)
    packages = prefix / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    for distribution in map(metadata.distribution, required(wheels(file), f"3.{sys.version_info.minor}")):
        for name in {path.parts[0] for path in distribution.files if path.parts[0] not in ("..", "__pycache__")}:
            if not (packages / name).exists():
                (packages / name).symlink_to(distribution.locate_file(name))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["info", *_]:
            print(json.dumps({"conda_prefix": globals()["FOLDER"], "platform": "linux-64"}))
        case ["--version"]:
            print("conda 25.1.0")
        case ["config", *_]:
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case ["clean", *_]:
            pass
        case ["env", "create", *options]:
            given = dict(pairwise(options))
            create(Path(given["--file"]), Path(given["--prefix"]))
        case other:
            raise SystemExit(f"the stand-in for conda does not know {' '.join(other)}")
