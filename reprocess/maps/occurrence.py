"""Maps of occurrence by L shell and MLT.

State is integers: events per bin and seconds per bin, from the same binning; the division is
last. An event counts once, in the bin of its peak. Intervals: events are counted, so their rate
has the exact (Garwood) Poisson interval from chi-square quantiles; the fraction of time within
events is resampled over whole satellite-days, because neighbouring records are not independent.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import gammaincinv  # half of chi2.ppf; scipy.stats takes a second to import

from reprocess import schema
from reprocess.errors import LedgerError
from reprocess.files import write_atomic
from reprocess.maps.attributes import coverage_attributes, product_attributes
from reprocess.maps.exposure import BOUNDS, as_plain, daily, grid_coordinates
from reprocess.schema import EVENT_CLASSES, EVENT_FLAGS
from reprocess.schema.grid import Grid, make_grid
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.parts import read_events
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

CONFIDENCE = 0.6827
"""Coverage of all intervals: one standard deviation of a normal distribution."""

RESAMPLES = 1000
MIN_DAYS = 10
"""Satellite-days below which resampling says nothing and the fraction's interval is left out."""

_SEED = 20220912
_AT_ONCE = 100  # resamples whose weights are held at once; divides RESAMPLES


_TEXTS = {
    "title": "Relativistic electron precipitation by L shell and magnetic local time",
    "summary": (
        "Events of relativistic electron precipitation that POES and MetOp satellites observed, driven by "
        "waves (REP) or by current sheet scattering (CSS) as a neural network tells them apart: per hour "
        "observed and as a fraction of the time observed, by McIlwain L shell and magnetic local time."
    ),
    "comment": (
        "The 0 degree telescope often sees trapped or quasi-trapped electrons outside strong "
        "diffusion (Selesnick et al. 2020): flux at 0 degrees is not all loss-cone flux."
    ),
}


