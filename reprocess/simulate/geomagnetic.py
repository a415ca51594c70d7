"""Geomagnetic coordinates at satellite altitude from the International Geomagnetic Reference Field.

The Gauss coefficients and Legendre functions are those of `ppigrf`. They are summed once per epoch
on a table in (ln r, colatitude, longitude), field lines are traced through that table from a grid
of points at two altitudes, and every record interpolates what belongs to its field line. So a
satellite-day costs a few interpolations, not 43,200 field lines.

L is McIlwain's parameter of a particle that mirrors at the satellite, from the integral
I = int sqrt(1 - B/Bm) ds and Hilton's approximation (Hilton 1971, J. Geophys. Res. 76, 6952).
Where the conjugate mirror point lies in or below the atmosphere NOAA's files have L = -1; so does this.

All positions are geocentric Cartesian in Earth radii (6371.2 km), fields in nT.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from ppigrf import ppigrf as igrf_tables
from scipy.ndimage import map_coordinates, spline_filter

from reprocess.simulate.coordinates import (
    EARTH_RADIUS_KM,
    cartesian_to_geodetic,
    geodetic_to_cartesian,
    subsolar_point,
)
from reprocess.simulate.errors import SimulationError

FOOT_ALTITUDE_KM = 108.0
"""Geodetic altitude of the foot point in NOAA's files: there the IGRF has the strength of their Btot_foot.

On the three real days its median is off by 8, 10 and 19 nT at 108 km, by 256 to 268 nT at 120 km.
"""

TABLE_R = np.exp(np.arange(np.log(0.86), np.log(150.0), 0.06))
TABLE_STEP_DEG = 2.0
TRACE_STEP = 0.06
"""Length of a step along the field line, as a fraction of the distance from the Earth's centre."""
TRACE_STEPS = 150

GRID_LATITUDE = np.arange(-85.0, 85.1, 2.5)
GRID_LONGITUDE_STEP = 5.0
GRID_ALTITUDES_KM = (790.0, 890.0)
"""POES and MetOp fly between 800 and 885 km; between the two altitudes everything is linear."""

MIRROR_GAP_KM = 150.0
"""L is -1 where the conjugate mirror point is lower. Fitted to the real days: the sharpest limit found."""


@dataclass(frozen=True)
class MagneticCoordinates:
    """Field and magnetic coordinates of a sequence of positions, each of shape (records,)."""

    L: np.ndarray
    """McIlwain L; -1 where the conjugate mirror point is below 150 km."""
    shell: np.ndarray
    """The same L without the gaps."""
    mlt: np.ndarray
    """Magnetic local time in hours, 0 <= MLT < 24."""
    apex_latitude: np.ndarray
    """Signed latitude of the field line at the ground in a dipole through its apex, degrees."""
    apex_longitude: np.ndarray
    """Centred dipole longitude of the field line's apex, degrees."""
    field: np.ndarray
    """(3, records): geocentric Cartesian field at the satellite, nT."""
    foot: np.ndarray
    """(3, records): the foot point at `FOOT_ALTITUDE_KM` in the hemisphere of the satellite, Earth radii."""
    foot_field: np.ndarray
    """(3, records): geocentric Cartesian field at the foot point, nT."""
    loss_cone_field: np.ndarray
    """Mirror field of the edge of the bounce loss cone, the weaker of both foot points, nT."""
    drift_loss_cone_field: np.ndarray
    """Mirror field of the edge of the drift loss cone: the weakest foot point on the shell, nT."""


@dataclass(frozen=True)
class FieldTable:
    """The IGRF of one epoch on a regular grid in (ln r, colatitude, longitude)."""

    values: np.ndarray
    """(3, r, colatitude, longitude): Cartesian field times r^3, which varies little with r."""
    dipole_axis: np.ndarray
    """(3,): unit vector to the north pole of the centred dipole."""
    dipole_moment: float
    """M / R_E^3 in nT."""

    def field(self, position: np.ndarray) -> np.ndarray:
        """Return the field in nT, shape (3, n), at positions (3, n) in Earth radii."""
        r = np.sqrt((position**2).sum(0))
        colatitude = np.degrees(np.arccos(np.clip(position[2] / r, -1, 1)))
        longitude = np.degrees(np.arctan2(position[1], position[0])) % 360
        step = np.log(TABLE_R[1] / TABLE_R[0])
        index = np.stack(
            [np.log(r / TABLE_R[0]) / step, colatitude / TABLE_STEP_DEG, longitude / TABLE_STEP_DEG]
        )
        return np.stack([map_coordinates(v, index, order=1, mode="nearest") for v in self.values]) / r**3


