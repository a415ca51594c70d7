"""The records, events and seconds of one day, counted again and held against what is claimed."""

from collections.abc import Iterator
from typing import cast

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.classifier.features import Windows
from reprocess.schema.grid import FINE
from reprocess.schema.measurements import not_measured
from reprocess.work.receipts import DayEntry


def time_trouble(time: np.ndarray, count: int, day: int) -> str:
    """Say what is wrong with a day's times, nothing if they are good.

    Parameters
    ----------
    time : ndarray of int64, shape (RECORDS,)
        ms since 1970 as stored, padding included.
    count : int
        Records that the day must hold; -1 and 0 both mean none.
    day : int
        Position on the `day` axis.
    """
    n = max(count, 0)
    valid = int(np.count_nonzero(time != schema.NO_TIME))
    if valid != n or np.any(time[n:] != schema.NO_TIME):
        return f"{valid} times"
    start = int(np.datetime64(schema.day_date(day), "ms").astype(np.int64))
    outside = int(np.count_nonzero((time[:n] < start) | (time[:n] >= start + schema.MS_PER_DAY)))
    backward = int(np.count_nonzero(np.diff(time[:n]) <= 0))
    return f"{outside} outside the day, {backward} not after the one before" if outside or backward else ""


def event_troubles(
    events: pd.DataFrame, facts: DayEntry, names: dict[str, str], records: dict[str, np.ndarray]
) -> Iterator[tuple[str, str]]:
    """Yield what rows of the event table should say and do say, against the archive's records.

    Parameters
    ----------
    events : DataFrame
        Rows of one satellite-day.
    facts : dict
        The day's entry in the run's ledger.
    names : dict of str to str
        Values that columns must have in every row.
    records : dict of str to ndarray, shape (n,)
        The archive's time (ms since 1970), L_IGRF, MLT (h) and latitude (degrees).
    """
    counts = {name: int((events["event_class"] == name).sum()) for name in schema.EVENT_CLASSES}
    if counts != facts["events"] or len(events) != sum(counts.values()):
        yield f"{facts['events']} events", f"{counts} in {len(events)} rows"
    n = records["time"].size
    index = events[["start_index", "stop_index"]].to_numpy()
    if not np.all((index >= 0) & (index < n)) or not np.all(index[:, 0] <= index[:, 1]):
        yield f"start and stop in order within {n} records", str(index.tolist())
        return
    times = [_milliseconds(events[f"{name}_time"]) for name in ("start", "peak", "stop")]
    peak = np.minimum(np.searchsorted(records["time"], times[1]), n - 1)
    found = {"start": index[:, 0], "peak": np.clip(peak, index[:, 0], index[:, 1]), "stop": index[:, 1]}
    for (name, at), stored in zip(found.items(), times, strict=True):
        if wrong := int(np.count_nonzero(stored != records["time"][at])):
            yield f"the archive's {name} times", f"{wrong} other ones"
    interpolated = (events["quality_flags"].to_numpy() & schema.EVENT_FLAGS["L_interpolated"]) != 0
    for name, array in (("L", "L_IGRF"), ("MLT", "MLT"), ("latitude", "latitude")):
        differs = events[name].to_numpy() != records[array][found["peak"]]
        if wrong := int(np.count_nonzero(differs & ~(interpolated & (name == "L")))):
            yield f"the archive's {name} at the peak", f"{wrong} other ones"
    for name, value in names.items():
        if wrong := int(np.count_nonzero(events[name] != value)):
            yield f"{name} {value}", f"{wrong} rows with another"


def _milliseconds(times: pd.Series) -> np.ndarray:
    return times.dt.tz_convert(None).to_numpy().astype("datetime64[ms]").astype(np.int64)


def dwell_troubles(
    dwell: pd.DataFrame,
    events: pd.DataFrame,
    facts: DayEntry,
    records: dict[str, np.ndarray],
    windows: Windows,
) -> Iterator[tuple[str, str]]:
    """Yield what a day's dwell should be and is.

    Every classifiable record, one that a window without missing records stands for, is in exactly one
    cell, or is left out because it is outside the grid or without a position (docs/method.md, dwell and
    maps).

    Parameters
    ----------
    dwell, events : DataFrame
        Rows of one satellite-day.
    facts : dict
        The day's entry in the run's ledger.
    records : dict of str to ndarray, shape (…, n)
        As for `event_troubles`; and electron_flux and longitude if some records are no measurement.
    windows : Windows
        Which records a window stands for; of the run's rules.
    """
    seen = windows.offset + np.flatnonzero(windows.clear_of(not_measured(records)))
    cell = FINE.cell(records["L_IGRF"], records["MLT"], records["latitude"])[seen]
    counted = {
        "classifiable": cell.size,
        "in_grid": int(np.count_nonzero(cell >= 0)),
        "outside_grid": int(np.count_nonzero(cell == -1)),
        "invalid_position": int(np.count_nonzero(cell == -2)),
    }
    claimed = {name: cast(dict[str, int], facts)[name] for name in counted}
    if counted != claimed:
        yield f"{claimed} records", f"{counted} in the archive"
    within = {"records": np.ones(seen.size, bool)}
    for name in schema.EVENT_CLASSES:
        flagged = np.zeros(windows.records, bool)
        own = events[events["event_class"] == name]
        for first, last in own[["start_index", "stop_index"]].to_numpy():
            flagged[first : last + 1] = True
        within[f"records_{name}"] = flagged[seen]
    for name, flagged in within.items():
        again = np.bincount(cell[flagged & (cell >= 0)], minlength=FINE.cells)
        stored = np.bincount(dwell["cell"], dwell[name], FINE.cells).astype(np.int64)
        wrong = int(np.count_nonzero(again != stored))
        if wrong:
            yield f"{again.sum()} {name}", f"{stored.sum()}, {wrong} cells differ"
