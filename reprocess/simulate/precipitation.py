"""Precipitation events with known truth: REP (wave-driven) and CSS (current sheet scattering).

REP: isolated in L (0.05-1 wide), at any local time but mostly at dusk and around midnight, all
energies at the same place, flux in the 0-degree telescope approaching that in the 90-degree one,
often with ions of tens of keV precipitating alongside.

CSS: on the night side at the outer edge of the belt. Each energy is isotropic outside its own
boundary, and the boundary of higher energies lies at lower L; towards higher L the flux falls with
the belt. A disturbed night side shows it in both hemispheres of an orbit.

Events are placed on whole satellite-days; one that reaches past midnight is cut there.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from reprocess.schema import ELECTRON_KEV, FLUX_PER_COUNT
from reprocess.simulate.activity import Activity
from reprocess.simulate.fluxes import night_side
from reprocess.simulate.geometry import Geometry
from reprocess.simulate.telemetry import CHANNELS

THRESHOLD_COUNTS = 1.0
"""An event's records: its expected E4 counts at 0 degrees exceed this and the background's."""

PEAK_RANGE = (2.0, 300.0)
PEAK_MEDIAN, PEAK_SPREAD = 12.0, 1.0
"""Log-normal distribution of the peak of E4 at 0 degrees in counts per second, cut to the range."""

REP_SHARE = 0.5
REP_L = (3.3, 8.2)
CSS_L = (4.6, 8.0)
SEPARATION_RECORDS = 45
"""Free records around an event: neighbouring windows are to have one answer."""
REACH_RECORDS = 150
"""Half the longest stretch of a pass an event can cover."""

_E4, _P1 = CHANNELS.index("p6"), CHANNELS.index("p1")
_ELECTRONS = [CHANNELS.index(c) for c in ("e1", "e2", "e3", "p6")]
_COUNTS_PER_E4 = np.array([[FLUX_PER_COUNT["e4"] / FLUX_PER_COUNT[c]] for c in ("e1", "e2", "e3", "e4")])
_ABOVE_E4_KEV = float(ELECTRON_KEV[3]) - np.array(ELECTRON_KEV)


@dataclass(frozen=True)
class Event:
    """One event on a whole satellite-day."""

    event_class: str
    """REP or CSS."""
    centre: int
    """Record of the peak."""
    start: int
    stop: int
    """First and last record that meet `THRESHOLD_COUNTS`, inclusive."""
    peak_counts: float
    """Largest expected count per second of E4 at 0 degrees, without background."""
    width: float
    """Width in L: of the profile's half maximum (REP), between the outermost records (CSS)."""
    ratio: float
    """Flux at 0 degrees over flux at 90 degrees of the event itself, E4."""


@dataclass(frozen=True)
class _Profile:
    """Shape of an event over the records of a stretch."""

    electrons: np.ndarray
    """(2, 4, records): counts of E1-E3 and P6 at 0 and 90 degrees."""
    ions: np.ndarray
    """(records,): counts of P1, isotropic."""


def _spectrum(rng: np.random.Generator) -> np.ndarray:
    """Return the flux between the thresholds of E1, E2, E3 and E4 and above the last, shape (4, 1).

    In units of the flux above E4, for an exponential spectrum.
    """
    folding_kev = rng.uniform(170.0, 450.0)
    integral = np.exp(_ABOVE_E4_KEV / folding_kev)
    return (integral - np.append(integral[1:], 0.0))[:, None]


def _channel_counts(bands: np.ndarray) -> np.ndarray:
    """Return counts of E1-E4, each the sum of all bands above its threshold; shapes (4, records)."""
    return _COUNTS_PER_E4 * np.cumsum(bands[::-1], axis=0)[::-1]


def _peak(rng: np.random.Generator) -> float:
    return float(np.clip(rng.lognormal(np.log(PEAK_MEDIAN), PEAK_SPREAD), *PEAK_RANGE))


def _stretch(geometry: Geometry, centre: int) -> slice:
    """Return the records around `centre` on the same pass: L monotonic, at most `REACH_RECORDS` away."""
    shell = geometry.magnetic.shell
    first, last = max(centre - REACH_RECORDS, 0), min(centre + REACH_RECORDS, len(shell) - 1)
    slope = np.sign(shell[min(centre + 8, last)] - shell[max(centre - 8, first)])
    # Steps against the slope end the pass; interpolation noise in L does not.
    turned = np.flatnonzero(np.diff(shell[first : last + 1 : 8]) * slope < 0) * 8 + first
    before, after = turned[turned + 8 <= centre], turned[turned >= centre]
    return slice(int(before[-1]) + 8 if before.size else first, int(after[0]) + 1 if after.size else last + 1)


