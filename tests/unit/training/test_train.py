"""The score of a training, against scikit-learn's."""

import numpy as np
import pytest
from meanfield.model.losses import CLASSIFICATION, REGRESSION
from meanfield.training.train import score
from sklearn.metrics import accuracy_score, r2_score

RNG = np.random.default_rng(1)
Z = RNG.normal(size=(3, 4, 50))  # [seed, label, sample]


@pytest.mark.parametrize("labels", [1, 4])
def test_a_regression_is_scored_by_r_squared(labels):
    target = RNG.normal(size=(labels, 50)) + np.arange(labels)[:, None]
    expected = [r2_score(target.T, z.T, multioutput="variance_weighted") for z in Z[:, :labels]]
    np.testing.assert_allclose(score(Z[:, :labels], target, REGRESSION), expected, rtol=1e-12)


def test_a_classification_is_scored_by_accuracy():
    classes = RNG.integers(4, size=50)
    expected = [accuracy_score(classes, z.argmax(axis=0)) for z in Z]
    np.testing.assert_allclose(score(Z, np.eye(4)[:, classes], CLASSIFICATION), expected, rtol=1e-6)
    expected = [accuracy_score(classes > 1, z > 0) for z in Z[:, 0]]
    np.testing.assert_allclose(score(Z[:, :1], (classes > 1)[None].astype(float), CLASSIFICATION), expected, rtol=1e-6)
