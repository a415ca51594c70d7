"""A run's exposure: the dwell parts of its blocks, summed per satellite and month.

Sums of integers, so the order of blocks cannot matter. The same parts give the time spent per
satellite-day, which the confidence of occurrence fractions is resampled from.

`exposure.json` beside it names the parts that it was summed from, so that after a few new ones only the
months of their satellites are summed anew.
"""

import json
import shutil
from typing import NamedTuple

import numpy as np

from reprocess import __version__, schema
from reprocess.files import tree_sha256, write_atomic
from reprocess.maps.attributes import product_attributes
from reprocess.schema.grid import FINE, Grid, coarse_bins
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.groups import Plain, read_arrays, write_group
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


class Summed(NamedTuple):
    """What one part is summed into."""

    satellite: str
    months: tuple[str, ...]
    """YYYY-MM, increasing."""


Parts = dict[str, Summed]
"""Parts by satellite, block and sha256."""


def write_exposure(run: Run, receipts: list[DetectReceipt]) -> None:
    """Sum the dwell parts of all done blocks into `exposure.zarr`.

    Dimensions are satellite, month, hemisphere, L (0.1) and MLT (0.25 h); values are seconds,
    2 per record. The months are those from the run's first to its last. What is there of months that
    no part changed stays.

    Raises
    ------
    LedgerError
        If a part that has to be read is missing or damaged.
    """
    satellites = sorted({r["satellite"] for r in receipts})
    months = np.unique([np.datetime64(date, "M") for r in receipts for date in r["days"]])
    if not months.size:
        shutil.rmtree(run.exposure, ignore_errors=True)
        run.exposure_parts.unlink(missing_ok=True)
        return
    calendar = np.arange(months[0], months[-1] + 1)
    totals = {name: np.zeros((len(satellites), calendar.size, FINE.cells), np.int32) for name in QUANTITIES}
    parts = {_key(r): _summed(r) for r in receipts}
    before = _read_parts(run)
    anew = {(s, month) for key in before.keys() ^ parts.keys() for s, month in _rows(before | parts, key)}
    if before:
        _take(run, satellites, calendar, anew, totals)
    for satellite, part in read_dwell(run, [r for r in receipts if anew & set(_rows(parts, _key(r)))]):
        month = (_dates(part["day"]).astype("datetime64[M]") - calendar[0]).astype(int)
        row = np.array([(satellite, str(each)) in anew for each in calendar])[month]
        for name, total in totals.items():
            counts = part[schema.RECORDS_OF[name]][row]
            _add(total[satellites.index(satellite)], month[row], part["cell"][row], counts)
    shape = (len(satellites), calendar.size, *_FINE_SHAPE)
    arrays = {name: as_plain(schema.EXPOSURE[name], total.reshape(shape)) for name, total in totals.items()}
    arrays |= _coordinates(satellites, calendar) | grid_coordinates(FINE)
    write_group(run.exposure, arrays, product_attributes(run, **_TEXTS))
    told = {"version": __version__, "exposure_sha256": tree_sha256(run.exposure), "parts": parts}
    write_atomic(run.exposure_parts, json.dumps(told, indent=1, sort_keys=True).encode())


def _key(receipt: DetectReceipt) -> str:
    return f"{receipt['satellite']} {receipt['block']} {receipt['outputs']['dwell']}"


def _summed(receipt: DetectReceipt) -> Summed:
    return Summed(receipt["satellite"], tuple(sorted({date[:7] for date in receipt["days"]})))


def _rows(parts: Parts, key: str) -> list[tuple[str, str]]:
    """Return satellite and month of the rows that a part is summed into."""
    return [(parts[key].satellite, month) for month in parts[key].months]


def _read_parts(run: Run) -> Parts:
    """Return what `exposure.zarr` was summed from; nothing if that is not known of it as it is now."""
    try:
        told = json.loads(run.exposure_parts.read_bytes())
        known = (told["version"], told["exposure_sha256"]) == (__version__, tree_sha256(run.exposure))
        return {
            key: Summed(satellite, tuple(months))
            for key, (satellite, months) in told["parts"].items()
            if known
        }
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _take(
    run: Run,
    satellites: list[str],
    calendar: np.ndarray,
    anew: set[tuple[str, str]],
    totals: dict[str, np.ndarray],
) -> None:
    """Put into totals what `exposure.zarr` holds of months that are not summed anew."""
    axes = read_arrays(run.exposure, ("satellite", "month"))
    months = np.datetime64(schema.EPOCH, "D") + axes["month"].astype("timedelta64[D]")
    before = [str(month) for month in months.astype("datetime64[M]")]
    now = [str(month) for month in calendar]
    for name, total in totals.items():  # one at a time: each takes 100 MB for the whole archive
        stored = read_arrays(run.exposure, [name])[name].reshape(-1, len(before), FINE.cells)
        for satellite, seconds in zip(axes["satellite"].tolist(), stored, strict=True):
            rows = [month for month in before if month in now and (satellite, month) not in anew]
            if satellite in satellites:
                to, of = [now.index(month) for month in rows], [before.index(month) for month in rows]
                total[satellites.index(satellite), to] = seconds[of]


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
