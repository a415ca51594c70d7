"""Who was looking: which satellites observed records near the time and place of listed events.

A list that a run has nothing of says something only where the run observed at all. Only the days of
listed events are read, and a record counts if the run's own mode observes it.
"""

from collections.abc import Callable, Collection

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.detect.rules.mode import Mode
from reprocess.detect.series import Series
from reprocess.physics.coincidence import Spots, Windows, hours_apart
from reprocess.schema.measurements import has_L
from reprocess.work.paths import Work

Key = tuple[str, str]
"""Satellite and date (YYYY-MM-DD)."""

_EPOCH_MS = int(np.datetime64(schema.EPOCH, "ms").astype(np.int64))


def look_up(
    work: Work,
    mode: Mode,
    days: Collection[Key],
    listed: pd.DataFrame,
    windows: Windows,
    *,
    others: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """Tell for each listed event which satellites observed records within its windows, and how long.

    Parameters
    ----------
    work : Work
    mode : Mode
        The run's.
    days : collection of (str, str)
        Satellite-days of the run.
    listed : pandas.DataFrame
        `Listed.table`.
    windows : Windows
    others : bool
        Whether a satellite does not count for its own events.
    say : callable
        Told of each satellite that is looked up.

    Returns
    -------
    pandas.DataFrame
        The list with `observed_s` and `looking`.
    """
    spots = Spots.of(listed)
    seconds = np.zeros(len(listed))
    names: list[list[str]] = [[] for _ in range(len(listed))]
    for satellite in sorted({name for name, _ in days}):
        own = {schema.day_index(date) for name, date in days if name == satellite}
        wanted = _wanted(spots, windows, own, satellite if others else "")
        say(f"{satellite}: looking up {len(wanted)} of {len(own)} days")
        series = Series(work, satellite, mode.arrays, sorted(wanted))
        found = np.zeros(len(listed))
        for day, rows in sorted(wanted.items()):
            time, L, MLT = _observed(series, day, mode)
            for row in rows:
                found[row] += schema.SAMPLING_S * _count(spots, row, windows, time, L, MLT)
        seconds += found
        for row in np.flatnonzero(found).tolist():
            names[row].append(satellite)
    return listed.assign(observed_s=seconds, looking=[" ".join(x) for x in names])


def _wanted(spots: Spots, windows: Windows, days: set[int], but: str) -> dict[int, list[int]]:
    """Return the days that records near listed events can be on, and the rows that need each."""
    wanted: dict[int, list[int]] = {}
    first, last = (
        (edge - _EPOCH_MS) // schema.MS_PER_DAY
        for edge in (spots.start - windows.ms, spots.stop + windows.ms)
    )
    for row, (one, other) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        for day in range(one, other + 1):
            if day in days and spots.satellite[row] != but:
                wanted.setdefault(day, []).append(row)
    return wanted


def _observed(series: Series, day: int, mode: Mode) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return time, L and MLT of the records of a day that the mode observes."""
    stretch = series.stretch(day, mode.halo)
    look = mode.look(stretch)
    own = look.own(stretch)
    at = look.windows.offset + own.start + np.flatnonzero(look.possible[own])
    L = look.counted_L(stretch.records["L_IGRF"])[at]
    known = has_L(L)
    return stretch.records["time"][at][known], L[known], stretch.records["MLT"][at][known]


def _count(spots: Spots, row: int, windows: Windows, time: np.ndarray, L: np.ndarray, MLT: np.ndarray) -> int:
    """Count records within the windows of one listed event."""
    low, high = np.searchsorted(time, [spots.start[row] - windows.ms, spots.stop[row] + windows.ms + 1])
    near = np.ones(high - low, bool)
    if not np.isnan(spots.L[row]):
        near &= np.abs(L[low:high] - spots.L[row]) <= windows.L
    if not np.isnan(spots.MLT[row]):
        near &= np.abs(hours_apart(MLT[low:high], spots.MLT[row])) <= windows.MLT_h
    return int(np.count_nonzero(near))
