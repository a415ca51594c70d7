"""Event lists: what precipitation happened when, by a simulator or by a person.

A list is a CSV or Parquet file with the columns ``satellite``, ``start_time``, ``stop_time`` (UTC,
first and last record) and ``event_class`` (REP or CSS); ``start``, ``stop`` and ``class`` are
accepted too. Further columns, such as those of a simulated archive's truth table, are kept.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from reprocess.errors import EventListError
from reprocess.schema import EVENT_CLASSES, SATELLITES

_ALIASES = {"start": "start_time", "stop": "stop_time", "class": "event_class"}
_REQUIRED = ("satellite", "start_time", "stop_time", "event_class")


@dataclass(frozen=True)
class EventList:
    """A checked event list."""

    table: pd.DataFrame
    """Rows that are usable, sorted by satellite and start; times are datetime64[ms]."""
    dropped: list[str]
    """What was wrong with the other rows, one line each."""


def read_event_list(path: Path, *, drop: bool = False) -> EventList:
    """Read and check an event list.

    Parameters
    ----------
    path : Path
        CSV, or Parquet if its name ends in ``.parquet``.
    drop : bool
        Leave out bad rows instead of refusing the list.

    Raises
    ------
    EventListError
        If the file cannot be read, columns are missing, no row is left, or (unless `drop`) any row is
        bad: unknown satellite or class, no time, reversed, or overlapping the one before.
    """
    try:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except (OSError, ValueError) as e:
        raise EventListError(f"{path} cannot be read as an event list: {e}") from e
    table = table.rename(columns={k: v for k, v in _ALIASES.items() if v not in table})
    missing = [name for name in _REQUIRED if name not in table]
    if missing:
        raise EventListError(f"{path} has no column {', '.join(missing)}; it has {', '.join(table.columns)}")
    for name in ("start_time", "stop_time"):
        times = pd.to_datetime(table[name], utc=True, errors="coerce", format="ISO8601")
        table[name] = times.dt.tz_localize(None).astype("datetime64[ms]")
    problems = _problems(table)
    return select_rows(path, table, problems, drop=drop)


def select_rows(path: Path, table: pd.DataFrame, problems: dict[int, str], *, drop: bool) -> EventList:
    """Return the rows without a problem, or refuse the list.

    Parameters
    ----------
    path : Path
        For the message.
    table : pandas.DataFrame
    problems : dict of int to str
        What is wrong, by row number; row 1 is the first below the header.
    drop : bool
        As in `read_event_list`.

    Raises
    ------
    EventListError
        As in `read_event_list`.
    """
    lines = [f"row {row}: {reason}" for row, reason in sorted(problems.items())]
    if lines and not drop:
        raise EventListError(
            f"{len(lines)} of {len(table)} rows of {path} cannot be used:\n  "
            + "\n  ".join(lines)
            + "\ncorrect them or leave them out with --drop-bad-rows"
        )
    good = table[[row not in problems for row in range(1, len(table) + 1)]]
    if good.empty:
        raise EventListError(f"no row of {path} can be used" + "".join(f"\n  {line}" for line in lines))
    return EventList(good.sort_values(["satellite", "start_time"], ignore_index=True), lines)


def label_records(time: np.ndarray, events: pd.DataFrame) -> np.ndarray:
    """Return the class of each record according to a list.

    Parameters
    ----------
    time : ndarray of int64, shape (n,)
        Milliseconds since 1970, increasing.
    events : pandas.DataFrame
        Rows of one satellite, sorted by start.

    Returns
    -------
    ndarray of int8, shape (n,)
        Positions in `schema.CLASSES`.
    """
    labels = np.zeros(time.size, np.int8)
    first = np.searchsorted(time, events["start_time"].to_numpy("datetime64[ms]").astype(np.int64))
    last = np.searchsorted(time, events["stop_time"].to_numpy("datetime64[ms]").astype(np.int64), "right")
    for start, stop, name in zip(first, last, events["event_class"], strict=True):
        labels[start:stop] = EVENT_CLASSES[name]
    return labels


def _problems(table: pd.DataFrame) -> dict[int, str]:
    """Return what is wrong with each row by itself, or with rows that overlap an earlier one."""
    found: dict[int, str] = {}
    latest: dict[str, tuple[pd.Timestamp, int]] = {}
    rows = np.arange(1, len(table) + 1)
    order = table.assign(row=rows).sort_values(["satellite", "start_time"], kind="stable")
    for event in order[["row", *_REQUIRED]].to_dict("records"):
        reason = _problem(**{name: event[name] for name in _REQUIRED})
        end, row = latest.get(event["satellite"], (pd.Timestamp.min, 0))
        if reason is None and event["start_time"] <= end:
            reason = f"overlaps row {row}, which ends at {end}"
        if reason is None:
            latest[event["satellite"]] = (event["stop_time"], event["row"])
        else:
            found[event["row"]] = reason
    return found


def _problem(
    satellite: str, start_time: pd.Timestamp, stop_time: pd.Timestamp, event_class: str
) -> str | None:
    if satellite not in SATELLITES:
        return f"satellite {satellite!r} is none of {', '.join(SATELLITES)}"
    if event_class not in EVENT_CLASSES:
        return f"class {event_class!r} is neither of {', '.join(EVENT_CLASSES)}"
    if pd.isna(start_time) or pd.isna(stop_time):
        return "start or stop is not an ISO 8601 time"
    if start_time > stop_time:
        return f"starts at {start_time}, after its stop at {stop_time}"
    return None
