"""A simulated archive: satellite-days in parallel and the table of what happened in them."""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from reprocess.schema import EVENTS_PER_DAY, FLUX_PER_COUNT, HEMISPHERES, SATELLITES, Satellite, day_index
from reprocess.simulate.activity import activity
from reprocess.simulate.errors import SimulationError
from reprocess.simulate.fluxes import background
from reprocess.simulate.geomagnetic import magnetic_grid
from reprocess.simulate.geometry import Geometry, day_geometry
from reprocess.simulate.orbit import ORBITS
from reprocess.simulate.precipitation import Event, add_events
from reprocess.simulate.records import calibration, record_order, time_tags
from reprocess.simulate.telemetry import measure
from reprocess.simulate.writer import granule_variables, write_granule

TRUTH_COLUMNS = {
    "satellite": "str",
    "event_class": "str",
    "date": "str",
    "start_index": "int32",
    "stop_index": "int32",
    "peak_index": "int32",
    "start_time": "datetime64[ms]",
    "stop_time": "datetime64[ms]",
    "peak_time": "datetime64[ms]",
    "peak_flux": "float64",
    "peak_counts": "float64",
    "width_L": "float64",
    "L": "float64",
    "L_min": "float64",
    "L_max": "float64",
    "MLT": "float64",
    "latitude": "float64",
    "longitude": "float64",
    "hemisphere": "str",
    "e4_ratio_0_90": "float64",
    "calibration": "bool",
}
"""Columns and dtypes of `truth.parquet`; docs/simulator.md explains them."""


def _truth_row(
    satellite: str,
    date: dt.date,
    event: Event,
    geometry: Geometry,
    calibrating: np.ndarray,
    order: np.ndarray,
) -> dict[str, object] | None:
    """Return an event as a row of the truth table; None if the file holds no record of it."""
    held = np.flatnonzero((order >= event.start) & (order <= event.stop))
    if not held.size:
        return None
    # The strongest record may be in a gap.
    peak = int(held[np.abs(order[held] - event.centre).argmin()])
    times = geometry.time_ms[order].astype("datetime64[ms]")
    day = order[peak]
    records = slice(event.start, event.stop + 1)
    shell, latitude = geometry.magnetic.shell, geometry.latitude[day]
    return {
        "satellite": satellite,
        "event_class": event.event_class,
        "date": date.isoformat(),
        "start_index": held[0],
        "stop_index": held[-1],
        "peak_index": peak,
        "start_time": times[held[0]],
        "stop_time": times[held[-1]],
        "peak_time": times[peak],
        "peak_flux": event.peak_counts * FLUX_PER_COUNT["e4"],
        "peak_counts": event.peak_counts,
        "width_L": event.width,
        "L": shell[day],
        "L_min": shell[records].min(),
        "L_max": shell[records].max(),
        "MLT": geometry.magnetic.mlt[day],
        "latitude": latitude,
        "longitude": geometry.longitude[day],
        "hemisphere": HEMISPHERES[int(latitude < 0)],
        "e4_ratio_0_90": event.ratio,
        "calibration": bool(calibrating[records].any()),
    }


def granule_path(out: Path, satellite: Satellite, date: dt.date) -> Path:
    """Return where NOAA's archive keeps a satellite-day."""
    name = f"poes_{satellite.abbr}_{date:%Y%m%d}_proc.nc"
    return out / f"{date.year}" / satellite.directory / name


def simulate_day(
    satellite: str, date: dt.date, seed: int, events_per_day: float = EVENTS_PER_DAY
) -> tuple[dict[str, np.ndarray], list[dict[str, object]]]:
    """Simulate one satellite-day.

    Parameters
    ----------
    satellite : str
        Its directory name, a key of `reprocess.schema.SATELLITES`.
    date : datetime.date
    seed : int
        The result depends on seed, satellite, date and rate only.
    events_per_day : float
        Mean number of events of a whole day, see `precipitation.add_events`.

    Returns
    -------
    variables : dict of str to array
        The 158 variables of NOAA's file.
    truth : list of dict
        One row of the truth table per event, in order of time.
    """
    sat_id = SATELLITES[satellite].sat_id
    # One stream for each purpose: more events leave the background as it is.
    rngs = [np.random.default_rng([seed, sat_id, day_index(date), k]) for k in range(5)]
    geometry = day_geometry(ORBITS[satellite], magnetic_grid(date.year), time_tags(date, rngs[0]))
    state = activity(seed, geometry.time_ms)
    expected = background(geometry, state, rngs[1])
    events = add_events(expected, geometry, state, events_per_day, rngs[2])
    pulses, flag, calibrating = calibration(date, sat_id, rngs[0])
    counts = measure(expected, pulses, rngs[3])
    order = record_order(rngs[4])
    rows = [_truth_row(satellite, date, e, geometry, calibrating, order) for e in events]
    return granule_variables(sat_id, geometry, counts, flag, order), [r for r in rows if r is not None]


