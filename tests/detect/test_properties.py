import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from reprocess.classifier.features import Windows
from reprocess.detect.flags import GAP_MS, event_flags, record_flags
from reprocess.detect.properties import Day, describe
from reprocess.detect.rules.mode import Look, Mode, Stretch
from reprocess.detect.rules.modes import MODES
from reprocess.schema import EVENT_COLUMNS, EVENT_FLAGS
from reprocess.schema.measurements import not_measured

N = 40
START = int(np.datetime64("2019-10-24", "ms").astype(np.int64))
FIRST = 511
"""Bits of the flags that tests here are about."""
MODE = next(iter(MODES.values()))({})


def records() -> dict[str, np.ndarray]:
    """A day of 40 records in which every value tells its record."""
    i = np.arange(N)
    flux = np.empty((2, 4, N), np.float32)
    for telescope in range(2):
        for energy in range(4):
            flux[telescope, energy] = 1000 * (telescope + 1) + 100 * (energy + 1) + i
    return {
        "time": START + 2000 * i.astype(np.int64),
        "electron_flux": flux,
        "L_IGRF": (3 + i / 100).astype(np.float32),
        "MLT": (6 + i / 100).astype(np.float32),
        "latitude": (50 + i / 10).astype(np.float32),
        "longitude": (100 + i).astype(np.float32),
        "ifc_on": np.zeros(N, np.int8),
        "B_sat": np.full(N, 30_000, np.float32),
    }


def a_day(content: dict[str, np.ndarray], L: np.ndarray, offset: int = 3) -> Day:
    i = np.arange(N - 7)
    probabilities = np.stack([0 * i, 0.6 + 0.005 * i, 0.6 + 0.01 * i], axis=1).astype(np.float32)
    windows, calibrating = Windows(N, offset), content["ifc_on"] == 1
    missing, possible = not_measured(content), np.ones(windows.count, bool)
    look = Look(L, np.zeros(N, bool), missing, calibrating, calibrating, windows, possible)
    stretch = Stretch(content, slice(0, N), {"2019-10-24": 0})
    return Day("noaa18", dt.date(2019, 10, 24), stretch, look, probabilities, "ab" * 32)


def described(day: Day, found: dict, untold: dict, mode: Mode = MODE, *names: str) -> dict[str, list]:
    of_records = record_flags(day.stretch, day.look)
    bits = event_flags(day.stretch, day.look, day.probabilities, found, of_records, mode)
    return describe(day, found, untold, bits, *(names or ("m", "r")))


def intervals(REP=(), CSS=()) -> dict[str, np.ndarray]:
    return {name: np.array(found, int).reshape(-1, 2) for name, found in (("REP", REP), ("CSS", CSS))}


def rows(content=None, REP=(), CSS=(), L=None, offset=3) -> list[dict]:
    content = records() if content is None else content
    L = content["L_IGRF"] if L is None else L
    found = intervals(REP, CSS)
    untold = {name: np.full(len(events), -1) for name, events in found.items()}
    columns = described(a_day(content, L, offset), found, untold, MODE, "capannolo2022", "demo")
    assert list(columns) == list(EVENT_COLUMNS)
    lengths = {len(values) for values in columns.values()}
    assert len(lengths) == 1
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


@pytest.mark.parametrize("offset", [0, 3])
@pytest.mark.parametrize(("name", "value"), [("electron_flux", 1e9), ("MLT", np.nan), ("L_IGRF", np.inf)])
def test_event_beside_a_missing_record_is_flagged(offset, name, value):
    """Windows 10-14 stand for the event; those before and after are 9 and 15, of records 9 to 21."""
    first, last = 10 + offset, 14 + offset
    flagged = []
    for at in range(N):
        content = records()
        content[name][..., at] = value
        (row,) = rows(content, REP=[(first, last)], offset=offset)
        if row["quality_flags"] & EVENT_FLAGS["beside_missing"]:
            flagged.append(at)
    assert flagged == list(range(9, 22))


