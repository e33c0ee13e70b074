"""Counting in two ways, symmetries, localisation: on random networks and on every record of the published runs."""

import examples
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from meanfield.curvature import eigen, hessian, indices, inertia, spectrum, symmetry
from meanfield.model import propagation
from meanfield.model.losses import LOSSES
from meanfield.model.network import Network
from random_networks import cases

BINARY_RUNS = [run for run in examples.RUNS if run[0] != "digits"]


def recorded_once(theta):
    """A trajectory with one member, at one record, theta [P]."""
    return xr.Dataset({"parameters": (("seed", "update", "parameter"), theta[None, None])}, {"seed": [1], "update": [0]})


@pytest.mark.parametrize("run", BINARY_RUNS, ids="_".join)
def test_inertia_counts_as_the_eigenvalues_do_at_every_record(run, published):
    arguments = examples.trajectory(run, published), examples.network(run, published), examples.objective(run[0], published)
    counted = spectrum.along_trajectory(*arguments, method="inertia")
    solved = spectrum.along_trajectory(*arguments, method="eigenvalues")
    for name in ("negative", "flat", "symmetric", "zero_rows"):
        np.testing.assert_array_equal(counted[name], solved[name], err_msg=name)
    np.testing.assert_allclose(counted.tolerance, solved.tolerance, rtol=1e-7)
    np.testing.assert_allclose(counted.lambda_max_rest, solved.lambda_max_rest, rtol=1e-9)


@pytest.mark.long
def test_inertia_counts_as_the_eigenvalues_do_on_digits(published):
    run = ("digits", "25", "esp")
    trajectory = examples.trajectory(run, published).isel(update=slice(None, None, 5))
    arguments = trajectory, examples.network(run, published), examples.objective(run[0], published)
    counted, solved = (spectrum.along_trajectory(*arguments, method=method) for method in ("inertia", "eigenvalues"))
    for name in ("negative", "flat", "zero_rows"):
        np.testing.assert_array_equal(counted[name], solved[name], err_msg=name)


def test_a_network_of_dead_units_has_no_extremes():
    """More than SMALL parameters, so that Lanczos is used; R is 0 and G nearly so."""
    network = Network.of("100", "relu", 2, 1)
    theta = np.zeros(network.size)
    theta[network.layout[0].bias] = -1
    data = propagation.Objective(LOSSES["sigmoid cross-entropy"], np.ones((5, 2)), np.ones((5, 1)), 0.2)
    trajectory = recorded_once(theta)
    for method in ("eigenvalues", "inertia"):
        result = spectrum.along_trajectory(trajectory, network, data, method=method)
        assert result.zero_rows.item() == network.size - 1 == result.flat.item()
        assert result.lambda_max_rest.item() == 0
        assert result.lambda_max.item() == pytest.approx(0.25)


@pytest.mark.parametrize("method", [{"method": "inertia"}, {"method": "lanczos", "inertia_at": [0], "inertia_up_to": 99}])
def test_a_hessian_of_zeros_is_counted(method):
    """Of a saturated output whose targets are met."""
    network = Network.of("3", "relu", 2, 1)
    theta = np.zeros(network.size)
    theta[network.layout[-1].bias] = 1000
    data = propagation.Objective(LOSSES["sigmoid cross-entropy"], np.ones((5, 2)), np.ones((5, 1)), 0.2)
    result = at_one_record(network, theta, data, **method)
    for name in result.keys() & {"flat", "flat_exact", "flat_resolved", "zero_rows"}:
        assert result[name] == network.size, name
    for name in result.keys() & {"negative", "negative_exact", "negative_resolved"}:
        assert result[name] == 0, name


