"""Situations that are rare and hard, made more often than nature makes them.

All of this happens without being asked for too; `situations_per_day` is the mean number of events a day that
is made in each situation besides. Events made at midnight, in the hole of L and in the Anomaly belong to
one satellite. Gaps and calibrations are moved to events.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from reprocess.schema import MS_PER_DAY
from reprocess.simulate.fluxes import night_side
from reprocess.simulate.geometry import Geometry, total
from reprocess.simulate.precipitation import SEEN_SHARE, Candidate, Event
from reprocess.simulate.structures import CSS_L, HOUR_MS, REP_L, Structure, draw_peak

ANOMALY_NT = 22_000.0
"""Field at the satellite below which it is in the South Atlantic Anomaly."""

MIDNIGHT_RECORDS = 10
"""Largest distance of an event made at midnight from it."""

REGION_SHARE = {"hole": 0.0066, "anomaly": 0.0074}
"""Share of all records that are in the hole at the L of REP, or in the Anomaly beyond `ANOMALY_L`."""
ANOMALY_L = 2.5
"""Least L of events made in the Anomaly: hardly any of it is at the L at which REP are common."""


def _number(kind: int, unit: int, sat_id: int, n: int) -> int:
    """Return a structure's number beyond those of the ones that all satellites share."""
    return ((1 + kind) << 40) + (unit * 32 + sat_id) * 1000 + n


def _structure(
    seed: int, number: int, geometry: Geometry, record: int, rng: np.random.Generator
) -> Structure:
    """Return a structure at a record of the window: of either class on the night side, else REP."""
    shell, mlt = float(geometry.magnetic.shell[record]), float(geometry.magnetic.mlt[record])
    night = CSS_L[0] < shell < CSS_L[1] and night_side(np.array(mlt), 23.3, 3.5) > 0.5
    kind = "CSS" if night and rng.uniform() < 0.5 else "REP"
    time = float(geometry.time_ms[record])
    return Structure(seed, number, number, kind, time, time, shell, mlt, 0.0, draw_peak(rng))


def _in_belt(geometry: Geometry) -> np.ndarray:
    shell = geometry.magnetic.shell
    return (shell > REP_L[0]) & (shell < REP_L[1])


def _at_midnights(seed: int, sat_id: int, geometry: Geometry, chance: float) -> Iterator[Candidate]:
    belt = _in_belt(geometry)
    day = geometry.time_ms // MS_PER_DAY
    for record in (np.flatnonzero(np.diff(day)) + 1).tolist():
        rng = np.random.default_rng([seed, sat_id, int(day[record]), 13])
        drawn, centre = (
            rng.uniform() < chance,
            record + int(rng.integers(-MIDNIGHT_RECORDS, MIDNIGHT_RECORDS)),
        )
        if drawn and belt[centre]:
            number = _number(0, int(day[record]), sat_id, 0)
            yield Candidate(_structure(seed, number, geometry, centre, rng), centre)


def _in_regions(seed: int, sat_id: int, geometry: Geometry, rate: float) -> Iterator[Candidate]:
    """Yield candidates at random times of those in the hole of L and in the Anomaly."""
    shell = geometry.magnetic.shell
    weak = (total(geometry.magnetic.field) < ANOMALY_NT) & (shell > ANOMALY_L) & (shell < REP_L[1])
    regions = {"hole": (geometry.magnetic.L < 0) & _in_belt(geometry), "anomaly": weak}
    time_ms = geometry.time_ms
    for hour in range(int(time_ms[0] // HOUR_MS), int(time_ms[-1] // HOUR_MS) + 1):
        rng = np.random.default_rng([seed, sat_id, hour, 14])
        for k, (name, inside) in enumerate(regions.items()):
            mean = rate / 24 / REGION_SHARE[name] / SEEN_SHARE
            times = (hour + rng.uniform(size=rng.poisson(mean))) * HOUR_MS
            records = np.searchsorted(time_ms, times).tolist()
            for n, record in enumerate(records):
                # Each draw has its own numbers: the window's ends are not the same for two days.
                own = np.random.default_rng([seed, sat_id, hour, 15 + k, n])
                if 0 < record < len(time_ms) and inside[record]:
                    number = _number(1 + k, hour, sat_id, n)
                    yield Candidate(_structure(seed, number, geometry, record, own), record)


def special_candidates(seed: int, sat_id: int, geometry: Geometry, per_day: float) -> list[Candidate]:
    """Return passes through structures made at midnights, in the hole of L and in the Anomaly.

    Parameters
    ----------
    seed, sat_id : int
    geometry : Geometry
        Geometry of a window.
    per_day : float
        Mean number a day in the hole and in the Anomaly, each; up to 1 the chance of one at a midnight
        at which the satellite is in the belt.
    """
    if not per_day:
        return []
    return [
        *_at_midnights(seed, sat_id, geometry, min(per_day, 1.0)),
        *_in_regions(seed, sat_id, geometry, per_day),
    ]


def choose_events(events: Sequence[Event], per_day: float, rng: np.random.Generator) -> list[Event]:
    """Return `per_day` events on average, as far as there are some, for a gap or a calibration each."""
    count = min(int(rng.poisson(per_day)), len(events))
    return [events[k] for k in rng.choice(len(events), size=count, replace=False)] if count else []
