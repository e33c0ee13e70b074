"""
The exact Hessian of the loss in closed form, for any depth, and its Gauss–Newton split.

Derived in docs/method.md, section "Second derivatives" (after Bishop 1992, Neural Computation 4:494, with ESP's β added).
Per sample, two families of small matrices are propagated through the layers, for each unit variable
u_m (h_m, or β_m) of each layer m:

    S_l = ∂h_l/∂u_m,  T_l = ∂a_l/∂u_m       forward:   S_{l+1} = W_{l+1} T_l,      T_l = f_h ∘ S_l
    Q_l = ∂δ_l/∂u_m,  δ_l = ∂ℓ/∂h_l         backward:  Q_l = k_hh ∘ S_l + f_h ∘ (W_{l+1}ᵀ Q_{l+1})
    R_l = ∂(∂ℓ/∂β_l)/∂u_m                              R_l = k_hβ ∘ S_l + f_β ∘ (W_{l+1}ᵀ Q_{l+1})

with the local curvatures k = e ∘ (f_hh, f_hβ, f_ββ), e = ∂ℓ/∂a_l, plus λ(f_h², f_h f_β, f_β²) in the output layer. Where the
loss couples the labels, its curvature is a matrix Λ; then Λ T_L takes the place of Wᵀ Q_{L+1} in the output layer. Every
block of the Hessian is then a Gram matrix, summed over samples, of Q or R with the layers' inputs ã = [a, 1]: a few large
matrix products. G keeps only the terms with λ, R = H − G only those with e and δ. Small networks go another way: `small`.

Arrays carry the axes [part, batch, sample, unit]; `part` is 1 for H alone and 2 for (H, G); the small matrices are stored
transposed, [..., j, i] with j a unit of layer m and i one of layer l, so that every propagation is one matrix product.
"""

from collections.abc import Iterator

import numpy as np

from meanfield.curvature import small
from meanfield.curvature.dense import NUMPY, Dense
from meanfield.errors import MeanfieldError
from meanfield.model.network import Layout, Network
from meanfield.model.propagation import Objective, Point, check, local_curvatures, propagate

WORKSPACE = 32 * 2**20
"""Bytes for the per-sample intermediates: samples and batch members are taken in blocks that fit, see LEAST_BLOCK."""

LEAST_BLOCK = 128
"""Samples in a block even if they exceed the workspace: matrix products with fewer are slow."""


