"""A geomagnetic index as a series of intervals, and its value at any time.

A value holds from the start of its interval to the end, half-open. Readers of formats say where the start
is; a time without a value has NaN, never the value before it.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from reprocess.errors import IndexFileError

MS_PER_HOUR = 3_600_000

LOOK_BACKS = ("max", "min", "mean")
"""What can be made of the values of a window."""

MOST_MISSING = 0.1
"""Share of a window without values above which the window has none."""

_NAMED = 10
"""Gaps that are listed by their dates."""


@dataclass(frozen=True)
class Samples:
    """Values of one index as a file has them."""

    start: np.ndarray
    """Beginning of each interval, ms since 1970 (UTC), int64, shape (n,)."""
    values: np.ndarray
    """float64, shape (n,); NaN where the file says that there is none."""
    step_ms: int
    """Length of every interval."""


@dataclass(frozen=True)
class Index:
    """One geomagnetic index over time."""

    name: str
    """As the user asked for it, in small letters."""
    units: str
    start: np.ndarray
    """Beginning of each interval, ms since 1970 (UTC), int64, increasing, shape (n,)."""
    values: np.ndarray
    """float64, shape (n,), NaN where there is none."""
    step_ms: int
    """Length of every interval."""
    sources: tuple[str, ...]
    """Files that it was read from."""
    sha256: tuple[str, ...]
    """Sums of their bytes."""
    window: str = ""
    """How the values were made of those of the files, nothing if they are as there."""

    def at(self, time_ms: np.ndarray) -> np.ndarray:
        """Return the value of the interval that each time is in, NaN where there is none.

        Parameters
        ----------
        time_ms : ndarray of int64, shape (n,)
            ms since 1970 (UTC).

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        time_ms = np.asarray(time_ms, np.int64)
        at = np.searchsorted(self.start, time_ms, side="right") - 1
        inside = (at >= 0) & (time_ms < self.start[np.maximum(at, 0)] + self.step_ms)
        return np.where(inside, self.values[np.maximum(at, 0)], np.nan)

    def gaps(self, first_ms: int, stop_ms: int) -> list[tuple[int, int]]:
        """Return the times within limits that have no value, as (start, stop) in ms since 1970, in order."""
        good = np.isfinite(self.values)
        start = self.start[good]
        edges = np.concatenate([[first_ms], np.clip(start + self.step_ms, first_ms, stop_ms)])
        ends = np.concatenate([np.clip(start, first_ms, stop_ms), [stop_ms]])
        return [(int(a), int(b)) for a, b in zip(edges, ends, strict=True) if b > a]

    def look_back(self, hours: float, how: Literal["max", "min", "mean"]) -> "Index":
        """Return the largest, smallest or mean value of a window that ends with each interval.

        The window goes from `hours` before the end of the interval to its end: the interval's own value is
        included, no later one is. A window with more than `MOST_MISSING` of its values missing has none.

        Raises
        ------
        IndexFileError
            If the window is not one or more whole intervals.
        """
        count = hours * MS_PER_HOUR / self.step_ms
        if count < 1 or abs(count - round(count)) > 1e-9:
            raise IndexFileError(
                f"a look-back of {hours:g} h is not a whole number of the {self.step_ms / MS_PER_HOUR:g} h "
                f"that a value of {self.name} stands for; use a multiple of that"
            )
        start, values = _without_gaps(self.start, self.values, self.step_ms, round(count))
        values = _windows(start, values, self.step_ms, round(count), how)
        text = f"{how} of the {hours:g} h up to the end of the interval, its own value included"
        same = (self.step_ms, self.sources, self.sha256)
        return Index(self.name, self.units, start, values, *same, text)


