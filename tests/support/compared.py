"""Event tables of runs, as small as a test needs them."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from tests.support.labelled import Event


def at(
    second: float, length: float, name: str = "REP", satellite: str = "noaa18", date: str = "2015-03-01"
) -> Event:
    """Return an event that begins so long after noon."""
    start = np.datetime64(f"{date}T12:00:00", "ms") + np.timedelta64(round(1000 * second), "ms")
    return satellite, str(start), str(start + np.timedelta64(round(1000 * length), "ms")), name


def run_events(events: Iterable[Event]) -> pd.DataFrame:
    """Return the columns that comparing needs of a run's events, with places made up."""
    rows = list(events)
    number = np.arange(len(rows))
    times = np.array([row[1:3] for row in rows], "datetime64[ms]").reshape(-1, 2)
    return pd.DataFrame(
        {
            "satellite": np.array([row[0] for row in rows], object),
            "event_class": np.array([row[3] for row in rows], object),
            "date": [row[1][:10] for row in rows],
            "start_time": pd.Series(times[:, 0]).dt.tz_localize("UTC"),
            "stop_time": pd.Series(times[:, 1]).dt.tz_localize("UTC"),
            "L": (4 + number % 4).astype(np.float32),
            "MLT": ((3.5 * number) % 24).astype(np.float32),
            "latitude": (60.0 - number).astype(np.float32),
            "quality_flags": np.zeros(len(rows), np.int32),
        }
    )
