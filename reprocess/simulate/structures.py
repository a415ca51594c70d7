"""Where and when the magnetosphere scatters electrons: what satellites may cross.

A structure lies at one L, reaches over some local time and lives for some time; it belongs to no
satellite and no day, but is a function of the seed. So passes of one satellite in one structure, and
passes of two satellites within minutes, see the same spectrum and shape.

Structures come in clusters, as what follows one substorm: clusters are a Poisson process whose rate is
that of `Activity`, and so shared by all satellites over days. Rates, extents and lifetimes are choices;
no survey gives them for these telescopes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reprocess.schema import MS_PER_DAY
from reprocess.simulate.activity import activity
from reprocess.simulate.fluxes import night_side

HOUR_MS = 3_600_000

MEMBERS = 2.0
"""Mean number of structures in a cluster: one and a Poisson number."""
MEMBER_DELAY_H, MEMBER_DELAY_LIMIT_H = 2.0, 8.0
"""Exponential distribution of the time from the first structure of a cluster to each of the others."""

LIFE_MINUTES = {"REP": (40.0, 0.8), "CSS": (90.0, 0.6)}
"""Median and spread of the log-normal lifetime."""
LIFE_LIMIT_H = 6.0

HALF_WIDTH_H = {"REP": (0.75, 0.5), "CSS": (2.5, 0.3)}
"""Median and spread of half the log-normal extent in local time."""
HALF_WIDTH_LIMIT_H = 5.0

REP_L, REP_L_MEAN, REP_L_SPREAD = (3.3, 8.2), 5.3, 1.0
CSS_L, CSS_L_MEAN, CSS_L_SPREAD = (4.6, 8.0), 6.5, 0.6
STORM_INWARD = {"REP": 0.4, "CSS": 0.9}
"""How far the means move inwards from no storm to the strongest; REP's mean is that of a level of 0.4."""

PEAK_RANGE = (2.0, 300.0)
PEAK_MEDIAN, PEAK_SPREAD = 12.0, 0.95
"""Log-normal distribution of the peak of E4 at 0 degrees in counts per second, cut to the range."""

CROSSINGS = {"REP": 0.135, "CSS": 0.57}
"""Events of one structure that a satellite sees on average: what makes a rate of structures of one of events.
Means over five satellites and 2013-2022; a satellite that flies little at night sees fewer CSS."""

WIDE_HALF_WIDTH_H, WIDE_LIFE_H, WIDE_CROSSINGS = 4.0, 3.0, 2.0
"""Structures made for conjunctions, and how many events of one a satellite sees."""

_MLT_BINS = np.arange(0.0, 24.0, 0.1)


@dataclass(frozen=True)
class Structure:
    """One region of precipitation."""

    seed: int
    number: int
    """Its own: no other structure of the same seed has it."""
    cluster: int
    """Number of the cluster's first structure."""
    event_class: str
    """REP or CSS."""
    start_ms: float
    stop_ms: float
    shell: float
    """L of its centre (REP) or of the boundary of E4 (CSS)."""
    mlt: float
    half_width_h: float
    """Centre and half the extent in magnetic local time, hours."""
    peak: float
    """Counts per second of E4 at 0 degrees that a typical pass sees at most."""


def draw_peak(rng: np.random.Generator) -> float:
    """Return the peak of a structure in counts per second."""
    return float(np.clip(rng.lognormal(np.log(PEAK_MEDIAN), PEAK_SPREAD), *PEAK_RANGE))


def _rep_local_time(rng: np.random.Generator) -> float:
    weight = 0.12 + night_side(_MLT_BINS, 19.5, 3.0) + 0.8 * night_side(_MLT_BINS, 23.5, 2.5)
    return float(rng.choice(_MLT_BINS, p=weight / weight.sum()) + rng.uniform(0.0, 0.1))


