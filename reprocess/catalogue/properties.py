"""What describing does to one block: the properties of a run's events, from the archive's records.

A pure function of its plan and of what lies on disk; it writes a whole part in one step. No Dask here: any
executor can call it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.detect.rules.mode import Stretch
from reprocess.detect.series import Series
from reprocess.physics.event import AROUND, ARRAYS, Event, properties
from reprocess.schema.properties import PROPERTY_COLUMNS, PROPERTY_KEY
from reprocess.work.described import write_properties
from reprocess.work.parts import part_path, read_part
from reprocess.work.paths import Work


@dataclass(frozen=True)
class DescribePlan:
    """One block whose events are to be described."""

    work: Path
    run: str
    satellite: str
    block: int
    days: tuple[int, ...]
    """Positions on the `day` axis of the days that were classified."""
    origin: Mapping[str, str]
    """What the part is made from, by the names that stand in it; ``events_sha256`` among them."""
    backgrounds: Mapping[str, float]
    """E4 over the polar caps, counts per second, by month (YYYY-MM)."""


def describe_block(plan: DescribePlan) -> int:
    """Write the properties of a block's events; return how many events there are.

    Raises
    ------
    LedgerError, StoreError
        If events or archive are not what their receipts say.
    """
    work = Work(plan.work)
    run = work.run(plan.run)
    events = read_part(part_path(run.events, plan.satellite, plan.block), plan.origin["events_sha256"])
    columns = describe_events(work, plan.satellite, events.to_pandas(), plan.backgrounds)
    write_properties(part_path(run.properties, plan.satellite, plan.block), columns, plan.origin)
    return len(events)


def describe_events(
    work: Work, satellite: str, events: pd.DataFrame, backgrounds: Mapping[str, float]
) -> dict[str, np.ndarray]:
    """Return the properties of events of one satellite.

    Parameters
    ----------
    work : Work
    satellite : str
    events : DataFrame
        Rows of the event table, those of a day together.
    backgrounds : mapping of str to float
        By month (YYYY-MM).

    Returns
    -------
    dict of str to ndarray
        By `PROPERTY_COLUMNS`, in the order of the rows.
    """
    days = sorted({schema.day_index(date) for date in events["date"]})
    series = Series(work, satellite, ARRAYS, days)
    found, order = [], []
    for day in days:
        rows = events[events["date"] == schema.day_date(day).isoformat()]
        stretch = _stretch(series, day, rows)
        found += [_event(row, stretch, backgrounds) for row in rows.to_dict("records")]
        order += rows.index.tolist()
    columns = properties(found)
    back = np.argsort(np.array(order, int), kind="stable")
    columns = {name: values[back] for name, values in columns.items()}
    columns |= {name: events[name].to_numpy() for name in PROPERTY_KEY}
    return {name: columns.get(name, np.empty(0, object)) for name in PROPERTY_COLUMNS}


def _stretch(series: Series, day: int, events: pd.DataFrame) -> Stretch:
    """Return a day with as much of the days beside it as its events and what is around them reach into."""
    halo = AROUND
    while True:
        stretch = series.stretch(day, halo)
        size = stretch.records["time"].size
        if not stretch.truncated[1] or max(_lasts(events, stretch)) + AROUND < size:
            return stretch
        halo *= 8


def _lasts(events: pd.DataFrame, stretch: Stretch) -> Iterable[int]:
    """Return the positions of the events' last records; beyond all where the day is not there."""
    beyond = stretch.records["time"].size
    ends = zip(events["stop_date"], events["stop_index"], strict=True)
    return [stretch.firsts.get(date, beyond) + index for date, index in ends]


def _event(row: Mapping[Any, Any], stretch: Stretch, backgrounds: Mapping[str, float]) -> Event:
    """Return an event with the records around it."""
    date = str(row["date"])
    first = stretch.firsts[date] + int(row["start_index"])
    last = stretch.firsts[str(row["stop_date"])] + int(row["stop_index"])
    near = slice(max(first - AROUND, 0), last + AROUND + 1)
    records = {name: values[..., near] for name, values in stretch.records.items()}
    first, last = first - near.start, last - near.start
    peak = first + int(np.argmax(records["electron_flux"][0, 3, first : last + 1]))
    flags = int(row["quality_flags"])
    return Event(
        records,
        first,
        last,
        peak,
        backgrounds[date[:7]],
        float(np.float32(row["L"])),
        (float(np.float32(row["L_min"])), float(np.float32(row["L_max"]))),
        bool(flags & schema.EVENT_FLAGS["simulated"]),
        str(row["event_class"]),
    )
