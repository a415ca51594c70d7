"""Which events several satellites saw, and how many would be found if time had nothing to do with it."""

import numpy as np

from reprocess.schema import MS_PER_DAY

WITHIN_MINUTES, WITHIN_HOURS, WITHIN_L = 30.0, 1.0, 0.5
"""Largest differences of the peaks: time, magnetic local time, L."""

SHIFT_DAYS = (-3, -2, -1, 1, 2, 3)
"""The other satellites' events are moved by these for controls: after whole days they are at about the same
local times and longitudes."""

_MINUTE_MS = 60_000


def pairs(
    time_ms: np.ndarray, satellite: np.ndarray, L: np.ndarray, mlt: np.ndarray, shift_ms: int = 0
) -> np.ndarray:
    """Return which events match: positions of an event and of one of another satellite, int, shape (k, 2).

    Parameters
    ----------
    time_ms : ndarray of int64, shape (n,)
        Times of the peaks.
    satellite : ndarray, shape (n,)
    L, mlt : ndarray of float, shape (n,)
        At the peaks; MLT in hours.
    shift_ms : int
        What is added to the times of the other satellite.

    Returns
    -------
    ndarray
        Sorted; each pair twice, once from either side, if nothing is shifted.
    """
    order = np.argsort(time_ms, kind="stable")
    moved = time_ms[order] + shift_ms
    reach = round(WITHIN_MINUTES * _MINUTE_MS)
    first = np.searchsorted(moved, time_ms - reach, side="left")
    last = np.searchsorted(moved, time_ms + reach, side="right")
    one = np.repeat(np.arange(len(time_ms)), last - first)
    start = np.cumsum(last - first) - (last - first)
    other = order[np.arange(len(one)) - np.repeat(start, last - first) + np.repeat(first, last - first)]
    hours = np.abs((mlt[one] - mlt[other] + 12) % 24 - 12)
    near = (hours <= WITHIN_HOURS) & (np.abs(L[one] - L[other]) <= WITHIN_L)
    near &= satellite[one] != satellite[other]
    found = np.stack([one[near], other[near]], axis=1).reshape(-1, 2)
    return found[np.lexsort((found[:, 1], found[:, 0]))]


def matches(
    time_ms: np.ndarray, satellite: np.ndarray, L: np.ndarray, mlt: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many events of other satellites match each event, and how many do on average when shifted.

    Returns
    -------
    tuple of ndarray
        int and float, shape (n,). At the ends of the data fewer shifted events are there to be matched.
    """

    def count(shift_ms: int) -> np.ndarray:
        return np.bincount(pairs(time_ms, satellite, L, mlt, shift_ms)[:, 0], minlength=len(time_ms))

    controls = [count(days * MS_PER_DAY) for days in SHIFT_DAYS]
    return count(0), np.mean(controls, axis=0)


def groups(time_ms: np.ndarray, linked: np.ndarray) -> np.ndarray:
    """Return a number for each event that linked ones share, from 1 in the order of the earliest of them.

    Parameters
    ----------
    time_ms : ndarray, shape (n,)
    linked : ndarray of int, shape (k, 2)
        Pairs; those who are linked to a third are linked.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(time_ms)
    if not n:
        return np.empty(0, np.int32)
    graph = coo_array((np.ones(len(linked)), (linked[:, 0], linked[:, 1])), shape=(n, n))
    label = connected_components(graph, directed=False)[1]
    order = np.lexsort((np.arange(n), time_ms))
    _, first = np.unique(label[order], return_index=True)  # event of each label, in time
    return (first.argsort().argsort()[label] + 1).astype(np.int32)
