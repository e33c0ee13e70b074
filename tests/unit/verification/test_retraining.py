"""Re-trainings with rounding at random."""

import examples
import numpy as np
from meanfield.curvature import spectrum
from meanfield.verification import retraining

RUN = ("linear", "10", "esp")


def test_moved_members_differ_by_one_unit_everywhere():
    theta = np.array([0.5, -0.25, 0.0])
    moved = retraining.moved_by_one_unit(theta, 8)
    assert moved.shape == (8, 3)
    assert (moved != theta).all()
    assert np.abs(moved - theta).max() <= np.spacing(0.5)
    assert len(np.unique(moved, axis=0)) > 4


def test_large_networks_have_spectra_at_some_records_the_last_among_them(monkeypatch, published):
    monkeypatch.setattr(spectrum, "SMALL", 10)
    settings, data = examples.EXPERIMENTS[RUN[:2]], examples.dataset("linear", published)
    draw = {key: settings[key] for key in ("beta_stddev", "beta_op_seed")}
    protocol = examples.protocol(RUN) | {"updates": 250, "averaging": "float32"}
    monkeypatch.setattr(retraining, "LARGE_EVERY", 8)
    trajectory, eigenvalues, zero_rows = retraining.members(data, *RUN[1:], draw, protocol, 3)
    assert trajectory.sizes["seed"] == len(eigenvalues) == 3
    assert np.flatnonzero(np.isfinite(eigenvalues).all(axis=(0, 2))).tolist() == [0, 8, 16, 20]
    spread = retraining.spread(trajectory, eigenvalues, zero_rows)
    assert spread.cost.shape == (3, 21)
    assert (spread.residual.max("member") > 0).any()
    theirs = examples.published_array(RUN, "residual", published)[:21]
    np.testing.assert_allclose(trajectory.residual, np.broadcast_to(theirs, (3, 21, 1, 38)), atol=1e-6)  # in its order
    assert len(np.unique(trajectory.parameters.values[:, -1], axis=0)) == 3
