import datetime as dt

import numpy as np

from reprocess.simulate.records import (
    CALIBRATION_EVERY_DAYS,
    FRAME_RECORDS,
    NOMINAL_RECORDS,
    calibration,
    record_order,
    time_tags,
)
from reprocess.simulate.telemetry import CALIBRATION_RECORDS

DATE = dt.date(2015, 3, 1)


def test_time_tags_fill_the_day_in_steps_of_two_seconds():
    tags = time_tags(DATE, np.random.default_rng(0))
    assert len(tags) == NOMINAL_RECORDS
    assert set(np.diff(tags)) == {1999, 2000, 2001}
    days = tags.astype("datetime64[ms]").astype("datetime64[D]")
    assert set(days) == {np.datetime64(DATE)}


def test_time_steps_vary_as_often_as_in_real_files(real_files, comparison):
    ours = np.mean(np.diff(time_tags(DATE, np.random.default_rng(0))) != 2000)
    theirs = [np.mean(np.diff(comparison.read_real(p)["time"]) != 2000) for p in real_files]
    assert abs(ours - np.mean(theirs)) < 0.02


def test_calibration_comes_once_a_week_and_is_flagged_once_a_frame():
    rng = np.random.default_rng(0)
    calibrated = []
    for k in range(3 * CALIBRATION_EVERY_DAYS):
        pulses, flag, on = calibration(DATE + dt.timedelta(days=k), 7, rng)
        sampled = np.flatnonzero(flag >= 0)
        assert (np.diff(sampled) == FRAME_RECORDS).all()
        np.testing.assert_array_equal(flag[sampled] == 1, on[sampled])
        assert (pulses[:, ~on] == 0).all()
        if on.any():
            calibrated.append(k)
            assert on.sum() == CALIBRATION_RECORDS
            assert np.flatnonzero(on)[0] in sampled
            assert (flag == 1).sum() == CALIBRATION_RECORDS / FRAME_RECORDS
    assert np.diff(calibrated).tolist() == [CALIBRATION_EVERY_DAYS] * 2


def test_files_are_sometimes_incomplete_rarely_out_of_order():
    orders = [record_order(np.random.default_rng(k)) for k in range(400)]
    lengths = np.array([len(o) for o in orders])
    assert all(o.min() >= 0 and o.max() < NOMINAL_RECORDS and len(o) > 0 for o in orders)
    complete = np.mean([np.array_equal(o, np.arange(NOMINAL_RECORDS)) for o in orders])
    disordered = np.mean([(np.diff(o) < 0).any() for o in orders])
    repeated = np.mean([len(np.unique(o)) < len(o) for o in orders])
    late = np.mean([o.min() > 1000 for o in orders])
    # Expected: 0.69, 0.04, 0.02, 0.02; bounds are five standard errors of 400 draws.
    assert 0.57 < complete < 0.81
    assert 0 < disordered < 0.09
    assert 0 < repeated < 0.06
    assert 0 < late < 0.06
    assert (lengths < 0.9 * NOMINAL_RECORDS).mean() > 0.03
