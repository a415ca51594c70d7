import dataclasses
import datetime as dt
import itertools

import numpy as np
import pandas as pd
import pytest

from reprocess.physics.energy import reference_energy_flux
from reprocess.schema import FLUX_PER_COUNT, MS_PER_DAY
from reprocess.simulate import TRUTH_COLUMNS, simulate_archive, simulate_day
from reprocess.simulate.fluxes import PROTONS_AS_ELECTRONS
from reprocess.simulate.geomagnetic import magnetic_grid
from reprocess.simulate.geometry import day_geometry, geometry_over_years, select
from reprocess.simulate.orbit import ORBITS
from reprocess.simulate.precipitation import (
    MARGIN_RECORDS,
    REACH_RECORDS,
    THRESHOLD_COUNTS,
    add_events,
    crossings,
)
from reprocess.simulate.profiles import css_profile, rep_profile
from reprocess.simulate.situations import special_candidates
from reprocess.simulate.structures import draw_peak, structures
from reprocess.simulate.telemetry import CHANNELS
from reprocess.simulate.truth import truth_table

START = 1_425_168_000_000  # 2015-03-01
P6 = CHANNELS.index("p6")
SAT_ID = 7

REAL_CONTAMINATION = {"REP": (0.23, 0.16, 0.29), "CSS": (0.64, 0.25, 0.63)}
"""Shares of protons in E1, E2, E3 of the two events found on the real day of 2019."""


@pytest.fixture(scope="module")
def geometry():
    return day_geometry(ORBITS["noaa18"], magnetic_grid(2015), START + 2000 * np.arange(43_200))


def on_nothing(geometry, rate=40.0, seed=0, level=0.5):
    """Events on a constant background of `level` counts."""
    n = len(geometry.time_ms)
    found = structures(seed, geometry.time_ms[0], geometry.time_ms[-1], rate)
    expected = np.full((2, len(CHANNELS), n), level)

    def usual(where):
        return np.full(where.stop - where.start, level)

    return expected, add_events(expected, 0, geometry, usual, SAT_ID, crossings(geometry, found))


def kind(event):
    return event.structure.event_class


@pytest.fixture(scope="module")
def many(geometry):
    days = [on_nothing(geometry, seed=k) for k in range(6)]
    return days, [e for _, events in days for e in events]


def test_there_are_events_of_both_classes_from_weak_to_strong(many):
    _, events = many
    assert {kind(e) for e in events} == {"REP", "CSS"}
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


def test_rate_raises_the_number_of_events(geometry):
    number = [sum(len(on_nothing(geometry, rate=r, seed=k)[1]) for k in range(40)) for r in (3.0, 12.0)]
    # Days in clusters and of different activity vary by some 120 %: 120 +- 23, four errors either way.
    assert 28 < number[0] < 212
    assert number[1] > 2 * number[0]


def test_zenith_flux_approaches_the_trapped_one(many):
    for expected, events in many[0]:
        for event in events:
            zenith, trapped = expected[:, P6, event.centre]
            assert zenith <= 1.3 * trapped
            assert zenith >= 0.3 * min(trapped, event.peak_counts / event.ratio)


def test_all_energies_are_nested(many):
    for expected, events in many[0]:
        for event in events:
            counts = expected[0, :, event.centre] - 0.5
            counts[:3] -= PROTONS_AS_ELECTRONS @ counts[4:7]
            fluxes = [
                FLUX_PER_COUNT[name] * counts[channel]
                for name, channel in zip(("e1", "e2", "e3", "e4"), (0, 1, 2, P6), strict=True)
            ]
            # Integral channels: what is above 612 keV is above 40 keV too.
            assert (np.diff(fluxes) <= 1e-6 * expected[0, 0, event.centre] * FLUX_PER_COUNT["e1"]).all()


