"""The energy of a spectrum that is known at four energies, from counts, with its statistical interval.

Exponential pieces (or power laws) between 40, 130, 287 and 612 keV, and an exponential tail: as many
parameters as bands, so that it fits all counts, whatever the spectrum is. No form with two parameters does:
the deviance of the strongest real event is in the hundreds.
"""

import numpy as np
from scipy.optimize import elementwise

from reprocess.physics.energy import exponential_segments, segments
from reprocess.physics.fit import Observed
from reprocess.physics.response import FLUX_OF_COUNT, LABEL_KEV
from reprocess.physics.spectra import EXPONENTIAL, band_counts
from reprocess.schema import MILLIWATT

LEAST_STEP = 1e-4
"""Least flux above an energy, over that above the one before: nothing has no logarithm."""

LEAST_COUNTS = 0.5
"""Counts of an empty band, for limits alone: the likelihood has no interval around nothing."""


def energy_of_bands(
    mean: np.ndarray, seen: Observed, stored: np.ndarray, power_law: bool = False
) -> np.ndarray:
    """Return the energy flux of electrons above 40 and 612 keV that mean counts of bands stand for.

    Parameters
    ----------
    mean : ndarray, shape (4, n)
        Counts between the thresholds of E1, E2, E3, above that of E3, and of E4.
    seen : Observed
        For the live time and what is not of electrons.
    stored : ndarray, shape (4, n)
        Flux in the file over true flux, `Response.stored`.
    power_law : bool
        Whether the pieces are power laws, as in `reference_energy_flux`.

    Returns
    -------
    ndarray, shape (2, n)
        mW m-2, the same flux from all directions; NaN where a channel was never seen.
    """
    net = np.maximum(mean - band_counts(seen.expected), 0.0)
    nested = np.concatenate([np.cumsum(net[2::-1], axis=0)[::-1], net[3:]])
    seconds = np.where(seen.seconds > 0, seen.seconds, np.nan)
    flux = falling(nested * FLUX_OF_COUNT[:, None] / (seconds * stored))
    # The tail is an exponential no flatter than the response is known for.
    folding = (LABEL_KEV[3] - LABEL_KEV[2]) / np.log(np.maximum(flux[2] / flux[3], 1 + 1e-9))
    folding = np.minimum(folding, EXPONENTIAL.most)
    pieces = segments if power_law else exponential_segments
    total = LABEL_KEV[0] * flux[0] + pieces(flux).sum(axis=0) + flux[3] * folding
    return MILLIWATT * np.stack([total, flux[3] * (LABEL_KEV[3] + folding)])


def falling(flux: np.ndarray) -> np.ndarray:
    """Return integral fluxes, shape (4, …), none below that above a higher energy, and none zero."""
    flux = np.maximum.accumulate(flux[::-1], axis=0)[::-1]
    out = [np.maximum(flux[0], 1e-12)]
    for one in flux[1:]:
        out.append(np.maximum(one, LEAST_STEP * out[-1]))
    return np.stack(out)


def energy_interval(seen: Observed, stored: np.ndarray, rise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the energy flux of the counts themselves, and its profile likelihood interval.

    Parameters
    ----------
    seen, stored
        As of `energy_of_bands`.
    rise : float
        Deviance at the ends of the interval, 1 for 68.27 %.

    Returns
    -------
    energy : ndarray, shape (2, n)
        Above 40 and above 612 keV, mW m-2.
    limits : ndarray, shape (2, 2, n)
        Lower and upper along the first axis.

    Notes
    -----
    Means m that make the energy F extreme at a given deviance satisfy m = N / (1 - l dF/dm) for some l (from
    Lagrange's multiplier and the Poisson likelihood); l is where their deviance is `rise`. dF/dm is
    that at the counts N: exact for a linear F, and F is nearly so.
    """
    counts = band_counts(seen.counts)
    energy = energy_of_bands(counts, seen, stored)
    known = np.maximum(counts, LEAST_COUNTS)
    limits = np.stack([energy, energy])
    for k in range(2):
        slope = _slope(known, seen, stored, k)
        usable = np.isfinite(slope).all(axis=0) & (np.abs(slope).max(axis=0) > 0)
        if not usable.any():
            continue
        part = Observed(*(x[:, usable] for x in (seen.counts, seen.seconds, seen.expected)))
        for end in (0, 1):
            mean = _extreme(known[:, usable], slope[:, usable], rise, upper=bool(end))
            limits[end, k, usable] = energy_of_bands(mean, part, stored[:, usable])[k]
    limits[0] = np.minimum(limits[0], energy)
    limits[1] = np.maximum(limits[1], energy)
    return energy, limits


def _slope(counts: np.ndarray, seen: Observed, stored: np.ndarray, k: int) -> np.ndarray:
    """Return the derivative of the energy by the counts of each band, shape (4, n)."""
    slope = np.empty_like(counts)
    for band in range(4):
        step = np.zeros_like(counts)
        step[band] = 0.5 * np.sqrt(counts[band])
        ends = (energy_of_bands(counts + sign * step, seen, stored)[k] for sign in (1, -1))
        slope[band] = np.subtract(*ends) / (2 * step[band])
    return slope


def _extreme(counts: np.ndarray, slope: np.ndarray, rise: float, upper: bool) -> np.ndarray:
    """Return the means, shape (4, n), at which the energy is largest or smallest within a deviance."""
    sign = 1.0 if upper else -1.0
    scaled = sign * slope / np.abs(slope).max(axis=0)
    highest = scaled.max(axis=0)
    # Beyond the first pole of a band that the energy rises with; without one, all bands fall to nothing.
    most = np.where(highest > 1e-6, (1 - 1e-9) / np.maximum(highest, 1e-6), 1e9)
    rows = (*counts, *scaled)

    def beyond(multiplier: np.ndarray, *rows: np.ndarray) -> np.ndarray:
        mean, n = _mean(multiplier, np.stack(rows[4:])), np.stack(rows[:4])
        return 2 * (n * (mean - 1 - np.log(mean))).sum(axis=0) - rise

    root = elementwise.find_root(beyond, (np.zeros_like(most), most), args=rows, tolerances={"xrtol": 1e-8})
    return counts * _mean(root.x, scaled)


def _mean(multiplier: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Return the means over the counts."""
    return 1 / np.maximum(1 - multiplier * slope, 1e-12)
