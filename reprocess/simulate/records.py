"""Time tags, calibrations and imperfections of a satellite-day's sequence of records."""

import datetime as dt

import numpy as np

from reprocess.schema import MS_PER_DAY
from reprocess.simulate.telemetry import CALIBRATION_RECORDS, CHANNELS, calibration_pulses

NOMINAL_RECORDS = 43_200
STEP_MS = 2000
FRAME_RECORDS = 16
"""The calibration flag is sampled once in a frame."""

CALIBRATION_EVERY_DAYS = 7

TOGGLE_CHANCE = 0.16
"""Share of steps of 1999 or 2001 ms: the clock's last digit goes back and forth."""

PARTIAL_DAY_CHANCE = 0.08
GAPS_PER_DAY = 0.25
GAP_MEDIAN_RECORDS, GAP_SPREAD = 150, 1.2
DISORDER_CHANCE = 0.02
"""Per day, for a block sent out of order and, separately, for one sent twice."""


def time_tags(date: dt.date, rng: np.random.Generator) -> np.ndarray:
    """Return the 43,200 time tags of a day as int64 ms since 1970; steps of 2000 ms, give or take one."""
    midnight = (date - dt.date(1970, 1, 1)).days * MS_PER_DAY
    digit = np.cumsum(rng.uniform(size=NOMINAL_RECORDS) < TOGGLE_CHANCE) % 2
    return midnight + int(rng.integers(0, STEP_MS - 1)) + STEP_MS * np.arange(NOMINAL_RECORDS) + digit


def calibration(
    date: dt.date, sat_id: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the calibration's test pulses and flags of a whole day.

    Returns
    -------
    pulses : array of shape (9, records)
        Counts added to every channel of both telescopes.
    flag : int8 array of shape (records,)
        `mep_IFC_on` as sampled: 0 or 1 in one record of 16, else -1.
    on : bool array of shape (records,)
        Whether the calibration runs.
    """
    phase = int(rng.integers(0, FRAME_RECORDS))
    on = np.zeros(NOMINAL_RECORDS, bool)
    pulses = np.zeros((len(CHANNELS), NOMINAL_RECORDS))
    if (date.toordinal() + sat_id) % CALIBRATION_EVERY_DAYS == 0:
        start = phase + FRAME_RECORDS * int(rng.integers(0, NOMINAL_RECORDS // FRAME_RECORDS - 1))
        on[start : start + CALIBRATION_RECORDS] = True
        pulses[:, on] = calibration_pulses(int(on.sum()))
    flag = np.full(NOMINAL_RECORDS, -1, np.int8)
    flag[phase::FRAME_RECORDS] = on[phase::FRAME_RECORDS]
    return pulses, flag, on


def record_order(rng: np.random.Generator) -> np.ndarray:
    """Return which records of the whole day a file holds, in its order.

    Some days end early or start late, some have gaps, a few hold a block out of order or twice.
    """
    order = np.arange(NOMINAL_RECORDS)
    if rng.uniform() < PARTIAL_DAY_CHANCE:
        cut = int(rng.uniform(0.1, 0.95) * NOMINAL_RECORDS)
        order = order[:cut] if rng.uniform() < 0.7 else order[cut:]
    for _ in range(rng.poisson(GAPS_PER_DAY)):
        length = int(min(rng.lognormal(np.log(GAP_MEDIAN_RECORDS), GAP_SPREAD), len(order) // 3))
        at = int(rng.integers(0, len(order) - length))
        order = np.delete(order, slice(at, at + length))
    if rng.uniform() < DISORDER_CHANCE:
        at, length = int(rng.integers(0, len(order) - 128)), FRAME_RECORDS * int(rng.integers(1, 5))
        swapped = [order[at + length : at + 2 * length], order[at : at + length]]
        order = np.concatenate([order[:at], *swapped, order[at + 2 * length :]])
    if rng.uniform() < DISORDER_CHANCE:
        at = int(rng.integers(0, len(order) - FRAME_RECORDS))
        order = np.insert(order, at + FRAME_RECORDS, order[at : at + FRAME_RECORDS])
    return order