def test_current_sheet_scattering_is_on_the_night_side_in_both_hemispheres():
    # MetOp crosses the night side in the north and the south of every orbit.
    geometry = day_geometry(ORBITS["metop01"], magnetic_grid(2015), START + 2000 * np.arange(43_200))
    events = [e for k in range(6) for e in on_nothing(geometry, seed=k)[1]]
    centres = np.array([e.centre for e in events if kind(e) == "CSS"])
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
        for event in (e for e in events if kind(e) == "CSS"):
            records = slice(max(event.start - 60, 0), event.stop + 60)
            shell = geometry.magnetic.shell[records]
            counts = expected[0, :, records] - 0.5
            channels = counts[1] - PROTONS_AS_ELECTRONS[1] @ counts[4:7], counts[P6]
            soft, hard = (boundary(c, shell) for c in channels)
            lower.append(hard < soft)
    assert np.mean(lower) > 0.8


def test_waves_scatter_at_dusk_and_midnight_in_narrow_regions(geometry, many):
    events = [e for e in many[1] if kind(e) == "REP"]
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
        assert row.event_id == f"noaa18-{row.peak_time:%Y%m%dT%H%M%S}" or row.at_gap or row.at_midnight
        assert row.peak_flux == pytest.approx(181.81818 * row.peak_counts)


def test_events_are_seen_in_the_flux(eventful_day):
    data, rows = eventful_day
    flux = data["mep_ele_tel0_flux_e4"]
    strong = [r for r in rows if r["peak_counts"] > 20 and not r["in_calibration"]]
    assert strong
    for row in strong:
        seen = flux[row["start_index"] : row["stop_index"] + 1].max()
        # The largest of several Poisson counts, through the codes.
        assert 0.5 * row["peak_flux"] < seen < 3 * row["peak_flux"]


def contamination(make, kind, draws=500):
    """Shares of protons in E1, E2, E3 of passes through many structures, with protons, over L 4-9."""
    shell = np.linspace(4.0, 9.0, 150)
    shares = []
    for k in range(draws):
        rng = np.random.default_rng(k)
        peak = draw_peak(rng)
        profile = make(shell, rng.normal(6.0, 0.5), peak, np.random.default_rng([k, 1]), rng)
        clear = profile.electrons[0, 3] > THRESHOLD_COUNTS
        if profile.protons.any() and clear.any():
            protons = PROTONS_AS_ELECTRONS @ profile.protons[1:, clear].sum(axis=1)
            shares.append(protons / (protons + profile.electrons[0, :3, clear].sum(axis=0)))
    return np.array(shares)


@pytest.mark.parametrize(("kind", "make"), [("REP", rep_profile), ("CSS", css_profile)])
def test_protons_come_with_events_as_in_the_real_ones(kind, make):
    shares = contamination(make, kind)
    # 400 events of a spread of 0.2: the error of a median is 0.013; one real event each stands for the rest.
    np.testing.assert_allclose(np.median(shares, axis=0), REAL_CONTAMINATION[kind], atol=0.1)
    assert shares.std(axis=0).min() > 0.08
    assert shares.max() < 1


def test_protons_are_counted_as_electrons_by_the_published_fractions(geometry):
    expected, events = on_nothing(geometry, rate=3.0, seed=2)
    assert events
    for event in events:
        records = slice(event.start, event.stop + 1)
        p2, p3, p4 = (expected[0, k, records] - 0.5 for k in (4, 5, 6))
        by_protons = 0.1875 * p2 + p3 + p4, 0.9286 * p3 + p4, 0.6429 * p3 + p4
        for channel, share, protons in zip((0, 1, 2), event.contamination, by_protons, strict=True):
            assert protons.sum() == pytest.approx(
                share * (expected[0, channel, records] - 0.5).sum(), rel=1e-6
            )


def window(satellite, midnight_ms, first, last):
    """Records `first` to `last` after a midnight."""
    return geometry_over_years(
        ORBITS[satellite], midnight_ms + 2000 * np.arange(first, last) + 1, (1998, 2029)
    )


def events_of(geometry, rate=30.0, special=1.0):
    """Events by time of the first record, last record and peak."""
    found = structures(3, geometry.time_ms[0], geometry.time_ms[-1], rate, special)
    candidates = crossings(geometry, found) + special_candidates(3, SAT_ID, geometry, special)
    n = len(geometry.time_ms)
    expected = np.zeros((2, len(CHANNELS), n))
    events = add_events(expected, 0, geometry, lambda _: np.float64(0.5), SAT_ID, candidates)
    times = geometry.time_ms
    rows = {tuple(times[[e.start, e.stop, e.centre]]): (e.structure, e.peak_counts, e.width) for e in events}
    return rows, expected


