"""Where precipitation becomes isotropic, by energy: the signature of scattering in a current sheet.

At each energy the flux at 0 degrees reaches that at 90 degrees towards higher L; the higher the energy, the
lower the L where it does. Waves scatter all energies at one place.
"""

import numpy as np

from reprocess.physics.response import LABEL_KEV

HALF = 0.5
"""Ratio of 0 to 90 degrees that is called the boundary."""

SMOOTHED = 3
"""Records that counts are summed over: a single one has too few."""

ENOUGH = 10.0
"""Counts at 90 degrees in these records below which a ratio tells nothing."""


def isotropy_boundary(
    L: np.ndarray, counts_0: np.ndarray, counts_90: np.ndarray, peak: int
) -> tuple[float, float]:
    """Return the L where the ratio of 0 to 90 degrees rises through 0.5, and its error.

    Parameters
    ----------
    L : ndarray, shape (n,)
        Along the orbit, in either direction; NaN or negative where it is not known.
    counts_0, counts_90 : ndarray, shape (n,)
        One channel's.
    peak : int
        Record of the event's peak; of several boundaries the nearest is taken.

    Returns
    -------
    tuple of float
        NaN where there is none. The error is that of counting and of where within a step of records it is.
    """
    window = np.ones(SMOOTHED)
    sums = [np.convolve(np.nan_to_num(counts), window, "same") for counts in (counts_0, counts_90)]
    usable = (sums[1] >= ENOUGH) & (L > 0)
    ratio = np.where(usable, sums[0] / np.maximum(sums[1], ENOUGH), np.nan)
    step, change = np.diff(L), np.diff(ratio)
    crosses = ((ratio[:-1] < HALF) != (ratio[1:] < HALF)) & (change * step > 0)
    crosses &= usable[:-1] & usable[1:]
    found = np.flatnonzero(crosses)
    if not found.size:
        return np.nan, np.nan
    k = int(found[np.abs(found + 0.5 - peak).argmin()])
    per_ratio = step[k] / change[k]
    spread = HALF * np.sqrt(sum(2 / max(s[k] + s[k + 1], 1.0) for s in sums))
    error = np.hypot(per_ratio * spread, step[k] / np.sqrt(12))
    return float(L[k] + (HALF - ratio[k]) * per_ratio), float(error)


def dispersion(boundary: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """Return how the boundary moves with energy, L per decade, and its error.

    Parameters
    ----------
    boundary, error : ndarray, shape (4,)
        E1 to E4, as `isotropy_boundary` returns them.

    Returns
    -------
    tuple of float
        NaN where fewer than three channels have a boundary. Negative: higher energies at lower L. The error
        is that of the straight line through boundaries with these errors, and of how well it fits if that is
        worse.
    """
    seen = np.isfinite(boundary) & (error > 0)
    if np.count_nonzero(seen) < 3:
        return np.nan, np.nan
    x, y, weight = np.log10(LABEL_KEV[seen]), boundary[seen], error[seen] ** -2.0
    centre = np.average(x, weights=weight)
    inertia = np.sum(weight * (x - centre) ** 2)
    slope = np.sum(weight * (x - centre) * y) / inertia
    residual = y - np.average(y, weights=weight) - slope * (x - centre)
    misfit = np.sum(weight * residual**2) / (len(x) - 2)
    return float(slope), float(np.sqrt(max(misfit, 1.0) / inertia))
