"""Counts of the telescopes, from the fluxes that NOAA's files hold."""

import numpy as np

from reprocess.schema import FLUX_PER_COUNT

ELECTRONS = ("e1", "e2", "e3", "e4")
PROTONS = ("p1", "p2", "p3", "p4", "p5", "p6")


def _per_count(channels: tuple[str, ...], axes: int) -> np.ndarray:
    constants = np.array([FLUX_PER_COUNT[channel] for channel in channels])
    return constants.reshape(-1, *(1,) * (axes - 1))


def _counts(flux: np.ndarray, channels: tuple[str, ...]) -> np.ndarray:
    flux = np.asarray(flux, float)
    if flux.shape[0] > len(channels):
        raise ValueError(f"the first axis has {flux.shape[0]} channels, the telescope has {len(channels)}")
    counts = flux / _per_count(channels[: flux.shape[0]], flux.ndim)
    # A telemetry code stands for the mean of the counts it covers: a whole number or a half.
    return np.where(counts >= 0, np.round(2 * counts) / 2, np.nan)


def electron_counts(flux: np.ndarray) -> np.ndarray:
    """Return counts of E1-E4; NaN where a flux is missing.

    Parameters
    ----------
    flux : ndarray, shape (4, …)
        cm-2 s-1 sr-1, E1 to E4 along the first axis.

    Returns
    -------
    ndarray of float64, same shape
        Counts of a record, which is 1 s of live time.
    """
    return _counts(flux, ELECTRONS)


def proton_counts(flux: np.ndarray) -> np.ndarray:
    """Return counts of P1-P6, or as many of them as are given; NaN where a flux is missing.

    Parameters
    ----------
    flux : ndarray, shape (6, …)
        cm-2 s-1 sr-1 keV-1 (P6: cm-2 s-1 sr-1), P1 to P6 along the first axis.

    Returns
    -------
    ndarray of float64, same shape
        Counts of a record, which is 1 s of live time.
    """
    return _counts(flux, PROTONS)
