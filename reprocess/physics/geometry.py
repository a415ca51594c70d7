"""Angles, latitudes and areas that go with a place on a magnetic shell."""

import numpy as np

EARTH_KM = 6371.2
"""Reference radius of geomagnetic field models."""

PRECIPITATION_KM = 6491.2
"""Radius at 120 km, where precipitating electrons are taken to end."""


def loss_cone(field_sat: np.ndarray, field_foot: np.ndarray) -> np.ndarray:
    """Return the half-angle of the bounce loss cone at the satellite, degrees: asin(sqrt(B_sat / B_foot)).

    NaN where the field at the foot point is not the stronger one.
    """
    inside = (field_sat > 0) & (field_foot >= field_sat)
    share = np.divide(field_sat, field_foot, out=np.full(np.shape(field_sat), np.nan), where=inside)
    return np.degrees(np.arcsin(np.sqrt(share)))


def folded(pitch_angle: np.ndarray) -> np.ndarray:
    """Return the angle between an axis and the field line, whichever way that points; 0 to 90 degrees."""
    angle = np.abs(pitch_angle)
    return np.minimum(angle, 180 - angle)


def invariant_latitude(L: np.ndarray) -> np.ndarray:
    """Return the latitude, degrees, where the dipole shell L meets the reference sphere; NaN below L = 1."""
    shell = np.where(np.asarray(L) >= 1, L, np.nan)
    return np.degrees(np.arccos(1 / np.sqrt(shell)))


def distance_km(latitude: np.ndarray, longitude: np.ndarray, radius: float = PRECIPITATION_KM) -> np.ndarray:
    """Return the distance of the first from the last of points, along a sphere; degrees, shape (2, …)."""
    phi, lam = np.radians(np.asarray(latitude, float)), np.radians(np.asarray(longitude, float))
    half = np.sin((phi[1] - phi[0]) / 2) ** 2
    half = half + np.cos(phi[0]) * np.cos(phi[1]) * np.sin((lam[1] - lam[0]) / 2) ** 2
    return 2 * radius * np.arcsin(np.sqrt(np.clip(half, 0, 1)))


def cell_area(
    L_low: np.ndarray, L_high: np.ndarray, hours: np.ndarray, radius: float = PRECIPITATION_KM
) -> np.ndarray:
    """Return the area of a cell in L and MLT at 120 km, in one hemisphere, m2.

    2 pi r2 (s(L_high) - s(L_low)) hours / 24 with s = sqrt(1 - (r / RE) / L), the sine of the dipole latitude
    at radius r; 0 where a shell does not reach up to r.

    Parameters
    ----------
    L_low, L_high : ndarray
        Edges in L.
    hours : ndarray
        Extent in magnetic local time.
    radius : float
        km.
    """

    def sine(L: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(1 - radius / EARTH_KM / np.asarray(L, float), 0.0))

    return 2 * np.pi * (1000 * radius) ** 2 * (sine(L_high) - sine(L_low)) * np.asarray(hours) / 24
