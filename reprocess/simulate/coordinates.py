"""Positions on and above the Earth, and the place of the Sun."""

import numpy as np

from reprocess.schema import MS_PER_DAY

EARTH_RADIUS_KM = 6371.2
"""Reference radius of the IGRF."""


WGS84_A_KM = 6378.137


WGS84_E2 = 0.00669437999014


def geodetic_to_cartesian(
    latitude: np.ndarray, longitude: np.ndarray, altitude: np.ndarray | float
) -> np.ndarray:
    """Return geocentric Cartesian positions in Earth radii, shape (3, ...), on WGS 84.

    Latitude and longitude are in degrees, altitude in km above the ellipsoid.
    """
    lat, lon = np.radians(latitude), np.radians(longitude)
    normal = WGS84_A_KM / np.sqrt(1 - WGS84_E2 * np.sin(lat) ** 2)
    horizontal = (normal + altitude) * np.cos(lat)
    vertical = (normal * (1 - WGS84_E2) + altitude) * np.sin(lat)
    return np.stack([horizontal * np.cos(lon), horizontal * np.sin(lon), vertical]) / EARTH_RADIUS_KM


def cartesian_to_geodetic(position: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return latitude and longitude (0-360) in degrees and altitude in km of positions (3, ...).

    Bowring's closed form; below 1,000 km it is exact to a millimetre.
    """
    x, y, z = position * EARTH_RADIUS_KM
    p = np.hypot(x, y)
    b = WGS84_A_KM * np.sqrt(1 - WGS84_E2)
    beta = np.arctan2(z * WGS84_A_KM, p * b)
    second = WGS84_E2 / (1 - WGS84_E2)
    lat = np.arctan2(z + second * b * np.sin(beta) ** 3, p - WGS84_E2 * WGS84_A_KM * np.cos(beta) ** 3)
    normal = WGS84_A_KM / np.sqrt(1 - WGS84_E2 * np.sin(lat) ** 2)
    altitude = p * np.cos(lat) + z * np.sin(lat) - WGS84_A_KM**2 / normal
    return np.degrees(lat), np.degrees(np.arctan2(y, x)) % 360, altitude


def spherical_components(
    vector: np.ndarray, position: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the radial, southward and eastward components of vectors (3, ...) at positions (3, ...)."""
    x, y, z = position
    p, r = np.hypot(x, y), np.sqrt((position**2).sum(0))
    radial = (vector * position).sum(0) / r
    south = ((vector[0] * x + vector[1] * y) * z / p - vector[2] * p) / r
    return radial, south, (vector[1] * x - vector[0] * y) / p


def subsolar_point(time_ms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return declination and east longitude of the Sun in degrees (low-precision solar coordinates).

    `time_ms` is UTC in ms since 1970. The formulae are those of the Astronomical Almanac, good to
    0.01 degrees between 1950 and 2050.
    """
    days = np.asarray(time_ms, float) / MS_PER_DAY - 10957.5  # since 2000-01-01 12:00
    mean_longitude = 280.460 + 0.9856474 * days
    anomaly = np.radians(357.528 + 0.9856003 * days)
    ecliptic = np.radians(mean_longitude + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    obliquity = np.radians(23.439 - 4e-7 * days)
    right_ascension = np.degrees(np.arctan2(np.cos(obliquity) * np.sin(ecliptic), np.cos(ecliptic)))
    declination = np.degrees(np.arcsin(np.sin(obliquity) * np.sin(ecliptic)))
    sidereal = 280.46062 + 360.98564737 * days
    return declination, (right_ascension - sidereal) % 360
