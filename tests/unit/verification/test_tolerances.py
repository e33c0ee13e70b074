"""Float32 sums, the solver's resolution, and what may be counted within the difference of two spectra."""

import examples
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from meanfield.verification import quantities, tolerances


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.floats(1e-9, 0.5))
def test_no_matrix_that_near_counts_otherwise(seed, size):
    """Weyl: symmetric matrices that differ by a perturbation of norm `size`."""
    rng = np.random.default_rng(seed)
    matrix, change = (part + part.T for part in rng.normal(size=(2, 8, 8)))
    change *= size / np.linalg.norm(change, 2)
    ours, theirs = np.linalg.eigvalsh(matrix)[None], np.linalg.eigvalsh(matrix + change)[None]
    apart = np.abs(ours - theirs).max(axis=1)
    assert apart <= size * (1 + 1e-9)
    low, high = tolerances.countable("alpha", ours, np.array([0]), apart)
    assert low <= (theirs < 0).mean() <= high
    for name, share in quantities.resolved(theirs).items():
        low, high = tolerances.countable(name, ours, np.array([0]), apart * (1 + 1e-9) + 1e-12)
        assert low <= share <= high


def test_eigenvalues_within_the_difference_may_be_counted_and_no_others():
    values = np.array([[-1.0, -1e-3, 0.0, 0.0, 1e-3, 2.0]])
    for apart, zero_rows, expected in ((0.0, 2, (2, 2)), (1e-2, 2, (1, 3)), (1e-2, 0, (1, 5)), (1e-4, 2, (2, 2))):
        found = 6 * tolerances.countable("alpha", values, np.array([zero_rows]), np.array([apart]))
        np.testing.assert_allclose(found.ravel(), expected)


def test_the_order_of_a_float32_sum(published):
    run = ("nonlinear", "10", "relu")
    parameters = examples.trajectory(run, published).parameters.values[0, ::20]
    noise = tolerances.float32_noise(parameters, examples.network(run, published), examples.objective(run[0], published))
    assert (noise > 0).all()
    assert noise.max() < 690 * np.finfo(np.float32).eps


def test_the_resolution_is_that_of_the_indices():
    assert tolerances.resolution(52) == 52 * np.finfo(float).eps
