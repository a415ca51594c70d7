"""Sun-synchronous orbits of the POES and MetOp satellites.

A near-circular orbit whose node keeps a local time that drifts over the years, as the unmanoeuvred
POES satellites do. Semi-major axis, inclination, eccentricity and node of NOAA-15, -18 and -19 are
fitted to real days of 2019 and 2022; the others and the histories of the nodes are rounded from
what is published about the missions. Where a satellite is along its orbit is not the truth of
any date: only the kind of orbit is.
"""

from dataclasses import dataclass

import numpy as np

from reprocess.simulate.activity import MS_PER_YEAR
from reprocess.simulate.coordinates import EARTH_RADIUS_KM, cartesian_to_geodetic

GRAVITY_KM3_S2 = 398_600.4418
J2 = 1.08263e-3
EQUATOR_KM = 6378.137


@dataclass(frozen=True)
class Orbit:
    """Elements of one satellite's orbit."""

    semi_major_km: float
    inclination_deg: float
    eccentricity: float
    perigee_deg: float
    """Argument of perigee; kept fixed, as in a frozen orbit."""
    node_years: tuple[float, ...]
    node_hours: tuple[float, ...]
    """Local mean solar time of the ascending node at `node_years`; linear between, flat outside."""
    phase: float
    """Argument of latitude at the start of 1970, in revolutions."""

    @property
    def nodal_period_s(self) -> float:
        """Time from node to node: Kepler's, with the mean effect of the Earth's oblateness (J2)."""
        a = self.semi_major_km
        kepler = 2 * np.pi * np.sqrt(a**3 / GRAVITY_KM3_S2)
        sin2 = np.sin(np.radians(self.inclination_deg)) ** 2
        return float(kepler * (1 - 1.5 * J2 * (EQUATOR_KM / a) ** 2 * (4 - 5 * sin2)))

    def node_local_time(self, time_ms: np.ndarray) -> np.ndarray:
        """Return the local mean solar time of the ascending node in hours."""
        year = 1970 + np.asarray(time_ms, float) / MS_PER_YEAR
        return np.interp(year, self.node_years, self.node_hours)


ORBITS = {
    "noaa15": Orbit(
        7185.1, 98.75, 6.5e-4, 153.0, (1998, 2009, 2013, 2019.8, 2026), (19.5, 16.7, 17.3, 19.06, 19.9), 0.11
    ),
    "noaa16": Orbit(7226.6, 99.00, 1.1e-3, 60.0, (2001, 2005, 2010, 2014.5), (13.9, 14.6, 18.3, 21.0), 0.37),
    "noaa17": Orbit(7187.6, 98.65, 1.1e-3, 80.0, (2002, 2006, 2010, 2013.5), (22.3, 22.3, 21.0, 19.2), 0.62),
    "noaa18": Orbit(
        7230.5, 99.09, 1.8e-3, 142.0, (2005, 2009, 2013, 2019.8, 2025), (13.9, 13.8, 15.2, 20.91, 24.2), 0.83
    ),
    "noaa19": Orbit(
        7230.0, 99.14, 1.5e-3, 154.0, (2009, 2013, 2018, 2022.8, 2026), (13.8, 13.6, 15.9, 20.08, 22.4), 0.05
    ),
    "metop02": Orbit(7195.6, 98.70, 1.2e-3, 90.0, (2006, 2017, 2022), (21.5, 21.5, 19.6), 0.48),
    "metop01": Orbit(7195.6, 98.70, 1.2e-3, 90.0, (2012, 2030), (21.5, 21.5), 0.98),
    "metop03": Orbit(7195.6, 98.70, 1.2e-3, 90.0, (2018, 2030), (21.5, 21.5), 0.73),
}
"""Orbits by the satellite's directory name."""


def _cartesian(orbit: Orbit, time_ms: np.ndarray) -> np.ndarray:
    """Return geocentric Cartesian positions in Earth radii, shape (3, records)."""
    seconds = np.asarray(time_ms, float) / 1000
    u = 2 * np.pi * ((seconds / orbit.nodal_period_s + orbit.phase) % 1)
    i, perigee = np.radians(orbit.inclination_deg), np.radians(orbit.perigee_deg)
    a, e = orbit.semi_major_km, orbit.eccentricity
    # First order in the eccentricity; the second term is the short-period effect of J2 on the radius.
    oblate = J2 * EQUATOR_KM**2 / (4 * a) * np.sin(i) ** 2
    r = a * (1 - e * np.cos(u - perigee)) + oblate * np.cos(2 * u)
    u = u + 2 * e * np.sin(u - perigee)
    node_longitude = 15 * (orbit.node_local_time(time_ms) - seconds / 3600 % 24)
    lon = np.radians(node_longitude) + np.arctan2(np.cos(i) * np.sin(u), np.cos(u))
    sin_lat = np.sin(i) * np.sin(u)
    cos_lat = np.sqrt(1 - sin_lat**2)
    return r / EARTH_RADIUS_KM * np.stack([cos_lat * np.cos(lon), cos_lat * np.sin(lon), sin_lat])


def positions(orbit: Orbit, time_ms: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return geodetic latitude and longitude (0-360) in degrees and altitude in km, as NOAA rounds them.

    Parameters
    ----------
    orbit : Orbit
    time_ms : array of shape (records,)
        UTC in ms since 1970.
    """
    lat, lon, alt = cartesian_to_geodetic(_cartesian(orbit, time_ms))
    return np.round(lat, 3), np.round(lon, 3) % 360, np.round(alt, 1)


def satellite_axes(orbit: Orbit, time_ms: np.ndarray) -> np.ndarray:
    """Return the satellite's x, y, z axes as geocentric unit vectors, shape (3 axes, 3, records).

    x points to the centre of the Earth, y against the velocity over the rotating Earth and
    z = x times y; on real days this turns B in geographic components into the files' Bx, By, Bz.
    """
    step = np.asarray(time_ms, float) + 500.0
    after, before = _cartesian(orbit, step), _cartesian(orbit, step - 1000.0)
    position, velocity = after + before, after - before
    x = -position / np.sqrt((position**2).sum(0))
    y = (velocity * x).sum(0) * x - velocity
    y /= np.sqrt((y**2).sum(0))
    return np.stack([x, y, np.cross(x, y, axis=0)])
