"""What a job says when it finds no room, or no right to write."""

import errno

import pytest
from meanfield.errors import MeanfieldError
from meanfield.jobs import disk


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "no space"), OSError(errno.EFBIG, "too large"), RuntimeError("write failed, errno = 28")]
)
def test_no_room_names_the_place_and_what_is_free(tmp_path, error):
    said = disk.advice(error, [tmp_path, tmp_path / "other"])
    assert said.startswith(f"results go to {tmp_path}, with ")
    assert "MiB free; make room" in said


@pytest.mark.parametrize("error", [ValueError("wrong shape"), FileNotFoundError(errno.ENOENT, "not there")])
def test_other_errors_are_left_alone(tmp_path, error):
    assert disk.advice(error, [tmp_path, tmp_path / "not there yet"]) == ""


def test_the_folder_that_cannot_be_written_to_is_the_one_that_is_named(tmp_path, monkeypatch):
    """Also where it is not the first of a job's folders; root may write anywhere, so the answer is replaced."""
    barred = tmp_path / "logs"
    barred.mkdir()
    monkeypatch.setattr(disk.os, "access", lambda folder, _: folder != barred)
    said = disk.advice(PermissionError(errno.EACCES, "denied"), [tmp_path, barred])
    assert said.startswith(f"results go to {barred}, with ")
    assert "MiB free and not writable; make it writable" in said
    assert said.endswith("--directory FOLDER")
    with pytest.raises(MeanfieldError, match="not writable"):
        disk.insist_on_writing(barred)
    disk.insist_on_writing(tmp_path / "to come")


def test_a_file_in_the_place_of_a_folder(tmp_path):
    (tmp_path / "results").touch()
    with pytest.raises(MeanfieldError, match="neither a folder nor a link"):
        disk.insist_on_folder(tmp_path / "results")
    disk.insist_on_folder(tmp_path / "to come")
