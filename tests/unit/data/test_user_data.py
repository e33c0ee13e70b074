"""Datasets of one's own: what is read, and one line for every mistake."""

import numpy as np
import pandas as pd
import pytest
import scipy.io
from meanfield.data import datasets, encoding, tables, user_data
from meanfield.errors import MeanfieldError
from meanfield.model.losses import CLASSIFICATION, REGRESSION

TABLE = pd.DataFrame({"a": [0.0, 1.5, 2.0, 3.0, 4.0, 5.0], "b": [1, 2, 1, 2, 1, 3], "kind": ["x", "y", "x ", "y", "x", "y"]})


@pytest.fixture
def written(tmp_path):
    """Writes a table as CSV, the path as text."""

    def write(table: pd.DataFrame = TABLE, **changes) -> str:
        path = tmp_path / "table.csv"
        table.assign(**changes).to_csv(path, index=False)
        return str(path)

    return write


def test_csv_with_text_for_classes(written):
    features, target = user_data.read(written(), ["a", "b"], "kind", CLASSIFICATION)
    np.testing.assert_array_equal(features, TABLE[["a", "b"]])
    assert target.values.tolist() == [[0.0], [1.0]] * 3


def test_csv_with_byte_order_mark_and_spaces(tmp_path):
    (tmp_path / "t.csv").write_bytes("\ufeffa, b, c\n1, 2, 0\n3, 4, 1\n5, 6, 0\n".encode())
    features, target = user_data.read(str(tmp_path / "t.csv"), ["a", "c"], "b", REGRESSION)
    assert features.values.tolist() == [[1.0, 0.0], [3.0, 1.0], [5.0, 0.0]]
    assert target.values.tolist() == [[2.0], [4.0], [6.0]]


def test_npz_and_mat_with_an_array_of_all_features(tmp_path):
    x, y = np.arange(60.0).reshape(30, 2), np.array([0, 1, 2] * 10)
    np.savez(tmp_path / "t.npz", x=x, y=y)
    scipy.io.savemat(tmp_path / "t.mat", {"x": x, "y": y[:, None]})
    for name in ("t.npz", "t.mat"):
        features, target = user_data.read(str(tmp_path / name), "x", "y", CLASSIFICATION)
        np.testing.assert_array_equal(features, x)
        np.testing.assert_array_equal(target, np.eye(3)[y])


@pytest.mark.parametrize("name", user_data.PACKAGED)
def test_what_scikit_learn_ships(name):
    features, target = user_data.packaged(name, REGRESSION if name == "diabetes" else CLASSIFICATION)
    assert len(features) == len(target)
    assert np.isfinite(features).all()
    assert target.shape[1] == {"diabetes": 1, "breast_cancer": 1}.get(name, 3)


@pytest.mark.parametrize(
    ("changes", "task", "words"),
    [
        ({"a": [0, 1, np.nan, 3, 4, 5]}, CLASSIFICATION, ["'a' has 1 missing", "first in sample 3"]),
        ({"a": [0, 1, np.inf, 3, 4, 5]}, CLASSIFICATION, ["'a' has 1 infinite values", "sample 3"]),
        ({"a": ["0", "1", "two", "3", "4", "5"]}, CLASSIFICATION, ["'a', sample 3, is 'two'", "no number"]),
        ({"kind": "x"}, CLASSIFICATION, ["'kind' has one class only (x)"]),
        ({"kind": ["x", None, "y", "x", "y", "x"]}, CLASSIFICATION, ["'kind' has 1 missing", "sample 2"]),
        ({"kind": [1.1, 2.2, 3.3, 4.4, 5.5, 6.6]}, CLASSIFICATION, ["6 classes in 6 samples", "regression?"]),
        ({"kind": 3.0}, REGRESSION, ["'kind' is constant (3)"]),
        ({}, REGRESSION, ["'kind', sample 1, is 'x'"]),
    ],
)
def test_unfit_values_are_one_line(written, changes, task, words):
    path = written(**changes)
    with pytest.raises(MeanfieldError) as raised:
        user_data.read(path, ["a", "b"], "kind", task)
    message = str(raised.value)
    assert "\n" not in message
    assert path in message
    assert all(word in message for word in words), message


