"""
The spectrum of the Hessian along training, and how much of it is negative or flat (docs/method.md, "Spectrum and indices").

By all eigenvalues (`eigen`), by counts alone (`inertia`), or by estimates without the matrix (`quadrature`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import xarray as xr

from meanfield.curvature import hessian, quadrature, symmetry
from meanfield.curvature.counts import chosen_updates, counted_beside
from meanfield.curvature.dense import NUMPY, Dense
from meanfield.curvature.eigen import eigenvalues, eigenvectors, participation_ratios, tolerance, without, zero_rows
from meanfield.curvature.inertia import count_below, extreme_eigenvalue
from meanfield.data.task import problem, splits_of
from meanfield.errors import MeanfieldError
from meanfield.model import propagation
from meanfield.model.network import Network
from meanfield.model.propagation import Objective

CHUNK = 32 * 2**20  # bytes of Hessians held at once, unless one is larger
SMALL = 200  # up to this P, extreme eigenvalues of G and R come from the dense matrices, as stacks; beyond, from Lanczos


def _by_eigenvalues(matrices: np.ndarray, zero: np.ndarray, dense: Dense) -> dict[str, np.ndarray]:
    """Counts and extremes from all eigenvalues."""
    values = eigenvalues(matrices, zero, dense)
    tau = tolerance(values.shape[-1], np.abs(values).max(axis=-1))
    return {
        "eigenvalues": values,
        "tolerance": tau,
        "negative": (values < -tau[:, None]).sum(axis=-1),
        "flat": (np.abs(values) <= tau[:, None]).sum(axis=-1),
        "negative_published": (values < 0).sum(axis=-1),
        "lambda_min": values[:, 0],
        "lambda_max": values[:, -1],
    }


def _by_inertia(matrices: np.ndarray, zero: np.ndarray, products: Sequence[Callable]) -> dict[str, np.ndarray]:
    """The same counts by two factorizations each, without eigenvalues; what needs them all is NaN."""
    rows = []
    for matrix, dead, product in zip(matrices, zero, products, strict=True):
        largest, _ = extreme_eigenvalue(product, len(dead), "LM")
        tau = tolerance(len(dead), abs(largest))
        below, up_to = count_below(without(matrix, dead), (-tau, np.nextafter(tau, np.inf)))
        rows.append(
            {
                "tolerance": tau,
                "negative": below,
                "flat": up_to - below + dead.sum(),
                "negative_published": np.nan,
                "lambda_min": largest if largest < 0 else np.nan,
                "lambda_max": largest if largest > 0 else np.nan,
            }
        )
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _counted(
    matrices: np.ndarray,
    zero: np.ndarray,
    method: str,
    members: np.ndarray,
    network: Network,
    objective: Objective,
    dense: Dense,
) -> dict[str, np.ndarray]:
    """Counts and extremes of the members' Hessians, by that method."""
    if method == "eigenvalues":
        return _by_eigenvalues(matrices, zero, dense)
    return _by_inertia(matrices, zero, [propagation.operator(theta, network, objective) for theta in members])


def _flat_without_penalty(
    members: np.ndarray, method: str, network: Network, objective: Objective, dense: Dense
) -> np.ndarray:
    """How many eigenvalues of the loss alone are flat, without its penalty: int64 [batch]."""
    alone = objective._replace(l2=0.0)
    matrices = hessian.hessian(members, network, alone, dense=dense)
    return _counted(matrices, zero_rows(matrices), method, members, network, alone, dense)["flat"]


def _largest_of_split(
    members: np.ndarray, network: Network, objective: Objective, split: tuple | None, starts: dict
) -> dict[str, np.ndarray]:
    """Largest eigenvalue of G and of R = H − G for each member; `split` is (H, G) where they are at hand.

    `starts` keeps the vectors found last: along training they change little, so that Lanczos starts close by.
    """
    names = {"lambda_max_gauss_newton": "G", "lambda_max_rest": "R"}
    if split:
        total, gauss_newton = split
        matrices = {"G": gauss_newton, "R": total - gauss_newton}
        return {name: np.linalg.eigvalsh(matrices[part])[:, -1] for name, part in names.items()}
    result = {name: [] for name in names}
    for theta in members:
        for name, part in names.items():
            product = propagation.operator(theta, network, objective, part)
            value, starts[name] = extreme_eigenvalue(product, network.size, "LA", starts.get(name))
            result[name].append(value)
    return {name: np.array(values) for name, values in result.items()}


