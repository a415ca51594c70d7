"""Expected counts of the undisturbed radiation environment along an orbit.

Every component is empirical: counts per second by L are read off three real days (two of the
quiet solar minimum in 2019, one of an active 2022) and interpolated between the quiet and the
active level with `Activity`. Arrays are (2 telescopes, 9 channels, records), channels in the order
of `telemetry.CHANNELS`. Components:

- galactic cosmic rays, in all channels, shielded at low L;
- the inner proton belt: penetrating protons in the South Atlantic Anomaly, which make E4 -999,
  and the protons that the telescopes see in their look direction;
- trapped electrons and protons, reduced in the drift loss cone and all but gone in the bounce loss cone;
- plasma-sheet and auroral particles, isotropic, bursty, mostly below 300 keV;
- ring-current protons that are isotropic on the night side (and contaminate E1-E3 a little);
- solar protons in the polar caps.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter
from scipy.special import expit

from reprocess.simulate.activity import SOLAR_CYCLE_YEARS, SOLAR_MAXIMUM_YEAR, Activity
from reprocess.simulate.geometry import Geometry
from reprocess.simulate.telemetry import CHANNELS

# fmt: off
TRAPPED_L = np.array([1.1, 1.25, 1.4, 1.6, 1.8, 2.0, 2.2, 2.45, 2.8, 3.15, 3.45, 3.8, 4.25, 4.75, 5.25,
                      5.75, 6.25, 6.75, 7.25, 7.75, 8.5, 9.5, 11.0, 13.5, 17.0, 25.0])
TRAPPED_COUNTS = {
    "e1": ([60, 3000, 1500, 1500, 1700, 1600, 1650, 1300, 400, 190, 200, 170, 160, 170, 220,
            330, 360, 300, 220, 125, 80, 42, 11, 5, 1.5, 0.2],
           [60, 3800, 2000, 3500, 4000, 4700, 4500, 2200, 720, 600, 520, 690, 1330, 2170, 2400,
            1990, 1200, 860, 640, 450, 220, 80, 25, 6, 1.5, 0.2]),
    "e2": ([30, 2200, 1100, 900, 960, 830, 790, 450, 110, 115, 175, 145, 125, 118, 134,
            175, 158, 92, 47, 22, 9, 3.5, 1.2, 0.5, 0.1, 0.0],
           [30, 2800, 1500, 2300, 2680, 2900, 2520, 930, 240, 205, 245, 435, 1010, 1500, 1400,
            910, 430, 230, 105, 50, 17, 6, 2, 0.6, 0.1, 0.0]),
    "e3": ([8, 550, 400, 80, 56, 40, 24, 20, 48, 78, 103, 70, 45, 42, 46,
            37, 20, 8.5, 2.6, 0.9, 0.3, 0.1, 0.0, 0.0, 0.0, 0.0],
           [8, 700, 500, 200, 238, 164, 50, 15, 60, 85, 109, 187, 588, 804, 558,
            276, 96, 30, 8, 2.5, 0.8, 0.2, 0.0, 0.0, 0.0, 0.0]),
    "p6": ([0.0, 0.0, 0.0, 0.5, 1.0, 0.7, 0.2, 0.0, 0.1, 1.0, 5.5, 11.6, 14.0, 8.0, 3.0,
            1.3, 0.4, 0.15, 0.05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
           [0.0, 0.0, 0.0, 0.8, 1.5, 0.9, 0.3, 0.0, 0.1, 0.5, 6.0, 28.0, 41.0, 30.0, 14.0,
            5.5, 1.3, 0.3, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    "p1": ([0.5, 1.5, 1.5, 1.0, 0.4, 0.4, 0.4, 0.3, 0.4, 0.8, 2.4, 4.6, 7.6, 20, 41,
            45, 60, 70, 50, 40, 25, 14, 8, 5, 3, 0.5],
           [0.5, 1.5, 1.5, 1.5, 2.5, 2.0, 1.0, 1.2, 2.0, 6.5, 20, 175, 470, 366, 220,
            180, 130, 90, 60, 45, 25, 14, 8, 5, 3, 0.5]),
    "p2": ([0.2, 0.5, 0.8, 2.0, 2.0, 1.8, 1.0, 1.2, 4.8, 17, 41, 47, 76, 90, 61,
            26, 9, 4, 2, 1.2, 0.8, 0.6, 0.5, 0.4, 0.2, 0.1],
           [0.2, 0.5, 0.8, 6.0, 8.5, 5.0, 2.0, 1.5, 12, 48, 120, 299, 247, 141, 82,
            70, 30, 9, 3.0, 1.5, 0.8, 0.6, 0.5, 0.4, 0.2, 0.1]),
    "p3": ([0.0, 0.2, 0.3, 0.5, 0.3, 0.3, 1.2, 7, 26, 55, 90, 50, 18, 6.0, 3.0,
            1.6, 0.5, 0.15, 0.1, 0.07, 0.05, 0.05, 0.0, 0.0, 0.0, 0.0],
           [0.0, 0.2, 0.3, 1.0, 0.8, 0.5, 0.9, 3.3, 40, 73, 92, 50, 16, 7, 6.0,
            5.4, 1.2, 0.3, 0.1, 0.05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    "p4": ([0.0, 0.0, 0.0, 0.2, 0.1, 0.4, 2.8, 9.5, 18, 21, 18, 5.6, 1.5, 0.3, 0.06,
            0.02, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
           [0.0, 0.0, 0.0, 0.2, 0.1, 0.2, 1.2, 2.8, 15, 12, 10, 3.8, 0.5, 0.05, 0.02,
            0.02, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    "p5": ([0.0, 0.0, 0.0, 0.0, 0.2, 0.4, 1.0, 1.8, 2.3, 0.9, 0.3, 0.07, 0.0, 0.0, 0.0,
            0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
           [0.0, 0.0, 0.0, 0.0, 0.2, 0.4, 1.0, 1.5, 1.8, 0.7, 0.3, 0.05, 0.0, 0.0, 0.0,
            0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
}
"""Counts at the edge of the drift loss cone on a quiet and on an active day, by `TRAPPED_L`."""
# fmt: on

DRIFT_SLOPE_L = np.array([1.1, 1.4, 1.6, 1.9, 2.3, 2.7, 3.3, 4.25, 4.75, 5.25, 5.75, 7.0])
DRIFT_SLOPE = np.array([22.0, 20.0, 14.0, 9.0, 3.5, 2.6, 3.0, 3.5, 2.5, 0.5, 0.2, 0.0])
"""Fall of ln(counts) with `drift_ratio` inside the drift loss cone."""

DRIFT_EDGE = np.array([-0.17, -0.10, -0.03, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
"""`drift_ratio` at which the fall starts: in the inner zone the atmosphere acts far above the foot point."""

HARD_SLOPE = {"e3": 2.0, "p6": 1.5, "p1": 2.0, "p2": 2.5, "p3": 4.0, "p4": 5.0, "p5": 5.0}
"""The same fall is steeper by this factor at high energy and for protons, where `HARD_SHARE` is 1."""

HARD_SHARE_L, HARD_SHARE = np.array([1.9, 2.2, 3.5, 4.2]), np.array([0.0, 1.0, 1.0, 0.0])

TRAPPED_RISE = 1.2
"""Rise of ln(counts) towards the stably trapped, per unit of `drift_ratio` below the edge."""

BOUNCE_SLOPE = 25.0
LOSS_CONE_FRACTION = {
    "e1": 1.2e-3,
    "e2": 7e-4,
    "e3": 5e-4,
    "p1": 8e-3,
    "p2": 8e-3,
    "p3": 4e-3,
    "p4": 0.0,
    "p5": 0.0,
    "p6": 8e-3,
}
"""What is left deep in the bounce loss cone at L > 3: weak diffusion and scattering in the telescope."""

COSMIC_RAYS = np.array([1.95, 1.35, 0.90, 0.50, 0.42, 0.16, 0.025, 0.014, 0.50])
"""Counts per second at high L by channel, the mean of a solar minimum and an active year."""
COSMIC_RAY_L = np.array([1.0, 1.25, 1.8, 2.25, 2.75, 3.5, 4.5])
COSMIC_RAY_SHARE = np.array([0.18, 0.23, 0.40, 0.56, 0.74, 0.88, 1.0])

INNER_L = np.array([1.02, 1.1, 1.16, 1.25, 1.37, 1.52, 1.7, 1.9, 2.2, 2.6])
PENETRATING_E3 = np.array([0.001, 0.3, 45.0, 260.0, 400.0, 150.0, 9.0, 0.6, 0.1, 0.001])
"""Counts of E3 from penetrating protons deep in the South Atlantic Anomaly, by `INNER_L`."""
PENETRATING_SHARE = np.array([1.5, 1.22, 1.0, 0.13, 0.25, 0.45, 0.19, 0.05, 0.08])
DIRECTED_P6 = np.array([0.001, 0.5, 55.0, 330.0, 250.0, 90.0, 16.0, 1.0, 0.1, 0.001])
"""Counts of P6 from protons on the axis of a telescope that looks at the trapped ones."""
DIRECTED_SHARE = np.array([0.15, 0.13, 0.1, 0.08, 0.18, 0.15, 0.045, 0.012, 1.0])
INNER_EDGE, DIRECTED_EDGE, INNER_FALL = -0.30, -0.20, 60.0
"""`local_ratio` and `drift_ratio` at which the inner protons start to fall, and how steeply."""

E4_BACKGROUND: Mapping[str, float] = {
    "noaa15": 0.50,
    "noaa16": 0.55,
    "noaa17": 0.53,
    "noaa18": 0.59,
    "noaa19": 0.54,
    "metop02": 0.56,
    "metop01": 0.57,
    "metop03": 0.52,
}
"""Mean counts of P6 in the polar caps at solar minimum: measured on NOAA-15, -18 and -19, else chosen."""
E4_BACKGROUND_ACTIVE, E4_BACKGROUND_LEAST = 0.80, 0.43
"""Share of it that is left in an active year, and the least: NOAA-19 had 0.43 in 2022, 0.54 in 2019."""

E4_LEAK = 0.02
"""Counts of P6 at 0 degrees for each at 90 degrees, in the belt outside events, as measured on quiet days."""

PROTONS_AS_ELECTRONS = np.array([[0.1875, 1.0, 1.0], [0.0, 0.9286, 1.0], [0.0, 0.6429, 1.0]])
"""Counts of E1, E2, E3 for each of P2, P3, P4: protons of 0.2-2.7 MeV count as electrons (Lam et al. 2010,
J. Geophys. Res. 115, A00F08)."""

MIDNIGHT_WIDTH_H = 4.5
SOLAR_PROTON_SHARE = np.array([1.2, 0.9, 0.6, 3.0, 1.8, 1.0, 0.7, 0.5, 0.8])
SOLAR_PROTON_CUTOFF_L = np.array([4.2, 4.2, 4.2, 5.5, 5.2, 5.0, 4.7, 4.5, 4.2])

RECORDS_PER_PASS = 400
"""Correlation length of what changes from one pass through the belt to the next."""


def night_side(mlt: np.ndarray, centre: float = 23.5, width: float = MIDNIGHT_WIDTH_H) -> np.ndarray:
    """Return a weight of 1 around `centre` in MLT that falls smoothly to 0 beyond `width` hours."""
    hours = np.abs((mlt - centre + 12) % 24 - 12)
    return expit((width - hours) / 0.6)


@dataclass(frozen=True)
class Streams:
    """Random numbers of a day's background."""

    day: np.random.Generator
    before: np.random.Generator
    after: np.random.Generator
    """What the midnights before and after are like; the days on either side draw the same."""


