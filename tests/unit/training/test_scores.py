"""The scores of a training, against scikit-learn's."""

import warnings

import numpy as np
import pytest
from meanfield.data.task import SCORES
from meanfield.training.scores import SCORE, accuracy, balanced_accuracy, r2
from sklearn.metrics import accuracy_score, balanced_accuracy_score, r2_score

RNG = np.random.default_rng(1)
Z = RNG.normal(size=(3, 4, 50))  # [seed, label, sample]
CLASSES = RNG.integers(4, size=50)


def test_every_score_has_a_name_and_a_function():
    assert list(SCORES) == list(SCORE)


@pytest.mark.parametrize("labels", [1, 4])
def test_r_squared_is_the_mean_over_labels(labels):
    target = RNG.normal(size=(labels, 50)) * np.arange(1, labels + 1)[:, None]
    expected = [r2_score(target.T, z.T) for z in Z[:, :labels]]
    np.testing.assert_allclose(r2(Z[:, :labels], target), expected, rtol=1e-12)
    splits = np.stack([target, target[:, ::-1], 2 * target])  # each member with its own
    expected = [r2_score(y.T, z.T) for y, z in zip(splits, Z[:, :labels], strict=True)]
    np.testing.assert_allclose(r2(Z[:, :labels], splits), expected, rtol=1e-12)


def test_r_squared_of_a_constant_label_is_unknown():
    assert np.isnan(r2(Z[:, :2], np.stack([np.arange(50.0), np.ones(50)]))).all()


@pytest.mark.parametrize(
    ("ours", "theirs", "precision"), [(accuracy, accuracy_score, 1e-6), (balanced_accuracy, balanced_accuracy_score, 1e-12)]
)
def test_a_classification_is_scored_as_by_scikit_learn(ours, theirs, precision):
    for classes in (
        CLASSES,
        np.maximum(CLASSES, 1),
        np.where(np.arange(50) == 7, 3, 0),
    ):  # all, one absent, one of a single sample
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn's, of classes that are predicted and not there
            expected = [theirs(classes, z.argmax(axis=0)) for z in Z]
        np.testing.assert_allclose(ours(Z, np.eye(4)[:, classes]), expected, rtol=precision)
        binary = classes > 1
        expected = [theirs(binary, z > 0) for z in Z[:, 0]]
        np.testing.assert_allclose(ours(Z[:, :1], binary[None].astype(float)), expected, rtol=precision)


def test_each_member_is_scored_on_its_own_split():
    """In the third split one class is absent, which the others have."""
    splits = np.stack([CLASSES, CLASSES[::-1], np.maximum(CLASSES, 1)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [balanced_accuracy_score(classes, z.argmax(axis=0)) for classes, z in zip(splits, Z, strict=True)]
    target = np.stack([np.eye(4)[:, classes] for classes in splits])
    np.testing.assert_allclose(balanced_accuracy(Z, target), expected, rtol=1e-12)
