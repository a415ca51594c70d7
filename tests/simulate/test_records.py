import datetime as dt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reprocess.simulate.records import (
    CALIBRATION_EVERY_DAYS,
    FRAME_RECORDS,
    LEAST_RECORDS,
    NOMINAL_RECORDS,
    STEP_MS,
    calibration_near,
    calibrations,
    clock,
    gap_length,
    gap_near,
    record_order,
    time_tags,
    weekly_calibration,
)
from reprocess.simulate.telemetry import CALIBRATION_RECORDS, CHANNELS, E4_P5_LIMIT

DATE = dt.date(2015, 3, 1)


def test_time_tags_fill_the_day_in_steps_of_two_seconds():
    tags = time_tags(DATE, 865, np.random.default_rng(0))
    assert len(tags) == NOMINAL_RECORDS
    assert set(np.diff(tags)) == {1999, 2000, 2001}
    days = tags.astype("datetime64[ms]").astype("datetime64[D]")
    assert set(days) == {np.datetime64(DATE)}


def test_the_clock_goes_on_at_midnight():
    for satellite in range(1, 14):
        first, frame = clock(1, satellite)
        assert 0 <= first < STEP_MS
        assert 0 <= frame < FRAME_RECORDS
        days = [time_tags(DATE + dt.timedelta(days=k), first, np.random.default_rng(k)) for k in range(2)]
        assert abs(int(days[1][0] - days[0][-1]) - STEP_MS) <= 1
    assert len({clock(1, satellite) for satellite in range(1, 14)}) > 5


def test_time_steps_vary_as_often_as_in_real_files(real_files, comparison):
    ours = np.mean(np.diff(time_tags(DATE, 0, np.random.default_rng(0))) != 2000)
    theirs = [np.mean(np.diff(comparison.read_real(p)["time"]) != 2000) for p in real_files]
    assert abs(ours - np.mean(theirs)) < 0.02


def test_a_calibration_is_flagged_once_a_frame():
    pulses, flag, on = calibrations([5 + 16 * 100], 5)
    sampled = np.flatnonzero(flag >= 0)
    assert (np.diff(sampled) == FRAME_RECORDS).all()
    np.testing.assert_array_equal(flag[sampled] == 1, on[sampled])
    assert (pulses[:, ~on] == 0).all()
    assert on.sum() == CALIBRATION_RECORDS
    assert np.flatnonzero(on)[0] in sampled
    assert (flag == 1).sum() == CALIBRATION_RECORDS / FRAME_RECORDS


def test_a_calibration_disturbs_e4_only_for_a_while_and_then_takes_it_away():
    pulses, _, _ = calibrations([0], 0)
    e1, p5, p6 = (np.flatnonzero(pulses[CHANNELS.index(c)] > 20) for c in ("e1", "p5", "p6"))
    assert 2 <= e1[0] <= 10
    assert 170 <= e1[-1] <= 180
    assert 58 <= p6[0] <= 64
    assert 80 <= p6[-1] <= 88
    missing = np.flatnonzero(pulses[CHANNELS.index("p5")] > E4_P5_LIMIT)
    assert 164 <= missing[0] <= 170
    assert 178 <= missing[-1] <= p5[-1] + 4 <= 186


@given(st.integers(-CALIBRATION_RECORDS - 50, NOMINAL_RECORDS + 50))
def test_a_calibration_over_midnight_is_the_same_one_on_both_days(start):
    today, tomorrow = (calibrations([start - shift], 0) for shift in (0, NOMINAL_RECORDS))
    on = np.concatenate([today[2], tomorrow[2]])
    wanted = np.zeros(2 * NOMINAL_RECORDS, bool)
    wanted[max(start, 0) : max(start + CALIBRATION_RECORDS, 0)] = True
    np.testing.assert_array_equal(on, wanted)
    pulses = np.concatenate([today[0], tomorrow[0]], axis=1)
    whole = calibrations([NOMINAL_RECORDS // 2], 0)[0]
    first, last = max(start, 0), max(start + CALIBRATION_RECORDS, 0)
    shift = NOMINAL_RECORDS // 2 - start
    np.testing.assert_array_equal(pulses[:, first:last], whole[:, first + shift : last + shift])


def test_calibrations_come_once_a_week_at_any_phase_of_the_orbit():
    starts = []
    for satellite in range(1, 14):
        days = [weekly_calibration(1, satellite, DATE + dt.timedelta(days=k), 3) for k in range(70)]
        assert (
            np.diff([k for k, start in enumerate(days) if start is not None]).tolist()
            == [CALIBRATION_EVERY_DAYS] * 9
        )
        starts += [start for start in days if start is not None]
    assert {start % FRAME_RECORDS for start in starts} == {3}
    # An orbit is some 3050 records: 130 calibrations are in all parts of it, and some run over midnight.
    assert np.histogram(np.array(starts) % 3050, bins=8, range=(0, 3050))[0].min() > 4


@given(st.integers(0, NOMINAL_RECORDS - 1), st.integers(0, FRAME_RECORDS - 1), st.integers(0, 2**32))
def test_a_calibration_can_be_put_over_any_record(record, frame, seed):
    start = calibration_near(record, frame, np.random.default_rng(seed))
    assert start % FRAME_RECORDS == frame
    assert 0 <= start <= NOMINAL_RECORDS - CALIBRATION_RECORDS
    assert start - FRAME_RECORDS <= record < start + CALIBRATION_RECORDS + 2 * FRAME_RECORDS


def test_gaps_are_short_and_long():
    lengths = np.array([gap_length(np.random.default_rng(k)) for k in range(500)])
    assert lengths.min() == 1
    # Half are geometric with a mean of 4, half log-normal with a median of 150.
    assert 0.3 < (lengths < 7).mean() < 0.65
    assert (lengths > 300).mean() > 0.05


@given(st.integers(0, NOMINAL_RECORDS - 101), st.integers(0, 100), st.integers(0, 2**32))
def test_a_gap_can_be_put_beside_any_records(start, length, seed):
    lost = gap_near(start, start + length, np.random.default_rng(seed))
    assert lost.start >= 0
    assert lost.stop >= start - 2
    assert lost.start <= start + length + 3


def test_files_are_sometimes_incomplete_rarely_out_of_order():
    orders = [record_order(np.random.default_rng(k)) for k in range(400)]
    lengths = np.array([len(o) for o in orders])
    assert all(o.min() >= 0 and o.max() < NOMINAL_RECORDS and len(o) > 0 for o in orders)
    complete = np.mean([np.array_equal(o, np.arange(NOMINAL_RECORDS)) for o in orders])
    disordered = np.mean([(np.diff(o) < 0).any() for o in orders])
    repeated = np.mean([len(np.unique(o)) < len(o) for o in orders])
    late = np.mean([o.min() > 1000 for o in orders])
    # Expected: 0.68, 0.04, 0.02, 0.02; bounds are five standard errors of 400 draws.
    assert 0.57 < complete < 0.81
    assert 0 < disordered < 0.09
    assert 0 < repeated < 0.06
    assert 0 < late < 0.06
    assert (lengths < 0.9 * NOMINAL_RECORDS).mean() > 0.03


def test_what_is_lost_is_missing_but_never_everything():
    order = record_order(np.random.default_rng(0), [slice(100, 110), slice(0, NOMINAL_RECORDS)])
    assert not np.isin(np.arange(100, 110), order).any()
    assert len(order) > LEAST_RECORDS
