"""Protons that are counted as electrons in E1-E3: the method of Lam et al. (2010).

Protons of 210 (E1), 280 (E2) and 440 keV (E3) to 2.7 MeV count in the electron telescope. How many there are
is told by P2-P4 of the proton telescope beside it (equal geometric factors: counts compare as they are). The
channel that contains the lower limit counts with the share of it above the limit.

Source: Lam et al. (2010), J. Geophys. Res. 115, A00F08, in the form of the correction code that the
community's libraries hold. That code iterates the slope of the exponential until it changes by less than 1 %;
here it is the slope that the iteration goes to: the exponential that gives the counts of both channels.
"""

from typing import Literal

import numpy as np

Rule = Literal["exponential", "fixed"]

PROTON_KEV = (30.0, 80.0, 240.0, 800.0, 2500.0)
"""Limits of P1-P4, keV."""

LOWEST_KEV = (210.0, 280.0, 440.0)
"""Energy from which on protons count in E1, E2 and E3, keV."""

_SPLIT = (1, 2, 2)
"""Which of P1-P4 contains that energy, from 0."""


def contamination(protons: np.ndarray, rule: Rule = "exponential") -> np.ndarray:
    """Return how many counts of E1, E2 and E3 are protons.

    Parameters
    ----------
    protons : ndarray, shape (4 or more, …)
        Counts of P1-P4 (further channels are not looked at) in any number of records, or their sums.
        NaN counts as 0.
    rule : str
        ``exponential``: an exponential spectrum through the channel that contains the lower limit and the
        next higher one tells the share, where both count anything; elsewhere, and everywhere with ``fixed``,
        the share is that of a spectrum without slope: 0.1875 of P2 in E1, 0.9286 and 0.6429 of P3 in
        E2 and E3. Fluxes fall with energy, so ``fixed`` gives the larger numbers.

    Returns
    -------
    ndarray of float64, shape (3, …)
        Not limited to what the electron channels count.

    Raises
    ------
    ValueError
        If there is no such rule.
    """
    if rule not in ("exponential", "fixed"):
        raise ValueError(f"{rule!r} is no rule for protons; they are 'exponential' and 'fixed'")
    counts = np.nan_to_num(np.asarray(protons, float)[:4], nan=0.0).clip(0)
    slope = {k: _slope(counts, k) if rule == "exponential" else np.zeros(counts.shape[1:]) for k in (1, 2)}
    parts = []
    for low, k in zip(LOWEST_KEV, _SPLIT, strict=True):
        parts.append(_share_above(slope[k], low, k) * counts[k] + counts[k + 1 :].sum(axis=0))
    return np.stack(parts)


def fractions(electrons: np.ndarray, protons: np.ndarray, rule: Rule = "exponential") -> np.ndarray:
    """Return the share of protons in E1, E2 and E3, shape (3, …), from 0 to 1; NaN where nothing is counted.

    Parameters
    ----------
    electrons : ndarray, shape (3 or more, …)
        Counts of E1-E3.
    protons, rule
        As of `contamination`.
    """
    total = np.asarray(electrons, float)[:3]
    found = np.minimum(contamination(protons, rule), total)
    return np.divide(found, total, out=np.full(total.shape, np.nan), where=total > 0)


def _mean_exponential(x: np.ndarray) -> np.ndarray:
    """Return the mean of exp over 0 to x."""
    near = np.abs(x) < 1e-6
    return np.where(near, 1 + x / 2, np.expm1(x) / np.where(near, 1.0, x))


def _log_ratio(slope: np.ndarray, k: int) -> np.ndarray:
    """Return the logarithm of the counts of channel k + 1 over those of channel k."""
    low, middle, high = PROTON_KEV[k : k + 3]
    above = (high - middle) * _mean_exponential(slope * (high - middle))
    return np.log(above / ((middle - low) * _mean_exponential(slope * (low - middle))))


def _slope(counts: np.ndarray, k: int) -> np.ndarray:
    """Return the slope, per keV, of the exponential through channels k and k + 1; 0 where one is empty."""
    both = (counts[k] > 0) & (counts[k + 1] > 0)
    slope = np.zeros(both.shape)
    if both.any():
        from scipy.optimize import newton  # half a second; detection, which has no slopes, never needs it

        wanted = np.log(counts[k + 1][both] / counts[k][both])
        start = np.where(wanted < _log_ratio(np.zeros(1), k), -0.01, 0.01)
        slope[both] = newton(lambda s: _log_ratio(s, k) - wanted, start, maxiter=100)
    return slope


def _share_above(slope: np.ndarray, energy: float, k: int) -> np.ndarray:
    """Return the share of the counts of channel k that is above an energy."""
    low, high = PROTON_KEV[k : k + 2]
    whole = (high - low) * _mean_exponential(slope * (low - high))
    return (high - energy) * _mean_exponential(slope * (energy - high)) / whole
