"""
Makes the archive: one ZIP with code, configuration, inputs, results, logs, provenance, report and verdicts.

    python -m meanfield.archive.make [--to build] [--uncommitted]      (make archive)
"""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from meanfield.archive import bag, contents, crate
from meanfield.errors import MeanfieldError

README = """{name}

{description}

To check all of it, from this archive alone (docs/archive.md in data/ says what is checked, and how):

    unzip {file}.zip
    make -C {file}/data check-archive ARCHIVE=$PWD/{file}.zip

To look: data/results/README.md, data/results/explorer.html. To run it again: data/README.md.
"""


def make(folder: Path, to: Path, uncommitted: bool = False) -> Path:
    """Make the archive of a folder's commit and results, in the folder `to`; its path. MeanfieldError as for `collect`."""
    with TemporaryDirectory() as scratch:
        files = contents.collect(folder, Path(scratch), uncommitted)
        metadata = crate.describe(files)
        path = Path(scratch, crate.METADATA)
        path.write_text(json.dumps(metadata, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
        name, at = crate.title(files), crate.committed_at(files[contents.COMMIT].read_bytes())
        about = next(entity for entity in metadata["@graph"] if entity["@id"] == "./")
        info = {
            "Bagging-Date": datetime.fromtimestamp(at, UTC).date().isoformat(),
            "External-Description": " ".join(about["description"].split()),
            "External-Identifier": name,
        }
        tree = contents.tree(files[contents.TREE].read_bytes())
        programs = {path for path, (mode, _) in tree.items() if mode == "100755"}
        readme = README.format(name=about["name"], description=about["description"], file=name)
        bag.write(to / f"{name}.zip", name, files | {crate.METADATA: path}, info, readme, programs, at)
    return to / f"{name}.zip"


def main() -> None:
    began = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n")[0])
    parser.add_argument("--to", type=Path, default=Path("build"), help="folder for the archive")
    parser.add_argument("--uncommitted", action="store_true", help="archive changes that are in no commit, and say so")
    asked = parser.parse_args()
    try:
        archive = make(Path(), asked.to, asked.uncommitted)
    except MeanfieldError as error:
        sys.exit(f"no archive was made: {error}")
    seconds, size = time.monotonic() - began, archive.stat().st_size / 1e6
    print(f"{archive}: {size:.1f} MB, in {seconds:.0f} s. To check it: make check-archive ARCHIVE={archive}")


if __name__ == "__main__":
    main()
