"""Each operation against its own definition, spelt out number by number in Python, whose floats fuse nothing."""

import csv
import math
from decimal import Decimal, getcontext
from fractions import Fraction

import numpy as np
import pytest
from examples import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from meanfield.errors import MeanfieldError
from meanfield.model.losses import SIGMOID_CROSS_ENTROPY
from meanfield.training import arithmetic
from meanfield.training.arithmetic import KERNELS, Environment, Exp

EXCEPTIONS = ROOT / "config/published/exceptions.csv"
getcontext().prec = 50


def wild(rng, *shape):
    """Numbers of very different sizes, so that every other order of summation shows."""
    return rng.normal(size=shape) * 10.0 ** rng.integers(-6, 6, size=shape)


def summed(terms, start=None):
    """One after the other; from the first term, or from `start`."""
    terms = list(terms)
    total = terms.pop(0) if start is None else start
    for term in terms:
        total = total + term
    return total


def lanes(terms):
    """Four partial sums of a list whose length is a multiple of four."""
    return [summed(terms[lane::4]) for lane in range(4)]


def gradient_by_hand(delta, signal, kernels):
    """Σ_t δ[i, t] a[j, t] as ARITHMETIC's text has it, entry by entry."""
    units, samples = delta.shape
    inputs = len(signal)
    result = np.zeros((units, inputs))
    length = kernels.block or arithmetic.block_length(samples)
    for i in range(units):
        for j in range(inputs):
            products = [float(d) * float(a) for d, a in zip(delta[i], signal[j], strict=True)]
            if units == 1 and kernels.lanes:
                end = samples - samples % 4
                p = lanes(products[:end])
                result[i, j] = summed(products[end:], (p[0] + p[2]) + (p[1] + p[3]))
                continue
            total = 0.0
            for start in range(0, samples, length):
                block = products[start : start + length]
                if kernels.lanes and j >= inputs - inputs % 4 and i < units - units % 4:
                    end = len(block) - len(block) % 4
                    q = lanes(block[:end])
                    total = total + summed(block[end:], (q[0] + q[1]) + (q[2] + q[3]))
                else:
                    total = total + summed(block)
            result[i, j] = total
    return result


@pytest.mark.parametrize("kernels", KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize(
    ("units", "inputs", "samples"), [(1, 10, 38), (1, 2, 690), (8, 2, 690), (10, 2, 38), (2, 8, 690), (9, 6, 341)]
)
def test_weight_gradients(kernels, units, inputs, samples):
    rng = np.random.default_rng(units + samples)
    delta, signal = wild(rng, units, samples), wild(rng, inputs, samples)
    if kernels is KERNELS["digits"] and units == 1:
        units, delta = 2, np.vstack([delta, delta])  # the digits have no layer of one unit
    found = arithmetic.weight_gradient(delta, signal, kernels)
    np.testing.assert_array_equal(found, gradient_by_hand(delta, signal, kernels))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 9), st.integers(4, 50), st.integers(0, 2**32))
def test_products_and_sums_over_samples(units, inputs, samples, seed):
    rng = np.random.default_rng(seed)
    weights, signal = wild(rng, units, inputs), wild(rng, inputs, samples)
    by_hand = [
        [summed(float(w) * float(a) for w, a in zip(row, column, strict=True)) for column in signal.T] for row in weights
    ]
    np.testing.assert_array_equal(arithmetic.product(weights, signal), by_hand)
    end = samples - samples % 4
    for row, found in zip(signal.tolist(), arithmetic.over_samples(signal), strict=True):
        p = lanes(row[:end])
        total = (p[0] + p[2]) + (p[1] + p[3])
        assert found == (summed(row[end:]) + total if row[end:] else total)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(1, 5), st.integers(0, 2**32))
def test_sums_are_in_order_along_every_axis(length, others, seed):
    terms = wild(np.random.default_rng(seed), others, length, others)
    for axis in range(3):
        moved = np.moveaxis(terms, axis, 0)
        np.testing.assert_array_equal(arithmetic.in_order(terms, axis), summed(list(moved)))


def test_another_order_is_refused(monkeypatch):
    monkeypatch.setattr(arithmetic, "in_order", lambda terms, axis: np.flip(terms, axis).sum(axis=axis))
    with pytest.raises(MeanfieldError, match="adds in another order"):
        arithmetic.insist_on_order()


