"""Geomagnetic activity and solar proton events as pure functions of seed and time.

No satellite and no day owns the activity: all satellites of a simulated archive see the same one,
whatever is simulated first.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from reprocess.schema import MS_PER_DAY

MS_PER_YEAR = 365.25 * MS_PER_DAY

PERIODS_DAYS = np.array([27.0, 13.5, 9.0, 6.3, 4.1, 2.3, 1.3, 0.7])
WEIGHTS = np.array([0.8, 0.7, 0.6, 0.5, 0.5, 0.5, 0.4, 0.3])
"""Solar rotation and its harmonics, then single disturbances."""

BELT_PERIODS = 4
"""The belt follows the slow terms only: it forgets single disturbances."""

SOLAR_CYCLE_YEARS = 11.0
SOLAR_MAXIMUM_YEAR = 2014.3

PROTON_EVENTS_PER_YEAR = 8.0

RATE_SPREAD, RATE_DAYS = 0.8, 3.0
"""The event rate that all satellites share: standard deviation of its logarithm, and the time in which its
auto-correlation falls to 1/e. Chosen within what makes counts of a month vary as those of storms do."""

STORM_SHARE = 0.9
"""Weight of the same index in the storm level: disturbed days have a wider oval and more events."""


@dataclass(frozen=True)
class Activity:
    """State of the magnetosphere, each of shape (records,)."""

    storm: np.ndarray
    """0 quiet to 1 disturbed: aurora, boundaries and event rates."""
    belt: np.ndarray
    """0 as empty as on a quiet day of solar minimum to 1 as full as in a disturbed month."""
    solar_protons: np.ndarray
    """Expected counts per second of P3 in the polar caps."""
    rate: np.ndarray
    """Event rate over its mean, log-normal with a mean of 1."""


def _index(seed: int, time_ms: np.ndarray) -> np.ndarray:
    """Return Gaussian noise of unit variance, the auto-correlation of which falls as exp(-days / RATE_DAYS).

    One value a day, a moving average of what each day adds; linear between noons.
    """
    noon = time_ms / MS_PER_DAY - 0.5
    first, last = int(np.floor(noon.min())), int(np.floor(noon.max())) + 1
    memory = round(8 * RATE_DAYS)
    white = [
        np.random.default_rng([seed, day, 3]).standard_normal() for day in range(first - memory, last + 1)
    ]
    weights = np.exp(-np.arange(memory + 1) / RATE_DAYS)
    daily = np.convolve(white, weights / np.sqrt((weights**2).sum()), mode="valid")
    between = noon - np.floor(noon)
    # What is interpolated varies less than what it is interpolated from.
    variance = 1 - 2 * between * (1 - between) * (1 - np.exp(-1 / RATE_DAYS))
    return np.interp(noon, np.arange(first, last + 1), daily) / np.sqrt(variance)


def _solar_protons(seed: int, time_ms: np.ndarray) -> np.ndarray:
    total = np.zeros(len(time_ms))
    years = 1970 + time_ms / MS_PER_YEAR
    for year in range(int(years.min() - 0.1), int(years.max()) + 1):
        cycle = 0.5 + 0.5 * np.cos(2 * np.pi * (year - SOLAR_MAXIMUM_YEAR) / SOLAR_CYCLE_YEARS)
        rng = np.random.default_rng([seed, year, 2])
        for _ in range(rng.poisson(PROTON_EVENTS_PER_YEAR * (0.1 + cycle))):
            start = (year - 1970 + rng.uniform()) * MS_PER_YEAR
            peak, decay = rng.lognormal(1.5, 1.5), rng.uniform(0.5, 2.0) * MS_PER_DAY
            age = np.maximum(time_ms - start, 0.0)
            total += (
                peak * np.minimum(age / (0.15 * MS_PER_DAY), 1.0) * np.exp(-np.minimum(age / decay, 50.0))
            )
    return total


def activity(seed: int, time_ms: np.ndarray) -> Activity:
    """Return the activity at times in ms since 1970, shape (records,)."""
    time_ms = np.asarray(time_ms, float)
    phases = np.random.default_rng([seed, 1]).uniform(0, 2 * np.pi, len(PERIODS_DAYS))
    waves = WEIGHTS[:, None] * np.sin(
        2 * np.pi * time_ms / MS_PER_DAY / PERIODS_DAYS[:, None] + phases[:, None]
    )
    index = _index(seed, time_ms)
    return Activity(
        storm=expit(1.6 * (0.6 * waves.sum(0) + STORM_SHARE * index) - 1.0),
        belt=expit(1.8 * waves[:BELT_PERIODS].sum(0)),
        solar_protons=_solar_protons(seed, time_ms),
        rate=np.exp(RATE_SPREAD * index - RATE_SPREAD**2 / 2),
    )
