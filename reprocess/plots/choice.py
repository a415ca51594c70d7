"""From what a user says to what is drawn: an event, a satellite-day, a crossing of the belt."""

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from reprocess import schema
from reprocess.detect.rules.published import L_MAX, L_MIN
from reprocess.errors import PlotError
from reprocess.plots.view import Source, View
from reprocess.schema import MS_PER_DAY, DayState
from reprocess.work.paths import Work
from reprocess.work.status import ledger_days

if TYPE_CHECKING:
    import pandas as pd

AROUND_S = 60.0
"""What is shown before and after an event, seconds."""

CROSSING_S = 2700.0
"""Where the belt is looked for around a time, seconds on either side: half an orbit is 51 minutes."""

_BREAK_S = 300.0
"""A longer gap ends a crossing; one from L 2.5 to 8.5 takes six minutes."""

_HALF_MS = round(500 * schema.SAMPLING_S)


def milliseconds(time: dt.datetime) -> int:
    """Return a time, in UTC if it names no zone, as milliseconds since 1970."""
    utc = time if time.tzinfo is None else time.astimezone(dt.UTC).replace(tzinfo=None)
    return int(np.datetime64(utc, "ms").astype(np.int64))


def stamp(ms: int) -> str:
    """Return milliseconds since 1970 as date and time (UT)."""
    return str(np.datetime64(ms, "ms").astype("datetime64[s]")).replace("T", " ")


def choose_event(
    events: "pd.DataFrame",
    number: int | None = None,
    time: dt.datetime | None = None,
    satellite: str | None = None,
    event_class: str | None = None,
) -> int:
    """Return the position in the event table of the event that is meant.

    Parameters
    ----------
    events : DataFrame
        The whole table of a run, as `work.parts.read_events` returns it.
    number : int, optional
        Its row in what ``reprocess events`` prints, from 1.
    time : datetime, optional
        A time within the event, as its start (UTC).
    satellite, event_class : str, optional
        What it must have besides.

    Raises
    ------
    PlotError
        If there is no such event, with the nearest ones, or there are several, with their numbers.
    """
    import pandas as pd

    if events.empty:
        raise PlotError("the run has no event; reprocess plot day or pass draws records without events")
    if number is not None:
        if not 1 <= number <= len(events):
            raise PlotError(
                f"there is no event {number}: the table has {len(events)}; give a number from 1 to "
                f"{len(events)}, the row in what reprocess events prints"
            )
        return number - 1
    kept = events[_matches(events, satellite, event_class)]
    if kept.empty:
        words = " ".join(x for x in (event_class, satellite) if x)
        there = ", ".join(f"{n} {c} of {s}" for (s, c), n in _counts(events).items())
        raise PlotError(f"there is no event {words} in the run; it has {there}")
    if time is None:
        chosen = kept
    else:
        at = pd.Timestamp(milliseconds(time), unit="ms", tz="UTC")
        half = pd.Timedelta(_HALF_MS, unit="ms")
        # As printed, a time may be cut to seconds: half a sampling interval on either side is the event's.
        chosen = kept[(kept["start_time"] - half <= at) & (at <= kept["stop_time"] + half)]
        if chosen.empty:
            raise PlotError(f"there is no event at {stamp(milliseconds(time))}; nearest: {_near(kept, at)}")
    if len(chosen) > 1:
        raise PlotError(
            f"{len(chosen)} events are meant: {_named(chosen.head(6))}"
            f"{', …' if len(chosen) > 6 else ''}; give the number of one, or a time within it and its "
            "satellite and class"
        )
    return int(chosen.index[0])


def _matches(events: "pd.DataFrame", satellite: str | None, event_class: str | None) -> np.ndarray:
    found = np.ones(len(events), bool)
    for column, wanted in (("satellite", satellite), ("event_class", event_class)):
        if wanted is not None:
            found &= (events[column] == wanted).to_numpy()
    return found


def _counts(events: "pd.DataFrame") -> dict[tuple[str, str], int]:
    pairs = zip(events["satellite"], events["event_class"], strict=True)
    return dict(Counter(pairs))


def _near(events: "pd.DataFrame", at: "pd.Timestamp") -> str:
    distance = (events["start_time"] - at).abs()
    return _named(events.loc[distance.nsmallest(3).index])


def _named(events: "pd.DataFrame") -> str:
    """Return number, satellite, class and start of events."""
    rows = zip(
        events.index, events["satellite"], events["event_class"], events["start_time"], strict=True
    )  # fmt: skip
    return ", ".join(f"{i + 1} ({s} {c} {t:%Y-%m-%dT%H:%M:%S})" for i, s, c, t in rows)


