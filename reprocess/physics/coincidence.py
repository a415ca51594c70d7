"""Which events of satellites are near each other in time, L and MLT.

The one rule of coincidence: that of a catalogue's own satellites, and of a run held against a list of
another mission.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Windows:
    """How near is near."""

    minutes: float = 10.0
    L: float = 0.5
    MLT_h: float = 1.0

    @property
    def ms(self) -> int:
        """The window in time, milliseconds."""
        return round(self.minutes * 60_000)


@dataclass(frozen=True)
class Shifts:
    """The controls: the list moved by ±1, ±2, … ±count steps."""

    hours: float = 24.0
    count: int = 10

    @property
    def ms(self) -> list[int]:
        """All shifts in milliseconds."""
        step = round(self.hours * 3_600_000)
        return [k * step for k in range(-self.count, self.count + 1) if k]


@dataclass(frozen=True)
class Spots:
    """Events as time, place and satellite, shape (n,) each."""

    start: np.ndarray
    stop: np.ndarray
    """Milliseconds since 1970."""
    L: np.ndarray
    MLT: np.ndarray
    """NaN where it is not known: then any is near."""
    satellite: np.ndarray

    @classmethod
    def of(cls, events: pd.DataFrame) -> "Spots":
        """Take them from a table with start_time, stop_time, L, MLT and satellite."""
        start, stop = (milliseconds(events[name]) for name in ("start_time", "stop_time"))
        L, MLT = (events[name].to_numpy(np.float64) for name in ("L", "MLT"))
        return cls(start, stop, L, MLT, events["satellite"].to_numpy(object))


def near(listed: Spots, ours: Spots, windows: Windows, *, shift: int = 0, others: bool = False) -> tuple[
    np.ndarray, np.ndarray
]:  # fmt: skip
    """Return all pairs of a listed event, moved by `shift` (ms), and one of ours within the windows.

    Parameters
    ----------
    listed, ours : Spots
    windows : Windows
    shift : int
    others : bool
        Whether only pairs of different satellites count.

    Returns
    -------
    tuple of ndarray of int64, shape (k,)
        Positions in `listed` and in `ours`.
    """
    reach = windows.ms
    i, j = overlapping(listed.start + shift - reach, listed.stop + shift + reach, ours.start, ours.stop)
    with np.errstate(invalid="ignore"):  # where nothing is known nothing is far
        far = np.abs(ours.L[j] - listed.L[i]) > windows.L
        far |= np.abs(hours_apart(ours.MLT[j], listed.MLT[i])) > windows.MLT_h
    keep = ~far
    if others:
        keep &= listed.satellite[i] != ours.satellite[j]
    return i[keep], j[keep]


def hours_apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a - b around the clock, -12 to 12 h."""
    return np.asarray((a - b + 12) % 24 - 12)


def milliseconds(times: pd.Series) -> np.ndarray:
    """Return times (UTC, with or without a zone) as milliseconds since 1970, int64."""
    plain = times.dt.tz_convert(None) if isinstance(times.dtype, pd.DatetimeTZDtype) else times
    return plain.to_numpy("datetime64[ms]").astype(np.int64)


def overlapping(
    starts: np.ndarray, stops: np.ndarray, other_starts: np.ndarray, other_stops: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return all pairs of intervals that share a moment; ends are part of them.

    Parameters
    ----------
    starts, stops : ndarray of int64, shape (n,)
    other_starts, other_stops : ndarray of int64, shape (m,)

    Returns
    -------
    tuple of ndarray of int64, shape (k,)
        Positions in the first and in the second set.

    Notes
    -----
    Sorted by start, those that begin before an interval ends are the first so many. The latest stop so far
    grows along them; where it is before the interval's start, none of those can reach it.
    """
    order = np.argsort(other_starts, kind="stable")
    reach = np.maximum.accumulate(other_stops[order])
    low = np.searchsorted(reach, starts, "left")
    count = np.maximum(np.searchsorted(other_starts[order], stops, "right") - low, 0)
    i = np.repeat(np.arange(starts.size), count)
    within = np.arange(i.size) - np.repeat(np.cumsum(count) - count, count)
    j = order[np.repeat(low, count) + within] if i.size else np.empty(0, np.int64)
    shared = other_stops[j] >= starts[i]
    return i[shared], j[shared]


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
