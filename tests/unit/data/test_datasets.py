"""Where the data come from: mirror, pinned address, stand-in; and what happens when they are wrong."""

import functools
import http.server
import shutil
import threading

import examples
import numpy as np
import pytest
from meanfield.data import datasets
from meanfield.data import published as publication
from meanfield.errors import MeanfieldError

CHECKSUMS = publication.registry(examples.ROOT / "config/published/registry.csv")
LINEAR = examples.CONFIG["datasets"]["linear"]
UNREACHABLE = "http://127.0.0.1:9/"


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    monkeypatch.setattr(publication, "PINNED", UNREACHABLE)
    monkeypatch.delenv(publication.MIRROR_VARIABLE, raising=False)


@pytest.fixture
def served(published, tmp_path):
    """A local server over a copy of the two data files."""
    shutil.copytree(published, tmp_path / "served", ignore=shutil.ignore_patterns("*.npy"))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "served")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", tmp_path / "served"
        server.shutdown()


def test_folder_as_mirror(published, tmp_path):
    path, source = publication.published_file(LINEAR["file"], CHECKSUMS, str(published), tmp_path)
    assert source == "mirror"
    features, target = datasets.binary_from_mat(path)
    assert features.shape == (51, 2)
    assert np.bincount(target[:, 0].astype(int)).tolist() == [30, 21]


def test_address_as_mirror_and_environment_variable(served, tmp_path, monkeypatch):
    monkeypatch.setenv(publication.MIRROR_VARIABLE, served[0])
    _, source = publication.published_file(LINEAR["file"], CHECKSUMS, "/nowhere", tmp_path)
    assert source == "mirror"


def test_pinned_address(served, tmp_path, monkeypatch):
    monkeypatch.setattr(publication, "PINNED", served[0] + "/")
    _, source = publication.published_file(LINEAR["file"], CHECKSUMS, "/nowhere", tmp_path)
    assert source == "published"


@pytest.mark.parametrize("place", ["folder", "address"])
def test_wrong_checksum_names_file_expected_and_found_and_keeps_nothing(served, tmp_path, place):
    (served[1] / LINEAR["file"]).write_bytes(b"not the data")
    mirror = {"folder": str(served[1]), "address": served[0]}[place]
    with pytest.raises(
        MeanfieldError, match=rf"{LINEAR['file']}.*expected {CHECKSUMS[LINEAR['file']]}, found [0-9a-f]{{64}}"
    ):
        publication.published_file(LINEAR["file"], CHECKSUMS, mirror, tmp_path / "kept")
    assert not [path for path in (tmp_path / "kept").rglob("*") if path.is_file()]


def test_required_data_name_the_remedies():
    with pytest.raises(MeanfieldError, match=r"require_published_data is true.*mirror.*MEANFIELD_MIRROR"):
        datasets.obtain(LINEAR, CHECKSUMS, None, require_published=True)


@pytest.mark.parametrize(("name", "counts"), [("linear", [30, 21]), ("nonlinear", [383, 480])])
def test_stand_in_has_the_size_and_counts_of_the_original(name, counts):
    features, target, origin = datasets.obtain(examples.CONFIG["datasets"][name], CHECKSUMS, None, False)
    again, _, _ = datasets.obtain(examples.CONFIG["datasets"][name], CHECKSUMS, None, False)
    assert origin["source"] == "stand-in"
    assert np.bincount(target[:, 0].astype(int)).tolist() == counts
    np.testing.assert_array_equal(features, again)


@pytest.mark.parametrize("name", ["linear", "nonlinear"])
def test_stand_in_has_the_ranges_of_the_original(name, published):
    settings = examples.CONFIG["datasets"][name]
    theirs = examples.dataset(name, published).features.values
    ours, _ = datasets.stand_in(settings["file"])
    np.testing.assert_allclose(ours.min(axis=0), theirs.min(axis=0), atol=0.05 * np.ptp(theirs))
    np.testing.assert_allclose(ours.max(axis=0), theirs.max(axis=0), atol=0.05 * np.ptp(theirs))


def test_published_split_sizes(published):
    for name, train in (("linear", 38), ("nonlinear", 690), ("digits", 1437)):
        assert int((examples.dataset(name, published).split == "train").sum()) == train


def test_digits_labels_shifted_as_published_or_corrected():
    _, shifted = datasets.digits("shifted", 255)
    features, one_hot = datasets.digits("one-hot", 16)
    assert features.max() == 1
    np.testing.assert_array_equal(one_hot.sum(axis=1), 1)
    np.testing.assert_array_equal(shifted[:, :9], one_hot[:, 1:])
    assert not shifted[one_hot[:, 0] == 1].any()