def _gauss_coefficients(year: float) -> tuple[list[tuple[int, int]], np.ndarray, np.ndarray]:
    """Return (degree, order) and Gauss coefficients g, h in nT at a decimal year."""
    g, h = igrf_tables.read_shc()
    epochs = np.array([t.year + (t.month - 1) / 12 for t in g.index])
    if not epochs[0] <= year <= epochs[-1]:
        raise SimulationError(
            f"year {year:.0f} is outside the geomagnetic reference field "
            f"{epochs[0]:.0f} to {epochs[-1]:.0f}; simulate a date in that range"
        )
    interpolate = [np.array([np.interp(year, epochs, t[k]) for k in g.columns]) for t in (g, h)]
    return list(g.columns), interpolate[0], interpolate[1]


@lru_cache(maxsize=4)
def field_table(year: int) -> FieldTable:
    """Return the IGRF at the middle of a year as a table.

    Raises
    ------
    SimulationError
        If the year is outside the model.
    """
    keys, g, h = _gauss_coefficients(year + 0.5)
    colatitude = np.arange(0, 180.1, TABLE_STEP_DEG)
    colatitude[[0, -1]] = 1e-4, 180 - 1e-4  # the eastward component divides by sin(colatitude)
    longitude = np.radians(np.arange(0, 360.1, TABLE_STEP_DEG))
    p, dp = igrf_tables.get_legendre(colatitude, keys)
    degree, order = np.array(keys).T
    cos_m, sin_m = np.cos(np.outer(order, longitude)), np.sin(np.outer(order, longitude))
    wave, turned = g[:, None] * cos_m + h[:, None] * sin_m, h[:, None] * cos_m - g[:, None] * sin_m
    # Br = sum (n+1) r^-(n+2) P wave; Btheta = -sum r^-(n+2) dP wave; Bphi = -sum m r^-(n+2) P turned / sin.
    radial = TABLE_R[:, None] ** -(degree - 1.0)  # times r^3
    sin_t, cos_t = np.sin(np.radians(colatitude))[:, None], np.cos(np.radians(colatitude))[:, None]
    br = np.einsum("rk,tk,kf->rtf", radial, p * (degree + 1), wave, optimize=True)
    bt = -np.einsum("rk,tk,kf->rtf", radial, dp, wave, optimize=True)
    bp = -np.einsum("rk,tk,kf->rtf", radial, p * order, turned, optimize=True) / sin_t
    horizontal = br * sin_t + bt * cos_t
    cos_f, sin_f = np.cos(longitude), np.sin(longitude)
    values = np.stack(
        [horizontal * cos_f - bp * sin_f, horizontal * sin_f + bp * cos_f, br * cos_t - bt * sin_t]
    )
    axis = -np.array([g[keys.index((1, 1))], h[keys.index((1, 1))], g[keys.index((1, 0))]])
    return FieldTable(values, axis / np.linalg.norm(axis), float(np.linalg.norm(axis)))


def _trace(table: FieldTable, start: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """Return positions (steps + 1, 3, n) along field lines by fourth-order Runge-Kutta.

    `sign` is +1 along the field, -1 against it. A line stays where it is below 0.9 and above 140
    Earth radii: the ends are far below the ground and outside anything a satellite sees.
    """

    def direction(position: np.ndarray) -> np.ndarray:
        b = table.field(position)
        return sign * b / np.sqrt((b**2).sum(0))

    positions = np.empty((TRACE_STEPS + 1, *start.shape))
    positions[0] = x = start
    for k in range(TRACE_STEPS):
        r = np.sqrt((x**2).sum(0))
        h = np.where((r > 0.9) & (r < 140.0), TRACE_STEP * r, 0.0)
        if not h.any():
            positions[k + 1 :] = x
            break
        k1 = direction(x)
        k2 = direction(x + 0.5 * h * k1)
        k3 = direction(x + 0.5 * h * k2)
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + direction(x + h * k3))
        positions[k + 1] = x
    return positions


def _slide_to_foot(table: FieldTable, position: np.ndarray) -> np.ndarray:
    """Return where the field lines through positions (3, n) near the ground cross `FOOT_ALTITUDE_KM`."""
    for _ in range(5):
        excess = (cartesian_to_geodetic(position)[2] - FOOT_ALTITUDE_KM) / EARTH_RADIUS_KM
        b = table.field(position)
        b /= np.sqrt((b**2).sum(0))
        up = (b * position).sum(0) / np.sqrt((position**2).sum(0))
        # A nearly horizontal line would be followed much too far in one go.
        length = np.clip(-excess / np.where(np.abs(up) < 0.05, np.inf, up), -0.1, 0.1)
        middle = table.field(position + 0.5 * length * b)
        position = position + length * middle / np.sqrt((middle**2).sum(0))
    return position


