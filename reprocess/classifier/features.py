"""From electron fluxes to the classifier's input.

The steps, the order of the features and the constants are those of Capannolo, Li & Huang 2022
(doi 10.3389/fspas.2022.858990) as released: fluxes without a count get a small value, then the
natural logarithm, then the standardisation fitted on their training data, then windows of seven
consecutive records.
"""

from dataclasses import dataclass

import numpy as np

WINDOW = 7
"""Records in a window."""

CENTRE = WINDOW // 2
"""Offset of a window's centre from its first record."""


@dataclass(frozen=True)
class Windows:
    """Where the windows of a satellite-day lie, and which records they stand for.

    A window is numbered by its first record.
    """

    records: int
    """Records of the day, n."""
    offset: int = CENTRE
    """Records from the start of a window to the one that it stands for."""

    left_out: int = 1
    """Windows at the end that are not made: the published code never makes the last possible one."""

    @property
    def count(self) -> int:
        """Number of windows, m."""
        return max(self.records - WINDOW + 1 - self.left_out, 0)

    @property
    def seen(self) -> slice:
        """Records that a window stands for, in the order of the windows."""
        return slice(self.offset, self.offset + self.count)

    def clear_of(self, records: np.ndarray) -> np.ndarray:
        """Tell which windows touch none of some records.

        Parameters
        ----------
        records : ndarray of bool, shape (n,)

        Returns
        -------
        ndarray of bool, shape (m,)
        """
        clear = np.ones(self.count, bool)
        for step in range(WINDOW):
            clear &= ~records[step : step + self.count]
        return clear

    def standing_for(self, first: int, last: int) -> slice:
        """Return the windows that stand for these records, first and last included."""
        return slice(first - self.offset, last - self.offset + 1)

    def span(self, first: int, last: int) -> slice:
        """Return all records of the windows that stand for these, first and last included."""
        return slice(first - self.offset, last - self.offset + WINDOW)

    def centre(self, record: np.ndarray) -> np.ndarray:
        """Return the records at the centres of the windows that stand for these."""
        return record - self.offset + CENTRE


PUBLISHED_FILL = (0.01, 100.0)
"""Flux put where there is none, 0 and 90 degree telescope, cm-2 s-1 sr-1."""

PUBLISHED_EPSILON = 0.001
"""Flux added before the logarithm, cm-2 s-1 sr-1."""

FEATURES = tuple(f"e{e}_{t}" for e in range(1, 5) for t in (0, 90))
"""Order of the features: energy first, then telescope."""


@dataclass(frozen=True)
class Scaling:
    """How fluxes become features; part of a model."""

    fill: tuple[float, float]
    """Flux put where it is not positive, for the 0 and the 90 degree telescope, cm-2 s-1 sr-1."""
    epsilon: float
    """Added before the logarithm, cm-2 s-1 sr-1."""
    mean: tuple[float, ...]
    """Mean of each feature, in the order of `FEATURES`."""
    scale: tuple[float, ...]
    """Standard deviation of each feature."""


def fill_flux(electron_flux: np.ndarray, fill: tuple[float, float]) -> np.ndarray:
    """Replace fluxes that are not positive.

    Parameters
    ----------
    electron_flux : ndarray of float32, shape (2, 4, n)
        Telescopes 0 and 90 degrees, channels E1-E4, cm-2 s-1 sr-1; sentinels are negative.
    fill : tuple of float
        Value per telescope.

    Returns
    -------
    ndarray of float32, shape (2, 4, n)
    """
    values = np.asarray(fill, np.float32)[:, np.newaxis, np.newaxis]
    return np.where(electron_flux <= 0, values, electron_flux)


def scale_flux(electron_flux: np.ndarray, scaling: Scaling) -> np.ndarray:
    """Return the features of every record.

    The logarithm is taken in double precision and rounded: single-precision logarithms differ in
    the last bit between processors, and results must not depend on which worker made them.

    Parameters
    ----------
    electron_flux : ndarray of float32, shape (2, 4, n)
        As in `fill_flux`.
    scaling : Scaling
        Scaling of the model that will see the features.

    Returns
    -------
    ndarray of float32, shape (n, 8)
    """
    filled = fill_flux(electron_flux, scaling.fill) + np.float32(scaling.epsilon)
    features = filled.transpose(2, 1, 0).reshape(-1, len(FEATURES))
    logarithm = np.log(features.astype(np.float64)).astype(np.float32)
    return ((logarithm - np.array(scaling.mean)) / np.array(scaling.scale)).astype(np.float32)


def windows(features: np.ndarray) -> np.ndarray:
    """Return all windows as a view, without copying.

    Parameters
    ----------
    features : ndarray of float32, shape (n, 8)

    Returns
    -------
    ndarray of float32, shape (max(n - 7, 0), 7, 8)
    """
    if not Windows(features.shape[0]).count:
        return np.empty((0, WINDOW, features.shape[1]), features.dtype)
    view = np.lib.stride_tricks.sliding_window_view(features, WINDOW, axis=0)
    return view[:-1].swapaxes(1, 2)


def windows_at(electron_flux: np.ndarray, index: np.ndarray, scaling: Scaling) -> np.ndarray:
    """Return some of a day's windows, scaling only the records that are in them.

    Parameters
    ----------
    electron_flux : ndarray of float32, shape (2, 4, n)
        As in `fill_flux`.
    index : ndarray of int, shape (k,)
        First records of the windows, increasing, all below n - 7.
    scaling : Scaling
        Scaling of the model that will see them.

    Returns
    -------
    ndarray of float32, shape (k, 7, 8)
        The same values as those of `windows(scale_flux(…))`.
    """
    records = np.zeros(electron_flux.shape[2], bool)
    for step in range(WINDOW):
        records[index + step] = True
    scaled = np.flatnonzero(records)
    place = np.searchsorted(scaled, index)  # of a window's first record
    features = scale_flux(electron_flux[:, :, scaled], scaling)
    return features[place[:, np.newaxis] + np.arange(WINDOW)]
