"""What the telescopes count without an event, and how probable it is to count as much by chance.

Over the polar caps, in their quiet part, all channels at 0 degrees count cosmic rays in fixed proportions: on
three real days of NOAA-15, -18 and -19 (2019 and 2022) E1, E2 and E3 have 3.1, 2.55 and 1.7 times the counts
of E4 (each day within 6 %). So one monitored number tells all four.
"""

import numpy as np
from scipy.special import gammainc

OF_E4 = (3.1, 2.55, 1.7, 1.0)
"""Background of E1-E4 at 0 degrees, over that of E4."""

LEAK = 0.02
"""Counts of E4 at 0 degrees for each one at 90 degrees, in the belt outside events (two quiet real days)."""


def expected_background(e4: np.ndarray, e4_90: np.ndarray) -> np.ndarray:
    """Return the counts of E1-E4 at 0 degrees that are expected without an event.

    Parameters
    ----------
    e4 : ndarray, shape (…)
        Mean of E4 over the polar caps, counts per second, times the seconds.
    e4_90 : ndarray, shape (…)
        Counts of E4 at 90 degrees in these seconds.

    Returns
    -------
    ndarray, shape (4, …)
    """
    found = np.multiply.outer(np.array(OF_E4), e4)
    found[3] += LEAK * np.nan_to_num(e4_90)
    return found


def chance(counts: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return the Poisson probability of at least so many counts where so many are expected; 1 for none."""
    counts = np.asarray(counts, float)
    return np.where(counts > 0, gammainc(np.maximum(counts, 1e-9), expected), 1.0)