def test_every_column():
    (row,) = rows(REP=[(10, 14)])
    approximate = {name: row.pop(name) for name in ("L", "MLT", "latitude", "L_min", "L_max", "delta_L")}
    assert approximate == pytest.approx(
        {"L": 3.14, "MLT": 6.14, "latitude": 51.4, "L_min": 3.10, "L_max": 3.14, "delta_L": 0.04}, abs=1e-5
    )
    assert row.pop("probability") == pytest.approx(0.6 + 0.005 * (7 + 8 + 9 + 10 + 11) / 5)
    assert row.pop("e4_ratio_0_90") == pytest.approx(1414 / 2414)
    assert row == {
        "origin": "measured",
        "satellite": "noaa18",
        "event_class": "REP",
        "date": "2019-10-24",
        "start_index": 10,
        "stop_index": 14,
        "start_time": START + 20_000,
        "stop_time": START + 28_000,
        "peak_time": START + 28_000,
        "longitude": 114.0,
        "hemisphere": "N",
        "duration_s": 10.0,
        "max_e1_0": 1114.0,
        "max_e2_0": 1214.0,
        "max_e3_0": 1314.0,
        "max_e4_0": 1414.0,
        "max_e1_90": 2114.0,
        "max_e2_90": 2214.0,
        "max_e3_90": 2314.0,
        "max_e4_90": 2414.0,
        "quality_flags": 0,
        "model": "capannolo2022",
        "run": "demo",
        "source_sha256": "ab" * 32,
        "stop_date": "2019-10-24",
        "structure": 0,
    }


def test_rows_are_by_class_then_start():
    found = rows(REP=[(20, 22), (30, 31)], CSS=[(5, 6), (25, 25)])
    assert [(r["event_class"], r["start_index"]) for r in found] == [
        ("REP", 20),
        ("REP", 30),
        ("CSS", 5),
        ("CSS", 25),
    ]


def test_no_events():
    assert rows() == []


def test_single_record():
    (row,) = rows(CSS=[(12, 12)])
    assert row["duration_s"] == 2.0
    assert row["delta_L"] == 0
    assert row["start_time"] == row["stop_time"] == row["peak_time"] == START + 24_000
    assert row["probability"] == pytest.approx(0.6 + 0.01 * 9)


def test_the_last_record_counts():
    content = records()
    content["electron_flux"][0, 3, 14] = 90_000
    assert rows(content, REP=[(10, 14)])[0]["max_e4_0"] == 90_000
    assert rows(content, REP=[(10, 13)])[0]["max_e4_0"] == 1413


def test_first_of_equal_peaks():
    content = records()
    content["electron_flux"][0, 3, [11, 13]] = 5000
    (row,) = rows(content, REP=[(10, 14)])
    assert row["peak_time"] == START + 22_000
    assert row["longitude"] == 111


def test_peak_is_of_the_0_degree_telescope():
    content = records()
    content["electron_flux"][0, 3, 12] = 5000
    content["electron_flux"][1, 3, 11] = 90_000
    content["electron_flux"][0, 2, 10] = 90_000
    assert rows(content, REP=[(10, 14)])[0]["longitude"] == 112


@pytest.mark.parametrize(("latitude", "hemisphere"), [(0.0, "N"), (-0.0, "N"), (-0.1, "S"), (70, "N")])
def test_hemisphere_at_the_peak(latitude, hemisphere):
    content = records()
    content["latitude"][14] = latitude
    assert rows(content, REP=[(10, 14)])[0]["hemisphere"] == hemisphere


@pytest.mark.parametrize(
    ("e4_0", "e4_90", "ratio"),
    [(500, 250, 2), (0, 250, 0), (500, 0, None), (-999, 250, None), (500, -999, None)],
)
def test_ratio_at_the_peak(e4_0, e4_90, ratio):
    content = records()
    content["electron_flux"][0, 3, 10:15] = -999
    content["electron_flux"][:, 3, 10] = e4_0, e4_90
    found = rows(content, REP=[(10, 10)])[0]["e4_ratio_0_90"]
    if ratio is None:
        assert np.isnan(found)
    else:
        assert found == ratio


