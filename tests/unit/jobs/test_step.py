"""A job uses the packages of its own environment, and says so where it cannot."""

import site
import sys

import pytest
from meanfield.errors import MeanfieldError
from meanfield.jobs.step import check_origin, isolate


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """The launcher's packages at the end of a script's path, as Snakemake puts them there, and the user's."""
    folder, users = tmp_path / "launcher/lib/python3.12/site-packages", tmp_path / "home/site-packages"
    for place in (folder, users):
        (place / "somepackage").mkdir(parents=True)
        (place / "somepackage/__init__.py").touch()
    monkeypatch.setattr(site, "getusersitepackages", lambda: str(users))
    monkeypatch.setattr(sys, "path", [*sys.path, str(users), str(folder)])
    return folder


def test_packages_of_the_launcher_and_the_user_are_not_seen(foreign, capsys):
    isolate()
    assert str(foreign) not in sys.path
    assert site.getusersitepackages() not in sys.path
    assert f"belongs to another environment: {foreign}" in capsys.readouterr().out
    check_origin("somepackage", "numpy")
    with pytest.raises(ModuleNotFoundError):
        __import__("somepackage")


def test_own_packages_are_left_alone(monkeypatch):
    before = list(sys.path)
    isolate()
    assert sys.path == before


def test_a_package_from_elsewhere_is_told(tmp_path, monkeypatch):
    (tmp_path / "somepackage").mkdir()
    (tmp_path / "somepackage/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)  # as PYTHONPATH would
    with pytest.raises(MeanfieldError, match=r"somepackage would be imported from .* not in this job's environment"):
        check_origin("somepackage")
