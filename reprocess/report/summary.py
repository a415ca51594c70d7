"""The numbers of a report: completeness, volume and events, from the ledger and the event table.

Nothing is read here and nothing is drawn. Every satellite-day that was ever asked for is in
exactly one state, by the same rules as `status`; so is every day between a satellite's first and last.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.schema import DayState
from reprocess.schema.granules import Granule
from reprocess.work.receipts import ClassifiedDay, ClassifiedDays, DayEntry, Days
from reprocess.work.status import Survey, not_ingested

STATES = (DayState.CLASSIFIED, DayState.OK, DayState.QUARANTINED, DayState.MISSING, DayState.NO_FILE)
"""States of satellite-days that a report counts; what is `schema.NOT_READ` counts as missing there."""

VOLUME = ("records", "classifiable", "in_grid", "outside_grid", "invalid_position")
"""Records of classified days; the last three add up to the second."""

SOURCE = ("in_file", "outside_day", "duplicates")
"""Records of the files; less the last two they are the archive's."""

BACKGROUND = ("satellite", "month", "records", "counts_per_s", "error")
"""Columns of `background_table`."""

DAILY_UNTIL = 62
"""Days up to which time is shown by day; by month beyond."""

_SUMS = (*VOLUME, *SOURCE, *schema.EVENT_CLASSES, "in_run")


def day_table(
    planned: Sequence[Granule], state: Survey, run: str, ingested: Days, done: ClassifiedDays
) -> pd.DataFrame:
    """Return one row per satellite-day, from each satellite's first to its last.

    Parameters
    ----------
    planned : sequence of Granule
        What `asked.read_asked` returns.
    state : dict
        What `status.survey` returns.
    run : str
        Name of the run.
    ingested, done : dict
        What `status.ledger_days` returns for the archive and for the run.

    Returns
    -------
    pandas.DataFrame
        satellite, date (YYYY-MM-DD), state (one of `STATES`), records by `VOLUME` and `SOURCE`,
        events by class, and in_run: 1 if the run's results hold the day. That can be so for a day
        that is not classified: one whose file was replaced since.
    """
    listed = {
        DayState.OK: state["runs"][run]["missing"],
        DayState.QUARANTINED: state["ingest"]["quarantined"],
        DayState.MISSING: not_ingested(state),
    }
    states = {(d["satellite"], d["date"]): name for name, found in listed.items() for d in found}
    keys = [(g.satellite, g.text) for g in planned]
    empty = [
        (satellite, (first + dt.timedelta(k)).isoformat())
        for satellite, first, _, length in unlisted(planned)
        for k in range(length)
    ]
    named = [states.get(key, DayState.CLASSIFIED) for key in keys] + [DayState.NO_FILE] * len(empty)
    counts = _counts([ingested.get(key) for key in keys], [done.get(key) for key in keys])
    return pd.DataFrame(
        {
            "satellite": [satellite for satellite, _ in keys + empty],
            "date": [date for _, date in keys + empty],
            "state": named,
        }
        | {name: values + [0] * len(empty) for name, values in counts.items()}
    )


def _counts(
    sources: Sequence[DayEntry | None], entries: Sequence[ClassifiedDay | None]
) -> dict[str, list[int]]:
    """Return the numbers of `_SUMS` of days, column by column."""
    read = cast(list[dict[str, int]], [source or {} for source in sources])
    run = cast(list[dict[str, int]], [entry or dict.fromkeys(VOLUME, 0) for entry in entries])
    events = [entry["events"] if entry else {} for entry in entries]
    return (
        {name: [day[name] for day in run] for name in VOLUME}
        | {name: [int(day.get(name, 0)) for day in read] for name in SOURCE}
        | {name: [found.get(name, 0) for found in events] for name in schema.EVENT_CLASSES}
        | {"in_run": [int(entry is not None) for entry in entries]}
    )


def background_table(planned: Sequence[Granule], ingested: Days) -> pd.DataFrame:
    """Return what E4 counts over the polar caps by satellite and month, in the columns of `BACKGROUND`."""
    sums: dict[tuple[str, str], list[int]] = {}
    for g in planned:
        counted = ingested.get((g.satellite, g.text), {}).get("polar_e4")
        if counted is not None:
            total = sums.setdefault((g.satellite, g.text[:7]), [0, 0])
            total[0] += counted["records"]
            total[1] += counted["counts"]
    rows = [
        (satellite, month, records, f"{counts / records:.3f}", f"{counts**0.5 / records:.3f}")
        for (satellite, month), (records, counts) in sorted(sums.items())
        if records
    ]
    return pd.DataFrame(rows, columns=list(BACKGROUND))


