"""The records, events and seconds of one day, counted again and held against what is claimed."""

from collections.abc import Iterator
from typing import cast

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.detect.dwell import count_dwell
from reprocess.detect.flags import event_flags, is_low, record_flags
from reprocess.detect.known import event_intervals, event_positions
from reprocess.detect.properties import Day, describe
from reprocess.detect.rules.mode import Mode
from reprocess.schema.flags import ADJACENT
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
    events: pd.DataFrame, facts: ClassifiedDay, day: Day, mode: Mode, names: tuple[str, str], told: int
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
        The archive's records, what the mode sees in them, and the probabilities that the run kept; NaN
        where it kept none.
    mode : Mode
        The run's.
    names : tuple of str
        Model and run.
    told : int
        Bits of the flags that the part tells of.
    """
    counts = {name: int((events["event_class"] == name).sum()) for name in schema.EVENT_CLASSES}
    if counts != facts["events"] or len(events) != sum(counts.values()):
        yield f"{facts['events']} events", f"{counts} in {len(events)} rows"
    seen, own = day.look.windows.seen, day.stretch.own
    index = event_positions(events, day.stretch)
    inside = (index >= max(seen.start, own.start)) & (index < [min(seen.stop, own.stop), seen.stop])
    if not np.all(inside) or not np.all(index[:, 0] <= index[:, 1]):
        yield (
            f"start and stop in order within records {seen.start - own.start} to {seen.stop - 1 - own.start}",
            str(events[_INTERVAL].to_numpy().tolist()),
        )
        return
    stored = pd.concat([events[events["event_class"] == name] for name in schema.EVENT_CLASSES])
    stored = stored.reset_index(drop=True)
    again = _described(stored, facts, day, mode, names)
    crossing = stored["stop_date"] != stored["date"]  # what is kept of the next day is not looked up
    again["probability"] = again["probability"].mask(crossing).fillna(stored["probability"])  # or not kept
    bits = schema.EVENT_FLAGS
    low = [bits["low_probability"] * is_low(np.float32(p)) for p in again["probability"]]
    again["quality_flags"] = (again["quality_flags"] & ~bits["low_probability"]) | np.array(low, np.int32)
    untold = np.full(len(stored), ~told) | _of_neighbours(index, day, crossing.to_numpy())
    for table in (again, stored):
        table["quality_flags"] = (table["quality_flags"] | untold).astype(np.int32)
    for name in again.columns:
        if trouble := _column_trouble(name, again, stored):
            yield trouble


def _of_neighbours(index: np.ndarray, day: Day, crossing: np.ndarray) -> np.ndarray:
    """Return for each event the bits of flags that depend on events of the days around, not looked up."""
    near = index[:, 0] <= day.stretch.own.start + ADJACENT
    near |= index[:, 1] >= day.stretch.own.stop - 1 - ADJACENT
    adjacent, over = (schema.EVENT_FLAGS[f"{how}_other_class"] for how in ("adjacent", "overlaps"))
    return np.where(near, adjacent, 0) | np.where(crossing, over, 0)


def _described(
    events: pd.DataFrame, facts: ClassifiedDay, day: Day, mode: Mode, names: tuple[str, str]
) -> pd.DataFrame:
    """Return the rows that detection writes for these intervals; numbers of structures are taken over."""
    intervals, structures = {}, {}
    index = event_positions(events, day.stretch)
    start = day.stretch.own.start
    for name in schema.EVENT_CLASSES:
        own = index[(events["event_class"] == name).to_numpy()]
        carried = facts.get("carried", {}).get(name, 0)
        before = [[start - 1, start + carried - 1]] if carried else []
        intervals[name] = np.concatenate([np.array(before, int).reshape(-1, 2), own])
        structures[name] = np.full(len(intervals[name]), -1)
    of_records = record_flags(day.stretch, day.look)
    flags = event_flags(day.stretch, day.look, day.probabilities, intervals, of_records, mode)
    columns = describe(day, intervals, structures, flags, *names)
    return as_part(columns, EVENTS).to_pandas().assign(structure=events["structure"])


def _column_trouble(name: str, again: pd.DataFrame, stored: pd.DataFrame) -> tuple[str, str] | None:
    """Say how a column differs from what it must be; nothing if it does not."""
    if again[name].equals(stored[name]):
        return None  # as nearly always: a fraction of what it takes to look row by row
    same = (again[name] == stored[name]) | (again[name].isna() & stored[name].isna())
    if same.all():
        return None
    first, others = int(np.argmin(same)), int((~same).sum()) - 1
    event = f"the {again['event_class'][first]} event at record {again['start_index'][first]}"
    more = f", and {others} other events have another {name}" if others else ""
    return f"{name} {again[name][first]} of {event}", f"{stored[name][first]}{more}"


def dwell_troubles(
    dwell: pd.DataFrame, events: pd.DataFrame, facts: ClassifiedDay, day: Day, told: int, by_events: bool
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
    day : Day
        The archive's records, and what the run's mode sees in them.
    told : int
        Bits of the flags that the part tells of.
    by_events : bool
        Whether to look at the flags of the events too: not if the event table itself has them wrong.
    """
    look, stretch = day.look, day.stretch
    intervals, flags = event_intervals(events, facts, stretch)
    again, counts = count_dwell(stretch, look, intervals, flags, record_flags(stretch, look), 0)
    counted = {"not_measured": int(np.count_nonzero(look.missing[stretch.own])), **counts}
    of_day = cast(dict[str, int], facts)
    claimed = {name: of_day.get(name, 0) for name in counted}  # version 0.1.0 did not count all of it
    if counted != claimed:
        yield f"{claimed} records", f"{counted} in the archive"
    again |= {name: values & told for name, values in again.items() if name.startswith("quality_flags")}
    keys = [name for name in ("cell", "quality_flags") if name in dwell]
    keys += [name for name in again if by_events and name in dwell and name.startswith("quality_flags_")]
    for name in (name for name in again if name.startswith("records")):
        sums = [pd.DataFrame(table)[[*keys, name]].groupby(keys)[name].sum() for table in (again, dwell)]
        must, is_ = (of[of != 0] for of in sums)
        if not must.equals(is_.astype(must.dtype)):
            wrong = int((must.sub(is_, fill_value=0) != 0).sum())
            yield f"{must.sum()} {name}", f"{is_.sum()}, {wrong} cells or combinations of flags differ"
