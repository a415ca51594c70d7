"""Events of two runs, one to one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocess import schema
from reprocess.comparison.pairs import SWAPPED, match_one_to_one, pair_events
from reprocess.physics.coincidence import overlapping
from tests.support.compared import at, run_events

HAND = [
    ([at(0, 10)], [at(0, 10)], ["kept"], [False]),
    ([at(0, 10)], [at(0, 12)], ["moved"], [False]),
    ([at(0, 10)], [at(10, 4)], ["moved"], [False]),  # one record in common
    ([at(0, 10)], [at(10.001, 4)], ["lost", "gained"], [False, False]),
    ([at(0, 10)], [at(0, 10, "CSS")], ["relabelled"], [False]),
    ([at(0, 10)], [at(4, 2, "CSS")], ["relabelled"], [False]),
    ([at(0, 10)], [at(0, 10, satellite="noaa19")], ["lost", "gained"], [False, False]),
    ([at(0, 10)], [], ["lost"], [False]),
    ([], [at(0, 10)], ["gained"], [False]),
    ([], [], [], []),
    ([at(0, 10)], [at(0, 2), at(4, 6)], ["gained", "moved"], [True, False]),  # the longer part is it
    ([at(0, 10, "CSS"), at(14, 2)], [at(0, 18, "CSS")], ["moved", "lost"], [False, True]),  # joined
    ([at(0, 10)], [at(0, 8, "CSS"), at(10, 2)], ["moved", "gained"], [False, True]),  # its class comes first
    ([at(0, 10), at(8, 10, "CSS")], [at(0, 18, "CSS")], ["lost", "moved"], [True, False]),
]


@pytest.mark.parametrize(("a", "b", "kinds", "entangled"), HAND)
def test_kinds_by_hand(a: list, b: list, kinds: list[str], entangled: list[bool]) -> None:
    pairs = pair_events(run_events(a), run_events(b))
    order = pairs.assign(start=pairs["start_time_a"].fillna(pairs["start_time_b"])).sort_values(
        ["satellite", "start"], kind="stable"
    )
    assert sorted(zip(order["kind"], order["entangled"], strict=True)) == sorted(
        zip(kinds, entangled, strict=True)
    )


def test_a_pair_has_what_both_events_are() -> None:
    a, b = run_events([at(0, 10)]), run_events([at(4, 20, "CSS"), at(90, 2)])
    first, second = pair_events(a, b).to_dict("records")
    assert (first["event_class_a"], first["event_class_b"], first["overlap_s"]) == ("REP", "CSS", 6.0)
    assert (first["start_time_b"], first["L_a"]) == (b["start_time"][0], a["L"][0])
    assert (second["event_class_a"], second["kind"], second["satellite"]) == ("", "gained", "noaa18")
    assert pd.isna(second["start_time_a"])
    assert np.isnan([second["overlap_s"], second["L_a"]]).all()


events = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.integers(0, 12),
        st.sampled_from(["REP", "CSS"]),
        st.sampled_from(["noaa18", "metop01"]),
    ),
    max_size=10,
    unique=True,
)


def value(table: pd.DataFrame, row: int) -> tuple[object, ...]:
    names = ("satellite", "event_class", "start_time", "stop_time")
    return ("none",) if row < 0 else tuple(str(table[name].iloc[row]) for name in names)


def pairs_of(a: pd.DataFrame, b: pd.DataFrame) -> list[tuple[object, ...]]:
    first, second, entangled = match_one_to_one(a, b)
    rows = zip(first.tolist(), second.tolist(), entangled.tolist(), strict=True)
    return sorted((value(a, i), value(b, j), e) for i, j, e in rows)


@settings(max_examples=40)
@given(events, events)
def test_every_event_has_one_place_and_partners_share_a_record(a: list, b: list) -> None:
    left, right = (run_events(at(*e[:3], satellite=e[3]) for e in side) for side in (a, b))
    first, second, entangled = match_one_to_one(left, right)
    for rows, table in ((first, left), (second, right)):
        assert sorted(rows[rows >= 0].tolist()) == list(range(len(table)))
    assert not ((first < 0) & (second < 0)).any()
    for i, j, e in zip(first, second, entangled, strict=True):
        if i >= 0 and j >= 0:
            one, two = left.iloc[i], right.iloc[j]
            assert one["satellite"] == two["satellite"]
            assert one["start_time"] <= two["stop_time"]
            assert two["start_time"] <= one["stop_time"]
            assert not e


@settings(max_examples=40)
@given(events, events)
def test_no_event_is_left_alone_beside_a_free_one(a: list, b: list) -> None:
    """A lost and a gained event never share a record, and an entangled one shares one with a paired event."""
    left, right = (run_events(at(*e[:3], satellite=e[3]) for e in side) for side in (a, b))
    pairs = pair_events(left, right)
    lost, gained = (pairs[pairs["kind"] == kind] for kind in ("lost", "gained"))
    for one in lost.itertuples():
        near = right[
            (right["satellite"] == one.satellite)
            & (right["start_time"] <= one.stop_time_a)
            & (right["stop_time"] >= one.start_time_a)
        ]
        assert one.entangled == (len(near) > 0)
        assert not set(near.index) & set(gained["row_b"])


@settings(max_examples=40)
@given(events, events)
def test_swapping_the_runs_swaps_lost_and_gained_alone(a: list, b: list) -> None:
    left, right = (run_events(at(*e[:3], satellite=e[3]) for e in side) for side in (a, b))
    there, back = pairs_of(left, right), pairs_of(right, left)
    assert there == sorted((i, j, e) for j, i, e in back)
    kinds = [SWAPPED.get(kind, kind) for kind in pair_events(right, left)["kind"]]
    assert sorted(kinds) == sorted(pair_events(left, right)["kind"])


@settings(max_examples=40)
@given(events, events, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(a: list, b: list, random: object) -> None:
    left, right = (run_events(at(*e[:3], satellite=e[3]) for e in side) for side in (a, b))
    seed = random.randrange(2**31)  # type: ignore[attr-defined]
    shuffled = [table.sample(frac=1, random_state=seed) for table in (left, right)]
    assert pairs_of(*shuffled) == pairs_of(left, right)


@settings(max_examples=40)
@given(events)
def test_a_run_keeps_all_its_own_events(a: list) -> None:
    table = run_events(at(*e[:3], satellite=e[3]) for e in a)
    assert set(pair_events(table, table)["kind"]) <= {"kept"}


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), max_size=12)


@given(spans, spans)
def test_intervals_that_overlap_are_those_of_a_double_loop(a: list, b: list) -> None:
    (starts, stops), (others, ends) = (
        np.array([(s, s + n) for s, n in side], np.int64).reshape(-1, 2).T for side in (a, b)
    )
    i, j = overlapping(starts, stops, others, ends)
    expected = [
        (x, y) for x in range(len(a)) for y in range(len(b)) if starts[x] <= ends[y] and others[y] <= stops[x]
    ]
    assert sorted(zip(i.tolist(), j.tolist(), strict=True)) == expected


def test_every_kind_has_a_meaning() -> None:
    assert set(schema.PAIR_MEANINGS) == set(schema.PAIR_KINDS)
