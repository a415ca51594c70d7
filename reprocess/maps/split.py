"""What a map is split by: axes that give every event and every second observed to exactly one part.

Things of a day, a satellite, a hemisphere or a flag are known of all time observed, so events and seconds are
split alike and the parts add up to the whole. A property of events alone splits the events, each part against
all the time observed.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from reprocess import schema
from reprocess.errors import SplitError
from reprocess.schema.grid import FINE

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, np.ndarray]
"""Columns of a dwell part, or of the positions of one."""

OfDwell = Callable[[str, Columns, str], np.ndarray]
"""From satellite, columns and event class (nothing: of all time observed) to the part of each row."""


@dataclass(frozen=True)
class Axis:
    """One thing that a map is split by."""

    name: str
    """Name of the dimension."""
    meaning: str
    labels: tuple[str, ...]
    of_events: "Callable[[pd.DataFrame], np.ndarray]"
    """From a table of events to the part of each, int, from 0."""
    of_dwell: OfDwell | None
    """None for a property of events alone."""
    columns: tuple[str, ...] = ()
    """Columns of the event table that `of_events` needs besides where, when and of which class events are."""
    by_minute: bool = False
    """Whether `of_dwell` needs rows of minutes, which are those of the position parts."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What a file says of where the parts come from."""
    warning: str = ""
    """What whoever sees the map must know of the parts."""


REST = ("below all bins", "above all bins", "no value")
"""Parts of what is in no bin."""

SEASONS = ("winter", "spring", "summer", "autumn")

NAMES = {
    "satellite": "the satellite",
    "year": "the calendar year (UTC)",
    "month": "the month of the year (UTC), all years together",
    "season": "the season by months (UTC), northern in both hemispheres; winter: December to February",
    "local_season": "the season of the hemisphere that the satellite is in, by months (UTC)",
    "hemisphere": "the hemisphere by the sign of the geodetic latitude",
    "epoch": "the time between dates (UTC) that are given as bins",
}
"""What a map can be split by besides flags, properties of events and indices."""


def make_axis(
    name: str,
    satellites: Sequence[str],
    days: np.ndarray,
    edges: Sequence[str] = (),
) -> Axis:
    """Return an axis by its name.

    Parameters
    ----------
    name : str
        One of `NAMES`, a flag, or a column of the event table that holds numbers.
    satellites : sequence of str
        Satellites of the map.
    days : ndarray of int
        Days of the map on the `day` axis.
    edges : sequence of str
        Edges of the bins of a property, or dates of epochs; only where there are bins to choose.

    Raises
    ------
    SplitError
        If there is nothing of this name, or edges are missing or not in order.
    """
    if name == "satellite":
        return _satellites(sorted(satellites))
    if not days.size:
        raise SplitError(f"there is no day to split by {name}")
    if name in ("year", "month", "season", "epoch"):
        return _of_days(name, days, edges)
    if name in ("hemisphere", "local_season"):
        return _of_hemispheres(name)
    if name in schema.EVENT_FLAGS:
        return _flag(name)
    return _property(name, edges)


def _satellites(names: list[str]) -> Axis:
    position = {name: k for k, name in enumerate(names)}

    def of_dwell(satellite: str, columns: Columns, _: str) -> np.ndarray:
        return np.full(columns["day"].size, position[satellite])

    def of_events(table: "pd.DataFrame") -> np.ndarray:
        return table["satellite"].map(position).to_numpy(int)

    return Axis("satellite", NAMES["satellite"], tuple(names), of_events, of_dwell)


def _of_days(name: str, days: np.ndarray, edges: Sequence[str]) -> Axis:
    """Return an axis whose parts are sets of days."""
    table, labels = _days_to_parts(name, days, edges)

    def of_events(events: "pd.DataFrame") -> np.ndarray:
        return table[event_days(events)]

    return Axis(name, NAMES[name], labels, of_events, lambda _, columns, __: table[columns["day"]])