def _without_gaps(
    start: np.ndarray, values: np.ndarray, step_ms: int, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return intervals with those that a file has no line for as of no value: after each at most so many.

    A window says the same of a line that is left out and of one of no value.
    """
    lacking = np.clip(np.diff(start) // step_ms - 1, 0, most)
    before = np.repeat(start[:-1], lacking)
    nth = np.arange(before.size) - np.repeat(np.cumsum(lacking) - lacking, lacking) + 1
    whole = np.concatenate([start, before + nth * step_ms])
    order = np.argsort(whole, kind="stable")
    return whole[order], np.append(values, np.full(before.size, np.nan))[order]


def _windows(start: np.ndarray, values: np.ndarray, step_ms: int, count: int, how: str) -> np.ndarray:
    """Return what is made of the last `count` intervals up to each one, NaN where too many are missing."""
    import pandas as pd

    series = pd.Series(values, pd.to_datetime(start, unit="ms"))
    least = max(int(np.ceil((1 - MOST_MISSING) * count)), 1)
    rolling = series.rolling(pd.Timedelta(count * step_ms, "ms"), min_periods=least)
    found = np.asarray(getattr(rolling, how)(), np.float64)
    if how != "mean":
        return found
    # Sums that roll along are not exact; a mean that is an edge of a bin must be that edge, thirds too.
    plain = np.round(found, 9)
    return np.where(np.abs(found - plain) < 1e-10, plain, np.round(3 * found, 9) / 3)


def join(name: str, units: str, parts: list[tuple[str, str, Samples]]) -> Index:
    """Join what files have of one index.

    Parameters
    ----------
    name, units : str
    parts : list of tuple
        Source, sha256 and samples of each file, one at least.

    Raises
    ------
    IndexFileError
        If a file's intervals are not in order or overlap, or files contradict each other.
    """
    for source, _, samples in parts:
        _require_order(source, samples)
    steps = {samples.step_ms for _, _, samples in parts}
    if len(steps) > 1:
        text = ", ".join(f"{samples.step_ms / MS_PER_HOUR:g} h in {source}" for source, _, samples in parts)
        raise IndexFileError(f"values of {name} stand for different times: {text}; give files of one kind")
    start = np.concatenate([samples.start for _, _, samples in parts])
    values = np.concatenate([samples.values for _, _, samples in parts])
    order = np.argsort(start, kind="stable")
    start, values = start[order], values[order]
    again = np.append(False, np.diff(start) == 0)  # files of months have the first value of the next
    same = np.append(True, (values[1:] == values[:-1]) | np.isnan(values[1:]) | np.isnan(values[:-1]))
    step = steps.pop()
    if wrong := np.flatnonzero(
        (again & ~same) | np.append(False, (np.diff(start) < step) & ~again[1:])
    ).tolist():
        raise IndexFileError(
            f"files of {name} contradict each other at {_when(start[wrong[0]])} ({len(wrong)} times in all); "
            "give one file for each time"
        )
    first = np.flatnonzero(~again)
    best = np.fmax.reduceat(values, first) if values.size else values  # equal ones, or one that is missing
    sources, sums = zip(*[(source, digest) for source, digest, _ in parts], strict=True)
    return Index(name, units, start[first], best, step, sources, sums)


def _require_order(source: str, samples: Samples) -> None:
    step = np.diff(samples.start)
    if (backward := np.flatnonzero(step < 0)).size:
        raise IndexFileError(
            f"{source} is not in order of time: {_when(samples.start[backward[0] + 1])} comes after "
            f"{_when(samples.start[backward[0]])}; sort it"
        )
    if (close := np.flatnonzero(step < samples.step_ms)).size:
        raise IndexFileError(
            f"intervals of {source} overlap: {_when(samples.start[close[0] + 1])} comes "
            f"{step[close[0]] / MS_PER_HOUR:g} h after {_when(samples.start[close[0]])}, and a value stands "
            f"for {samples.step_ms / MS_PER_HOUR:g} h ({close.size} times); leave out what is there twice"
        )


def require_overlap(index: Index, first_ms: int, stop_ms: int) -> None:
    """Make sure that an index has a value somewhere between two times.

    Raises
    ------
    IndexFileError
        If it has none: it is of another year.
    """
    if index.gaps(first_ms, stop_ms) == [(first_ms, stop_ms)]:
        good = index.start[np.isfinite(index.values)]
        has = f"values from {_when(good[0])} to {_when(good[-1])}" if good.size else "no value at all"
        raise IndexFileError(
            f"{', '.join(index.sources)} has {has} and nothing for the time of the map, {_when(first_ms)} to "
            f"{_when(stop_ms)}; give the file of that time"
        )


def gaps_in_words(gaps: list[tuple[int, int]]) -> str:
    """Return gaps as text, the first ones by their dates."""
    hours = sum(stop - start for start, stop in gaps) / MS_PER_HOUR
    shown = ", ".join(f"{_when(start)} to {_when(stop)}" for start, stop in gaps[:_NAMED])
    more = f" and {len(gaps) - _NAMED} more" if len(gaps) > _NAMED else ""
    count = f"{len(gaps)} gap{'s' if len(gaps) > 1 else ''}"
    return f"{hours:.6g} h in {count}: {shown}{more}" if gaps else "none"


def _when(time_ms: int | np.integer) -> str:
    return str(np.datetime64(int(time_ms), "ms").astype("datetime64[m]"))
