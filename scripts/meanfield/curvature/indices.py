"""The numbers of a run, record by record: α and γ as published and resolved, γ by cause, zero residuals, widths."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from meanfield.data.description import RUN
from meanfield.data.task import scores_in, task_of

ZERO_RESIDUAL = 1e-5  # the figure "residues": |ŷ − y| up to this counts as zero (docs/protocol.md, section Indices)


def zero_residuals(residual: np.ndarray) -> np.ndarray:
    """Share of zero residuals of [..., label, sample], float64 [...]; NaN where they are."""
    share = (np.abs(residual) <= ZERO_RESIDUAL).mean(axis=(-2, -1))
    return np.where(np.isnan(residual).any(axis=(-2, -1)), np.nan, share)


def _weighted_quantiles(spectrum: xr.Dataset, levels: Sequence[float]) -> np.ndarray:
    """Quantiles of the density that nodes and weights of all probes estimate, float64 [level, seed, update], NaN likewise.

    The zero rows' share is exact.
    """
    shape = (*spectrum.tolerance.shape, -1)
    zeros = (spectrum.zero_rows / spectrum.attrs["parameters"] * spectrum.sizes["probe"]).values
    weights = np.concatenate([spectrum.weights.values.reshape(shape), zeros[..., None]], axis=-1)
    nodes = np.concatenate([spectrum.nodes.values.reshape(shape), 0 * zeros[..., None]], axis=-1)
    return np.quantile(nodes, levels, axis=-1, weights=np.nan_to_num(weights, nan=1.0), method="inverted_cdf")


def bulk_width(spectrum: xr.Dataset) -> np.ndarray:
    """Width of the interval that holds the central 80 % of the eigenvalues, float64 [seed, update]; NaN where not computed.

    Unlike λ_max − λ_min it says nothing of the few outliers. A width of at most 2τ is not resolved from 0, and is 0. Of
    nodes with weights it is estimated.
    """
    if "nodes" in spectrum:
        low, high = _weighted_quantiles(spectrum, [0.1, 0.9])
    elif "eigenvalues" in spectrum:
        low, high = np.quantile(spectrum.eigenvalues.values, [0.1, 0.9], axis=-1)
    else:
        return np.full(spectrum.tolerance.shape, np.nan)
    width = high - low
    return np.where(width <= 2 * spectrum.tolerance.values, 0.0, width)


def shares(spectrum: xr.Dataset, size: int) -> dict[str, xr.DataArray]:
    """α and γ, resolved, and γ by cause, as shares of `size` parameters, from the counts of a spectrum.

    With an l2 also what γ would be more without it, lifted by the penalty; of estimates also their errors, and the exact
    shares at the records where they were counted.
    """
    further = {"gamma_lifted": "lifted", "alpha_error": "negative_error", "gamma_error": "flat_error"}
    further |= {"alpha_exact": "negative_exact", "gamma_exact": "flat_exact"}
    return {
        "alpha": spectrum.negative / size,
        "gamma": spectrum.flat / size,
        "gamma_rows": spectrum.zero_rows / size,
        "gamma_symmetry": spectrum.symmetric / size,
        "gamma_flat": (spectrum.flat - spectrum.zero_rows - spectrum.symmetric) / size,
        **{share: spectrum[name] / size for share, name in further.items() if name in spectrum},
    }


def indices(trajectory: xr.Dataset, spectrum: xr.Dataset, after: bool = False) -> pd.DataFrame:
    """One line per seed and record: run, cost, scores, zero residuals, gradient norm, α and γ published and resolved, λ, P.

    Cost and training scores are those before the update, as published, or, `after`, of the same parameters as the rest.
    """
    size = spectrum.attrs["parameters"]
    suffix, scores = "_after" if after else "", scores_in(trajectory)
    columns = {
        **{name: trajectory[name + suffix] for name in ("cost", *(f"train_{score}" for score in scores))},
        **{f"test_{score}": trajectory[f"test_{score}"] for score in scores},
        "zero_residuals": (("seed", "update"), zero_residuals(trajectory.residual.values)),
        "gradient_norm": trajectory.gradient_norm,
        "alpha_published": spectrum.negative_published / size,
        "gamma_published": spectrum.zero_rows / size,
        **shares(spectrum, size),
        **{name: spectrum[name] for name in ("tolerance", "lambda_min", "lambda_max")},
        **{name: spectrum[name] for name in ("lambda_max_gauss_newton", "lambda_max_rest")},
        **{name: spectrum[name] for name in ("lambda_min_error", "lambda_max_error") if name in spectrum},
        "bulk_width": (("seed", "update"), bulk_width(spectrum)),
        "parameters": size,
        "diverged": trajectory.diverged.where(trajectory.diverged >= 0),
    }
    if "negative_resolved" in spectrum:
        columns |= {
            "alpha_resolved": spectrum.negative_resolved / size,
            "gamma_resolved": spectrum.flat_resolved / size,
            "tolerance_resolved": spectrum.tolerance_resolved,
        }
    if "participation_ratio" in spectrum:
        mean = spectrum.participation_ratio.mean("mode").rename(vector_update="update")
        columns["participation_ratio"] = mean.reindex(update=trajectory["update"])
    table = xr.Dataset(columns).reset_coords(drop=True).to_dataframe(dim_order=["seed", "update"]).reset_index()
    run = {name: spectrum.attrs[name] for name in RUN if name in spectrum.attrs}
    table = table.assign(**run, task=task_of(spectrum), source=spectrum.attrs["source"])
    return table[[*run, *(name for name in table if name not in run)]]
