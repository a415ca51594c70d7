"""Data of a user's own, as the days of records that detection takes."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import xarray as xr

from reprocess import schema
from reprocess.errors import DataError, GranuleError
from reprocess.files import sha256
from reprocess.ingest.reading import fill_calibration_flag, read_records
from reprocess.pages.words import counted
from reprocess.schema import MS_PER_DAY, RECORD_ARRAYS, ArraySpec
from reprocess.schema.product import says_simulated
from reprocess.sources.naming import read_name

SPECS = {spec.name: spec for spec in RECORD_ARRAYS}
NEEDED = ("time", "electron_flux", "L_IGRF", "MLT", "latitude", "longitude")
"""Arrays that an event cannot be told without."""

Data: TypeAlias = Any
"""A path, several of them, an xarray Dataset, a frame of pandas or Polars, a mapping of names to arrays."""

_STEP_MS = (1900, 2100)
"""Median time between records that the classifier can be used with."""
_TOLD = 20
"""Names of columns that are told at most: a whole file of NOAA's has 158."""
_FIRST_MS = MS_PER_DAY * (schema.EPOCH - dt.date(1970, 1, 1)).days
_MISSING = {"electron_flux": np.float32(schema.E4_MISSING), "L_IGRF": np.float32(-1)}


@dataclass(frozen=True)
class GivenDay:
    """One day of a satellite."""

    read: Callable[[str], Any]
    """Returns an array of `schema.RECORD_ARRAYS`, shape (…, n), of NumPy or Dask; raw, see `stored`."""
    time: np.ndarray
    """int64, ms since 1970."""
    sha256: str = ""
    """The sum of the file that it comes from."""
    simulated: bool = False


@dataclass(frozen=True)
class Given:
    """The days of one satellite, by position on the `day` axis, increasing."""

    satellite: str
    days: Mapping[int, GivenDay]
    lazy: bool
    """Whether arrays are Dask's."""

    @property
    def simulated(self) -> bool:
        """Whether a day is."""
        return any(day.simulated for day in self.days.values())

    @property
    def time(self) -> np.ndarray:
        """Times of all records, datetime64[ms], shape (n,)."""
        parts = [day.time for day in self.days.values()]
        return np.concatenate([np.empty(0, np.int64), *parts]).astype("datetime64[ms]")


def take(data: Data, satellite: str | None, simulated: bool | None) -> Given:
    """Return the days of what a user gives; nothing is read of Dask arrays but times.

    Parameters
    ----------
    data
        As `library.classify.classify` says.
    satellite : str, optional
        Directory name; by default what the data say.
    simulated : bool, optional
        Whether the records are simulated; by default what the data say in their ``attrs``.

    Raises
    ------
    DataError
        With what is missing or wrong, and the names that are known.
    """
    paths = [data] if isinstance(data, str | Path) else data
    if isinstance(paths, Sequence) and paths and all(isinstance(p, str | Path) for p in paths):
        return _of_files([Path(p) for p in paths], satellite)
    attrs = getattr(data, "attrs", {})
    name = satellite or str(attrs.get("satellite", ""))
    if name and name not in schema.SATELLITES:
        raise DataError(f"there is no satellite {name!r}; their names are {', '.join(schema.SATELLITES)}")
    told = says_simulated(attrs) if simulated is None else simulated
    if isinstance(data, xr.Dataset) and {"day", "record"} <= set(data.sizes):
        days, lazy = _of_archive(data, told)
    else:
        days, lazy = _of_columns(_Columns(data), told)
    if not days:
        raise DataError("the data hold no record; give records of 2 s")
    return Given(name, days, lazy)


def _of_files(paths: list[Path], satellite: str | None) -> Given:
    days: dict[tuple[str, int], GivenDay] = {}
    for path in paths:
        told = read_name(path.name)
        if not told.is_day:
            raise DataError(
                f"the name of {path} does not tell satellite and day, as poes_n18_20191024_proc.nc does; "
                "rename it, or open it with xarray and give the Dataset and satellite=…"
            )
        if (told.satellite, told.day) in days:
            raise DataError(f"{path} is a second file of {told.satellite} {schema.day_date(told.day)}")
        try:
            content = path.read_bytes()
            records = read_records(content, told.satellite, told.day)
        except OSError as e:
            raise DataError(f"{path} cannot be read: {e.strerror or e}") from e
        except GranuleError as e:
            raise DataError(f"{path} cannot be used, {e}") from e
        arrays = records.arrays
        day = GivenDay(arrays.__getitem__, arrays["time"], sha256(content), records.simulated)
        days[told.satellite, told.day] = day
    satellites = sorted({name for name, _ in days})
    if len(satellites) > 1 or (satellite and satellites != [satellite]):
        raise DataError(
            f"the files are of {', '.join(satellites)}; classify one satellite at a time"
            + (f", and not as {satellite}" if satellite else "")
        )
    return Given(satellites[0], {day: days[satellites[0], day] for _, day in sorted(days)}, False)


