"""When the instrument calibrates itself, and which records its pulses may reach."""

import numpy as np

from reprocess.schema import SAMPLING_S

STEP_MS = round(1000 * SAMPLING_S)
"""Nominal time between records (steps are 1991-2009 ms where none is missing)."""

FRAME = 16
"""Records that a sample of the calibration flag stands for."""


def near_calibration(time: np.ndarray, calibrating: np.ndarray, reach: float | None) -> np.ndarray:
    """Tell which records are within a calibration, or so close to one that its pulses may reach them.

    Parameters
    ----------
    time : ndarray of int64, shape (n,)
        ms since 1970, increasing.
    calibrating : ndarray of bool, shape (n,)
        What `calibrating` returns.
    reach : float, optional
        Records before the first and after the last flag; none are near without it.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    if reach is None or not calibrating.any():
        return np.zeros(time.size, bool)
    on = time[calibrating]
    before = STEP_MS * (reach + 0.5)
    after = STEP_MS * max(reach - 14.5, 0.5)  # the last flag stands for 16 records
    following = np.searchsorted(on, time)
    ahead = np.where(following < on.size, on[np.minimum(following, on.size - 1)] - time, np.inf)
    behind = np.where(following > 0, time - on[np.maximum(following - 1, 0)], np.inf)
    return (ahead <= before) | (behind <= after) | calibrating


def calibrating(ifc_on: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Tell during which records a calibration is on, bool, shape (n,).

    A record whose frame began in the day before has no flag of its own: it has that of the record before.
    """
    place = np.arange(ifc_on.size)
    known = np.maximum.accumulate(np.where(ifc_on >= 0, place, -1))
    recent = (known >= 0) & (time - time[known] < FRAME * STEP_MS)
    return (ifc_on == 1) | ((ifc_on < 0) & recent & (ifc_on[known] == 1))
