"""Precipitating over trapped: counts at 0 degrees over those at 90 degrees."""

import numpy as np


def ratio(
    counts_0: np.ndarray, counts_90: np.ndarray, background: np.ndarray | float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ratio of counts above background, and its error from counting statistics.

    The 0 degree telescope counts 1 s (7.5 km) before the other one: where fluxes rise steeply, a ratio is off
    by what half a record changes, which the error does not contain.

    Parameters
    ----------
    counts_0, counts_90 : ndarray
        Counts in the same records.
    background : ndarray or float
        Counts of either that are of no particles of the direction.

    Returns
    -------
    tuple of ndarray
        Ratio and standard error; NaN where nothing is left at 90 degrees.
    """
    above_0, above_90 = counts_0 - background, counts_90 - background
    seen = above_90 > 0
    below = np.where(seen, above_90, np.nan)
    value = above_0 / below
    error = np.sqrt(np.maximum(counts_0, 1.0) + value**2 * np.maximum(counts_90, 1.0)) / below
    return value, error
