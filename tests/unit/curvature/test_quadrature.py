"""Spectra without the matrix, against exact ones: what is bounded, what is estimated, and how often errors hold."""

import examples
import numpy as np
import pytest
import xarray as xr
from exact_spectra import FEWEST, REPETITIONS, distances, exact, hits, times
from hypothesis import given, settings
from hypothesis import strategies as st
from meanfield.curvature import eigen, hessian, indices, quadrature, spectrum
from meanfield.curvature.quadrature import COVERAGE, Ritz, Settings
from meanfield.errors import MeanfieldError
from meanfield.model.losses import LOSSES
from meanfield.model.network import Network
from meanfield.model.propagation import Objective
from random_networks import cases
from scipy import stats

BINARY_RUNS = [run for run in examples.RUNS if run[0] != "digits"]


def starts(size, probes=3, seed=0):
    return np.random.default_rng(seed).normal(size=(probes, size))


def network_case(samples=200):
    """A random network of 64 parameters with as many descent directions as others, two of its inputs constant 0."""
    network, rng = Network.of("7", "esp", 4, 3), np.random.default_rng(5)
    features = rng.normal(size=(samples, 4)) * [1, 1, 0, 0]
    target = rng.integers(2, size=(samples, 3)).astype(float)
    return network, rng.normal(size=network.size), Objective(LOSSES["sigmoid cross-entropy"], features, target, 1 / samples)


def last_record(run, published):
    """(theta, network, objective) of a published run, retrained, at its last record."""
    theta = examples.trajectory(run, published).parameters.values[0, -1]
    return theta, examples.network(run, published), examples.objective(run[0], published)


def quadrature_of(theta, network, data, chosen):
    """What is found at theta [P]."""
    found = quadrature.of_members(theta[None], network, data, chosen, {})
    return {name: values[0] for name, values in found.items()}


def quadrature_with(theta, network, data, probes, seed):
    """The same, by so many probes of that seed."""
    product = quadrature.Products(theta, network, data)
    return quadrature.of_product(product, quadrature.zero_rows(theta, network, data), Settings(probes), seed)


# Lanczos and the bounds


def test_as_many_steps_as_eigenvalues_find_all():
    values = np.linspace(-1, 2, 30) ** 3
    ritz = quadrature.lanczos(times(values), starts(30), 30)
    nodes, weights, residuals = quadrature.gauss(ritz)
    np.testing.assert_allclose(nodes, np.tile(values, (3, 1)), atol=1e-13)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    shares = starts(30) ** 2 / (starts(30) ** 2).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(weights, shares, atol=1e-12)
    assert residuals.max() < 1e-12


def test_an_exhausted_space_ends_and_what_is_found_is_exact():
    """Three different eigenvalues: three nodes, and the others, of no weight, lie within them."""
    values = np.repeat([-1.0, 0.5, 2.0], [5, 10, 25])
    ritz = quadrature.lanczos(times(values), starts(40), 12)
    assert (ritz.off[:, :2] > 0).all()
    assert (ritz.off[:, 2:] == 0).all()
    nodes, weights, _ = quadrature.gauss(ritz)
    np.testing.assert_allclose(nodes[:, [0, -1]], [[-1, 2]] * 3)
    for value in (-1.0, 0.5, 2.0):
        expected = np.average(values == value, weights=starts(40)[0] ** 2)
        assert weights[0][np.isclose(nodes[0], value)].sum() == pytest.approx(expected)
    lower, upper = quadrature.bounds_below(ritz, 0.0)
    np.testing.assert_allclose(lower, upper)


def test_lanczos_vectors_stay_orthogonal():
    """Eigenvalues over ten decades, as Hessians have them: without reorthogonalization the largest would come twice."""
    values = np.r_[-np.geomspace(1e-10, 1e-4, 40), np.geomspace(1e-10, 1, 160)]
    nodes, weights, _ = quadrature.gauss(quadrature.lanczos(times(values), starts(200), 120))
    seen = weights > 1e-12
    for row, kept in zip(nodes, seen, strict=True):
        assert (np.diff(row[kept]) > 0).all()
        assert np.isclose(row, 1.0, atol=1e-6).sum() == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 40), st.integers(2, 15), st.floats(-1.2, 1.2))
