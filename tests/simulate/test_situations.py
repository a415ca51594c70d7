"""Each situation, made and natural, and how truth marks it."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from reprocess.schema import SATELLITES
from reprocess.simulate import SimulationError, simulate_archive, simulate_day
from reprocess.simulate.archive import _window
from reprocess.simulate.geometry import total
from reprocess.simulate.precipitation import SEEN_SHARE
from reprocess.simulate.situations import (
    ANOMALY_NT,
    MIDNIGHT_RECORDS,
    choose_events,
    special_candidates,
)
from reprocess.simulate.truth import STORM, WINDOW_RECORDS, truth_table

DATE = dt.date(2015, 3, 1)
SITUATIONS = ("at_midnight", "at_gap", "in_L_hole", "in_anomaly", "in_calibration", "in_conjunction")


@pytest.fixture(scope="module")
def hard_days():
    """Days of two satellites with many events in hard situations: variables and truth of each."""
    return [
        simulate_day(satellite, DATE + dt.timedelta(days=k), 1, 0.0, 4.0)
        for k in range(4)
        for satellite in ("metop01", "metop03")
    ]


def test_asked_for_situations_are_there(hard_days):
    table = truth_table([row for _, rows in hard_days for row in rows])
    counts = table[list(SITUATIONS)].sum()
    assert (counts[["at_gap", "in_L_hole", "in_anomaly", "in_calibration", "in_conjunction"]] >= 3).all(), (
        counts
    )
    assert not table[list(SITUATIONS)].all(axis=1).any()


def test_marks_are_what_the_files_say(hard_days):
    checked = dict.fromkeys(("hole", "anomaly", "calibration", "gap"), 0)
    for data, rows in hard_days:
        increasing = (np.diff(data["time"].astype(np.int64)) > 0).all()
        for row in rows:
            records = slice(row["start_index"], row["stop_index"] + 1)
            if not row["at_gap"]:
                assert row["in_L_hole"] == (data["L_IGRF"][records] == -1).any()
                checked["hole"] += row["in_L_hole"]
            assert row["in_storm"] == (row["storm"] > STORM)
            assert row["in_anomaly"] == (data["Btot_sat"][row["peak_index"]] < ANOMALY_NT)
            checked["anomaly"] += row["in_anomaly"]
            flags = data["mep_IFC_on"][max(row["start_index"] - 15, 0) : row["stop_index"] + 1]
            if row["in_calibration"] and not row["at_gap"]:
                assert (flags == 1).any()
                checked["calibration"] += 1
            if increasing:
                around = slice(
                    max(row["start_index"] - WINDOW_RECORDS, 0), row["stop_index"] + WINDOW_RECORDS + 1
                )
                steps = np.diff(data["time"][around].astype(np.int64))
                beginning = (
                    row["start_index"] < WINDOW_RECORDS
                    or row["stop_index"] >= len(data["time"]) - WINDOW_RECORDS
                )
                assert row["at_gap"] == (steps > 3000).any() or beginning
                checked["gap"] += row["at_gap"]
    assert min(checked.values()) >= 2, checked


def test_nothing_is_made_unless_it_is_asked_for():
    _, rows = simulate_day("noaa18", DATE, 1, 0.0, 0.0)
    assert rows == []
    window = _window("noaa18", DATE, 1)
    assert special_candidates(1, 7, window, 0.0) == []


def made_calibrations(data, records):
    """Numbers of the stretches of 400 records in which a calibration runs, and of the next ones."""
    stretches = np.flatnonzero(data["mep_IFC_on"][records] == 1) // 400
    return np.concatenate([stretches, stretches + 1])


def test_made_situations_leave_other_events_and_the_background_as_they_are():
    plain, rows = simulate_day("noaa18", DATE + dt.timedelta(days=5), 1, 6.0)
    hard, more = simulate_day("noaa18", DATE + dt.timedelta(days=5), 1, 6.0, 1.0)
    ids = {row["event_id"]: row for row in more}
    kept = [row for row in rows if row["event_id"] in ids]
    assert rows
    assert len(kept) >= len(rows) / 2  # some give way to those that are made, some fall into gaps
    for row in kept:
        assert row["peak_counts"] == ids[row["event_id"]]["peak_counts"]
    common, ours, theirs = np.intersect1d(plain["time"], hard["time"], return_indices=True)
    assert len(common) > 40_000
    quiet = (hard["mep_IFC_on"] != 1)[theirs] & ~np.isin(
        np.arange(len(common)) // 400, made_calibrations(hard, theirs)
    )
    for name in ("mep_pro_tel0_flux_p5", "mep_pro_tel90_flux_p5"):
        np.testing.assert_array_equal(plain[name][ours][quiet], hard[name][theirs][quiet])


def test_candidates_are_where_they_are_made():
    window = _window("metop01", DATE, 1)
    sat_id = SATELLITES["metop01"].sat_id
    found = special_candidates(1, sat_id, window, 30.0)
    shell, field = window.magnetic.shell, total(window.magnetic.field)
    midnights = np.flatnonzero(np.diff(window.time_ms // 86_400_000)) + 1
    kinds = [0, 0, 0]
    for candidate in found:
        kind = (candidate.structure.number >> 40) - 1
        kinds[kind] += 1
        assert 2.5 < shell[candidate.centre] < 8.5
        if kind == 0:
            assert np.abs(midnights - candidate.centre).min() <= MIDNIGHT_RECORDS
        elif kind == 1:
            assert window.magnetic.L[candidate.centre] == -1
        else:
            assert field[candidate.centre] < ANOMALY_NT
    # 30 a day are asked for, over a day and the windows' margins; passes that miss are in it.
    assert 15 < kinds[1] < 60 / SEEN_SHARE
    assert 15 < kinds[2] < 60 / SEEN_SHARE
    assert len({c.structure.number for c in found}) == len(found)


def test_conjunctions_are_passes_of_different_satellites_within_half_an_hour():
    row = simulate_day("noaa18", dt.date(2015, 3, 4), 1, 30.0)[1][0]
    later = {"peak_time": row["peak_time"] + np.timedelta64(20, "m"), "satellite": "metop01"}
    too_late = {"peak_time": row["peak_time"] + np.timedelta64(60, "m"), "satellite": "metop02"}
    other = {"structure": row["structure"] + 1, "satellite": "noaa15"}
    again = {"peak_time": row["peak_time"] + np.timedelta64(25, "m")}
    table = truth_table([row, row | later, row | too_late, row | other, row | again])
    marked = table.groupby("satellite")["in_conjunction"].all()
    assert marked.to_dict() == {"metop01": True, "metop02": False, "noaa15": False, "noaa18": True}


def test_satellites_see_the_same_structure(tmp_path):
    path = simulate_archive(
        tmp_path, ["metop01", "metop03"], DATE, 3, seed=1, events_per_day=0.0, situations_per_day=3.0
    )
    table = pd.read_parquet(path)
    together = table[table["in_conjunction"]]
    assert together["satellite"].nunique() == 2
    for _, group in together.groupby("structure"):
        assert group["satellite"].nunique() == 2
        assert len(set(group["event_class"])) == 1
        # One spectrum and ratio; the strength differs by 30 % or so from pass to pass.
        assert len(set(group["e4_ratio_0_90"])) == 1
        assert np.log(group["peak_counts"]).std() < 1.5


def test_events_are_chosen_at_most_once():
    events = [SimpleNamespace(start=k) for k in range(5)]
    chosen = choose_events(events, 50.0, np.random.default_rng(1))
    assert sorted(e.start for e in chosen) == list(range(5))
    assert choose_events([], 5.0, np.random.default_rng(1)) == []
    assert choose_events(events, 0.0, np.random.default_rng(1)) == []


def test_a_negative_rate_of_situations_is_refused(tmp_path):
    with pytest.raises(
        SimulationError, match=r"situations_per_day is -1\.0; it must be finite and not negative"
    ):
        simulate_archive(tmp_path / "out", ["noaa18"], DATE, 1, situations_per_day=-1.0)
