"""A day of a run whose events are known, put back among the records of the archive."""

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.detect.rules.mode import Mode, Stretch
from reprocess.detect.series import Series
from reprocess.work.receipts import ClassifiedDay


def known_stretch(series: Series, day: int, mode: Mode, events: pd.DataFrame) -> Stretch:
    """Return a day with as much of the days after it as its events reach into."""
    halo = mode.halo
    while True:
        stretch = series.stretch(day, halo)
        end = stretch.records["time"].size - mode.halo
        ends = zip(events["stop_date"], events["stop_index"], strict=True)
        if not stretch.truncated[1] or all(stretch.firsts.get(date, end) + i <= end for date, i in ends):
            return stretch
        halo *= 8


def event_positions(events: pd.DataFrame, stretch: Stretch) -> np.ndarray:
    """Return the first and last records of events, shape (k, 2); -1 for a last one that is not there."""
    first = events["start_index"].to_numpy() + stretch.own.start
    day = np.array(
        [stretch.firsts.get(date, -1 - stretch.records["time"].size) for date in events["stop_date"]], int
    )
    return np.stack([first, day + events["stop_index"].to_numpy()], axis=1)


def event_intervals(
    events: pd.DataFrame, facts: ClassifiedDay, stretch: Stretch
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the events that have records in a day, and their flags, by the table and the ledger."""
    intervals, flags = {}, {}
    start, index = stretch.own.start, event_positions(events, stretch)
    for name in schema.EVENT_CLASSES:
        of_class = (events["event_class"] == name).to_numpy()
        intervals[name], flags[name] = index[of_class], events["quality_flags"].to_numpy()[of_class]
        if carried := facts.get("carried", {}).get(name, 0):
            intervals[name] = np.concatenate([[[start, start + carried - 1]], intervals[name]])
            flags[name] = np.append(facts.get("carried_flags", {}).get(name, 0), flags[name])
    return intervals, flags
