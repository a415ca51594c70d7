import datetime as dt
import itertools

import numpy as np
import pandas as pd
import pytest

from reprocess.schema import FLUX_PER_COUNT
from reprocess.simulate import TRUTH_COLUMNS, simulate_archive
from reprocess.simulate.activity import Activity
from reprocess.simulate.archive import truth_table
from reprocess.simulate.geomagnetic import magnetic_grid
from reprocess.simulate.geometry import day_geometry
from reprocess.simulate.orbit import ORBITS
from reprocess.simulate.precipitation import THRESHOLD_COUNTS, add_events
from reprocess.simulate.telemetry import CHANNELS

START = 1_425_168_000_000  # 2015-03-01
P6 = CHANNELS.index("p6")


@pytest.fixture(scope="module")
def geometry():
    return day_geometry(ORBITS["noaa18"], magnetic_grid(2015), START + 2000 * np.arange(43_200))


def on_nothing(geometry, rate=40.0, seed=0, storm=0.5, level=0.5):
    """Events on a constant background of `level` counts."""
    n = len(geometry.time_ms)
    state = Activity(np.full(n, storm), np.full(n, 0.5), np.zeros(n))
    expected = np.full((2, len(CHANNELS), n), level)
    return expected, add_events(expected, geometry, state, rate, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def many(geometry):
    days = [on_nothing(geometry, seed=k) for k in range(6)]
    return days, [e for _, events in days for e in events]


def test_there_are_events_of_both_classes_from_weak_to_strong(many):
    _, events = many
    assert {e.event_class for e in events} == {"REP", "CSS"}
    peaks = np.array([e.peak_counts for e in events])
    assert peaks.min() < 5
    assert peaks.max() > 60


def test_events_do_not_share_records(many):
    for _, events in many[0]:
        for a, b in itertools.pairwise(events):
            assert a.stop < b.start


def test_records_of_an_event_are_those_above_threshold_and_background(geometry):
    expected, events = on_nothing(geometry, rate=1.0, seed=5)
    for event in events:
        above = expected[0, P6] - 0.5
        inside = above[event.start : event.stop + 1]
        assert inside[[0, -1]].min() > THRESHOLD_COUNTS
        assert inside.max() == pytest.approx(event.peak_counts)
        assert above[event.centre] == pytest.approx(event.peak_counts)


def test_weak_events_on_a_strong_background_are_no_events(geometry):
    _, events = on_nothing(geometry, level=1000.0)
    assert events == []


def test_no_rate_no_events(geometry):
    expected, events = on_nothing(geometry, rate=0.0)
    assert events == []
    assert (expected == 0.5).all()


def test_rate_and_activity_raise_the_number(geometry):
    number = [
        sum(len(on_nothing(geometry, rate=r, storm=s, seed=k)[1]) for k in range(15))
        for r, s in ((3.0, 0.3), (12.0, 0.3), (3.0, 1.0))
    ]
    # 15 days at 3 a day and 0.91 activity: 41 expected before overlaps, five standard errors either way.
    assert 9 < number[0] < 73
    assert number[1] > 2 * number[0]
    assert number[2] > number[0]


def test_zenith_flux_approaches_the_trapped_one(many):
    for expected, events in many[0]:
        for event in events:
            zenith, trapped = expected[:, P6, event.centre]
            assert zenith <= 1.3 * trapped
            assert zenith >= 0.3 * min(trapped, event.peak_counts / event.ratio)


def test_all_energies_are_nested(many):
    for expected, events in many[0]:
        for event in events:
            fluxes = [
                FLUX_PER_COUNT[name] * (expected[0, channel, event.centre] - 0.5)
                for name, channel in zip(("e1", "e2", "e3", "e4"), (0, 1, 2, P6), strict=True)
            ]
            # Integral channels: what is above 612 keV is above 40 keV too.
            assert (np.diff(fluxes) <= 1e-6 * fluxes[0]).all()


def test_current_sheet_scattering_is_on_the_night_side_in_both_hemispheres():
    # MetOp crosses the night side in the north and the south of every orbit.
    geometry = day_geometry(ORBITS["metop01"], magnetic_grid(2015), START + 2000 * np.arange(43_200))
    events = [e for k in range(3) for e in on_nothing(geometry, seed=k)[1]]
    centres = np.array([e.centre for e in events if e.event_class == "CSS"])
    mlt = geometry.magnetic.mlt[centres]
    assert ((mlt > 18) | (mlt < 5)).all()
    north = (geometry.latitude[centres] > 0).mean()
    assert 0.25 < north < 0.75


def test_current_sheet_scattering_reaches_lower_l_at_higher_energy(geometry, many):
    def boundary(counts, shell):
        """Lowest L where a channel is at half its largest."""
        return shell[counts > 0.5 * counts.max()].min()

    lower = []
    for expected, events in many[0]:
        for event in (e for e in events if e.event_class == "CSS"):
            records = slice(max(event.start - 60, 0), event.stop + 60)
            shell = geometry.magnetic.shell[records]
            channels = [expected[0, k, records] - 0.5 for k in (CHANNELS.index("e2"), P6)]
            soft, hard = (boundary(c, shell) for c in channels)
            lower.append(hard < soft)
    assert np.mean(lower) > 0.9


def test_waves_scatter_at_dusk_and_midnight_in_narrow_regions(geometry, many):
    events = [e for e in many[1] if e.event_class == "REP"]
    widths = np.array([e.width for e in events])
    assert 0.05 <= widths.min() < 0.15
    assert 0.4 < widths.max() <= 1.0
    centres = np.array([e.centre for e in events])
    shell = geometry.magnetic.shell[centres]
    assert 3 < shell.min() < shell.max() < 8.5
    weighted = (geometry.magnetic.mlt[centres] > 15) | (geometry.magnetic.mlt[centres] < 3)
    belt = (geometry.magnetic.shell > 4) & (geometry.magnetic.shell < 7)
    dwell = (geometry.magnetic.mlt[belt] > 15) | (geometry.magnetic.mlt[belt] < 3)
    assert weighted.mean() > dwell.mean() + 0.05


def test_truth_points_into_the_file(eventful_day):
    data, rows = eventful_day
    assert len(rows) > 5
    table = truth_table(rows)
    n = len(data["time"])
    for row in table.itertuples():
        assert 0 <= row.start_index <= row.peak_index <= row.stop_index < n
        for what in ("start", "peak", "stop"):
            index, time = getattr(row, f"{what}_index"), getattr(row, f"{what}_time")
            assert int(data["time"][index]) == time.value // 1_000_000
        assert row.hemisphere == ("N" if row.latitude >= 0 else "S")
        assert row.latitude == pytest.approx(float(data["lat"][row.peak_index]), abs=1e-3)
        assert pytest.approx(float(data["MLT"][row.peak_index]), abs=0.01) == row.MLT
        assert row.L_min <= row.L <= row.L_max
        assert row.peak_flux == pytest.approx(181.81818 * row.peak_counts)


def test_events_are_seen_in_the_flux(eventful_day):
    data, rows = eventful_day
    flux = data["mep_ele_tel0_flux_e4"]
    strong = [r for r in rows if r["peak_counts"] > 20 and not r["calibration"]]
    assert strong
    for row in strong:
        seen = flux[row["start_index"] : row["stop_index"] + 1].max()
        # The largest of several Poisson counts, through the codes.
        assert 0.5 * row["peak_flux"] < seen < 3 * row["peak_flux"]


def test_an_archive_without_events_has_an_empty_table_of_the_same_columns(tmp_path):
    path = simulate_archive(tmp_path, ["noaa18"], dt.date(2015, 3, 1), 1, seed=1, events_per_day=0.0)
    table = pd.read_parquet(path)
    assert len(table) == 0
    assert {k: str(v) for k, v in table.dtypes.items()} == TRUTH_COLUMNS
