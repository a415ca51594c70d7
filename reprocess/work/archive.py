"""Reading the archive with xarray, lazily."""

from pathlib import Path

import numpy as np
import xarray as xr

from reprocess import schema
from reprocess.errors import StoreError
from reprocess.files import find
from reprocess.schema.measurements import LARGEST_FLUX, LARGEST_L

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


def open_archive(path: str | Path, satellite: str, *, masked: bool = True) -> xr.Dataset:
    """Open one satellite of an archive.

    Parameters
    ----------
    path : str or Path
        ``WORK/archive.zarr``.
    satellite : str
        Directory name, as ``noaa18``.
    masked : bool
        Whether what NOAA writes for missing values (-999 in E4, -1 in L) becomes NaN, and with it
        electron fluxes and L shells that are no measurement (`schema.measurements`), such as NetCDF's
        fill. If not, values are exactly those of the files. A foot-point pitch angle of -1 is not
        missing (the axis is outside the bounce loss cone) and stays. Padding after a day's last record
        is NaN (NaT, -1) either way.

    Returns
    -------
    xarray.Dataset
        Backed by Dask, one chunk per day. Dimensions day, record, telescope, energy, channel with
        their coordinates; time, latitude and longitude of each record are coordinates, too.
        ``ds.sel(day="2019-10-24")`` works; a day holds ``record_count`` records, -1 if it was never
        ingested. Any part can be written with ``to_zarr`` and ``to_netcdf``.

    Raises
    ------
    StoreError
        If there is no such satellite in the archive.

    Examples
    --------
    >>> ds = open_archive("WORK/archive.zarr", "noaa18")  # doctest: +SKIP
    >>> e4 = ds.electron_flux.sel(day="2019-10-24", telescope=0, energy=612)  # doctest: +SKIP
    """
    group = Path(path) / satellite
    if satellite not in schema.SATELLITES or not (group / "zarr.json").is_file():
        raise StoreError(_absent(Path(path), satellite))
    raw = xr.open_zarr(group, consolidated=False, decode_cf=False, chunks=None, zarr_format=3)
    raw = raw[list(schema.ARCHIVE_ARRAYS)]  # in this order, not that of the folder
    for name, spec in schema.ARCHIVE_ARRAYS.items():
        # Those of a store of version 0.1.0 call a pitch angle of -1 missing.
        raw[name].attrs = dict(spec.attrs)
    # Masked before Dask, which then reads no more of a chunk than is asked for.
    records = xr.decode_cf(raw.drop_vars(["day", "time"]), mask_and_scale=masked, decode_times=False)
    dataset = records.assign(time=raw["time"])
    for name in schema.ARCHIVE_ARRAYS:
        # Days are stored apart. What has one value a day is small: in one chunk, read in one step.
        days = 1 if "record" in dataset[name].dims else schema.DAYS
        dataset[name] = dataset[name].chunk({"day": days}, inline_array=True)
    if masked:
        for name, largest in _LARGEST.items():
            values = dataset[name]
            dataset[name] = values.where((values >= 0) & (values <= largest))
    dataset = dataset.assign_coords(day=_days(), time=_time(dataset["time"]))
    dataset = dataset.set_coords(["latitude", "longitude"])
    dataset.attrs = _PRODUCT | {"platform": schema.SATELLITES[satellite].name}
    for variable in records.variables:
        _make_writable(dataset[str(variable)], masked)
    return dataset


_LARGEST = {
    "electron_flux": xr.DataArray(LARGEST_FLUX[:, 0], dims="energy"),
    "L_IGRF": xr.DataArray(np.float32(LARGEST_L)),
}
"""Beyond, no value is a measurement: NetCDF's fill in records never written, infinity."""


def _days() -> xr.Variable:
    days = np.datetime64(schema.EPOCH, "D") + np.arange(schema.DAYS)
    _, attrs = schema.COORDINATES["day"]
    encoding = {"units": attrs["units"], "calendar": attrs["calendar"], "dtype": "int32", "_FillValue": None}
    words = _without(attrs, "units", "calendar") | _LEAP_SECONDS
    return xr.Variable(("day",), days.astype("datetime64[s]"), words, encoding)


def _time(stored: xr.DataArray) -> xr.Variable:
    """Return the times of records, padded with NaT; written as doubles, which every NetCDF has."""
    time = stored.variable.astype("datetime64[ms]")  # the padding is NumPy's NaT
    attrs = stored.attrs
    time.attrs = _without(attrs, "units", "calendar", "missing_value") | _LEAP_SECONDS
    time.encoding = {"units": attrs["units"], "calendar": attrs["calendar"], "dtype": "float64"}
    time.encoding["_FillValue"] = schema.FILL
    return time


def _make_writable(array: xr.DataArray, masked: bool) -> None:
    """Leave of how an array is stored what holds for any part of it, in Zarr as in NetCDF."""
    dtype = array.dtype
    # Where NOAA's own value for what is missing stays, a second one would be one too many.
    filled = dtype.kind == "f" and (masked or "missing_value" not in array.attrs)
    array.encoding = {"_FillValue": dtype.type(schema.FILL) if filled else None}
    if dtype.kind == "u":
        array.encoding["dtype"] = "int16"  # classic NetCDF has no unsigned numbers
    for key in {"flag_values", "valid_range"} & array.attrs.keys():
        array.attrs[key] = np.array(array.attrs[key], dtype)  # CF: of the same type


def _absent(path: Path, satellite: str) -> str:
    """Say why a satellite cannot be opened, and what can."""
    if satellite not in schema.SATELLITES:
        return f"there is no satellite {satellite!r}; their names are {', '.join(schema.SATELLITES)}"
    if not (path / "zarr.json").is_file():
        inside = path / "archive.zarr"
        hint = (
            f"; did you mean {inside}?" if inside.is_dir() else "; give WORK/archive.zarr of a WORK directory"
        )
        return f"{path} is no archive of records{hint}"
    held = ", ".join(p.parent.name for p in find(path, "*/zarr.json")) or "none"
    return f"there is no {satellite!r} in {path}; it holds {held}"


def _without(attrs: dict[str, object], *names: str) -> dict[str, object]:
    return {k: v for k, v in attrs.items() if k not in names}
