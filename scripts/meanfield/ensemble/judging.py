"""
How the members of one comparison are judged: share that agrees, effect with its interval, p value, sign of the effect.

What is known to within errors is judged at their ends (docs/claims.md, "How a verdict follows").
"""

from collections.abc import Callable

import numpy as np
from scipy import stats

LEAST, LEAST_FOR_RANKS = 3, 10  # members for any test; for Wilcoxon's, and for the binomial one


def inside(margins: np.ndarray) -> dict:
    """What is said of margins [member], how far inside the interval each member lies; negative: outside."""
    if not len(margins):
        return {}
    inside = margins >= 0
    result = {"agree": inside.mean()}
    if len(margins) < LEAST or (len(margins) < LEAST_FOR_RANKS and np.ptp(margins) == 0 and inside.all()):
        return result
    binomial = stats.binomtest(int(inside.sum()), len(inside))
    interval = binomial.proportion_ci(method="wilson")
    result |= {"effect": inside.mean(), "low": interval.low, "high": interval.high}
    if len(margins) < LEAST_FOR_RANKS:
        finite = np.clip(margins, -1e300, 1e300)
        p = stats.ttest_1samp(finite, 0).pvalue if np.ptp(finite) else 0.0
        return result | {"p": p, "sign": np.sign(finite.mean())}
    return result | {"p": binomial.pvalue, "sign": np.sign(inside.mean() - 0.5)}


def differing(difference: np.ndarray, claimed: int) -> dict:
    """What is said of paired differences [member] of which the claim says that they have the sign `claimed`."""
    if not len(difference):
        return {}
    result = {"agree": (claimed * difference > 0).mean(), "tie": not difference.any()}
    if len(difference) < LEAST:
        return result
    random = np.random.default_rng(1)
    low, high = stats.bootstrap(
        (difference,), np.median, method="percentile", n_resamples=2000, rng=random
    ).confidence_interval
    result |= {"effect": np.median(difference), "low": low, "high": high}
    if not difference.any():
        return result | {"p": 1.0, "sign": 0.0}
    if len(difference) < LEAST_FOR_RANKS:
        return result | {"p": stats.ttest_1samp(difference, 0).pvalue, "sign": claimed * np.sign(difference.mean())}
    ranks = np.sign(difference) * stats.rankdata(np.abs(difference))
    sign = np.sign(ranks.sum()) if low > 0 or high < 0 else 0.0  # both the ranks and the median must say so
    return result | {"p": stats.wilcoxon(difference).pvalue, "sign": claimed * sign}


def with_errors(judge: Callable[[np.ndarray], dict], values: np.ndarray, errors: np.ndarray) -> dict:
    """What `judge` says of values [member], of which positive ones agree with the claim, known to within errors [member].

    It counts for the claim if it did so with every value at its lower end, against it if with every one at its upper end,
    and else for neither. The interval of the effect is that of both ends.
    """
    result = judge(values)
    if not errors.any():
        return result
    lower, upper = judge(values - errors), judge(values + errors)
    result |= {"agree": lower["agree"], "tie": lower["agree"] <= 0.5 < upper["agree"]}
    if "p" not in result:
        return result
    intervals = [end for end in (lower, result, upper) if "low" in end]
    result |= {"low": min(end["low"] for end in intervals), "high": max(end["high"] for end in intervals)}
    for end, sign in ((lower, 1), (upper, -1)):
        if "p" in end and end["sign"] == sign:
            return result | {"p": end["p"], "sign": end["sign"]}
    return result | {"p": 1.0, "sign": 0.0}
