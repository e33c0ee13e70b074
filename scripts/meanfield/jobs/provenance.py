"""
Where a result comes from: the chain of jobs back to the download, as a tree, as a picture, and as the commands that make it.

    python -m meanfield.jobs.provenance results/figures/overview.png     (with PYTHONPATH=scripts)
        --picture chain.svg     draws it, too, as SVG, PNG or PDF
        --command               prints the commands instead, as a script for a shell

Read from what each job has left (`record`); no job imports this module. What draws, or reads YAML, is imported where that is
asked for.
"""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Container
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from meanfield.errors import MeanfieldError
from meanfield.jobs.dependencies import sha256
from meanfield.jobs.record import FOLDER, code_version, configuration_hash

if TYPE_CHECKING:
    from meanfield.figures.lineage import Box

ROOT = Path(__file__).parents[3]  # of the project
MOST = 24  # jobs of a rule in a picture; more are one box
FACTS = {
    "code": "code {}",
    "configuration": "configuration {:.12}",
    "python": "{}",
    "packages": "{}",
    "threads": "{} thread(s)",
    "device": "{}",
}
"""What is said of a job, or once of all, and how."""


def recorded(folder: Path) -> dict[str, dict]:
    """What jobs have recorded in a folder, by job; what killed ones have left is no record. MeanfieldError for no JSON."""
    found = {}
    for path in sorted(folder.rglob("*.json")):
        if path.name.startswith(".part-"):
            continue
        name = path.relative_to(folder)
        try:
            found[name.with_suffix("").as_posix()] = json.loads(path.read_text())
        except ValueError as error:
            raise MeanfieldError(f"{FOLDER / name} is no JSON ({error}): make its result again") from error
    return found


