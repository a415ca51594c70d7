"""The records, events and seconds of one day, counted again and held against what is claimed."""

from collections.abc import Iterator
from typing import cast

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.classifier.features import Windows
from reprocess.detect.properties import Day, describe
from reprocess.detect.rules.published import Rules, Stages, repair_L
from reprocess.schema.grid import FINE
from reprocess.schema.measurements import not_measured
from reprocess.work.parts import EVENTS, as_part
from reprocess.work.receipts import ClassifiedDay

_INTERVAL = ["start_index", "stop_index"]


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
    events: pd.DataFrame, facts: ClassifiedDay, day: Day, rules: Rules, names: tuple[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield what rows of the event table should say and do say, described anew from the archive's records.

    Every column follows from the archive and the intervals, but for the probability: that is the
    network's, and looked at only if the run kept it.

    Parameters
    ----------
    events : DataFrame
        Rows of one satellite-day.
    facts : dict
        The day's entry in the run's ledger.
    day : Day
        The archive's records, and the probabilities that the run kept; NaN if it kept none.
    rules : Rules
        Rules of the run's mode.
    names : tuple of str
        Model and run.
    """
    counts = {name: int((events["event_class"] == name).sum()) for name in schema.EVENT_CLASSES}
    if counts != facts["events"] or len(events) != sum(counts.values()):
        yield f"{facts['events']} events", f"{counts} in {len(events)} rows"
    seen = day.windows.seen
    index = events[_INTERVAL].to_numpy()
    inside = (index >= seen.start) & (index < seen.stop)
    if not np.all(inside) or not np.all(index[:, 0] <= index[:, 1]):
        yield f"start and stop in order within records {seen.start} to {seen.stop - 1}", str(index.tolist())
        return
    stored = pd.concat([events[events["event_class"] == name] for name in schema.EVENT_CLASSES])
    again = _described(stored, day, rules, names)
    unknown = "probability" if np.isnan(day.probabilities).all() else None
    for name in again.columns:
        if name != unknown and (trouble := _column_trouble(name, again, stored.reset_index(drop=True))):
            yield trouble


def _described(events: pd.DataFrame, day: Day, rules: Rules, names: tuple[str, str]) -> pd.DataFrame:
    """Return the rows that detection writes for these intervals."""
    stages = {}
    for name in schema.EVENT_CLASSES:
        intervals = events.loc[events["event_class"] == name, _INTERVAL].to_numpy()
        stages[name] = Stages(intervals, intervals, intervals, intervals)
    columns = describe(day, stages, repair_L(day.records["L_IGRF"], rules), *names)
    return as_part(columns, EVENTS).to_pandas()


def _column_trouble(name: str, again: pd.DataFrame, stored: pd.DataFrame) -> tuple[str, str] | None:
    """Say how a column differs from what it must be; nothing if it does not."""
    same = (again[name] == stored[name]) | (again[name].isna() & stored[name].isna())
    if same.all():
        return None
    first, others = int(np.argmin(same)), int((~same).sum()) - 1
    event = f"the {again['event_class'][first]} event at record {again['start_index'][first]}"
    more = f", and {others} other events have another {name}" if others else ""
    return f"{name} {again[name][first]} of {event}", f"{stored[name][first]}{more}"


def dwell_troubles(
    dwell: pd.DataFrame,
    events: pd.DataFrame,
    facts: ClassifiedDay,
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
        The archive's L_IGRF, MLT (h), latitude and longitude (degrees), electron_flux (cm-2 s-1 sr-1).
    windows : Windows
        Which records a window stands for; of the run's rules.
    """
    missing = not_measured(records)
    seen = windows.offset + np.flatnonzero(windows.clear_of(missing))
    cell = FINE.cell(records["L_IGRF"], records["MLT"], records["latitude"])[seen]
    counted = {
        "not_measured": int(np.count_nonzero(missing)),
        "classifiable": cell.size,
        "in_grid": int(np.count_nonzero(cell >= 0)),
        "outside_grid": int(np.count_nonzero(cell == -1)),
        "invalid_position": int(np.count_nonzero(cell == -2)),
    }
    told = cast(dict[str, int], facts)
    claimed = {name: told.get(name, 0) for name in counted}  # version 0.1.0 did not count all of it
    if counted != claimed:
        yield f"{claimed} records", f"{counted} in the archive"
    within = {"records": np.ones(seen.size, bool)}
    for name in schema.EVENT_CLASSES:
        flagged = np.zeros(windows.records, bool)
        own = events[events["event_class"] == name]
        for first, last in own[_INTERVAL].to_numpy():
            flagged[first : last + 1] = True
        within[f"records_{name}"] = flagged[seen]
    for name, flagged in within.items():
        again = np.bincount(cell[flagged & (cell >= 0)], minlength=FINE.cells)
        stored = np.bincount(dwell["cell"], dwell[name], FINE.cells).astype(np.int64)
        wrong = int(np.count_nonzero(again != stored))
        if wrong:
            yield f"{again.sum()} {name}", f"{stored.sum()}, {wrong} cells differ"
