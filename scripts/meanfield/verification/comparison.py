"""
One run against the publication, quantity by quantity: a verdict on each, with the tolerance it rests on.

Tried in this order: every bit; the order of a float32 sum (cost, accuracies); the resolution of a symmetric solver
(eigenvalues, Hessians); the eigenvalues within the spectra's difference of zero (α and γ); the rank among re-trainings. The
re-trainings cost minutes, so they are made only where nothing before explains a difference.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from meanfield.errors import MeanfieldError
from meanfield.model.network import Network
from meanfield.model.propagation import Objective
from meanfield.verification import tolerances
from meanfield.verification.quantities import AVERAGED, QUANTITIES, RELATIVE, Pair, deviation, ours
from meanfield.verification.rank import FUNCTIONS_OF_EIGENVALUES, Rank, rank
from meanfield.verification.verdicts import (
    DIFFERS,
    FLOAT32,
    FOLLOWS,
    IDENTICAL,
    NOT_AVAILABLE,
    NOT_COMPARABLE,
    RESOLUTION,
    RETRAINING,
)

COLUMNS = ["quantity", "records", "worst", "tolerance", "tolerance_from", "verdict"]

ORIGINS = {
    IDENTICAL: "none needed: equal in every bit",
    FLOAT32: "the order of summation in float32",
    RESOLUTION: "P·ε of the largest, the resolution of a symmetric solver",
    FOLLOWS: "eigenvalues as near to where counting begins as the spectra differ",
}
"""Where the tolerance behind a verdict comes from."""

OPEN = "open"  # no verdict, but what `compare` has where it may not re-train
RANKED = "ranks of both among "  # how the origin of a tolerance by re-trainings begins


class Run:
    """Our side of a comparison: arrays [update, …] by quantity, zero rows [update], and what the tolerances need."""

    def __init__(
        self,
        values: dict[str, np.ndarray],
        zero_rows: np.ndarray,
        parameters: np.ndarray,
        network: Network,
        objective: Objective,
    ) -> None:
        """`values` as `quantities.ours` gives them for one seed, `parameters` [update, P]."""
        self.values, self.zero_rows, self.parameters = values, zero_rows, parameters
        self.network, self.objective = network, objective

    @classmethod
    def of(cls, trajectory: xr.Dataset, spectra: xr.Dataset, network: Network, objective: Objective) -> "Run":
        """From the first seed of trajectory.nc and spectrum.nc."""
        spectrum = spectra.eigenvalues.values, spectra.zero_rows.values
        values = {name: array[0] for name, array in ours(trajectory, *spectrum, network, objective).items()}
        return cls(values, spectra.zero_rows.values[0], trajectory.parameters.values[0], network, objective)

    def explained(self, pair: Pair, theirs: dict[str, np.ndarray]) -> dict | None:
        """The row of a quantity whose difference is explained without re-training; else None. NaN is not explained.

        `theirs` holds the published arrays by quantity, as far as they are at hand.
        """
        mine = self.values[pair.quantity][pair.records]
        difference = deviation(pair.quantity, mine, pair.theirs)
        if np.array_equal(mine, pair.theirs) or (pair.quantity in FUNCTIONS_OF_EIGENVALUES and not difference.any()):
            return _row(pair, difference, 0.0, IDENTICAL)
        if pair.quantity in ("zero_residuals", "gamma") and not difference.any():  # shares of whole numbers, divided
            return _row(pair, difference, 0.0, IDENTICAL)
        if pair.quantity in AVERAGED:
            unit = np.spacing(np.abs(pair.theirs).astype(np.float32)).astype(float)
            noise = self._summation(pair.records) if pair.quantity == "cost" else 0.0
            return self._within(pair, difference, np.maximum(unit, noise), FLOAT32)
        if pair.quantity in RELATIVE:
            tolerance = np.full(len(difference), tolerances.resolution(self.network.size))
            return self._within(pair, difference, tolerance, RESOLUTION)
        if pair.quantity in FUNCTIONS_OF_EIGENVALUES:
            return self._counted(pair, mine, difference, theirs)
        return None

    def _within(self, pair: Pair, difference: np.ndarray, tolerance: np.ndarray, verdict: str) -> dict | None:
        return _row(pair, difference, tolerance, verdict) if (difference <= tolerance).all() else None

    def _summation(self, records: np.ndarray) -> np.ndarray:
        return tolerances.float32_noise(self.parameters[records], self.network, self.objective)

    def _counted(self, pair: Pair, mine: np.ndarray, difference: np.ndarray, theirs: dict[str, np.ndarray]) -> dict | None:
        """Counts of eigenvalues: the spectra differ by so much or, where theirs is not at hand, by what none resolves.

        Where the spectra differ by more than a solver does, α is that of the published spectrum, or is not explained.
        """
        values, resolution = self.values["eigenvalues"][pair.records], tolerances.resolution(self.network.size)
        largest = np.abs(values).max(axis=-1)
        apart = np.abs(values - theirs["eigenvalues"]).max(axis=-1) if "eigenvalues" in theirs else resolution * largest
        if not (apart <= resolution * largest).all():
            counted = (theirs["eigenvalues"] < 0).mean(axis=-1)
            agrees = pair.quantity != "alpha" or np.abs(counted - pair.theirs).max() < 1e-12
            return _row(pair, difference, difference, FOLLOWS) if agrees else None
        low, high = tolerances.countable(pair.quantity, values, self.zero_rows[pair.records], apart)
        tolerance = np.where(pair.theirs > mine, high - mine, mine - low).round(12)
        return self._within(pair, difference, tolerance, FOLLOWS)


def _row(pair: Pair, difference: np.ndarray, tolerance: np.ndarray | float, verdict: str, origin: str = "") -> dict:
    """A row for the deviations [update] of a quantity: the record that is worst, and the tolerance there."""
    worst = int(np.argmax(np.where(np.isnan(difference), np.inf, difference)))
    tolerance = np.broadcast_to(tolerance, difference.shape)
    numbers = len(difference), float(difference[worst]), float(tolerance[worst])
    return dict(zip(COLUMNS, (pair.name, *numbers, origin or ORIGINS[verdict], verdict), strict=True))


def unjudged(name: str, verdict: str, reason: str = "") -> dict:
    """A row for a quantity that cannot be compared, with the reason in place of the tolerance's origin."""
    return dict(zip(COLUMNS, (name, 0, np.nan, np.nan, reason, verdict), strict=True))


