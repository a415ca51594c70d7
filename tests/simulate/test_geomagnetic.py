import datetime as dt

import h5py
import numpy as np
import ppigrf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprocess.simulate import SimulationError
from reprocess.simulate.coordinates import (
    EARTH_RADIUS_KM,
    cartesian_to_geodetic,
    geodetic_to_cartesian,
    spherical_components,
    subsolar_point,
)
from reprocess.simulate.geomagnetic import (
    FOOT_ALTITUDE_KM,
    field_table,
    hilton_l,
    magnetic_coordinates,
    magnetic_grid,
)

YEAR = 2015


def coordinates(lat, lon, altitude=850.0, time_ms=0.0):
    lat, lon, altitude, time_ms = np.broadcast_arrays(*np.atleast_1d(lat, lon, altitude, time_ms))
    return magnetic_coordinates(magnetic_grid(YEAR), time_ms, lat, lon, altitude)


@given(st.floats(-89.9, 89.9), st.floats(0, 359.99), st.floats(0, 1000))
def test_geodetic_coordinates_come_back(lat, lon, altitude):
    position = geodetic_to_cartesian(np.array([lat]), np.array([lon]), altitude)
    back = cartesian_to_geodetic(position)
    np.testing.assert_allclose([b[0] for b in back], [lat, lon, altitude], atol=1e-5)


def test_the_table_is_the_igrf():
    rng = np.random.default_rng(0)
    position = rng.normal(size=(3, 300))
    position *= rng.uniform(1.0, 4.0, 300) / np.linalg.norm(position, axis=0)
    r = np.linalg.norm(position, axis=0)
    colatitude = np.degrees(np.arccos(position[2] / r))
    longitude = np.degrees(np.arctan2(position[1], position[0]))
    middle = dt.datetime(YEAR, 7, 2, 12)
    theirs = ppigrf.igrf_gc(r * EARTH_RADIUS_KM, colatitude, longitude, middle)
    ours = spherical_components(field_table(YEAR).field(position), position)
    strength = np.sqrt(sum(t[0] ** 2 for t in theirs))
    for a, b in zip(ours, theirs, strict=True):
        # Linear interpolation in a table of 2 degrees.
        assert (np.abs(a - b[0]) / strength).max() < 2e-3


def test_years_without_a_field_model_are_refused():
    with pytest.raises(SimulationError, match=r"year 2050 .* simulate a date"):
        field_table(2050)


def test_l_of_an_equatorial_particle_is_its_dipole_distance():
    moment = 30_000.0
    distance = np.array([1.1, 2.0, 6.6])
    np.testing.assert_allclose(hilton_l(np.zeros(3), moment / distance**3, moment), distance, rtol=1e-12)


def test_l_of_a_dipole_particle_anywhere_is_that_of_its_line():
    # I of a dipole line between mirror latitudes +-lm, by direct summation.
    moment, shell, mirror_latitude = 30_000.0, 5.0, np.radians(50.0)
    lat = np.linspace(-mirror_latitude, mirror_latitude, 200_001)
    b = moment / shell**3 * np.sqrt(1 + 3 * np.sin(lat) ** 2) / np.cos(lat) ** 6
    ds = shell * np.cos(lat) * np.sqrt(1 + 3 * np.sin(lat) ** 2)
    integral = np.trapezoid(np.sqrt(np.clip(1 - b / b[0], 0, None)) * ds, lat)
    assert hilton_l(np.array([integral]), b[:1], moment)[0] == pytest.approx(shell, rel=1e-3)


def test_lines_that_do_not_come_back_have_infinite_l():
    assert np.isinf(hilton_l(np.array([np.inf]), np.array([3e4]), 3e4))[0]


def test_l_is_the_same_at_both_ends_of_a_field_line():
    north = coordinates(np.array([55.0, 60.0, 65.0]), np.array([190.0, 200.0, 210.0]))
    # The other foot of these lines, found by its apex: search the southern hemisphere.
    lat, lon = (a.ravel() for a in np.meshgrid(np.arange(-80, -40, 0.25), np.arange(150, 260, 0.5)))
    south = coordinates(lat, lon)
    for k in range(3):
        distance = np.abs(np.abs(south.apex_latitude) - north.apex_latitude[k]) + np.abs(
            south.apex_longitude - north.apex_longitude[k]
        )
        assert south.shell[distance.argmin()] == pytest.approx(north.shell[k], rel=0.02)