def _texture(rng: np.random.Generator, records: int, spread: float) -> np.ndarray:
    return np.exp(spread * rng.standard_normal(records))


def _rep_profile(
    shell: np.ndarray, centre_l: float, peak: float, rng: np.random.Generator
) -> tuple[_Profile, float, float]:
    """Return the profile of a REP event over `shell`, its full width at half maximum in L and its ratio."""
    width = float(np.clip(rng.lognormal(np.log(0.22), 0.7), 0.05, 1.0))
    flatness = rng.choice([2.0, 4.0])  # Gaussian or flat-topped
    distance = np.abs(shell - centre_l) / (width / 2)
    shape = np.exp(-np.log(2.0) * distance**flatness) * _texture(rng, len(shell), 0.2)
    ratio = float(rng.uniform(0.35, 1.05))
    # Low energies resonate less: their bands may be all but absent.
    weaker = np.array([rng.uniform(0.0, 1.0), rng.uniform(0.1, 1.0), rng.uniform(0.4, 1.0), 1.0])
    bands = _spectrum(rng)
    at_0 = _channel_counts(bands * weaker[:, None] * peak * shape)
    # What precipitates is scattered out of a belt that is wider than the scattering.
    belt = rng.uniform(0.2, 1.0) * np.exp(-np.abs(shell - centre_l) / rng.uniform(0.3, 0.8))
    source = np.maximum(at_0, _channel_counts(bands * peak * belt)) / ratio
    ions = rng.lognormal(np.log(60.0), 1.0) if rng.uniform() < 0.5 else 0.0
    return _Profile(np.stack([at_0, source]), ions * shape), width, ratio


def _css_profile(
    shell: np.ndarray, centre_l: float, peak: float, rng: np.random.Generator
) -> tuple[_Profile, float]:
    """Return the profile of a CSS event over `shell` and its ratio.

    The trapped flux falls outwards with a scale length that is longer at low energies; the share
    that precipitates rises at each energy's isotropy boundary.
    """
    step = rng.uniform(0.03, 0.30)
    boundary = centre_l + step * np.array([3.0, 1.9, 0.8, 0.0]) * rng.uniform(0.7, 1.3, 4)
    edge = rng.uniform(0.01, 0.08) * centre_l / 6
    outer = rng.uniform(0.15, 0.45) * np.array([3.0, 2.0, 1.35, 1.0])
    ratio = float(rng.uniform(0.75, 1.05))
    outside = shell - boundary[:, None]
    share = ratio * expit(np.clip(outside / edge, -40, 40))
    distance = shell - centre_l
    belt = np.exp(-np.clip(np.maximum(distance / outer[:, None], -distance / 0.8), 0, 40))
    belt = belt * _texture(rng, len(shell), 0.12)
    bands = _spectrum(rng) * belt
    trapped, precipitating = _channel_counts(bands), _channel_counts(bands * share)
    scale = peak / max(float(precipitating[3].max()), 1e-6)
    ions = rng.lognormal(np.log(100.0), 1.0) * share[2] * belt[0]
    return _Profile(np.stack([precipitating, trapped]) * scale, ions), ratio


def _add(
    expected: np.ndarray, geometry: Geometry, kind: str, centre: int, peak: float, rng: np.random.Generator
) -> Event | None:
    """Add an event to the expected counts (2, 9, records) in place; None if no record meets the threshold."""
    where = _stretch(geometry, centre)
    shell = geometry.magnetic.shell[where]
    centre_l = float(geometry.magnetic.shell[centre])
    if kind == "REP":
        profile, width, ratio = _rep_profile(shell, centre_l, peak, rng)
    else:
        profile, ratio = _css_profile(shell, centre_l, peak, rng)
        width = 0.0
    event_e4 = profile.electrons[0, 3]
    clear = np.flatnonzero((event_e4 > THRESHOLD_COUNTS) & (event_e4 > expected[0, _E4, where]))
    if not clear.size:
        return None
    if kind == "CSS":
        width = float(abs(shell[clear[-1]] - shell[clear[0]]))
    target = expected[..., where]
    target[0, _ELECTRONS] += profile.electrons[0]
    # The 90-degree telescope sees the event's source as part of what it sees anyway.
    target[1, _ELECTRONS] = np.maximum(target[1, _ELECTRONS], profile.electrons[1])
    target[:, _P1] += profile.ions
    target[:, _P1 + 1] += 0.15 * profile.ions
    top, first = clear[event_e4[clear].argmax()], where.start
    return Event(
        kind,
        int(first + top),
        int(first + clear[0]),
        int(first + clear[-1]),
        float(event_e4[top]),
        width,
        ratio,
    )