def test_sentinels_are_no_maxima():
    content = records()
    content["electron_flux"][:, 3, 10:13] = -999
    content["electron_flux"][1, 3, 11] = 0
    (row,) = rows(content, REP=[(10, 12)])
    assert np.isnan(row["max_e4_0"])
    assert row["max_e4_90"] == 0
    assert row["max_e3_0"] == 1312


def test_measured_L_only():
    content = records()
    content["L_IGRF"][[10, 14]] = -1
    spline = np.where(content["L_IGRF"] < 0, np.float32(99), content["L_IGRF"])
    (row,) = rows(content, REP=[(10, 14)], L=spline)
    assert row["L"] == 99  # at the peak: what the mode used
    assert row["L_min"] == pytest.approx(3.11)
    assert row["L_max"] == pytest.approx(3.13)
    assert row["quality_flags"] == EVENT_FLAGS["L_interpolated"]


def test_no_measured_L():
    content = records()
    content["L_IGRF"][:] = -1
    (row,) = rows(content, REP=[(10, 14)], L=np.full(N, 5, np.float32))
    assert np.isnan([row["L_min"], row["L_max"], row["delta_L"]]).all()
    assert row["L"] == 5


def test_L_zero_is_measured():
    content = records()
    content["L_IGRF"][10] = 0
    (row,) = rows(content, REP=[(10, 14)])
    assert row["L_min"] == 0
    assert row["quality_flags"] == 0


@pytest.mark.parametrize(("offset", "windows"), [(3, range(7, 12)), (0, range(10, 15))])
def test_probability_is_that_of_the_windows_standing_for_the_records(offset, windows):
    rep, css = rows(REP=[(10, 14)], CSS=[(10, 14)], offset=offset)
    assert rep["probability"] == pytest.approx(0.6 + 0.005 * np.mean(windows))
    assert css["probability"] == pytest.approx(0.6 + 0.01 * np.mean(windows))


def test_a_record_within_an_event_that_no_window_stands_for_is_left_out_of_its_probability():
    day = a_day(records(), records()["L_IGRF"])
    day.probabilities[8:10] = np.nan
    untold = {"REP": np.array([-1]), "CSS": np.empty(0, int)}
    columns = described(day, intervals(REP=[(10, 14)]), untold)
    assert columns["probability"] == [pytest.approx(0.6 + 0.005 * (7 + 10 + 11) / 3)]


# Flags


def flags(content, REP=((10, 14),), CSS=(), offset=3) -> int:
    """Of the first event, without those that `test_flags` is about."""
    return rows(content, REP, CSS, offset=offset)[0]["quality_flags"] & FIRST


def test_flags_are_distinct_bits():
    values = list(EVENT_FLAGS.values())
    assert sum(values) == 2 ** len(values) - 1
    assert len(values) == 18


