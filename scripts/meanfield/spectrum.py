"""
Eigenvalues of the Hessian along training, and the indices α and γ, honestly (METHODS, section Spectrum).

Parameters whose whole row and column are exactly zero are removed first: each is one exact eigenvalue 0. The rest goes to
a symmetric solver. Its backward error is about ε·‖H‖₂, so an eigenvalue is resolved only beyond τ = P·ε·max|λ|.
"""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
import xarray as xr

from meanfield import hessian
from meanfield.hessian import Sums
from meanfield.network import Network

ZERO_RESIDUAL = 1e-5  # the figure "residues": |ŷ − y| up to this counts as zero (PROTOCOL, section Indices)
CHUNK = 256 * 2**20  # bytes of Hessians held at once


def zero_rows(matrices: np.ndarray) -> np.ndarray:
    """Which rows (and columns) are exactly zero, bool [..., P], for symmetric matrices [..., P, P]."""
    return ~matrices.any(axis=-1)


def eigenvalues(matrices: np.ndarray) -> np.ndarray:
    """All eigenvalues, ascending, of symmetric matrices [batch, P, P]: float64 [batch, P], exact zeros exact.

    Matrices with the same zero rows are solved as one stack.
    """
    result = np.zeros(matrices.shape[:-1])
    patterns, members = np.unique(zero_rows(matrices), axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        chosen, kept = np.flatnonzero(members == number), np.flatnonzero(~pattern)
        solved = np.linalg.eigvalsh(matrices[np.ix_(chosen, kept, kept)])
        result[chosen, pattern.sum() :] = solved
    return np.sort(result, axis=-1)


def tolerance(values: np.ndarray) -> np.ndarray:
    """τ = P·ε·max|λ| for eigenvalues [..., P]: below it a symmetric solver does not resolve an eigenvalue from 0."""
    return values.shape[-1] * np.finfo(float).eps * np.abs(values).max(axis=-1)


def along_trajectory(
    trajectory: xr.Dataset,
    network: Network,
    sums: Sums,
    progress: Callable[[Iterable, str], Iterable] = lambda items, unit: items,
) -> xr.Dataset:
    """Spectra of every seed and record: eigenvalues [seed, epoch, parameter] ascending, zero_rows [seed, epoch]."""
    parameters = trajectory.parameters.values
    members = parameters.reshape(-1, network.size)
    chunk = max(1, CHUNK // (8 * network.size**2))
    values, zeros = [], []
    for start in progress(range(0, len(members), chunk), "block"):
        matrices = hessian.hessian(members[start : start + chunk], network, sums)
        values.append(eigenvalues(matrices))
        zeros.append(zero_rows(matrices).sum(axis=-1))
    shape = parameters.shape[:2]
    return xr.Dataset(
        {
            "eigenvalues": (("seed", "epoch", "parameter"), np.concatenate(values).reshape(parameters.shape)),
            "zero_rows": (("seed", "epoch"), np.concatenate(zeros).reshape(shape)),
        },
        coords={"seed": trajectory.seed, "epoch": trajectory.epoch},
    )


def indices(trajectory: xr.Dataset, spectrum: xr.Dataset) -> pd.DataFrame:
    """One line per seed and record: cost, accuracies, zero residuals, gradient norm, α and γ published and resolved, λ."""
    values = spectrum.eigenvalues
    size = values.sizes["parameter"]
    tau = xr.apply_ufunc(tolerance, values, input_core_dims=[["parameter"]])
    small = np.abs(trajectory.residual) <= ZERO_RESIDUAL
    columns = {
        **{name: trajectory[name] for name in ("cost", "train_accuracy", "test_accuracy")},
        "zero_residuals": small.mean(("label", "sample")),
        "gradient_norm": trajectory.gradient_norm,
        "alpha_published": (values < 0).mean("parameter"),
        "gamma_published": spectrum.zero_rows / size,
        "alpha": (values < -tau).mean("parameter"),
        "gamma": (np.abs(values) <= tau).mean("parameter"),
        "tolerance": tau,
        "lambda_min": values.min("parameter"),
        "lambda_max": values.max("parameter"),
    }
    table = xr.Dataset(columns).reset_coords(drop=True).to_dataframe(dim_order=["seed", "epoch"]).reset_index()
    return table.assign(source=spectrum.attrs["source"])
