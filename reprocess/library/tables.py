"""What a run gave, for notebooks: its events and its maps."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from reprocess.errors import LedgerError
from reprocess.maps.occurrence import load_occurrence
from reprocess.schema import EVENT_COLUMNS
from reprocess.work.parts import read_events as read_parts
from reprocess.work.paths import Run, Work
from reprocess.work.place import AtHand, find_place


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
        ``units`` and ``meaning`` by column, ``times``, and the run's ``model``, ``mode`` and name.

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
        return plain_table(read_parts(one, one.ledger.done()), **facts, run=one.name)


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
        occurrence_fraction with their intervals. Bins with too little dwell are NaN.

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
            return load_occurrence(one.occurrence, one.name)
        path = one.named_maps / f"{name}.nc"
        if not path.exists():
            held = ", ".join(sorted(p.stem for p in one.named_maps.glob("*.nc"))) or "none"
            raise LedgerError(f"run {one.name!r} has no map {name!r}; it has these besides its own: {held}")
        return load_occurrence(path, one.name)


def plain_table(table: pd.DataFrame, **facts: str) -> pd.DataFrame:
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