def _foot_point(table: FieldTable, line: np.ndarray) -> np.ndarray:
    """Return where traced lines (steps, 3, n) come down to `FOOT_ALTITUDE_KM`, shape (3, n)."""
    altitude = (np.sqrt((line**2).sum(1)) - 1) * EARTH_RADIUS_KM
    falling = (altitude[1:] < FOOT_ALTITUDE_KM) & (np.diff(altitude, axis=0) < 0)
    k = np.where(falling.any(0), falling.argmax(0), len(line) - 1)
    return _slide_to_foot(table, line[k, :, np.arange(line.shape[2])].T)


def _mirror_integral(table: FieldTable, line: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return I in Earth radii, Bm in nT and the conjugate mirror altitude in km of traced lines.

    A line that reaches its end below the ground is taken to mirror there; one that does not come
    back has an infinite I.
    """
    b = np.stack([np.sqrt((table.field(x) ** 2).sum(0)) for x in line])
    mirror, length = b[0], np.sqrt((np.diff(line, axis=0) ** 2).sum(1))
    beyond = b[1:] >= mirror
    mirrors = beyond.any(0)
    closed = mirrors | ((line[-1] ** 2).sum(0) < 1)
    k = np.where(mirrors, beyond.argmax(0), len(length) - 1)
    n = np.arange(line.shape[2])
    part = np.clip((mirror - b[k, n]) / np.maximum(b[k + 1, n] - b[k, n], 1e-9), 0.0, 1.0)
    f = np.sqrt(np.clip(1 - b / mirror, 0.0, None))
    inside = np.arange(len(length))[:, None] < k
    segment = np.where(inside, 0.5 * (f[1:] + f[:-1]) * length, 0.0)
    # The integrand starts and ends as the square root of the distance: 2/3, not 1/2.
    segment[0] *= 4 / 3
    integral = segment.sum(0) + 2 / 3 * f[k, n] * part * length[k, n]
    end = line[k, :, n].T + part * (line[k + 1, :, n] - line[k, :, n]).T
    return np.where(closed, integral, np.inf), mirror, cartesian_to_geodetic(end)[2]


def hilton_l(integral: np.ndarray, mirror_field: np.ndarray, moment: float) -> np.ndarray:
    """Return McIlwain's L from I in Earth radii and Bm in nT (Hilton 1971); infinite I gives infinity.

    `moment` is the dipole's M / R_E^3 in nT. The files follow the epoch's moment, not the 31,165 nT
    of 1955: with that one L is 1.3 % too large near the Earth.
    """
    finite = np.isfinite(integral)
    x = np.where(finite, integral, 1.0) ** 3 * mirror_field / moment
    y = 1 + 1.35047 * np.cbrt(x) + 0.465376 * np.cbrt(x) ** 2 + 0.0475455 * x
    return np.where(finite, np.cbrt(y * moment / mirror_field), np.inf)


@dataclass(frozen=True)
class MagneticGrid:
    """Field-line quantities at two altitudes on a geographic grid, as spline coefficients."""

    table: FieldTable
    coefficients: np.ndarray
    """(quantity, altitude, latitude, longitude); the quantities are those of `_line_quantities`."""
    drift_field: np.ndarray
    """(shell): mirror field of the drift loss cone's edge at the L of `SHELLS`, nT."""
    year: int


SHELLS = np.geomspace(1.0, 30.0, 120)
"""L of the drift loss cone table."""

LONGITUDE_PAD = 4


def _line_quantities(table: FieldTable, position: np.ndarray) -> np.ndarray:
    """Return (12, n): 1/L, mirror altitude, apex direction, 1/apex radius, north foot, south foot."""
    radial = (table.field(position) * position).sum(0)
    up = np.where(radial > 0, 1.0, -1.0)
    line, down = _trace(table, position, up), _trace(table, position, -up)
    integral, mirror, altitude = _mirror_integral(table, line)
    n = np.arange(position.shape[1])
    radius = np.sqrt((line**2).sum(1))
    top = radius.argmax(0)
    apex = line[top, :, n].T
    far, near = _foot_point(table, line), _foot_point(table, down)
    north, south = np.where(up < 0, near, far), np.where(up < 0, far, near)
    inverse = 1 / hilton_l(integral, mirror, table.dipole_moment)
    return np.vstack([inverse, altitude, apex / radius[top, n], 1 / radius[top, n], north, south])


@lru_cache(maxsize=4)
def magnetic_grid(year: int) -> MagneticGrid:
    """Trace field lines for one year; about two seconds.

    Raises
    ------
    SimulationError
        If the year is outside the IGRF.
    """
    table = field_table(year)
    longitude = np.arange(0.0, 360.0, GRID_LONGITUDE_STEP)
    lat, lon = np.meshgrid(GRID_LATITUDE, longitude, indexing="ij")
    quantities = np.stack(
        [
            _line_quantities(table, geodetic_to_cartesian(lat.ravel(), lon.ravel(), altitude))
            for altitude in GRID_ALTITUDES_KM
        ],
        axis=1,
    ).reshape(12, len(GRID_ALTITUDES_KM), *lat.shape)
    pad = LONGITUDE_PAD
    padded = np.concatenate([quantities[..., -pad:], quantities, quantities[..., : pad + 1]], axis=-1)
    coefficients = np.stack([[spline_filter(level, mode="mirror") for level in q] for q in padded])
    return MagneticGrid(table, coefficients, _drift_loss_cone(table, quantities[:, 0]), year)


def _drift_loss_cone(table: FieldTable, quantities: np.ndarray) -> np.ndarray:
    """Return the weakest foot-point field over all longitudes at each L of `SHELLS`, nT."""
    flat = quantities.reshape(len(quantities), -1)
    weakest = np.minimum(*(np.sqrt((table.field(flat[k : k + 3]) ** 2).sum(0)) for k in (6, 9)))
    shell = np.digitize(1 / np.maximum(flat[0], 1e-3), SHELLS)
    lowest = np.full(len(SHELLS) + 1, np.inf)
    np.minimum.at(lowest, shell, weakest)
    known = np.isfinite(lowest)
    centre = np.arange(len(SHELLS)) + 0.5
    return np.interp(centre, np.flatnonzero(known), lowest[known])


def _dipole_longitude(axis: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return centred dipole longitude of vectors (3, n) in degrees; 0 holds the geographic south pole."""
    east = np.cross([0.0, 0.0, 1.0], axis)
    east /= np.linalg.norm(east)
    prime = np.cross(east, axis)
    return np.degrees(np.arctan2(east @ vector, prime @ vector)) % 360


def magnetic_coordinates(
    grid: MagneticGrid, time_ms: np.ndarray, latitude: np.ndarray, longitude: np.ndarray, altitude: np.ndarray
) -> MagneticCoordinates:
    """Interpolate the field-line quantities of positions of shape (records,).

    Latitude and longitude are in degrees, altitude in km, time in ms since 1970.
    """
    position = geodetic_to_cartesian(latitude, longitude, altitude)
    step = GRID_LATITUDE[1] - GRID_LATITUDE[0]
    index = np.stack(
        [(latitude - GRID_LATITUDE[0]) / step, (longitude % 360) / GRID_LONGITUDE_STEP + LONGITUDE_PAD]
    )
    low, high = GRID_ALTITUDES_KM
    weight = (altitude - low) / (high - low)
    q = np.stack(
        [
            (1 - weight) * map_coordinates(c[0], index, prefilter=False)
            + weight * map_coordinates(c[1], index, prefilter=False)
            for c in grid.coefficients
        ]
    )
    field = grid.table.field(position)
    south = (field * position).sum(0) > 0
    feet = np.stack([q[6:9], q[9:12]])
    foot_fields = np.stack([grid.table.field(f) for f in feet])
    strength = np.sqrt((foot_fields**2).sum(1))
    shell = 1 / np.clip(q[0], 1 / 150, 1.0)
    apex_longitude = _dipole_longitude(grid.table.dipole_axis, q[2:5])
    declination, subsolar = subsolar_point(time_ms)
    sun = _dipole_longitude(grid.table.dipole_axis, geodetic_to_cartesian(declination, subsolar, 0.0))
    return MagneticCoordinates(
        L=np.where(q[1] > MIRROR_GAP_KM, shell, -1.0),
        shell=shell,
        mlt=(12 + (apex_longitude - sun) / 15) % 24,
        apex_latitude=np.degrees(np.arccos(np.sqrt(np.clip(q[5], 0, 1)))) * np.where(south, -1, 1),
        apex_longitude=apex_longitude,
        field=field,
        foot=np.where(south, feet[1], feet[0]),
        foot_field=np.where(south, foot_fields[1], foot_fields[0]),
        loss_cone_field=strength.min(0),
        drift_loss_cone_field=np.interp(shell, SHELLS, grid.drift_field),
    )
