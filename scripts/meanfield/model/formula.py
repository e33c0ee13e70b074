"""
Formulas of activations, as a configuration gives them: a small language, read by Python's parser and never run as Python.

A formula is made of h, beta, numbers, + − * / **, brackets, and these functions: sigmoid, softplus, tanh, relu, erf, exp,
log; where(h > 0, a, b), which is a where the comparison holds and b elsewhere; piecewise((a, h > 1), (b, h > 0), c), the
first that holds. What these operations mean is up to whoever evaluates: NumPy and TensorFlow numbers, or SymPy's symbols.
"""

import ast
import operator
from collections.abc import Callable, Mapping

from meanfield.errors import MeanfieldError
from meanfield.model.arguments import shown

LONGEST, MOST_PARTS, LARGEST_POWER = 1000, 50, 10  # characters; numbers, names and operations; an exponent
ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
COMPARISONS = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}
FUNCTIONS = ("sigmoid", "softplus", "tanh", "relu", "erf", "exp", "log")  # of one argument
NAMES = ("h", "beta")
KNOWN = f"h, beta, numbers, + - * / **, {', '.join(FUNCTIONS)}, where(h > 0, a, b), piecewise((a, h > 1), (b, h > 0), c)"


def parse(text: str) -> ast.expr:
    """The formula as a tree of what this module allows. MeanfieldError, one line, for anything else."""
    if len(text) > LONGEST:
        raise MeanfieldError(f"the formula has {len(text)} characters; allowed: at most {LONGEST}")
    if not text.isascii():
        odd = next(character for character in text if not character.isascii())
        raise MeanfieldError(f"formula {shown(text)}: '{odd}' is not understood; allowed: {KNOWN}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise MeanfieldError(
            f"formula {shown(text)} is not understood: brackets or operators do not fit together"
        ) from error
    _check(tree, text)
    parts = sum(not isinstance(part, ast.operator | ast.unaryop | ast.expr_context) for part in ast.walk(tree))
    if parts > MOST_PARTS:
        raise MeanfieldError(f"formula {shown(text)} has {parts} parts; allowed: at most {MOST_PARTS}")
    return tree


def names(tree: ast.expr) -> set[str]:
    """The names in a formula, a subset of NAMES."""
    return {part.id for part in ast.walk(tree) if isinstance(part, ast.Name)} & set(NAMES)


def evaluate(tree: ast.expr, functions: Mapping[str, Callable], values: Mapping[str, object]) -> object:
    """The formula's value for h and beta as `values` has them, with `functions` for FUNCTIONS and "where".

    `functions` may have "divide", "power" and "number" besides; else they are Python's /, ** and float. Errors: those of the
    operations.
    """

    def of(part: ast.expr) -> object:
        return evaluate(part, functions, values)

    match tree:
        case ast.Constant(value=number):
            return functions.get("number", float)(number)
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=sign, operand=part):
            return ARITHMETIC[type(sign)](of(part))
        case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
            return functions.get("power", operator.pow)(of(base), ast.literal_eval(exponent))
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return functions.get("divide", operator.truediv)(of(left), of(right))
        case ast.BinOp(left=left, op=sign, right=right):
            return ARITHMETIC[type(sign)](of(left), of(right))
        case ast.Compare(left=left, ops=[sign], comparators=[right]):
            return COMPARISONS[type(sign)](of(left), of(right))
        case ast.Call(func=ast.Name(id="where"), args=[condition, chosen, other]):
            return functions["where"](of(condition), of(chosen), of(other))
        case ast.Call(func=ast.Name(id="piecewise"), args=[*cases, other]):
            value = of(other)
            for case in reversed(cases):
                value = functions["where"](of(case.elts[1]), of(case.elts[0]), value)
            return value
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            return functions[name](of(argument))
    raise MeanfieldError(f"{ast.dump(tree)} is no formula")  # `parse` lets nothing else through


def _check(tree: ast.expr, text: str) -> None:
    """MeanfieldError for the first part that is not allowed."""
    match tree:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool) and abs(number) <= 1e100:
            return
        case ast.Name(id=name) if name in NAMES:
            return
        case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
            _check(base, text)
            _check_exponent(exponent, text)
            return
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()) | ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            parts = [part for part in ast.iter_child_nodes(tree) if isinstance(part, ast.expr)]
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            parts = [argument]
        case ast.Call(func=ast.Name(id="where"), args=[condition, chosen, other], keywords=[]):
            parts = [*_sides(condition, text), chosen, other]
        case ast.Call(func=ast.Name(id="piecewise"), args=[*cases, other], keywords=[]) if cases:
            parts = [other]
            for case in cases:
                match case:
                    case ast.Tuple(elts=[chosen, condition]):
                        parts += [chosen, *_sides(condition, text)]
                    case _:
                        raise _refusal(case, text)
        case _:
            raise _refusal(tree, text)
    for part in parts:
        _check(part, text)


def _check_exponent(tree: ast.expr, text: str) -> None:
    """Exponents are numbers, so that a power stays one."""
    positive = tree.operand if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub) else tree
    match positive:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool) and number <= LARGEST_POWER:
            return
    exponent = shown(ast.unparse(tree))
    raise MeanfieldError(
        f"formula {shown(text)}: exponent {exponent} is not allowed; allowed: a number up to {LARGEST_POWER}"
    )


def _sides(condition: ast.expr, text: str) -> list[ast.expr]:
    """Both sides of a comparison."""
    match condition:
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in COMPARISONS:
            return [left, right]
    raise MeanfieldError(
        f"formula {shown(text)}: {shown(ast.unparse(condition))} is no comparison; allowed: one of < <= > >=, as in h > 0"
    )


def _refusal(part: ast.expr, text: str) -> MeanfieldError:
    return MeanfieldError(f"formula {shown(text)}: {shown(ast.unparse(part))} is not allowed; allowed: {KNOWN}")