@pytest.mark.parametrize("options", [{}, {"method": "lanczos", "steps": 9}])
def test_no_member_depends_on_those_before_it(options):
    """In a network with more than SMALL parameters, whose extremes come from Lanczos."""
    network, rng = Network.of("50", "esp", 2, 1), np.random.default_rng(0)
    target = rng.integers(2, size=(20, 1)).astype(float)
    data = propagation.Objective(LOSSES["sigmoid cross-entropy"], rng.normal(size=(20, 2)), target, 0.05)
    parameters = ("seed", "update", "parameter"), rng.normal(size=(2, 2, network.size))
    both = xr.Dataset({"parameters": parameters}, {"seed": [1, 2], "update": [0, 1]})
    whole, last = (spectrum.along_trajectory(some, network, data, **options) for some in (both, both.sel(seed=[2])))
    assert whole.sel(seed=[2]).identical(last)


@pytest.mark.parametrize("run", examples.LESS_DIGITS, ids="_".join)
def test_symmetry_identity_at_every_record(run, published):
    network, data = examples.network(run, published), examples.objective(run[0], published)
    symmetries = symmetry.Symmetries.of(network, data)
    if run[2] == "sigmoid":
        assert symmetries.scaling.size == 0
        return
    members = examples.trajectory(run, published).parameters.values[0]
    for theta in members:
        matrix, gradient = hessian.hessian(theta, network, data), propagation.gradient(theta, network, data)
        scale = np.abs(matrix).max() * np.abs(theta).max()
        directions, images = symmetries.directions(theta, gradient)
        assert np.abs(directions @ gradient).max() <= 1e-12 * scale
        np.testing.assert_allclose(directions @ matrix, images, rtol=0, atol=1e-12 * scale)


