"""What a run gave, for notebooks: its events, its maps, what to cite; and two tables of events compared."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from reprocess.catalogue.citation import Citation, cite_run
from reprocess.comparison.pairs import pair_events
from reprocess.errors import ComparisonError, LedgerError
from reprocess.maps.occurrence import load_occurrence
from reprocess.schema import EVENT_COLUMNS
from reprocess.work.origin import SIMULATED, marked
from reprocess.work.parts import read_events as read_parts
from reprocess.work.paths import Run, Work
from reprocess.work.place import AtHand, find_place

_PAIRED = ("satellite", "event_class", "start_time", "stop_time", "L", "MLT", "latitude")
"""Columns that pairs are made of."""


def read_events(
    work: str | Path, run: str | None = None, *, storage_options: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Return the event table of a run.

    Parameters
    ----------
    work : str or Path
        WORK: a folder, an address that fsspec reads (``s3://…``), or a zip file.
    run : str, optional
        Name of the run; not needed if there is only one.
    storage_options : mapping, optional
        Options of the fsspec file system.

    Returns
    -------
    pandas.DataFrame
        A row per event, sorted by satellite, start and class; the columns of `reprocess events --describe`.
        Times are UTC without a zone, like those of `records`, so that the two can be compared. In ``attrs``:
        ``units`` and ``meaning`` by column, ``times``, the run's ``model``, ``mode`` and name, and
        ``simulated`` if a file says that it is.

    Raises
    ------
    LedgerError
        If there is no such run, or a part is missing or damaged.
    SourceError
        If an address cannot be read.

    Examples
    --------
    >>> events = reprocess.read_events(WORK, "simulated2026-published")
    >>> events.attrs["units"]["duration_s"]
    's'
    >>> first = events.iloc[0]
    >>> ds = reprocess.records(WORK, first.satellite, first.start_time, first.stop_time)
    >>> bool(ds.time[0] == first.start_time)
    True
    """
    with _one_run(work, run, storage_options) as (one, near):
        near.need(f"runs/{one.name}/ledger/*/*.json", f"runs/{one.name}/events/*/*.parquet")
        identity = one.read_identity() or {}
        facts = {name: str(identity.get(name, "")) for name in ("model", "mode")}
        receipts = list(one.ledger.done())
        simulated = any(entry.get("simulated") for r in receipts for entry in r["days"].values())
        return plain_table(read_parts(one, receipts), simulated=simulated, **facts, run=one.name)


