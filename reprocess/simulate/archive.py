"""A simulated archive: satellite-days in parallel and the table of what happened in them."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from reprocess.schema import DAYS, EPOCH, EVENTS_PER_DAY, SATELLITES, Satellite, day_date, day_index
from reprocess.simulate.activity import activity
from reprocess.simulate.errors import SimulationError
from reprocess.simulate.fluxes import Streams, background, e4_background, usual_e4
from reprocess.simulate.geometry import Geometry, geometry_over_years, select
from reprocess.simulate.orbit import ORBITS
from reprocess.simulate.precipitation import MARGIN_RECORDS, Event, add_events, crossings
from reprocess.simulate.records import (
    NOMINAL_RECORDS,
    calibration_near,
    calibrations,
    clock,
    gap_near,
    record_order,
    time_tags,
    weekly_calibration,
)
from reprocess.simulate.situations import choose_events, special_candidates
from reprocess.simulate.structures import structures
from reprocess.simulate.telemetry import measure
from reprocess.simulate.truth import DayTruth, truth_row, truth_table
from reprocess.simulate.writer import granule_variables, write_granule

ONE_DAY = dt.timedelta(days=1)
DAY_RECORDS = slice(MARGIN_RECORDS, MARGIN_RECORDS + NOMINAL_RECORDS)
"""The day within its window."""


def granule_path(out: Path, satellite: Satellite, date: dt.date) -> Path:
    """Return where NOAA's archive keeps a satellite-day."""
    name = f"poes_{satellite.abbr}_{date:%Y%m%d}_proc.nc"
    return out / f"{date.year}" / satellite.directory / name


def _number(date: dt.date) -> int:
    """Return days since 1970, also of the days on either side of the calendar."""
    return (date - dt.date(1970, 1, 1)).days


def _window(satellite: str, date: dt.date, seed: int) -> Geometry:
    """Return the geometry of a day and of `MARGIN_RECORDS` of the days on either side."""
    sat_id = SATELLITES[satellite].sat_id
    first_ms, _ = clock(seed, sat_id)
    before, day, after = (
        time_tags(d, first_ms, np.random.default_rng([seed, sat_id, _number(d), 0]))
        for d in (date - ONE_DAY, date, date + ONE_DAY)
    )
    time_ms = np.concatenate([before[-MARGIN_RECORDS:], day, after[:MARGIN_RECORDS]])
    years = EPOCH.year, day_date(DAYS - 1).year
    return geometry_over_years(ORBITS[satellite], time_ms, years)


def _streams(seed: int, sat_id: int, date: dt.date) -> Streams:
    day, before, after = (
        np.random.default_rng([seed, sat_id, n, k])
        for n, k in ((_number(date), 1), (_number(date), 2), (_number(date) + 1, 2))
    )
    return Streams(day, before, after)


def _calibration_starts(
    satellite: str, date: dt.date, seed: int, chosen: Sequence[Event], rng: np.random.Generator
) -> list[int]:
    """Return the first records of the calibrations that run on a day, for `records.calibrations`."""
    sat_id = SATELLITES[satellite].sat_id
    _, frame_record = clock(seed, sat_id)
    weekly = (
        (shift, weekly_calibration(seed, sat_id, d, frame_record))
        for shift, d in ((-NOMINAL_RECORDS, date - ONE_DAY), (0, date))
    )
    starts = [shift + start for shift, start in weekly if start is not None]
    starts += [calibration_near(e.centre - MARGIN_RECORDS, frame_record, rng) for e in chosen]
    return starts


@dataclass(frozen=True)
class SimulatedDay:
    """What a satellite-day's file holds, and what is known of it."""

    variables: dict[str, np.ndarray]
    """The 158 variables of NOAA's file."""
    truth: list[dict[str, object]]
    """One row of the truth table per event, in order of time."""
    energy_flux: np.ndarray
    """(2, records of the file): energy flux of the events' electrons above 40 and 612 keV at 0 degrees,
    mW m-2, the same from all directions, without aurora; whatever records the truth counts to an event."""


def simulate_day(
    satellite: str,
    date: dt.date,
    seed: int,
    events_per_day: float = EVENTS_PER_DAY,
    situations_per_day: float = 0.0,
) -> tuple[dict[str, np.ndarray], list[dict[str, object]]]:
    """Simulate one satellite-day.

    Parameters
    ----------
    satellite : str
        Its directory name, a key of `reprocess.schema.SATELLITES`.
    date : datetime.date
    seed : int
        The result depends on seed, satellite, date and rates only.
    events_per_day : float
        Mean number of events of a whole day, see `structures.structures`.
    situations_per_day : float
        Mean number of events made in each hard situation besides, see `situations`.

    Returns
    -------
    variables : dict of str to array
        The 158 variables of NOAA's file.
    truth : list of dict
        One row of the truth table per event, in order of time.
    """
    day = simulated_day(satellite, date, seed, events_per_day, situations_per_day)
    return day.variables, day.truth