@pytest.mark.parametrize(("first_midnight", "days"), [(START, 24), (1_420_070_400_000, 1)])
def test_windows_of_neighbouring_days_agree_on_the_events_at_midnight(first_midnight, days):
    near, straddling = 0, 0
    for midnight in first_midnight + MS_PER_DAY * np.arange(days):
        (before, seen_before), (after, seen_after) = (
            events_of(window("metop01", midnight, first, last))
            for first, last in ((-5000, MARGIN_RECORDS), (-MARGIN_RECORDS, 5000))
        )
        # An event reaches at most so far: those further away are not in both files.
        reach = 2000 * REACH_RECORDS
        ours, theirs = (
            {k: v for k, v in rows.items() if k[0] < midnight + reach and k[1] > midnight - reach}
            for rows in (before, after)
        )
        assert ours == theirs
        near += len(ours)
        straddling += sum(k[0] < midnight < k[1] for k in ours)
        np.testing.assert_allclose(
            seen_before[..., 4950:5050], seen_after[..., MARGIN_RECORDS - 50 : MARGIN_RECORDS + 50], rtol=1e-9
        )
    if days > 1:
        assert near > 3
        assert straddling


def test_an_event_over_midnight_is_one_event_in_two_files():
    dates = (dt.date(2015, 3, 1) + dt.timedelta(days=k) for k in range(40))
    days = ((date, simulate_day("metop01", date, 3, 0.0, 1.0)) for date in dates)
    date, today = next(day for day in days if any(row["stop_index"] == 43_199 for row in day[1][1]))
    tomorrow = simulate_day("metop01", date + dt.timedelta(days=1), 3, 0.0, 1.0)
    first, second = today[1][-1], tomorrow[1][0]
    assert first["stop_index"] == len(today[0]["time"]) - 1
    assert second["start_index"] == 0
    assert 1999 <= (second["start_time"] - first["stop_time"]).astype(int) <= 2001
    for name in ("event_id", "structure", "cluster", "event_class", "peak_counts", "width_L", "protons_E3"):
        assert first[name] == second[name]
    assert first["at_midnight"]
    assert second["at_midnight"]
    table = truth_table([first, second])
    assert len(set(table["event_id"])) == 1


def test_selected_records_have_the_geometry_of_the_whole(geometry):
    part = select(geometry, slice(100, 200))
    np.testing.assert_array_equal(part.magnetic.field, geometry.magnetic.field[:, 100:200])
    np.testing.assert_array_equal(part.satellite_axes, geometry.satellite_axes[..., 100:200])
    np.testing.assert_array_equal(part.time_ms, geometry.time_ms[100:200])


def test_an_archive_without_events_has_an_empty_table_of_the_same_columns(tmp_path):
    path = simulate_archive(tmp_path, ["noaa18"], dt.date(2015, 3, 1), 1, seed=1, events_per_day=0.0)
    table = pd.read_parquet(path)
    assert len(table) == 0
    assert {k: str(v) for k, v in table.dtypes.items()} == TRUTH_COLUMNS


def test_the_true_energy_flux_is_that_of_the_spectrum() -> None:
    """At 90 degrees and the centre, where all energies have the same share.

    The reference formula is good to 9 % for exponentials and 2.2 % for power laws, all energies together.
    """
    shell = np.linspace(4.5, 5.5, 41)
    constants = np.array([FLUX_PER_COUNT[f"e{k}"] for k in (1, 2, 3, 4)])
    for seed in range(40):
        made = css_profile(shell, 5.0, 50.0, *(np.random.default_rng([seed, k]) for k in (0, 1)))
        trapped = dataclasses.replace(made, electrons=made.electrons[::-1])
        expected = reference_energy_flux(trapped.electrons[0][:, 20] * constants)
        found = trapped.energy_flux(slice(20, 21))
        assert found[0] == pytest.approx(float(expected[0]), rel=0.1)
        assert 0.999 < found[1] / float(expected[1]) < 1.6  # its tail is exponential, a power law's is longer
        above_40, above_612 = made.energy_flux(slice(10, 31))
        assert 0 < above_612 < above_40
