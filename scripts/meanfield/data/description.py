"""
What every result file says of itself: long_name and units of each variable, and what was computed, of which run.

Names and meanings are those of CF (cfconventions.org) and ACDD, where these fit numbers that have no place on Earth. All
follows from the configuration; date and commit are in results/provenance, so that equal runs have equal bytes.
"""

import hashlib
import json
from collections.abc import Mapping

import xarray as xr

CONVENTIONS = "CF-1.11, ACDD-1.3"
PAPER = "arXiv:1805.08786"
KEYWORDS = "neural network, activation function, loss landscape, Hessian, eigenvalue spectrum"
SCORES = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "r2": "R²"}
"""What a run may be scored by, and its name for people; train_{score} and test_{score} in trajectories and tables."""
RUN = ["dataset", "architecture", "activation"]  # what names a run, in paths and tables

SPLIT = "member: seed of its split of the samples; all start from the draw of 2018"

VARIABLES = {
    "seed": "member: graph seed of its initial parameters, of which 1 is the draw of 2018",
    "update": "update of the optimizer",
    "vector_update": "update of the optimizer, of the eigenvectors",
    "member": "number of a re-training with rounding at random",
    "mode": "mode, by ascending eigenvalue",
    "parameter": "name of a parameter: weight W, bias b or beta, its layer, [output, input] or [unit], from 0",
    "feature": "name of a feature",
    "label": "name of an output of the network",
    "row": "number of a sample's row in the user's table, from 1",
    "split": "whether a sample is for training or for the test",
    "features": "inputs of the network",
    "target": "what the network is to give",
    "features_mean": "mean of a feature over the training samples, subtracted; in the unit of its column",
    "features_deviation": "standard deviation of a feature over the training samples, divided by; in the unit of its column",
    "target_mean": "mean of a target over the training samples, subtracted; in the unit of its column",
    "target_deviation": "standard deviation of a target over the training samples, divided by; in the unit of its column",
    "cost": "mean loss on the training samples, of the parameters before the update",
    "cost_after": "mean loss on the training samples, of the parameters after the update",
    "gradient": "gradient of the mean loss, of the parameters before the update",
    "gradient_norm": "Euclidean norm of the gradient of the mean loss, after the update",
    "parameters": "parameters of the network after the update",
    "residual": "prediction minus target on the training samples, after the update",
    "diverged": "update at which the cost ceased to be finite, -1 where it never did",
    "eigenvalues": "eigenvalue of the Hessian",
    "eigenvectors": "eigenvector of the Hessian",
    "participation_ratio": "participation ratio of an eigenvector: number of parameters that it is spread over",
    "tolerance": "number of parameters times machine epsilon times the largest |eigenvalue|: below it one counts as zero",
    "nodes": "node of a probe's Gauss quadrature of the spectral density",
    "weights": "weight of a node; their mean over the probes adds up to the share of eigenvalues that are no zero rows'",
    "negative": "number of eigenvalues below minus the tolerance",
    "flat": "number of eigenvalues within the tolerance of zero",
    "in_float64": "1 where products exceed the precision that was asked for, and are in float64, else 0",
    "negative_exact": "number of eigenvalues below minus the tolerance, counted by inertia",
    "flat_exact": "number of eigenvalues within the tolerance of zero, counted by inertia",
    "tolerance_resolved": "number of parameters times machine epsilon times the largest |eigenvalue|",
    "negative_resolved": "number of eigenvalues below minus tolerance_resolved, counted by inertia",
    "flat_resolved": "number of eigenvalues within tolerance_resolved of zero, counted by inertia",
    "negative_published": "number of eigenvalues below zero, round-off included, as published",
    "zero_rows": "number of rows of the Hessian that are exactly zero",
    "symmetric": "number of eigenvalues that are zero by a symmetry of the network, zero rows aside",
    "lifted": "how many more eigenvalues would be flat without the weight penalty",
    "lambda_min": "smallest eigenvalue of the Hessian",
    "lambda_max": "largest eigenvalue of the Hessian",
    "lambda_max_gauss_newton": "largest eigenvalue of the Gauss-Newton part of the Hessian",
    "lambda_max_rest": "largest eigenvalue of the rest of the Hessian, beyond its Gauss-Newton part",
}
"""The long_name of each variable. Their unit is 1: losses, parameters and eigenvalues are pure numbers here."""

COMMENTS = {
    "update": "number of updates done before the one that is recorded, from 0",
    "tolerance": "with Lanczos quadrature the resolution, a chosen share of the largest |eigenvalue|",
    "eigenvalues": "of the exact Hessian of the mean training loss in all parameters, after the update; ascending",
    "eigenvectors": "normalized; modes by ascending eigenvalue",
}
"""What no label of an axis has room for."""

VARIABLES |= {
    f"{name}_error": f"error of the estimate: {VARIABLES[name]}" for name in ("negative", "flat", "lambda_min", "lambda_max")
}
for _score, _said in SCORES.items():
    VARIABLES |= {
        f"train_{_score}": f"{_said} on the training samples, of the parameters before the update",
        f"train_{_score}_after": f"{_said} on the training samples, of the parameters after the update",
        f"test_{_score}": f"{_said} on the test samples, of the parameters after the update",
    }

_IN_UNITS_OF_THE_TABLE = {name for name in VARIABLES if name.endswith(("_mean", "_deviation"))}


def described(dataset: xr.Dataset) -> xr.Dataset:
    """The same with long_name and units at each variable that is listed above; what it has already, stays.

    A mean or a deviation, and features and targets of a table that were not scaled, are in the units of the table's columns,
    which it does not tell: they get none. Words have none either.
    """
    result = dataset.assign_attrs(Conventions=CONVENTIONS, references=PAPER, keywords=KEYWORDS)
    unitless = _IN_UNITS_OF_THE_TABLE | {
        name for name in ("features", "target") if dataset.attrs.get("source") == "own" and f"{name}_mean" not in dataset
    }
    for name, variable in result.variables.items():
        known = {"long_name": VARIABLES[name]} if name in VARIABLES else {}
        known |= {"comment": COMMENTS[name]} if name in COMMENTS else {}
        if known and variable.dtype.kind in "fiu" and name not in unitless:
            known["units"] = "1"
        variable.attrs = known | variable.attrs
    return result


def derived(
    origin: xr.Dataset, step: str, what: str, run: Mapping[str, str], formula: str = "", **settings
) -> dict[str, str]:
    """Global attributes of a file of one run: `what` it holds, of which run, and all settings that decided its numbers.

    `formula` is that of the activation, in words. `settings` are those of this step, as the configuration gives them; those
    of the steps before are in `origin`.
    """
    earlier = json.loads(origin.attrs.get("configuration", "{}"))
    return {
        "title": f"{what}: {' '.join(run[part] for part in RUN)}",
        **{part: run[part] for part in RUN},
        **({"activation_formula": formula} if formula else {}),
        **configured(earlier | settings),
        "history": ", ".join(filter(None, [origin.attrs.get("history"), step])),
    }


def configured(settings: Mapping) -> dict[str, str]:
    """Settings as attributes: as JSON, and its hash."""
    text = json.dumps(settings, sort_keys=True)
    return {"configuration": text, "configuration_sha256": hashlib.sha256(text.encode()).hexdigest()}