def hessian(
    theta: np.ndarray,
    network: Network,
    objective: Objective,
    *,
    split: bool = False,
    workspace: int = WORKSPACE,
    dense: Dense = NUMPY,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """The exact Hessian of the averaged loss at theta [..., P]: float64 [..., P, P], exactly symmetric.

    With `split` the pair (H, G) of Hessian and Gauss–Newton term from one pass; the rest is R = H − G. Whatever the number
    of samples, memory beyond the result is the intermediates of one block of samples (`workspace` bytes, or LEAST_BLOCK
    samples if that is more) and the Hessian's blocks of the members in hand. `dense` multiplies the large matrices.
    MeanfieldError for NaN or infinite input or output, wrong shapes, or an activation without second derivatives.
    """
    check(theta, network, objective)
    members = theta.reshape(-1, network.size)
    result = np.empty((1 + split, len(members), network.size, network.size))
    samples, is_small = len(objective.features), small.suits(network, objective)
    workspace = min(workspace, small.WORKSPACE) if is_small else workspace
    per_sample = 8 * (small.doubles_per_sample(network) if is_small else _doubles_per_sample(network, 1 + split))
    block = min(max(workspace // per_sample, LEAST_BLOCK), samples)
    batch = max(workspace // (per_sample * block), 1)
    for first in range(0, len(members), batch):
        chunk = slice(first, first + batch)
        parts = [objective.samples(start, start + block) for start in range(0, samples, block)]
        if is_small:
            result[:, chunk] = small.total(members[chunk], network, parts)[: 1 + split]
        else:
            _fill(result[:, chunk], members[chunk], network, parts, dense)
        if objective.l2:  # a sum of squares: its Hessian is a Gauss–Newton term
            result[:, chunk, network.weights, network.weights] += objective.l2
        if not np.isfinite(result[:, chunk].sum()):
            raise MeanfieldError(
                f"the Hessian overflows float64 (parameters up to {np.abs(members[chunk]).max():.1g}, features up to "
                f"{np.abs(objective.features).max():.1g}); scale the features, or lower the learning rate"
            )
    result = result.reshape(1 + split, *theta.shape[:-1], network.size, network.size)
    return (result[0], result[1]) if split else result[0]


def _fill(result: np.ndarray, members: np.ndarray, network: Network, parts: list[Objective], dense: Dense) -> None:
    """Sum over the parts of the samples, block by block of the matrices, into result [part, batch, P, P]."""
    totals: dict = {}
    for samples in parts:
        point = propagate(members, network, samples)
        for place, value in _blocks(network, point, len(result) == 2, dense):
            totals[place] = np.add(totals[place], value, out=totals[place]) if place in totals else value
    for place in list(totals):
        _scatter(place, totals.pop(place), network, result)


def _doubles_per_sample(network: Network, parts: int) -> int:
    """Numbers held per sample and member at the peak: products of two layers' inputs, and the small matrices."""
    inputs = [layout.inputs + 1 for layout in network.layout]
    units = [layout.units for layout in network.layout]
    products = max([n * (n + 1) // 2 for n in inputs] + [a * b for a in inputs for b in inputs if a is not b])
    responses = max((a * b * c for a, b, c in zip(units, units[1:], units[2:], strict=False)), default=0)
    return products + responses + 4 * parts * len(units) * max(units) ** 2


def _gram(dense: Dense, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Σ_n left[n, a…] right[n, c…] for [part, batch, sample, a…] and [batch, sample, c…]: [part, batch, a…, c…]."""
    flat = left.reshape(*left.shape[:3], -1).swapaxes(-1, -2)
    product = dense.product(flat, right.reshape(*right.shape[:2], -1))
    return product.reshape(*product.shape[:2], *left.shape[3:], *right.shape[2:])


def _packed_square(a: np.ndarray) -> np.ndarray:
    """Per-sample a_p·a_q for p ≤ q, row by row: [..., sample, n(n+1)/2]."""
    size = a.shape[-1]
    result, start = np.empty((*a.shape[:-1], size * (size + 1) // 2)), 0
    for p in range(size):
        np.multiply(a[..., p : p + 1], a[..., p:], out=result[..., start : start + size - p])
        start += size - p
    return result


def _add_direct(matrices: np.ndarray, own: np.ndarray, curvature: np.ndarray, sensitivity: np.ndarray | None) -> None:
    """Add the direct term to Q or R, in place: diag(own) in the variable's own layer, curvature ∘ S in later ones."""
    if sensitivity is None:
        np.einsum("...ii->...i", matrices)[...] += own
    else:
        matrices += curvature[..., None, :] * sensitivity


def _times(matrices: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[…, batch, sample, j, k] times [batch, k, i] as one product a member: […, batch, sample, j, i]."""
    flat = matrices.reshape(*matrices.shape[:-3], -1, matrices.shape[-1])
    return (flat @ weights).reshape(*matrices.shape[:-1], weights.shape[-1])


def _columns(point: Point, local: list, m: int, variable: str) -> tuple[dict, dict, dict]:
    """T_l, Q_l and R_l, l ≥ m, of the variable h_m ("W") or β_m ("β"), [part, batch, sample, j, i]; T_m as its diagonal."""
    depth = len(point.layers)
    own = point.states[m].h if variable == "W" else point.states[m].beta
    sensitivities, responses, q, r = {}, {m: own}, {}, {}
    for k in range(m + 1, depth):
        transposed = point.layers[k].weights.swapaxes(-1, -2)
        sensitivities[k] = own[..., None] * transposed[:, None] if k == m + 1 else _times(responses[k - 1], transposed)
        responses[k] = point.states[k].h[..., None, :] * sensitivities[k]
    for k in reversed(range(m, depth)):
        hh, hb, bb = local[k]
        state, units = point.states[k], (own.shape[-1], hh.shape[-1])
        if k + 1 < depth:
            back = _times(q[k + 1], point.layers[k + 1].weights)
        elif point.coupled:
            response = responses[k] if k > m else own[..., None] * np.eye(units[0])
            back = np.repeat((response @ point.curvature)[None], len(hh), axis=0)
        else:
            back = np.zeros((*hh.shape[:-1], *units))
        if np.ndim(state.beta):  # else the activation has no β
            r[k] = state.beta[..., None, :] * back
        q[k] = np.multiply(state.h[..., None, :], back, out=back)
        own_q, own_r = (hh, hb) if variable == "W" else (hb, bb)
        _add_direct(q[k], own_q, hh, sensitivities.get(k))
        if k in r:
            _add_direct(r[k], own_r, hb, sensitivities.get(k))
    return responses, q, r


def _blocks(network: Network, point: Point, split: bool, dense: Dense) -> Iterator[tuple[tuple, np.ndarray]]:
    """Yield (place, Σ_n …) for the lower triangle of blocks; a place is (l, row, m, column), row and column "W" or "β".

    Shape [part, batch, j, i, p, q] for unit j and input q of layer m, unit i and input p of layer l; a β takes the
    single input 1. The W block of one layer comes packed, [part, batch, pairs i ≥ j, pairs p ≤ q].
    """
    local = local_curvatures(network, point, split)
    share = np.array([1.0, 0.0])[: 1 + split, None, None, None]  # δ belongs to the rest, not to G
    trainable = network.activation.trainable_beta
    for m in range(len(point.layers)):
        for variable in "Wβ" if trainable else "W":
            right = point.inputs[m] if variable == "W" else np.ones_like(point.inputs[m][..., :1])
            responses, q, r = _columns(point, local, m, variable)
            for k in q:
                if trainable:
                    yield (k, "β", m, variable), _gram(dense, r[k], right)[..., None, :]
                if k > m:
                    block = _gram(dense, q[k], point.inputs[k][..., :, None] * right[..., None, :])
                    delta, response = share * point.deltas[k], responses[k - 1]
                    if k == m + 1:  # T_m is diagonal: p = j
                        diagonal = np.einsum("...jijq->...jiq", block[..., :-1, :])
                        diagonal += _gram(dense, response[..., :, None] * delta[..., None, :], right)
                    else:
                        second = _gram(dense, response[..., :, :, None] * delta[..., None, None, :], right)
                        block[..., :-1, :] += second.swapaxes(-3, -2)
                    yield (k, "W", m, variable), block
                elif variable == "W":
                    j, i = np.triu_indices(q[k].shape[-1])
                    yield (k, "W", m, "W"), _gram(dense, q[k][..., j, i], _packed_square(point.inputs[m]))


def _scatter(place: tuple, block: np.ndarray, network: Network, result: np.ndarray) -> None:
    """Write a block and its mirror image into result [part, batch, P, P]."""
    k, row, m, column = place
    rows = network.layout[k].affine if row == "W" else network.layout[k].betas[:, None]
    columns = network.layout[m].affine if column == "W" else network.layout[m].betas[:, None]
    if (k, row, column) == (m, "W", "W"):
        _scatter_packed(block, network.layout[k], result)
        return
    matrix = block.transpose(0, 1, 3, 4, 2, 5).reshape(*block.shape[:2], rows.size, columns.size)
    if (k, row) == (m, column):
        matrix = (matrix + matrix.swapaxes(-1, -2)) / 2
    result[..., rows.reshape(-1, 1), columns.ravel()] = matrix
    result[..., columns.reshape(-1, 1), rows.ravel()] = matrix.swapaxes(-1, -2)


def _scatter_packed(block: np.ndarray, layout: Layout, result: np.ndarray) -> None:
    """The W block of one layer: unit pairs i ≥ j and input pairs p ≤ q, each stored once, to all their places."""
    pair = np.empty((layout.inputs + 1,) * 2, dtype=int)
    p, q = np.triu_indices(layout.inputs + 1)
    pair[p, q] = pair[q, p] = np.arange(p.size)
    start, bias, n = layout.weights.start, layout.bias.start, layout.inputs
    weights = [slice(start + n * unit, start + n * (unit + 1)) for unit in range(layout.units)]
    for number, units in enumerate(zip(*np.triu_indices(layout.units), strict=True)):
        square = block[..., number, :][..., pair]
        for i, j in {units, units[::-1]}:
            result[..., weights[i], weights[j]] = square[..., :-1, :-1]
            result[..., weights[i], bias + j] = square[..., :-1, -1]
            result[..., bias + i, weights[j]] = square[..., -1, :-1]
            result[..., bias + i, bias + j] = square[..., -1, -1]
