"""Datasets of one's own: what is read, and one line for every mistake."""

import numpy as np
import pandas as pd
import pytest
import scipy.io
from meanfield import datasets, own
from meanfield.errors import MeanfieldError
from meanfield.losses import CLASSIFICATION, REGRESSION

TABLE = pd.DataFrame({"a": [0.0, 1.5, 2.0, 3.0, 4.0, 5.0], "b": [1, 2, 1, 2, 1, 3], "kind": ["x", "y", "x", "y", "x", "y"]})


@pytest.fixture
def written(tmp_path):
    """Writes a table as CSV, the path as text."""

    def write(table: pd.DataFrame = TABLE, **changes) -> str:
        path = tmp_path / "table.csv"
        table.assign(**changes).to_csv(path, index=False)
        return str(path)

    return write


def test_csv_with_text_for_classes(written):
    features, target = own.read(written(), ["a", "b"], "kind", CLASSIFICATION)
    np.testing.assert_array_equal(features, TABLE[["a", "b"]])
    assert target.tolist() == [[0.0], [1.0]] * 3


def test_csv_with_byte_order_mark_and_spaces(tmp_path):
    (tmp_path / "t.csv").write_bytes("\ufeffa, b\n1, 2\n3, 4\n5, 6\n".encode())
    features, target = own.read(str(tmp_path / "t.csv"), "a", "b", REGRESSION)
    assert features.tolist() == [[1.0], [3.0], [5.0]]
    assert target.tolist() == [[2.0], [4.0], [6.0]]


def test_npz_and_mat_with_an_array_of_all_features(tmp_path):
    x, y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 2] * 2)
    np.savez(tmp_path / "t.npz", x=x, y=y)
    scipy.io.savemat(tmp_path / "t.mat", {"x": x, "y": y[:, None]})
    for name in ("t.npz", "t.mat"):
        features, target = own.read(str(tmp_path / name), "x", "y", CLASSIFICATION)
        np.testing.assert_array_equal(features, x)
        np.testing.assert_array_equal(target, np.eye(3)[y])


@pytest.mark.parametrize("name", own.PACKAGED)
def test_what_scikit_learn_ships(name):
    features, target = own.packaged(name, REGRESSION if name == "diabetes" else CLASSIFICATION)
    assert len(features) == len(target)
    assert np.isfinite(features).all()
    assert target.shape[1] == {"diabetes": 1, "breast_cancer": 1}.get(name, 3)


@pytest.mark.parametrize(
    ("changes", "task", "words"),
    [
        ({"a": [0, 1, np.nan, 3, 4, 5]}, CLASSIFICATION, ["'a' has 1 missing", "first in row 3"]),
        ({"a": [0, 1, np.inf, 3, 4, 5]}, CLASSIFICATION, ["'a' has 1 missing or infinite", "row 3"]),
        ({"a": ["0", "1", "two", "3", "4", "5"]}, CLASSIFICATION, ["'a', row 3, is 'two'", "no number"]),
        ({"kind": "x"}, CLASSIFICATION, ["'kind' has one class only (x)"]),
        ({"kind": ["x", None, "y", "x", "y", "x"]}, CLASSIFICATION, ["'kind' has 1 missing", "row 2"]),
        ({"kind": [1.1, 2.2, 3.3, 4.4, 5.5, 6.6]}, CLASSIFICATION, ["6 classes in 6 samples", "regression?"]),
        ({"kind": 3.0}, REGRESSION, ["'kind' is constant (3)"]),
        ({}, REGRESSION, ["'kind', row 1, is 'x'"]),
    ],
)
def test_unfit_values_are_one_line(written, changes, task, words):
    path = written(**changes)
    with pytest.raises(MeanfieldError) as raised:
        own.read(path, ["a", "b"], "kind", task)
    message = str(raised.value)
    assert "\n" not in message
    assert path in message
    assert all(word in message for word in words), message


def test_missing_file_column_and_samples(written, tmp_path):
    with pytest.raises(MeanfieldError, match="does not exist"):
        own.read(str(tmp_path / "none.csv"), ["a"], "kind", CLASSIFICATION)
    with pytest.raises(MeanfieldError, match=r"no column 'c'; it has 'a', 'b', 'kind'"):
        own.read(written(), ["a", "c"], "kind", CLASSIFICATION)
    with pytest.raises(MeanfieldError, match=r"has 1 samples and 2 features"):
        own.read(written(TABLE[:1]), ["a", "b"], "kind", CLASSIFICATION)
    np.savez(tmp_path / "t.npz", x=np.zeros((6, 2)), y=np.arange(5))
    with pytest.raises(MeanfieldError, match="different lengths"):
        own.read(str(tmp_path / "t.npz"), "x", "y", REGRESSION)


def test_a_pickle_is_never_executed(tmp_path):
    class Payload:
        def __reduce__(self):
            return (open, (str(tmp_path / "trace"), "w"))

    np.savez(tmp_path / "t.npz", x=np.array([Payload()], dtype=object), y=np.arange(1))
    with pytest.raises(MeanfieldError, match="cannot be read"):
        own.read(str(tmp_path / "t.npz"), "x", "y", REGRESSION)
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
