"""Which event, day or crossing is meant; what is not there is refused with what is."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprocess.errors import PlotError
from reprocess.plots.choice import (
    choose_event,
    find_crossing,
    milliseconds,
    require_satellite,
    view_day,
    view_event,
    view_pass,
)
from reprocess.plots.view import FLAGS, Source, View
from reprocess.work.parts import read_events
from reprocess.work.paths import Work

pytestmark = pytest.mark.usefixtures("short_record_axis")


def table(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Events by satellite, class, first and last record's time of 2019-10-24."""
    frame = pd.DataFrame(rows, columns=["satellite", "event_class", "start_time", "stop_time"])
    for name in ("start_time", "stop_time"):
        frame[name] = pd.to_datetime("2019-10-24T" + frame[name] + "Z")
    return frame


EVENTS = table(
    ("metop01", "CSS", "10:00:00", "10:00:20"),
    ("noaa18", "CSS", "10:00:10", "10:00:30"),
    ("noaa18", "REP", "10:00:28", "10:00:40"),
    ("noaa18", "REP", "12:00:00", "12:00:04"),
)


def at(clock: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"2019-10-24T{clock}")


@pytest.mark.parametrize(
    ("number", "time", "satellite", "event_class", "position"),
    [
        (1, None, None, None, 0),
        (4, None, None, None, 3),
        (None, "12:00:00", None, None, 3),
        (None, "12:00:05", None, None, 3),
        (None, "10:00:15", "noaa18", None, 1),
        (None, "10:00:29", None, "REP", 2),
        (None, "10:00:29", "noaa18", "CSS", 1),
        (None, None, "metop01", None, 0),
        (None, None, None, "CSS", None),
    ],
)
def test_an_event_is_what_is_said_of_it(number, time, satellite, event_class, position):
    words = (number, time and at(time), satellite, event_class)
    if position is None:
        with pytest.raises(PlotError, match=r"2 events are meant: 1 \(metop01 CSS 2019-10-24T10:00:00\), 2 "):
            choose_event(EVENTS, *words)
    else:
        assert choose_event(EVENTS, *words) == position


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((0,), "there is no event 0: the table has 4; give a number from 1 to 4"),
        ((5,), "there is no event 5"),
        ((None, at("11:59:50")), r"no event at 2019-10-24 11:59:50; nearest: 4 \(noaa18 REP 2019-10-24T12"),
        ((None, at("10:00:29"), "noaa18"), "2 events are meant: 2 .*, 3 .*; give the number of one"),
        (
            (None, None, "noaa15"),
            "no event noaa15 in the run; it has 1 CSS of metop01, 1 CSS of noaa18, 2 REP",
        ),
        ((None, None, "metop01", "REP"), "no event REP metop01"),
    ],
)
def test_events_that_are_not_there_are_refused(words, told):
    with pytest.raises(PlotError, match=told):
        choose_event(EVENTS, *words)


def test_a_run_without_events_says_so():
    with pytest.raises(PlotError, match="the run has no event; reprocess plot day"):
        choose_event(EVENTS.iloc[:0], 1)


def test_times_with_a_zone_are_put_to_utc():
    east = dt.timezone(dt.timedelta(hours=2))
    assert milliseconds(at("12:00:00").replace(tzinfo=east)) == milliseconds(at("10:00:00"))


def records(L: list[float], step_s: float = 2.0) -> View:
    n = len(L)
    return View(
        "noaa18", 0, int(2000 * n), (1000 * step_s * np.arange(n)).astype(np.int64), np.zeros((2, 4, n)),
        {"L": np.array(L)}, {name: np.zeros(n, bool) for name in FLAGS},
    )  # fmt: skip