def poisson_interval(counts: np.ndarray, confidence: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact central interval of a Poisson mean.

    Parameters
    ----------
    counts : ndarray of int
        Events counted.
    confidence : float
        Coverage; at least that much, whatever the mean.

    Returns
    -------
    tuple of ndarray of float64
        Lower and upper limit, in events. Garwood (1936), Biometrika 28, 437.
    """
    tail = (1 - confidence) / 2
    lower = np.where(counts > 0, gammaincinv(np.maximum(counts, 1), tail), 0.0)
    return lower, np.asarray(gammaincinv(counts + 1, 1 - tail))


def count_events(events: pd.DataFrame, grid: Grid) -> tuple[np.ndarray, int]:
    """Count events by class and bin of their peak.

    Events whose L is interpolated or outside the grid are on no map, like such records are in no
    exposure.

    Returns
    -------
    tuple of ndarray of int64, shape (2, n_L, n_MLT), and int
        Counts, and the number of events left out.
    """
    usable = events[(events["quality_flags"] & EVENT_FLAGS["L_interpolated"]) == 0]
    position = [usable[name].to_numpy(np.float32) for name in ("L", "MLT", "latitude")]
    cell = grid.cell(*position)
    counts = np.zeros((len(EVENT_CLASSES), grid.cells), np.int64)
    for k, name in enumerate(EVENT_CLASSES):
        of_class = (usable["event_class"] == name).to_numpy() & (cell >= 0)
        counts[k] = np.bincount(cell[of_class], minlength=grid.cells)
    by_bin = counts.reshape(len(EVENT_CLASSES), len(schema.HEMISPHERES), *grid.shape).sum(axis=1)
    return by_bin, len(events) - int(by_bin.sum())


def occurrence(
    run: Run, receipts: list[DetectReceipt], grid: Grid, min_dwell_s: float, choice: Choice = EVERYTHING
) -> xr.Dataset:
    """Make the maps of a run.

    Parameters
    ----------
    run : Run
    receipts : list of DetectReceipt
        Receipts of its blocks.
    grid : Grid
        Made by `grid.make_grid`.
    min_dwell_s : float
        Bins with less dwell get no rate and no fraction.
    choice : Choice
        What of the run is looked at; the attributes tell it.

    Returns
    -------
    xarray.Dataset
        Dimensions event_class, L, MLT; counts, dwell (s), event rate (per hour of dwell) and
        occurrence fraction with their intervals.

    Raises
    ------
    LedgerError
        If the run has no done block, or a part is missing or damaged.
    FlagError
        If a flag is excluded that the run's parts do not tell of.
    """
    if not any(receipt["days"] for receipt in receipts):
        raise LedgerError(f"run {run.name!r} has no block that is done; run detect first")
    counts, off_map = count_events(read_events(run, receipts, choice), grid)
    seconds = daily(run, receipts, grid, choice)
    dwell = seconds["dwell"].sum(axis=0)
    seen = dwell >= max(min_dwell_s, schema.SAMPLING_S)
    hours = np.where(seen, dwell, np.nan) / 3600
    lower, upper = poisson_interval(counts)
    within = np.stack([seconds[f"precipitation_{name}"].sum(axis=0) for name in EVENT_CLASSES])
    fraction = within / np.where(seen, dwell, np.nan)
    low, high = (np.where(seen, limit, np.nan) for limit in _resample(seconds))
    values = {
        "events": counts,
        "dwell": dwell.astype(np.float64),
        "event_rate": counts / hours,
        "event_rate_lower": lower / hours,
        "event_rate_upper": upper / hours,
        "precipitation": within.astype(np.float64),
        "occurrence_fraction": fraction,
        "occurrence_fraction_lower": low,
        "occurrence_fraction_upper": high,
    }
    classes = as_plain(schema.OCCURRENCE_COORDINATES["event_class"], np.array(list(EVENT_CLASSES)))
    own: dict[str, object] = {
        "interval_coverage": CONFIDENCE,
        "min_dwell_s": float(min_dwell_s),
        "events_off_map": off_map,
    }
    return xr.Dataset(
        {name: as_plain(schema.OCCURRENCE[name], value) for name, value in values.items()},
        coords={"event_class": classes, **grid_coordinates(grid)},
        attrs=product_attributes(run, **_TEXTS)
        | coverage_attributes(run, receipts)
        | own
        | choice.attributes,
    )


def write_occurrence(path: Path, dataset: xr.Dataset) -> None:
    """Write the maps as NetCDF in one step.

    The classic format (64-bit offsets) is used because HDF5 stamps the time of writing into every
    file: equal maps must be equal bytes.
    """
    plain = dataset.reset_coords(BOUNDS)  # xarray names them in an attribute of the file otherwise
    encoding = {str(name): {"_FillValue": _fill(array)} for name, array in plain.variables.items()}
    data = plain.to_netcdf(engine="scipy", format="NETCDF3_64BIT", encoding=encoding)
    write_atomic(path, bytes(data))


def _fill(array: xr.Variable) -> float | None:
    """Return what stands for NaN in the file; nothing for coordinates and what never is NaN."""
    return schema.FILL if array.dtype.kind == "f" and bool(np.isnan(array.values).any()) else None


def read_occurrence(run: Run) -> xr.Dataset:
    """Read the maps that `write_occurrence` wrote.

    Raises
    ------
    LedgerError
        If there are none yet, or the file is damaged.
    """
    return load_occurrence(run.occurrence, run.name)


def load_occurrence(path: Path, run: str) -> xr.Dataset:
    """Read one file of maps of a run; errors as `read_occurrence`."""
    if not path.exists():
        raise LedgerError(f"run {run!r} has no maps yet; run map first")
    try:
        # Files of 0.1.0 have MLT in "hour", which xarray must not make time differences of.
        return xr.load_dataset(path, engine="scipy", decode_times=False).set_coords(BOUNDS)
    except (ValueError, TypeError, KeyError, IndexError, EOFError) as e:  # what SciPy raises of other bytes
        again = f"reprocess map WORK --run {run}"
        raise LedgerError(f"{path} is damaged ({type(e).__name__}); {again} makes it again") from e


def grid_of(maps: xr.Dataset) -> Grid:
    """Return the grid that maps were made on."""
    return make_grid(*(np.append(maps[bounds][:, 0], maps[bounds][-1, 1]) for bounds in BOUNDS))


_EXACT = {"events", "dwell", "precipitation"}


def compare_occurrence(run: Run, receipts: list[DetectReceipt]) -> list[tuple[str, str]]:
    """Hold `occurrence.nc` against maps made again from the parts, on its own grid.

    Returns
    -------
    list of tuple of str
        What should be and what is, for every variable that differs: counts and seconds exactly,
        what is computed from them within 1e-9, for other versions of SciPy.
    """
    stored = read_occurrence(run)
    again = occurrence(run, receipts, grid_of(stored), stored.attrs["min_dwell_s"])
    return [
        (
            f"{name} with sum {np.nansum(values):.9g}",
            f"sum {np.nansum(stored[name]):.9g}" if name in stored else "no such variable",
        )
        for name, values in again.data_vars.items()
        if name not in stored
        or not np.allclose(stored[name], values, 0 if name in _EXACT else 1e-9, 0, equal_nan=True)
    ]


def _resample(seconds: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval of the fraction from resampled satellite-days; NaN if they are too few."""
    dwell = seconds["dwell"]
    days = dwell.shape[0]
    within = [seconds[f"precipitation_{name}"] for name in EVENT_CLASSES]
    shape = (len(within), *dwell.shape[1:])
    if days < MIN_DAYS:
        return np.full(shape, np.nan), np.full(shape, np.nan)
    totals = _resampled_sums([x.reshape(days, -1) for x in (dwell, *within)])
    with np.errstate(invalid="ignore"):  # bins without dwell in a sample are NaN and left out
        fractions = np.stack([x / totals[0] for x in totals[1:]])
    tail = (1 - CONFIDENCE) / 2
    limits = _quantiles(fractions, [tail, 1 - tail])
    return limits[0].reshape(shape), limits[1].reshape(shape)


def _resampled_sums(columns: list[np.ndarray]) -> list[np.ndarray]:
    """Return sums over days drawn with replacement, one row per resample; exact, they are integers.

    A part of the resamples at a time: all weights of 27,000 days would take 220 MB.
    """
    rng, days = np.random.default_rng(_SEED), len(columns[0])
    values = [column.astype(np.float64) for column in columns]
    sums: list[list[np.ndarray]] = [[] for _ in values]
    for _ in range(RESAMPLES // _AT_ONCE):
        weights = rng.multinomial(days, np.full(days, 1 / days), _AT_ONCE).astype(np.float64)
        for drawn, value in zip(sums, values, strict=True):
            drawn.append(weights @ value)
    return [np.concatenate(drawn) for drawn in sums]


def _quantiles(samples: np.ndarray, q: list[float]) -> np.ndarray:
    """Quantiles over axis 1, NaN where no sample is finite."""
    result = np.full((len(q), samples.shape[0], samples.shape[2]), np.nan)
    seen = np.isfinite(samples).any(axis=1)
    for k, visible in enumerate(seen):
        if visible.any():
            result[:, k, visible] = np.nanquantile(samples[k][:, visible], q, axis=0)
    return result
