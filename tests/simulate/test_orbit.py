import datetime as dt

import numpy as np
import pytest

from reprocess.schema import SATELLITES
from reprocess.simulate.coordinates import geodetic_to_cartesian
from reprocess.simulate.orbit import ORBITS, positions, satellite_axes

MS_PER_DAY = 86_400_000


def day_times(date):
    return (date - dt.date(1970, 1, 1)).days * MS_PER_DAY + 2000 * np.arange(43_200)


def ascending_nodes(time_ms, lat, lon):
    """Local mean solar time in hours of the records after northward equator crossings."""
    crossing = np.flatnonzero((lat[:-1] < 0) & (lat[1:] >= 0)) + 1
    return (time_ms[crossing] % MS_PER_DAY / 3.6e6 + lon[crossing] / 15) % 24


@pytest.mark.parametrize("satellite", SATELLITES)
def test_every_satellite_flies_in_a_polar_orbit_of_known_altitude(satellite):
    time_ms = day_times(dt.date(2015, 6, 1))
    lat, lon, alt = positions(ORBITS[satellite], time_ms)
    assert 80.5 < lat.max() < 81.7
    assert -81.7 < lat.min() < -80.5
    # The field-line grid is made for these altitudes.
    assert 790 <= alt.min() < alt.max() <= 890
    assert ((lon >= 0) & (lon < 360)).all()


@pytest.mark.parametrize("satellite", ["noaa15", "metop01"])
def test_the_node_keeps_its_local_time(satellite):
    orbit = ORBITS[satellite]
    for date in (dt.date(2014, 1, 1), dt.date(2014, 7, 1)):
        time_ms = day_times(date)
        lat, lon, _ = positions(orbit, time_ms)
        expected = orbit.node_local_time(time_ms[:1])[0] % 24
        difference = (ascending_nodes(time_ms, lat, lon) - expected + 12) % 24 - 12
        # A crossing is known to one record: 2 s, half a minute of local time at most.
        assert np.abs(difference).max() < 0.02


def test_metop_keeps_half_past_nine_and_noaa18_drifts():
    years = np.array([2013.0, 2024.0])
    time_ms = (years - 1970) * 365.25 * MS_PER_DAY
    np.testing.assert_allclose(ORBITS["metop01"].node_local_time(time_ms), 21.5)
    assert np.ptp(ORBITS["noaa18"].node_local_time(time_ms)) > 5


def test_positions_continue_over_midnight():
    time_ms = day_times(dt.date(2015, 12, 31))[-1] + 2000 * np.arange(4)
    lat, lon, _ = positions(ORBITS["noaa19"], time_ms)
    steps = np.abs(np.diff(np.unwrap(lon, period=360))) + np.abs(np.diff(lat))
    assert steps.max() < 1.5


def test_satellite_axes_are_right_handed_and_point_down_and_back():
    orbit = ORBITS["noaa18"]
    time_ms = day_times(dt.date(2015, 6, 1))[:3000:100]
    x, y, z = satellite_axes(orbit, time_ms)
    gram = np.einsum("air,bir->rab", np.stack([x, y, z]), np.stack([x, y, z]))
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(3), gram.shape), atol=1e-9)
    np.testing.assert_allclose(np.cross(x, y, axis=0), z, atol=1e-9)
    here = geodetic_to_cartesian(*positions(orbit, time_ms))
    later = geodetic_to_cartesian(*positions(orbit, time_ms + 2000))
    assert ((x * here).sum(0) < 0).all()
    assert ((y * (later - here)).sum(0) < 0).all()


def test_orbits_are_those_of_the_real_days(real_files, comparison):
    for path in real_files:
        satellite, date = comparison.day_of(path)
        data = comparison.read_real(path)
        time_ms = day_times(date)
        lat, lon, alt = positions(ORBITS[satellite], time_ms)
        ours = np.median(ascending_nodes(time_ms, lat, lon))
        theirs = np.median(ascending_nodes(data["time"], data["lat"], data["lon"]))
        assert ours == pytest.approx(theirs, abs=0.15)
        # Perigee and eccentricity are fitted; both drift by a few km over a year.
        assert [alt.min(), alt.max()] == pytest.approx([data["alt"].min(), data["alt"].max()], abs=4)
        assert lat.max() == pytest.approx(data["lat"].max(), abs=0.05)
