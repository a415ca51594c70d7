"""A day of a run whose events are known, put back among the records of the archive."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from reprocess import schema
from reprocess.detect.rules.mode import Mode, Stretch
from reprocess.detect.series import Series
from reprocess.work.receipts import ClassifiedDay

if TYPE_CHECKING:
    import pandas as pd

    Events = pd.DataFrame | Mapping[str, np.ndarray]
    """Rows of the event table, or arrays of its columns."""


def known_stretch(series: Series, day: int, mode: Mode, events: "Events") -> Stretch:
    """Return a day with as much of the days after it as its events reach into."""
    halo = mode.halo
    while True:
        stretch = series.stretch(day, halo)
        end = stretch.records["time"].size - mode.halo
        ends = zip(events["stop_date"], events["stop_index"], strict=True)
        if not stretch.truncated[1] or all(stretch.firsts.get(date, end) + i <= end for date, i in ends):
            return stretch
        halo *= 8


def event_positions(events: "Events", stretch: Stretch) -> np.ndarray:
    """Return the first and last records of events, shape (k, 2); -1 for a last one that is not there."""
    first = np.asarray(events["start_index"]) + stretch.own.start
    day = np.array(
        [stretch.firsts.get(date, -1 - stretch.records["time"].size) for date in events["stop_date"]], int
    )
    return np.stack([first, day + np.asarray(events["stop_index"])], axis=1)


def event_intervals(
    events: "Events", facts: ClassifiedDay, stretch: Stretch
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the events that have records in a day, and their flags, by the table and the ledger."""
    intervals, flags = {}, {}
    start, index = stretch.own.start, event_positions(events, stretch)
    for name in schema.EVENT_CLASSES:
        of_class = np.asarray(events["event_class"] == name)
        intervals[name], flags[name] = index[of_class], np.asarray(events["quality_flags"])[of_class]
        if carried := facts.get("carried", {}).get(name, 0):
            intervals[name] = np.concatenate([[[start, start + carried - 1]], intervals[name]])
            flags[name] = np.append(facts.get("carried_flags", {}).get(name, 0), flags[name])
    return intervals, flags