def correlated_noise(streams: Streams, records: int, length: float) -> np.ndarray:
    """Return unit-variance noise whose auto-correlation falls as exp(-records / length).

    It goes on from one day to the next: at a midnight, one record from either day's, it has the value drawn
    for that midnight. To first-order autoregressive noise, moving by exp(-n / length) of the change at
    n records from it is what makes it as if it had been known.
    """
    keep = np.exp(-1 / length)
    white = streams.day.standard_normal(records + 2)
    white[1:] *= np.sqrt(1 - keep**2)
    noise = lfilter([1.0], [1.0, -keep], white)
    fade = np.exp(-np.arange(min(records + 2, round(30 * length))) / length)
    moves = streams.before.standard_normal() - noise[0], streams.after.standard_normal() - noise[-1]
    noise[: len(fade)] += moves[0] * fade
    noise[len(noise) - len(fade) :] += moves[1] * fade[::-1]
    return noise[1:-1]


def _by_shell(shell: np.ndarray, nodes: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Interpolate counts logarithmically in L; below a thousandth of a count is nothing."""
    logarithm = np.interp(shell, nodes, np.log(np.maximum(counts, 1e-4)))
    return np.where(logarithm < np.log(2e-4), 0.0, np.exp(logarithm))


def _pitch_factor(geometry: Geometry, channel: str) -> np.ndarray:
    """Return the reduction of trapped flux by pitch angle, shape (2, records)."""
    shell = geometry.magnetic.shell
    slope = np.interp(shell, DRIFT_SLOPE_L, DRIFT_SLOPE)
    edge = np.interp(shell, DRIFT_SLOPE_L, DRIFT_EDGE)
    hard = np.interp(shell, HARD_SHARE_L, HARD_SHARE)
    slope = slope * (1 + hard * (HARD_SLOPE.get(channel, 1.0) - 1))
    inside = geometry.drift_ratio - edge
    rise = np.where(shell > 2, TRAPPED_RISE, 0.0)
    exponent = -slope * np.clip(inside, 0, None) + rise * np.clip(-inside, 0, 0.5)
    lost = BOUNCE_SLOPE * np.clip(geometry.bounce_ratio, 0, None)
    floor = np.where(shell > 3, LOSS_CONE_FRACTION[channel], 0.0)
    return np.maximum(np.exp(np.maximum(exponent - lost, -60)), floor)


def _trapped_level(geometry: Geometry, activity: Activity, isotropy: np.ndarray, channel: str) -> np.ndarray:
    """Return counts of a channel's trapped particles without their variations, shape (2, records)."""
    shell = geometry.magnetic.shell
    quiet, active = (_by_shell(shell, TRAPPED_L, np.array(c)) for c in TRAPPED_COUNTS[channel])
    level = np.exp((1 - activity.belt) * np.log(quiet + 1e-6) + activity.belt * np.log(active + 1e-6))
    factor = _pitch_factor(geometry, channel)
    if channel in ("e1", "e2", "p1", "p2"):
        factor = np.maximum(factor, isotropy * (0.02 if channel.startswith("e") else 0.5))
    if channel == "p6":
        factor[0] = np.where(shell > 3, np.maximum(factor[0], E4_LEAK * factor[1]), factor[0])
    return level * factor


def _isotropy(geometry: Geometry, activity: Activity) -> np.ndarray:
    shell, mlt = geometry.magnetic.shell, geometry.magnetic.mlt
    return expit((shell - 7.4 + 1.2 * activity.storm) / 0.25) * night_side(mlt)


def trapped(geometry: Geometry, activity: Activity, streams: Streams) -> np.ndarray:
    """Return counts of trapped and quasi-trapped particles, shape (2, 9, records)."""
    shell, mlt = geometry.magnetic.shell, geometry.magnetic.mlt
    n = len(shell)
    slow, fast = correlated_noise(streams, n, RECORDS_PER_PASS), correlated_noise(streams, n, 4.0)
    dawn = 0.25 * np.sin(np.pi / 12 * mlt)  # electrons drift from midnight over dawn
    isotropy = _isotropy(geometry, activity)
    outer = np.where(shell > 3, 1.0, 0.15)  # the inner belt is steady
    electrons, protons = (np.exp(outer * (0.35 * slow + drift) + 0.07 * fast) for drift in (dawn, -dawn))
    out = np.empty((2, len(CHANNELS), n))
    for k, channel in enumerate(CHANNELS):
        variation = electrons if channel.startswith("e") or channel == "p6" else protons
        out[:, k] = _trapped_level(geometry, activity, isotropy, channel) * variation
    return out


def inner_protons(geometry: Geometry) -> np.ndarray:
    """Return counts of the inner proton belt, shape (2, 9, records)."""
    shell = geometry.magnetic.shell

    def inside(beyond_edge: np.ndarray) -> np.ndarray:
        return np.exp(-np.minimum(INNER_FALL * np.clip(beyond_edge, 0, None) ** 2, 60))

    penetrating = _by_shell(shell, INNER_L, PENETRATING_E3) * inside(geometry.local_ratio - INNER_EDGE)
    directed = _by_shell(shell, INNER_L, DIRECTED_P6) * inside(geometry.drift_ratio - DIRECTED_EDGE)
    return PENETRATING_SHARE[:, None] * penetrating + DIRECTED_SHARE[:, None] * directed[:, None]


def e4_background(satellite: str, year: float) -> float:
    """Return a satellite's mean counts of P6 in the polar caps, from cosmic rays, in a decimal year."""
    cycle = 0.5 + 0.5 * np.cos(2 * np.pi * (year - SOLAR_MAXIMUM_YEAR) / SOLAR_CYCLE_YEARS)
    # The measured active year, 2022, was half-way up.
    active = min(2 * cycle, 1.0)
    level = E4_BACKGROUND[satellite] * (1 - (1 - E4_BACKGROUND_ACTIVE) * active)
    return float(max(level, E4_BACKGROUND_LEAST))


def cosmic_rays(geometry: Geometry, e4_counts: float) -> np.ndarray:
    """Return counts of galactic cosmic rays, shape (9, records), the same in both telescopes."""
    counts = np.append(COSMIC_RAYS[:-1], e4_counts)
    return counts[:, None] * np.interp(geometry.magnetic.shell, COSMIC_RAY_L, COSMIC_RAY_SHARE)


def aurora(geometry: Geometry, activity: Activity, streams: Streams) -> np.ndarray:
    """Return counts of plasma-sheet and auroral particles, shape (9, records), isotropic.

    Bursts are log-normal: a level per pass and structure down to the 2-s sampling.
    """
    shell, mlt = geometry.magnetic.shell, geometry.magnetic.mlt
    n = len(shell)
    centre = 8.0 - 2.2 * activity.storm
    oval = np.exp(-(np.log(shell / centre) ** 2) / (2 * np.where(shell < centre, 0.21, 0.36) ** 2))
    level = (0.25 + night_side(mlt, 1.0, 6.0)) * (0.4 + 1.6 * activity.storm)
    bursts = 1.6 * correlated_noise(streams, n, RECORDS_PER_PASS) + 1.3 * correlated_noise(streams, n, 12.0)
    bursts = np.clip(bursts + 1.0 * correlated_noise(streams, n, 3.0), None, 7.0)
    # Patches with nothing between them, as the isotropic flux in the real files.
    electrons = 6.0 * oval * level * np.clip(np.exp(bursts) - 1.0, 0.0, None)
    softness = np.exp(-3.2 + 0.6 * correlated_noise(streams, n, RECORDS_PER_PASS))
    ions = 20.0 * oval * night_side(mlt, 21.5, 6.0) * (0.4 + 1.6 * activity.storm)
    ions *= np.exp(
        2.0 * correlated_noise(streams, n, RECORDS_PER_PASS) + 1.2 * correlated_noise(streams, n, 10.0)
    )
    out = np.zeros((len(CHANNELS), n))
    out[:3] = electrons, electrons * softness, electrons * softness**2
    out[3:6] = ions, 0.04 * ions, 0.0015 * ions
    out[:3] += (PROTONS_AS_ELECTRONS @ [0.04, 0.0015, 0.0])[:, None] * ions
    return out


def solar_protons(geometry: Geometry, activity: Activity) -> np.ndarray:
    """Return counts of solar protons, shape (9, records): isotropic where the cut-off lets them in."""
    if not activity.solar_protons.any():
        return np.zeros((len(CHANNELS), len(geometry.time_ms)))
    access = expit((geometry.magnetic.shell - SOLAR_PROTON_CUTOFF_L[:, None]) / 0.25)
    return SOLAR_PROTON_SHARE[:, None] * access * activity.solar_protons


def background(geometry: Geometry, activity: Activity, streams: Streams, e4_counts: float) -> np.ndarray:
    """Return expected counts per second without precipitation events, shape (2, 9, records).

    `e4_counts` is the mean of P6 in the polar caps, see `e4_background`.
    """
    rays = cosmic_rays(geometry, e4_counts)
    isotropic = rays + aurora(geometry, activity, streams) + solar_protons(geometry, activity)
    return trapped(geometry, activity, streams) + inner_protons(geometry) + isotropic


def usual_e4(geometry: Geometry, activity: Activity, e4_counts: float) -> np.ndarray:
    """Return the counts of P6 at 0 degrees in `background` without its variations, shape (records,)."""
    isotropy = np.zeros(len(geometry.time_ms))  # E4's particles have none beyond the loss cone's
    steady = cosmic_rays(geometry, e4_counts)[-1] + solar_protons(geometry, activity)[-1]
    return _trapped_level(geometry, activity, isotropy, "p6")[0] + inner_protons(geometry)[0, -1] + steady
