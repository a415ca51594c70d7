"""How far two runs agree."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, f1_score

from reprocess.comparison.agreement import (
    block_numbers,
    count_kinds,
    count_pairs,
    count_seconds,
    count_shifts,
    f1,
    f1_of_any,
    kappa,
    limits,
    resample,
    score_pairs,
    score_seconds,
)
from reprocess.comparison.pairs import pair_events
from reprocess.maps.intervals import MIN_BLOCKS
from reprocess.schema import day_index
from tests.support.compared import at, run_events

BLOCKS = block_numbers([day_index("2015-03-01")])
DWELL = np.array([3600.0])


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=40))
def test_kappa_and_f1_are_those_of_scikit_learn(labels: list[tuple[int, int]]) -> None:
    one, two = zip(*labels, strict=True)
    table = np.zeros((3, 3))
    np.add.at(table, (one, two), 1)
    if len({*one, *two}) > 1:
        assert kappa(table) == pytest.approx(cohen_kappa_score(one, two))
    for k in (1, 2):
        if k in {*one, *two}:
            assert f1(table, (k,)) == pytest.approx(f1_score(one, two, labels=[k], average="micro"))


def test_seconds_by_hand() -> None:
    a = run_events([at(0, 10, "CSS"), at(8, 10, "REP"), at(100, 0)])
    b = run_events([at(4, 10, "CSS")])
    (table,) = count_seconds(a, b, DWELL, BLOCKS)
    # A: CSS 0-8, REP 8-20 (it begins later), REP 100-102; B: CSS 4-16
    assert table[1].tolist() == [4 + 2, 0, 8]
    assert table[2].tolist() == [4, 0, 4]
    assert table[0].tolist() == [3600 - 22, 0, 0]


def test_seconds_over_the_end_of_a_block_are_split() -> None:
    first = int(BLOCKS[0])
    date = str(np.datetime64("1998-01-01") + (first + 1) * 27)
    table = run_events([at(-12 * 3600 - 4, 10, date=date)])  # 4 s before that midnight to 8 s after
    counts = count_seconds(table, table, np.array([100.0, 100.0]), np.array([first, first + 1]))
    assert counts[:, 1, 1].tolist() == [4, 8]
    assert counts.sum(axis=(1, 2)).tolist() == [100, 100]


def test_a_run_agrees_with_itself() -> None:
    table = run_events([at(0, 10), at(100, 4, "CSS"), at(0, 6, satellite="noaa19")])
    by_event = score_pairs(count_pairs(pair_events(table, table), BLOCKS))
    by_second = score_seconds(count_seconds(table, table, DWELL, BLOCKS))
    for scores in (by_event, by_second):
        assert {name: s["value"] for name, s in scores.items() if name != "table"} == dict.fromkeys(
            scores.keys() - {"table"}, 1.0
        )
        assert all(s["interval"] is None for name, s in scores.items() if name != "table")


def test_scores_by_hand() -> None:
    a = run_events([at(0, 10), at(100, 10), at(200, 10, "CSS"), at(300, 10)])
    b = run_events([at(0, 10), at(100, 14), at(200, 10)])
    pairs = pair_events(a, b)
    scores = score_pairs(count_pairs(pairs, BLOCKS))
    assert scores["F1, same class"]["value"] == pytest.approx(2 * 2 / 7)
    assert scores["F1, either class"]["value"] == pytest.approx(2 * 3 / 7)
    assert scores["F1, CSS"]["value"] == 0
    assert scores["table"]["CSS"] == {"none": 0, "REP": 1, "CSS": 0}
    assert count_kinds(pairs)["all"] == {"kept": 1, "moved": 1, "relabelled": 1, "lost": 1, "gained": 0}
    assert count_shifts(pairs)["moved, last record"] == {"low": 4.0, "median": 4.0, "high": 4.0}


def test_nothing_is_undefined_and_not_one() -> None:
    none = run_events([])
    scores = score_pairs(count_pairs(pair_events(none, none), BLOCKS))
    assert {s["value"] for name, s in scores.items() if name != "table"} == {None}
    assert count_shifts(pair_events(none, none)) == {"moved, first record": None, "moved, last record": None}


@pytest.mark.parametrize("blocks", [MIN_BLOCKS - 1, MIN_BLOCKS])
def test_intervals_need_blocks(blocks: int) -> None:
    counts = np.zeros((blocks, 3, 3))
    counts[:, 1, 1] = np.arange(1, blocks + 1)
    counts[:, 1, 0] = 3
    interval = score_pairs(counts)["F1, REP"]["interval"]
    assert (interval is None) == (blocks < MIN_BLOCKS)
    if interval is not None:
        assert interval[0] < float(f1(counts.sum(axis=0))) < interval[1] < 1


def test_blocks_that_are_alike_leave_no_doubt() -> None:
    counts = np.tile(np.array([[[50, 1, 0], [2, 9, 1], [0, 0, 4]]]), (30, 1, 1))
    drawn = resample(counts)
    assert drawn is not None
    value = f1_of_any(counts[0])
    interval = limits(value, f1_of_any(drawn), np.array([30.0]))
    assert interval is not None
    assert interval[0] == pytest.approx(interval[1]) == pytest.approx(float(value))
    assert limits(value, np.array([0.5, np.nan]), np.array([30.0])) is None
    assert limits(value, f1_of_any(drawn), np.array([1.9])) is None, "one block has nearly all events"


def test_limits_of_few_blocks_are_moved_away_by_students_t_and_no_further_than_a_score_goes() -> None:
    # t(9) = 2.262157 and sqrt(10 / 9) = 1.054093 (tables); the normal distribution has 1.959964.
    more = 2.262157 / 1.959964 * 1.054093
    drawn = np.linspace(0.6, 0.8, 1001)
    interval = limits(np.array(0.7), drawn, np.array([10.0]))
    assert interval == pytest.approx([0.7 - 0.095 * more, 0.7 + 0.095 * more], rel=1e-5)
    assert limits(np.array(0.95), np.linspace(0.9, 1, 1001), np.array([10.0]))[1] == 1.0
    assert limits(np.array(0.05), np.linspace(0, 0.1, 1001), np.array([10.0]))[0] == 0.0
    assert limits(np.array(-0.9), np.linspace(-1, -0.8, 1001), np.array([10.0]), -1)[0] == -1.0
    assert limits(np.array(0.05), np.linspace(0, 0.1, 1001), np.array([10.0]), -1)[0] < 0


@pytest.mark.parametrize("blocks", [10, 20])
def test_intervals_cover_the_truth_nearly_as_often_as_they_say(blocks: int) -> None:
    """Events vary with activity from block to block, and agreement with them (docs/compare.md)."""
    rng = np.random.default_rng(5)
    activity = rng.gamma(3, 1 / 3, 1_000_000)
    common = (_share(activity) * activity).mean()
    truth = 2 * common / (common + activity.mean())
    covered = 0
    for _ in range(400):
        events = rng.poisson(40 * (own := rng.gamma(3, 1 / 3, blocks)))
        counts = np.zeros((blocks, 3, 3))
        counts[:, 1, 1] = rng.binomial(events, _share(own))
        counts[:, 1, 0] = events - counts[:, 1, 1]
        low, high = score_pairs(counts)["F1, REP"]["interval"]
        covered += low <= truth <= high
    assert 0.83 < covered / 400 < 0.97


def _share(activity: np.ndarray) -> np.ndarray:
    return np.clip(0.8 - 0.15 * (activity - 1), 0.05, 0.98)


def test_pairs_over_midnight_are_in_the_block_of_the_earlier_start() -> None:
    blocks = np.array([BLOCKS[0], BLOCKS[0] + 1])
    date = str(np.datetime64("1998-01-01") + blocks[1] * 27)
    pairs = pair_events(
        run_events([at(-12 * 3600 - 4, 10, date=date)]), run_events([at(-12 * 3600 + 2, 8, date=date)])
    )
    assert pairs["kind"].tolist() == ["moved"]
    assert count_pairs(pairs, blocks)[:, 1, 1].tolist() == [1, 0]
    assert isinstance(pairs, pd.DataFrame)
