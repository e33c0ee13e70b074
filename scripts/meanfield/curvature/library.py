"""
The Hessian and its spectrum for networks and data of one's own: `meanfield.hessian`, `meanfield.spectrum` (docs/library.md).

All it needs is NumPy, SciPy and xarray; SymPy for an activation by formula. Features, target and parameters may be arrays,
lists or tables of pandas; what does not fit is answered in one line.
"""

from typing import Any

import numpy as np
import xarray as xr

from meanfield.curvature import hessian as closed_form
from meanfield.curvature import spectrum as spectra
from meanfield.curvature.dense import NUMPY
from meanfield.curvature.indices import shares
from meanfield.errors import MeanfieldError
from meanfield.model import arguments, losses, propagation
from meanfield.model.activations import Activation
from meanfield.model.network import Network
from meanfield.model.propagation import Objective
from meanfield.model.registry import from_formula


def activation(formula: str, *, name: str = "own", beta: float | str | None = None) -> Activation:
    """An activation by its formula, such as "h*tanh(softplus(h))", for `Network.of` (config/README.md has the language).

    `beta`, where the formula has one: a number, or "trainable". Errors: those of `model.registry.from_formula`.
    """
    return from_formula(name, formula, beta)


@np.errstate(over="ignore", invalid="ignore")  # an overflow is said once, by the error
def hessian(
    network: Network, theta: Any, features: Any, target: Any, loss: str, *, factor: float | None = None, l2: float = 0.0
) -> np.ndarray:
    """The exact Hessian of the mean loss in all parameters, float64 [P, P], exactly symmetric.

    theta [P]; features [sample, input]; target [sample, label], or [sample]: one label, or class numbers 0 … K − 1 for K
    outputs. `loss`: "sigmoid" (cross-entropy of σ(z) for each output) or "squared" (half the squared error), means over
    samples and outputs; "softmax" (cross-entropy of softmax z), a mean over samples. They are taken in float64; `factor`
    takes the place of 1/(N·K), for the softmax 1/N. Added is l2/2 · Σ W², over weights, not biases and β. MeanfieldError, in
    one line, for what does not fit together, is not finite or has no second derivative.
    """
    return closed_form.hessian(*_problem(network, theta, features, target, loss, factor, l2))


@np.errstate(over="ignore", invalid="ignore")
def spectrum(
    network: Network,
    theta: Any,
    features: Any,
    target: Any,
    loss: str,
    *,
    factor: float | None = None,
    l2: float = 0.0,
    eigenvectors: bool = True,
) -> xr.Dataset:
    """All eigenvalues of that Hessian, and what they say (docs/method.md, section "Spectrum and indices").

    eigenvalues [mode], ascending; with `eigenvectors` also eigenvectors [parameter, mode] and participation_ratio [mode].
    Numbers: alpha and gamma, the shares of descent and of flat directions; gamma_rows, gamma_symmetry, gamma_flat, which add
    up to gamma; gamma_lifted, with an l2, how much larger gamma were without it; tolerance, below which an eigenvalue counts
    as 0; lambda_min, lambda_max; lambda_max_gauss_newton and lambda_max_rest of the two parts; gradient_norm. `parameter`
    holds the parameters' names. Arguments and errors as for `hessian`.
    """
    theta, network, objective = _problem(network, theta, features, target, loss, factor, l2)
    counts = spectra.of_members(theta[None], network, objective, "eigenvalues", NUMPY, {})
    [values] = counts.pop("eigenvalues")
    numbers = xr.Dataset({name: of_it for name, [of_it] in counts.items()})
    variables = {
        "eigenvalues": ("mode", values),
        **shares(numbers, network.size),
        **{name: numbers[name] for name in ("tolerance", "lambda_min", "lambda_max")},
        **{name: numbers[name] for name in ("lambda_max_gauss_newton", "lambda_max_rest")},
        "gradient_norm": np.linalg.norm(propagation.gradient(theta, network, objective)),
    }
    if eigenvectors:
        again, vectors = spectra.eigenvectors(closed_form.hessian(theta, network, objective))
        variables["eigenvectors"] = (("parameter", "mode"), vectors)
        ratios = spectra.participation_ratios(again, vectors, float(numbers.tolerance))
        variables["participation_ratio"] = ("mode", ratios)
    said = {"activation": network.activation.name, "loss": loss, "factor": objective.factor, "l2": objective.l2}
    return xr.Dataset(variables, coords={"parameter": network.parameter_names}, attrs=said)


def _problem(
    network: Network, theta: Any, features: Any, target: Any, loss: str, factor: float | None, l2: float
) -> tuple[np.ndarray, Network, Objective]:
    """The arguments of `closed_form.hessian`, float64 and of the shapes it takes."""
    if not isinstance(network, Network):
        raise MeanfieldError(f"network is a {type(network).__name__}; give a meanfield.Network")
    chosen = losses.loss(loss)
    theta, features = arguments.row("theta", theta, network.size), arguments.array("features", features)
    if features.ndim == 1 and network.inputs == 1:
        features = features[:, None]
    if features.ndim != 2 or not len(features):
        raise MeanfieldError(f"features have shape {features.shape}; give one or more samples, [sample, {network.inputs}]")
    labels = _labels(arguments.array("target", target), network.outputs, loss)
    if chosen.coupled and network.outputs == 1:
        raise MeanfieldError(f"loss '{loss}' needs two outputs or more; for one, sigmoid is the same as softmax for two")
    if factor is None:
        factor = chosen.averaging(len(features), network.outputs, "float64")
    factor, l2 = arguments.number("factor", factor, above=0), arguments.number("l2", l2, least=0)
    return theta, network, Objective(chosen, features, labels, factor, l2)


def _labels(target: np.ndarray, outputs: int, loss: str) -> np.ndarray:
    """The target as [sample, label]. MeanfieldError for another shape, or for values that the loss does not take."""
    if target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    if target.ndim == 1 and outputs == 1:
        target = target[:, None]
    elif target.ndim == 1 and loss != "squared":
        if not np.isin(target, np.arange(outputs)).all():
            raise MeanfieldError(
                f"the target holds {target.min():g} to {target.max():g}; for {outputs} outputs give class numbers 0 to "
                f"{outputs - 1}, or [sample, {outputs}]"
            )
        target = np.eye(outputs)[target.astype(int)]
    if target.ndim != 2 or target.shape[1] != outputs:
        raise MeanfieldError(f"the target has shape {target.shape}; give [sample, {outputs}]")
    if loss != "squared" and ((target < 0) | (target > 1)).any():
        raise MeanfieldError(f"the target holds {target.min():g} to {target.max():g}; loss '{loss}' takes 0 to 1")
    return target