class Chain:
    """The jobs behind a result, by name ({rule}/{job}), each with what it has recorded.

    MeanfieldError if no job has recorded the result.
    """

    def __init__(self, result: str | Path) -> None:
        self.result = os.path.relpath(result)
        folders = [folder / FOLDER.name for folder in Path(self.result).parents if folder.name == FOLDER.parent.name]
        self.folder = next((folder for folder in folders if folder.is_dir()), FOLDER)
        found = recorded(self.folder)
        self.maker = {output: job for job, content in found.items() for output in content["outputs"]}
        if self.result not in self.maker:
            raise MeanfieldError(
                f"{result} was recorded by no job; paths are as in results/README.md, relative to the workflow's folder"
            )
        self.jobs: dict[str, dict] = {}
        waiting = [self.maker[self.result]]
        while waiting:
            job = waiting.pop()
            if job not in self.jobs:
                self.jobs[job] = found[job]
                waiting += self.needs(job).values()

    def needs(self, job: str) -> dict[str, str]:
        """The inputs of a job that jobs have made, each with that job."""
        return {name: self.maker[name] for name in self.jobs[job]["inputs"] if name in self.maker}

    @cached_property
    def files(self) -> dict[str, str]:
        """Each file on the way and what has become of it since: "", or that it is another or gone."""
        made = {self.result} | {name for job in self.jobs for name in self.needs(job)}
        return {path: self._state(path) for path in sorted(made)}

    def _state(self, path: str) -> str:
        """What has become of a file."""
        recorded = self.jobs[self.maker[path]]["outputs"][path]
        if not Path(path).exists():
            return "GONE SINCE"
        return "" if sha256(path) == recorded else "CHANGED SINCE"

    def remade(self, job: str) -> list[str]:
        """Inputs that are no longer those that the job has read: made again since."""
        read = self.jobs[job]["inputs"]
        return [name for name, maker in self.needs(job).items() if self.jobs[maker]["outputs"][name] != read[name]]

    def origin(self, job: str) -> dict | None:
        """Where a dataset's job has its data from: source, address, sha256."""
        paths = [Path(path) for path in self.jobs[job]["outputs"] if path.endswith(".json")]
        return json.loads(paths[0].read_text()) if job.startswith("dataset/") and paths and paths[0].exists() else None

    @cached_property
    def shared(self) -> set[str]:
        """Those of the FACTS that are the same of all jobs."""
        return {fact for fact in FACTS if len({str(content.get(fact)) for content in self.jobs.values()}) == 1}

    def about(self, job: str, facts: Container[str]) -> str:
        """Facts of a job in words; what earlier versions did not record is left out."""
        content = self.jobs[job]
        return ", ".join(said.format(content[fact]) for fact, said in FACTS.items() if fact in facts and fact in content)

    def tree(self) -> list[str]:
        """Lines from the result to its inputs, job by job, down to the download; changed files are named as such.

        What is the same of all jobs is said once, at the end.
        """
        lines, seen = [], set()

        def visit(path: str, first: str, rest: str) -> None:
            job = self.maker[path]
            state = f"  {self.files[path]}" if self.files[path] else ""
            lines.append(f"{first}{path}  sha256 {self.jobs[job]['outputs'][path][:12]}{state}")
            if job in seen:
                lines[-1] += "  (above)"
                return
            seen.add(job)
            inputs, origin = list(self.needs(job)), self.origin(job)
            stem = f"{rest}│  " if inputs else f"{rest}   "
            own = self.about(job, set(FACTS) - self.shared)
            lines.append(f"{stem}by {job}{own and ': ' + own}")
            lines.extend(f"{stem}MADE FROM ANOTHER VERSION of {name}" for name in self.remade(job))
            if origin:
                lines.append(f"{stem}from {origin['source']}: {origin['address']}  sha256 {origin['sha256'][:12]}")
            for name in inputs:
                last = name == inputs[-1]
                visit(name, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))

        visit(self.result, "", "")
        return [*lines, "", f"all of it: {self.about(self.maker[self.result], self.shared)}"]

    def boxes(self) -> "dict[str, Box]":
        """The chain as `lineage.draw` draws it: a box a job, or a rule that has more than MOST of them."""
        from meanfield.figures.lineage import Box

        rules = [job.partition("/")[0] for job in self.jobs]
        names = {job: rule if rules.count(rule) > MOST else job for job, rule in zip(self.jobs, rules, strict=True)}
        files, members_of, boxes = {}, {}, {}
        for path in self.files:
            files.setdefault(names[self.maker[path]], []).append(path)
        for job, name in names.items():
            members_of.setdefault(name, []).append(job)
        for name, members in members_of.items():
            changed = any(self.files[path] for path in files[name]) or any(map(self.remade, members))
            lines = [" ".join(dict.fromkeys(name.split("/"))), f"{len(members)} jobs"]
            if name in self.jobs:
                lines[1:] = [self._line(path) for path in files[name]]
                lines += ["made from another version of an input"] * bool(self.remade(name))
            if origin := self.origin(members[0]):
                lines.append(f"from {origin['source']}: {Path(origin['address']).name}")
            needs = dict.fromkeys(names[other] for job in members for other in self.needs(job).values())
            boxes[name] = Box(lines, "changed" if changed else "job" if needs else "origin", list(needs))
        return boxes

    def _line(self, path: str) -> str:
        """A file in a box."""
        checksum = self.jobs[self.maker[path]]["outputs"][path][:12]
        return " ".join(filter(None, [Path(path).name, checksum, self.files[path].lower()]))

    def title(self) -> str:
        """What stands above the picture."""
        return f"{self.result}, by {len(self.jobs)} jobs\n{self.about(self.maker[self.result], self.shared)}"

    def commands(self, project: Path = ROOT) -> list[str]:
        """Lines of a shell script that makes just this file, in a clone of the project; with the configuration recorded.

        MeanfieldError if the job has recorded a hash alone, as earlier versions did.
        """
        import yaml

        content = self.jobs[self.maker[self.result]]
        if "settings" not in content:
            raise MeanfieldError(f"{self.result} was made by a version that recorded no configuration; make it again")
        target = Path(self.result).relative_to(self.folder.parent.parent).as_posix()
        threads = max(entry["threads"] for entry in self.jobs.values())
        code, _, changed = content["code"].partition("-")
        usual = yaml.safe_load((project / "config/config.yaml").read_text())
        known = code != "unknown" and not changed and code == code_version(project)  # and so the project's own configuration
        as_usual = known and configuration_hash(usual) == content["configuration"]
        lines = [
            f"# {self.result}, sha256 {content['outputs'][self.result]}",
            f"# made by {self.about(self.maker[self.result], set(FACTS))}",
        ]
        if changed:
            lines.append("# the code had changes that were not committed; those are not in what follows")
        lines.append("set -e" if code == "unknown" else f"set -e; git checkout {code}")
        lines.append("pip install --require-hashes --requirement requirements.lock")
        given = ""
        if not as_usual:
            given = " --configfile configuration.json"
            own = [entry["table"] for entry in content["settings"].get("datasets", {}).values() if "table" in entry]
            own += filter(None, [content["settings"].get("claims", {}).get("stated")])
            if own:
                lines.append(f"# put beside it, as far as the project has them not: {', '.join(own)}")
            lines += ["cat > configuration.json << 'END'", json.dumps(content["settings"], indent=1), "END"]
        lines.append(f"snakemake {shlex.quote(target)} --cores {threads}{given}")
        return lines


def main(arguments: list[str]) -> None:
    """The command. MeanfieldError in one line for people."""
    parser = argparse.ArgumentParser(prog="python -m meanfield.jobs.provenance", description="Where a result comes from.")
    parser.add_argument("result", help="path of a result, e.g. results/tables/summary.csv")
    parser.add_argument("--picture", metavar="FILE", help="draw the chain, too: .svg, .png or .pdf")
    parser.add_argument("--command", action="store_true", help="print the commands that make just this file, instead")
    given = parser.parse_args(arguments)
    chain = Chain(given.result)
    print("\n".join(chain.commands() if given.command else chain.tree()))
    if given.picture:
        from meanfield.figures import lineage

        lineage.save(lineage.draw(chain.boxes(), chain.title()), given.picture)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except MeanfieldError as error:
        sys.exit(str(error))
