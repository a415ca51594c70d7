"""L and MLT of positions, from our own satellites' records near them.

A list that has latitude and longitude alone is given L and MLT as NOAA has them in the files of our
satellites: L and the magnetic longitude of a place hardly change within years, so any record near a place
tells them, whenever it was made; MLT turns with universal time. So both feet of a field line are one place,
and all else is as for a list with L and MLT.
"""

from collections.abc import Callable, Collection

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from reprocess import schema
from reprocess.comparison.listed import POSITIONS, Listed
from reprocess.detect.series import Series
from reprocess.errors import EventListError
from reprocess.physics.geometry import PRECIPITATION_KM
from reprocess.schema.measurements import has_L
from reprocess.work.paths import Work

Key = tuple[str, str]

ARRAYS = (
    "time", "L_IGRF", "MLT", "latitude", "longitude", "altitude", "foot_latitude", "foot_longitude",
)  # fmt: skip

FOOT_KM = 120.0
"""Altitude of the foot points."""

DAYS = 24
"""Satellite-days that are read: with fewer, passes leave gaps of more than `REACH_KM` between them."""

STRIDE = 4
"""Every so many records, about 50 km apart along the orbit."""

NEIGHBOURS, REACH_KM = 24, 150.0
"""Records that a place's L and MLT are told by, and how far they may be."""

SOFTENED_KM = 30.0
"""Distance at which a record weighs half of one at the place itself."""


def placed(
    work: Work,
    days: Collection[Key],
    listed: Listed,
    altitude: float = FOOT_KM,
    say: Callable[[str], None] = lambda _: None,
) -> Listed:
    """Return a list with L and MLT of its latitudes and longitudes, without the rows that have none.

    Parameters
    ----------
    work : Work
    days : collection of (str, str)
        Satellite-days to read records from.
    listed : Listed
        With `latitude` and `longitude` in its table.
    altitude : float
        That of the positions, km: 120 for foot points and what is seen from the ground, else that of the
        satellite that saw the events.
    say : callable
        Told what is read.

    Raises
    ------
    EventListError
        If the run has no day, or no record is near any of the positions.
    """
    if not days:
        raise EventListError(
            "the run has no day yet whose records could tell L and MLT of a list's positions"
        )
    table = listed.table
    chosen = nearest_days(days, table["start_time"])
    say(f"L and MLT of {len(table)} positions: reading {len(chosen)} satellite-days")
    known = Places.read(work, chosen, altitude)
    latitude, longitude = (table[name].to_numpy(float) for name in POSITIONS)
    shell, mlt = known.at(latitude, longitude, table["start_time"])
    here = ~np.isnan(shell)
    far = "no record near", f"no record of our satellites with L is within {REACH_KM:g} km"
    if not here.any():
        raise EventListError(
            f"no record of the run's satellites with L is within {REACH_KM:g} km of any position of the list"
        )
    left_out = [(int(line), *far) for line in table["line"][~here]]
    table = table.assign(L=shell, MLT=mlt)[here].reset_index(drop=True)
    return Listed(table, listed.rows, sorted([*listed.left_out, *left_out]), ("L", "MLT"), mapped=True)