def test_bounds_hold_for_every_probe(seed, size, steps, x):
    """They are no estimates: the measure below x lies between them, for any spectrum."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(-1, 1, size) ** rng.integers(1, 6)
    probes = rng.normal(size=(4, size))
    lower, upper = quadrature.bounds_below(quadrature.lanczos(times(values), probes, min(steps, size)), x)
    measured = np.average(np.tile(values < x, (4, 1)), axis=1, weights=probes**2)
    assert (lower <= measured + 1e-9).all()
    assert (measured <= upper + 1e-9).all()


def test_more_steps_tighten_the_bounds():
    values = np.linspace(-1, 1, 300)
    widths = []
    for steps in (10, 40, 160):
        lower, upper = quadrature.bounds_below(quadrature.lanczos(times(values), starts(300), steps), 0.1)
        widths.append((upper - lower).mean())
    assert widths[0] > 3 * widths[1] > 9 * widths[2] > 0


# Counts


@pytest.mark.parametrize(("count", "size", "probes"), [(1, 50, 5), (10, 40, 3), (300, 2000, 5), (1999, 2000, 1)])
def test_bounds_of_a_count_hold_as_often_as_they_say(count, size, probes):
    """Shares drawn by their law: neither side is missed more often than its tail, nor much less."""
    rng, draws = np.random.default_rng(count), 2000
    normal = rng.normal(size=(draws, probes, size)) ** 2 if size < 100 else None
    if normal is None:
        shares = rng.beta(count * probes / 2, (size - count) * probes / 2, draws)
    else:
        shares = normal[..., :count].sum(axis=(1, 2)) / normal.sum(axis=(1, 2))
    bounds = np.array([quadrature.bounds_of_count(share, share, size, probes) for share in shares])
    missed = [(bounds[:, 0] > count).sum(), (bounds[:, 1] < count).sum()]
    tail = stats.binom(draws, (1 - COVERAGE) / 2)
    assert max(missed) <= tail.ppf(0.999)
    if size == 2000 and count == 300:  # many values of the count: little is lost by its being whole
        assert min(missed) >= tail.ppf(0.001) / 2


def test_counts_of_none_and_of_all_are_certain():
    assert quadrature.bounds_of_count(0.0, 0.0, 50, 5) == (0, 0)
    assert quadrature.bounds_of_count(1.0, 1.0, 50, 5) == (50, 50)
    assert quadrature.bounds_of_count(0.0, 1.0, 50, 5) == (0, 50)
    assert quadrature.bounds_of_count(1e-12, 1.0 - 1e-12, 50, 5, noise=1e-9) == (0, 50)


def test_a_hessian_of_zeros_is_flat():
    for zero in (np.zeros(6, dtype=bool), np.ones(6, dtype=bool)):
        result = quadrature.of_product(times(np.zeros(6)), zero, Settings())
        assert result["flat"] == 6
        assert result["negative"] == result["flat_error"] == result["lambda_min"] == result["lambda_max"] == 0


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_product_that_is_not_finite_is_named():
    with pytest.raises(MeanfieldError, match="a Hessian product is not finite"):
        quadrature.of_product(times(np.array([1.0, np.inf, 2.0])), np.zeros(3, dtype=bool), Settings())


# Networks


@settings(max_examples=60, deadline=None)
@given(cases())
def test_zero_rows_are_those_of_the_matrix(case):
    network, theta, data, _ = case
    expected = eigen.zero_rows(hessian.hessian(theta, network, data))
    np.testing.assert_array_equal(quadrature.zero_rows(theta, network, data), expected)


@settings(max_examples=30, deadline=None)
@given(cases())
def test_exhausted_spaces_of_random_networks_have_the_exact_extremes(case):
    network, theta, data, _ = case
    values = exact(hessian.hessian(theta, network, data))
    result = quadrature_of(theta, network, data, Settings(steps=network.size))
    for name, value in (("lambda_min", values[0]), ("lambda_max", values[-1])):
        assert abs(result[name] - value) <= result[f"{name}_error"] + 1e-13 * np.abs(values).max()


@pytest.mark.parametrize("chosen", [Settings(), Settings(probes=2, steps=20, resolution=1e-2)])
def test_errors_hold_as_often_as_they_say(chosen):
    network, theta, data = network_case()
    matrix = hessian.hessian(theta, network, data)
    values, zero = exact(matrix), eigen.zero_rows(matrix)
    assert 0.2 < (values < 0).mean() < 0.8
    assert zero.sum() == 2 * 7
    whole, quarter = hits(values, chosen)
    assert whole.min() >= FEWEST
    assert quarter.min() < FEWEST, "the errors are more than four times as large as they need to be"


@pytest.mark.long
@pytest.mark.parametrize("run", examples.LESS_DIGITS, ids="_".join)
def test_last_records_of_the_published_runs(run, published):
    theta, network, data = last_record(run, published)
    matrix = hessian.hessian(theta, network, data)
    values, zero = exact(matrix), eigen.zero_rows(matrix)
    np.testing.assert_array_equal(quadrature.zero_rows(theta, network, data), zero)
    result = quadrature_of(theta, network, data, Settings())
    for name, value in (("lambda_min", values[0]), ("lambda_max", values[-1])):
        assert abs(result[name] - value) <= result[f"{name}_error"]
    found, by_chance = distances(result, values)
    assert found <= by_chance.max()
    chosen = Settings() if network.size < 100 else Settings(probes=3, steps=100, resolution=1e-4)
    whole, _ = hits(values, chosen)
    assert whole.min() >= FEWEST


def test_more_probes_bring_the_density_closer():
    network, theta, data = network_case()
    values = exact(hessian.hessian(theta, network, data))
    few, many = (
        np.mean([distances(quadrature_with(theta, network, data, probes, seed), values, 0)[0] for seed in range(10)])
        for probes in (1, 25)
    )
    assert many < few / 3  # five times less, since the error falls as the root


def test_single_precision_gives_the_same_within_its_resolution():
    network, theta, data = network_case()
    double, single = (quadrature_of(theta, network, data, Settings(steps=40, precision=p)) for p in ("float64", "float32"))
    assert single["lambda_max"] == pytest.approx(double["lambda_max"], rel=1e-6)
    assert single["lambda_max_error"] < 1e-5 * double["lambda_max"]
    assert single["zero_rows"] == double["zero_rows"]
    np.testing.assert_allclose([single["negative"], single["flat"]], [double["negative"], double["flat"]], atol=1)


def test_what_exceeds_single_precision_is_found_in_double_and_says_so():
    network, theta, data = network_case()
    large = theta.copy()
    large[network.weights] *= 1e20
    trajectory = trajectory_of(theta).isel(update=[0])
    trajectory.parameters[1] = large
    chosen = {"method": "lanczos", "steps": 9}
    single, double = (
        spectrum.along_trajectory(trajectory, network, data, **chosen, precision=precision)
        for precision in ("float32", "float64")
    )
    assert single.in_float64.values.tolist() == [[0], [1]]
    assert "in_float64" not in double
    for name in ("negative", "flat", "lambda_min", "lambda_max", "nodes"):
        np.testing.assert_array_equal(single[name][1], double[name][1])


def test_a_member_whose_hessian_is_not_finite_is_named():
    network, theta, data = network_case()
    trajectory = trajectory_of(theta).isel(update=[1], seed=[0, 0]).assign_coords(seed=[4, 7])
    trajectory.parameters[1] *= 1e200
    for method in ("eigenvalues", "lanczos"):
        with (
            np.errstate(all="ignore"),
            pytest.raises(MeanfieldError, match=r"seed 7, update 1: .*(overflows float64|is not finite)"),
        ):
            spectrum.along_trajectory(trajectory, network, data, method=method)


def test_bands_of_single_precision_allow_for_its_rounding():
    """A share next to 0, of which float32 cannot say that it is none."""
    nodes, weights = np.array([[-2.0, -1.0, 1.0]]), np.array([[1e-8, 1e-8, 1 - 2e-8]])
    for precision, told in (("float64", True), ("float32", False)):
        _, low, _ = quadrature.cumulative(nodes, weights, 0, 10**9, np.array([0.0]), precision)
        assert (low[0] > 0) == told
        _, low, _ = quadrature.binned(nodes, weights, 0, 10**9, np.array([-3.0, 0.0, 1.0]), precision)
        assert (low[0] > 0) == told


def test_single_precision_in_a_large_network():
    """A bulk far below the largest eigenvalue, in many dimensions, is no end of the space."""
    rng = np.random.default_rng(0)
    values = np.r_[np.ones(1), rng.normal(scale=1e-4, size=20_000)]
    zero, chosen = np.zeros(values.size, dtype=bool), Settings(probes=2, steps=50, resolution=1e-4)
    double, single = (
        quadrature.of_product(times(values), zero, chosen._replace(precision=p)) for p in ("float64", "float32")
    )
    for name, true in {"negative": (values < -1e-4).sum(), "flat": (np.abs(values) <= 1e-4).sum()}.items():
        assert abs(single[name] - true) <= single[f"{name}_error"] < 0.1 * values.size
        assert single[name] == pytest.approx(double[name], rel=0.01)


def test_probes_together_or_one_by_one(monkeypatch):
    network, theta, data = network_case()
    together = quadrature_of(theta, network, data, Settings())
    monkeypatch.setattr(quadrature, "BASIS", 1)
    apart = quadrature_of(theta, network, data, Settings())
    for name in ("negative", "flat", "lambda_max", "negative_error"):
        assert apart[name] == pytest.approx(together[name], rel=1e-6), name


@pytest.mark.parametrize("steps", [15, 200])  # of 50 eigenvalues that are no zero rows
def test_the_band_of_the_density_holds_as_often_as_it_says(steps):
    network, theta, data = network_case()
    matrix = hessian.hessian(theta, network, data)
    values, zero = exact(matrix), eigen.zero_rows(matrix)
    x = np.append(np.quantile(values, [0.05, 0.2, 0.5, 0.8, 0.95]), [-1.0, 0.0, 100.0]) + 1e-9
    true, within, within_quarter = (values[:, None] <= x).mean(axis=0), np.zeros(x.size), np.zeros(x.size)
    for seed in range(REPETITIONS):
        found = quadrature.of_product(lambda v: v @ matrix, zero, Settings(steps=steps), seed)
        share, lower, upper = quadrature.cumulative(found["nodes"], found["weights"], zero.sum(), zero.size, x)
        within += (lower - 1e-12 <= true) & (true <= upper + 1e-12)
        within_quarter += np.abs(share - true) <= (upper - lower) / 8
    assert within.min() >= FEWEST
    assert within_quarter[1:4].min() < FEWEST
    np.testing.assert_array_equal([share[-1], lower[-1], upper[-1]], 1)
    assert share[-3] == upper[-3] == 0


def test_bounds_of_bins_hold_as_often_as_they_say_and_estimates_add_up():
    network, theta, data = network_case()
    matrix = hessian.hessian(theta, network, data)
    values, zero = exact(matrix), eigen.zero_rows(matrix)
    edges = np.append(np.quantile(values[values != 0], [0, 0.1, 0.4, 0.6, 0.9, 1]), 100.0)
    edges[0] -= 1e-9
    true, within = np.histogram(values[values != 0], np.nextafter(edges, np.inf))[0], np.zeros(len(edges) - 1)
    for seed in range(REPETITIONS):
        found = quadrature.of_product(lambda v: v @ matrix, zero, Settings(steps=15), seed)
        density = found["nodes"], found["weights"], zero.sum(), zero.size
        count, least, most = quadrature.binned(*density, edges)
        within += (least <= true) & (true <= most)
        assert (least <= count).all()
        assert (count <= most).all()
        share, _, _ = quadrature.cumulative(*density, edges[[0, -1]])
        assert count.sum() == pytest.approx(np.ptp(share) * zero.size - zero.sum(), abs=1)
    assert true.sum() == len(values) - zero.sum()
    assert within.min() >= FEWEST
    assert least.sum() < true.sum() < most.sum()


def test_what_a_symmetry_forces_is_flat_for_certain():
    """Of a network with a flat direction for each unit, however few steps there are."""
    network, theta, data = network_case()
    flat = theta.copy()
    flat[network.layout[0].weights] = flat[network.layout[0].bias] = 0
    for point in (theta, flat):
        row = quadrature.of_members(point[None], network, data, Settings(steps=2, probes=1), {})
        assert row["flat"][0] >= row["zero_rows"][0] + row["symmetric"][0]
        assert row["flat"][0] - row["flat_error"][0] <= row["zero_rows"][0] + row["symmetric"][0]


# Along training


def trajectory_of(theta, records=2):
    scale = np.linspace(0.5, 1, records)[:, None]
    parameters = np.stack([theta * scale, 2 * theta * scale])
    parameters[1, -1] = np.nan
    coordinates = {"seed": [1, 2], "update": np.arange(records)}
    return xr.Dataset({"parameters": (("seed", "update", "parameter"), parameters)}, coordinates)


def test_along_a_trajectory():
    network, theta, data = network_case()
    chosen = {"probes": 3, "steps": 30, "resolution": 1e-3, "precision": "float64"}
    first, again = (spectrum.along_trajectory(trajectory_of(theta), network, data, method="lanczos", **chosen) for _ in "12")
    assert first.identical(again)
    assert dict(first.nodes.sizes) == {"seed": 2, "update": 2, "probe": 3, "node": 30}
    assert {name: first.attrs[name] for name in chosen} == chosen
    assert first.attrs["coverage"] == COVERAGE
    solved = spectrum.along_trajectory(trajectory_of(theta), network, data)
    np.testing.assert_array_equal(first.zero_rows, solved.zero_rows)
    for name in ("lambda_max", "lambda_max_gauss_newton", "lambda_max_rest"):
        np.testing.assert_allclose(first[name], solved[name], rtol=1e-7)
    assert np.isnan(first.nodes[1, 1]).all()
    assert np.isnan(first.negative[1, 1])
    added = first.weights.sum("node").mean("probe") + first.zero_rows / network.size
    np.testing.assert_allclose(added[0], 1)
    shares = indices.shares(first, network.size)
    np.testing.assert_array_equal(shares["alpha_error"], first.negative_error / network.size)
    np.testing.assert_array_equal(shares["gamma_error"], first.flat_error / network.size)
    widths, values = indices.bulk_width(first), solved.eigenvalues[0]
    narrow, wide = (np.ptp(np.quantile(values, [edge, 1 - edge], axis=-1), axis=0) for edge in (0.2, 0.05))
    assert ((narrow < widths[0]) & (widths[0] < wide)).all()
    assert np.isnan(widths[1, 1])


def test_of_a_run_with_the_settings_of_the_configuration():
    chosen = examples.CONFIG["spectrum"] | {"method": "lanczos", "steps": 9}
    data = examples.synthetic_dataset()
    trajectory, *_ = examples.synthetic_run("esp", data, records=2)
    found = spectrum.of_run(trajectory, data, "3", "esp", "float32", **chosen)
    assert (found.attrs["steps"], found.attrs["precision"]) == (9, "float64")
    table = indices.indices(trajectory, found.assign_attrs(source="mirror"))
    assert table[["alpha", "alpha_error", "gamma", "gamma_error", "lambda_max_error"]].notna().all(axis=None)
    assert table.alpha_published.isna().all()


def test_counts_beside_the_estimates_are_those_of_all_eigenvalues():
    network, theta, data = network_case()
    chosen = {"probes": 3, "steps": 12, "resolution": 1e-2, "precision": "float64"}
    solved = spectrum.along_trajectory(trajectory_of(theta, 3), network, data)
    counted = {"inertia_at": [1, 7, "last"], "inertia_up_to": network.size}
    found = spectrum.along_trajectory(trajectory_of(theta, 3), network, data, method="lanczos", **chosen, **counted)
    np.testing.assert_allclose(found.tolerance_resolved[0, 1:], solved.tolerance[0, 1:], rtol=1e-9)
    for kind, tau in (("exact", found.tolerance), ("resolved", solved.tolerance)):
        negative, flat = found[f"negative_{kind}"], found[f"flat_{kind}"]
        here = [(0, 1), (0, 2), (1, 1)]  # the second member's last record diverged
        assert (
            np.isnan(negative).values.tolist()
            == np.isnan(flat).values.tolist()
            == [[True, False, False], [True, False, True]]
        )
        for seed, record in here:
            values, within = solved.eigenvalues.values[seed, record], float(tau[seed, record])
            assert negative[seed, record] == (values < -within).sum()
            assert flat[seed, record] == (np.abs(values) <= within).sum()
    assert found.inertia_skipped == "nothing was counted by inertia at updates 7: not recorded (spectrum.inertia_at)"
    shares = indices.shares(found, network.size)
    np.testing.assert_array_equal(shares["alpha_exact"], found.negative_exact / network.size)
    assert (np.abs(found.negative_exact - found.negative) <= found.negative_error)[0, 1:].all()


def test_networks_that_are_too_large_to_be_counted_say_so():
    network, theta, data = network_case()
    counted = {"inertia_at": ["last"], "inertia_up_to": network.size - 1}
    found = spectrum.along_trajectory(trajectory_of(theta), network, data, method="lanczos", steps=5, **counted)
    assert "negative_exact" not in found
    expected = (
        f"nothing was counted by inertia: {network.size} parameters, more than {network.size - 1} (spectrum.inertia_up_to)"
    )
    assert found.attrs["inertia_skipped"] == expected
    plain = spectrum.along_trajectory(trajectory_of(theta), network, data, method="lanczos", steps=5)
    assert "inertia_skipped" not in plain.attrs


def test_settings_of_lanczos_mean_nothing_to_the_others():
    network, theta, data = network_case()
    plain, given_too = (
        spectrum.along_trajectory(trajectory_of(theta), network, data, **more)
        for more in ({}, {"probes": 7, "inertia_at": ["last"], "inertia_up_to": 1})
    )
    assert plain.identical(given_too)


def test_matrices_are_tridiagonal():
    ritz = Ritz(np.array([[1.0, 2, 3]]), np.array([[4.0, 5, 6]]), np.ones(1))
    np.testing.assert_array_equal(ritz.matrices()[0], [[1, 4, 0], [4, 2, 5], [0, 5, 3]])
