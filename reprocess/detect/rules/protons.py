"""Solar protons, which E4 counts as if they were electrons: told by what it counts over the polar caps.

E4 is the proton channel P6 where P5 is quiet. During a solar proton event protons of some MeV reach the
polar caps and the outer part of the belt, where counts that rise with L look like current sheet scattering.
Over the caps nothing else counts, so that a mean there tells them.
"""

import numpy as np

from reprocess.schema.background import POLAR_L

NEAR = 1530
"""Records on either side that tell: half an orbit, so that one polar cap at least is among them."""

ENOUGH = 100
"""Records over the caps that give a mean: its error is 0.07 counts per second at the usual background."""

WHERE_MISSING = 3
"""Counts that a missing value stands for: E4 is missing where P5 counts more than two protons a second."""


def polar_mean(counts: np.ndarray, missing: np.ndarray, L: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Return the mean of E4 over the polar caps that a satellite crossed within half an orbit.

    Parameters
    ----------
    counts : ndarray of int, shape (n,)
        E4 at 0 degrees, counts per second.
    missing : ndarray of bool, shape (n,)
        Where E4 at 0 degrees is missing.
    L : ndarray of float32, shape (n,)
        L shell; negative where there is none.
    usable : ndarray of bool, shape (n,)
        Records that are measurements and in no calibration.

    Returns
    -------
    ndarray of float64, shape (n,)
        Counts per second; 0 where fewer than `ENOUGH` records tell. What is farther than `NEAR` records
        has no influence.
    """
    polar = usable & (POLAR_L < L)
    total, number = (_near(v) for v in (np.where(missing, WHERE_MISSING, counts) * polar, polar))
    return np.where(number >= ENOUGH, total / np.maximum(number, 1), 0.0)


def _near(values: np.ndarray) -> np.ndarray:
    """Return the sum of the values up to `NEAR` records before and after each."""
    sums = np.pad(np.cumsum(values), (NEAR + 1, NEAR), mode="edge")
    sums[: NEAR + 1] = 0
    return np.asarray(sums[2 * NEAR + 1 :] - sums[: -2 * NEAR - 1])