def nearest_days(days: Collection[Key], times: "pd.Series[pd.Timestamp]") -> list[Key]:
    """Return the satellite-days that are nearest in time to the middle of a list, `DAYS` at most."""
    middle = times.sort_values().iloc[len(times) // 2]
    apart = {key: abs(pd.Timestamp(key[1]) - middle) for key in days}
    return sorted(sorted(days, key=lambda key: (apart[key], key))[:DAYS])


class Places:
    """Where records are, and what L and magnetic longitude they have."""

    def __init__(
        self, latitude: np.ndarray, longitude: np.ndarray, L: np.ndarray, MLT: np.ndarray, time_ms: np.ndarray
    ) -> None:
        self._tree = cKDTree(_on_sphere(latitude, longitude))
        self._inverse_L, self._turned = 1 / L, MLT - _hours(time_ms)

    @classmethod
    def read(cls, work: Work, days: Collection[Key], altitude: float) -> "Places":
        """Take records of satellite-days, each at this altitude (km) along its field line."""
        parts = []
        for satellite in sorted({name for name, _ in days}):
            own = sorted(schema.day_index(date) for name, date in days if name == satellite)
            series = Series(work, satellite, ARRAYS, own)
            for day in own:
                r = {name: values[..., ::STRIDE] for name, values in series.stretch(day, 0).records.items()}
                parts.append(_along_field(r, altitude))
        return cls(*(np.concatenate(x) for x in zip(*parts, strict=True)))

    def at(self, latitude: np.ndarray, longitude: np.ndarray, times: "pd.Series[pd.Timestamp]") -> tuple[
        np.ndarray, np.ndarray
    ]:  # fmt: skip
        """Return L and MLT of places (degrees) at times, shape (n,); NaN where no record is near.

        Both are those of a plane through the values of the records around, 1/L and the magnetic longitude.
        """
        target = _on_sphere(latitude, longitude)
        apart, near = self._tree.query(target, NEIGHBOURS, distance_upper_bound=REACH_KM)
        found = np.full((2, len(target)), np.nan)
        for k in np.flatnonzero(np.isfinite(apart[:, 0])):
            use = near[k][np.isfinite(apart[k])]
            weight = 1 / (1 + (apart[k][: use.size] / SOFTENED_KM) ** 2)
            turned = (self._turned[use] - self._turned[use[0]] + 12) % 24 - 12
            values = np.stack([self._inverse_L[use], turned], axis=1)
            found[:, k] = _plane(self._tree.data[use] - target[k], values, weight)
            found[1, k] += self._turned[use[0]]
        hours = _hours(times.to_numpy("datetime64[ms]").astype(np.int64))
        return 1 / found[0], (found[1] + hours) % 24


def _plane(offset: np.ndarray, values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the values where the offset is nothing, of the plane that fits best.

    Along a single pass nothing tells the slope across it: it is held small, and taken for none.
    """
    scaled = np.concatenate([np.ones((len(offset), 1)), offset / REACH_KM], axis=1)
    root = np.sqrt(weight)[:, None]
    held = np.diag([0.0, *[1e-2] * 3])
    system = np.concatenate([scaled * root, held])
    wanted = np.concatenate([values * root, np.zeros((4, values.shape[1]))])
    return np.linalg.lstsq(system, wanted, rcond=None)[0][0]


def _along_field(r: dict[str, np.ndarray], altitude: float) -> tuple[np.ndarray, ...]:
    """Return latitude, longitude, L, MLT and time of records, at an altitude between foot and satellite.

    The field line is taken as straight from the one to the other, and beyond.
    """
    ends = [_on_sphere(r["foot_latitude"], r["foot_longitude"]), _on_sphere(r["latitude"], r["longitude"])]
    share = ((altitude - FOOT_KM) / (r["altitude"].astype(float) - FOOT_KM))[:, None]
    x, y, z = (ends[0] + share * (ends[1] - ends[0])).T
    usable = has_L(r["L_IGRF"]) & np.isfinite(x) & (r["MLT"] >= 0)
    latitude, longitude = np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))
    return tuple(
        values[usable] for values in (latitude, longitude, r["L_IGRF"].astype(float), r["MLT"], r["time"])
    )


def _on_sphere(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Return points (n, 3) at the radius of the foot points, km; distances are chords."""
    phi, lam = np.radians(np.asarray(latitude, float)), np.radians(np.asarray(longitude, float))
    return PRECIPITATION_KM * np.stack(
        [np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1
    )


def _hours(time_ms: np.ndarray) -> np.ndarray:
    """Return the hour of the day (UTC)."""
    return (np.asarray(time_ms) % schema.MS_PER_DAY) / 3_600_000
