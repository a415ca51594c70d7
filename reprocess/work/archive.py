"""Reading the archive with xarray, lazily: a day beside a day, or as one line of time."""

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from reprocess import schema
from reprocess.errors import StoreError
from reprocess.schema import RECORD_ARRAYS
from reprocess.work.layout import open_arrays
from reprocess.work.lazy import Line, Stored
from reprocess.work.origin import marked
from reprocess.work.paths import Work
from reprocess.work.place import Place, find_place
from reprocess.work.status import ledger_days

_PRODUCT = {
    **schema.PRODUCT,
    "title": "POES/MetOp SEM-2 MEPED records",
    "summary": (
        "Electron and proton fluxes of MEPED with position, L shell, magnetic local time and pitch angles of "
        "every record, as NOAA's SEM-2 Level 1b files have them."
    ),
    "history": "read from NOAA's files by reprocess",
    "processing_level": "Level 1b",
}

_LEAP_SECONDS = {"units_metadata": "leap_seconds: none"}

Instant = str | dt.date | np.datetime64
"""A time as users write it: ISO 8601 text, a Timestamp of pandas, `datetime`, `date` or `datetime64`."""


def open_archive(
    path: str | Path,
    satellite: str,
    *,
    masked: bool = True,
    all_days: bool = False,
    storage_options: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Open one satellite of an archive, a day beside a day.

    Parameters
    ----------
    path : str or Path
        WORK or ``WORK/archive.zarr``: a folder, an address that fsspec reads (``s3://…``), or a zip file.
    satellite : str
        Directory name, as ``noaa18``.
    masked : bool
        Whether what NOAA writes for missing values (-999 in E4, -1 in L) becomes NaN, and with it
        electron fluxes and L shells that are no measurement (`schema.measurements`), such as NetCDF's
        fill. If not, values are exactly those of the files. A foot-point pitch angle of -1 is not
        missing (the axis is outside the bounce loss cone) and stays. Padding after a day's last record
        is NaN (NaT, -1) either way.
    all_days : bool
        Whether to have every day of the calendar, 1998 to 2029, instead of those with records: for
        arithmetic between satellites by position.
    storage_options : mapping, optional
        Options of the fsspec file system, for example ``anon`` of S3.

    Returns
    -------
    xarray.Dataset
        Backed by Dask, one chunk per day. Dimensions day, record, telescope, energy, channel with
        their coordinates; time, latitude and longitude of each record are coordinates, too. All times are
        UTC and carry no zone, like those of `read_events`. ``ds.sel(day="2019-10-24")`` works; a day holds
        ``record_count`` records. The attribute ``simulated`` is there, on the Dataset and its variables, if a
        file says that it is; an archive without its WORK cannot tell. Any part can be written with
        ``to_zarr`` and ``to_netcdf``.

    Raises
    ------
    StoreError
        If there is no such satellite in the archive.
    SourceError
        If an address cannot be read.

    Examples
    --------
    >>> ds = reprocess.open_archive(WORK, "noaa18")
    >>> e4 = ds.electron_flux.sel(day="2015-03-02", telescope=0, energy=612)
    >>> e4.attrs["units"], e4.shape
    ('cm-2 s-1 sr-1', (43400,))
    """
    place = find_place(path, storage_options)
    archive = _archive_of(place)
    arrays = _open(archive, satellite)
    counts = _counts(archive, satellite, arrays["record_count"])
    held = np.flatnonzero(counts > 0)
    days = np.arange(schema.DAYS) if all_days else held
    variables = {}
    for name, spec in schema.ARCHIVE_ARRAYS.items():
        stored = Stored(arrays[name], spec, days, masked)
        # Days are stored apart. What has one value a day is small: in one chunk, read in one step.
        chunks = (1 if "record" in spec.dims else -1, *stored.shape[1:])
        empty = np.empty((0,) * stored.ndim, stored.dtype)
        data = da.from_array(stored, chunks, name=False, inline_array=True, asarray=False, meta=empty)
        variables[name] = _variable(spec, spec.dims, data, masked)
    dataset = xr.Dataset(variables, coords={"day": _days(days), **_coordinates()})
    finished = _finished(dataset, satellite)
    return marked(finished) if _simulated(place, satellite, held) else finished


def records(
    work: str | Path,
    satellite: str,
    start: Instant,
    stop: Instant,
    *,
    masked: bool = True,
    storage_options: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Return a satellite's records on one time axis, across midnights.

    Times are read at once (2 ms and 0.35 MB a day), everything else when it is asked for and then whole
    variable by variable: for more than memory holds, ``records(…).chunk(time=43200)`` is backed by Dask.

    Parameters
    ----------
    work : str or Path
        WORK, as in `open_archive`.
    satellite : str
        Directory name, as ``noaa18``.
    start, stop : str, datetime, date or datetime64
        First and last time, UTC, both included; those with a zone are converted. A text or date without
        a time of day means the whole of what it names: ``"2019-10"`` ends with the month.
    masked, storage_options
        As in `open_archive`.

    Returns
    -------
    xarray.Dataset
        Dimensions time, telescope, energy, channel; latitude and longitude are coordinates. ``time`` is
        UTC without a zone, milliseconds, increasing. The attribute ``simulated`` is there, on the Dataset
        and its variables, if a file of these days says that it is. Any part can be written with ``to_zarr``
        and ``to_netcdf``.

    Raises
    ------
    StoreError
        If there is no such satellite in the archive, the times are none, or no record lies between them.
    SourceError
        If an address cannot be read.

    Examples
    --------
    >>> ds = reprocess.records(WORK, "noaa18", "2015-03-02 23:50", "2015-03-03 00:10")
    >>> ds.electron_flux.dims, ds.sizes["time"]
    (('telescope', 'energy', 'time'), 600)
    >>> ds.MLT.sel(time=slice("2015-03-03", None)).attrs["units"]
    'h'
    """
    place = find_place(work, storage_options)
    archive = _archive_of(place)
    arrays = _open(archive, satellite)
    low, high = _limits(start, stop)
    counts = _counts(archive, satellite, arrays["record_count"])
    held = np.flatnonzero(counts > 0)
    days = held[(held >= low) & (held <= high)]
    line = {s.name: Line(Stored(arrays[s.name], s, days, masked), counts[days]) for s in RECORD_ARRAYS}
    variables = {}
    for spec in RECORD_ARRAYS[1:]:
        dims = (*spec.dims[1:-1], "time")
        data = indexing.LazilyIndexedArray(_Lazy(line[spec.name]))
        variables[spec.name] = _variable(spec, dims, data, masked)
    time = _time(RECORD_ARRAYS[0], ("time",), line["time"][slice(None),], axis=True)
    dataset = xr.Dataset(variables, coords={"time": time, **_coordinates()})
    dataset = dataset.sel(time=slice(_bound(start), _bound(stop)))
    if not dataset.sizes["time"]:
        span = f"{_date(held[0])} to {_date(held[-1])}" if held.size else "no day"
        raise StoreError(f"{place} has no record of {satellite} from {start} to {stop}; it holds {span}")
    finished = _finished(dataset, satellite)
    return marked(finished) if _simulated(place, satellite, days) else finished


def _simulated(place: Place, satellite: str, days: np.ndarray) -> bool:
    """Tell whether a file of these days says that it is; an archive without its WORK cannot tell."""
    dates = {_date(day) for day in days}
    with place.at_hand() as near:
        near.need(f"ledger/ingest/{satellite}/*.json")
        known = ledger_days(Work(near.path).ledger)
    return any(e.get("simulated") for (of, d), e in known.items() if of == satellite and d in dates)


class _Lazy(BackendArray):
    """Records in a line as xarray reads them when they are asked for."""

    def __init__(self, line: Line) -> None:
        self.line, self.shape, self.dtype = line, line.shape, line.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self.line.__getitem__
        )


def _archive_of(place: Place) -> Place:
    """Return the archive of a WORK directory, or the archive itself."""
    return place.inside("archive.zarr") if place.has("archive.zarr/zarr.json") else place


def _open(archive: Place, satellite: str) -> dict[str, Any]:
    if satellite not in schema.SATELLITES or not archive.has(f"{satellite}/zarr.json"):
        raise StoreError(_absent(archive, satellite))
    return open_arrays(archive, satellite, schema.ARCHIVE_ARRAYS)


def _counts(archive: Place, satellite: str, stored: Any) -> np.ndarray:
    """Return the records of each day of the calendar; only from the first to the last shard are they read."""
    blocks = [int(name) for name in archive.names(f"{satellite}/record_count/c") if name.isdigit()]
    counts = np.full(schema.DAYS, -1, np.int32)
    if blocks:
        span = slice(min(blocks) * schema.BLOCK_DAYS, (max(blocks) + 1) * schema.BLOCK_DAYS)
        counts[span] = stored[span]
    return counts


def _limits(start: Instant, stop: Instant) -> tuple[int, int]:
    """Return the positions on the `day` axis of the first and the last day.

    Raises
    ------
    StoreError
        If one of them is no time.
    """
    try:
        bounds = [_bound(start), _bound(stop)]
        first, last = (pd.Period(b) if isinstance(b, str) else pd.Period(b, "D") for b in bounds)
        ends = [first.start_time.date(), last.end_time.date()]
    except (ValueError, TypeError, AttributeError) as e:
        raise StoreError(
            f"{start!r} to {stop!r} are no times ({e}); give them as 2019-10-24 or 2019-10-24T06:00"
        ) from e
    return (ends[0] - schema.EPOCH).days, (ends[1] - schema.EPOCH).days


def _bound(time: Instant) -> str | pd.Timestamp:
    """Return a time in UTC without a zone; text that names a day, a month or a year stays text."""
    if isinstance(time, dt.date) and not isinstance(time, dt.datetime):
        return time.isoformat()
    if isinstance(time, str) and len(time.strip()) <= len("2019-10-24"):
        return time.strip()
    stamp = pd.Timestamp(time)
    return stamp if stamp.tzinfo is None else stamp.tz_convert("UTC").tz_localize(None)


def _date(day: int) -> str:
    return schema.day_date(day).isoformat()


def _finished(dataset: xr.Dataset, satellite: str) -> xr.Dataset:
    dataset = dataset.set_coords(["latitude", "longitude", "time"])
    dataset.attrs = _PRODUCT | {"platform": schema.SATELLITES[satellite].name, "satellite": satellite}
    return dataset


def _coordinates() -> dict[str, xr.Variable]:
    made = {name: schema.COORDINATES[name] for name in ("telescope", "energy", "channel")}
    coordinates = {n: xr.Variable((n,), values, dict(attrs)) for n, (values, attrs) in made.items()}
    for one in coordinates.values():
        _make_writable(one, masked=False)
    return coordinates


def _days(days: np.ndarray) -> xr.Variable:
    dates = np.datetime64(schema.EPOCH, "D") + days
    _, attrs = schema.COORDINATES["day"]
    encoding = {"units": attrs["units"], "calendar": attrs["calendar"], "dtype": "int32", "_FillValue": None}
    words = _without(attrs, "units", "calendar") | _LEAP_SECONDS
    return xr.Variable(("day",), dates.astype("datetime64[s]"), words, encoding)


def _variable(spec: schema.ArraySpec, dims: Iterable[str], data: Any, masked: bool) -> xr.Variable:
    if spec.name == "time":
        return _time(spec, dims, data)
    variable = xr.Variable(tuple(dims), data, dict(spec.attrs))
    if masked:
        variable.attrs.pop("missing_value", None)
    _make_writable(variable, masked)
    return variable


def _time(spec: schema.ArraySpec, dims: Iterable[str], data: Any, *, axis: bool = False) -> xr.Variable:
    """Return the times of records, written as doubles, which every NetCDF has; an axis has no padding."""
    encoding = {"units": spec.attrs["units"], "calendar": spec.attrs["calendar"], "dtype": "float64"}
    words = _without(spec.attrs, "units", "calendar", "missing_value") | _LEAP_SECONDS
    if axis:
        words["axis"] = "T"
    return xr.Variable(tuple(dims), data, words, {**encoding, "_FillValue": None if axis else schema.FILL})


def _make_writable(array: xr.Variable, masked: bool) -> None:
    """Leave of how an array is stored what holds for any part of it, in Zarr as in NetCDF."""
    dtype = array.dtype
    # Where NOAA's own value for what is missing stays, a second one would be one too many.
    filled = dtype.kind == "f" and (masked or "missing_value" not in array.attrs)
    array.encoding = {"_FillValue": dtype.type(schema.FILL) if filled else None}
    if dtype.kind == "u":
        array.encoding["dtype"] = "int16"  # classic NetCDF has no unsigned numbers
    for key in {"flag_values", "valid_range"} & array.attrs.keys():
        array.attrs[key] = np.array(array.attrs[key], dtype)  # CF: of the same type


def _absent(archive: Place, satellite: str) -> str:
    """Say why a satellite cannot be opened, and what can."""
    if satellite not in schema.SATELLITES:
        return f"there is no satellite {satellite!r}; their names are {', '.join(schema.SATELLITES)}"
    if not archive.has("zarr.json"):
        archive.names("")  # a web server that cannot be reached looks as if it had nothing
        return f"{archive} is no archive of records; give WORK, or WORK/archive.zarr of it"
    held = ", ".join(name for name in schema.SATELLITES if archive.has(f"{name}/zarr.json")) or "none"
    return f"there is no {satellite!r} in {archive}; it holds {held}"


def _without(attrs: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {k: v for k, v in attrs.items() if k not in names}
