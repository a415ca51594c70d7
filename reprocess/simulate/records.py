"""Time tags, calibrations and imperfections of a satellite-day's sequence of records."""

import datetime as dt
from collections.abc import Sequence

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
SHORT_GAP_SHARE, SHORT_GAP_RECORDS = 0.5, 4.0
GAP_MEDIAN_RECORDS, GAP_SPREAD = 150, 1.2
"""Half of the gaps are short, geometric with this mean (lost frames); the others log-normal (lost dumps)."""
LEAST_RECORDS = 1000
"""Gaps leave at least so many in a file."""
DISORDER_CHANCE = 0.02
"""Per day, for a block sent out of order and, separately, for one sent twice."""


def clock(seed: int, sat_id: int) -> tuple[int, int]:
    """Return a satellite's first time tag after midnight in ms, and the record in a frame that has the flag.

    A day is a whole number of records and of frames, so both are the same every day.
    """
    rng = np.random.default_rng([seed, sat_id, 8])
    return int(rng.integers(0, STEP_MS - 1)), int(rng.integers(0, FRAME_RECORDS))


def time_tags(date: dt.date, first_ms: int, rng: np.random.Generator) -> np.ndarray:
    """Return the 43,200 time tags of a day as int64 ms since 1970; steps of 2000 ms, give or take one."""
    midnight = (date - dt.date(1970, 1, 1)).days * MS_PER_DAY
    digit = np.cumsum(rng.uniform(size=NOMINAL_RECORDS) < TOGGLE_CHANCE) % 2
    return midnight + first_ms + STEP_MS * np.arange(NOMINAL_RECORDS) + digit


def weekly_calibration(seed: int, sat_id: int, date: dt.date, frame_record: int) -> int | None:
    """Return the record at which the week's calibration begins, anywhere on the orbit; None on other days."""
    if (date.toordinal() + sat_id) % CALIBRATION_EVERY_DAYS:
        return None
    rng = np.random.default_rng([seed, sat_id, date.toordinal(), 9])
    return frame_record + FRAME_RECORDS * int(rng.integers(0, NOMINAL_RECORDS // FRAME_RECORDS))


def calibration_near(record: int, frame_record: int, rng: np.random.Generator) -> int:
    """Return the beginning of a calibration of the same day that runs while `record` is taken, if one can."""
    first = (record - int(rng.integers(0, CALIBRATION_RECORDS)) - frame_record) // FRAME_RECORDS
    last = (NOMINAL_RECORDS - CALIBRATION_RECORDS - frame_record) // FRAME_RECORDS
    return frame_record + FRAME_RECORDS * min(max(first, 0), last)


def calibrations(starts: Sequence[int], frame_record: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the calibrations' test pulses and flags of a whole day.

    Parameters
    ----------
    starts : sequence of int
        First records; negative for one that began on the day before.
    frame_record : int
        Record in each frame at which the flag is sampled.

    Returns
    -------
    pulses : array of shape (9, records)
        Counts added to every channel of both telescopes.
    flag : int8 array of shape (records,)
        `mep_IFC_on` as sampled: 0 or 1 in one record of 16, else -1.
    on : bool array of shape (records,)
        Whether a calibration runs.
    """
    on = np.zeros(NOMINAL_RECORDS, bool)
    pulses = np.zeros((len(CHANNELS), NOMINAL_RECORDS))
    made = calibration_pulses(CALIBRATION_RECORDS)
    for start in starts:
        since = np.arange(NOMINAL_RECORDS) - start
        running = (since >= 0) & (since < CALIBRATION_RECORDS)
        on |= running
        pulses[:, running] = np.maximum(pulses[:, running], made[:, since[running]])
    flag = np.full(NOMINAL_RECORDS, -1, np.int8)
    flag[frame_record::FRAME_RECORDS] = on[frame_record::FRAME_RECORDS]
    return pulses, flag, on


def gap_length(rng: np.random.Generator) -> int:
    """Return the length of a data gap in records, at least 1: a step of 4 s and more."""
    if rng.uniform() < SHORT_GAP_SHARE:
        return int(rng.geometric(1 / SHORT_GAP_RECORDS))
    return 1 + int(rng.lognormal(np.log(GAP_MEDIAN_RECORDS), GAP_SPREAD))


def gap_near(start: int, stop: int, rng: np.random.Generator) -> slice:
    """Return the records lost in a gap before, in, after or over the records from `start` to `stop`."""
    length = gap_length(rng)
    first = int(rng.integers(start - length - 2, stop + 4))
    return slice(max(first, 0), max(first + length, 0))


def record_order(rng: np.random.Generator, lost: Sequence[slice] = ()) -> np.ndarray:
    """Return which records of the whole day a file holds, in its order.

    Some days end early or start late, some have gaps, a few hold a block out of order or twice. What is
    `lost` is missing besides.
    """
    held = np.ones(NOMINAL_RECORDS, bool)
    if rng.uniform() < PARTIAL_DAY_CHANCE:
        cut = int(rng.uniform(0.1, 0.95) * NOMINAL_RECORDS)
        held[slice(cut, None) if rng.uniform() < 0.7 else slice(0, cut)] = False
    starts = rng.integers(0, NOMINAL_RECORDS, size=rng.poisson(GAPS_PER_DAY))
    for records in (*(slice(at, at + gap_length(rng)) for at in starts.tolist()), *lost):
        if held.sum() - held[records].sum() > LEAST_RECORDS:
            held[records] = False
    order = np.flatnonzero(held)
    if rng.uniform() < DISORDER_CHANCE:
        at, length = int(rng.integers(0, len(order) - 128)), FRAME_RECORDS * int(rng.integers(1, 5))
        swapped = [order[at + length : at + 2 * length], order[at : at + length]]
        order = np.concatenate([order[:at], *swapped, order[at + 2 * length :]])
    if rng.uniform() < DISORDER_CHANCE:
        at = int(rng.integers(0, len(order) - FRAME_RECORDS))
        order = np.insert(order, at + FRAME_RECORDS, order[at : at + FRAME_RECORDS])
    return order