def test_no_product_is_fused_with_a_sum():
    """(1 + ε)(1 − ε) − 1 is −ε² if the product is not rounded, and 0 if it is."""
    epsilon = 2.0**-30
    fused = float(Fraction(1 + epsilon) * Fraction(1 - epsilon) - 1)
    assert fused != 0
    weights, signal = np.array([[-1.0, 1 + epsilon]]), np.array([[1.0] * 9, [1 - epsilon] * 9])
    np.testing.assert_array_equal(arithmetic.product(weights, signal), np.zeros((1, 9)))
    delta, ones = np.array([[1 + epsilon, -1.0]] * 2), np.array([[1 - epsilon, 1.0]] * 2)
    np.testing.assert_array_equal(arithmetic.weight_gradient(delta, ones, KERNELS["digits"]), np.zeros((2, 2)))


def test_blocks_of_samples():
    """One block for the linear task; 232, 232 and 226 samples for the nonlinear one."""
    assert [arithmetic.block_length(samples) for samples in (38, 336, 690, 672)] == [38, 336, 232, 336]


def test_exp_by_packets_and_in_the_tail():
    x = np.linspace(-40, 40, 4003)
    found = Exp()(x)
    exact = [float(Decimal(value).exp()) for value in x.tolist()]
    assert np.abs(found - exact).max() > 0  # Cephes' form is not correctly rounded …
    np.testing.assert_allclose(found, exact, rtol=4e-16)
    assert found[-3:].tolist() == exact[-3:]  # … but the C library is, in the last n mod 4
    assert np.isfinite(Exp()(np.array([-1e4, 1e4, 0.0, 1.0]))).all()
    with np.errstate(over="ignore"):
        assert [Exp().library(x) for x in (1e4, -1e4, np.inf, -np.inf)] == [np.inf, 0, np.inf, 0]
    assert np.isnan(Exp().library(np.nan))
    known = Exp({x[-1]: 2.0})(x)
    assert known[-1] == 2.0
    assert Exp({x[0]: 2.0})(x)[0] == found[0]  # in a packet


def sine(x: float) -> Decimal:
    """sin x by its power series."""
    x = Decimal(x)
    return sum((-1) ** n * x ** (2 * n + 1) / math.factorial(2 * n + 1) for n in range(60))


def test_every_exception_is_a_neighbour_of_the_correctly_rounded_value_and_as_near_a_tie_as_stated():
    with open(EXCEPTIONS) as stream:
        rows = list(csv.DictReader(stream))
    assert [row["function"] for row in rows] == ["exp"] * 9 + ["sin"]
    for row in rows:
        argument, value = float.fromhex(row["argument"]), float.fromhex(row["value"])
        exact = Decimal(argument).exp() if row["function"] == "exp" else sine(argument)
        rounded = float(exact)
        unit = abs(Decimal(rounded) - Decimal(value))
        assert value in (np.nextafter(rounded, -np.inf), np.nextafter(rounded, np.inf))
        from_tie = abs(exact - (Decimal(rounded) + Decimal(value)) / 2) / unit
        assert float(from_tie) == pytest.approx(float(row["units_from_tie"]), abs=6e-5)
        assert from_tie < 0.05
    environment = Environment.of("binary", EXCEPTIONS)
    assert (len(environment.exp.exceptions), len(environment.sines), environment.name) == (9, 1, "2018")
    assert not Environment.of("digits", None).exp.exceptions


def test_slopes_of_the_sigmoid_are_associated_otherwise_in_the_tail():
    rng = np.random.default_rng(2)
    s, slope = rng.uniform(size=(3, 7)), wild(rng, 3, 7)
    found = arithmetic.sigmoid_gradient(s, slope).ravel()
    pairs = list(zip(s.ravel().tolist(), slope.ravel().tolist(), strict=True))
    assert found.tolist() == [g * (a * (1 - a)) for a, g in pairs[:20]] + [g * a * (1 - a) for a, g in pairs[20:]]


@pytest.mark.parametrize("size", [5, 8, 38, 690])
def test_the_mean_is_summed_in_eight_parts_of_float32(size):
    values = np.random.default_rng(size).exponential(size=size)
    x, end = [np.float32(value) for value in values], size - size % 8
    p = [summed(x[lane:end:8]) if end else np.float32(0) for lane in range(8)]
    q = [p[i] + p[i + 4] for i in range(4)]
    total = summed(x[end:], np.float32(0)) + ((q[0] + q[2]) + (q[1] + q[3]))
    assert arithmetic.mean_in_float32(values) == float(total / np.float32(size))


def test_loss_and_slope_are_those_of_the_cross_entropy():
    rng = np.random.default_rng(3)
    z, y = 30 * rng.normal(size=(50, 1)), rng.integers(2, size=(50, 1)).astype(float)
    losses, slopes = arithmetic.loss_and_slope(z, y, Exp())
    np.testing.assert_allclose(losses, np.logaddexp(0, np.where(y == 1, -z, z)), rtol=1e-12)
    np.testing.assert_allclose(slopes, SIGMOID_CROSS_ENTROPY.residual(z, y) * float(np.float32(1 / 50)), rtol=1e-12)