def _draw_place(kind: str, storm: float, rng: np.random.Generator) -> tuple[float, float]:
    """Return L and local time of a structure."""
    if kind == "CSS":
        shell = rng.normal(CSS_L_MEAN - STORM_INWARD[kind] * storm, CSS_L_SPREAD)
        return float(np.clip(shell, *CSS_L)), float(rng.normal(23.3, 1.2) % 24)
    while True:
        shell = rng.normal(REP_L_MEAN + STORM_INWARD[kind] * (0.4 - storm), REP_L_SPREAD)
        if REP_L[0] < shell < REP_L[1]:
            return float(shell), _rep_local_time(rng)


def _log_normal(rng: np.random.Generator, median_spread: tuple[float, float], limit: float) -> float:
    median, spread = median_spread
    return float(min(rng.lognormal(np.log(median), spread), limit))


def _rep_share() -> float:
    """Return the share of REP among structures that makes half of the events REP."""
    rep, css = 1 / CROSSINGS["REP"], 1 / CROSSINGS["CSS"]
    return rep / (rep + css)


def _clusters(
    seed: int, hour: int, storm: float, mean: float, rng: np.random.Generator
) -> Iterator[Structure]:
    """Yield the structures of the clusters that begin in one hour, of which there are `mean` on average."""
    number = hour * 1000
    for _ in range(rng.poisson(mean)):
        cluster, begin = number, (hour + rng.uniform()) * HOUR_MS
        for member in range(1 + rng.poisson(MEMBERS - 1)):
            delay = min(rng.exponential(MEMBER_DELAY_H), MEMBER_DELAY_LIMIT_H) if member else 0.0
            kind = "REP" if rng.uniform() < _rep_share() else "CSS"
            shell, mlt = _draw_place(kind, storm, rng)
            start = begin + delay * HOUR_MS
            life = _log_normal(rng, LIFE_MINUTES[kind], LIFE_LIMIT_H * 60) * 60_000
            half_width = _log_normal(rng, HALF_WIDTH_H[kind], HALF_WIDTH_LIMIT_H)
            yield Structure(
                seed, number, cluster, kind, start, start + life, shell, mlt, half_width, draw_peak(rng)
            )
            number += 1


def _wide(seed: int, hour: int, storm: float, mean: float, rng: np.random.Generator) -> Iterator[Structure]:
    """Yield structures so wide and long that several satellites see them; each is its own cluster."""
    for k in range(rng.poisson(mean)):
        kind, start = ("REP", "CSS")[int(rng.integers(0, 2))], (hour + rng.uniform()) * HOUR_MS
        shell, mlt = _draw_place(kind, storm, rng)
        number, stop = hour * 1000 + 900 + k, start + WIDE_LIFE_H * HOUR_MS
        yield Structure(
            seed, number, number, kind, start, stop, shell, mlt, WIDE_HALF_WIDTH_H, draw_peak(rng)
        )


def structures(
    seed: int, first_ms: float, last_ms: float, events_per_day: float, wide_per_day: float = 0.0
) -> list[Structure]:
    """Return all structures that live at some time from `first_ms` to `last_ms`, ms since 1970.

    Parameters
    ----------
    seed : int
    first_ms, last_ms : float
    events_per_day : float
        Mean number of events on a satellite-day.
    wide_per_day : float
        The same of events in structures made to be seen by several satellites.
    """
    longest = MEMBER_DELAY_LIMIT_H + LIFE_LIMIT_H
    hours = np.arange(int(first_ms / HOUR_MS - longest) - 1, int(last_ms / HOUR_MS) + 1)
    state = activity(seed, (hours + 0.5) * HOUR_MS)
    per_hour = events_per_day / 2 * sum(1 / c for c in CROSSINGS.values()) / MEMBERS * HOUR_MS / MS_PER_DAY
    wide = wide_per_day / WIDE_CROSSINGS * HOUR_MS / MS_PER_DAY
    found: list[Structure] = []
    for hour, rate, storm in zip(hours.tolist(), state.rate, state.storm, strict=True):
        rng = np.random.default_rng([seed, hour, 11])
        found += _clusters(seed, hour, storm, per_hour * rate, rng)
        found += _wide(seed, hour, storm, wide, np.random.default_rng([seed, hour, 12]))
    return [s for s in found if s.stop_ms >= first_ms and s.start_ms <= last_ms]