def count_anew(days: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Return a day table with the numbers of events of a table; those of the ledger are of all events."""
    day = pd.MultiIndex.from_frame(days[["satellite", "date"]])
    counts = {
        name: events[events["event_class"] == name].groupby(["satellite", "date"]).size()
        for name in schema.EVENT_CLASSES
    }
    return days.assign(**{name: of.reindex(day, fill_value=0).to_numpy(int) for name, of in counts.items()})


def by_period(days: pd.DataFrame, length: int) -> pd.DataFrame:
    """Sum a day table by satellite and period.

    Parameters
    ----------
    days : pandas.DataFrame
        What `day_table` returns.
    length : int
        How much of a date names the period: 4 the year, 7 the month, 0 all time.

    Returns
    -------
    pandas.DataFrame
        satellite, period, days by state, and the sums of all other columns.
    """
    keyed = days.assign(period=days["date"].str.slice(0, length))
    for name in STATES:
        keyed[name] = (days["state"] == name).astype(int)
    return keyed.groupby(["satellite", "period"])[[*STATES, *_SUMS]].sum().reset_index()


def unlisted(planned: Sequence[Granule]) -> list[tuple[str, dt.date, dt.date, int]]:
    """Return the spans, between a satellite's first and last day, of which no file is known.

    Returns
    -------
    list of tuple
        Satellite, first and last day of the span, number of days.
    """
    spans = []
    for before, after in pairwise(sorted(planned)):
        if before.satellite == after.satellite and after.day > before.day + 1:
            first, last = before.day + 1, after.day - 1
            spans.append((before.satellite, schema.day_date(first), schema.day_date(last), last - first + 1))
    return spans


@dataclass(frozen=True)
class Timeline:
    """A day table by satellite and day, or month if it spans more than `DAILY_UNTIL` days.

    Arrays have shape (satellites, bins).
    """

    satellites: list[str]
    edges: np.ndarray
    """datetime64[D], one more than there are bins."""
    unit: str
    """``day`` or ``month``."""
    states: dict[str, np.ndarray]
    """Days by state."""
    days: np.ndarray
    """Days in the run's results."""
    events: dict[str, np.ndarray]
    """Events by class."""


def timeline(days: pd.DataFrame) -> Timeline:
    """Sum a day table by satellite and day or month."""
    dates = days["date"].to_numpy(str).astype("datetime64[D]")
    unit = "day" if (dates.max() - dates.min()).astype(int) < DAILY_UNTIL else "month"
    bins = dates.astype("datetime64[D]" if unit == "day" else "datetime64[M]")
    edges = np.arange(bins.min(), bins.max() + 2)
    satellites = sorted(set(days["satellite"]))
    where = np.searchsorted(satellites, days["satellite"].to_numpy(str)), (bins - edges[0]).astype(int)

    def total(values: pd.Series) -> np.ndarray:
        sums = np.zeros((len(satellites), edges.size - 1), int)
        np.add.at(sums, where, values.to_numpy(int))
        return sums

    return Timeline(
        satellites,
        edges.astype("datetime64[D]"),
        unit,
        {name: total(days["state"] == name) for name in STATES},
        total(days["in_run"]),
        {name: total(days[name]) for name in schema.EVENT_CLASSES},
    )


def strongest(events: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return the events of each class with the largest E4 flux at 0 degrees, strongest first."""
    order = events.sort_values(
        ["max_e4_0", "satellite", "start_time"], ascending=[False, True, True], na_position="last"
    )
    return pd.concat([order[order["event_class"] == name].head(count) for name in schema.EVENT_CLASSES])


def flag_names(flags: int) -> list[str]:
    """Return the names of the bits that are set."""
    return [name for name, bit in schema.EVENT_FLAGS.items() if flags & bit]


def flag_counts(events: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return the number of events by flag and class."""
    return {
        name: {
            kind: int((((events["quality_flags"] & bit) != 0) & (events["event_class"] == kind)).sum())
            for kind in schema.EVENT_CLASSES
        }
        for name, bit in schema.EVENT_FLAGS.items()
    }
