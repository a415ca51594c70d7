"""Events of another mission or author, checked: what can be held against a run, and what cannot and why."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from reprocess.errors import EventListError
from reprocess.evaluation.rows import Form, numbers, read_rows
from reprocess.evaluation.truth import LONGEST

L_LIMITS = (1.0, 100.0)
"""L shells that a place can have: below 1 lies the inside of the Earth, beyond 100 no field line closes."""

PLACES = ("L", "MLT")
POSITIONS = ("latitude", "longitude")
"""What takes the place of both where a list has neither."""

_LIMITS = {"L": L_LIMITS, "MLT": (0.0, 24.0), "latitude": (-90.0, 90.0), "longitude": (-180.0, 360.0)}


@dataclass(frozen=True)
class Listed:
    """The usable rows of a list."""

    table: pd.DataFrame
    """`line`, `satellite` (empty where the list has none), `start_time`, `stop_time` (UTC, naive), `L`, `MLT`
    (NaN where the list has none), `event_class` (empty where it has none), by start; `latitude` and
    `longitude` (degrees) where the list has them and neither `L` nor `MLT`."""
    rows: int
    """Rows of the list."""
    left_out: list[tuple[int, str, str]]
    """Line, reason and words of each other row, by line."""
    places: tuple[str, ...]
    """Which of L and MLT are known."""
    mapped: bool = False
    """Whether they are those of latitude and longitude."""

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows are left out for each reason."""
        return dict(sorted(Counter(reason for _, reason, _ in self.left_out).items()))


def read_listed(path: Path, form: Form) -> Listed:
    """Read a list of events and leave out what cannot be one.

    Raises
    ------
    EventListError
        If the file cannot be read, has no start time, or no row of it can be used.
    """
    table = read_rows(path, form)
    if "start_time" not in table:
        there = ", ".join(str(name) for name in table.columns if name not in ("line", "dated"))
        raise EventListError(
            f"{path} has no column start_time, time or start; it has {there}. Name one with "
            "--column start_time=COLUMN, or a number with --no-header"
        )
    places = tuple(name for name in PLACES if name in table)
    if not places and all(name in table for name in POSITIONS):
        places = POSITIONS
    known = pd.DataFrame({"line": table["line"].to_numpy(np.int64)})
    for name in ("satellite", "event_class"):
        known[name] = table[name].astype(str).to_numpy(object) if name in table else ""
    for name in ("start_time", "stop_time"):
        known[name] = table[name if name in table else "start_time"].to_numpy("datetime64[ms]")
    for name in dict.fromkeys((*PLACES, *places)):
        known[name] = numbers(table[name]) if name in table else np.nan
    reasons = _reasons(known, table["dated"].to_numpy(bool), places)
    bad = np.array([reason is not None for reason in reasons], bool)
    left_out = [
        (line, *reason)
        for line, reason in zip(known["line"].tolist(), reasons, strict=True)
        if reason is not None
    ]
    if bad.all():
        raise EventListError(
            f"no row of {path} can be used"
            + "".join(f"\n  line {k}: {words}" for k, _, words in left_out[:10])
        )
    usable = known[~bad].assign(MLT=known["MLT"][~bad] % 24)
    places = () if places == POSITIONS else places
    return Listed(usable.sort_values("start_time", ignore_index=True), len(known), left_out, places)


def _reasons(table: pd.DataFrame, dated: np.ndarray, places: tuple[str, ...]) -> list[tuple[str, str] | None]:
    """Return for each row what is wrong with it, as a reason and in words; None where nothing is."""
    first: dict[tuple[object, ...], int] = {}
    found: list[tuple[str, str] | None] = []
    for row, no_time in zip(table.to_dict("records"), dated.tolist(), strict=True):
        reason = _reason(row, no_time, places)
        key = tuple(str(value) for name, value in row.items() if name != "line")
        if reason is None and key in first:
            reason = "duplicate", f"is line {first[key]} again"
        elif reason is None:
            first[key] = row["line"]
        found.append(reason)
    return found


def _reason(row: dict[object, object], no_time: bool, places: tuple[str, ...]) -> tuple[str, str] | None:
    start, stop = pd.Timestamp(row["start_time"]), pd.Timestamp(row["stop_time"])  # type: ignore[arg-type]
    if pd.isna(start) or pd.isna(stop):
        return "no time", f"{'start' if pd.isna(start) else 'stop'} is no ISO 8601 time"
    if no_time:
        return "no time of day", f"{start.date()} is a day and no time"
    if start > stop:
        return "reversed", f"starts at {start.isoformat()}, after its stop at {stop.isoformat()}"
    if stop - start > LONGEST:
        return "too long", f"lasts {stop - start}; more than {LONGEST} is no event"
    for name in places:
        value, (low, high) = float(row[name]), _LIMITS[name]  # type: ignore[arg-type]
        if np.isnan(value):
            return f"no {name}", f"{name} is missing"
        if not low <= value <= high:
            return f"impossible {name}", f"{name} is {value:g}, not from {low:g} to {high:g}"
    return None


def of_run(events: pd.DataFrame, name: str) -> Listed:
    """Return the events of a run as a list; its lines are the rows of the event table.

    Raises
    ------
    EventListError
        If the run has none.
    """
    if events.empty:
        raise EventListError(f"run {name!r} has no event to look for")
    table = events.sort_values("start_time", ignore_index=True)
    known = {name: table[name] for name in ("satellite", "event_class", *PLACES)}
    for edge in ("start_time", "stop_time"):
        known[edge] = table[edge].dt.tz_localize(None)
    return Listed(pd.DataFrame({"line": np.arange(1, len(table) + 1), **known}), len(table), [], PLACES)
