"""The page without a server: what its figures hold is what the board says."""

from html.parser import HTMLParser

import numpy as np
import pytest

from reprocess.monitoring.board import GRID, STATES, Board
from reprocess.monitoring.page import MIN_DWELL_S, BoardPage
from tests.support.states import block, job, on_the_map, states


@pytest.fixture
def board() -> Board:
    made = Board()
    made.apply(job(), 0.0)
    return made


def page_of(board: Board, workers: int = 2, now: float = 60.0) -> BoardPage:
    page = BoardPage(board, lambda: workers, lambda: now)
    page.update()
    return page


def text_of(page: BoardPage, name: str) -> str:
    words: list[str] = []
    parser = HTMLParser()
    parser.handle_data = words.append  # type: ignore[method-assign]
    parser.feed(page.root.select_one({"name": name}).text)
    return " ".join("".join(words).split())


def data_of(page: BoardPage, name: str) -> dict[str, np.ndarray]:
    return {key: np.asarray(x) for key, x in page.root.select_one({"name": name}).data.items()}


def test_before_any_job_the_page_says_so() -> None:
    assert "no run of reprocess has begun" in text_of(page_of(Board()), "head")


def test_bars_of_a_month_are_filled_in_proportion(board: Board) -> None:
    board.apply(
        states(block(days="....dliiccccqq"), block("metop01", 248, "ccc.", failures={"ingest": "x"})), 0
    )
    bars = data_of(page_of(board), "progress")
    assert bars["satellite"].tolist() == ["MetOp-B", "NOAA-18", "NOAA-18"]
    assert bars["month"].tolist() == ["2019-09", "2019-09", "2019-10"]
    heights = {state: bars[f"{state}_top"] - bars[f"{state}_bottom"] for state in STATES}
    for state in STATES:
        np.testing.assert_allclose(heights[state], 0.8 * bars[state] / bars["planned"])
    np.testing.assert_allclose(sum(heights.values()), 0.8)
    assert bars["failed"].tolist() == [1, 0, 0]
    centre = (bars["classified_bottom"] + bars["missing_top"]) / 2
    np.testing.assert_allclose(
        centre, [0, 1, 1], atol=1e-12, err_msg="satellites in the order of the archive, from above"
    )


def test_rates_are_events_over_hours_and_unknown_where_little_was_observed(board: Board) -> None:
    parts = [block(number=n, days="cc", **on_the_map(n)) for n in (247, 248)]
    board.apply(states(*parts), 0.0)
    page = page_of(board)
    counts, dwell = board.maps()
    for k, name in enumerate(("REP", "CSS")):
        shown = data_of(page, f"map_{name}")
        np.testing.assert_array_equal(shown["events"], counts[k].ravel())
        np.testing.assert_array_equal(shown["hours"], dwell.ravel() / 3600)
        thin = dwell.ravel() < MIN_DWELL_S
        assert 0 < thin.sum() < thin.size
        assert np.isnan(shown["value"][thin]).all()
        expected = counts[k].ravel()[~thin] / (dwell.ravel()[~thin] / 3600)
        np.testing.assert_allclose(shown["value"][~thin], expected)
    observed = data_of(page, "map_dwell")["value"]
    np.testing.assert_array_equal(np.nan_to_num(observed), dwell.ravel() / 3600)
    assert np.isnan(observed[dwell.ravel() == 0]).all()
    assert "Events off the map (L outside it, or not measured at the peak): 4." in text_of(page, "map_note")


def test_the_dial_has_noon_up_dusk_left_and_L_growing_outwards(board: Board) -> None:
    wedges = data_of(page_of(board), "map_REP")
    middle = (wedges["start"] + wedges["end"]) / 2
    x, y = np.cos(middle), np.sin(middle)
    hour = np.tile((GRID.MLT_edges[:-1] + GRID.MLT_edges[1:]) / 2, GRID.shape[0])
    np.testing.assert_array_equal(y > 0, (hour > 6) & (hour < 18))
    np.testing.assert_array_equal(x < 0, hour > 12)
    assert wedges["inner"].tolist() == np.repeat(GRID.L_edges[:-1], GRID.shape[1]).tolist()
    assert (wedges["L"][0], wedges["MLT"][0]) == ("2.5-3", "00-01 h")


