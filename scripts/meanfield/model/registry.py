"""
The one registry of activations: model, training, figures and configuration find an activation in it by its name.

It holds those that are written by hand (`activations`), and those that a configuration gives by their formula (`learn`).
"""

from collections.abc import Iterable

from meanfield.errors import MeanfieldError
from meanfield.model.activations import BUILT_IN, Activation
from meanfield.model.arguments import number, shown
from meanfield.model.formula import names, parse

ACTIVATIONS = {activation.name: activation for activation in BUILT_IN}
KNOWN = tuple(ACTIVATIONS)
TRAINABLE = "trainable"


def activation(name: str | Activation) -> Activation:
    """The activation of that name, or itself; MeanfieldError names the known ones."""
    if isinstance(name, Activation):
        return name
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise MeanfieldError(f"activation {shown(name)} is unknown; choose one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def from_formula(name: str, formula: str, beta: float | str | None = None, label: str | None = None) -> Activation:
    """The activation of a formula; its derivatives, kinks and rescaling symmetries are found from it.

    `beta` is what beta is in it: "trainable", one parameter a unit, as in ESP, or a number. MeanfieldError, one line, for a
    formula that is not understood, not finite, not continuous, has no second derivative or does not change with h, and for
    a beta that is missing or not used.
    """
    from meanfield.model import (  # SymPy takes a third of a second to load, and most runs do without
        differentiation,
        properties,
    )

    if not isinstance(name, str) or not isinstance(formula, str):
        raise MeanfieldError(f"activation {shown(name)} by {shown(formula)}: give the name and the formula as text")
    trainable = isinstance(beta, str) and beta == TRAINABLE
    fixed = 1.0 if beta is None or trainable else number(f"activation {name}: beta", beta, besides=f", or '{TRAINABLE}'")
    try:
        tree = parse(formula)
    except MeanfieldError as error:
        raise MeanfieldError(f"activation {name}: {error}") from error
    try:
        if ("beta" in names(tree)) != (beta is not None):
            remedy = "no beta; leave beta out" if beta is not None else "a beta; say beta: trainable, or a number"
            raise MeanfieldError(f"has {remedy}")
        derivatives = differentiation.checked(tree, None if trainable else fixed)
        kinks = properties.kinks(tree, derivatives, None if trainable else fixed)
        rescalings = properties.rescalings(derivatives, trainable)
    except MeanfieldError as error:
        raise MeanfieldError(f"activation {name}: formula {formula!r} {error}") from error
    return Activation(name, label or name, formula, derivatives, trainable, rescalings, kinks, fixed)


def read(definitions: Iterable[str | dict]) -> list[Activation]:
    """A configuration's activations: names of known ones, formulas as mappings (keyword arguments of `from_formula`).

    Errors: those of `activation` and `from_formula`; MeanfieldError for a name that is taken.
    """
    found: dict[str, Activation] = {}
    for definition in definitions:
        if isinstance(definition, str):
            found[definition] = activation(definition)
        elif (name := definition["name"]) in KNOWN or name in found:
            raise MeanfieldError(f"activation {name}: the name is taken; choose another")
        else:
            found[name] = from_formula(**definition)
    return list(found.values())


def learn(definitions: Iterable[str | dict]) -> list[str]:
    """Take a configuration's activations into ACTIVATIONS, as `read` gives them; returns their names."""
    found = {chosen.name: chosen for chosen in read(definitions)}
    ACTIVATIONS.update(found)
    return list(found)