def of_members(
    members: np.ndarray, network: Network, objective: Objective, method: str, dense: Dense, starts: dict
) -> dict[str, np.ndarray]:
    """Counts and extremes at members [member, P] as `along_trajectory` has them, each [member], or [member, P]: eigenvalues.

    `starts` keeps vectors of these members for those that follow.
    """
    small, symmetries = network.size <= SMALL, symmetry.Symmetries.of(network, objective)
    split = hessian.hessian(members, network, objective, split=True, dense=dense) if small else None
    matrices = split[0] if small else hessian.hessian(members, network, objective, dense=dense)
    zero = zero_rows(matrices)
    result = _counted(matrices, zero, method, members, network, objective, dense)
    if objective.l2:
        result["lifted"] = _flat_without_penalty(members, method, network, objective, dense) - result["flat"]
    result["symmetric"] = np.zeros(len(members), int)
    if symmetries.number:  # else there is nothing to count, and no gradient to be taken
        gradients = propagation.gradient(members, network, objective)
        cases = zip(members, gradients, ~zero, result["tolerance"], strict=True)
        result["symmetric"][:] = [symmetry.flat_directions(t, g, symmetries, kept, tau) for t, g, kept, tau in cases]
    result["zero_rows"] = zero.sum(axis=-1)
    return result | _largest_of_split(members, network, objective, split, starts)