def test_gaps_in_l_are_where_the_conjugate_point_is_in_the_ground():
    # Off Ireland the conjugate point is in the South Atlantic Anomaly; over the Pacific it is not.
    assert coordinates(50.0, 340.0).L[0] == -1
    assert coordinates(50.0, 340.0).shell[0] > 1
    assert coordinates(50.0, 200.0).L[0] > 1


def test_local_time_turns_with_the_earth():
    noon = 1_426_852_800_000.0  # 2015-03-20 12:00
    hours = np.arange(0, 24, 3)
    mlt = coordinates(60.0, 0.0, time_ms=noon + 3.6e6 * hours).mlt
    steps = np.diff(np.unwrap(mlt, period=24))
    np.testing.assert_allclose(steps, 3, atol=0.7)  # the dipole is tilted
    assert ((mlt >= 0) & (mlt < 24)).all()


def test_sun_is_over_the_equator_at_the_equinox_and_over_greenwich_at_noon():
    declination, longitude = subsolar_point(np.array([1_426_891_500_000.0]))  # 2015-03-20 22:45
    assert abs(declination[0]) < 0.02
    _, longitude = subsolar_point(np.array([1_429_099_200_000.0]))  # 2015-04-15 12:00, equation of time 0
    assert min(longitude[0], 360 - longitude[0]) < 0.1


def test_coordinates_are_those_of_the_real_files(real_files, comparison):
    for path in real_files:
        data = comparison.read_real(path)
        magnetic = comparison.real_coordinates(data)
        real_l = data["L_IGRF"]
        known = (real_l > 0) & (magnetic.L > 0)
        for low, high, tolerance in ((1, 2, 0.015), (2, 4, 0.04), (4, 8, 0.12), (8, 15, 0.3)):
            inside = known & (real_l >= low) & (real_l < high)
            # About half more than measured: the files' field model lags behind by up to five years.
            assert np.percentile(np.abs(magnetic.L[inside] - real_l[inside]), 95) < tolerance
        assert ((real_l < 0) == (magnetic.L < 0)).mean() > 0.97
        hours = (magnetic.mlt - data["MLT"] + 12) % 24 - 12
        belt = known & (real_l > 2) & (real_l < 8)
        assert abs(np.median(hours[belt])) < 0.25
        assert np.percentile(np.abs(hours[belt]), 95) < 0.6
        field = np.linalg.norm(magnetic.field, axis=0)
        assert np.percentile(np.abs(field / data["Btot_sat"] - 1), 95) < 0.015
        foot_lat, _, foot_alt = cartesian_to_geodetic(magnetic.foot)
        assert np.percentile(np.abs(foot_lat - data["geod_lat_foot"]), 95) < 0.3
        assert np.percentile(np.abs(foot_alt - FOOT_ALTITUDE_KM), 95) < 1.0
        apex = np.abs(magnetic.apex_latitude - data["aacgm_lat_foot"])
        assert np.median(apex) < 1.5


def test_foot_points_are_where_the_field_is_that_of_the_real_files(real_files):
    epochs = {"2019": dt.datetime(2015, 1, 1), "2022": dt.datetime(2022, 7, 1)}  # of the field in the files
    for path in real_files:
        with h5py.File(path) as file:
            lat, lon, real = (
                file[name][::40].astype(float) for name in ("geod_lat_foot", "geod_lon_foot", "Btot_foot")
            )

        def off(altitude, lat=lat, lon=lon, real=real, epoch=epochs[path.parent.parent.name]):
            components = ppigrf.igrf(lon, lat, np.full(lat.size, altitude), epoch)
            return np.median(np.sqrt(sum(c[0] ** 2 for c in components)) - real)

        assert abs(off(FOOT_ALTITUDE_KM)) < 25
        # The field falls by 20 nT a km: two kilometres off would be seen.
        assert off(FOOT_ALTITUDE_KM - 4) > 50
        assert off(FOOT_ALTITUDE_KM + 4) < -50
