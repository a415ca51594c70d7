"""The truth about the events of a satellite-day, as rows of a table."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reprocess.schema import FLUX_PER_COUNT, HEMISPHERES, SITUATIONS
from reprocess.simulate.activity import Activity
from reprocess.simulate.geometry import Geometry, total
from reprocess.simulate.precipitation import MARGIN_RECORDS, Event
from reprocess.simulate.records import NOMINAL_RECORDS
from reprocess.simulate.situations import ANOMALY_NT

WINDOW_RECORDS = 7
"""Records that a classifier sees at a time: nearer than that to a midnight or a gap, windows are lost."""

STORM = 0.5
"""Storm level above which an event is one of a disturbed day."""

CONJUNCTION = pd.Timedelta(minutes=30)
"""Largest time between the peaks of two satellites in one structure."""

TRUTH_COLUMNS = {
    "satellite": "str",
    "event_class": "str",
    "date": "str",
    "start_index": "int32",
    "stop_index": "int32",
    "peak_index": "int32",
    "start_time": "datetime64[ms]",
    "stop_time": "datetime64[ms]",
    "peak_time": "datetime64[ms]",
    "peak_flux": "float64",
    "peak_counts": "float64",
    "width_L": "float64",
    "L": "float64",
    "L_min": "float64",
    "L_max": "float64",
    "MLT": "float64",
    "latitude": "float64",
    "longitude": "float64",
    "hemisphere": "str",
    "e4_ratio_0_90": "float64",
    "event_id": "str",
    "structure": "int64",
    "cluster": "int64",
    "storm": "float64",
    "protons_E1": "float64",
    "protons_E2": "float64",
    "protons_E3": "float64",
    "energy_flux_40": "float64",
    "energy_flux_612": "float64",
    **dict.fromkeys(SITUATIONS, "bool"),
}
"""Columns and dtypes of `truth.parquet`; docs/simulator.md explains them."""


@dataclass(frozen=True)
class DayTruth:
    """What the rows of a satellite-day have in common."""

    satellite: str
    date: dt.date
    window: Geometry
    """The day and `MARGIN_RECORDS` on either side."""
    state: Activity
    """At the same records."""
    calibrating: np.ndarray
    """(day's records,): whether a calibration runs."""
    order: np.ndarray
    """Records of the day that the file holds, in its order."""


def truth_row(day: DayTruth, event: Event) -> dict[str, object] | None:
    """Return an event as a row of the truth table; None if the file holds no record of it."""
    start, stop, centre = (i - MARGIN_RECORDS for i in (event.start, event.stop, event.centre))
    held = np.flatnonzero((day.order >= start) & (day.order <= stop))
    if not held.size:
        return None
    # The strongest record may be in a gap, or in another day's file.
    peak = int(held[np.abs(day.order[held] - centre).argmin()])
    times = day.window.time_ms[day.order[[held[0], held[-1], peak]] + MARGIN_RECORDS].astype("datetime64[ms]")
    seconds = int(day.window.time_ms[event.centre]) // 1000
    centre_time = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return {
        "satellite": day.satellite,
        "event_class": event.structure.event_class,
        "date": day.date.isoformat(),
        "start_index": held[0],
        "stop_index": held[-1],
        "peak_index": peak,
        "start_time": times[0],
        "stop_time": times[1],
        "peak_time": times[2],
        "peak_flux": event.peak_counts * FLUX_PER_COUNT["e4"],
        "peak_counts": event.peak_counts,
        "width_L": event.width,
        "e4_ratio_0_90": event.ratio,
        "event_id": f"{day.satellite}-{centre_time:%Y%m%dT%H%M%S}",
        "structure": event.structure.number,
        "cluster": event.structure.cluster,
        **dict(zip(("protons_E1", "protons_E2", "protons_E3"), event.contamination, strict=True)),
        "energy_flux_40": event.energy[0],
        "energy_flux_612": event.energy[1],
        **_place(day, event, int(day.order[peak]) + MARGIN_RECORDS),
        **_situations(day, event),
    }


def _place(day: DayTruth, event: Event, peak: int) -> dict[str, object]:
    """Return where an event is; `peak` is the record of the window that stands for its peak."""
    geometry, records = day.window, slice(event.start, event.stop + 1)
    shell, latitude = geometry.magnetic.shell, geometry.latitude[peak]
    return {
        "L": shell[peak],
        "L_min": shell[records].min(),
        "L_max": shell[records].max(),
        "MLT": geometry.magnetic.mlt[peak],
        "latitude": latitude,
        "longitude": geometry.longitude[peak],
        "hemisphere": HEMISPHERES[int(latitude < 0)],
        "storm": day.state.storm[peak],
        "in_storm": bool(day.state.storm[peak] > STORM),
        "in_anomaly": bool(total(geometry.magnetic.field[:, [peak]])[0] < ANOMALY_NT),
    }


def _situations(day: DayTruth, event: Event) -> dict[str, object]:
    start, stop = event.start - MARGIN_RECORDS, event.stop - MARGIN_RECORDS
    low, high = start - WINDOW_RECORDS, stop + WINDOW_RECORDS
    held = np.zeros(NOMINAL_RECORDS, bool)
    held[day.order] = True
    inside = slice(max(low, 0), high + 1)
    return {
        "at_midnight": low < 0 or high >= NOMINAL_RECORDS,
        "at_gap": not held[inside].all(),
        "in_L_hole": bool((day.window.magnetic.L[event.start : event.stop + 1] < 0).any()),
        "in_calibration": bool(day.calibrating[max(start, 0) : stop + 1].any()),
        "in_conjunction": False,
    }


def _in_conjunction(table: pd.DataFrame) -> np.ndarray:
    """Tell which rows have another satellite's of the same structure within `CONJUNCTION`."""
    found = np.zeros(len(table), bool)
    for _, group in table.groupby("structure"):
        time, satellite = group["peak_time"].to_numpy(), group["satellite"].to_numpy()
        near = np.abs(time[:, None] - time) <= CONJUNCTION.to_numpy()
        found[group.index] = (near & (satellite[:, None] != satellite)).any(axis=1)
    return found


def truth_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Return rows of `truth_row` as a table with `TRUTH_COLUMNS`, sorted by satellite and time.

    Whether an event is in conjunction depends on the rows of the other satellites.
    """
    table = pd.DataFrame(list(rows), columns=list(TRUTH_COLUMNS)).astype(TRUTH_COLUMNS)
    table = table.sort_values(["satellite", "start_time"], ignore_index=True)
    return table.assign(in_conjunction=_in_conjunction(table))