def _rep_weight(geometry: Geometry) -> np.ndarray:
    """Return the relative chance of a REP event at each record."""
    shell, mlt = geometry.magnetic.shell, geometry.magnetic.mlt
    radial = np.exp(-((shell - 5.3) ** 2) / (2 * 1.0**2)) * ((shell > REP_L[0]) & (shell < REP_L[1]))
    local_time = 0.12 + night_side(mlt, 19.5, 3.0) + 0.8 * night_side(mlt, 23.5, 2.5)
    return radial * local_time


def _css_crossings(geometry: Geometry, boundary_l: float) -> np.ndarray:
    """Return the records where the satellite crosses `boundary_l` on the night side."""
    shell, mlt = geometry.magnetic.shell, geometry.magnetic.mlt
    crossing = np.flatnonzero(np.diff(shell > boundary_l))
    return crossing[night_side(mlt[crossing], 23.3, 3.5) > 0.5]


def _css_centres(
    geometry: Geometry, activity: Activity, rate: float, rng: np.random.Generator
) -> list[tuple[int, float]]:
    """Return centres and peaks of CSS events: night-side crossings chosen orbit by orbit."""
    boundary = float(np.clip(rng.normal(6.5 - 0.9 * activity.storm.mean(), 0.6), *CSS_L))
    crossings = _css_crossings(geometry, boundary)
    if not crossings.size:
        return []
    chance = min(rate / len(crossings), 1.0)
    chosen: list[tuple[int, float]] = []
    for group in np.split(crossings, np.flatnonzero(np.diff(crossings) > 1800) + 1):
        # One disturbed night sector, both hemispheres: a common draw, now and then one is missed.
        disturbed, peak = rng.uniform() < chance / 0.85, _peak(rng)
        for centre in group:
            moved = int(np.clip(centre + rng.integers(-6, 7), 0, len(geometry.time_ms) - 1))
            seen, factor = rng.uniform() < 0.85, rng.lognormal(0.0, 0.3)
            if disturbed and seen:
                chosen.append((moved, float(np.clip(peak * factor, *PEAK_RANGE))))
    return chosen


def add_events(
    expected: np.ndarray,
    geometry: Geometry,
    activity: Activity,
    events_per_day: float,
    rng: np.random.Generator,
) -> list[Event]:
    """Add a day's events to the expected counts in place and return them in order of time.

    Parameters
    ----------
    expected : array of shape (2, 9, records)
        Expected counts per second of the background.
    geometry, activity : Geometry, Activity
        Geometry and activity of the same records.
    events_per_day : float
        Mean number of events of a whole day at average activity, half of them of either class.
        Disturbed days have more. What would overlap another event is left out, so very high
        rates saturate; satellites that do not cross the night side have fewer CSS.
    rng : numpy.random.Generator
    """
    disturbed = float(0.4 + 1.7 * activity.storm.mean())
    rep_rate, css_rate = (s * events_per_day * disturbed for s in (REP_SHARE, 1 - REP_SHARE))
    weight = _rep_weight(geometry)
    count = rng.poisson(rep_rate) if weight.any() else 0
    candidates = [("CSS", c, p) for c, p in _css_centres(geometry, activity, css_rate, rng)]
    centres = rng.choice(len(weight), size=count, p=weight / weight.sum()) if count else np.array([], int)
    candidates += [("REP", int(c), _peak(rng)) for c in centres]
    events: list[Event] = []
    for kind, centre, peak in candidates:
        reach = REACH_RECORDS + SEPARATION_RECORDS if kind == "CSS" else 2 * SEPARATION_RECORDS
        near = any(e.start - reach < centre < e.stop + reach for e in events)
        event = None if near else _add(expected, geometry, kind, centre, peak, rng)
        if event is not None:
            events.append(event)
    return sorted(events, key=lambda e: e.start)
