"""
The description of an archive, ro-crate-metadata.json: an RO-Crate 1.1 after the Workflow Run profiles, by rocrate.

Every file is in it with size and SHA-256, every job of the provenance is a CreateAction with its script, inputs and outputs
(Process Run Crate), all of them are the run of workflow/Snakefile (Workflow Run Crate), rule by rule, each a step of it
(Provenance Run Crate). It follows from the archived files alone, so that whoever has these can make it again and compare.
"""

import mimetypes
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from meanfield.archive import citation
from meanfield.archive.contents import CONFIGURATIONS, DEPOSIT, MIRROR, RESULTS, UNCOMMITTED, left_out, origins, records
from meanfield.data.storage import STAND_IN
from meanfield.jobs.dependencies import sha256

METADATA = "ro-crate-metadata.json"
WORKFLOW, DIAGRAM = "workflow/Snakefile", "docs/images/structure.svg"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
TERMS = {  # which the context of 1.1 lacks
    "sha256": "https://w3id.org/ro/terms/workflow-run#sha256",
    "buildInstructions": "https://codemeta.github.io/terms/buildInstructions",
}
BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
TYPES = {
    ".nc": "application/netcdf", ".npy": "application/octet-stream", ".mat": "application/octet-stream",
    ".md": "text/markdown", ".yaml": "application/yaml", ".smk": "text/plain", ".lock": "text/plain",
    ".cff": "application/yaml", ".rst": "text/x-rst",
    ".toml": "application/toml", ".ipynb": "application/x-ipynb+json", ".tex": "application/x-tex", ".j2": "text/plain",
    ".tsv": "text/tab-separated-values", ".csv": "text/csv", ".json": "application/json", ".py": "text/x-python",
    ".js": "text/javascript", ".mp4": "video/mp4", ".svg": "image/svg+xml", ".log": "text/plain", ".html": "text/html",
}  # fmt: skip
"""Media types by ending, that do not depend on the machine."""


def media_type(name: str) -> str:
    """The media type of a file by its name; plain text if it has no ending that is known."""
    suffix = Path(name).suffix
    return TYPES.get(suffix) or mimetypes.MimeTypes(filenames=()).guess_type(name)[0] or "text/plain"


def committed_at(commit: bytes) -> int:
    """Seconds since 1970 of a commit, as git keeps it."""
    return int(re.search(rb"^committer .* (\d+) [+-]\d{4}$", commit, re.MULTILINE)[1])


def stand_ins(made: Mapping[str, dict], files: Mapping[str, Path]) -> tuple[list[str], set[str]]:
    """The datasets that are stand-ins, and every file that was made from one, at whatever remove."""
    names = [name for name, origin in origins(files).items() if origin["source"] == STAND_IN]
    marked = {f"results/datasets/{name}.{ending}" for name in names for ending in ("nc", "json")}
    while more := {
        name
        for content in made.values()
        if marked & set(content["inputs"])
        for name in content["outputs"]
        if name not in marked
    }:
        marked |= more
    return names, marked


def warning(names: Iterable[str]) -> str:
    """What an archive's description begins with if some datasets are stand-ins; else nothing."""
    said = ", ".join(names)
    return f"STAND-INS, not the published data: {said}; all that was made from them is marked. " if said else ""


def version(files: Mapping[str, Path]) -> str:
    """The project's version."""
    return tomllib.loads(files["pyproject.toml"].read_text())["project"]["version"]


def title(files: Mapping[str, Path]) -> str:
    """The name of an archive: stand-ins, and changes that are in no commit, show in it."""
    marks = ["STAND-INS"] * bool(stand_ins(records(root(files)), files)[0]) + ["UNCOMMITTED"] * (UNCOMMITTED in files)
    return "-".join(["meanfield", version(files), *marks])


def root(files: Mapping[str, Path]) -> Path:
    """The folder that holds the results."""
    name, path = next((name, path) for name, path in files.items() if name.startswith(f"{RESULTS}/provenance/"))
    return Path(str(path.absolute()).removesuffix(name))


