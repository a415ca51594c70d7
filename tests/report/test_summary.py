"""The numbers of a report, from ledgers and tables made up here."""

import datetime as dt
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocess import schema
from reprocess.report.summary import (
    BACKGROUND,
    DAILY_UNTIL,
    STATES,
    background_table,
    by_period,
    day_table,
    flag_counts,
    flag_names,
    strongest,
    timeline,
    unlisted,
)
from reprocess.schema.granules import Granule

Key = tuple[str, str]


def granule(satellite: str, day: int) -> Granule:
    return Granule(satellite, day, f"file:///{satellite}/{day}.nc", 10, "1")


def entry(seed: int) -> dict[str, Any]:
    """A run's entry of a day whose numbers are unlike those of other days."""
    counts = {"in_grid": 100 + seed, "outside_grid": 20 + seed, "invalid_position": seed}
    classifiable = sum(counts.values())
    return {
        "records": classifiable + 7,
        "classifiable": classifiable,
        **counts,
        "events": {"REP": seed % 5, "CSS": seed % 3},
    }


class Ledgers:
    """What `status` finds, for days whose state is given."""

    def __init__(self, states: dict[tuple[str, int], str], stale: set[tuple[str, int]] = frozenset()) -> None:  # type: ignore[assignment]
        self.planned = [granule(s, d) for s, d in states]
        listed: dict[str, list[dict[str, str]]] = {name: [] for name in STATES}
        self.ingested: dict[Key, Any] = {}
        self.done: dict[Key, Any] = {}
        for seed, ((satellite, day), name) in enumerate(states.items()):
            key = satellite, schema.day_date(day).isoformat()
            listed[name].append({"satellite": key[0], "date": key[1]})
            if name in ("classified", "ok"):
                self.ingested[key] = {"in_file": 210 + seed, "outside_day": 3, "duplicates": 1}
            if name == "classified" or (satellite, day) in stale:
                self.done[key] = entry(seed)
        self.state = {
            "ingest": {
                "quarantined": listed["quarantined"],
                "missing": listed["missing"],
                "deferred": [],
                "lost": [],
            },
            "runs": {"r": {"missing": listed["ok"]}},
        }

    def table(self) -> pd.DataFrame:
        return day_table(self.planned, self.state, "r", self.ingested, self.done)


STATES_OF_FILES = st.sampled_from(STATES[:4])
ARCHIVES = st.dictionaries(
    st.tuples(st.sampled_from(["noaa18", "metop01", "noaa15"]), st.integers(6000, 6200)),
    STATES_OF_FILES,
    min_size=1,
    max_size=60,
)


@settings(max_examples=30)
@given(ARCHIVES)
def test_every_day_is_in_one_row_and_every_sum_is_the_same_number(states: dict[tuple[str, int], str]) -> None:
    days = Ledgers(states).table()
    assert not days.duplicated(["satellite", "date"]).any()
    expected = Counter(states.values())
    for satellite in {s for s, _ in states}:
        own = [d for s, d in states if s == satellite]
        expected["no file"] += max(own) - min(own) + 1 - len(own)
    assert Counter(days["state"]) == +expected
    for length in (0, 4, 7):
        sums = by_period(days, length)
        assert {name: sums[name].sum() for name in STATES} == {name: expected[name] for name in STATES}
        for name in ("records", "REP", "CSS", "in_run", "in_file"):
            assert sums[name].sum() == days[name].sum()
    line = timeline(days)
    assert {name: line.states[name].sum() for name in STATES} == {name: expected[name] for name in STATES}
    assert {k: v.sum() for k, v in line.events.items()} == {k: days[k].sum() for k in ("REP", "CSS")}
    assert line.days.sum() == days["in_run"].sum() == expected["classified"]
    lengths = np.diff(line.edges).astype(int)
    assert np.all(sum(line.states.values()) <= lengths), "no more days than the calendar has"


def test_rows_say_what_the_ledgers_say() -> None:
    days = Ledgers({("noaa18", 6000): "classified", ("noaa18", 6001): "quarantined"}).table()
    first, second = days.to_dict("records")
    assert first == {
        "satellite": "noaa18", "date": schema.day_date(6000).isoformat(), "state": "classified",
        "records": 127, "classifiable": 120, "in_grid": 100, "outside_grid": 20, "invalid_position": 0,
        "in_file": 210, "outside_day": 3, "duplicates": 1, "REP": 0, "CSS": 0, "in_run": 1,
    }  # fmt: skip
    assert second["state"] == "quarantined"
    assert sum(second[name] for name in ("records", "in_file", "in_run")) == 0