def test_missing_file_column_and_samples(written, tmp_path):
    with pytest.raises(MeanfieldError, match="does not exist"):
        user_data.read(str(tmp_path / "none.csv"), ["a"], "kind", CLASSIFICATION)
    with pytest.raises(MeanfieldError, match=r"no column 'c'; it has 'a', 'b', 'kind'"):
        user_data.read(written(), ["a", "c"], "kind", CLASSIFICATION)
    with pytest.raises(MeanfieldError, match="'kind' is both a feature and the target"):
        user_data.read(written(), ["a", "kind"], "kind", CLASSIFICATION)
    with pytest.raises(MeanfieldError, match="one feature is given"):
        user_data.read(written(), ["a"], "kind", CLASSIFICATION)
    with pytest.raises(MeanfieldError, match=r"'n6' and 13 more"):
        user_data.read(written(**{f"n{k}": 0 for k in range(20)}), ["q", "a"], "kind", CLASSIFICATION)
    np.savez(tmp_path / "t.npz", x=np.zeros((6, 2)), y=np.arange(5))
    with pytest.raises(MeanfieldError, match=r"columns have .* rows"):
        user_data.read(str(tmp_path / "t.npz"), "x", "y", REGRESSION)


def test_whole_numbers_that_look_like_a_regression_are_asked_about():
    encoding.target(pd.DataFrame({"y": np.repeat(np.arange(50), 2)}), CLASSIFICATION, "t")
    with pytest.raises(MeanfieldError, match=r"150 classes in 300 samples; is the task regression\?"):
        encoding.target(pd.DataFrame({"y": np.repeat(np.arange(150), 2)}), CLASSIFICATION, "t")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("longer.csv", b"a,b,y\n10,1,0,9\n20,2,1,9\n"),  # pandas would take the first value of each line for an index
        ("longer2.csv", b"a,b,y\n10,1,0\n20,2,1,9\n"),
        ("twice.csv", b"a,b,b,y\n1,2,3,4\n"),
        ("empty.csv", b""),
        ("header.csv", b"a,b,y\n"),
        ("text.npz", b"no archive"),
        ("text.mat", b"no matrix"),
        ("empty.mat", b""),
    ],
)
def test_broken_files_are_one_line_with_their_name(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MeanfieldError) as raised:
        user_data.read(str(tmp_path / name), ["a", "b"], "y", REGRESSION)
    assert name in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "allow_pickle" not in str(raised.value)


def test_what_would_fill_the_memory_is_not_unpacked(tmp_path, monkeypatch):
    path = str(tmp_path / "a.mat")
    scipy.io.savemat(path, {"x": np.zeros((10, 2)), "y": np.zeros(10)})
    for most, message in ((159, "would unpack to"), (160, "'y' is constant")):  # twenty numbers of eight bytes
        monkeypatch.setattr(tables, "MOST_BYTES", most)
        with pytest.raises(MeanfieldError, match=message):
            user_data.read(path, "x", "y", REGRESSION)


def test_parts_that_cannot_teach_or_judge_are_refused():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(20, 2))
    rare = np.zeros((20, 1))
    rare[3] = 1
    assert datasets.split(features, rare, 0.9, 0).target[:2].sum() == 0
    with pytest.raises(MeanfieldError, match="mine: the training samples are of one class only; change test_size"):
        datasets.check_parts(datasets.split(features, rare, 0.9, 0), CLASSIFICATION, "mine")
    with pytest.raises(MeanfieldError, match="R² is undefined"):
        datasets.check_parts(datasets.split(features, rng.normal(size=(20, 1)), 0.05, 0), REGRESSION, "mine")
    with pytest.raises(MeanfieldError, match="2 training samples and 5 features"):
        datasets.check_parts(datasets.split(rng.normal(size=(20, 5)), rare, 0.9, 0), CLASSIFICATION, "mine")
    with pytest.raises(MeanfieldError, match=r"test_size 0.99 does not split 20 samples"):
        datasets.split(features, rare, 0.99, 0)


def test_a_pickle_is_never_executed(tmp_path):
    class Payload:
        def __reduce__(self):
            return (open, (str(tmp_path / "trace"), "w"))

    np.savez(tmp_path / "t.npz", x=np.array([Payload()], dtype=object), y=np.arange(1))
    with pytest.raises(MeanfieldError, match="cannot be read"):
        user_data.read(str(tmp_path / "t.npz"), "x", "y", REGRESSION)
    assert not (tmp_path / "trace").exists()


def test_scaling_uses_the_training_samples_alone():
    rng = np.random.default_rng(0)
    features, target = rng.normal(3, 2, size=(40, 2)), rng.normal(5, 3, size=(40, 1))
    features[:, 1] = 7
    dataset = datasets.split(features, target, 0.25, 0, ["features", "target"])
    train = (dataset.split == "train").values
    np.testing.assert_allclose(dataset.features.values[train].mean(axis=0), [0, 0], atol=1e-14)
    np.testing.assert_allclose(dataset.features.values[train].std(axis=0), [1, 0], atol=1e-14)
    np.testing.assert_allclose(dataset.target.values[train].std(), 1)
    assert abs(dataset.target.values[~train].mean()) > 1e-3
