"""Whether counts stand out of background: Poisson statistics of sums over records."""

from functools import cache

import numpy as np

RANGES = ((20.0, 1.6), (200.0, 1.15), (np.inf, 1.0))
"""Expected counts up to which a slope is used in `possible`, and the slope: larger ones tell more of few."""

FEW = 2
"""Counts of a peak up to which `possible` looks at what is around it; one record in a hundred has more."""

_APART = 1e6


def chance(total: int, expected: float) -> float:
    """Return the Poisson probability of at least so many counts where so many are expected."""
    from scipy.special import gammainc

    return float(gammainc(total, expected)) if total else 1.0


def possible(counts: np.ndarray, expected: np.ndarray, limit: float) -> np.ndarray:
    """Tell which records can be the peak of a stretch that background explains with at most this probability.

    Each that can be is named, and each with more than `FEW` counts; among the others those that are in
    a stretch with so large a sum, and no record of more counts, that it may be one.

    Parameters
    ----------
    counts : ndarray of int, shape (n,)
    expected : ndarray of float, shape (n,)
        Counts that background gives in each record; above 0.
    limit : float

    Returns
    -------
    ndarray of bool, shape (n,)

    Notes
    -----
    N counts where m are expected are as improbable as `limit` if m <= m(N), which the inverse of the
    incomplete gamma function gives. With a slope s >= 1, N - s m >= `_least` follows for all m of a range. So
    the sums of counts - s expected over the stretch reach `_least`; the largest sum over stretches that
    contain a record is the difference of the largest cumulative sum behind it and the smallest before it.
    Records of more counts are given so low a value that no stretch contains one.
    """
    many = counts > FEW
    found = many.copy()
    if not counts.size:
        return found
    low = float(expected.min())
    for high, slope in RANGES:
        values = np.where(many, -_APART, counts - slope * expected)
        total = np.concatenate(([0.0], np.cumsum(values)))
        behind = np.maximum.accumulate(total[:0:-1])[::-1]
        before = np.minimum.accumulate(total[:-1])
        found |= ~many & (behind - before >= _least(limit, low, high, slope) - 1e-3)
        low = high
    return found


@cache
def _least(limit: float, low: float, high: float, slope: float) -> float:
    """Return the smallest N - slope m of improbable N, with m expected counts from low to high."""
    from scipy.special import gammaincinv

    least, number = np.inf, 1
    while True:
        most = float(gammaincinv(number, limit))
        if most >= low:
            least = min(least, number - slope * min(most, high))
            if most >= high or (np.isinf(high) and number > low + 100):
                return least
        number += 1