@settings(max_examples=60, deadline=None)
@given(cases())
def test_symmetry_identity_on_random_networks(case):
    network, theta, data, _ = case
    matrix, gradient = hessian.hessian(theta, network, data), propagation.gradient(theta, network, data)
    directions, images = symmetry.Symmetries.of(network, data).directions(theta, gradient)
    scale = np.abs(matrix).max() * np.abs(theta).max() * network.size + 1e-300
    np.testing.assert_allclose(directions @ matrix, images, rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(directions @ gradient, 0, rtol=0, atol=1e-12 * scale)


def test_symmetric_units():
    assert len(symmetry.exponents(Network.of("4-3", "esp", 2, 2))) == 4 + 3 + 2
    assert len(symmetry.exponents(Network.of("4-3", "relu", 2, 2))) == 4 + 3
    assert len(symmetry.exponents(Network.of("4-3", "silu", 2, 2))) == 0


def softmax_case(activation, l2=0.0, samples=400):
    """A network with a softmax over three classes, its parameters and data."""
    network = Network.of("4", activation, 2, 3)
    rng = np.random.default_rng(3)
    target = np.eye(3)[rng.integers(3, size=samples)]
    data = propagation.Objective(LOSSES["softmax cross-entropy"], rng.normal(size=(samples, 2)), target, 1 / samples, l2)
    return network, rng.normal(size=network.size), data


def at_one_record(network, theta, data, **options):
    trajectory = recorded_once(theta)
    return spectrum.along_trajectory(trajectory, network, data, **options).squeeze()


def test_the_softmax_has_a_flat_direction_for_each_input_of_the_output_layer():
    result = at_one_record(*softmax_case("tanh"))
    assert result.flat == result.symmetric == 4 + 1
    assert result.zero_rows == 0


@pytest.mark.parametrize("method", ["eigenvalues", "inertia"])
def test_a_penalty_lifts_what_was_flat_but_the_shift_of_the_biases(method):
    network, theta, data = softmax_case("tanh", l2=0.25)
    result = at_one_record(network, theta, data, method=method)
    assert result.flat == result.symmetric == 1
    assert result.lifted == 4
    plain = at_one_record(network, theta, data._replace(l2=0.0))
    assert plain.flat == result.flat + result.lifted
    if method == "eigenvalues":
        assert np.isclose(result.eigenvalues, 0.25, rtol=1e-12, atol=0).sum() >= 4  # they are lifted to l2


def test_a_penalty_belongs_to_the_gauss_newton_part():
    network, theta, data = softmax_case("relu", l2=0.25, samples=9)
    alone = data._replace(l2=0.0)
    for part in ("H", "G", "R"):
        penalty = 0.25 * np.isin(np.arange(network.size), network.weights) * (part != "R")
        vector = np.random.default_rng(0).normal(size=network.size)
        ours, theirs = (propagation.operator(theta, network, of, part)(vector) for of in (data, alone))
        np.testing.assert_allclose(ours - theirs, penalty * vector, atol=1e-14)


def test_symmetry_predicts_the_flat_directions_of_a_critical_point():
    network = Network.of("3", "esp", 2, 1)
    rng = np.random.default_rng(0)
    theta, features = rng.normal(size=network.size), rng.normal(size=(40, 2))
    target = network.forward(network.unpack(theta), features)[-1].value
    data = propagation.Objective(LOSSES["squared error"], features, target, 1 / 40)
    values = np.linalg.eigvalsh(hessian.hessian(theta, network, data))
    tau = eigen.tolerance(network.size, values[-1])
    gradient = propagation.gradient(theta, network, data)
    symmetries, kept = symmetry.Symmetries.of(network, data), np.ones(network.size, dtype=bool)
    predicted = symmetry.flat_directions(theta, gradient, symmetries, kept, tau)
    assert predicted == len(symmetries.scaling) <= (np.abs(values) <= tau).sum()
    assert symmetry.flat_directions(theta, gradient + 1, symmetries, kept, tau) == 0


@pytest.mark.parametrize("size", [1, 2, 3, 17, 60])
def test_count_below_on_matrices_of_known_spectrum(size):
    rng = np.random.default_rng(size)
    basis = np.linalg.qr(rng.normal(size=(size, size)))[0]
    values = rng.integers(-2, 3, size).astype(float)
    matrix = basis @ np.diag(values) @ basis.T
    matrix = (matrix + matrix.T) / 2
    before = matrix.copy()
    shifts = (-0.5, 0.5, -1.5, 1.5)
    expected = tuple((values < shift).sum() for shift in shifts)
    assert inertia.count_below(matrix, shifts) == expected
    np.testing.assert_array_equal(matrix, before)
    assert inertia.count_below(matrix, shifts, overwrite=True) == expected


def test_rows_are_taken_out_within_a_matrix_and_counted_there():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(700, 700))
    matrix += matrix.T
    kept = np.flatnonzero(rng.random(700) < 0.8)
    expected, work = matrix[np.ix_(kept, kept)], matrix.copy()
    inner = inertia.compacted(work, kept)
    assert np.shares_memory(inner, work)
    np.testing.assert_array_equal(inner, expected)
    values, shifts = np.linalg.eigvalsh(expected), (1.0, -1.0, 0.0)
    assert inertia.count_below(inner, shifts, overwrite=True) == tuple((values < shift).sum() for shift in shifts)
    assert not np.array_equal(np.tril(inner), np.tril(expected))  # no copy was made


@pytest.mark.parametrize("size", [2, 9, 30])  # fewer than Lanczos' vectors, and more
def test_extreme_eigenvalues_of_any_size(size):
    diagonal = np.linspace(-5, 3, size)
    for which, expected in (("LM", -5), ("LA", 3)):
        value, vector = inertia.extreme_eigenvalue(lambda v: diagonal * v, size, which)
        assert value == pytest.approx(expected)
        np.testing.assert_allclose(diagonal * vector, value * vector, atol=1e-6)


def test_two_by_two_pivots_are_counted():
    assert inertia.count_below(np.array([[0.0, 1.0], [1.0, 0.0]]), (0.0, 2.0)) == (1, 2)


