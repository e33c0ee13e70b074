import numpy as np
import pytest
from examples import synthetic_dataset, synthetic_run
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.scale import SymmetricalLogTransform
from meanfield.figures import binning

MAGNITUDES = st.floats(-20, 6).map(lambda exponent: 10.0**exponent)
VALUES = st.lists(st.tuples(st.sampled_from([-1, 0, 1]), MAGNITUDES).map(np.prod), min_size=1, max_size=40).map(np.array)


@given(VALUES, MAGNITUDES)
def test_every_value_is_in_a_bin_and_every_exact_zero_in_its_own(values, tau):
    edges = binning.symlog_edges(values.min(), values.max(), tau, 3)
    zeros = int((values == 0).sum())
    heights, slot = binning.symlog_counts(values, zeros, edges)
    assert heights.sum() == values.size
    assert heights.min() >= 0
    assert heights[slot] == zeros
    assert edges[slot] == edges[slot + 1] == 0
    assert heights[:slot].sum() == (values < 0).sum()
    assert (np.diff(binning.symlog(edges, tau)) > 0).all()


@pytest.fixture(scope="module")
def pair() -> tuple:
    """Spectra of the same networks, of ReLU units of which some are dead: estimated, and exact."""
    return tuple(synthetic_run("relu", synthetic_dataset(), "8-3", **form)[1] for form in ({"probes": 3, "steps": 9}, {}))


def test_bars_of_estimates_hold_all_eigenvalues_within_their_bounds(pair):
    estimates, exact = (spectrum.isel(seed=0) for spectrum in pair)
    edges, tau = binning.edges([estimates], 21, 2)
    assert tau == float(estimates.tolerance.max())
    ends = binning.steps(edges["symlog"], True)
    assert {-tau, tau} <= set(ends)
    assert 0 not in ends
    rows = estimates.zero_rows.values
    assert rows.max() > 0
    for record in range(exact.sizes["update"]):
        values = exact.eigenvalues.values[record]
        chosen = values[np.argsort(np.abs(values), kind="stable")[rows[record] :]]  # less the exact zeros
        found, zeros = binning.symlog_bars(estimates.isel(update=record), edges["symlog"])
        assert zeros == rows[record]
        true = np.histogram(chosen, np.nextafter(ends, np.inf))[0]
        assert ((found.least <= true) & (true <= found.most)).all()
        assert found.counts.sum() == pytest.approx(len(chosen), abs=1)
        found, (share, error) = binning.bars(estimates.isel(update=record), edges["linear"])
        low, high = edges["linear"][[0, -1]]
        assert abs(share - ((values > low) & (values <= high)).mean()) <= error + 1e-12
        true = np.histogram(values, np.nextafter(edges["linear"], np.inf))[0]
        assert ((found.least <= true) & (true <= found.most)).all()
        assert found.counts.sum() == pytest.approx(share * len(values), abs=1)


def test_how_it_was_estimated_is_said(pair):
    estimates, exact = pair
    assert binning.said(exact) == ""
    assert "from 3 random probes of 9 Lanczos steps" in binning.said(estimates)
    assert "each bar" in binning.said(estimates)
    assert binning.size(estimates) == binning.size(exact) == exact.sizes["mode"]


def test_small_values_are_not_mixed_with_exact_zeros():
    edges = binning.symlog_edges(-1, 1, 1e-12, 3)
    heights, slot = binning.symlog_counts(np.array([-2.0, -1e-13, 0, 0, 0, 1e-14, 0.5]) / 2, 2, edges)
    assert heights[slot - 1 : slot + 2].tolist() == [1, 2, 2]  # the third zero came from the solver


def test_without_a_slot_it_is_matplotlibs_symmetric_log():
    values, tau = np.concatenate([-np.logspace(-16, 3, 40), [0.0], np.logspace(-16, 3, 40)]), 1e-12
    expected = SymmetricalLogTransform(base=10, linthresh=tau, linscale=0.9).transform(values) / tau  # 0.9 is a decade
    np.testing.assert_allclose(binning.symlog(values, tau, slot=0), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("low", "high", "tau"), [(-0.1, 300, 2e-12), (-1, 1, 1e-14), (0, 5, 1e-3), (0, 0, 1e-300)])
def test_ticks_stand_where_their_labels_say(low, high, tau):
    edges = binning.symlog_edges(low, high, tau, 3)
    positions, labels = binning.symlog_ticks(edges, tau)
    assert {"−τ", "0", "τ"} <= set(labels)
    assert len(labels) <= 12
    assert np.diff(np.sort(positions)).min() > 0.5
    digits = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")
    for position, label in zip(positions, labels, strict=True):
        text = label.translate(digits).replace("τ", repr(tau))
        value = float(text.replace("10", "1e", 1)) if "10" in label else float(text)
        assert binning.symlog(np.array(value), tau, slot=0 if value == 0 else binning.SLOT) == pytest.approx(position)


def test_linear_axis_holds_its_share_and_zero():
    values = np.random.default_rng(0).standard_cauchy(1000)
    low, high = binning.linear_range(values)
    assert low < 0 < high
    heights, share = binning.counts(values, np.linspace(low, high, 11))
    assert share >= binning.SHOWN
    assert share == heights.sum() / 1000
    assert binning.linear_range(np.zeros(5))[0] < 0
