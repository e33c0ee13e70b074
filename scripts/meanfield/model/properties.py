"""
What a formula of an activation leaves open besides its derivatives: that it is continuous, its kinks, its rescalings.

All are found from numbers, on a grid that is refined where something may happen: where a comparison or relu's argument
changes sign, and where what is divided by, or the argument of a root or logarithm, is 0.
"""

import ast
from collections.abc import Callable, Iterator

import numpy as np
import scipy

from meanfield.errors import MeanfieldError
from meanfield.model.activations import Derivatives
from meanfield.model.differentiation import BETAS, GRID, NUMBERS
from meanfield.model.formula import evaluate

Function = Callable[[np.ndarray, np.ndarray], Derivatives]
SMOOTH = 1e-7  # a step of f, or f', between neighbouring numbers: more is a jump, or a kink
HALVINGS = 100  # of an interval of the grid, which leaves neighbouring numbers
NEAR, NEARER, STEEP = 1e-3, 1e-9, 100  # f, f' or f'' that grow more than STEEP times between these distances have a pole
ASIDE = 1e-6  # from a zero, whose place is known less well than neighbouring numbers are apart
SAME = 1e-12  # of the identity of a rescaling, relative to its terms
PARTS = 12  # exponents of rescalings are multiples of 1/PARTS


def kinks(tree: ast.expr, function: Function, beta: float | None) -> tuple[float, ...]:
    """Where f' jumps, within the grid; `beta` a constant, or None: for any of BETAS.

    MeanfieldError where f jumps, which no gradient would know of, or f, f' or f'' grow without bound.
    """
    found = set()
    with np.errstate(all="ignore"):
        for at in BETAS if beta is None else (beta,):
            for h in _zeros(tree, at):
                _insist_on_bounds(function, h, at)
                if _bends(function, h, at):
                    found.add(round(h, 6))
            for below, above in _changes(tree, at):
                left, right = (function(np.array(h), np.array(at)) for h in (below, above))
                h, of_beta = min(below, above, key=abs), f", beta = {at:g}" if beta is None else ""
                if not abs(right.value - left.value) <= SMOOTH * (1 + abs(right.value)):
                    raise MeanfieldError(
                        f"jumps from {left.value:g} to {right.value:g} at h = {h:g}{of_beta}; an activation is continuous"
                    )
                if abs(right.h - left.h) > SMOOTH * (1 + abs(right.h)):
                    found.add(float(h))
    return tuple(sorted(found))


def _conditions(tree: ast.expr) -> Iterator[ast.expr]:
    """Comparisons, and arguments of relu: f is smooth wherever none of them changes."""
    for part in ast.walk(tree):
        if isinstance(part, ast.Compare):
            yield part
        elif isinstance(part, ast.Call) and part.func.id == "relu":
            yield part.args[0]


def _changes(tree: ast.expr, beta: float) -> Iterator[tuple[float, float]]:
    """Pairs of neighbouring numbers h between which a condition changes."""
    for condition in _conditions(tree):

        def holds(h: np.ndarray, condition: ast.expr = condition) -> np.ndarray:
            value = evaluate(condition, NUMBERS, {"h": h, "beta": beta})
            return np.broadcast_to(value if isinstance(condition, ast.Compare) else np.greater(value, 0), h.shape)

        held = holds(GRID)
        places = np.flatnonzero(held[1:] != held[:-1])
        low, high = GRID[places], GRID[places + 1]
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            first = holds(middle) == held[places]
            low, high = np.where(first, middle, low), np.where(first, high, middle)
        yield from zip(low.tolist(), high.tolist(), strict=True)


def _critical(tree: ast.expr) -> Iterator[ast.expr]:
    """What f divides by, takes a root or a logarithm of."""
    for part in ast.walk(tree):
        match part:
            case ast.BinOp(op=ast.Div(), right=below):
                yield below
            case ast.BinOp(left=base, op=ast.Pow(), right=exponent) if not _whole(ast.literal_eval(exponent)):
                yield base
            case ast.Call(func=ast.Name(id="log"), args=[argument]):
                yield argument


def _whole(exponent: float) -> bool:
    return exponent >= 0 and exponent == int(exponent)


def _zeros(tree: ast.expr, beta: float) -> Iterator[float]:
    """Where one of the critical parts may be 0: its changes of sign, and the smallest of its magnitude in between."""
    for part in _critical(tree):

        def magnitude(h: np.ndarray, part: ast.expr = part) -> np.ndarray:
            return np.broadcast_to(np.abs(evaluate(part, NUMBERS, {"h": h, "beta": beta})), np.shape(h))

        values = magnitude(GRID)
        least = np.flatnonzero((values[1:-1] <= values[:-2]) & (values[1:-1] < values[2:])) + 1
        for place in least:
            bounds = GRID[place - 1], GRID[place + 1]
            found = scipy.optimize.minimize_scalar(magnitude, bounds=bounds, method="bounded", options={"xatol": 1e-12})
            yield float(found.x)


def _insist_on_bounds(function: Function, h: float, beta: float) -> None:
    """MeanfieldError if f, f' or f'' grow without bound towards h."""
    near, nearer = (function(h + distance * np.array([-1, 1]), np.full(2, beta))[:3] for distance in (NEAR, NEARER))
    for far, close in zip(near, nearer, strict=True):
        if not (np.abs(close) <= STEEP * (1 + np.abs(far))).all():
            raise MeanfieldError(f"has no bounds near h = {h:.4g}, or its derivatives have none; an activation is finite")


def _bends(function: Function, h: float, beta: float) -> bool:
    """Whether f' jumps at h, which is known to some 1e-8: it differs on both sides by more than f'' there accounts for."""
    below, above = (function(np.array(h + side * ASIDE), np.array(beta)) for side in (-1, 1))
    allowed = 20 * ASIDE * max(abs(below.hh), abs(above.hh)) + SMOOTH * (1 + abs(above.h))
    return bool(abs(above.h - below.h) > allowed)


def rescalings(function: Function, trainable: bool) -> tuple[tuple[float, float, float], ...]:
    """Exponents (p, a, q) with f(cᵖh, cᵃβ) = c⁻ᵠ f(h, β) for all c > 0: weights into a unit scale by cᵖ, out of it by cᵠ.

    They solve p h f_h + a β f_β + q f = 0 at all h and β (Euler's identity): a basis, of rational exponents; a is 0 where β
    is not trained.
    """
    h, beta = np.meshgrid(GRID, BETAS)
    found = function(h, beta)
    terms = np.stack([h * found.h, beta * found.beta if trainable else np.zeros_like(h), found.value]).reshape(3, -1)
    present = np.array([True, trainable, True])
    norms = np.linalg.norm(terms[present], axis=1)
    _, singular, vectors = np.linalg.svd((terms[present] / norms[:, None]).T, full_matrices=False)
    null = vectors[singular < 1e-6 * singular[0]] / norms
    if not len(null):
        return ()
    # In echelon form, by the first columns that are independent: exponents are then simple numbers.
    pivots = [0, 1] if len(null) == 2 else [int(np.flatnonzero(np.abs(null[0]) > 1e-6 * np.abs(null[0]).max())[0])]
    exponents = np.zeros((len(null), 3))
    exponents[:, present] = np.round(np.linalg.solve(null[:, pivots], null) * PARTS) / PARTS
    holds = [np.abs(e @ terms) <= SAME * (np.abs(e) @ np.abs(terms)) for e in exponents]
    return tuple(tuple((e + 0.0).tolist()) for e, held in zip(exponents, holds, strict=True) if held.all())
