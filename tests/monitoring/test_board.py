from dataclasses import asdict

import numpy as np
import pytest

from reprocess.monitoring.board import GRID, STATES, Board, Stage, duration
from reprocess.schema import BLOCK_DAYS, DAYS, block_days
from reprocess.schema.grid import make_grid
from tests.support.states import block, job, on_the_map, states


def board(*messages: dict[str, object]) -> Board:
    made = Board()
    for message in (job(), *messages):
        made.apply(message, 0.0)
    return made


def test_days_are_counted_by_month_and_state() -> None:
    made = board(states(block(days="....dliiccccqq"), block("noaa15", 248, "cc")))
    assert made.by_month() == {
        ("noaa15", "2019-09"): {"planned": 2, "classified": 2},
        ("noaa18", "2019-09"): {"planned": 7, "missing": 4, "deferred": 1, "lost": 1, "ok": 1},
        ("noaa18", "2019-10"): {"planned": 7, "ok": 1, "classified": 4, "quarantined": 2},
    }
    days = made.days()
    assert days["planned"] == 16 == sum(days[state] for state in STATES)


def test_days_that_a_failure_left_undone_have_failed() -> None:
    text = "..iiccqq"
    assert board(states(block(days=text, failures={"ingest": "x"}))).days()["failed"] == 2
    assert board(states(block(days=text, failures={"detect": "x"}))).days()["failed"] == 2
    both = board(states(block(days=text, failures={"ingest": "x", "detect": "y"})))
    assert both.days() == {"planned": 8, "failed": 4, "classified": 2, "quarantined": 2}
    assert both.failures() == [("noaa18", 248, "detect", "y"), ("noaa18", 248, "ingest", "x")]


def test_the_last_block_is_shorter_than_others() -> None:
    last = (DAYS - 1) // BLOCK_DAYS
    state = block(number=last, days="c" * len(block_days(last)))
    short = asdict(state) | {"days": state.days[: len(block_days(last))]}
    made = board({"kind": "states", "job": "one", "states": [short]})
    assert made.days()["classified"] == len(block_days(last))


def test_blocks_add_up_in_any_order_and_a_block_done_again_counts_once() -> None:
    parts = [block(number=n, days="cc", records=n, **on_the_map(n)) for n in range(240, 246)]
    forwards, backwards = board(*map(states, parts)), board(*map(states, [*parts[::-1], *parts]))
    counts, dwell = forwards.maps()
    assert counts.shape == (2, *GRID.shape)
    np.testing.assert_array_equal(counts.reshape(2, -1), sum(np.array(p.counts) for p in parts))
    np.testing.assert_array_equal(dwell.ravel(), sum(np.array(p.dwell) for p in parts))
    for a, b in zip((counts, dwell), backwards.maps(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert forwards.records() == backwards.records() == sum(range(240, 246))
    assert forwards.events() == backwards.events()
    assert forwards.off_map() == 12
    emptied = board(*map(states, parts), states(block(number=240, days="qq")))
    np.testing.assert_array_equal(emptied.maps()[0], counts - np.array(parts[0].counts).reshape(counts.shape))


def test_the_map_has_the_bins_that_the_command_makes_by_default() -> None:
    default = make_grid(2.5 + 0.5 * np.arange(13), np.arange(25.0))
    np.testing.assert_array_equal(GRID.L_edges, default.L_edges)
    np.testing.assert_array_equal(GRID.MLT_edges, default.MLT_edges)


def test_a_new_job_takes_the_place_of_an_old_one_which_is_not_heard_any_more() -> None:
    made = board(states(block(days="cc")), {"kind": "end", "job": "one", "how": "ended"})
    assert made.ending == "ended"
    made.apply(job("two"), 5.0)
    assert (made.blocks, made.ending, made.since) == ({}, "", 5.0)
    version = made.version
    made.apply(states(block(days="cc")), 6.0)
    assert (made.blocks, made.version) == ({}, version)
    made.apply(states(block(days="cc"), name="two"), 7.0)
    assert made.days()["classified"] == 2


def test_messages_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="no message of kind 'nonsense'"):
        board({"kind": "nonsense", "job": "one"})


def test_stages_are_kept_in_their_order() -> None:
    begin = {"kind": "stage", "job": "one", "blocks": 3, "days": 90}
    done = {"kind": "done", "job": "one", "stage": "ingest", "elapsed": 10.0, "days": 30, "records": 300}
    failed = {"kind": "failed", "job": "one", "stage": "ingest", "days": 30}
    made = board(begin | {"stage": "ingest"}, done, failed, begin | {"stage": "detect"})
    assert list(made.stages) == ["ingest", "detect"]
    stage = made.stages["ingest"]
    assert (stage.ended, stage.failed, stage.days_done, stage.records_done) == (2, 1, 30, 300)
    assert stage.time_left() == pytest.approx(10.0)


def test_workers_that_end_together_do_not_hurry_the_rate() -> None:
    stage = Stage("ingest", 8, 240)
    assert stage.rate() is None
    assert stage.time_left() is None
    for wave in (10.0, 20.0, 30.0):
        for _ in range(2):
            stage.done(wave, 30, 3000)
        assert stage.rate() == pytest.approx((6.0, 600.0))
    assert stage.time_left() == pytest.approx(10.0)


def test_the_rate_follows_workers_that_come() -> None:
    stage = Stage("ingest", 100, 3000)
    for i in range(10):
        stage.done(10.0 * (i + 1), 30, 0)
    for i in range(40):
        stage.done(100.0 + 2.5 * (i + 1), 30, 0)
    assert stage.rate() == pytest.approx((12.0, 0.0))


def test_blocks_that_fail_are_not_waited_for_and_do_not_hurry_the_rate() -> None:
    stage = Stage("detect", 3, 90)
    stage.fail(30)
    stage.done(10.0, 30, 0)
    assert stage.rate() == pytest.approx((3.0, 0.0))
    assert stage.time_left() == pytest.approx(10.0)
    stage.fail(30)
    assert stage.time_left() == 0.0
    assert stage.ended == 3


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00:00"), (59.6, "0:01:00"), (90061, "25:01:01")])
def test_durations_are_readable(seconds: float, text: str) -> None:
    assert duration(seconds) == text
