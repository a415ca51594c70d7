"""The properties of events: one row of the event table each.

Times, positions and maxima are over the event's records, first and last included. What is
published are the intervals; the definitions of the other columns are this project's and are
given at `describe`.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprocess.classifier.features import Windows
from reprocess.detect.rules.published import Stages
from reprocess.schema import EVENT_CLASSES, EVENT_COLUMNS, EVENT_FLAGS, GAP_S, SAMPLING_S
from reprocess.schema.measurements import not_measured

GAP_MS = round(1000 * GAP_S)

ARRAYS = ("time", "electron_flux", "L_IGRF", "MLT", "latitude", "longitude", "ifc_on")
"""What events are described from; all that detection reads."""

Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class Day:
    """What the event table needs of one satellite-day."""

    satellite: str
    date: dt.date
    records: dict[str, np.ndarray]
    """As stored, without padding; those of `ARRAYS`."""
    probabilities: np.ndarray
    """Shape (max(n - 7, 0), 3); of the window that starts at the record."""
    windows: Windows
    """Which windows stand for which records; `Rules.windows`."""
    source_sha256: str
    simulated: bool = False
    """Whether the file says that it is simulated."""


def describe(day: Day, stages: dict[str, Stages], L: np.ndarray, model: str, run: str) -> Columns:
    """Return the table rows of one satellite-day, by class and then start.

    Parameters
    ----------
    day : Day
    stages : dict of str to Stages
        What `reprocess.detect.rules.published.postprocess` returns; the final intervals become rows.
    L : ndarray of float32, shape (n,)
        L shell with invalid values interpolated as the mode does.
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
        windows that stand for the event's records. Missing values are NaN.
    """
    columns: Columns = {name: [] for name in EVENT_COLUMNS}
    for event_class, value in EVENT_CLASSES.items():
        others = [s.final for name, s in stages.items() if name != event_class]
        for first, last in stages[event_class].final.tolist():
            row = _row(day, first, last, value, L)
            row["quality_flags"] = _flags(day, first, last, row, others)
            origin = "simulated" if day.simulated else "measured"
            row |= {"event_class": event_class, "origin": origin, "model": model, "run": run}
            for name, values in columns.items():
                values.append(row[name])
    return columns


def _row(day: Day, first: int, last: int, value: int, L: np.ndarray) -> dict[str, Any]:
    r = day.records
    seen = slice(first, last + 1)
    flux = _masked_max(r["electron_flux"][:, :, seen])
    peak = first + int(np.argmax(r["electron_flux"][0, 3, seen]))
    measured = r["L_IGRF"][seen][r["L_IGRF"][seen] >= 0]
    low, high = (measured.min(), measured.max()) if measured.size else (np.float32(np.nan),) * 2
    e4_0, e4_90 = r["electron_flux"][:, 3, peak]
    own = day.probabilities[day.windows.standing_for(first, last), value]
    return {
        "satellite": day.satellite,
        "date": day.date.isoformat(),
        "start_index": first,
        "stop_index": last,
        "start_time": int(r["time"][first]),
        "stop_time": int(r["time"][last]),
        "peak_time": int(r["time"][peak]),
        "peak_index": peak,
        "L": L[peak],
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
        "probability": own.mean(dtype=np.float64),
        "source_sha256": day.source_sha256,
    }


def _masked_max(flux: np.ndarray) -> np.ndarray:
    """Return the largest flux of each channel, NaN where every value is a sentinel."""
    largest = flux.max(axis=-1)
    return np.where(largest >= 0, largest, np.float32(np.nan))


def _flags(day: Day, first: int, last: int, row: dict[str, Any], others: list[np.ndarray]) -> int:
    r = day.records
    seen, span = slice(first, last + 1), day.windows.span(first, last)
    beside = slice(max(span.start - 1, 0), span.stop + 1)
    found = {
        "calibration": np.any(r["ifc_on"][seen] == 1),
        "L_interpolated": r["L_IGRF"][row["peak_index"]] < 0,
        "time_gap": np.any(np.diff(r["time"][span]) > GAP_MS),
        "E4_missing": np.any(r["electron_flux"][:, 3, seen] < 0),
        "beside_missing": np.any(not_measured({name: r[name][..., beside] for name in r})),
        "simulated": day.simulated,
        "overlaps_other_class": any(np.any((o[:, 0] <= last) & (o[:, 1] >= first)) for o in others),
    }
    return sum(EVENT_FLAGS[name] for name, present in found.items() if present)