def open_maps(
    work: str | Path,
    run: str | None = None,
    name: str | None = None,
    *,
    storage_options: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Return the maps that a run has: ``occurrence.nc``, or one that ``reprocess map --name`` wrote.

    Parameters
    ----------
    work, run, storage_options
        As in `read_events`.
    name : str, optional
        Name of a map beside the run's own.

    Returns
    -------
    xarray.Dataset
        Dimensions event_class, L, MLT (hours); events, dwell (s), event_rate (per hour) and
        occurrence_fraction with their intervals. Bins with too little dwell are NaN. The attribute
        ``simulated`` is there, on the Dataset and its variables, where simulated days are part of it.

    Raises
    ------
    LedgerError
        If there is no such run or map, or the file is damaged.
    SourceError
        If an address cannot be read.

    Examples
    --------
    >>> maps = reprocess.open_maps(WORK, "simulated2026-published")
    >>> maps.event_rate.dims, maps.dwell.attrs["units"]
    (('event_class', 'L', 'MLT'), 's')
    """
    with _one_run(work, run, storage_options) as (one, near):
        near.need(f"runs/{one.name}/occurrence.nc", f"runs/{one.name}/maps/*.nc")
        if name is None:
            return marked_maps(load_occurrence(one.occurrence, one.name))
        path = one.named_maps / f"{name}.nc"
        if not path.exists():
            held = ", ".join(sorted(p.stem for p in one.named_maps.glob("*.nc"))) or "none"
            raise LedgerError(f"run {one.name!r} has no map {name!r}; it has these besides its own: {held}")
        return marked_maps(load_occurrence(path, one.name))


def cite(
    work: str | Path, run: str | None = None, *, storage_options: Mapping[str, Any] | None = None
) -> Citation:
    """Return what to cite of a run: method, model, data and software.

    Parameters
    ----------
    work, run, storage_options
        As in `read_events`.

    Returns
    -------
    Citation
        ``text`` has sentences, ``bibtex`` the entries; printed, it is both.

    Raises
    ------
    LedgerError
        If there is no such run.
    SourceError
        If an address cannot be read.

    Examples
    --------
    >>> print(reprocess.cite(WORK).text.splitlines()[0])
    A result of run 'simulated2026-published' rests on:
    """
    with _one_run(work, run, storage_options) as (one, near):
        near.need(f"runs/{one.name}/ledger/*/*.json")
        return cite_run(one)


def compare_events(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Match the events of two tables one to one, as ``reprocess compare`` does.

    Parameters
    ----------
    a, b : pandas.DataFrame
        What `read_events` or the events of `classify` are, of the same satellite-days: an event of a day that
        the other has not looked at would count as lost or gained.

    Returns
    -------
    pandas.DataFrame
        A row per pair, in order of satellite and time. ``kind`` says what became of the event of `a` in `b`:
        kept, moved (other records), relabelled (the other class), lost; or gained, where `a` has none.
        ``row_a`` and ``row_b`` are positions in the tables, -1 for none; class, times, L, MLT and latitude of
        both; ``overlap_s`` seconds in common; ``entangled`` where an event without a partner shares records
        with one that has another. Why an event differs is told by ``reprocess compare --explain``.

    Raises
    ------
    ComparisonError
        If a table lacks columns of events.

    Examples
    --------
    >>> events = reprocess.read_events(WORK)
    >>> pairs = reprocess.compare_events(events, events[events.event_class == "REP"])
    >>> sorted(pairs.kind.unique())
    ['kept', 'lost']
    """
    for name, table in (("a", a), ("b", b)):
        lacking = [column for column in _PAIRED if column not in table]
        if lacking:
            raise ComparisonError(
                f"table {name} lacks {', '.join(lacking)}; give what read_events returns, or the events of "
                "classify"
            )
    plain = [
        table.assign(**{k: pd.to_datetime(table[k], utc=True) for k in ("start_time", "stop_time")})
        for table in (a, b)
    ]
    pairs = pair_events(*plain)
    for name in ("start_time_a", "stop_time_a", "start_time_b", "stop_time_b"):
        pairs[name] = pairs[name].dt.tz_convert(None)
    if any("simulated" in table.attrs for table in (a, b)):
        pairs.attrs["simulated"] = SIMULATED
    return pairs


def marked_maps(maps: xr.Dataset) -> xr.Dataset:
    """Return maps with the mark of simulated data where their attributes count simulated days."""
    return marked(maps) if maps.attrs.get("simulated_satellite_days") else maps


def plain_table(table: pd.DataFrame, *, simulated: bool, **facts: str) -> pd.DataFrame:
    """Return an event table as the library gives it: times without a zone, units in its attributes."""
    times = [name for name, column in EVENT_COLUMNS.items() if column.dtype == "time"]
    plain = table.assign(**{name: table[name].dt.tz_convert(None) for name in times})
    attrs: dict[str, Any] = {
        "units": {
            name: "" if column.dtype == "time" else column.units for name, column in EVENT_COLUMNS.items()
        },
        "meaning": {name: column.meaning for name, column in EVENT_COLUMNS.items()},
        "times": "UTC, without a zone",
        **facts,
        **({"simulated": SIMULATED} if simulated else {}),
    }
    plain.attrs.update(attrs)
    return plain


@contextmanager
def _one_run(
    work: str | Path, run: str | None, storage_options: Mapping[str, Any] | None
) -> Iterator[tuple[Run, AtHand]]:
    """Give a run's files, at hand for as long as they are read."""
    place = find_place(work, storage_options)
    with place.at_hand() as near:
        near.need("runs/*/run.json")
        found = Work(near.path)
        if not found.runs():
            raise LedgerError(f"{place} has no run; give the WORK directory that reprocess run wrote")
        yield found.only_run(run), near
