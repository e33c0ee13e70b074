"""
CITATION.cff in the words of others: codemeta.json, .zenodo.json, and people and paper for the archive's description.

    python -m meanfield.archive.citation      (make citation) writes codemeta.json and .zenodo.json beside CITATION.cff
"""

import json
from pathlib import Path

import yaml

LICENSES = "https://spdx.org/licenses/"


def read(folder: Path) -> dict:
    """CITATION.cff of a folder, as it is."""
    return yaml.safe_load((folder / "CITATION.cff").read_text(encoding="utf-8"))


def name(author: dict) -> str:
    """A person's name, or a group's."""
    return author.get("name") or f"{author['given-names']} {author['family-names']}"


def described(author: dict) -> dict:
    """An author as schema.org has it: a Person, or an Organization, which in CITATION.cff has a name alone."""
    if "name" in author:
        return {"@type": "Organization", "name": author["name"]}
    return {
        "@type": "Person",
        "givenName": author["given-names"],
        "familyName": author["family-names"],
        "name": name(author),
    }


def codemeta(cited: dict) -> dict:
    """codemeta.json (CodeMeta 2.0)."""
    papers = [
        {
            "@id": paper["url"],
            "@type": "ScholarlyArticle",
            "name": paper["title"],
            "author": [described(author) for author in paper["authors"]],
            "datePublished": str(paper["year"]),
        }
        for paper in cited["references"]
    ]
    return {
        "@context": "https://doi.org/10.5063/schema/codemeta-2.0",
        "@type": "SoftwareSourceCode",
        "name": cited["title"],
        "description": cited["abstract"],
        "version": cited["version"],
        "license": LICENSES + cited["license"],
        "author": [described(author) for author in cited["authors"]],
        "keywords": cited["keywords"],
        "programmingLanguage": ["Python", "Snakemake"],
        "referencePublication": papers,
    }


def zenodo(cited: dict) -> dict:
    """.zenodo.json, which Zenodo reads from a repository; its creators are written "family name, given names"."""
    creators = [
        {"name": author.get("name") or f"{author['family-names']}, {author['given-names']}"} for author in cited["authors"]
    ]
    related = [
        {"identifier": paper["url"], "relation": "isSupplementTo", "resource_type": "publication-article"}
        for paper in cited["references"]
    ]
    return {
        "upload_type": "software",
        "title": cited["title"],
        "description": cited["abstract"],
        "version": cited["version"],
        "license": cited["license"],
        "access_right": "open",
        "creators": creators,
        "keywords": cited["keywords"],
        "related_identifiers": related,
    }


def files(folder: Path) -> dict[str, str]:
    """What codemeta.json and .zenodo.json of a folder have to hold, by name."""
    contents = {"codemeta.json": codemeta(read(folder)), ".zenodo.json": zenodo(read(folder))}
    return {path: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for path, content in contents.items()}


if __name__ == "__main__":
    for path, content in files(Path()).items():
        Path(path).write_text(content, encoding="utf-8")