def require_satellite(work: Work, satellite: str) -> None:
    """Make sure that the archive has a satellite.

    Raises
    ------
    PlotError
        If it does not, with what it has.
    """
    if not (work.archive / satellite / "zarr.json").is_file():
        held = [name for name in schema.SATELLITES if (work.archive / name / "zarr.json").is_file()]
        raise PlotError(
            f"the archive in {work.root} has nothing of {satellite}; it holds "
            f"{', '.join(held) or 'nothing'}. Give one of them, or: reprocess ingest ARCHIVE {work.root} "
            f"--satellite {satellite}"
        )


def view_event(source: Source, position: int, around_s: float = AROUND_S) -> View:
    """Return the records of an event and around it.

    Parameters
    ----------
    source : Source
        With the whole event table.
    position : int
        As `choose_event` returns it.
    around_s : float
        Seconds before its first and after its last record.
    """
    if source.events is None:
        raise ValueError("an event needs a source with the event table")
    row = source.events.loc[position]
    margin = round(1000 * around_s)
    start, stop = (int(row[name].value // 1_000_000) for name in ("start_time", "stop_time"))
    return source.view(start - margin, stop + margin)


def view_day(source: Source, date: dt.date) -> View:
    """Return the records of a satellite-day.

    Raises
    ------
    PlotError
        If the archive has none, with the reason.
    """
    require_satellite(source.work, source.satellite)
    entry = ledger_days(source.work.ledger).get((source.satellite, date.isoformat()))
    if entry is None or entry["status"] != DayState.OK:
        raise PlotError(_not_ingested(source.work, source.satellite, date, entry))
    start = milliseconds(dt.datetime.combine(date, dt.time()))
    return source.view(start, start + MS_PER_DAY - 1)


def _not_ingested(work: Work, satellite: str, date: dt.date, entry: object) -> str:
    where = f"{satellite} {date}"
    if isinstance(entry, dict):
        return (
            f"{where} has no records to draw: it is {entry['status']} ({entry.get('reason')}: "
            f"{entry.get('detail')}); reprocess ingest --retry-quarantined reads its file again"
        )
    return (
        f"{where} is not in the archive; give a day that reprocess status {work.root} counts as ingested, "
        f"or: reprocess ingest ARCHIVE {work.root} --satellite {satellite} --start {date} --end {date}"
    )


def view_pass(source: Source, time: dt.datetime) -> View:
    """Return the records of the crossing of the belt, L 2.5 to 8.5, that a time is in.

    Raises
    ------
    PlotError
        If the satellite was not in the belt then, with the crossings before and after.
    """
    require_satellite(source.work, source.satellite)
    at = milliseconds(time)
    reach = round(1000 * CROSSING_S)
    around = source.view(at - reach, at + reach, classify=False)
    first, last = find_crossing(around, at)
    view = source.view(first, last)
    whole = first > around.time[0] and last < around.time[-1]
    note = () if whole else ("the crossing may go on where the archive has no records",)
    return view if not note else View(**{**vars(view), "notes": (*view.notes, *note)})


def find_crossing(view: View, at_ms: int) -> tuple[int, int]:
    """Return the times of the first and the last record of the crossing of the belt at a time.

    A crossing is what lies between leaving and entering L 2.5 to 8.5. Where the file has no L, it goes on
    with the L of the field line, and where that is not known either, as between the records around.

    Parameters
    ----------
    view : View
        Records around the time.
    at_ms : int
        Milliseconds since 1970.

    Raises
    ------
    PlotError
        As `view_pass`.
    """
    crossings = _crossings(view.time, view.place["L"])
    for first, last in crossings:
        if first - _HALF_MS <= at_ms <= last + _HALF_MS:
            return first, last
    before = [f"from {stamp(a)} to {stamp(b)}" for a, b in crossings if b < at_ms][-1:]
    after = [f"from {stamp(a)} to {stamp(b)}" for a, b in crossings if a > at_ms][:1]
    told = " and ".join(before + after)
    hint = f"it was there {told}; give a time of these" if told else "give another time"
    where = f"L {L_MIN:g} to {L_MAX:g}"
    raise PlotError(
        f"{view.satellite} has no record in the belt ({where}) at {stamp(at_ms)}, and within "
        f"{CROSSING_S / 60:g} minutes {hint}"
    )


def _crossings(time: np.ndarray, L: np.ndarray) -> list[tuple[int, int]]:
    known = np.isfinite(L)
    if not known.any():
        return []
    index = np.arange(L.size)
    filled = np.interp(index, index[known], L[known])
    inside = (filled >= L_MIN) & (filled <= L_MAX)
    broken = np.diff(time, prepend=time[0]) > 1000 * _BREAK_S
    starts = np.flatnonzero(inside & (~np.roll(inside, 1) | broken | (index == 0)))
    ends = np.flatnonzero(inside & (~np.roll(inside, -1) | np.roll(broken, -1) | (index == L.size - 1)))
    return [(int(time[a]), int(time[b])) for a, b in zip(starts, ends, strict=True)]
