"""MNIST: its files, one line for every bad one; the first so many of each part; the stand-in."""

import gzip
import hashlib
import shutil

import examples
import numpy as np
import pytest
from meanfield.data import datasets, mnist
from meanfield.data import published as publication
from meanfield.data.task import class_names, feature_names, part, scores_of
from meanfield.errors import MeanfieldError
from meanfield.jobs import sizes
from sklearn.neighbors import KNeighborsClassifier

SETTINGS = {"downloaded": "mnist", "samples": 800, "pixel_scale": 255}
SIZES = {"train": 30, "test": 20}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    monkeypatch.setattr(mnist, "ADDRESS", "http://127.0.0.1:9/")
    monkeypatch.setattr(publication, "PAUSES", ())
    monkeypatch.delenv(publication.MIRROR_VARIABLE, raising=False)


def written(array: np.ndarray) -> bytes:
    """An idx file of unsigned bytes, gzipped."""
    sizes = np.array(array.shape, ">u4").tobytes()
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes(), mtime=0)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A mirror with MNIST's four files, of 30 and 20 images, whose checksums and sizes are taken for MNIST's."""
    rng, folder = np.random.default_rng(0), tmp_path / "small"
    (folder / "mnist").mkdir(parents=True)
    contents = []
    for size in SIZES.values():
        contents += [rng.integers(256, size=(size, 28, 28)), rng.integers(10, size=size)]
    for name, array in zip(mnist.FILES, contents, strict=True):
        (folder / name).write_bytes(written(array))
        monkeypatch.setitem(mnist.FILES, name, hashlib.sha256(written(array)).hexdigest())
    monkeypatch.setattr(mnist, "SIZES", SIZES)
    return folder, contents


def test_what_the_plan_says_without_numpy_is_what_the_core_says():
    assert sizes.PARTS["mnist"] == tuple(mnist.SIZES.values())
    assert sizes.SIZES["mnist"] == (sum(mnist.SIZES.values()), mnist.SIDE**2, mnist.CLASSES)


def obtain(settings: dict, mirror=None, require_published: bool = False):
    return datasets.obtain(settings, {}, mirror and str(mirror), require_published, say=lambda line: None)


def test_the_files_of_a_mirror_become_features_and_targets(small):
    folder, (images, labels, test_images, test_labels) = small
    features, target, origin = obtain({"downloaded": "mnist", "pixel_scale": 51}, folder)
    assert (origin["source"], origin["license"]) == ("mirror", mnist.LICENSE)
    assert origin["sha256"].split() == list(mnist.FILES.values())
    dataset = datasets.divided(features, target, {})
    assert (dataset.split == ["train"] * 30 + ["test"] * 20).all()
    np.testing.assert_array_equal(dataset.features, np.concatenate([images, test_images]).reshape(50, 784) / 51)
    np.testing.assert_array_equal(dataset.target, np.eye(10)[np.concatenate([labels, test_labels])])
    assert feature_names(dataset)[28 * 3 + 14] == "pixel 3,14"
    assert class_names(dataset, column=True)[7] == "digit 7"
    assert scores_of(dataset.assign_attrs(origin)) == ["accuracy"]


def test_the_first_so_many_of_each_part(small):
    folder, (images, *_, test_labels) = small
    features, target, _ = obtain({"downloaded": "mnist", "samples": 7}, folder)
    dataset = datasets.divided(features, target, {})
    np.testing.assert_array_equal(part(dataset, "train")[0], images[:7].reshape(7, 784) / 255)
    np.testing.assert_array_equal(part(dataset, "test")[1], np.eye(10)[test_labels[:7]])


def test_a_wrong_checksum_is_an_error_and_a_missing_file_makes_the_stand_in(small):
    folder, _ = small
    (folder / "mnist/t10k-labels-idx1-ubyte.gz").write_bytes(b"other")
    with pytest.raises(MeanfieldError, match=r"mnist/t10k-labels-\S* from .* expected [0-9a-f]{64}, found [0-9a-f]{64}"):
        obtain(SETTINGS, folder)
    (folder / "mnist/t10k-labels-idx1-ubyte.gz").unlink()
    assert obtain(SETTINGS, folder)[2]["source"] == "stand-in"
    with pytest.raises(MeanfieldError, match=r"t10k-labels.*require_published_data is true.*MEANFIELD_MIRROR"):
        obtain(SETTINGS, folder, require_published=True)


def test_a_label_beyond_nine_is_an_error(small, monkeypatch):
    folder, _ = small
    name = "mnist/train-labels-idx1-ubyte.gz"
    (folder / name).write_bytes(written(np.full(30, 10)))
    monkeypatch.setitem(mnist.FILES, name, hashlib.sha256((folder / name).read_bytes()).hexdigest())
    with pytest.raises(MeanfieldError, match=r"train-labels-idx1-ubyte\.gz: a label is 10; allowed: 0 to 9"):
        obtain(SETTINGS, folder)


GOOD = written(np.zeros((5, 28, 28)))
RAW = gzip.decompress(GOOD)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "another header", id="empty"),
        pytest.param(b"no gzip at all", "no whole gzip file", id="no gzip"),
        pytest.param(GOOD[: len(GOOD) // 2], "no whole gzip file", id="cut off"),
        pytest.param(GOOD[:-6] + b"\0" * 6, "no whole gzip file", id="its own checksum"),
        pytest.param(GOOD[:20] + b"\xff" * 20 + GOOD[40:], "no whole gzip file", id="overwritten"),
        pytest.param(gzip.compress(b"\x80\x04cos\nsystem\n" + RAW), "another header", id="a pickle"),
        pytest.param(gzip.compress(RAW[:2] + b"\x0d" + RAW[3:]), "another header", id="float32"),
        pytest.param(written(np.zeros((6, 28, 28))), "another header", id="six images"),
        pytest.param(written(np.zeros((5, 784))), "another header", id="flat images"),
        pytest.param(gzip.compress(RAW[:9]), "another header", id="part of a header"),
        pytest.param(gzip.compress(RAW[:-1]), "should hold 3920 bytes after its header, and holds 3919", id="a byte less"),
        pytest.param(
            gzip.compress(RAW + b"\0"), "should hold 3920 bytes after its header, and holds more", id="a byte more"
        ),
    ],
)
def test_bad_files_are_one_line_with_their_name(tmp_path, content, words):
    (tmp_path / "bad.gz").write_bytes(content)
    with pytest.raises(MeanfieldError, match=words) as raised:
        mnist.idx(tmp_path / "bad.gz", (5, 28, 28))
    assert str(raised.value).startswith("bad.gz")
    assert "\n" not in str(raised.value)


def test_no_more_is_unpacked_than_is_wanted(tmp_path):
    """A gigabyte of zeros, in a megabyte."""
    import tracemalloc

    with gzip.open(tmp_path / "bomb.gz", "wb", compresslevel=1) as stream:
        stream.write(RAW)
        for _ in range(64):
            stream.write(bytes(2**24))
    tracemalloc.start()
    with pytest.raises(MeanfieldError, match="holds more"):
        mnist.idx(tmp_path / "bomb.gz", (5, 28, 28))
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_server_that_sends_too_much_is_given_up(small, monkeypatch):
    monkeypatch.setattr(publication, "MOST_BYTES", 1000)
    assert obtain(SETTINGS, small[0])[2]["source"] == "stand-in"


def test_the_stand_in_is_marked_deterministic_and_does_not_depend_on_its_size():
    features, target, origin = obtain(SETTINGS)
    assert (origin["source"], origin["sha256"]) == ("stand-in", "")
    assert features.shape == (1600, 784)
    assert (features.values.min(), features.values.max()) == (0, 1)
    again, fewer = mnist.stand_in(800), mnist.stand_in(90)
    np.testing.assert_array_equal(features, mnist.arrays(again, None, 255)[0])
    for name in mnist.SIZES:
        for whole, first in zip(again[name], fewer[name], strict=True):
            np.testing.assert_array_equal(whole[:90], first)
    assert np.bincount(target.values.argmax(axis=1)).min() > 100


def test_the_stand_in_is_about_as_hard_as_mnist():
    """Three nearest neighbors among 2,000 images of MNIST have about nine tenths right; its pixels are 0.13 ± 0.31."""
    dataset = datasets.divided(*mnist.arrays(mnist.stand_in(2000), None, 255), {})
    (features, target), (others, truth) = part(dataset, "train"), part(dataset, "test")
    assert (features.mean(), features.std()) == pytest.approx((0.13, 0.31), abs=0.03)
    fitted = KNeighborsClassifier(3).fit(features, target.argmax(axis=1))
    assert fitted.score(others, truth.argmax(axis=1)) == pytest.approx(0.9, abs=0.04)


def test_the_loss_is_a_sigmoid_a_class_unless_asked_otherwise():
    assert datasets.loss(SETTINGS, 10, "mnist") == "sigmoid cross-entropy"
    assert datasets.loss(SETTINGS | {"loss": "softmax"}, 10, "mnist") == "softmax cross-entropy"


def test_the_pinned_address_is_asked_after_the_mirror(small, monkeypatch):
    folder, _ = small
    asked = []

    def fetched(name: str, place: str) -> bytes:
        asked.append((name, place))
        return (folder / name).read_bytes()

    monkeypatch.setattr(publication, "_fetched", fetched)
    assert obtain(SETTINGS)[2]["source"] == "published"
    assert asked == [(name, mnist.ADDRESS) for name in mnist.FILES]


def test_part_of_a_mirror_is_no_mirror(small, tmp_path, monkeypatch):
    """What the mirror lacks comes from the pinned address, here a folder."""
    folder, _ = small
    shutil.copytree(folder, tmp_path / "pinned")
    (folder / "mnist/train-images-idx3-ubyte.gz").unlink()
    monkeypatch.setattr(mnist, "ADDRESS", str(tmp_path / "pinned"))
    assert obtain(SETTINGS, folder)[2]["source"] == "published"


def test_the_shipped_configuration_names_it():
    assert examples.ROOT.joinpath("config/mnist.yaml").read_text().count("downloaded: mnist") == 1
