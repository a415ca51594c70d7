"""Where each record is in the radiation belts: what the telescopes look at.

The flux a telescope sees depends on the mirror field Bm = B / sin^2(pitch angle) of the particles
on its axis: weaker than the drift loss cone's they are trapped, weaker than the bounce loss cone's
they survive until the South Atlantic Anomaly, else they are lost within a bounce.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from reprocess.simulate.geomagnetic import (
    MagneticCoordinates,
    MagneticGrid,
    magnetic_coordinates,
    magnetic_grid,
)
from reprocess.simulate.orbit import Orbit, positions, satellite_axes

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

TELESCOPE_AXES = np.array([[0.9877, 0.0247, 0.1545], [0.0, -0.9875, 0.1578]])
"""Directions in which the particles seen by the 0- and 90-degree MEPED telescopes move, in satellite axes.

Solved from B and the pitch angles in the real days; residual 1e-4.
"""


@dataclass(frozen=True)
class Geometry:
    """Positions and what follows from them for each record."""

    time_ms: np.ndarray
    """(records,): UTC in ms since 1970, strictly increasing."""
    latitude: np.ndarray
    longitude: np.ndarray
    altitude: np.ndarray
    """(records,) each: degrees north, degrees east 0-360, km."""
    magnetic: MagneticCoordinates
    satellite_axes: np.ndarray
    """(3 axes, 3, records): geocentric unit vectors, see `orbit.satellite_axes`."""
    satellite_field: np.ndarray
    """(3, records): B in satellite axes, nT."""
    pitch_angle: np.ndarray
    """(2, records): pitch angles of the telescopes at the satellite, degrees."""
    drift_ratio: np.ndarray
    """(2, records): ln of the telescope's mirror field over the drift loss cone's."""
    bounce_ratio: np.ndarray
    """(2, records): ln of the telescope's mirror field over the bounce loss cone's."""
    local_ratio: np.ndarray
    """(records,): ln of B at the satellite over the drift loss cone's field."""


_Arrays = TypeVar("_Arrays", bound="DataclassInstance")


def _rebuild(how: Callable[[Sequence[np.ndarray]], np.ndarray], parts: Sequence[_Arrays]) -> _Arrays:
    """Return a dataclass of the arrays that `how` makes of each field of all parts."""
    values = {f.name: [getattr(part, f.name) for part in parts] for f in fields(parts[0])}
    return type(parts[0])(
        **{k: _rebuild(how, v) if is_dataclass(v[0]) else how(v) for k, v in values.items()}
    )


def select(whole: _Arrays, records: slice) -> _Arrays:
    """Return a dataclass of arrays for some of the records, their last axis."""
    return _rebuild(lambda arrays: arrays[0][..., records], [whole])


def geometry_over_years(orbit: Orbit, time_ms: np.ndarray, years: tuple[int, int]) -> Geometry:
    """Return the geometry of one satellite at times of shape (records,), each with its year's field.

    `years` are the first and last whose field is used; times beyond them have that of the nearest.
    """
    year = np.clip(time_ms.astype("datetime64[ms]").astype("datetime64[Y]").astype(int) + 1970, *years)
    parts = [day_geometry(orbit, magnetic_grid(int(y)), time_ms[year == y]) for y in np.unique(year)]
    return parts[0] if len(parts) == 1 else _rebuild(lambda arrays: np.concatenate(arrays, axis=-1), parts)


def total(vector: np.ndarray) -> np.ndarray:
    """Return the length of vectors (3, records)."""
    return np.sqrt((vector**2).sum(0))


def day_geometry(orbit: Orbit, grid: MagneticGrid, time_ms: np.ndarray) -> Geometry:
    """Return the geometry of one satellite at times of shape (records,), ms since 1970."""
    lat, lon, alt = positions(orbit, time_ms)
    magnetic = magnetic_coordinates(grid, time_ms, lat, lon, alt)
    b = total(magnetic.field)
    axes = satellite_axes(orbit, time_ms)
    satellite_field = np.einsum("air,ir->ar", axes, magnetic.field)
    cosine = np.clip(TELESCOPE_AXES @ satellite_field / b, -1, 1)
    # At a pitch angle of 0 the mirror field is infinite: nothing is trapped there.
    mirror = b / np.maximum(1 - cosine**2, 1e-4)
    return Geometry(
        time_ms=time_ms,
        latitude=lat,
        longitude=lon,
        altitude=alt,
        magnetic=magnetic,
        satellite_axes=axes,
        satellite_field=satellite_field,
        pitch_angle=np.degrees(np.arccos(cosine)),
        drift_ratio=np.log(mirror / magnetic.drift_loss_cone_field),
        bounce_ratio=np.log(mirror / magnetic.loss_cone_field),
        local_ratio=np.log(b / magnetic.drift_loss_cone_field),
    )
