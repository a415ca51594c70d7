"""A run's exposure: the dwell parts of its blocks, summed per satellite and month.

Sums of integers, so the order of blocks cannot matter. The same parts give the time spent per
satellite-day, which the confidence of occurrence fractions is resampled from.
"""

import shutil

import numpy as np

from reprocess import schema
from reprocess.maps.attributes import product_attributes
from reprocess.schema.grid import FINE, Grid, coarse_bins
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.groups import Plain, write_group
from reprocess.work.parts import read_dwell
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

_SECONDS = int(schema.SAMPLING_S)
QUANTITIES = tuple(schema.EXPOSURE)
"""Variables of `exposure.zarr`, in seconds."""

BOUNDS = ("L_bounds", "MLT_bounds")
"""Edges of bins in `exposure.zarr` and `occurrence.nc`."""

_TEXTS = {
    "title": "Time spent per L and MLT",
    "summary": (
        "Seconds that POES and MetOp satellites spent in each cell of McIlwain L shell and magnetic local "
        "time, by satellite, month and hemisphere, and the seconds of them within events of relativistic "
        "electron precipitation."
    ),
}

_FINE_SHAPE = (len(schema.HEMISPHERES), *FINE.shape)


def write_exposure(run: Run, receipts: list[DetectReceipt]) -> None:
    """Sum the dwell parts of all done blocks into `exposure.zarr`.

    Dimensions are satellite, month, hemisphere, L (0.1) and MLT (0.25 h); values are seconds,
    2 per record. The months are those from the run's first to its last.
    """
    satellites = sorted({r["satellite"] for r in receipts})
    months = np.unique([np.datetime64(date, "M") for r in receipts for date in r["days"]])
    if not months.size:
        shutil.rmtree(run.exposure, ignore_errors=True)
        return
    calendar = np.arange(months[0], months[-1] + 1)
    totals = {name: np.zeros((len(satellites), calendar.size, FINE.cells), np.int32) for name in QUANTITIES}
    for satellite, part in read_dwell(run, receipts):
        month = (_dates(part["day"]).astype("datetime64[M]") - calendar[0]).astype(int)
        for name, total in totals.items():
            _add(total[satellites.index(satellite)], month, part["cell"], part[schema.RECORDS_OF[name]])
    shape = (len(satellites), calendar.size, *_FINE_SHAPE)
    arrays = {name: as_plain(schema.EXPOSURE[name], total.reshape(shape)) for name, total in totals.items()}
    arrays |= _coordinates(satellites, calendar) | grid_coordinates(FINE)
    write_group(run.exposure, arrays, product_attributes(run, **_TEXTS))


def _coordinates(satellites: list[str], months: np.ndarray) -> dict[str, Plain]:
    days = months.astype("datetime64[D]") - np.datetime64(schema.EPOCH, "D")
    values = {
        "satellite": np.array(satellites, object),  # Zarr 3 has no fixed-length text yet
        "month": days.astype(schema.EXPOSURE_COORDINATES["month"].dtype),
        "hemisphere": np.array(schema.HEMISPHERES, object),
    }
    coordinates = {name: as_plain(schema.EXPOSURE_COORDINATES[name], v) for name, v in values.items()}
    dims, month, attrs = coordinates["month"]
    return coordinates | {"month": (dims, month, {**attrs, "calendar": "proleptic_gregorian"})}


def as_plain(declared: schema.Variable, values: np.ndarray) -> Plain:
    """Return values with the dimensions and attributes that are declared for them, as xarray takes them."""
    return declared.dims, values, declared.attrs


def _add(total: np.ndarray, month: np.ndarray, cell: np.ndarray, records: np.ndarray) -> None:
    """Add the seconds of records to the cells of their months."""
    first, last = (month.min(), month.max() + 1) if month.size else (0, 0)
    index = (month - first) * FINE.cells + cell
    counts = np.bincount(index, records, (last - first) * FINE.cells).astype(total.dtype)
    total[first:last] += counts.reshape(-1, FINE.cells) * _SECONDS


def compare_exposure(run: Run, receipts: list[DetectReceipt]) -> list[tuple[str, str]]:
    """Hold `exposure.zarr` against the sum of the dwell parts.

    Returns
    -------
    list of tuple of str
        What should be and what is, for every satellite and quantity that differs.
    """
    import xarray as xr

    differences = []
    with xr.open_zarr(run.exposure, consolidated=False, chunks=None, zarr_format=3) as dataset:
        months = dataset["month"].to_numpy().astype("datetime64[M]")
        totals = {
            (satellite, name): np.zeros((months.size, FINE.cells), np.int64)
            for satellite in sorted({r["satellite"] for r in receipts})
            for name in QUANTITIES
        }
        for satellite, part in read_dwell(run, receipts):
            month = np.searchsorted(months, _dates(part["day"]).astype("datetime64[M]"))
            for name in QUANTITIES:
                _add(totals[satellite, name], month, part["cell"], part[schema.RECORDS_OF[name]])
        for (satellite, name), total in totals.items():
            stored = dataset[name].sel(satellite=satellite).to_numpy().reshape(total.shape)
            if wrong := int(np.count_nonzero(stored != total)):
                where = f"{name} of {satellite}"
                differences.append((f"{total.sum()} s {where}", f"{stored.sum()} s, {wrong} cells differ"))
    return differences


def daily(
    run: Run, receipts: list[DetectReceipt], grid: Grid, choice: Choice = EVERYTHING
) -> dict[str, np.ndarray]:
    """Return the seconds of each satellite-day on a map's grid, hemispheres added.

    Parameters
    ----------
    run : Run
    receipts : list of DetectReceipt
        Receipts.
    grid : Grid
        Made by `grid.make_grid`.
    choice : Choice
        What of the run is looked at.

    Returns
    -------
    dict of str to ndarray of int32, shape (satellite-days, n_L, n_MLT)
        By `QUANTITIES`; a day has 86,400 s, sums over days need more bits.

    Raises
    ------
    LedgerError, FlagError
        As `parts.read_dwell`.
    """
    bins = coarse_bins(grid)
    size = grid.shape[0] * grid.shape[1]
    parts: dict[str, list[np.ndarray]] = {name: [] for name in QUANTITIES}
    for _, part in read_dwell(run, receipts, choice):
        days, index = np.unique(part["day"], return_inverse=True)
        inside = bins[part["cell"]] >= 0
        where = (index * size + bins[part["cell"]])[inside]
        for name, maps in parts.items():
            counts = np.bincount(where, part[schema.RECORDS_OF[name]][inside], days.size * size)
            maps.append(counts.astype(np.int32).reshape(-1, *grid.shape) * _SECONDS)
    empty = np.empty((0, *grid.shape), np.int32)
    return {name: np.concatenate([empty, *parts.pop(name)]) for name in QUANTITIES}


def grid_coordinates(grid: Grid) -> dict[str, Plain]:
    """Return CF coordinates of a grid: bin centres with their bounds."""
    coordinates = {}
    for name, edges in (("L", grid.L_edges), ("MLT", grid.MLT_edges)):
        bounds = np.stack([edges[:-1], edges[1:]], axis=1)
        for axis, values in ((name, bounds.mean(axis=1)), (f"{name}_bounds", bounds)):
            coordinates[axis] = as_plain(schema.GRID_COORDINATES[axis], values)
    return coordinates


def _dates(day: np.ndarray) -> np.ndarray:
    return np.datetime64(schema.EPOCH, "D") + day.astype("timedelta64[D]")
