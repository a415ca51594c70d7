"""Event lists: what precipitation happened when, by a simulator or by a person.

A list is a CSV or Parquet file with the columns ``satellite``, ``start_time``, ``stop_time`` (UTC,
first and last record) and ``event_class`` (REP or CSS); ``start``, ``stop`` and ``class`` are
accepted too, and other forms by `rows.Form`. The truth table of a simulated archive and the event table
of a run are such lists; the latter is told by its columns, since what a model found is no truth. Events
of both classes may share records, as those of a run do: a record's class is then that of the event that
begins later, of two that begin together REP.

Rows with the same ``event_id``, where a list has it, are one event: its parts in the files of two
days. Columns of `schema.SITUATIONS` tell in which hard situations an event is.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.ndimage import maximum_filter1d

from reprocess.errors import EventListError
from reprocess.evaluation.rows import Form, read_rows
from reprocess.schema import EVENT_CLASSES, SATELLITES, SITUATIONS

_REQUIRED = ("satellite", "start_time", "stop_time", "event_class")
_OF_RUNS = ("model", "run", "probability", "quality_flags")
"""Columns that tell a run's event table from other lists."""

LONGEST = pd.Timedelta(hours=1)
"""Longest event that is believed: half an orbit is 51 minutes, so what is longer has a wrong time."""


@dataclass(frozen=True)
class EventList:
    """A checked event list."""

    table: pd.DataFrame
    """Usable rows, sorted by satellite and start: the four columns, times as datetime64[ms], and those of
    `schema.SITUATIONS` that a list has."""
    dropped: list[str]
    """What was wrong with the other rows, one line each."""
    found_by: tuple[str, ...] = ()
    """Models and runs that found the events, where lists are event tables of runs; nobody knows whether
    these are true."""
    overlapping: int = 0
    """Usable events that share a moment with one of the other class."""

    @property
    def given(self) -> str:
        """What the events are called: ``true``, or ``listed`` if a model found some of them."""
        return "listed" if self.found_by else "true"


def read_event_list(
    paths: Sequence[Path],
    covered: Collection[tuple[str, str]],
    *,
    drop: bool = False,
    form: Form = Form(),  # noqa: B008  # it is frozen
) -> EventList:
    """Read and check event lists, taken together.

    Parameters
    ----------
    paths : sequence of Path
        CSV, or Parquet where the name ends in ``.parquet``.
    covered : collection of (str, str)
        Satellite and date (YYYY-MM-DD) of the days that the archive holds.
    drop : bool
        Leave out bad rows instead of refusing the list.
    form : Form
        How the lists are written.

    Raises
    ------
    EventListError
        If a file cannot be read, columns are missing, no row is left, or (unless `drop`) any row is
        bad: unknown satellite or class, no time, reversed, longer than `LONGEST`, on a day that the
        archive does not hold, or overlapping an earlier event of its satellite and class. Row 1 is the
        first below the header.
    """
    table = pd.concat([_read(path, form) for path in paths], ignore_index=True)
    problems = _problems(table, covered)
    where = table["where"].tolist()
    lines = [f"{where[i]}: {reason}" for i, reason in sorted(problems.items())]
    if lines and not drop:
        raise EventListError(
            f"{len(lines)} of {len(table)} rows cannot be used:\n  "
            + "\n  ".join(lines)
            + "\ncorrect them or leave them out with --drop-bad-rows"
        )
    good = table.drop(index=list(problems))
    if good.empty:
        names = ", ".join(str(path) for path in paths)
        raise EventListError(f"no row of {names} can be used" + "".join(f"\n  {line}" for line in lines))
    found_by = tuple(sorted(set(good["found_by"]) - {""}))
    order = ["satellite", "start_time", "event_class"]
    good = _joined(good.drop(columns=["where", "found_by"])).sort_values(order, ignore_index=True)
    return EventList(good, lines, found_by, _count_shared(good))


def _count_shared(events: pd.DataFrame) -> int:
    """Count the events that share a moment with one of the other class; those of one class share none."""
    shared = 0
    for _, here in events.groupby("satellite"):
        first, second = (here[here["event_class"] == name] for name in EVENT_CLASSES)
        for some, others in ((first, second), (second, first)):
            begun = np.searchsorted(np.sort(others["start_time"]), some["stop_time"], "right")
            ended = np.searchsorted(np.sort(others["stop_time"]), some["start_time"], "left")
            shared += int((begun > ended).sum())
    return shared


