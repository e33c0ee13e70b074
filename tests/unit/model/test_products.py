"""Products of blocks of vectors: against the matrix, against single products, and divided in any way."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from meanfield.curvature import hessian
from meanfield.errors import MeanfieldError
from meanfield.model import products, propagation
from meanfield.model.losses import LOSSES
from meanfield.model.network import Network
from meanfield.model.products import Products
from random_networks import cases

FLOAT32 = np.finfo(np.float32).eps


def case(loss="sigmoid cross-entropy", activation="esp", samples=500):
    """A network with two hidden layers, its parameters, data, and five vectors."""
    network, rng = Network.of("9-4", activation, 6, 3), np.random.default_rng(1)
    target = np.eye(3)[rng.integers(3, size=samples)]
    data = propagation.Objective(LOSSES[loss], rng.normal(size=(samples, 6)), target, 1 / samples, 0.1)
    return network, rng.normal(size=network.size), data, rng.normal(size=(5, network.size))


def deviation(found, expected):
    """The largest, relative to the largest expected value."""
    return np.abs(found - expected).max() / np.abs(expected).max()


@settings(max_examples=60, deadline=None)
@given(cases())
def test_products_are_those_with_the_matrix(drawn):
    network, theta, data, rng = drawn
    vectors = rng.normal(size=(3, network.size))
    total, gauss_newton = hessian.hessian(theta, network, data, split=True)
    bound = 1e-12 * max(np.abs(total).max(), np.abs(gauss_newton).max()) * network.size
    for part, matrix in {"H": total, "G": gauss_newton, "R": total - gauss_newton}.items():
        found = Products(theta, network, data, part)(vectors)
        np.testing.assert_allclose(found, vectors @ matrix, rtol=0, atol=bound, err_msg=part)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ["esp", "relu"])
@pytest.mark.parametrize("part", ["H", "G", "R"])
def test_a_block_of_vectors_is_its_single_products(loss, activation, part):
    network, theta, data, vectors = case(loss, activation)
    single = propagation.operator(theta, network, data, part)
    expected = np.array([single(vector) for vector in vectors])
    blocks = Products(theta, network, data, part)
    assert deviation(blocks(vectors), expected) < 1e-13
    assert deviation(blocks(vectors[0]), expected[0]) < 1e-13
    assert blocks(vectors[0]).shape == (network.size,)


@pytest.mark.parametrize("kept", [0, 2**30])
@pytest.mark.parametrize("samples", [1, 7, 499, 500, 1000])
def test_blocks_of_samples_add_up(samples, kept, monkeypatch):
    network, theta, data, vectors = case("softmax cross-entropy")
    whole = Products(theta, network, data)(vectors)
    monkeypatch.setattr(products, "KEPT", kept)
    divided = Products(theta, network, data, samples=samples)
    for _ in range(2):  # the second time with what the first has kept
        assert deviation(divided(vectors), whole) < 1e-13


@pytest.mark.parametrize("wide", [1, 20, 1000])  # one vector at once, two, and all
def test_vectors_are_taken_in_groups(wide, monkeypatch):
    network, theta, data, vectors = case()
    whole = Products(theta, network, data)(vectors)
    monkeypatch.setattr(products, "WIDE", wide)
    assert deviation(Products(theta, network, data)(vectors), whole) < 1e-13


def test_memory_is_bounded(monkeypatch):
    network, theta, data, _ = case()
    monkeypatch.setattr(products, "WORKING", 2**14)
    starts = []
    monkeypatch.setattr(propagation.Objective, "samples", lambda self, a, b: starts.append(b - a) or self)
    Products(theta, network, data, vectors=5)(np.zeros((5, network.size)))
    assert len(starts) > 10
    assert max(starts) * 8 * 5 * (9 + 4 + 3) < 2**14
    assert sum(starts) == 500


def test_single_precision_is_that_of_rounding():
    network, theta, data, vectors = case()
    exact, rounded = (Products(theta, network, data, precision=precision)(vectors) for precision in ("float64", "float32"))
    assert rounded.dtype == float
    assert FLOAT32 / 100 < deviation(rounded, exact) < 10 * FLOAT32


def test_what_does_not_fit_is_refused():
    network, theta, data, _ = case()
    with pytest.raises(MeanfieldError, match="features have 5 columns; this network takes 6"):
        Products(theta, network, data._replace(features=data.features[:, :5]))


def test_passes_are_gone_with_their_products_at_once():
    """Not when Python looks for cycles: those of 60,000 samples are half a GiB."""
    network, theta, data, vectors = case()
    product = Products(theta, network, data)
    product(vectors)
    passes = [weakref.ref(of_block) for of_block in product._kept.values()]
    assert passes
    gc.disable()
    try:
        del product
        assert not any(reference() for reference in passes)
    finally:
        gc.enable()


def test_a_gradient_holds_no_more_signals_than_a_block_has(monkeypatch):
    network, theta, data, _ = case(samples=20_000)
    expected = propagation.gradient(theta, network, data)
    monkeypatch.setattr(propagation, "WORKING", 2**20)
    tracemalloc.start()
    found = propagation.gradient(theta, network, data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * 2**20
    assert deviation(found, expected) < 1e-13
