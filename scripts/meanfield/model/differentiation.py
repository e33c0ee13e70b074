"""
The derivatives of an activation that is given by its formula, found by SymPy.

The derivatives are exact and written with functions that neither overflow nor cancel: σ' = σ(x)σ(−x), tanh' = 4σ(2x)σ(−2x).
At a kink they are what the formula gives there: 0 for relu(h), the case that holds for where(h > 0, …), as automatic
differentiation has it.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from functools import partial, reduce

import numpy as np
import scipy
import sympy
from sympy.functions.elementary.piecewise import ExprCondPair

from meanfield.errors import MeanfieldError
from meanfield.model.activations import Derivatives
from meanfield.model.formula import evaluate

H, BETA = sympy.symbols("h beta")
REACH, BETAS = 50.0, (-3.0, -0.5, 0.0, 0.5, 1.0, 3.0)  # pre-activations up to here, for these β, are tried
GRID = np.union1d(np.linspace(-REACH, REACH, 4001), np.geomspace(1e-9, REACH, 200) * [[-1], [1]])


def _function(name: str, derivative: Callable[[sympy.Expr], sympy.Expr]) -> type[sympy.Function]:
    """A function of one argument, of which SymPy is to know the derivative and nothing else."""
    return type(name, (sympy.Function,), {"nargs": 1, "fdiff": lambda self, argindex=1: derivative(self.args[0])})


sigmoid = _function("sigmoid", lambda x: sigmoid(x) * sigmoid(-x))
softplus = _function("softplus", lambda x: sigmoid(x))
tanh = _function("tanh", lambda x: 4 * sigmoid(2 * x) * sigmoid(-2 * x))
step = _function("step", lambda x: sympy.Integer(0))
relu = _function("relu", lambda x: step(x))
erf = _function("erf", lambda x: 2 / sympy.sqrt(sympy.pi) * sympy.exp(-(x**2)))


def _where(condition: object, chosen: sympy.Expr, other: sympy.Expr) -> sympy.Expr:
    return sympy.Piecewise((chosen, condition), (other, True))


SYMBOLS = {function.__name__: function for function in (sigmoid, softplus, tanh, relu, erf)}
SYMBOLS |= {"exp": sympy.exp, "log": sympy.log, "where": _where, "number": sympy.Float}
NUMBERS = {
    "sigmoid": scipy.special.expit,
    "softplus": partial(np.logaddexp, 0),
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "erf": scipy.special.erf,
    "exp": np.exp,
    "log": np.log,
    "where": np.where,
}
OPERATIONS = {SYMBOLS[name]: function for name, function in NUMBERS.items() if name != "where"}
OPERATIONS |= {
    step: lambda x: np.greater(x, 0).astype(float),
    sympy.Add: lambda *terms: reduce(operator.add, terms),
    sympy.Mul: lambda *factors: reduce(operator.mul, factors),
    sympy.Pow: lambda base, exponent: 1 / base if exponent == -1 else base**exponent,
    sympy.Abs: np.abs,
    sympy.sign: np.sign,
    sympy.Gt: np.greater,
    sympy.Ge: np.greater_equal,
    sympy.Lt: np.less,
    sympy.Le: np.less_equal,
    sympy.And: lambda *parts: reduce(np.logical_and, parts),
    sympy.Or: lambda *parts: reduce(np.logical_or, parts),
    sympy.Not: np.logical_not,
    sympy.ITE: np.where,
    ExprCondPair: lambda value, condition: (condition, value),
    sympy.Piecewise: lambda *cases: reduce(lambda other, case: np.where(*case, other), cases[-2::-1], cases[-1][1]),
}


def _numbers(expression: sympy.Basic, values: Mapping[sympy.Symbol, np.ndarray]) -> np.ndarray | float | bool:
    """The value of an expression made of OPERATIONS."""
    if expression in values:
        return values[expression]
    if expression in (sympy.true, sympy.false):
        return bool(expression)
    if expression.is_number and not expression.has(sympy.Piecewise):
        return float(expression)
    return OPERATIONS[expression.func](*(_numbers(part, values) for part in expression.args))


def derivatives(tree: ast.expr, beta: float | None) -> Callable[[np.ndarray, np.ndarray], Derivatives]:
    """f and its derivatives as functions of h and β, as `Activation.derivatives`; `beta` is a constant, or None: trainable.

    ArithmeticError, TypeError or ValueError for a formula that SymPy cannot take.
    """
    f = sympy.sympify(evaluate(tree, SYMBOLS, {"h": H, "beta": BETA if beta is None else sympy.Float(beta)}))
    wanted = [(), (H,), (H, H)] + ([(BETA,), (H, BETA), (BETA, BETA)] if beta is None else [])
    shared, results = sympy.cse([sympy.factor_terms(f.diff(*by)) if by else f for by in wanted], order="none")

    def numbers(h: np.ndarray, beta: np.ndarray) -> Derivatives:
        values = {H: h, BETA: beta}
        with np.errstate(all="ignore"):  # of cases that do not hold
            for symbol, expression in shared:
                values[symbol] = _numbers(expression, values)
            found = [_numbers(result, values) for result in results]
        shape = np.broadcast_shapes(np.shape(h), np.shape(beta))
        return Derivatives(*(np.broadcast_to(part, shape) for part in found))

    return numbers


def checked(tree: ast.expr, beta: float | None) -> Callable[[np.ndarray, np.ndarray], Derivatives]:
    """`derivatives`, tried on |h| ≤ REACH and BETAS. MeanfieldError, one line, where they are not finite or not there."""
    h, betas = GRID, np.array(BETAS if beta is None else (1.0,))[:, None]
    try:
        with np.errstate(all="ignore"):
            value = evaluate(tree, NUMBERS, {"h": h, "beta": betas if beta is None else beta})
        function = derivatives(tree, beta)
        found = function(h, betas)
    except (ArithmeticError, TypeError, ValueError, RecursionError, AttributeError, KeyError) as error:
        raise MeanfieldError("is no number for any h, or cannot be differentiated") from error
    named = {"": np.broadcast_to(value, found.value.shape), "first derivative ": found.h, "second derivative ": found.hh}
    if beta is None:
        named |= {"derivative in beta ": found.beta, "second derivative in beta ": found.betabeta}
        named |= {"mixed derivative ": found.hbeta}
    for name, values in named.items():
        bad = np.argwhere(~np.isfinite(np.asarray(values, float)))
        if bad.size:
            row, column = bad[np.abs(h[bad[:, 1]]).argmin()]
            at = f"h = {h[column]:g}" + (f", beta = {betas[row, 0]:g}" if beta is None else "")
            raise MeanfieldError(f"has no finite {name or 'value '}at {at}; sigmoid, softplus and tanh do not overflow")
    if not found.h.any():
        raise MeanfieldError("does not change with h")
    if beta is None and not found.beta.any():
        raise MeanfieldError("does not change with beta; leave beta out")
    return function
