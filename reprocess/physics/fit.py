"""A spectrum held against the counts of events: Poisson likelihood on a grid of shapes, many events at once.

For each shape the amplitude that fits best is the root of a monotonic function; the shape with the least
deviance among a coarse and then a fine grid is the best. Nothing starts from a guess, so nothing ends in a
local minimum. SciPy's root finders for arrays do the same in ten times the time.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from reprocess.physics.response import LABEL_KEV, Response
from reprocess.physics.spectra import Form, band_counts, bands
from reprocess.schema import MILLIWATT

ENERGIES_KEV = (float(LABEL_KEV[0]), float(LABEL_KEV[3]))
"""Above which the energy flux is given: 40 and 612 keV."""

COARSE, FINE = 33, 21
"""Shapes looked at first, and between the neighbours of the best of them or those as good as it."""

PARAMETERS = 2

STEPS = 60
"""Newton's steps at most; ten are usual, and each at least doubles what is far below the root."""

_TINY = 1e-30


@dataclass(frozen=True)
class Observed:
    """Summed counts of events at 0 degrees; shapes (4, n), E1-E4 along the first axis."""

    counts: np.ndarray
    """Nothing subtracted."""
    seconds: np.ndarray
    """Live time of the records that have the channel; 0 where none has."""
    expected: np.ndarray
    """Counts that are not of electrons of the event: background, and protons if they are to be left out."""


@dataclass(frozen=True)
class Fit:
    """What fits best; shapes (n,), or (2, n) for electrons above 40 and above 612 keV."""

    flux: np.ndarray
    """Flux above 40 keV, cm-2 s-1 sr-1."""
    shape: np.ndarray
    """E-folding energy in keV, or exponent; NaN where no flux is seen."""
    deviance: np.ndarray
    dof: np.ndarray
    """Degrees of freedom: bands that were counted in, less two parameters."""
    energy: np.ndarray
    """Energy flux, mW m-2, the same flux from all directions."""