def test_traced_L_is_told_and_is_no_interpolated_one():
    content = records()
    content["L_IGRF"][12:] = -1
    day = a_day(content, np.full(N, 4, np.float32))
    traced = replace(day, look=replace(day.look, traced=content["L_IGRF"] < 0))
    found, untold = intervals(REP=[(5, 8), (10, 14)]), {"REP": np.array([5, 10]), "CSS": np.empty(0, int)}
    columns = described(traced, found, untold, MODES["continuous"]({}))
    about_L = EVENT_FLAGS["L_traced"] | EVENT_FLAGS["L_interpolated"]
    assert [flags & about_L for flags in columns["quality_flags"]] == [0, EVENT_FLAGS["L_traced"]]
    epoch = int(np.datetime64("1998-01-01", "ms").astype(np.int64))
    assert columns["structure"] == [(START + 2000 * i - epoch) // 1000 for i in (5, 10)]


@pytest.mark.parametrize(
    ("e1", "e2", "e3", "flag"), [(9, 9, 1, 0), (1, 9, 1, 256), (9, 1, 1, 256), (1, 1, 5, 0), (1, 1, 4, 256)]
)
def test_channels_out_of_order_are_flagged_where_the_mode_says_so(e1, e2, e3, flag):
    content = records()
    content["electron_flux"][0, :, 10:15] = np.array([e1, e2, e3, 5], np.float32)[:, np.newaxis]
    day = a_day(content, content["L_IGRF"])
    found, untold = intervals(REP=[(10, 14)]), {"REP": np.array([-1]), "CSS": np.empty(0, int)}
    for mode, expected in (("continuous", flag), ("published", 0)):
        columns = described(day, found, untold, MODES[mode]({}))
        assert columns["quality_flags"] == [expected]


def test_an_event_that_ends_on_the_next_day_is_of_the_day_of_its_first_record():
    day = a_day(records(), records()["L_IGRF"])
    cut = Stretch(day.stretch.records, slice(4, 20), {"2019-10-23": -6, "2019-10-24": 4, "2019-10-25": 20})
    found = intervals(REP=[(3, 6), (10, 14), (18, 23), (21, 22)])
    untold = {"REP": np.full(4, -1), "CSS": np.empty(0, int)}
    columns = described(replace(day, stretch=cut), found, untold)
    assert columns["start_index"] == [6, 14]
    assert list(zip(columns["stop_date"], columns["stop_index"], strict=True)) == [
        ("2019-10-24", 10),
        ("2019-10-25", 3),
    ]
    assert cut.locate(0) == ("2019-10-23", 6)
    over = replace(cut, firsts={"2019-10-31": -6, "2019-11-01": 4, "2019-11-02": 20})
    assert over.by_month({"2019-11": 0.7}, 0.5).tolist() == [0.5] * 4 + [0.7] * (N - 4)


@pytest.mark.parametrize(("where", "flag"), [(9, 0), (10, 1), (14, 1), (15, 0)])
def test_calibration(where, flag):
    content = records()
    content["ifc_on"][:] = -1
    content["ifc_on"][where] = 1
    assert flags(content) == flag


def test_L_interpolated_is_about_the_peak():
    content = records()
    content["L_IGRF"][10:14] = -1
    assert flags(content) == 0
    content["L_IGRF"][14] = -1
    assert flags(content) == EVENT_FLAGS["L_interpolated"]


@pytest.mark.parametrize(("step", "flag"), [(2000, 0), (GAP_MS, 0), (GAP_MS + 1, 4), (86_000, 4)])
def test_length_of_a_gap(step, flag):
    content = records()
    content["time"][12:] += step - 2000
    assert flags(content) == flag


@pytest.mark.parametrize("offset", [3, 0])
@pytest.mark.parametrize(("record", "inside"), [(0, False), (1, True), (10, True), (11, False)])
def test_gaps_anywhere_in_the_windows(record, inside, offset):
    # Windows from the first record - offset, seven records each: `record` counts from there.
    content = records()
    content["time"][10 - offset + record :] += 60_000
    assert flags(content, offset=offset) == (EVENT_FLAGS["time_gap"] if inside else 0)


@pytest.mark.parametrize("telescope", [0, 1])
@pytest.mark.parametrize(("where", "flag"), [(9, 0), (10, 8), (12, 8), (15, 0)])
def test_e4_missing(where, flag, telescope):
    content = records()
    content["electron_flux"][telescope, 3, where] = -999
    assert flags(content) == flag


def test_other_channels_do_not_count_as_e4():
    content = records()
    content["electron_flux"][:, :3, 12] = 0
    assert flags(content) == 0


@pytest.mark.parametrize(
    ("other", "flag"),
    [((5, 9), 0), ((5, 10), 16), ((12, 12), 16), ((5, 30), 16), ((14, 20), 16), ((15, 20), 0)],
)
def test_overlap_with_the_other_class(other, flag):
    rep, css = rows(REP=[(10, 14)], CSS=[other])
    assert rep["quality_flags"] & FIRST == css["quality_flags"] & FIRST == flag


def test_events_of_one_class_do_not_overlap_themselves():
    assert [r["quality_flags"] for r in rows(REP=[(10, 14), (12, 16)])] == [0, 0]


def test_flags_add_up():
    content = records()
    content["ifc_on"][11] = 1
    content["L_IGRF"][14] = -1
    content["time"][12:] += 60_000
    content["electron_flux"][1, 3, 13] = -999
    assert flags(content, CSS=[(13, 13)]) == 31
