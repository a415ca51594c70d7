import numpy as np
import pytest

from reprocess.simulate.activity import Activity
from reprocess.simulate.fluxes import (
    E4_BACKGROUND,
    E4_LEAK,
    Streams,
    background,
    correlated_noise,
    e4_background,
    night_side,
    usual_e4,
)
from reprocess.simulate.geomagnetic import magnetic_grid
from reprocess.simulate.geometry import day_geometry
from reprocess.simulate.orbit import ORBITS
from reprocess.simulate.telemetry import CHANNELS

START = 1_425_168_000_000  # 2015-03-01
E1, P3, P6 = (CHANNELS.index(c) for c in ("e1", "p3", "p6"))


def streams(day=1, before=2, after=3):
    return Streams(*(np.random.default_rng(k) for k in (day, before, after)))


@pytest.fixture(scope="module")
def geometry():
    return day_geometry(ORBITS["noaa18"], magnetic_grid(2015), START + 2000 * np.arange(43_200))


def expected(geometry, storm=0.3, belt=0.5, protons=0.0):
    ones = np.ones(len(geometry.time_ms))
    state = Activity(storm * ones, belt * ones, protons * ones, ones)
    return background(geometry, state, streams(), 0.5)


def test_counts_are_finite_and_not_negative(geometry):
    counts = expected(geometry, storm=1.0, belt=1.0, protons=500.0)
    assert counts.shape == (2, len(CHANNELS), 43_200)
    assert np.isfinite(counts).all()
    assert (counts >= 0).all()


def test_a_fuller_belt_has_more_electrons_in_the_trapped_telescope(geometry):
    belt = (geometry.magnetic.shell > 4) & (geometry.magnetic.shell < 6)
    quiet, active = (np.median(expected(geometry, belt=b)[1, P6, belt]) for b in (0.0, 1.0))
    assert active > 2 * quiet


def test_the_loss_cone_is_empty_outside_the_anomaly(geometry):
    shell = geometry.magnetic.shell
    lost = (geometry.bounce_ratio[0] > 0.5) & (shell > 2.5) & (shell < 7)
    # E4 at 0 degrees is 0 or 1 counts: cosmic rays and little else.
    assert 0.3 < expected(geometry)[0, P6, lost].mean() < 1.0


def test_storms_make_more_aurora(geometry):
    oval = (geometry.magnetic.shell > 5) & (geometry.magnetic.shell < 9)
    calm, disturbed = (expected(geometry, storm=s)[0, E1, oval].mean() for s in (0.0, 1.0))
    assert disturbed > 2 * calm


def test_solar_protons_reach_the_polar_caps_alone(geometry):
    difference = expected(geometry, protons=100.0) - expected(geometry)
    shell = geometry.magnetic.shell
    np.testing.assert_allclose(difference[:, P3, shell > 8], 100.0, rtol=0.01)
    assert difference[:, P3, shell < 3].max() < 0.1


def test_noise_has_the_correlation_asked_for():
    noise = correlated_noise(streams(), 100_000, 5.0)
    assert noise.std() == pytest.approx(1, abs=0.05)
    assert np.corrcoef(noise[:-1], noise[1:])[0, 1] == pytest.approx(np.exp(-0.2), abs=0.02)


def test_noise_goes_on_over_midnight():
    def seam(day):
        """The last record of a day and the first of the next; both know the midnight between them."""
        last = correlated_noise(streams(day, 10 + day, 500 + day), 300, 20.0)[-1]
        return last, correlated_noise(streams(1000 + day, 500 + day, 700 + day), 300, 20.0)[0]

    last, first = np.array([seam(day) for day in range(400)]).T
    # Two records apart, with the midnight between them; independent days would have 0, give or take 0.05.
    assert np.corrcoef(last, first)[0, 1] == pytest.approx(np.exp(-2 / 20), abs=0.05)
    assert last.std() == pytest.approx(1, abs=0.15)


def test_e4_background_of_the_satellites_is_what_was_measured():
    for satellite, year, counts in (
        ("noaa15", 2019.8, 0.50),
        ("noaa18", 2019.8, 0.59),
        ("noaa19", 2019.8, 0.54),
    ):
        assert e4_background(satellite, year) == pytest.approx(counts, abs=0.01)
    assert e4_background("noaa19", 2022.8) == pytest.approx(0.43, abs=0.01)
    levels = [e4_background(s, y) for s in E4_BACKGROUND for y in np.arange(1998, 2030, 0.5)]
    assert 0.43 <= min(levels) < max(levels) <= 0.59