def _of_archive(data: xr.Dataset, simulated: bool) -> tuple[dict[int, GivenDay], bool]:
    """Return the days of what `open_archive` gives."""
    days: dict[int, GivenDay] = {}
    lazy = False
    counts = (
        np.asarray(data["record_count"]).tolist() if "record_count" in data else [None] * data.sizes["day"]
    )
    for k, count in enumerate(counts):
        if count is None:
            raise DataError("a Dataset by day and record needs record_count, as open_archive gives it")
        if count <= 0:
            continue
        one = data.isel(day=k, record=slice(count))
        columns = _Columns(one.drop_vars(["day", "record_count", "status"], errors="ignore"))
        digest = np.asarray(one["source_digest"], np.uint8).tobytes().hex() if "source_digest" in one else ""
        found, lazy = _of_columns(columns, simulated, digest)
        days |= found
    return days, lazy


def _of_columns(columns: "_Columns", simulated: bool, digest: str = "") -> tuple[dict[int, GivenDay], bool]:
    """Return the days of records in one line."""
    columns.require(NEEDED)
    time = columns.times()
    if not time.size:
        return {}, False
    _check_times(time)
    day = (time - _FIRST_MS) // MS_PER_DAY
    if not 0 <= day[0] <= day[-1] < schema.DAYS:
        seen = time[[0, -1]].astype("datetime64[ms]")
        raise DataError(
            f"times run from {seen[0]} to {seen[1]}, outside the calendar from {schema.EPOCH} to "
            f"{schema.day_date(schema.DAYS - 1)}; give times in UTC, or integers in milliseconds since 1970"
        )
    days: dict[int, GivenDay] = {}
    lazy = columns.lazy()
    numbers, firsts = np.unique(day, return_index=True)
    for number, first, last in zip(numbers.tolist(), firsts, [*firsts[1:], time.size], strict=True):
        if last - first > schema.RECORDS:
            raise DataError(f"{last - first} records on {schema.day_date(number)}: a day has 43,200 of 2 s")
        own = slice(int(first), int(last))
        days[number] = GivenDay(columns.reader(own, time), time[own], digest, simulated)
    return days, lazy


def _check_times(time: np.ndarray) -> None:
    step = np.diff(time)
    if np.any(step <= 0):
        where = int(np.argmax(step <= 0)) + 1
        raise DataError(
            f"times must increase, record {where} is not later than the one before; sort them and drop "
            "repeated ones, or give the path of NOAA's file, which is put in order"
        )
    if step.size and not _STEP_MS[0] <= np.median(step) <= _STEP_MS[1]:
        raise DataError(
            f"records are {np.median(step) / 1000:g} s apart; the classifier is for those of 2 s, "
            "not for means of them"
        )


