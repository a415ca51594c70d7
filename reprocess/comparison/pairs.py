"""Events of two runs, matched one to one.

Two events of a satellite can be one if they share a record. Where an event could be one with several,
those of its own class come first, then the longest time in common, then the shortest time together. So
an event is *relabelled* only where no event of its class is left for it. Nothing depends on which run
is called A, nor on the order of rows.
"""

import numpy as np
import pandas as pd

from reprocess.physics.coincidence import milliseconds, overlapping
from reprocess.schema import EVENT_CLASSES, PAIR_KINDS

SWAPPED = {"lost": "gained", "gained": "lost"}
"""What an event without a partner is called when A and B change places."""

_PLAIN, _TIMES = ("event_class", "L", "MLT", "latitude"), ("start_time", "stop_time")
"""Columns that a pair has of each of its events."""


def match_one_to_one(a: pd.DataFrame, b: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Match the events of two tables, each with at most one of the other.

    Parameters
    ----------
    a, b : pandas.DataFrame
        With satellite, event_class, start_time and stop_time (UTC, first and last record).

    Returns
    -------
    first, second : ndarray of int64, shape (k,)
        Rows of `a` and `b`; -1 where an event has no partner. Each row occurs once. Ordered by satellite
        and time.
    entangled : ndarray of bool, shape (k,)
        Whether an event without a partner shares a record with one of the other table, which has another.
    """
    partner_a, partner_b = np.full(len(a), -1), np.full(len(b), -1)
    touched_a, touched_b = np.zeros(len(a), bool), np.zeros(len(b), bool)
    for satellite in sorted({*a["satellite"].unique(), *b["satellite"].unique()}):
        here = [np.flatnonzero((table["satellite"] == satellite).to_numpy()) for table in (a, b)]
        ours, theirs = (_Spans(table.iloc[rows]) for table, rows in zip((a, b), here, strict=True))
        i, j = overlapping(ours.start, ours.stop, theirs.start, theirs.stop)
        touched_a[here[0][i]] = touched_b[here[1][j]] = True
        for p in _chosen(ours, theirs, i, j):
            partner_a[here[0][i[p]]], partner_b[here[1][j[p]]] = here[1][j[p]], here[0][i[p]]
    alone = np.flatnonzero(partner_b < 0)
    first = np.concatenate([np.arange(len(a)), np.full(alone.size, -1)])
    second = np.concatenate([partner_a, alone])
    entangled = np.concatenate([touched_a & (partner_a < 0), touched_b[alone]])
    order = _in_time(a, b, first, second)
    return first[order], second[order], entangled[order]


class _Spans:
    """Extents in milliseconds and classes of the events of one satellite, shape (n,) each."""

    def __init__(self, events: pd.DataFrame) -> None:
        self.start, self.stop = milliseconds(events["start_time"]), milliseconds(events["stop_time"])
        self.kind = events["event_class"].map(EVENT_CLASSES).to_numpy(np.int64)


def _chosen(a: _Spans, b: _Spans, i: np.ndarray, j: np.ndarray) -> list[int]:
    """Return which of these pairs are taken, the best first, each event once."""
    starts, stops = np.stack([a.start[i], b.start[j]]), np.stack([a.stop[i], b.stop[j]])
    common, together = stops.min(axis=0) - starts.max(axis=0), stops.max(axis=0) - starts.min(axis=0)
    keys = (stops.max(axis=0), starts.max(axis=0), starts.min(axis=0), together, -common)
    order = np.lexsort((*keys, a.kind[i] != b.kind[j]))
    taken_a, taken_b = bytearray(a.start.size), bytearray(b.start.size)
    chosen = []
    for p, x, y in zip(order.tolist(), i[order].tolist(), j[order].tolist(), strict=True):
        if not taken_a[x] and not taken_b[y]:
            taken_a[x] = taken_b[y] = 1
            chosen.append(p)
    return chosen


def _in_time(a: pd.DataFrame, b: pd.DataFrame, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the order of pairs by satellite and by start of the earlier of the two."""
    far = np.iinfo(np.int64).max
    start = np.minimum(
        *(
            np.where(rows < 0, far, np.append(milliseconds(table["start_time"]), far)[rows])
            for table, rows in ((a, first), (b, second))
        )
    )
    names = [np.append(table["satellite"].to_numpy(object), "") for table in (a, b)]
    satellite = np.where(first < 0, names[1][second], names[0][first]).astype(str)
    return np.lexsort((second, first, start, satellite))


def pair_events(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Return the table of all pairs of two event tables, less its causes.

    Parameters
    ----------
    a, b : pandas.DataFrame
        What `parts.read_events` returns, for the same satellite-days.

    Returns
    -------
    pandas.DataFrame
        The columns of `schema.PAIR_COLUMNS` but `cause`, and ``row_a`` and ``row_b``, positions in the tables
        (-1 for none).
    """
    first, second, entangled = match_one_to_one(a, b)
    columns: dict[str, object] = {"row_a": first, "row_b": second}
    for letter, table, rows in (("a", a, first), ("b", b, second)):
        taken = table.reset_index(drop=True).reindex(rows)  # -1 is no row: missing values
        columns |= {f"{name}_{letter}": taken[name].to_numpy() for name in ("satellite", *_PLAIN)}
        columns |= {f"{name}_{letter}": taken[name].array for name in _TIMES}  # NumPy has no time zone
    pairs = pd.DataFrame(columns)
    pairs["satellite"] = pairs["satellite_a"].where(first >= 0, pairs["satellite_b"])
    for letter, rows in (("a", first), ("b", second)):
        pairs[f"event_class_{letter}"] = pairs[f"event_class_{letter}"].where(rows >= 0, "")
    pairs["kind"] = _kinds(pairs)
    pairs["entangled"] = entangled
    pairs["overlap_s"] = _overlap_s(pairs)
    return pairs.drop(columns=["satellite_a", "satellite_b"])


def _kinds(pairs: pd.DataFrame) -> np.ndarray:
    both = (pairs["row_a"] >= 0) & (pairs["row_b"] >= 0)
    same_class = pairs["event_class_a"] == pairs["event_class_b"]
    same_extent = (pairs["start_time_a"] == pairs["start_time_b"]) & (
        pairs["stop_time_a"] == pairs["stop_time_b"]
    )
    conditions = [both & same_class & same_extent, both & same_class, both, pairs["row_a"] >= 0]
    return np.select(conditions, PAIR_KINDS[:4], PAIR_KINDS[4])


def _overlap_s(pairs: pd.DataFrame) -> np.ndarray:
    """Return the seconds from the first to the last record in common; 0 where that is one record."""
    start = pairs[["start_time_a", "start_time_b"]].max(axis=1, skipna=False)
    stop = pairs[["stop_time_a", "stop_time_b"]].min(axis=1, skipna=False)
    return (stop - start).dt.total_seconds().to_numpy(np.float64)
