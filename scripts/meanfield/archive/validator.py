"""
roc-validator on a crate, without network: run by check-archive in the environment that has it, .venv-archive.

    .venv-archive/bin/python scripts/meanfield/archive/validator.py FOLDER [REQUIRED | RECOMMENDED | OPTIONAL]

Prints JSON: the profiles, the number of checks, and the issues as check, severity, message and entity. The one thing that
the validator fetches, the JSON-LD context of RO-Crate 1.1, is put into its cache from the file that rocrate 0.11 brought.
"""

import json
import sys
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from rocrate_validator import services
from rocrate_validator.models import ValidationSettings
from urllib3 import HTTPResponse

PROFILE = "provenance-run-crate-0.5"  # which includes workflow and process run crate, workflow crate and RO-Crate 1.1
CONTEXT = "https://w3id.org/ro/crate/1.1/context"


class Local(HTTPAdapter):
    """Answers every request with the context."""

    def send(self, request: PreparedRequest, **_) -> Response:
        content = (Path(find_spec("rocrate").origin).with_name("data") / "ro-crate.jsonld").read_bytes()
        headers = {"Content-Type": "application/ld+json"}
        raw = HTTPResponse(BytesIO(content), headers, 200, preload_content=False, request_url=request.url)
        return self.build_response(request, raw)


def issues(crate: Path, severity: str) -> dict:
    """What the validator says of the crate in a folder, of this severity and above."""
    with TemporaryDirectory() as folder:
        cache = Path(folder, "cache")
        session = CachedSession(cache_name=str(cache), backend="sqlite", allowable_methods=("GET",))
        session.mount(CONTEXT, Local())
        session.get(CONTEXT).raise_for_status()
        session.close()
        asked = {"rocrate_uri": str(crate), "profile_identifier": PROFILE, "requirement_severity": severity}
        result = services.validate(ValidationSettings(**asked, offline=True, cache_path=cache, skip_availability_check=True))
        found = [
            {
                "check": issue.check.identifier,
                "severity": issue.severity.name,
                "message": " ".join((issue.message or issue.check.name).split()),
                "entity": str(issue.violatingEntity or ""),
            }
            for issue in result.get_issues()
        ]
        profiles = [profile.identifier for profile in result.context.profiles]
        checked = len(result.executed_checks)
    order = sorted(found, key=lambda issue: (issue["check"], issue["entity"], issue["message"]))
    return {"profiles": profiles, "checks": checked, "passed": bool(result.passed()), "issues": order}


if __name__ == "__main__":
    print(json.dumps(issues(Path(sys.argv[1]), (*sys.argv[2:], "REQUIRED")[0]), indent=1))