class _Columns:
    """Records by NOAA's names or those of the archive, whatever holds them."""

    def __init__(self, data: Data) -> None:
        if not (isinstance(data, Mapping | xr.Dataset) or hasattr(data, "columns")):
            raise DataError(
                f"a {type(data).__name__} cannot be classified; give the path of a NOAA file, an xarray "
                "Dataset, a frame of pandas or Polars, or a dict of arrays"
            )
        self._data = data
        self._names = set(data.variables) if isinstance(data, xr.Dataset) else set(_names(data))

    def require(self, names: Collection[str]) -> None:
        """Raise `DataError` if arrays are missing."""
        index = getattr(self._data, "index", None)
        indexed = isinstance(index, pd.DatetimeIndex) or getattr(index, "name", None) == "time"
        lacking = [n for n in names if not self.has(n) and not (n == "time" and indexed)]
        if lacking:
            words = "; ".join(_called(SPECS[name]) for name in lacking)
            raise DataError(
                f"the data lack {words}. They have {_some(self._names)}; rename columns to these names, of "
                "which help(reprocess.classify) has all, with units"
            )

    def has(self, name: str) -> bool:
        """Tell whether an array of the archive is there."""
        return name in self._names or (bool(SPECS[name].sources) and set(SPECS[name].sources) <= self._names)

    def lazy(self) -> bool:
        """Tell whether arrays are Dask's."""
        found = (self._one(n) for name in NEEDED[1:] for n in self._columns(name))
        return any(hasattr(getattr(one, "data", one), "dask") for one in found)

    def times(self) -> np.ndarray:
        """Return the times, int64 ms since 1970."""
        values = self._data.index if "time" not in self._names else self._one("time")
        return _milliseconds(values)

    def reader(self, own: slice, time: np.ndarray) -> Callable[[str], Any]:
        """Return what reads arrays of some records."""

        def read(name: str) -> Any:
            if name == "time":
                return time[own]
            if not self.has(name):
                return np.full(
                    (*SPECS[name].day_shape[:-1], own.stop - own.start), SPECS[name].fill, SPECS[name].dtype
                )
            parts = [self._part(one, own, time.size) for one in self._columns(name)]
            if len(parts) == 1:
                values = parts[0]
            else:
                values = _stack(parts).reshape((*SPECS[name].day_shape[:-1], own.stop - own.start))
            if name == "ifc_on" and name not in self._names:
                return fill_calibration_flag(np.asarray(values).astype(np.int8), time[own])
            return values

        return read

    def _columns(self, name: str) -> tuple[str, ...]:
        return (name,) if name in self._names else SPECS[name].sources

    def _one(self, name: str) -> Any:
        return self._data[name]

    def _part(self, name: str, own: slice, size: int) -> Any:
        column = self._one(name)
        if isinstance(column, xr.DataArray):
            last = (
                self._data["time"].dims[-1] if self._data["time"].dims[-1] in column.dims else column.dims[-1]
            )
            head = [d for d in ("telescope", "energy", "channel") if d in column.dims]
            _check_length(name, column.sizes[last], size)
            part = column.transpose(*head, last).isel({last: own})
            return part.data if part.chunks else part.to_numpy()
        values = column if hasattr(column, "dask") else np.asarray(column)
        _check_length(name, values.shape[-1] if values.ndim else 0, size)
        return values[..., own]


def _names(data: Data) -> list[str]:
    return list(data.columns) if hasattr(data, "columns") else list(data)


def _some(names: Collection[Any]) -> str:
    """Return names in words, few of many."""
    told = sorted(map(str, names))
    more = f" and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
    return ", ".join(told[:_TOLD]) + more if told else "none"


def _check_length(name: str, found: int, size: int) -> None:
    if found != size:
        raise DataError(f"{name} has {found} values, time has {size}")


def _called(spec: ArraySpec) -> str:
    """Return what an array may be called."""
    sources = spec.sources
    noaa = sources[0] if len(sources) == 1 else f"{sources[0]} to {sources[-1]}"
    return spec.name if noaa == spec.name else f"{noaa} (or {spec.name})"


def _stack(parts: list[Any]) -> Any:
    if any(hasattr(part, "dask") for part in parts):
        import dask.array as da

        return da.stack(parts)
    return np.stack(parts)


def _milliseconds(values: Any) -> np.ndarray:
    """Return times as milliseconds since 1970, UTC.

    Raises
    ------
    DataError
        If they are neither times nor integers.
    """
    if isinstance(values, pd.Series | pd.DatetimeIndex) and isinstance(values.dtype, pd.DatetimeTZDtype):
        values = pd.DatetimeIndex(values).tz_convert("UTC").tz_localize(None)
    found = np.asarray(values)
    if found.dtype.kind in "iu":
        return found.astype(np.int64)
    if found.dtype.kind != "M":
        raise DataError(
            f"times are {found.dtype}; give datetime64 in UTC, pandas or Polars times, or integers in "
            "milliseconds since 1970 (of seconds, (1000 * seconds).round().astype(int))"
        )
    if np.isnat(found).any():
        raise DataError(
            f"{counted(int(np.isnat(found).sum()), 'record')} without a time (NaT); leave them out"
        )
    # Times that a NetCDF file had as doubles may be a microsecond early.
    return (found.astype("datetime64[us]").astype(np.int64) + 500) // 1000


def stored(name: str, values: np.ndarray) -> np.ndarray:
    """Return an array as the archive stores it: its dtype, and NOAA's values where it has none.

    NaN in E4 and L becomes -999 and -1, which is what a masked archive has made NaN of.
    """
    spec = SPECS[name]
    if values.dtype.kind == "m":  # older xarray takes the unit of MLT for that of a duration
        values = values / np.timedelta64(3_600_000_000_000, "ns")
    found = np.ascontiguousarray(values).astype(spec.dtype, copy=False)
    if name == "electron_flux" and np.isnan(found[:, 3]).any():
        found = found.copy()
        found[:, 3] = np.where(np.isnan(found[:, 3]), _MISSING[name], found[:, 3])
    if name == "L_IGRF":
        found = np.where(np.isnan(found), _MISSING[name], found)
    return found
