"""L where NOAA has none: against field lines followed one by one, and NOAA's own beside the region."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from reprocess.detect.rules.traced import (
    FILE,
    LATITUDES,
    LONGITUDES,
    REGION,
    YEARS,
    inverse_L,
    trace_L,
)  # fmt: skip
from tests.support.traced import make_year, traced

NAMES = {"L_IGRF": "L_IGRF", "latitude": "lat", "longitude": "lon", "altitude": "alt", "time": "time"}


def places(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    latitude, longitude = (rng.uniform(*REGION[name], n) for name in ("latitude", "longitude"))
    return latitude, longitude, rng.uniform(800, 885, n)


@pytest.mark.parametrize("year", [1998, 2013, 2022])
def test_the_table_is_as_good_as_field_lines_followed_one_by_one(year: int) -> None:
    """Within 0.3 % of L in 99 of 100 places of the belt, and within 1 % wherever it is."""
    latitude, longitude, altitude = places(400)
    direct = traced(latitude, longitude, altitude, year)
    known, belt = (direct > 1 / 10) & (direct < 1), (direct > 1 / 10) & (direct < 1 / 2.4)
    assert 60 < belt.sum() < known.sum()
    off = inverse_L(latitude, longitude, altitude, np.full(400, year + 0.5)) / direct - 1
    assert np.abs(off[known]).max() < 1e-2
    assert np.quantile(np.abs(off[belt]), 0.99) < 3e-3
    assert off[known].std() < 1e-3


def test_the_file_is_what_the_field_lines_give() -> None:
    np.testing.assert_allclose(np.load(FILE)[4], make_year(YEARS[4]), rtol=1e-5, atol=1e-6)


def test_beside_the_region_it_is_L_as_NOAA_has_it(shared: Path) -> None:
    """Values next to missing ones are taken away and traced: the error there is that in the hole."""
    off = []
    for path in sorted((shared / "archive").glob("*/*/*.nc")):
        with h5py.File(path) as file:
            records = {name: file[source][()] for name, source in NAMES.items()}
        hole = records["L_IGRF"] == -1
        beside = np.convolve(hole, np.ones(61), "same") > 0
        beside &= ~hole & (records["L_IGRF"] < 9)
        taken = records | {"L_IGRF": np.where(beside, np.float32(-1), records["L_IGRF"])}
        found = trace_L(taken)
        again = beside & (found != -1)
        off.append(found[again] / records["L_IGRF"][again] - 1)
        assert (trace_L(records)[hole] != -1).mean() > 0.98
        assert np.array_equal(found[~hole & ~beside], records["L_IGRF"][~hole & ~beside])
    errors = np.concatenate(off)
    assert errors.size > 400
    assert errors.std() < 0.006
    assert np.abs(errors).max() < 0.02


def test_L_is_left_alone_where_there_is_one_and_outside_the_region() -> None:
    records = {
        "L_IGRF": np.array([4, -1, -1, -1, -1, -1], np.float32),
        "latitude": np.array([50, 50, 50, -50, 50, 50], np.float32),
        "longitude": np.array([340, 340, 200, 340, 340, np.inf], np.float32),
        "altitude": np.array([850, 850, 850, 850, np.nan, 850], np.float32),
        "time": np.full(6, np.datetime64("2013-07-01", "ms").astype(np.int64)),
    }
    L = trace_L(records)
    assert L[[0, 2, 3, 4, 5]].tolist() == [4, -1, -1, -1, -1]
    assert 1 < L[1] == np.float32(round(float(L[1]), 2)) < 8


def test_the_splines_are_those_of_scipy() -> None:
    rng = np.random.default_rng(3)
    corners = np.array([[5, -80], [68, 50], [5, 50], [68, -80]])
    latitude, longitude = np.concatenate([corners, rng.uniform((5, -80), (68, 50), (2000, 2))]).T
    where = np.stack([(latitude - LATITUDES[0]) / 2.5, (longitude - LONGITUDES[0]) / 5])
    for year, table in zip(YEARS, np.load(FILE).astype(float), strict=True):
        expected = map_coordinates(table[0], where, order=3, mode="mirror")
        found = inverse_L(latitude, longitude, np.full(latitude.size, 790.0), np.full(latitude.size, year))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
