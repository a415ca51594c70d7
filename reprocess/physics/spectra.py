"""Forms of the spectrum that counts are held against: exponential, and a power law.

Both have two parameters, an amplitude and a shape, and are written as integral fluxes J(>E). They stand for
spectra of tens of keV to a few MeV; what is above 5 MeV counts for nothing in either.
"""

from dataclasses import dataclass

import numpy as np

from reprocess.physics.response import FLUX_OF_COUNT, LABEL_KEV, Response

HIGHEST_KEV = 5000.0
"""Where spectra end: a power law that is nearly flat would else have infinite energy."""


@dataclass(frozen=True)
class Form:
    """A family of spectra, by its shape; the flux above 40 keV is 1."""

    name: str
    least: float
    most: float
    """Bounds of the shape."""

    def integral(self, shape: np.ndarray, energy: float) -> np.ndarray:
        """Return the flux above an energy, keV."""
        if self.name == "exponential":
            return np.exp((LABEL_KEV[0] - energy) / shape)
        return (energy / LABEL_KEV[0]) ** -shape

    def energy_above(self, shape: np.ndarray, energy: float) -> np.ndarray:
        """Return the energy flux of particles above an energy, keV for each particle above 40 keV.

        It is E J(>E) and the integral of J(> E') over E' from E on, to `HIGHEST_KEV` where J ends.
        """
        top = HIGHEST_KEV
        ends = energy * self.integral(shape, energy) - top * self.integral(shape, top)
        if self.name == "exponential":
            return ends + shape * (self.integral(shape, energy) - self.integral(shape, top))
        return ends + LABEL_KEV[0] ** shape * _power_integral(shape, energy, top)

    def folding(self, shape: np.ndarray) -> np.ndarray:
        """Return the e-folding energy of the integral flux at the labels of E1-E4, shape (4, …)."""
        if self.name == "exponential":
            return np.broadcast_to(shape, (4, *np.shape(shape)))
        return LABEL_KEV.reshape(4, *(1,) * np.ndim(shape)) / shape


def _power_integral(shape: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the integral of E to the power of minus `shape`; a shape of 1 is its own limit."""
    exponent = 1.0 - shape
    near = np.abs(exponent) < 1e-9
    safe = np.where(near, 1.0, exponent)
    return np.where(near, np.log(high / low), (high**safe - low**safe) / safe)


EXPONENTIAL = Form("exponential", 20.0, 600.0)
"""J(>E) falls as exp(-E / E0); the shape is E0, keV, up to where the response is known."""

POWER_LAW = Form("power law", 2.0, 7.0)
"""J(>E) falls as E to the power of minus the shape; flatter ones have energy where nothing is measured."""

FORMS = (EXPONENTIAL, POWER_LAW)


def bands(form: Form, shape: np.ndarray, response: Response) -> np.ndarray:
    """Return counts per second between the thresholds of E1, E2 and E3, above that of E3, and in E4.

    E1-E3 are one detector: each counts all that is above its threshold, so their counts are not
    independent of each other; these four are.

    Parameters
    ----------
    form : Form
    shape : ndarray
    response : Response

    Returns
    -------
    ndarray, shape (4, …)
        Per cm-2 s-1 sr-1 above 40 keV.
    """
    stored = response.stored(form.folding(shape))
    each = np.stack(
        [s * form.integral(shape, e) / f for s, e, f in zip(stored, LABEL_KEV, FLUX_OF_COUNT, strict=True)]
    )
    return np.concatenate([np.maximum(each[:2] - each[1:3], 1e-9 * each[:1]), each[2:]])


def band_counts(counts: np.ndarray) -> np.ndarray:
    """Return counts of E1-E4, shape (4, …), as those of the bands of `bands`; rounding gives none below 0."""
    return np.concatenate([np.maximum(counts[:2] - counts[1:3], 0.0), counts[2:4]])