def event_days(events: "pd.DataFrame") -> np.ndarray:
    """Return the day of each event on the `day` axis: that of the file it is in."""
    import pandas as pd

    dates = pd.to_datetime(events["date"], format="%Y-%m-%d").to_numpy("datetime64[D]")
    return (dates - np.datetime64(schema.EPOCH, "D")).astype(int)


def _calendar() -> np.ndarray:
    return np.datetime64(schema.EPOCH, "D") + np.arange(schema.DAYS)


def _months() -> np.ndarray:
    """Return the month of each day of the `day` axis, 0 to 11."""
    return _calendar().astype("datetime64[M]").astype(int) % 12


def _days_to_parts(name: str, days: np.ndarray, edges: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the part of each day of the `day` axis, and labels."""
    if name == "epoch":
        return _epochs(edges)
    if name == "month":
        return _months(), tuple(f"{month:02d}" for month in range(1, 13))
    if name == "season":
        return (_months() + 1) % 12 // 3, SEASONS
    years = _calendar().astype("datetime64[Y]").astype(int) + 1970
    first, last = (int(year) for year in (years[days].min(), years[days].max()))
    return np.clip(years - first, 0, last - first), tuple(str(year) for year in range(first, last + 1))


def _epochs(edges: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    try:
        dates = [dt.date.fromisoformat(edge) for edge in edges]
    except ValueError as e:
        raise SplitError(f"an epoch begins with a date, YYYY-MM-DD: {e}") from e
    if not dates or any(b <= a for a, b in pairwise(dates)):
        raise SplitError(
            f"dates of epochs must increase and be one at least, got {', '.join(edges) or 'none'}"
        )
    inner = [f"{a} to {b}" for a, b in pairwise(edges)]
    labels = (f"before {edges[0]}", *inner, f"from {edges[-1]}")
    return np.searchsorted(np.array(dates, "datetime64[D]"), _calendar(), side="right"), labels


def _of_hemispheres(name: str) -> Axis:
    """Return an axis whose parts depend on the hemisphere, and the month."""
    season, half = (_months() + 1) % 12 // 3, FINE.cells // 2

    def parts(south: np.ndarray, days: np.ndarray) -> np.ndarray:
        return south if name == "hemisphere" else (season[days] + 2 * south) % 4

    def of_events(events: "pd.DataFrame") -> np.ndarray:
        return parts((events["latitude"].to_numpy() < 0).astype(int), event_days(events))

    def of_dwell(_: str, columns: Columns, __: str) -> np.ndarray:
        south = columns["south"] if "south" in columns else (columns["cell"] >= half).astype(int)
        return parts(south, columns["day"])

    labels = schema.HEMISPHERES if name == "hemisphere" else SEASONS
    return Axis(name, NAMES[name], labels, of_events, of_dwell)


def _flag(name: str) -> Axis:
    """Return an axis of what has a flag and what has not; time within an event goes by the event's."""
    bit = schema.EVENT_FLAGS[name]

    def of_events(events: "pd.DataFrame") -> np.ndarray:
        return ((events["quality_flags"].to_numpy() & bit) != 0).astype(int)

    def of_dwell(_: str, columns: Columns, event_class: str) -> np.ndarray:
        column = f"quality_flags_{event_class}" if event_class else "quality_flags"
        if column not in columns:
            raise SplitError(
                f"the dwell of this run does not tell flags, so it cannot be split by {name}; classify its "
                "days again under another name"
            )
        return ((columns[column] & bit) != 0).astype(int)

    meaning = f"whether the flag {name} is set: {schema.FLAG_MEANINGS[name]}"
    return Axis(name, meaning, (f"without {name}", f"with {name}"), of_events, of_dwell)


def require_small(index: str) -> None:
    """Refuse a name of an index with capitals.

    Raises
    ------
    SplitError
        If it has any.
    """
    if index != index.lower():
        raise SplitError(f"indices are named in small letters here: split by {index.lower()}, not by {index}")


_OWN = {"L": "--l-edges (L_edges in Python)", "MLT": "--mlt-edges (MLT_edges in Python)"}
"""Columns of events that are dimensions of every map, and what chooses their bins."""


def _property(name: str, edges: Sequence[str]) -> Axis:
    from reprocess.indices.formats import INDICES  # with it comes pandas

    column = schema.EVENT_COLUMNS.get(name)
    if name.lower() in INDICES:
        require_small(name)
        raise SplitError(f"{name} is a geomagnetic index; give a file of it with --index FILE")
    if name in _OWN:
        raise SplitError(f"{name} is what a map's bins are of; choose them with {_OWN[name]}")
    if column is None or column.dtype not in {"float32", "float64", "int32"}:
        floats = {"float32", "float64"}
        numbers = [c for c, v in schema.EVENT_COLUMNS.items() if v.dtype in floats and c not in _OWN]
        raise SplitError(
            f"a map cannot be split by {name!r}; it can by {', '.join(NAMES)}, by a flag, or by a "
            f"property of events ({', '.join(numbers)})"
        )
    given = bin_edges(name, edges)
    single = column.dtype == "float32"  # in which 5.1 is less than 5.1 is in double precision
    with np.errstate(over="ignore"):
        limits = given.astype(np.float32).astype(float) if single else given
    require_increasing(limits, edges)

    def of_events(events: "pd.DataFrame") -> np.ndarray:
        return in_bins(events[name].to_numpy(float), limits)

    return Axis(name, column.meaning, bin_labels(given, column.units), of_events, None, (name,))


def bin_edges(name: str, edges: Sequence[str]) -> np.ndarray:
    """Return edges of bins as numbers.

    Raises
    ------
    SplitError
        If they are no numbers, do not increase, overlap, or are fewer than two.
    """
    try:
        numbers = np.array([float(edge) for edge in edges])
    except ValueError as e:
        raise SplitError(f"bins of {name} need numbers as edges: {e}") from e
    if numbers.size < 2:
        raise SplitError(
            f"{name} needs bins: --bins with two edges at least, such as --bins 0,2,4,9 "
            "(bins=[0, 2, 4, 9] in Python)"
        )
    require_increasing(numbers, edges)
    return numbers


def require_increasing(limits: np.ndarray, edges: Sequence[str]) -> None:
    """Make sure that limits of bins, as exact as what is in them, are numbers that increase.

    Raises
    ------
    SplitError
        If they are not; `edges` are as they were given.
    """
    if not np.isfinite(limits).all() or not np.all(np.diff(limits) > 0):
        raise SplitError(f"edges of bins must increase, each given once, got {', '.join(edges)}")


def bin_labels(edges: np.ndarray, units: str) -> tuple[str, ...]:
    """Return a label for each part that `in_bins` gives: bins, below and above them, no value."""
    unit = "" if units == "1" else f" {units}"
    inner = [f"{a:g} to {b:g}{unit}" for a, b in pairwise(edges)]
    return (*inner, *REST)


def in_bins(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the bin of each value; what is in none has a part of its own, so that parts add up.

    Bins are half-open, but the last one has its upper edge too: a Kp of 9 is within 4 to 9.

    Parameters
    ----------
    values : ndarray of float64
        NaN where there is none.
    edges : ndarray of float64, increasing, shape (k + 1,)

    Returns
    -------
    ndarray of int
        0 to k - 1 for the bins, k below them, k + 1 above them, k + 2 without a value.
    """
    k = edges.size - 1
    with np.errstate(invalid="ignore"):
        parts = np.searchsorted(edges, values, side="right") - 1
        parts = np.where(values == edges[-1], k - 1, parts)
        parts = np.where(values < edges[0], k, np.where(values > edges[-1], k + 1, parts))
    return np.where(np.isnan(values), k + 2, parts)
