"""Reading the archive with xarray, lazily."""

from pathlib import Path

import numpy as np
import xarray as xr

from reprocess import schema
from reprocess.errors import StoreError
from reprocess.files import find


def open_archive(path: str | Path, satellite: str, *, masked: bool = True) -> xr.Dataset:
    """Open one satellite of an archive.

    Parameters
    ----------
    path : str or Path
        ``WORK/archive.zarr``.
    satellite : str
        Directory name, as ``noaa18``.
    masked : bool
        Whether what NOAA writes for missing values (-999 in E4, -1 in L) becomes NaN. If not, values
        are exactly those of the files. A foot-point pitch angle of -1 is not missing (the axis is
        outside the bounce loss cone) and stays. Padding after a day's last record is NaN (NaT, -1)
        either way.

    Returns
    -------
    xarray.Dataset
        Backed by Dask, one chunk per block of 32 days; dimensions day, record, telescope, energy,
        channel. ``ds.sel(day="2019-10-24")`` works; a day holds ``record_count`` records, -1 if it
        was never ingested.

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
    raw = xr.open_zarr(
        group, consolidated=False, decode_cf=False, chunks={"day": schema.BLOCK_DAYS}, zarr_format=3
    )
    for name, spec in schema.ARCHIVE_ARRAYS.items():
        raw[name].attrs = dict(
            spec.attrs
        )  # those of a store of version 0.1.0 call a pitch angle of -1 missing
    days = np.datetime64(schema.EPOCH, "D") + np.arange(schema.DAYS)
    # Without its index, or assignments below would align integers with dates.
    dataset = raw.drop_vars("day").assign_coords(
        day=("day", days.astype("datetime64[s]"), {"standard_name": "time", "axis": "T"})
    )
    time = dataset["time"].astype("datetime64[ms]")  # the padding is NumPy's NaT
    time.attrs = _without(dataset["time"].attrs, "units", "calendar", "missing_value")
    dataset["time"] = time
    if masked:
        for name, array in dataset.data_vars.items():
            sentinel = array.attrs.get("missing_value")
            if sentinel is not None:
                clean = array.where(array != np.float32(sentinel))
                clean.attrs = _without(array.attrs, "missing_value")
                dataset[name] = clean
    return dataset


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