@given(st.lists(st.sampled_from([1.0, 2.5, 5.0, 8.5, 9.0]), min_size=1, max_size=40))
def test_a_crossing_holds_the_record_and_none_outside_the_belt(L: list[float]) -> None:
    view = records(L)
    inside = (view.place["L"] >= 2.5) & (view.place["L"] <= 8.5)
    for k, time in enumerate(view.time.tolist()):
        if not inside[k]:
            continue
        first, last = find_crossing(view, time)
        assert first <= time <= last
        a, b = (int(np.flatnonzero(view.time == t)[0]) for t in (first, last))
        assert inside[a : b + 1].all()
        assert a == 0 or not inside[a - 1]
        assert b == inside.size - 1 or not inside[b + 1]


def test_a_crossing_goes_on_where_L_is_not_known_and_ends_at_long_gaps() -> None:
    view = records([1, 3, 4, np.nan, np.nan, 6, 8, 9])
    assert find_crossing(view, 2000) == (2000, 12_000)
    time = view.time.copy()
    time[5:] += 301_000
    assert find_crossing(replace(view, time=time), 2000) == (2000, 8000)
    assert find_crossing(records([3.0]), 0) == (0, 0)


def test_where_there_is_no_crossing_the_others_are_told() -> None:
    with pytest.raises(
        PlotError, match=r"no record in the belt .* within 45 minutes it was there from"
    ) as told:
        find_crossing(records([3, 4, 9, 9, 9, 4, 3]), 6000)
    assert "00:00:00 to 1970-01-01 00:00:02 and from 1970-01-01 00:00:10 to" in str(told.value)
    with pytest.raises(PlotError, match="within 45 minutes give another time"):
        find_crossing(records([np.nan, np.nan]), 0)


def test_an_event_is_shown_with_what_is_around_it(work: Work) -> None:
    run = work.run("random-published")
    events = read_events(run, run.ledger.done())
    view = view_event(Source(work, "noaa18", run, events), 3, around_s=30)
    row = events.loc[3]
    assert view.start_ms == row["start_time"].value // 1_000_000 - 30_000
    assert view.stop_ms == row["stop_time"].value // 1_000_000 + 30_000
    assert view.events is not None
    assert row["start_time"].value // 1_000_000 in view.events.start_ms
    with pytest.raises(ValueError, match="needs a source with the event table"):
        view_event(Source(work, "noaa18", run), 3)


def test_a_day_is_shown_whole(work: Work) -> None:
    view = view_day(Source(work, "noaa18"), dt.date(2019, 10, 24))
    assert (view.time.size, view.duration) == (900, 86399.999)
    assert view.time[-1] < view.stop_ms


def test_a_crossing_is_shown_over_midnight(work: Work) -> None:
    time = dt.datetime(2019, 10, 24, 23, 59, 50)
    view = view_pass(Source(work, "noaa18"), time)
    assert view.start_ms <= milliseconds(time) <= view.stop_ms
    assert view.time[0] < milliseconds(dt.datetime(2019, 10, 25)) < view.time[-1]
    known = view.place["L"][np.isfinite(view.place["L"])]
    assert ((known >= 2.5) & (known <= 8.5)).all()


def test_days_and_satellites_that_are_not_there_are_refused(work: Work) -> None:
    with pytest.raises(
        PlotError, match=r"has nothing of metop01; it holds noaa18\. Give one of them, or: repro"
    ):
        require_satellite(work, "metop01")
    with pytest.raises(PlotError, match=r"noaa18 2019-10-27 is not in the archive; .* --start 2019-10-27"):
        view_day(Source(work, "noaa18"), dt.date(2019, 10, 27))
    receipt = work.ledger.require("noaa18", 248)
    broken = {"status": "quarantined", "reason": "truncated", "detail": "a part lacks", "source": {}}
    try:
        work.ledger.commit({**receipt, "days": receipt["days"] | {"2019-10-27": broken}})
        with pytest.raises(
            PlotError, match=r"it is quarantined \(truncated: a part lacks\); .*--retry-quara"
        ):
            view_day(Source(work, "noaa18"), dt.date(2019, 10, 27))
    finally:
        work.ledger.commit(receipt)