def test_polar_caps_have_the_background_asked_for(geometry):
    ones = np.ones(len(geometry.time_ms))
    state = Activity(0.3 * ones, 0.5 * ones, 0 * ones, ones)
    cap = geometry.magnetic.shell > 12
    for level in (0.43, 0.59):
        counts = background(geometry, state, streams(), level)[0, P6, cap]
        assert counts.mean() == pytest.approx(level, rel=0.02)


def test_some_of_what_the_90_degree_telescope_counts_leaks_into_the_other(geometry):
    counts = expected(geometry, belt=1.0)[:, P6]
    shell = geometry.magnetic.shell
    belt = (shell > 4) & (shell < 6) & (counts[1] > 10) & (geometry.drift_ratio[0] > 0.5)
    assert belt.sum() > 1000
    leak = (counts[0, belt] - 0.5) / (counts[1, belt] - 0.5)
    assert np.median(leak) == pytest.approx(E4_LEAK, rel=0.2)


def test_usual_e4_is_the_background_without_its_variations(geometry):
    ones = np.ones(len(geometry.time_ms))
    state = Activity(0.3 * ones, 0.5 * ones, 5 * ones, ones)
    ratio = background(geometry, state, streams(), 0.5)[0, P6] / usual_e4(geometry, state, 0.5)
    assert np.median(ratio) == pytest.approx(1, abs=0.02)
    # Levels vary by exp(0.35), one standard deviation.
    assert 0.2 < ratio.min() < ratio.max() < 6


def test_night_is_around_midnight():
    weight = night_side(np.array([23.5, 0.5, 6.0, 12.0, 18.0]))
    assert weight[0] > 0.99
    assert weight[1] > 0.9
    assert weight[3] < 0.01
    assert weight[2] < 0.2
    assert weight[4] < 0.3


@pytest.fixture(scope="module")
def days(shared, comparison):
    pairs = comparison.day_pairs(shared / "archive")
    return [r for r, _ in pairs], [s for _, s in pairs]


def test_counts_by_l_are_those_of_the_real_days(days, comparison):
    # Real days differ from one another by up to a factor of ten in the outer belt, and parts of days
    # sample the Anomaly unevenly: within a factor of four is the same environment.
    real, simulated = days
    apart = []
    for band, limits in enumerate(comparison.BANDS):
        for name in ("e1", "e2", "e3", "p6"):
            k = CHANNELS.index(name)
            for telescope in (0, 1):
                a, b = (
                    np.percentile(comparison.band_counts(d, band)[telescope, k], 90) + 2
                    for d in (real, simulated)
                )
                if not 0.25 < a / b < 4:
                    apart.append((limits, name, telescope, float(a), float(b)))
    # At the edge of the Anomaly, L 1-1.2, levels change by a factor of ten within a few degrees.
    assert len(apart) <= 3, apart


def test_zenith_background_outside_the_anomaly_is_real(days, comparison):
    real, simulated = days
    for band in range(3, len(comparison.BANDS)):
        for name in ("e2", "e3", "p6"):
            k = CHANNELS.index(name)
            a, b = (np.median(comparison.band_counts(d, band)[0, k]) for d in (real, simulated))
            assert abs(a - b) <= 1, (comparison.BANDS[band], name)


def test_polar_cap_background_and_leak_are_real(days, comparison):
    real, simulated = days
    for a, b in zip(real, simulated, strict=True):
        # 3,000 records and more at half a count: the standard error is 0.013.
        assert comparison.polar_cap_e4(a) == pytest.approx(comparison.polar_cap_e4(b), abs=0.06)
    (low, slope), (low_simulated, slope_simulated) = (comparison.belt_leak(d) for d in days)
    assert abs(low - low_simulated) < 0.1
    assert 0 < slope < 0.03
    assert 0 < slope_simulated < 0.03


def test_e4_is_missing_as_often_as_in_the_real_days(days, comparison):
    for a, b in zip(*(comparison.missing_share(d) for d in days), strict=True):
        assert 0.5 < a / b < 2


def test_ratio_of_the_telescopes_is_real(days, comparison):
    for name in ("e1", "e2", "e3"):
        a, b = (comparison.telescope_ratio(d, name) for d in days)
        assert 0.4 < a / b < 2.5, name


def test_neighbouring_records_are_correlated_as_in_the_real_days(days, comparison):
    for telescope in (0, 1):
        for name in ("e1", "e2", "e3", "p6"):
            a, b = (comparison.step_correlation(d, telescope, name) for d in days)
            assert abs(a - b) < 0.2, (telescope, name)


def test_gaps_in_l_are_as_common_where_the_real_files_flew(real_files, comparison):
    for path in real_files:
        data = comparison.read_real(path)
        ours = (comparison.real_coordinates(data).L < 0).mean()
        assert abs(ours - (data["L_IGRF"] < 0).mean()) < 0.01
