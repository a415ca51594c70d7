"""The energy of a spectrum that is known at four energies, from counts, with its statistical interval.

Exponential pieces (or power laws) between 40, 130, 287 and 612 keV, and an exponential tail: as many
parameters as bands, so that it fits all counts, whatever the spectrum is. No form with two parameters does:
the deviance of the strongest real event is in the hundreds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

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


@dataclass(frozen=True)
class Estimate:
    """What is subtracted from the electrons' counts, and the counts that it is estimated from."""

    counts: np.ndarray
    """Independent counts of events, shape (m, n)."""
    expected: Callable[[np.ndarray], np.ndarray]
    """Counts of E1-E4 that are not of electrons, shape (4, n), from such counts (m, n)."""


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


def energy_interval(
    seen: Observed, stored: np.ndarray, rise: float = 1.0, estimate: Estimate | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the energy flux of the counts themselves, and its profile likelihood interval.

    Parameters
    ----------
    seen, stored
        As of `energy_of_bands`.
    rise : float
        Deviance at the ends of the interval, 1 for 68.27 %.
    estimate : Estimate, optional
        Counts that what `seen` expects is made from, whose errors are to be in the interval. If left
        out, what is expected is taken as known.

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
    that at the counts N: exact for a linear F, and F is nearly so. Counts of the estimate are further N,
    independent of those of the bands.
    """
    bands = band_counts(seen.counts)
    estimate = estimate or Estimate(np.empty((0, bands.shape[1])), lambda _: seen.expected)

    def energy_of(counts: np.ndarray, k: int) -> np.ndarray:
        part = Observed(seen.counts, seen.seconds, estimate.expected(counts[4:]))
        return energy_of_bands(counts[:4], part, stored)[k]

    energy = energy_of_bands(bands, seen, stored)
    known = np.concatenate([np.maximum(bands, LEAST_COUNTS), estimate.counts])
    limits = np.stack([energy, energy])
    for k in range(2):
        slope = _slope(known, partial(energy_of, k=k))
        usable = np.isfinite(slope).all(axis=0) & (np.abs(slope).max(axis=0) > 0)
        if not usable.any():
            continue
        for end in (0, 1):
            mean = known.copy()
            mean[:, usable] = _extreme(known[:, usable], slope[:, usable], rise, upper=bool(end))
            limits[end, k, usable] = energy_of(mean, k)[usable]
    limits[0] = np.minimum(limits[0], energy)
    limits[1] = np.maximum(limits[1], energy)
    return energy, limits


def _slope(counts: np.ndarray, energy_of: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the derivative of the energy by each of the counts, of its shape; 0 where nothing is counted."""
    slope = np.zeros_like(counts)
    for row, own in enumerate(counts):
        step = np.zeros_like(counts)
        step[row] = 0.5 * np.sqrt(own)
        rise = np.subtract(*(energy_of(counts + sign * step) for sign in (1, -1)))
        slope[row] = np.where(own > 0, rise / np.where(own > 0, 2 * step[row], 1.0), 0.0)
    return slope


def _extreme(counts: np.ndarray, slope: np.ndarray, rise: float, upper: bool) -> np.ndarray:
    """Return the means, of the shape of `counts`, where the energy is extreme within a deviance."""
    sign = 1.0 if upper else -1.0
    scaled = sign * slope / np.abs(slope).max(axis=0)
    highest = scaled.max(axis=0)
    # Beyond the first pole of a band that the energy rises with; without one, all bands fall to nothing.
    most = np.where(highest > 1e-6, (1 - 1e-9) / np.maximum(highest, 1e-6), 1e9)
    rows = (*counts, *scaled)

    def beyond(multiplier: np.ndarray, *rows: np.ndarray) -> np.ndarray:
        half = len(rows) // 2
        mean, n = _mean(multiplier, np.stack(rows[half:])), np.stack(rows[:half])
        return 2 * (n * (mean - 1 - np.log(mean))).sum(axis=0) - rise

    root = elementwise.find_root(beyond, (np.zeros_like(most), most), args=rows, tolerances={"xrtol": 1e-8})
    return counts * _mean(root.x, scaled)


def _mean(multiplier: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Return the means over the counts."""
    return 1 / np.maximum(1 - multiplier * slope, 1e-12)
