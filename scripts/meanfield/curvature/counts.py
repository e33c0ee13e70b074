"""
Exact counts of eigenvalues at single records, beside estimates that need no matrix (docs/method.md, "Exact counts").
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from meanfield.curvature.dense import Dense
from meanfield.curvature.eigen import tolerance
from meanfield.curvature.hessian import hessian
from meanfield.curvature.inertia import compacted, count_below
from meanfield.model.network import Network
from meanfield.model.propagation import Objective


def chosen_updates(recorded: np.ndarray, updates: Sequence[int | str]) -> list[int]:
    """Those of the updates that were recorded, "last" being the last of them."""
    return sorted({int(recorded[-1]) if update == "last" else update for update in updates} & set(recorded.tolist()))


def counted_beside(
    spectrum: xr.Dataset,
    parameters: np.ndarray,
    updates: Sequence[int | str],
    most: int,
    network: Network,
    objective: Objective,
    dense: Dense,
) -> xr.Dataset:
    """Estimates of a spectrum, at parameters [seed, update, P], with counts by inertia at these updates, NaN at others.

    negative and flat with `_exact` have the τ of the estimates, those with `_resolved` tolerance_resolved, the solver's. A
    network with more than `most` parameters gets the attribute inertia_skipped instead, which also names updates that were
    not recorded.
    """
    if network.size > most:
        skipped = f"nothing was counted by inertia: {network.size} parameters, more than {most} (spectrum.inertia_up_to)"
        return spectrum.assign_attrs(inertia_skipped=skipped)
    largest = np.maximum(abs(spectrum.lambda_min.values), abs(spectrum.lambda_max.values))
    taus = {"exact": spectrum.tolerance.values, "resolved": tolerance(network.size, largest)}
    names = [f"{count}_{kind}" for kind in taus for count in ("negative", "flat")]
    result = {name: np.full(largest.shape, np.nan) for name in (*names, "tolerance_resolved")}
    chosen = np.isin(spectrum["update"], chosen_updates(spectrum["update"].values, updates))
    if absent := sorted({*updates} - {"last", *spectrum["update"].values.tolist()}):
        said = f"nothing was counted by inertia at updates {', '.join(map(str, absent))}: not recorded (spectrum.inertia_at)"
        spectrum = spectrum.assign_attrs(inertia_skipped=said)
    for place in map(tuple, np.argwhere(chosen & ~np.isnan(largest))):
        counts = _counts(parameters[place], [values[place] for values in taus.values()], network, objective, dense)
        for kind, (negative, flat) in zip(taus, counts, strict=True):
            result[f"negative_{kind}"][place], result[f"flat_{kind}"][place] = negative, flat
        result["tolerance_resolved"][place] = taus["resolved"][place]
    return spectrum.assign({name: (("seed", "update"), values) for name, values in result.items()})


def _counts(
    theta: np.ndarray, taus: Sequence[float], network: Network, objective: Objective, dense: Dense
) -> list[tuple[int, int]]:
    """How many eigenvalues lie below −τ, and within ±τ, for each τ, at theta [P].

    In the memory of one matrix, without the rows that are zero: two factorizations for each τ.
    """
    matrix = hessian(theta, network, objective, dense=dense)
    kept = np.flatnonzero(matrix.any(axis=-1))
    shifts = [shift for tau in taus for shift in (-tau, np.nextafter(tau, np.inf))]
    counts = count_below(compacted(matrix, kept), shifts, overwrite=True)
    zeros = network.size - len(kept)
    return [(below, up_to - below + zeros) for below, up_to in zip(counts[::2], counts[1::2], strict=True)]
