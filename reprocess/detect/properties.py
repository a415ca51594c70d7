"""The properties of events: one row of the event table each.

Times, positions and maxima are over the event's records, first and last included. What is
published are the intervals; the definitions of the other columns are this project's and are
given at `describe`.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprocess import schema
from reprocess.detect.flags import Intervals, mean_probability, peak_of
from reprocess.detect.rules.mode import Look, Stretch
from reprocess.schema import EVENT_CLASSES, EVENT_COLUMNS, EVENT_FLAGS, SAMPLING_S

EPOCH_MS = schema.MS_PER_DAY * (schema.EPOCH - dt.date(1970, 1, 1)).days

Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class Day:
    """What the event table needs of one satellite-day."""

    satellite: str
    date: dt.date
    stretch: Stretch
    look: Look
    """What the mode sees in the stretch."""
    probabilities: np.ndarray
    """Class probabilities of each window of the look, shape (m, 3)."""
    source_sha256: str


def describe(
    day: Day, events: Intervals, structures: Intervals, flags: Intervals, model: str, run: str
) -> Columns:
    """Return the table rows of the events that begin on a satellite-day, by class and then start.

    Parameters
    ----------
    day : Day
    events, structures : mapping of str to ndarray
        As in `detect.rules.mode.Found`.
    flags : mapping of str to ndarray
        What `detect.flags.event_flags` returns.
    model, run : str
        Names for the last columns.

    Returns
    -------
    dict of str to list
        By `schema.EVENT_COLUMNS`. The peak is the first record with the largest E4 of the 0 degree
        telescope; L, MLT, latitude and longitude are there. ``L_min``, ``L_max`` and ``delta_L``
        (their difference) use measured L only. ``duration_s`` is from the first to the last
        record plus one sampling interval of 2 s. ``e4_ratio_0_90`` is E4 at 0 over E4 at 90
        degrees at the peak. ``probability`` is the mean probability of the class over the
        windows that stand for the event's records, as far as there are any. Missing values are NaN.
    """
    columns: Columns = {name: [] for name in EVENT_COLUMNS}
    own = day.stretch.own
    for event_class, value in EVENT_CLASSES.items():
        told = (found[event_class].tolist() for found in (events, structures, flags))
        for (first, last), head, bits in zip(*told, strict=True):
            if not own.start <= first < own.stop:
                continue
            row = _row(day, first, last, value)
            row["quality_flags"] = bits
            row["structure"] = _number(day, head)
            origin = "simulated" if bits & EVENT_FLAGS["simulated"] else "measured"
            row |= {"event_class": event_class, "origin": origin, "model": model, "run": run}
            for name, values in columns.items():
                values.append(row[name])
    return columns


def _number(day: Day, head: int) -> int:
    """Return the number of the structure that begins at a record; 0 if the mode does not tell."""
    return (int(day.stretch.records["time"][head]) - EPOCH_MS) // 1000 if head >= 0 else 0


def _row(day: Day, first: int, last: int, value: int) -> dict[str, Any]:
    r, peak = day.stretch.records, peak_of(day.stretch, first, last)
    seen = slice(first, last + 1)
    flux = _masked_max(r["electron_flux"][:, :, seen])
    measured = r["L_IGRF"][seen][r["L_IGRF"][seen] >= 0]
    low, high = (measured.min(), measured.max()) if measured.size else (np.float32(np.nan),) * 2
    e4_0, e4_90 = r["electron_flux"][:, 3, peak]
    stop_date, stop_index = day.stretch.locate(last)
    return {
        "satellite": day.satellite,
        "date": day.date.isoformat(),
        "start_index": first - day.stretch.own.start,
        "stop_date": stop_date,
        "stop_index": stop_index,
        "start_time": int(r["time"][first]),
        "stop_time": int(r["time"][last]),
        "peak_time": int(r["time"][peak]),
        "L": day.look.L[peak],
        "MLT": r["MLT"][peak],
        "latitude": r["latitude"][peak],
        "longitude": r["longitude"][peak],
        "L_min": low,
        "L_max": high,
        "delta_L": high - low,
        "hemisphere": "S" if r["latitude"][peak] < 0 else "N",
        "duration_s": (int(r["time"][last]) - int(r["time"][first])) / 1000 + SAMPLING_S,
        **{f"max_e{e + 1}_{t}": flux[k, e] for k, t in enumerate((0, 90)) for e in range(4)},
        "e4_ratio_0_90": e4_0 / e4_90 if e4_0 >= 0 and e4_90 > 0 else np.float32(np.nan),
        "probability": mean_probability(day.probabilities, day.look, first, last, value),
        "source_sha256": day.source_sha256,
    }


def _masked_max(flux: np.ndarray) -> np.ndarray:
    """Return the largest flux of each channel, NaN where every value is a sentinel."""
    largest = flux.max(axis=-1)
    return np.where(largest >= 0, largest, np.float32(np.nan))