def _write_day(
    out: Path, satellite: str, date: dt.date, seed: int, events_per_day: float
) -> list[dict[str, object]]:
    data, truth = simulate_day(satellite, date, seed, events_per_day)
    write_granule(granule_path(out, SATELLITES[satellite], date), data)
    return truth


def _check(
    satellites: Sequence[str], start: dt.date, days: int, seed: int, events_per_day: float, workers: int
) -> None:
    unknown = [s for s in satellites if s not in SATELLITES]
    if unknown or not satellites or len(set(satellites)) != len(satellites):
        raise SimulationError(
            f"satellites {list(satellites)} must be one or more different ones of {', '.join(SATELLITES)}"
        )
    for name, value, least in (("days", days, 1), ("workers", workers, 1), ("seed", seed, 0)):
        if value < least:
            raise SimulationError(f"{name} is {value}; it must be at least {least}")
    if not 0 <= events_per_day < np.inf:
        raise SimulationError(f"events_per_day is {events_per_day}; it must be finite and not negative")
    try:
        day_index(start), day_index(start + dt.timedelta(days=days - 1))
    except (ValueError, OverflowError) as error:
        raise SimulationError(f"{error}; {days} days from {start} must be within it") from error


def truth_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Return rows of `simulate_day` as a table with `TRUTH_COLUMNS`, sorted by satellite and time."""
    table = pd.DataFrame(list(rows), columns=list(TRUTH_COLUMNS)).astype(TRUTH_COLUMNS)
    return table.sort_values(["satellite", "start_time"], ignore_index=True)


def simulate_archive(
    out: str | Path,
    satellites: Sequence[str],
    start: dt.date,
    days: int,
    seed: int = 0,
    events_per_day: float = EVENTS_PER_DAY,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a simulated archive in NOAA's layout and the truth about its events.

    Files are ``OUT/YYYY/noaa18/poes_n18_YYYYMMDD_proc.nc`` and ``OUT/truth.parquet``. Files that
    exist are replaced; the table holds the events of this call only. The same arguments give the
    same bytes, whatever the number of workers; a satellite-day does not depend on which others are
    simulated.

    Parameters
    ----------
    out : str or Path
        Folder of the archive; made if it is not there.
    satellites : sequence of str
        Directory names, keys of `reprocess.schema.SATELLITES`. When a satellite flew is not checked.
    start : datetime.date
        First day.
    days : int
        Number of days, at least 1.
    seed : int
        Not negative.
    events_per_day : float
        Mean number of REP and CSS events together on a whole satellite-day of average activity.
        Raise it for training sets; above some 50 there is no room left for more.
    workers : int
        Processes.
    progress : callable, optional
        Called as ``progress(done, total)`` in satellite-days after each one.

    Returns
    -------
    Path
        Where the truth table is.

    Raises
    ------
    SimulationError
        If a satellite is unknown, missing or repeated, a number out of range, or a date outside the
        archive's calendar.
    """
    _check(satellites, start, days, seed, events_per_day, workers)
    out = Path(out)
    jobs = [(s, start + dt.timedelta(days=k)) for k in range(days) for s in satellites]
    # All workers trace field lines once a year at most; results come back in order.
    results = Parallel(n_jobs=workers, return_as="generator")(
        delayed(_write_day)(out, satellite, date, seed, events_per_day) for satellite, date in jobs
    )
    rows: list[dict[str, object]] = []
    for done, truth in enumerate(results, start=1):
        rows.extend(truth)
        if progress is not None:
            progress(done, len(jobs))
    path = out / "truth.parquet"
    with path.open("wb") as file:  # pyarrow takes no path that is not UTF-8
        truth_table(rows).to_parquet(file, index=False)
    return path
