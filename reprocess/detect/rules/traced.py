"""L where NOAA's files have none: McIlwain's L of the field line, in the one region where L_IGRF is -1.

That region, over the North Atlantic, is conjugate to the South Atlantic Anomaly: the field line's other
mirror point lies in the atmosphere or below the ground. The IGRF has a value there nevertheless, and so has
L: the same integral along the same line. The array beside this file holds 1 / L on a grid of latitude,
longitude, altitude and year, as traced through the IGRF by the simulator's code (``make traced``); it varies
little and smoothly, so that a record costs a few interpolations and workers need no field model.

Its cubic splines with mirrored borders are spelled out here (Unser, Aldroubi & Eden 1991, Unser 1999): those
of SciPy differ by rounding alone, and take a quarter of a second to import in every process.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from reprocess.schema import MS_PER_DAY
from reprocess.schema.measurements import L_MISSING

LATITUDES = np.arange(2.5, 75.1, 2.5)
LONGITUDES = np.arange(-85.0, 55.1, 5.0)
ALTITUDES_KM = (790.0, 890.0)
"""POES and MetOp fly between 800 and 885 km; between the two altitudes 1 / L is linear."""
YEARS = np.array([1995.5, 2000.5, 2005.5, 2010.5, 2015.5, 2020.5, 2025.5, 2029.5])
"""Decimal years; between two of them 1 / L is linear, as the IGRF's coefficients are within five years."""

REGION = {"latitude": (5.0, 68.0), "longitude": (-80.0, 50.0), "altitude": (750.0, 930.0)}
"""Degrees and km; L_IGRF was seen missing at 9 to 66 N and 286 to 39 E."""

FILE = Path(__file__).with_suffix(".npy")

_YEAR_MS = 365.25 * MS_PER_DAY
_MS_2000 = 946_684_800_000


@cache
def _coefficients() -> np.ndarray:
    """Return the splines' coefficients, shape (years - 1, latitudes * longitudes, 4).

    Those of both altitudes at the year before and of both at the year after lie side by side, as a record
    needs them.
    """
    along_longitude = _filtered(np.load(FILE).astype(np.float64))
    of_years = np.swapaxes(_filtered(np.swapaxes(along_longitude, -1, -2)), -1, -2)
    flat = of_years.reshape(YEARS.size, len(ALTITUDES_KM), -1)
    return np.ascontiguousarray(np.moveaxis(np.concatenate([flat[:-1], flat[1:]], axis=1), 1, -1))


_POLE = 3**0.5 - 2
"""The pole of the cubic B-spline's filter."""


def _filtered(values: np.ndarray) -> np.ndarray:
    """Return coefficients of the splines through values along the last axis, mirrored at both ends.

    One recursion runs forwards, one backwards. The first starts from the sum over all mirror images of the
    values, a geometric series.
    """
    n = values.shape[-1]
    c = 6 * values
    end, powers = _POLE ** (n - 1), _POLE ** np.arange(1, n - 1)
    c[..., 0] += end * c[..., -1] + (c[..., 1:-1] + end * c[..., -2:0:-1]) @ powers
    c[..., 0] /= 1 - end**2
    for i in range(1, n):
        c[..., i] += _POLE * c[..., i - 1]
    c[..., -1] = (c[..., -1] + _POLE * c[..., -2]) * _POLE / (_POLE**2 - 1)
    for i in range(n - 2, -1, -1):
        c[..., i] = _POLE * (c[..., i + 1] - c[..., i])
    return c


def _taps(position: np.ndarray, size: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return which four coefficients count at positions on an axis, and their weights."""
    left = np.floor(position)
    y = position - left
    z = 1 - y
    first, second, third = z**3 / 6, (y * y * (y - 2) * 3 + 4) / 6, (z * z * (z - 2) * 3 + 4) / 6
    places = [left.astype(np.int64) + k for k in (-1, 0, 1, 2)]
    last = size - 1
    return [last - np.abs(last - np.abs(k)) for k in places], [
        first, second, third, 1 - first - second - third,
    ]  # fmt: skip


def _at(coefficients: np.ndarray, taps: tuple[tuple[list[np.ndarray], list[np.ndarray]], ...]) -> np.ndarray:
    """Return four splines over latitude and longitude at places, shape (4, k)."""
    (rows, of_rows), (columns, of_columns) = taps
    value = np.zeros((rows[0].size, coefficients.shape[-1]))
    for row, a in zip(rows, of_rows, strict=True):
        first, a = row * LONGITUDES.size, a[:, np.newaxis]
        for column, b in zip(columns, of_columns, strict=True):
            value += coefficients.take(first + column, axis=0) * a * b[:, np.newaxis]
    return value.T


def trace_L(records: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return L as stored, and as traced where the file has none within `REGION`.

    Parameters
    ----------
    records : mapping of str to ndarray, shape (n,)
        L_IGRF, latitude and longitude (degrees), altitude (km) and time (ms since 1970).

    Returns
    -------
    ndarray of float32, shape (n,)
        Two decimals where traced, as in the files.
    """
    stored = records["L_IGRF"]
    lacking = np.flatnonzero(stored == L_MISSING)
    latitude, longitude, altitude = (records[name][lacking] for name in ("latitude", "longitude", "altitude"))
    with np.errstate(invalid="ignore"):  # a longitude may be infinite
        east = (longitude + 180) % 360 - 180
    within = np.ones(lacking.size, bool)
    for name, values in (("latitude", latitude), ("longitude", east), ("altitude", altitude)):
        low, high = REGION[name]
        within &= (values >= low) & (values <= high)
    if not within.any():
        return stored
    L, inside = stored.copy(), lacking[within]
    year = 2000 + (records["time"][inside] - _MS_2000) / _YEAR_MS
    traced = 1 / inverse_L(latitude[within], east[within], altitude[within], year)
    L[inside] = np.round(traced, 2).astype(np.float32)
    return L


def inverse_L(
    latitude: np.ndarray, longitude: np.ndarray, altitude: np.ndarray, year: np.ndarray
) -> np.ndarray:
    """Return 1 / L at places within `REGION`.

    Parameters
    ----------
    latitude, longitude, altitude, year : ndarray of float, shape (k,)
        Degrees, longitude from -180; km; decimal years.

    Returns
    -------
    ndarray of float64, shape (k,)
    """
    north, east = _place(latitude, LATITUDES), _place(longitude, LONGITUDES)
    low, high = ALTITUDES_KM
    up = (altitude.astype(np.float64) - low) / (high - low)
    epoch = np.clip(np.searchsorted(YEARS, year, side="right") - 1, 0, YEARS.size - 2)
    later = np.clip((year - YEARS[epoch]) / (YEARS[epoch + 1] - YEARS[epoch]), 0, 1)
    found = np.empty(year.size)
    for e in np.unique(epoch):
        at = epoch == e
        taps = _taps(north[at], LATITUDES.size), _taps(east[at], LONGITUDES.size)
        levels = _at(_coefficients()[e], taps)
        before, after = ((1 - up[at]) * below + up[at] * above for below, above in (levels[:2], levels[2:]))
        found[at] = (1 - later[at]) * before + later[at] * after
    return found


def _place(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return positions on a regular grid."""
    return (values.astype(np.float64) - grid[0]) / (grid[1] - grid[0])
