"""True and found events side by side."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocess.evaluation.matching import TOLERANCE_S, count_overlaps, match_events
from tests.support.labelled import Event, event_table


def observed(events: Iterable[Event]) -> pd.DataFrame:
    return event_table(events).assign(observed=True)


def at(second: float, length: float, name: str = "REP", satellite: str = "noaa18") -> Event:
    start = pd.Timestamp("2015-03-01T12:00:00") + pd.Timedelta(milliseconds=round(1000 * second))
    return satellite, str(start), str(start + pd.Timedelta(seconds=length)), name


@pytest.mark.parametrize(
    ("truth", "found", "outcome", "verdict"),
    [
        ([at(0, 10)], [at(0, 10)], ["matched"], ["right"]),
        ([at(0, 10)], [at(4, 2)], ["matched"], ["right"]),
        ([at(0, 10)], [at(-50, 100)], ["matched"], ["right"]),
        ([at(0, 10)], [at(16, 2)], ["matched"], ["right"]),
        ([at(0, 10)], [at(16.001, 2)], ["missed"], ["false alarm"]),
        ([at(0, 10)], [at(-8, 2)], ["matched"], ["right"]),
        ([at(0, 10)], [at(-8.001, 2)], ["missed"], ["false alarm"]),
        ([at(0, 10)], [at(0, 10, "CSS")], ["confused"], ["confused"]),
        ([at(0, 10)], [at(0, 10, satellite="noaa19")], ["missed"], ["false alarm"]),
        ([at(0, 10)], [at(0, 3), at(5, 3, "CSS")], ["matched"], ["right", "confused"]),
        ([at(0, 10), at(100, 10)], [at(-5, 120)], ["matched", "matched"], ["right"]),
        ([at(0, 10), at(12, 10, "CSS")], [at(5, 10)], ["matched", "confused"], ["right"]),
        ([at(0, 100)], [at(0, 3), at(20, 3), at(50, 3)], ["matched"], ["right"] * 3),
        ([at(0, 10)], [], ["missed"], []),
        ([], [at(0, 10)], [], ["false alarm"]),
        ([], [], [], []),
    ],
)
def test_outcomes(truth: list[Event], found: list[Event], outcome: list[str], verdict: list[str]) -> None:
    results = match_events(observed(truth), event_table(found))
    assert [list(r) for r in results] == [outcome, verdict]


def test_rows_keep_their_place_whatever_their_index() -> None:
    truth = observed([at(0, 10), at(100, 10), at(0, 10, satellite="metop01")]).iloc[::-1]
    found = event_table([at(100, 10)]).set_axis([7])
    assert list(match_events(truth, found)[0]) == ["matched", "missed", "missed"]


def test_what_is_not_observed_is_neither_found_nor_missed() -> None:
    truth = event_table([at(0, 10), at(100, 10), at(200, 10)]).assign(observed=[False, False, True])
    found = event_table([at(0, 10), at(200, 10, "CSS")])
    outcome, verdict = match_events(truth, found)
    assert list(outcome) == ["not_observed", "not_observed", "confused"]
    assert list(verdict) == ["right", "confused"]


spans = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 40)), max_size=12)
named = st.tuples(st.integers(0, 3000), st.integers(0, 40), st.sampled_from(["REP", "CSS"]))


@settings(deadline=None, max_examples=50)
@given(spans, spans)
def test_overlaps_are_those_of_a_double_loop(
    events: list[tuple[int, int]], others: list[tuple[int, int]]
) -> None:
    left, right = (event_table(at(*span) for span in side) for side in (events, others))
    reach = pd.Timedelta(seconds=TOLERANCE_S)
    expected = [
        sum(
            o.start_time <= e.stop_time + reach and e.start_time <= o.stop_time + reach
            for o in right.itertuples()
        )
        for e in left.itertuples()
    ]
    assert count_overlaps(left, right).tolist() == expected


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 40), st.sampled_from(["REP", "CSS"])), max_size=9)
)
def test_perfect_detection_is_perfect(events: list[tuple[int, int, str]]) -> None:
    table = observed(at(*e) for e in events)
    outcome, verdict = match_events(table, table)
    assert set(outcome) <= {"matched"}
    assert set(verdict) <= {"right"}
    assert outcome.size == verdict.size == len(events)


@settings(deadline=None, max_examples=50)
@given(spans, spans, st.integers(0, 2**12 - 1))
def test_every_event_has_one_outcome_and_sides_agree(
    events: list[tuple[int, int]], others: list[tuple[int, int]], bits: int
) -> None:
    names = ["CSS" if bits >> k & 1 else "REP" for k in range(12)]
    truth = observed(at(*e, n) for e, n in zip(events, names, strict=False))
    found = event_table(at(*e, n) for e, n in zip(others, names[::-1], strict=False))
    outcome, verdict = match_events(truth, found)
    assert set(outcome) <= {"matched", "confused", "missed"}
    assert set(verdict) <= {"right", "confused", "false alarm"}
    assert np.any(outcome == "matched") == np.any(verdict == "right")
    assert np.all(outcome == "missed") == np.all(verdict == "false alarm")