def along_trajectory(
    trajectory: xr.Dataset,
    network: Network,
    objective: Objective,
    *,
    method: str = "eigenvalues",
    eigenvectors_at: Sequence[int | str] = (),
    inertia_at: Sequence[int | str] = (),
    inertia_up_to: int = 0,
    dense: Dense = NUMPY,
    progress: Callable[[Iterable, str], Iterable] = lambda items, unit: items,
    **lanczos: float | str,
) -> xr.Dataset:
    """Spectra of every seed and record.

    `method` "eigenvalues" gives them all, ascending, [seed, update, mode]; "inertia" only their counts, from two
    factorizations. Counts and extremes are [seed, update]: tolerance, negative (λ < −τ), flat (|λ| ≤ τ), negative_published
    (λ < 0), zero_rows, symmetric (flat by symmetry, zero rows aside), lambda_min, lambda_max, lambda_max_gauss_newton,
    lambda_max_rest; with an l2 also lifted: how many more would be flat without it. "eigenvalues" also gives, at the updates
    `eigenvectors_at` ("last" is the last recorded), eigenvectors [seed, vector_update, parameter, mode] and
    participation_ratio [seed, vector_update, mode], modes by ascending eigenvalue. `dense` does the large linear algebra.
    "lanczos", set by `quadrature.Settings`, forms no matrix: nodes and weights [seed, update, probe, node] of the density;
    estimates, each with its `_error`, of negative, flat (τ is `resolution` of the largest |λ|), lambda_min and lambda_max.
    Beside them, at the updates `inertia_at`, counts by inertia of networks with at most `inertia_up_to` parameters: `_exact`
    with the same τ, `_resolved` with tolerance_resolved = P·ε·max|λ|; of larger ones the attribute inertia_skipped says so.
    All is NaN where a member's parameters are, since it had diverged. A MeanfieldError names seed and update.
    """
    parameters = trajectory.parameters.values
    finite = np.isfinite(parameters).all(axis=-1)
    settings = quadrature.Settings(**lanczos) if method == "lanczos" else None
    chunk = 1 if settings else max(1, CHUNK // (8 * network.size**2))
    blocks = [
        (member, updates[at : at + chunk])
        for member, updates in enumerate(map(np.flatnonzero, finite))
        for at in range(0, len(updates), chunk)
    ]
    results, starts = [], defaultdict(dict)  # of each member its own: no member depends on those before it
    for member, updates in progress(blocks or [(0, np.zeros(1, int))], "block"):
        theta = parameters[member, updates] if blocks else np.zeros((1, network.size))  # whose results have no place
        some = theta, network, objective
        try:
            results.append(
                quadrature.of_members(*some, settings, starts[member])
                if settings
                else of_members(*some, method, dense, starts[member])
            )
        except MeanfieldError as error:
            ends = " to ".join(dict.fromkeys(map(str, trajectory["update"].values[updates[[0, -1]]])))
            raise MeanfieldError(f"seed {trajectory.seed.values[member]}, update {ends}: {error}") from error
    dims = {1: ("seed", "update"), 2: ("seed", "update", "mode"), 3: ("seed", "update", "probe", "node")}
    joined = {name: np.concatenate([result[name] for result in results]) for name in results[0]}
    said = settings._asdict() | {"coverage": quadrature.COVERAGE} if settings else {}
    spectrum = xr.Dataset(
        {name: (dims[values.ndim], _scattered(values, finite)) for name, values in joined.items()},
        coords={"seed": trajectory.seed, "update": trajectory["update"], "parameter": network.parameter_names}
        | ({"mode": np.arange(network.size)} if method == "eigenvalues" else {}),
        attrs={"method": method, "parameters": network.size, **said},
    )
    if method == "lanczos" and inertia_at:
        return counted_beside(spectrum, parameters, inertia_at, inertia_up_to, network, objective, dense)
    if method != "eigenvalues":
        return spectrum
    vectors = _eigenvectors(trajectory, network, objective, spectrum, eigenvectors_at, dense)
    return spectrum.merge(vectors, combine_attrs="override")


def _scattered(values: np.ndarray, finite: np.ndarray) -> np.ndarray:
    """Values [point, …] at the points where `finite` [seed, update] holds, NaN at the others: [seed, update, …]."""
    shape = (*finite.shape, *values.shape[1:])
    if finite.all():
        return values.reshape(shape)  # whole numbers stay whole
    result = np.full(shape, np.nan)
    result[finite] = values[: finite.sum()]
    return result


def of_run(
    trajectory: xr.Dataset, dataset: xr.Dataset, architecture: str, activation: str, averaging: str, **options
) -> xr.Dataset:
    """`along_trajectory` for a run on `dataset`, split by split if it has several; `options` are passed on.

    `averaging` is the precision of the loss's mean. The weight penalty is that of the training, the trajectory's `l2`.
    """
    run = (architecture, activation, averaging, trajectory.attrs.get("l2", 0.0))
    if not splits_of(dataset):
        return along_trajectory(trajectory, *problem(dataset, *run), **options)
    finite = np.isfinite(trajectory.cost).any("update")
    spectra = [
        along_trajectory(trajectory.sel(seed=[seed]), *problem(dataset.sel(seed=seed), *run), **options)
        for seed in trajectory.seed.values[finite]
    ]
    return xr.concat(spectra, dim="seed", combine_attrs="override").reindex(seed=trajectory.seed)


def _eigenvectors(
    trajectory: xr.Dataset,
    network: Network,
    objective: Objective,
    spectrum: xr.Dataset,
    updates: Sequence[int | str],
    dense: Dense,
) -> xr.Dataset:
    """Eigenvectors and participation ratios at the chosen updates, as far as they were recorded."""
    chosen = chosen_updates(trajectory["update"].values, updates)
    vectors, ratios = [], []
    for update in chosen:
        parameters = trajectory.parameters.sel(update=update).values
        finite = np.isfinite(parameters).all(axis=-1)
        basis = np.full((*parameters.shape, network.size), np.nan)
        ratio = np.full(parameters.shape, np.nan)
        for member, matrix in zip(
            np.flatnonzero(finite), hessian.hessian(parameters[finite], network, objective, dense=dense), strict=True
        ):
            values, basis[member] = eigenvectors(matrix, dense)
            ratio[member] = participation_ratios(values, basis[member], float(spectrum.tolerance.sel(update=update)[member]))
        vectors.append(basis)
        ratios.append(ratio)
    if not chosen:
        return xr.Dataset()
    dims = ("seed", "vector_update", "parameter", "mode")
    return xr.Dataset(
        {
            "eigenvectors": (dims, np.stack(vectors, axis=1)),
            "participation_ratio": ((*dims[:2], "mode"), np.stack(ratios, axis=1)),
        },
        coords={"vector_update": chosen},
    )
