"""The ZIP and the bag in it: same files, same bytes; and what a stranger may have put into one."""

import os
import stat
import zipfile

import bagit
import pytest
from meanfield.archive import bag
from meanfield.errors import MeanfieldError


def files(folder, order=("b/one.txt", "a.txt")):
    """Two files to be archived, written in some order, with whatever time and permissions."""
    for name in order:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n")
    os.utime(folder / order[0], (1, 1))
    return {name: folder / name for name in order}


def written(folder, payload):
    bag.write(folder / "x.zip", "top", payload, {"Bagging-Date": "2026-01-01"}, "Read me\n", {"a.txt"}, 1767225600)
    return folder / "x.zip"


def test_the_same_files_give_the_same_bytes_whatever_their_times_order_and_permissions(tmp_path):
    first = written(tmp_path / "1", files(tmp_path / "1"))
    payload = files(tmp_path / "2", ("a.txt", "b/one.txt"))
    payload["a.txt"].chmod(0o600)
    assert first.read_bytes() == written(tmp_path / "2", payload).read_bytes()


def test_it_is_a_bag_to_the_library_and_unpacks_as_it_was(tmp_path):
    archive = written(tmp_path, files(tmp_path))
    folder, programs = bag.unpack(archive, tmp_path / "out")
    bagit.Bag(str(folder)).validate()
    assert "2 files" in bag.check(folder)
    assert (folder / "data/b/one.txt").read_text() == "b/one.txt\n"
    assert programs["data/a.txt"]
    assert not programs["data/b/one.txt"]
    assert not list(tmp_path.glob(".part-*"))


def member(name, mode=stat.S_IFREG | 0o644):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    return entry


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (member("../outside.txt"), "outside.txt"),
        (member("/etc/outside.txt"), "outside of the folder"),
        (member("top/../../outside.txt"), "outside of the folder"),
        (member("C:\\outside.txt"), "outside of the folder"),
        (member("top/link", stat.S_IFLNK | 0o777), "top/link is a symbolic link"),
        (member("top/device", stat.S_IFCHR | 0o644), "top/device is no plain file"),
        (member("top/data/folder/"), "no plain file"),
        (member("top/data/A.TXT"), "top/data/A.TXT is there twice"),
        (member("other/file.txt"), "not one folder"),
    ],
)
def test_members_that_may_not_be_unpacked_are_named_and_nothing_is_written(tmp_path, entry, said):
    archive = written(tmp_path, files(tmp_path))
    with zipfile.ZipFile(archive, "a") as stream:
        stream.writestr(entry, "x")
    with pytest.raises(MeanfieldError, match=said.replace("\\", ".")):
        bag.unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_member_that_is_compressed_is_named(tmp_path):
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as stream:
        stream.writestr(member("top/data/a.txt"), "abc\n" * 1000, zipfile.ZIP_DEFLATED)
    content = bytearray(archive.read_bytes())
    content[30 + len("top/data/a.txt")] = 0xFF  # no kind of block that there is
    archive.write_bytes(content)
    with pytest.raises(MeanfieldError, match=r"top/data/a\.txt cannot be read"):
        bag.unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"no zip"])
def test_what_is_no_zip_is_said_to_be_none(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(MeanfieldError, match=r"x\.zip is no whole ZIP"):
        bag.unpack(tmp_path / "x.zip", tmp_path / "out")
    with pytest.raises(MeanfieldError, match="is no file"):
        bag.unpack(tmp_path / "y.zip", tmp_path / "out")


def test_problems_are_counted_where_there_are_many():
    assert bag.listed(map(str, range(12))).endswith("8; 9; and 2 more")