@pytest.mark.parametrize("state", STATES[1:4])
def test_a_day_whose_file_was_replaced_keeps_its_events_and_is_not_called_classified(state: str) -> None:
    day = ("noaa18", 6003)
    days = Ledgers({("noaa18", 6000): "classified", day: state}, stale={day}).table()
    row = days[days["date"] == schema.day_date(6003).isoformat()].iloc[0]
    assert (row["state"], row["in_run"], row["REP"]) == (state, 1, 1)


def test_spans_without_a_file() -> None:
    planned = [granule("noaa18", d) for d in (10, 11, 13, 20)] + [granule("metop01", d) for d in (5, 99)]
    date = schema.day_date
    assert unlisted(planned) == [
        ("metop01", date(6), date(98), 93),
        ("noaa18", date(12), date(12), 1),
        ("noaa18", date(14), date(19), 6),
    ]
    assert unlisted([granule("noaa18", 7)]) == []


def span(length: int) -> pd.DataFrame:
    return Ledgers({("noaa18", 6000): "classified", ("noaa18", 6000 + length - 1): "missing"}).table()


def test_short_periods_are_shown_by_day_and_long_ones_by_month() -> None:
    short, long = timeline(span(DAILY_UNTIL)), timeline(span(DAILY_UNTIL + 1))
    assert (short.unit, short.days.shape) == ("day", (1, DAILY_UNTIL))
    assert short.states["missing"].tolist() == [[0] * (DAILY_UNTIL - 1) + [1]]
    assert long.unit == "month"
    assert all(edge.astype(object).day == 1 for edge in long.edges)
    assert long.edges[-1].astype(object) > dt.date.fromisoformat(span(DAILY_UNTIL + 1)["date"].max())


def test_a_single_day() -> None:
    line = timeline(Ledgers({("noaa18", 6000): "classified"}).table())
    assert (line.unit, line.days.tolist(), line.edges.size) == ("day", [[1]], 2)


def events(*rows: tuple[str, str, str, float, int]) -> pd.DataFrame:
    table = pd.DataFrame(
        rows, columns=["event_class", "satellite", "start_time", "max_e4_0", "quality_flags"]
    )
    return table.assign(start_time=pd.to_datetime(table["start_time"], utc=True))


def test_strongest_of_each_class_with_ties_by_satellite_and_time() -> None:
    table = events(
        ("CSS", "noaa18", "2015-03-02", 5.0, 0),
        ("REP", "noaa18", "2015-03-02", np.nan, 0),
        ("REP", "noaa18", "2015-03-03", 7.0, 0),
        ("REP", "noaa18", "2015-03-01", 7.0, 0),
        ("REP", "metop01", "2015-03-04", 7.0, 0),
        ("REP", "metop01", "2015-03-05", 9.0, 0),
    )
    assert strongest(table, 4).index.tolist() == [5, 4, 3, 2, 0]
    assert strongest(table, 9).index.tolist() == [5, 4, 3, 2, 1, 0]
    assert strongest(table.iloc[:0], 3).empty


def test_flags_in_words() -> None:
    assert flag_names(0) == []
    assert flag_names(1 + 8) == ["calibration", "E4_missing"]
    assert schema.FLAG_MEANINGS.keys() == schema.EVENT_FLAGS.keys()


def test_flags_are_counted_by_class() -> None:
    table = events(
        ("CSS", "noaa18", "2015-03-02", 5.0, 1), ("REP", "noaa18", "2015-03-02", 5.0, 3),
        ("REP", "noaa18", "2015-03-02", 5.0, 2),
    )  # fmt: skip
    counts = flag_counts(table)
    assert counts["calibration"] == {"REP": 1, "CSS": 1}
    assert counts["L_interpolated"] == {"REP": 2, "CSS": 0}
    assert counts["time_gap"] == {"REP": 0, "CSS": 0}


def test_background_is_that_of_the_days_asked_for_by_satellite_and_month() -> None:
    days = {"noaa18": (7966, 7967, 8000), "noaa19": (7966,)}
    planned = [granule(satellite, day) for satellite, of in days.items() for day in of]
    counted: dict[Key, Any] = {
        (g.satellite, g.date.isoformat()): {"polar_e4": {"records": 100 * k, "counts": 49 * k}}
        for k, g in enumerate(planned, 1)
    }
    counted["metop01", "2019-10-24"] = {"polar_e4": {"records": 5, "counts": 5}}  # of another run
    counted["noaa19", "2019-10-24"] = {}  # of a version that did not count
    table = background_table(planned, counted)
    assert table.columns.tolist() == list(BACKGROUND)
    assert table.to_numpy().tolist() == [
        ["noaa18", "2019-10", 300, "0.490", f"{147**0.5 / 300:.3f}"],
        ["noaa18", "2019-11", 300, "0.490", f"{147**0.5 / 300:.3f}"],
    ]