def test_numbers_are_above_their_names(board: Board) -> None:
    board.apply(states(block(days="ccciq", records=1234567, failures={"detect": "boom"})), 0.0)
    board.apply({"kind": "stage", "job": "one", "stage": "detect", "blocks": 3, "days": 64}, 0.0)
    done = {"kind": "done", "job": "one", "stage": "detect", "elapsed": 8.0, "days": 32, "records": 80000}
    board.apply(done, 50.0)
    text = text_of(page_of(board), "head")
    assert (
        "run r in /data/W (m, published, e) — detect: 1 of 3 blocks ended; 2 workers; last news 0:00:10 ago"
        in text
    )
    for number in (
        "4 of 5satellite-days ingested", "3classified", "1quarantined", "1,234,567records", "1failed blocks",
        "4satellite-days/s", "10,000records/s", "0:00:08left of detect",
    ):  # fmt: skip
        assert number in text
    pace = data_of(page_of(board), "pace_detect")
    assert pace["days"].tolist() == [0, 32]
    np.testing.assert_allclose(pace["minutes"], [0, 8 / 60])
    board.apply({"kind": "stage", "job": "one", "stage": "describe", "blocks": 3, "days": 64}, 60.0)
    board.apply({**done, "stage": "describe", "records": 0}, 70.0)
    text = text_of(page_of(board), "head")
    assert "4satellite-days/s" in text
    assert "records/s" not in text, "it counts none"


def test_a_job_without_workers_or_at_its_end_says_so(board: Board) -> None:
    board.apply({"kind": "stage", "job": "one", "stage": "ingest", "blocks": 3, "days": 64}, 0.0)
    assert "no worker is here" in text_of(page_of(board, workers=0), "head")
    board.apply({"kind": "end", "job": "one", "how": "stopped: OSError: no space"}, 0.0)
    assert "stopped: OSError: no space" in text_of(page_of(board), "head")


def test_a_job_that_only_ingests_shows_no_events() -> None:
    board = Board()
    board.apply(job(run="", model="", mode="", engine=""), 0.0)
    board.apply(states(block(days="ii")), 0.0)
    page = page_of(board)
    assert "the archive in /data/W" in text_of(page, "head")
    assert "REP" not in text_of(page, "head")
    assert "no events, no map" in text_of(page, "map_note")


def test_troubles_are_listed_and_cannot_become_markup(board: Board) -> None:
    hostile = "<script>alert(1)</script> & {0}"
    board.apply(
        states(
            block(
                days="qqq",
                left_out=[[f"2019-10-0{d}", "quarantined", "truncated", hostile] for d in (1, 2, 3)],
            ),
            block("noaa15", 248, "i", failures={"detect": hostile}, events={"REP": 3}, unread=hostile),
        ),
        0.0,
    )
    page = page_of(board)
    text = text_of(page, "failures") + text_of(page, "left_out")
    assert text.count(hostile) == 4
    assert "Failed blocks: 1" in text
    assert "NOAA-152019-09-24detect" in text
    assert "Days left out: 33 quarantined: truncated" in text
    assert "Classified blocks not on the map: 1. <script>" in text_of(page, "map_note")
    assert "Events off the map" not in text_of(page, "map_note")
    assert all(
        "<script" not in page.root.select_one({"name": n}).text
        for n in ("head", "failures", "left_out", "map_note")
    )


def test_long_tables_are_cut_with_a_remark(board: Board) -> None:
    days = [[f"2019-10-{d:02d}", "quarantined", "truncated", "x"] for d in range(1, 31)]
    board.apply(states(*(block(number=n, days="q" * 30, left_out=days) for n in range(240, 250))), 0.0)
    text = text_of(page_of(board), "left_out")
    assert text.count("NOAA-18") == 200
    assert "and 100 more" in text


def test_the_page_follows_the_board(board: Board) -> None:
    page = page_of(board)
    board.apply(states(block(days="cc", **on_the_map(1))), 0.0)
    page.update()
    assert data_of(page, "progress")["classified"].tolist() == [2]
    np.testing.assert_array_equal(data_of(page, "map_REP")["events"], board.maps()[0][0].ravel())
