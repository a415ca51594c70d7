"""A run's exposure: the dwell parts of its blocks, summed per satellite and month.

Sums of integers, so the order of blocks cannot matter. The same parts give the time spent per
satellite-day, which the confidence of occurrence fractions is resampled from.

`exposure.json` beside it names the parts that it was summed from, so that after a few new ones only the
months of their satellites are summed anew.
"""

import json
import shutil
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np

from reprocess import __version__, schema
from reprocess.files import tree_sha256, write_atomic
from reprocess.maps.attributes import product_attributes
from reprocess.schema.grid import FINE, Grid, coarse_bins
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.groups import Compressed, Plain, read_chunks, write_group
from reprocess.work.parts import read_dwell
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt
from reprocess.work.shards import BLOSC

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

_V = TypeVar("_V", np.ndarray, Compressed)

_INT = np.dtype("<i4")
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
    parts = {_key(r): _summed(r) for r in receipts}
    satellites, calendar = _axes(parts)
    if not calendar.size:
        shutil.rmtree(run.exposure, ignore_errors=True)
        run.exposure_parts.unlink(missing_ok=True)
        return
    before = _read_parts(run)
    anew = {row for key in before.keys() ^ parts.keys() for row in _rows(before | parts, key)}
    chunks: dict[str, list[dict[int, bytes]]] = {name: [] for name in QUANTITIES}
    for satellite in satellites:
        kept = _take(run, before, satellite, calendar, anew)
        own = [r for r in receipts if r["satellite"] == satellite and anew & set(_rows(parts, _key(r)))]
        for name, total in _sum(run, own, calendar).items():
            chunks[name].append(_compressed(total, kept[name]))
    shape = (len(satellites), calendar.size, *_FINE_SHAPE)
    arrays: dict[str, Any] = {
        name: as_plain(schema.EXPOSURE[name], Compressed(shape, _INT, rows)) for name, rows in chunks.items()
    }
    arrays |= _coordinates(satellites, calendar) | grid_coordinates(FINE)
    write_group(run.exposure, arrays, product_attributes(run, **_TEXTS))
    told = {"version": __version__, "exposure_sha256": tree_sha256(run.exposure), "parts": parts}
    write_atomic(run.exposure_parts, json.dumps(told, indent=1, sort_keys=True).encode())


def _axes(parts: Parts) -> tuple[list[str], np.ndarray]:
    """Return the satellites and months of the exposure that is summed from these parts."""
    months = {month for part in parts.values() for month in part.months}
    if not months:
        return [], np.array([], "datetime64[M]")
    first, last = np.datetime64(min(months), "M"), np.datetime64(max(months), "M")
    return sorted({part.satellite for part in parts.values()}), np.arange(first, last + 1)


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
    run: Run, before: Parts, satellite: str, calendar: np.ndarray, anew: set[tuple[str, str]]
) -> dict[str, dict[int, bytes]]:
    """Return what `exposure.zarr` holds of a satellite's months that are not summed anew.

    Chunks as they are stored, by quantity and position in the calendar of now.
    """
    satellites, months = _axes(before)
    where = {str(month): k for k, month in enumerate(calendar)}
    now = {
        k: where[str(month)]
        for k, month in enumerate(months)
        if str(month) in where and (satellite, str(month)) not in anew
    }
    if satellite not in satellites or not now:
        return {name: {} for name in QUANTITIES}
    row, shape = satellites.index(satellite), (len(satellites), months.size, *_FINE_SHAPE)
    stored = {name: read_chunks(run.exposure / name, row, shape, now) for name in QUANTITIES}
    return {name: {now[k]: chunk for k, chunk in chunks.items()} for name, chunks in stored.items()}


def _sum(run: Run, receipts: list[DetectReceipt], calendar: np.ndarray) -> dict[str, np.ndarray]:
    """Return the seconds of a satellite's parts by month and cell, shape (months, cells)."""
    totals = {name: np.zeros((calendar.size, FINE.cells), _INT) for name in QUANTITIES}
    for _, part in read_dwell(run, receipts):
        month = (_dates(part["day"]).astype("datetime64[M]") - calendar[0]).astype(int)
        for name, total in totals.items():
            _add(total, month, part["cell"], part[schema.RECORDS_OF[name]])
    return totals


def _compressed(total: np.ndarray, kept: dict[int, bytes]) -> dict[int, bytes]:
    """Return all chunks of a satellite: those that stay, and the sums of the other months."""
    return {k: kept[k] if k in kept else bytes(BLOSC.encode(month)) for k, month in enumerate(total)}


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


def as_plain(declared: schema.Variable, values: _V) -> tuple[tuple[str, ...], _V, Mapping[str, Any]]:
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