class Description:
    """One crate in the making; `metadata` is the finished one."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.files, self.crate = files, ROCrate(version="1.1")
        self.crate.metadata.extra_terms.update(TERMS)
        self.made = records(root(files))
        self.stand_ins, self.marked = stand_ins(self.made, files)
        self.version = version(files)
        cited = citation.read(files["CITATION.cff"].parent)
        self.people = [self._person(author) for author in cited["authors"]]
        self._root(cited)
        self.entities = {name: self._file(name) for name in files if name != WORKFLOW}
        self.absent = self._absent()
        self._workflow(cited)
        self._actions()

    @property
    def metadata(self) -> dict:
        """The whole, a list of one value written as this value, as RO-Crate 1.1 recommends."""
        said = self.crate.metadata.generate()
        graph = [
            {key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in entity.items()}
            for entity in said["@graph"]
        ]
        return said | {"@graph": sorted(graph, key=lambda entity: entity["@id"])}

    def add(self, identifier: str, kind: str | list[str], **properties: object) -> ContextEntity:
        """A contextual entity."""
        return self.crate.add(ContextEntity(self.crate, identifier, properties={"@type": kind} | properties))

    def _person(self, author: dict) -> ContextEntity:
        said = citation.described(author)
        return self.add("#" + re.sub(r"\W+", "-", said["name"].lower()), said.pop("@type"), **said)

    def _root(self, cited: dict) -> None:
        """What the archive is, of whom, when, under which licence, after which paper."""
        crate, note = self.crate.root_dataset, warning(self.stand_ins)
        at = datetime.fromtimestamp(committed_at(self.files[f"{DEPOSIT}/commit"].read_bytes()), UTC)
        self.crate.name = f"{cited['title']}, version {self.version}" + " (STAND-INS)" * bool(self.stand_ins)
        self.crate.description = note + cited["abstract"]
        self.crate.datePublished = at.isoformat()
        self.crate.keywords = cited["keywords"]
        crate["version"] = self.version
        license = self.add(citation.LICENSES + cited["license"], "CreativeWork", name=cited["license"])
        license["description"] = "Licence of code and results. Inputs have licences of their own: deposit/inputs.csv."
        crate["license"], crate["author"], crate["publisher"] = license, self.people, self.people[0]
        crate["conformsTo"] = [self.add(url, "CreativeWork", name=name, version=url[-3:]) for url, name in PROFILES.items()]
        for paper in cited["references"]:
            authors = [self._person(author) for author in paper["authors"]]
            about = {"name": paper["title"], "datePublished": str(paper["year"]), "author": authors}
            crate.append_to("citation", self.add(paper["url"], "ScholarlyArticle", **about))

    def _file(self, name: str) -> object:
        """A file, with its size, checksum and kind; what is a script of a rule also as the program that it is."""
        path = self.files[name]
        said = {"contentSize": str(path.stat().st_size), "sha256": sha256(path), "encodingFormat": media_type(name)}
        if name in self.marked:
            said |= {"creativeWorkStatus": STAND_IN, "description": "Made from STAND-IN data, not from the published."}
        if name.startswith(MIRROR):
            said["description"] = f"Published in 2018, as it is: {name.removeprefix(MIRROR + '/')}"
        if name == DIAGRAM:
            said["@type"] = ["File", "ImageObject"]
        if name == "README.md":
            said["about"] = {"@id": "./"}
        if name in {f"scripts/{job.split('/')[0]}.py" for job in self.made}:
            said |= {"@type": ["File", "SoftwareSourceCode"], "name": Path(name).stem, "version": self.version}
        return self.crate.add_file(dest_path=quote(name), properties=said)

    def _absent(self) -> dict[str, ContextEntity]:
        """Inputs that may not be passed on: named, with their checksums."""
        found = {}
        for name in sorted(left_out(self.files, self.made)):
            recorded = [content[part].get(name) for content in self.made.values() for part in ("outputs", "inputs")]
            digest = next(filter(None, recorded), None)
            if digest:
                about = (
                    "Not in this archive, since its licence does not say that it may be passed on: see deposit/inputs.csv."
                )
                found[name] = self.add(f"#absent/{quote(name)}", "CreativeWork", name=name, sha256=digest, description=about)
        return found

    def of(self, names: Iterable[str]) -> list[object]:
        """The entities of files by their names."""
        return [self.entities.get(name) or self.absent[name] for name in sorted(set(names))]

    def _workflow(self, cited: dict) -> None:
        """The workflow: what it takes and gives, its rules as steps, and their scripts as the tools of these."""
        path = self.files[WORKFLOW]
        said = {"contentSize": str(path.stat().st_size), "sha256": sha256(path), "encodingFormat": "text/plain"}
        said |= {"name": cited["title"], "version": self.version, "url": "https://arxiv.org/abs/1805.08786"}
        said["@type"] = ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]
        language = re.search(r"^snakemake==(\S+)", self.files["requirements.lock"].read_text(), re.MULTILINE)[1]
        workflow = self.crate.add_workflow(
            dest_path=WORKFLOW, main=True, lang="snakemake", lang_version=language, properties=said
        )
        self.entities[WORKFLOW] = workflow
        workflow["creator"], workflow["license"] = self.people, self.crate.root_dataset["license"]
        workflow["conformsTo"] = self.add(BIOSCHEMAS, "CreativeWork", name="ComputationalWorkflow", version="1.0-RELEASE")
        workflow["buildInstructions"] = self.entities["requirements.lock"]
        workflow["image"] = self.entities[DIAGRAM]
        self.snakemake = self.add(
            "https://snakemake.github.io", "SoftwareApplication", name="Snakemake", softwareVersion=language,
            url="https://snakemake.github.io",
        )  # fmt: skip
        kinds = {
            "configuration": "every setting, whole",
            "data": "files that no job made",
            "results": "files that jobs made",
        }
        self.parameters = {}
        for name, about in kinds.items():
            self.parameters[name] = self.crate.add_formal_parameter(
                name, "File", f"#parameter/{name}", about, valueRequired=name != "results"
            )
        workflow["input"] = [self.parameters["configuration"], self.parameters["data"]]
        workflow["output"] = self.parameters["results"]
        self.steps = {}
        conda = self.add("https://docs.conda.io/", "WebSite", name="Conda", url="https://docs.conda.io/")
        for position, rule in enumerate(self.rules()):
            script = self.entities[f"scripts/{rule}.py"]
            script["programmingLanguage"] = "Python"
            environments = {
                name for job in self.jobs(rule) for name in self.made[job]["modules"] if name.startswith("envs/")
            }
            step = self.add(f"#step/{rule}", "HowToStep", name=f"rule {rule}", position=str(position), workExample=script)
            step["buildInstructions"] = self.of(environments)
            for environment in step["buildInstructions"]:
                environment["conformsTo"] = conda
            self.steps[rule] = step
            workflow.append_to("hasPart", script)
            workflow.append_to("step", step)

    def jobs(self, rule: str) -> list[str]:
        """The jobs of a rule."""
        return [job for job in self.made if job.split("/")[0] == rule]

    def rules(self) -> list[str]:
        """The rules, each after those whose results it takes."""
        makers = {name: job.split("/")[0] for job, content in self.made.items() for name in content["outputs"]}
        needs: dict[str, set[str]] = {job.split("/")[0]: set() for job in self.made}
        for job, content in self.made.items():
            rule = job.split("/")[0]
            needs[rule] |= {makers[name] for name in content["inputs"] if name in makers} - {rule}
        order: list[str] = []
        while len(order) < len(needs):
            free = sorted(rule for rule, needed in needs.items() if rule not in order and needed <= set(order))
            order += free or sorted(set(needs) - set(order))
        return order

    def _actions(self) -> None:
        """Each job, the run as a whole, and what Snakemake did: the jobs by their steps."""
        agent, status = self.people[0], "http://schema.org/CompletedActionStatus"
        controls, mentions = [], []
        for job, content in self.made.items():
            rule = job.split("/")[0]
            ran = (
                f"Code {content['code']}, {content['threads']} thread(s) on the {content['device']}, {content['python']}, "
                f"{content['packages']}."
            )
            said = {"name": f"job {job}", "description": ran, "agent": agent, "actionStatus": status}
            setting = self.entities[f"{CONFIGURATIONS}/{content['configuration']}.json"]
            taken = [*self.of(content["inputs"]), setting]
            action = self.crate.add_action(
                self.entities[f"scripts/{rule}.py"], f"#job/{quote(job)}", taken, self.of(content["outputs"]), said
            )
            mentions.append(action)
            control = {"name": f"Snakemake runs {job}", "instrument": self.steps[rule], "object": action}
            controls.append(self.add(f"#control/{quote(job)}", "ControlAction", **control))
        outputs = {name for content in self.made.values() for name in content["outputs"]}
        taken = {name for content in self.made.values() for name in content["inputs"]} - outputs
        settings = {name for name in self.files if name.startswith(CONFIGURATIONS)}
        for kind, names in (("configuration", settings), ("data", taken), ("results", outputs)):
            self.parameters[kind]["workExample"] = self.of(names)
            for entity in self.of(names):
                entity["exampleOfWork"] = self.parameters[kind]
        about = {"name": "the run", "description": "All jobs of the workflow.", "agent": agent, "actionStatus": status}
        run = self.crate.add_action(self.entities[WORKFLOW], "#run", self.of(taken | settings), self.of(outputs), about)
        organized = {"name": "Snakemake's work", "instrument": self.snakemake, "object": controls, "result": run}
        self.add("#organize", "OrganizeAction", agent=agent, **organized)
        self.crate.root_dataset["mentions"] = [run, *mentions]


def describe(files: Mapping[str, Path]) -> dict:
    """The content of ro-crate-metadata.json for these files, by their path in the archive."""
    return Description({name: path for name, path in files.items() if name != METADATA}).metadata