def compare(run: Run, pairs: list[Pair], re_train: Callable[[], dict[str, np.ndarray]] | None) -> list[dict]:
    """Verdict rows of all pairs; `re_train` gives the members' values [member, update, …], and is called only if needed.

    Without it the rows that need it are OPEN, with their differences. MeanfieldError for arrays of different shapes.
    """
    for pair in pairs:
        if (ours_has := run.values[pair.quantity][pair.records].shape) != pair.theirs.shape:
            raise MeanfieldError(f"{pair.name} has shape {ours_has} here and {pair.theirs.shape} in the publication")
    theirs = {pair.quantity: pair.theirs for pair in pairs if pair.name == pair.quantity}
    rows = {pair.name: run.explained(pair, theirs) for pair in pairs}
    open_pairs = [pair for pair in pairs if rows[pair.name] is None]
    if open_pairs and re_train is None:
        for pair in open_pairs:
            difference = deviation(pair.quantity, run.values[pair.quantity][pair.records], pair.theirs)
            rows[pair.name] = _row(pair, difference, np.nan, OPEN, OPEN)
    elif open_pairs:
        members = re_train()
        at = {pair.name: members[pair.quantity][:, pair.records] for pair in pairs}
        sides = [run.values[pair.quantity][pair.records] for pair in pairs], [pair.theirs for pair in pairs]
        standings = [rank(pairs, side, list(at.values()), run.network.size) for side in sides]
        rows |= {pair.name: _ranked(run, pair, at[pair.name], standings) for pair in open_pairs}
        if rows.get("eigenvalues", {}).get("verdict") == DIFFERS:  # what follows from these differs with them
            rows |= {name: row | {"verdict": DIFFERS} for name, row in rows.items() if row["verdict"] == FOLLOWS}
    return list(rows.values())


def _ranked(run: Run, pair: Pair, members: np.ndarray, standings: list[Rank]) -> dict:
    """The row of a quantity by the ranks of our run and of the published one among members [member, record, …].

    It differs if either is the most extreme of all, in this quantity beyond all members; judged are the records of which
    the members have it. The tolerance is how far the members lie from our run.
    """
    there = np.isfinite(members.reshape(*members.shape[:2], -1)).all(axis=(0, 2))
    mine, theirs, members = run.values[pair.quantity][pair.records][there], pair.theirs[there], members[:, there]
    difference = deviation(pair.quantity, mine, theirs)
    reach = np.max([deviation(pair.quantity, member, mine) for member in members], axis=0)
    if pair.quantity in FUNCTIONS_OF_EIGENVALUES:  # not ranked, since a solver decides it: within what the members span
        fits = bool((difference <= reach).all())
    else:
        fits = there.any() and not any(standing.extreme[pair.name] for standing in standings)
    p, count = min(standing.p for standing in standings), len(members)
    origin = f"{RANKED}{count} re-trainings, smaller p = {p:.2f}"
    fits = fits and not np.isnan(difference).any()
    return _row(pair, difference, reach, RETRAINING if fits else DIFFERS, origin)


def stand_in_rows() -> list[dict]:
    """The rows of a run whose data are a stand-in."""
    return [unjudged(name, NOT_COMPARABLE) for name in QUANTITIES]


def table(run: str, rows: list[dict], missing: dict[str, str] | None = None) -> pd.DataFrame:
    """The rows of one run as a table, its name first; `missing` says why other quantities could not be compared."""
    rows = rows + [unjudged(name, NOT_AVAILABLE, reason) for name, reason in (missing or {}).items()]
    result = pd.DataFrame(rows, columns=COLUMNS)
    result.insert(0, "run", run)
    return result
