"""Every flag: what sets it and what does not, of records and of events; and dwell counted by flags."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprocess import schema
from reprocess.classifier.features import Windows
from reprocess.detect.dwell import count_dwell, place
from reprocess.detect.flags import event_flags, flags_of_day, record_flags
from reprocess.detect.rules.mode import Look, Stretch
from reprocess.detect.rules.modes import MODES
from reprocess.schema import EVENT_CLASSES, EVENT_FLAGS, FLAGS
from reprocess.schema.flags import EVENT, OF_PEAKS, OF_RECORDS, PEAK, RECORD, bits_of
from reprocess.schema.grid import FINE
from reprocess.work.choice import Choice

N = 80
START = int(np.datetime64("2019-10-24", "ms").astype(np.int64))
DATE = "2019-10-24"
FIRST, LAST, PEAK_AT = 40, 44, 42
EVENTS = {"REP": np.array([[FIRST, LAST]]), "CSS": np.empty((0, 2), int)}
Change = Callable[["Day"], None]


class Day:
    """Records without anything to flag, and one event; tests change what they are about."""

    def __init__(self) -> None:
        self.records = {
            "time": START + 2000 * np.arange(N),
            "electron_flux": np.full((2, 4, N), 1000, np.float32),
            "L_IGRF": np.full(N, 5.05, np.float32),
            "MLT": np.full(N, 6.1, np.float32),
            "latitude": np.full(N, 60, np.float32),
            "longitude": np.full(N, 100, np.float32),
            "ifc_on": np.zeros(N, np.int8),
            "B_sat": np.full(N, 30_000, np.float32),
        }
        self.records["electron_flux"][:, :3] = 2000
        self.records["electron_flux"][0, 3, PEAK_AT] = 1001
        self.protons = np.zeros((6, N), np.float32)
        self.missing, self.traced = np.zeros(N, bool), np.zeros(N, bool)
        self.probability = 0.9
        self.of_day: dict[str, int] = {}
        self.events = EVENTS
        self.mode = "continuous"
        self.joined = False

    def look(self) -> Look:
        calibrating, windows = self.records["ifc_on"] == 1, Windows(N, left_out=0)
        possible = np.ones(windows.count, bool)
        return Look(
            self.records["L_IGRF"], self.traced, self.missing, calibrating, calibrating, windows, possible
        )

    def stretch(self) -> Stretch:
        def protons(first: int, last: int) -> np.ndarray:
            return self.protons[:, first : last + 1]

        own = slice(0, N)
        return Stretch(self.records, own, {DATE: 0}, flags=self.of_day, joined=self.joined, protons=protons)

    def of_records(self) -> np.ndarray:
        return record_flags(self.stretch(), self.look())

    def of_events(self) -> dict[str, np.ndarray]:
        look = self.look()
        known = np.full((look.windows.count, 3), self.probability, np.float32)
        mode = MODES[self.mode]({})
        return event_flags(self.stretch(), look, known, self.events, self.of_records(), mode)


def put(name: str, index: object, value: object) -> Change:
    def change(day: Day) -> None:
        day.records[name][index] = value

    return change


def give(name: str, value: object) -> Change:
    def change(day: Day) -> None:
        setattr(day, name, value)

    return change


def at(name: str, index: int) -> Change:
    def change(day: Day) -> None:
        getattr(day, name)[index] = True

    return change


def gap_after(record: int, step: int = 3001) -> Change:
    def change(day: Day) -> None:
        day.records["time"][record + 1 :] += step - 2000

    return change


def protons(flux: float) -> Change:
    def change(day: Day) -> None:
        day.protons[3] = np.float32(flux)

    return change


def other(first: int, last: int) -> Change:
    return give("events", EVENTS | {"CSS": np.array([[first, last]])})


BEHIND = LAST + 1
P4 = schema.FLUX_PER_COUNT["p4"] * 2000 / schema.FLUX_PER_COUNT["e3"]
"""Flux of P4 with as many counts as E3."""


@pytest.mark.parametrize(
    ("name", "sets", "does_not"),
    [
        ("calibration", put("ifc_on", FIRST, 1), put("ifc_on", BEHIND, 1)),
        ("L_interpolated", put("L_IGRF", (..., PEAK_AT), -1), put("L_IGRF", FIRST, -1)),
        ("time_gap", gap_after(LAST + 2), gap_after(LAST + 3)),
        ("time_gap", gap_after(FIRST), gap_after(FIRST, 3000)),
        ("E4_missing", put("electron_flux", (0, 3, LAST), -999), put("electron_flux", (0, 3, BEHIND), -999)),
        ("overlaps_other_class", other(LAST, LAST + 3), other(BEHIND, LAST + 3)),
        ("beside_missing", at("missing", LAST + 4), at("missing", LAST + 5)),
        ("beside_missing", at("missing", FIRST - 4), at("missing", FIRST - 5)),
        ("simulated", give("of_day", {DATE: 64}), give("of_day", {"2019-10-25": 64})),
        ("L_traced", at("traced", PEAK_AT), at("traced", FIRST)),
        ("channel_order", put("electron_flux", (0, 3, LAST), 2001), give("mode", "published")),
        ("SAA", put("B_sat", PEAK_AT, 21_999), put("B_sat", PEAK_AT, 22_000)),
        ("SAA", put("B_sat", PEAK_AT, 1), put("B_sat", FIRST, 20_000)),
        ("SAA_wide", put("B_sat", PEAK_AT, 23_999), put("B_sat", PEAK_AT, 24_000)),
        ("SAA_wide", put("B_sat", PEAK_AT, 20_000), put("B_sat", PEAK_AT, np.nan)),
        ("SAA_wide", put("B_sat", PEAK_AT, 23_000), put("B_sat", PEAK_AT, 0)),
        (
            "E4_missing_90",
            put("electron_flux", (1, 3, FIRST), -999),
            put("electron_flux", (0, 3, FIRST), -999),
        ),
        ("proton_contaminated", protons(0.6 * P4), protons(0.4 * P4)),
        ("solar_protons", give("of_day", {DATE: 8192}), give("of_day", {DATE: 64})),
        ("gap_adjacent", gap_after(LAST + 6), gap_after(LAST + 7)),
        ("gap_adjacent", gap_after(FIRST - 7), gap_after(FIRST - 8)),
        ("calibration_adjacent", put("ifc_on", LAST + 7, 1), put("ifc_on", LAST + 8, 1)),
        ("calibration_adjacent", put("ifc_on", FIRST - 7, 1), put("ifc_on", FIRST - 8, 1)),
        ("low_probability", give("probability", 0.59), give("probability", 0.6)),
        ("adjacent_other_class", other(LAST + 4, LAST + 9), other(LAST + 5, LAST + 9)),
        ("adjacent_other_class", other(FIRST - 9, FIRST - 4), other(FIRST - 9, FIRST - 5)),
        ("adjacent_other_class", other(FIRST - 9, FIRST), give("events", EVENTS)),
    ],
)
def test_what_sets_a_flag_of_an_event_and_what_does_not(name: str, sets: Change, does_not: Change) -> None:
    for change, expected in ((sets, True), (does_not, False)):
        day = Day()
        change(day)
        if name == "channel_order":
            day.records["electron_flux"][0, 3, LAST] = 2001
        assert bool(day.of_events()["REP"][0] & EVENT_FLAGS[name]) == expected


def test_a_day_without_anything_has_no_flag() -> None:
    assert not Day().of_records().any()
    assert Day().of_events()["REP"].tolist() == [0]


def test_every_flag_is_tried_above() -> None:
    marks = test_what_sets_a_flag_of_an_event_and_what_does_not.pytestmark
    assert {case[0] for mark in marks for case in mark.args[1]} == set(EVENT_FLAGS)


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("calibration", put("ifc_on", [10, 11], 1), {10, 11}),
        ("calibration_adjacent", put("ifc_on", [10, 11], 1), set(range(3, 19))),
        ("time_gap", gap_after(20), set(range(18, 24))),
        ("gap_adjacent", gap_after(20), set(range(14, 28))),
        ("gap_adjacent", gap_after(2), set(range(10))),
        ("gap_adjacent", give("joined", True), {*range(7), *range(N - 7, N)}),
        ("beside_missing", at("missing", 20), set(range(16, 25))),
        ("SAA", put("B_sat", slice(3, 6), 21_000), {3, 4, 5}),
        ("SAA_wide", put("B_sat", slice(3, 6), 21_000), {3, 4, 5}),
        ("E4_missing", put("electron_flux", (1, 3, 9), -999), {9}),
        ("E4_missing_90", put("electron_flux", (1, 3, 9), -999), {9}),
        ("L_traced", at("traced", 5), {5}),
        ("L_interpolated", put("L_IGRF", 5, -1), {5}),
        ("simulated", give("of_day", {DATE: 64}), set(range(N))),
        ("solar_protons", give("of_day", {DATE: 8192}), set(range(N))),
    ],
)
def test_which_records_have_a_flag(name: str, change: Change, expected: set[int]) -> None:
    day = Day()
    change(day)
    assert set(np.flatnonzero(day.of_records() & EVENT_FLAGS[name]).tolist()) == expected


def test_flags_of_records_are_all_but_those_of_events_alone() -> None:
    assert {flag.of for flag in FLAGS} == {RECORD, PEAK, EVENT}
    assert OF_RECORDS | OF_PEAKS | bits_of(f.name for f in FLAGS if f.of == EVENT) == 2 ** len(FLAGS) - 1
    assert not OF_RECORDS & OF_PEAKS


def test_a_record_has_the_flags_of_its_own_day() -> None:
    day = Day()
    stretch = replace(
        day.stretch(),
        firsts={"2019-10-23": -6, DATE: 4, "2019-10-25": 70},
        flags={DATE: 64, "2019-10-25": 8192},
    )
    found = record_flags(stretch, day.look())
    assert found.tolist() == [0] * 4 + [64] * 66 + [8192] * 10


def test_what_ingestion_says_of_a_day_becomes_flags() -> None:
    quiet, loud = {"records": 1000, "counts": 20}, {"records": 1000, "counts": 200}
    assert flags_of_day({}) == flags_of_day({"polar_p5": quiet}) == 0
    assert flags_of_day({"polar_p5": loud}) == EVENT_FLAGS["solar_protons"]
    assert flags_of_day({"polar_p5": quiet, "simulated": True}) == EVENT_FLAGS["simulated"]


def test_protons_that_are_no_measurement_contaminate_nothing() -> None:
    day = Day()
    protons(0.6 * P4)(day)
    day.protons[3, FIRST:LAST] = np.nan
    day.protons[3, FIRST] = 9.97e36
    assert not day.of_events()["REP"][0] & EVENT_FLAGS["proton_contaminated"]


# --- dwell


@st.composite
def days(draw: st.DrawFn) -> tuple[Day, slice, dict[str, np.ndarray]]:
    """A day with flags, cells and events at random, a part of which is its own."""
    day, rng = Day(), np.random.default_rng(draw(st.integers(0, 10**6)))
    day.records["L_IGRF"] = rng.choice([2.5, 5.05, 5.15, 15.5, -1], N).astype(np.float32)
    day.records["B_sat"] = rng.choice([20_000, 23_000, 30_000, 30_000], N).astype(np.float32)
    day.records["electron_flux"][1, 3, rng.random(N) < 0.2] = -999
    day.of_day = {DATE: draw(st.sampled_from([0, 64, 8256]))}
    day.events = {
        name: np.sort(rng.choice(np.arange(3, N - 3), 2 * draw(st.integers(0, 4)), replace=False)).reshape(
            -1, 2
        )
        for name in EVENT_CLASSES
    }
    flags = {
        name: rng.choice([0, 16, 512, 4096], len(of)).astype(np.int32) for name, of in day.events.items()
    }
    start = draw(st.integers(0, N - 1))
    return day, slice(start, draw(st.integers(start, N))), flags


EXCLUDED = st.lists(st.sampled_from(sorted(EVENT_FLAGS)), max_size=4).map(lambda names: Choice(tuple(names)))


@given(days(), EXCLUDED)
def test_dwell_by_flags_is_what_counting_one_record_after_the_other_gives(
    case: tuple[Day, slice, dict[str, np.ndarray]], choice: Choice
) -> None:
    day, own, flags = case
    stretch, look = replace(day.stretch(), own=own, firsts={DATE: own.start}), day.look()
    of_records = record_flags(stretch, look)
    columns, counts = count_dwell(stretch, look, day.events, flags, of_records, 7)
    assert set(columns) == set(schema.DWELL_COLUMNS)
    table = pd.DataFrame(columns)
    keys = [name for name in columns if not name.startswith("records")]
    assert not table.duplicated(keys).any()
    assert (table["records"] > 0).all()
    assert table["cell"].is_monotonic_increasing
    cells = place(stretch, look)
    expected = {name: np.zeros(FINE.cells, int) for name in columns if name.startswith("records")}
    for record in range(max(own.start, 3), min(own.stop, N - 3)):
        if cells[record] < 0 or of_records[record] & choice.bits:
            continue
        expected["records"][cells[record]] += 1
        for name in EVENT_CLASSES:
            covering = [
                bits
                for (first, last), bits in zip(day.events[name], flags[name], strict=True)
                if first <= record <= last
            ]
            if covering and not np.bitwise_or.reduce(covering) & choice.bits:
                expected[f"records_{name}"][cells[record]] += 1
    left = choice.dwell(columns)
    for name, values in expected.items():
        assert np.bincount(left["cell"], left[name], FINE.cells).astype(int).tolist() == values.tolist()
    assert counts["in_grid"] == table["records"].sum()
    assert sum(counts[n] for n in ("in_grid", "outside_grid", "invalid_position")) == counts["classifiable"]
