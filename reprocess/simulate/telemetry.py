"""What the MEPED electronics and the ground processing make of expected counts.

Counts of one second are Poisson distributed, are sent as one of 256 codes and become fluxes by a
constant per channel. Measured on NOAA's files: codes 0-32 are exact; from 32 on each octave has 10
codes of 2/64 and 4 of 3/64 of its upper limit, that is 14 an octave over 16 octaves, and a code
stands for the mean of the counts it covers. Only the code of 32 and 33 stands for 32.
"""

from collections.abc import Mapping

import numpy as np
from scipy.special import expit

from reprocess.schema import E4_MISSING, FLUX_PER_COUNT

CHANNELS = ("e1", "e2", "e3", "p1", "p2", "p3", "p4", "p5", "p6")
"""Measured channels of one telescope; E4 is derived from P6."""

TELESCOPES = (0, 90)

CALIBRATION_UNCERTAINTY: Mapping[str, float] = {
    "e1": 0.50,
    "e2": 0.22,
    "e3": 0.25,
    "e4": 0.733,
    "p1": 0.352,
    "p2": 0.352,
    "p3": 0.41,
    "p4": 0.506,
    "p5": 1.012,
    "p6": 0.434,
}
"""Relative error left at many counts, fitted to the error variables of the real days."""

E4_P5_LIMIT = 2
"""E4 is missing in a telescope whose P5 has more counts: P6 is then not electrons alone."""


def _codes() -> tuple[np.ndarray, np.ndarray]:
    widths = np.concatenate([np.ones(32), *(2.0**k * np.repeat([2, 3], [10, 4]) for k in range(16))])
    floors = np.concatenate([[0.0], np.cumsum(widths)[:-1]])
    values = floors + (widths - 1) / 2
    values[32] = 32.0
    return floors, values


CODE_FLOORS, CODE_VALUES = _codes()
"""Smallest count of each of the 256 codes, and the counts it is decoded to."""


def decode(counts: np.ndarray) -> np.ndarray:
    """Return counts as they come out of the 256-level telemetry, same shape; counts are not negative."""
    return CODE_VALUES[np.searchsorted(CODE_FLOORS, counts, side="right") - 1]


def measure(expected: np.ndarray, pulses: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return decoded counts: Poisson around the expected ones plus fixed test pulses.

    E1, E2 and E3 count what is above one threshold after the other, so in the real files no record
    has more counts in E2 than in E1 or in E3 than in E2, and their noise is correlated.

    Parameters
    ----------
    expected : array of shape (2, 9, records)
        Expected counts by telescope and `CHANNELS`; E1 is at least E2 is at least E3, else raised to it.
    pulses : array of shape (9, records)
        See `calibration_pulses`.
    rng : numpy.random.Generator
    """
    bands = expected.copy()
    e2 = np.maximum(expected[:, 1], expected[:, 2])
    bands[:, 1] = e2 - expected[:, 2]
    bands[:, 0] = np.maximum(expected[:, 0] - e2, 0.0)
    # A stream for each channel: what happens in one leaves the others as they are.
    counts = np.stack(
        [r.poisson(bands[:, k]) for k, r in enumerate(rng.spawn(len(CHANNELS)))], axis=1
    ).astype(float)
    counts[:, 1] += counts[:, 2]
    counts[:, 0] += counts[:, 1]
    return decode(counts + pulses)


def channel_name(telescope: int, channel: str) -> str:
    """Return NOAA's name of a channel's flux."""
    kind = "ele" if channel.startswith("e") else "pro"
    return f"mep_{kind}_tel{telescope}_flux_{channel}"


def relative_error_percent(channel: str, counts: np.ndarray) -> np.ndarray:
    """Return the error in percent: counting statistics and the calibration; 0 where nothing was counted."""
    error = 100 * np.sqrt(1 / np.maximum(counts, 1) + CALIBRATION_UNCERTAINTY[channel] ** 2)
    return np.where(counts > 0, np.round(error), 0)


def fluxes(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return the 40 MEPED telescope variables of NOAA's files.

    Parameters
    ----------
    counts : array of shape (2, 9, records)
        Decoded counts by telescope (0 and 90 degrees) and `CHANNELS`.

    Returns
    -------
    dict of str to arrays of shape (records,)
        Fluxes as float32 and percent errors; E4 is the flux of its P6 counts, missing where P5 > 2 counts.
    """
    out = {}
    for telescope, by_channel in zip(TELESCOPES, counts, strict=True):
        table = dict(zip(CHANNELS, by_channel, strict=True))
        missing = table["p5"] > E4_P5_LIMIT
        table["e4"] = table["p6"]
        for channel, n in table.items():
            name = channel_name(telescope, channel)
            flux, error = n * FLUX_PER_COUNT[channel], relative_error_percent(channel, n)
            if channel == "e4":
                flux, error = np.where(missing, E4_MISSING, flux), np.where(missing, E4_MISSING, error)
            out[name] = flux.astype(np.float32)
            out[f"{name}_err"] = error
    return out


CALIBRATION_RECORDS = 192
"""Length of an in-flight calibration: 384 s, 12 frames of 16 records."""

CALIBRATION_COUNTS = 2111.5
"""Counts of every second record once the test pulse is above the channel's threshold."""

_PULSES: Mapping[str, tuple[tuple[float, float, float, float], ...]] = {
    "e1": ((11.5, 1.7, 84.5, 0.2), (86.5, 0.4, 174.0, 0.3)),
    "e2": ((69.0, 1.8, 84.5, 0.2), (89.5, 0.7, 174.0, 0.3)),
    "e3": ((98.0, 0.5, 174.0, 0.3),),
    "p1": ((7.0, 1.8, 40.0, 2.4), (86.5, 0.7, 89.0, 0.2)),
    "p2": ((42.0, 2.0, 78.0, 2.5), (88.5, 0.5, 95.0, 0.2)),
    "p3": ((95.0, 0.5, 113.0, 0.2),),
    "p4": ((114.0, 0.5, 169.0, 0.3),),
    "p5": ((169.0, 0.5, 181.0, 0.2),),
    "p6": ((74.2, 3.2, 84.5, 0.2),),
}
"""Per channel: record and width of each rise and fall, from the start of the calibration."""


def calibration_pulses(records: int) -> np.ndarray:
    """Return counts added by an in-flight calibration, shape (9, records), for its first records.

    Every second record holds a burst of test pulses whose amplitude sweeps twice over the thresholds
    of the channels; where and how steeply was read off the calibration of a real day.
    """
    k = np.arange(records)
    pulses = np.zeros((len(CHANNELS), records))
    for row, channel in zip(pulses, CHANNELS, strict=True):
        for rise, rise_width, fall, fall_width in _PULSES[channel]:
            on = expit((k - rise) / rise_width) * expit((fall - k) / fall_width)
            row += np.where(k % 2 == 0, CALIBRATION_COUNTS * on, 0.0)
    return pulses