def _joined(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row for the parts of each event, without `event_id`; situations are those of any part."""
    situations = [name for name in SITUATIONS if name in table]
    table = table.assign(**{name: table[name].eq(True) for name in situations})
    if "event_id" not in table:
        return table
    named = table["event_id"].notna()
    groups = table[named].groupby(["satellite", "event_class", "event_id"], as_index=False, sort=False)
    whole = groups.agg({"start_time": "min", "stop_time": "max", **dict.fromkeys(situations, "max")})
    return pd.concat([table[~named], whole], ignore_index=True)[[*_REQUIRED, *situations]]


def near_events(labels: np.ndarray, reach: int) -> np.ndarray:
    """Tell which records are at most `reach` from one of an event, by the class of each record."""
    near: np.ndarray = maximum_filter1d(labels != 0, 2 * reach + 1, mode="constant")
    return near


def label_records(time: np.ndarray, events: pd.DataFrame) -> np.ndarray:
    """Return the class of each record according to a list.

    Parameters
    ----------
    time : ndarray of int64, shape (n,)
        Milliseconds since 1970, increasing.
    events : pandas.DataFrame
        Rows of one satellite, in the form of `EventList.table`.

    Returns
    -------
    ndarray of int8, shape (n,)
        Positions in `schema.CLASSES`.
    """
    labels = np.zeros(time.size, np.int8)
    for (start, stop), name in zip(record_ranges(time, events), events["event_class"], strict=True):
        labels[start:stop] = EVENT_CLASSES[name]
    return labels


def record_ranges(time: np.ndarray, events: pd.DataFrame) -> np.ndarray:
    """Return the records of each event as half-open ranges, int64, shape (k, 2); empty where it has none.

    The arguments are those of `label_records`.
    """
    edges = [events[name].to_numpy("datetime64[ms]").astype(np.int64) for name in ("start_time", "stop_time")]
    return np.stack([np.searchsorted(time, edges[0]), np.searchsorted(time, edges[1], "right")], axis=1)


def _read(path: Path, form: Form) -> pd.DataFrame:
    """Return the required columns of one file, and where each row stands."""
    table = read_rows(path, form)
    missing = [name for name in _REQUIRED if name not in table]
    if missing:
        there = [str(name) for name in table.columns if name not in ("line", "dated")]
        raise EventListError(f"{path} has no column {', '.join(missing)}; it has {', '.join(there)}")
    of_run = set(_OF_RUNS) <= set(table)
    found_by = "model " + table["model"].astype(str) + ", run " + table["run"].astype(str) if of_run else ""
    names = (*_REQUIRED, *(name for name in ("event_id", *SITUATIONS) if name in table))
    table = table[list(names)].assign(found_by=found_by)
    table["where"] = [f"{path} row {i + 1}" for i in range(len(table))]
    return table


def _problems(table: pd.DataFrame, covered: Collection[tuple[str, str]]) -> dict[int, str]:
    """Return what is wrong with rows by themselves, or with an earlier one of their class."""
    found: dict[int, str] = {}
    latest: dict[tuple[str, str], tuple[Any, str]] = {}
    order = table.assign(row=table.index).sort_values("start_time", kind="stable")
    for event in order.to_dict("records"):
        reason = _problem(event, covered)
        kind = (event["satellite"], event["event_class"])
        end, where = latest.get(kind, (pd.Timestamp.min, ""))
        if reason is None and event["start_time"] <= end:
            reason = f"overlaps {where}, which ends at {end.isoformat()}"
        if reason is None:
            latest[kind] = (event["stop_time"], event["where"])
        else:
            found[event["row"]] = reason
    return found


def _problem(event: dict[Any, Any], covered: Collection[tuple[str, str]]) -> str | None:
    satellite, start, stop = event["satellite"], event["start_time"], event["stop_time"]
    if satellite not in SATELLITES:
        return f"satellite {satellite!r} is none of {', '.join(SATELLITES)}"
    if event["event_class"] not in EVENT_CLASSES:
        return f"class {event['event_class']!r} is none of {', '.join(EVENT_CLASSES)}"
    if pd.isna(start) or pd.isna(stop):
        return "start or stop is no ISO 8601 time"
    if start > stop:
        return f"starts at {start.isoformat()}, after its stop at {stop.isoformat()}"
    if stop - start > LONGEST:
        return f"lasts {stop - start}; more than {LONGEST} is no event"
    if not {(satellite, str(start.date())), (satellite, str(stop.date()))}.intersection(covered):
        return f"the archive does not hold {satellite} on {start.date()}"
    return None