def test_counts_are_of_the_eigenvalues_beyond_their_resolution():
    _, spectra, _ = examples.synthetic_run("relu", examples.synthetic_dataset(), seeds=2)
    values = spectra.eigenvalues
    assert (np.diff(values) >= 0).all()
    np.testing.assert_allclose(spectra.tolerance, 13 * np.finfo(float).eps * abs(values).max("mode"), rtol=1e-15)
    np.testing.assert_array_equal(spectra.negative, (values < -spectra.tolerance).sum("mode"))
    np.testing.assert_array_equal(spectra.flat, (abs(values) <= spectra.tolerance).sum("mode"))
    np.testing.assert_array_equal(spectra.negative_published, (values < 0).sum("mode"))
    np.testing.assert_array_equal(spectra.lambda_min, values[..., 0])
    np.testing.assert_array_equal(spectra.lambda_max, values[..., -1])


def test_zero_rows_are_exact_zeros():
    matrix = np.zeros((2, 4, 4))
    matrix[:, 1:3, 1:3] = [[2, 1], [1, 2]]
    matrix[1, 3, 3] = -5
    zero = eigen.zero_rows(matrix)
    np.testing.assert_array_equal(zero.sum(axis=1), [2, 1])
    values = eigen.eigenvalues(matrix, zero)
    np.testing.assert_allclose(values, [[0, 0, 1, 3], [-5, 0, 1, 3]], rtol=1e-15)
    assert (values == 0).sum() == 3


def test_participation_ratios():
    size = 8
    hadamard = np.array([[1.0]])
    while len(hadamard) < size:
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    values = np.arange(size)
    np.testing.assert_allclose(eigen.participation_ratios(values, hadamard / np.sqrt(size), 0.1), size)
    np.testing.assert_allclose(eigen.participation_ratios(values, np.eye(size), 0.1), 1)
    turned = np.eye(size)
    turned[:2, :2] = [[0.6, 0.8], [-0.8, 0.6]]
    degenerate = np.array([0.0, 0.0, 1, 2, 3, 4, 5, 6])
    np.testing.assert_allclose(eigen.participation_ratios(degenerate, turned, 0.1), 1)
    assert eigen.participation_ratios(values, turned, 0.1)[0] == pytest.approx(1 / (0.6**4 + 0.8**4))


@pytest.mark.parametrize("run", [("linear", "10", "relu"), ("linear", "8-2", "esp")], ids="_".join)
def test_causes_of_flatness_add_up_and_eigenvectors_are_stored(run, published):
    trajectory = examples.trajectory(run, published)
    arguments = trajectory, examples.network(run, published), examples.objective(run[0], published)
    result = spectrum.along_trajectory(*arguments, eigenvectors_at=[11, "last", 12])
    assert result.vector_update.values.tolist() == [11, 961]
    matrix = hessian.hessian(trajectory.parameters.sel(update=11).values[0], *arguments[1:])
    vectors = result.eigenvectors.sel(seed=1, vector_update=11).values
    np.testing.assert_allclose(matrix @ vectors, vectors * result.eigenvalues.sel(seed=1, update=11).values, atol=1e-14)
    table = indices.indices(trajectory, result.assign_attrs(source="mirror"))
    np.testing.assert_allclose(table.gamma_rows + table.gamma_flat + table.gamma_symmetry, table.gamma, atol=1e-15)
    assert (table.gamma_flat >= 0).all()
    assert table.participation_ratio.notna().sum() == 2
    assert (table.lambda_max_gauss_newton > 0).all()


def test_bulk_width_holds_the_central_eigenvalues_and_is_zero_where_unresolved():
    values = np.array([[np.arange(11.0), np.r_[-50, np.zeros(9), 80], np.r_[-1, np.full(9, 1e-16), 1]]])
    spectra = xr.Dataset(
        {"eigenvalues": (("seed", "update", "mode"), values), "tolerance": (("seed", "update"), [[1e-14, 1e-13, 1e-15]])}
    )
    np.testing.assert_allclose(indices.bulk_width(spectra), [[8, 0, 0]])
    assert np.isnan(indices.bulk_width(spectra.drop_vars("eigenvalues"))).all()