def simulated_day(
    satellite: str,
    date: dt.date,
    seed: int,
    events_per_day: float = EVENTS_PER_DAY,
    situations_per_day: float = 0.0,
) -> SimulatedDay:
    """Simulate one satellite-day as `simulate_day` does, and tell the true energy flux of each record."""
    sat_id = SATELLITES[satellite].sat_id
    # One stream for each purpose: more events leave the background as it is.
    noise, order_rng, choice = (np.random.default_rng([seed, sat_id, _number(date), k]) for k in (3, 4, 5))
    window = _window(satellite, date, seed)
    state = activity(seed, window.time_ms)
    e4_counts = e4_background(satellite, date.year + date.timetuple().tm_yday / 365.25)
    streams = _streams(seed, sat_id, date)
    expected = background(select(window, DAY_RECORDS), select(state, DAY_RECORDS), streams, e4_counts)

    def usual(where: slice) -> np.ndarray:
        return usual_e4(select(window, where), select(state, where), e4_counts)

    found = structures(seed, window.time_ms[0], window.time_ms[-1], events_per_day, situations_per_day)
    candidates = crossings(window, found) + special_candidates(seed, sat_id, window, situations_per_day)
    events = add_events(expected, MARGIN_RECORDS, window, usual, sat_id, candidates)
    whole = [e for e in events if e.start >= MARGIN_RECORDS and e.stop < MARGIN_RECORDS + NOMINAL_RECORDS]
    starts = _calibration_starts(
        satellite, date, seed, choose_events(whole, min(situations_per_day, 1.0), choice), choice
    )
    pulses, flag, on = calibrations(starts, clock(seed, sat_id)[1])
    lost = [
        gap_near(e.start - MARGIN_RECORDS, e.stop - MARGIN_RECORDS, choice)
        for e in choose_events(whole, situations_per_day, choice)
    ]
    order = record_order(order_rng, lost)
    counts = measure(expected, pulses, noise)
    day = DayTruth(satellite, date, window, state, on, order)
    rows = [truth_row(day, e) for e in events]
    variables = granule_variables(sat_id, select(window, DAY_RECORDS), counts, flag, order)
    return SimulatedDay(variables, [r for r in rows if r is not None], _energy_flux(events)[:, order])


def _energy_flux(events: Sequence[Event]) -> np.ndarray:
    """Return the energy flux of events above 40 and 612 keV by record of a whole day, (2, records)."""
    window = np.zeros((2, NOMINAL_RECORDS + 2 * MARGIN_RECORDS))
    for event in events:
        window[:, event.first : event.first + event.energy_by_record.shape[1]] += event.energy_by_record
    return window[:, DAY_RECORDS]


def _write_day(
    out: Path, satellite: str, date: dt.date, seed: int, rates: tuple[float, float]
) -> list[dict[str, object]]:
    day = simulated_day(satellite, date, seed, *rates)
    write_granule(granule_path(out, SATELLITES[satellite], date), day.variables)
    return day.truth


def _check(
    satellites: Sequence[str], start: dt.date, days: int, seed: int, rates: Mapping[str, float], workers: int
) -> None:
    unknown = [s for s in satellites if s not in SATELLITES]
    if unknown or not satellites or len(set(satellites)) != len(satellites):
        raise SimulationError(
            f"satellites {list(satellites)} must be one or more different ones of {', '.join(SATELLITES)}"
        )
    for name, value, least in (("days", days, 1), ("workers", workers, 1), ("seed", seed, 0)):
        if value < least:
            raise SimulationError(f"{name} is {value}; it must be at least {least}")
    for name, rate in rates.items():
        if not 0 <= rate < np.inf:
            raise SimulationError(f"{name} is {rate}; it must be finite and not negative")
    try:
        day_index(start), day_index(start + dt.timedelta(days=days - 1))
    except (ValueError, OverflowError) as error:
        raise SimulationError(f"{error}; {days} days from {start} must be within it") from error


def simulate_archive(
    out: str | Path,
    satellites: Sequence[str],
    start: dt.date,
    days: int,
    seed: int = 0,
    events_per_day: float = EVENTS_PER_DAY,
    situations_per_day: float = 0.0,
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
    situations_per_day : float
        Mean number of events a satellite-day made in each hard situation besides: at midnights, gaps and
        calibrations, in the hole of L, over the Anomaly, seen by several satellites.
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
    rates = {"events_per_day": events_per_day, "situations_per_day": situations_per_day}
    _check(satellites, start, days, seed, rates, workers)
    out = Path(out)
    jobs = [(s, start + dt.timedelta(days=k)) for k in range(days) for s in satellites]
    # All workers trace field lines once a year at most; results come back in order.
    results = Parallel(n_jobs=workers, return_as="generator")(
        delayed(_write_day)(out, satellite, date, seed, tuple(rates.values())) for satellite, date in jobs
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