@dataclass(frozen=True)
class _Bands:
    """Independent bands, shapes (4, n, m) for m shapes of the spectrum that each event is held against."""

    slope: np.ndarray
    """Counts per unit of amplitude."""
    counts: np.ndarray
    expected: np.ndarray

    @classmethod
    def of(cls, seen: Observed, form: Form, response: Response, shape: np.ndarray) -> "_Bands":
        """Return the bands for shapes (n, m)."""
        counts, expected = (band_counts(x)[..., None] for x in (seen.counts, seen.expected))
        slope = bands(form, shape, response) * seen.seconds[..., None]
        return cls(*(np.broadcast_to(x, slope.shape) for x in (slope, counts, expected)))

    def best(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the best amplitude of each shape, and its deviance; (n, m).

        The derivative of the likelihood is convex and falls with the amplitude, so that Newton's steps from
        below its root never pass it. By Cauchy's inequality the first line is below it; so is nothing.
        """
        amplitude = np.maximum(self._below(), 0.0)
        for _ in range(STEPS):
            mean = np.maximum(amplitude * self.slope + self.expected, _TINY)
            weight = self.slope * self.counts / mean
            excess = weight.sum(axis=0) - self.slope.sum(axis=0)
            fall = np.maximum((weight * self.slope / mean).sum(axis=0), _TINY)
            step = np.where(excess > 0, excess / fall, 0.0)
            amplitude = amplitude + step
            if np.all(step <= 1e-9 * amplitude):
                break
        return amplitude, self._deviance(amplitude)

    def _below(self) -> np.ndarray:
        total = self.counts.sum(axis=0)
        per_slope = self.counts * self.expected / np.where(self.slope > 0, self.slope, np.inf)
        known = np.maximum(total, _TINY)
        return total / np.maximum(self.slope.sum(axis=0), _TINY) - per_slope.sum(axis=0) / known

    def _deviance(self, amplitude: np.ndarray) -> np.ndarray:
        """Return twice the logarithm of the likelihood of the counts themselves over that of the spectrum."""
        mean = amplitude * self.slope + self.expected
        ratio = np.where(self.counts > 0, self.counts, 1.0) / np.maximum(mean, _TINY)
        return 2 * (mean - self.counts + xlogy(self.counts, ratio)).sum(axis=0)


def fit(seen: Observed, form: Form, response: Response) -> Fit:
    """Fit a form of spectrum to the counts of events.

    Parameters
    ----------
    seen : Observed
    form : Form
    response : Response

    Returns
    -------
    Fit
    """
    coarse = _coarse(form, seen.counts.shape[1])
    _, deviance = _Bands.of(seen, form, response, coarse).best()
    at = deviance.argmin(axis=1)
    shape = _between(coarse[0], at - 1, at + 1)
    _, deviance = _Bands.of(seen, form, response, shape).best()
    shape = _vertex(shape, deviance)
    amplitude, deviance = (x[:, 0] for x in _Bands.of(seen, form, response, shape[:, None]).best())
    energy = MILLIWATT * amplitude * np.stack([form.energy_above(shape, e) for e in ENERGIES_KEV])
    dof = np.maximum((seen.seconds > 0).sum(axis=0) - PARAMETERS, 0)
    return Fit(amplitude, np.where(amplitude > 0, shape, np.nan), deviance, dof, energy)


def shape_interval(
    seen: Observed, form: Form, response: Response, best: Fit, rise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the profile likelihood interval of the shape.

    A shape belongs to it if, with the amplitude that suits it best, its deviance is above that of the best
    shape by no more than `rise` (n,): 1 for 68.27 %. It ends at the bounds of the form at the latest.

    Parameters
    ----------
    seen, form, response
        As of `fit`, which gave `best`.
    best : Fit
    rise : ndarray, shape (n,)

    Returns
    -------
    tuple of ndarray, shape (n,)
        NaN where no flux is seen.
    """
    level = best.deviance + rise
    coarse = _coarse(form, len(level))
    _, deviance = _Bands.of(seen, form, response, coarse).best()
    within = (deviance <= level[:, None]) | (np.arange(COARSE) == deviance.argmin(axis=1)[:, None])
    first, last = within.argmax(axis=1), COARSE - 1 - within[:, ::-1].argmax(axis=1)
    shape = _between(coarse[0], first - 1, last + 1, 2 * FINE - 1)
    _, deviance = _Bands.of(seen, form, response, shape).best()
    above = deviance - level[:, None]
    low = np.fmin(_crossing(shape, above), best.shape)
    high = np.fmax(_crossing(shape[:, ::-1], above[:, ::-1]), best.shape)
    unknown = np.isnan(best.shape)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def _vertex(shape: np.ndarray, deviance: np.ndarray) -> np.ndarray:
    """Return the shape (n,) where the parabola through the least deviance and its neighbours is lowest."""
    row, best = np.arange(len(shape)), deviance.argmin(axis=1)
    middle = best.clip(1, shape.shape[1] - 2)
    before, at, after = (deviance[row, middle + step] for step in (-1, 0, 1))
    curvature = before - 2 * at + after
    move = np.where(curvature > 0, (before - after) / (2 * np.where(curvature > 0, curvature, 1.0)), 0.0)
    step = np.log(shape[:, 1] / shape[:, 0])
    found = shape[row, middle] * np.exp(step * move.clip(-1, 1))
    return np.where(best == middle, found, shape[row, best])


def _crossing(shape: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Return where values along the second axis first fall below 0, shape (n,); NaN where none is below."""
    row, first = np.arange(len(shape)), (above <= 0).argmax(axis=1)
    before = (first - 1).clip(0)
    fall = above[row, before] - above[row, first]
    share = np.where(fall > 0, above[row, before] / np.where(fall > 0, fall, 1.0), 1.0).clip(0, 1)
    found = shape[row, before] + share * (shape[row, first] - shape[row, before])
    return np.where((above <= 0).any(axis=1), found, np.nan)


def _coarse(form: Form, events: int) -> np.ndarray:
    """Return the shapes that are looked at first, the same for each event."""
    return np.broadcast_to(np.geomspace(form.least, form.most, COARSE), (events, COARSE))


def _between(grid: np.ndarray, first: np.ndarray, last: np.ndarray, count: int = FINE) -> np.ndarray:
    """Return shapes from one to another of a grid, for each event; none beyond its ends."""
    low, high = np.log(grid)[first.clip(0)], np.log(grid)[last.clip(max=len(grid) - 1)]
    return np.exp(np.linspace(low, high, count, axis=1))
