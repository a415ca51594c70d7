"""The energy flux of precipitating electrons, from fluxes above four energies.

All of it assumes the same flux from all directions within the loss cone, whose particles end at about 120 km.
"""

import numpy as np

from reprocess.physics.response import LABEL_KEV
from reprocess.schema import MILLIWATT

SINE = 2.0
"""Energy flux for intensities that rise as the sine of the pitch angle, over that for the same intensity from
all directions, where the 0 degree telescope sets both."""


def reference_energy_flux(flux: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the energy flux of electrons above 40 and above 612 keV, mW m-2, without any fit.

    Parameters
    ----------
    flux : ndarray, shape (4, …)
        Integral fluxes above 40, 130, 287 and 612 keV, cm-2 s-1 sr-1; positive, each below the one before.

    Returns
    -------
    tuple of ndarray
        Above 40, above 612 keV; shape (…). NaN where a flux is not positive or not below the one before.

    Notes
    -----
    F = E1 J1 + the integral of J(>E) from E1 on: log-log segments between the energies, J4 E0 beyond, with
    E0 = 325 / ln(J3 / J4). Exact to 9 % for exponential spectra of 50 to 400 keV, to 2.2 % for power laws
    of 2 to 4.
    """
    j = np.asarray(flux, float)
    falls = (j > 0).all(axis=0) & (np.diff(j, axis=0) < 0).all(axis=0)
    j = np.where(falls, j, np.exp(-np.arange(4.0)).reshape(4, *(1,) * (j.ndim - 1)))
    total = LABEL_KEV[0] * j[0] + segments(j).sum(axis=0)
    folding = (LABEL_KEV[3] - LABEL_KEV[2]) / np.log(j[2] / j[3])
    relativistic = j[3] * (LABEL_KEV[3] + folding)
    scale = np.where(falls, MILLIWATT, np.nan)
    return scale * (total + j[3] * folding), scale * relativistic


def segments(flux: np.ndarray) -> np.ndarray:
    """Return the integrals of J(>E) between 40, 130, 287 and 612 keV, shape (3, …), keV cm-2 s-1 sr-1.

    Power laws between the energies: J1 E1 / (1 - g) ((E2 / E1)^(1 - g) - 1), g = ln(J1 / J2) / ln(E2 / E1).
    """
    j = np.asarray(flux, float)
    energy = LABEL_KEV.reshape(4, *(1,) * (j.ndim - 1))
    step = np.log(energy[1:] / energy[:-1])
    return j[:-1] * energy[:-1] * step * _mean_exponential(step - np.log(j[:-1] / j[1:]))


def exponential_segments(flux: np.ndarray) -> np.ndarray:
    """Return the same integrals where J(>E) falls exponentially between the energies."""
    j = np.asarray(flux, float)
    step = np.diff(LABEL_KEV).reshape(3, *(1,) * (j.ndim - 1))
    return j[:-1] * step * _mean_exponential(np.log(j[1:] / j[:-1]))


def _mean_exponential(x: np.ndarray) -> np.ndarray:
    """Return the mean of exp over 0 to x."""
    near = np.abs(x) < 1e-9
    return np.where(near, 1.0, np.expm1(x) / np.where(near, 1.0, x))
