"""Coincidences with listed events, by chance and in truth; who was looking; the command."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocess import schema
from reprocess.comparison.coincidence import (
    FEWEST_CONTROLS,
    Coverage,
    coincidence_table,
    count_by_chance,
)
from reprocess.comparison.listed import of_run, read_listed
from reprocess.comparison.looking import look_up
from reprocess.detect.rules.modes import mode_of
from reprocess.errors import EventListError
from reprocess.evaluation.rows import Form
from reprocess.physics.coincidence import Shifts, Spots, Windows, hours_apart, near
from reprocess.work.parts import read_events
from reprocess.work.paths import Work
from reprocess.work.receipts import days_of
from tests.support.command import invoke, reprocess
from tests.support.compared import at, run_events

DAY_MS = schema.MS_PER_DAY


def spots(*events: tuple[float, float, float, str], length_s: float = 10) -> Spots:
    """Events of seconds after noon on 2015-03-01, L, MLT and satellite."""
    noon = np.datetime64("2015-03-01T12:00:00", "ms").astype(np.int64)
    second, L, MLT, who = (np.array(x) for x in zip(*events, strict=True)) if events else (np.empty(0),) * 4
    start = noon + np.round(np.asarray(second, float) * 1000).astype(np.int64)
    return Spots(
        start,
        start + round(length_s * 1000),
        np.asarray(L, float),
        np.asarray(MLT, float),
        who.astype(object),
    )


LISTED = (0, 5.0, 23.5, "elfin")


@pytest.mark.parametrize(
    ("ours", "found"),
    [
        ((0, 5.0, 23.5, "noaa18"), True),
        ((610, 5.0, 23.5, "noaa18"), True),  # ten minutes after its stop
        ((610.001, 5.0, 23.5, "noaa18"), False),
        ((-610, 5.0, 23.5, "noaa18"), True),
        ((0, 5.5, 23.5, "noaa18"), True),
        ((0, 5.51, 23.5, "noaa18"), False),
        ((0, 5.0, 0.5, "noaa18"), True),  # across midnight
        ((0, 5.0, 0.6, "noaa18"), False),
        ((0, np.nan, np.nan, "noaa18"), True),  # not known is not far
        ((0, 5.0, 23.5, "elfin"), True),
    ],
)
def test_windows_by_hand(ours: tuple[float, float, float, str], found: bool) -> None:
    assert near(spots(LISTED), spots(ours), Windows())[0].size == found
    assert near(spots(ours), spots(LISTED), Windows())[0].size == found


def test_pairs_of_one_satellite_can_be_left_out() -> None:
    listed, ours = spots(LISTED), spots((0, 5.0, 23.5, "elfin"), (0, 5.0, 23.5, "noaa18"))
    assert near(listed, ours, Windows(), others=True)[1].tolist() == [1]


place = st.tuples(
    st.integers(-3000, 3000),
    st.floats(3, 6),
    st.floats(0, 24, exclude_max=True),
    st.sampled_from(["noaa18", "noaa19"]),
)


@settings(max_examples=60)
@given(st.lists(place, max_size=8), st.lists(place, max_size=8), st.sampled_from([-600_000, 0, 1_200_000]))
def test_pairs_are_those_of_a_double_loop(a: list, b: list, shift: int) -> None:
    listed, ours = spots(*a), spots(*b)
    expected = set()
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            apart = max(abs(one[0] + shift / 1000 - other[0]) - 10, 0)
            hours = min((one[2] - other[2]) % 24, (other[2] - one[2]) % 24)
            if apart <= 600 and abs(one[1] - other[1]) <= 0.5 and hours <= 1:
                expected.add((i, j))
    assert (
        set(zip(*(x.tolist() for x in near(listed, ours, Windows(), shift=shift)), strict=True)) == expected
    )


@given(st.floats(0, 24), st.floats(0, 24))
def test_hours_around_the_clock(a: float, b: float) -> None:
    apart = float(hours_apart(np.array(a), np.array(b)))
    assert -12 <= apart <= 12
    assert abs(((b + apart - a) + 12) % 24 - 12) < 1e-9


DATES = [str(np.datetime64("2015-02-19") + k) for k in range(21)]  # ten days before and after 2015-03-01
EVERY_DAY = {("noaa18", date) for date in DATES}


def test_chance_is_what_moved_lists_meet() -> None:
    """One event of ours two days later: the control that is moved by two days meets it, the others none."""
    ours = spots((0, 5.0, 23.5, "noaa18"), (2 * 86400, 5.0, 23.5, "noaa18"))
    found = count_by_chance(spots(LISTED), ours, Windows(), Shifts(), Coverage(EVERY_DAY))
    assert (found["coincide"], found["covered"], found["expected"]) == (1, 1, 1 / 20)
    assert [c["shift_h"] for c in found["controls"] if c["coincide"]] == [48.0]
    assert len(found["controls"]) == 20
    assert found["as_many"] == 2 / 21
    assert found["interval"][0] == 0 < found["interval"][1] <= 1


def test_controls_without_data_count_for_nothing_and_too_few_give_no_interval() -> None:
    ours = spots((86400, 5.0, 23.5, "noaa18"))
    days = {("noaa18", "2015-03-01"), ("noaa18", "2015-03-02"), ("noaa19", "2015-03-02")}
    found = count_by_chance(spots(LISTED), ours, Windows(), Shifts(), Coverage(days))
    # the control of the next day meets one event with two satellites: half an event for one satellite
    assert (found["coincide"], found["expected"], found["interval"], found["as_many"]) == (0, 0.5, None, None)
    assert sum(c["satellite_days"] > 0 for c in found["controls"]) == 1 < FEWEST_CONTROLS
    nothing = count_by_chance(spots(LISTED), ours, Windows(), Shifts(), Coverage({("noaa18", "2019-01-01")}))
    assert (nothing["covered"], nothing["expected"]) == (0, None)


def test_a_satellite_is_no_data_for_its_own_events() -> None:
    coverage = Coverage({("elfin", "2015-03-01"), ("noaa18", "2015-03-01")})
    assert coverage.satellites(spots(LISTED), 0, others=False).tolist() == [2]
    assert coverage.satellites(spots(LISTED), 0, others=True).tolist() == [1]
    assert coverage.satellites(spots(LISTED), -40 * 365 * DAY_MS, others=False).tolist() == [0]


def test_moving_list_and_run_together_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    rows = [
        (float(s), 4 + float(x), 24 * float(y), "noaa18") for s, x, y in rng.random((60, 3)) * [86400, 2, 1]
    ]
    later = [(s + 86400, *rest) for s, *rest in rows]
    one = near(spots(*rows[:30]), spots(*rows[30:]), Windows(60, 1, 3))
    other = near(spots(*later[:30]), spots(*later[30:]), Windows(60, 1, 3))
    assert one[0].size > 3
    np.testing.assert_array_equal(np.sort(one), np.sort(other))


def test_the_table_has_every_listed_event() -> None:
    events = run_events([at(0, 10), at(300, 10), at(0, 10, satellite="noaa19")])
    events = events.assign(L=5.0, MLT=[23.9, 0.3, 12.0])
    listed = of_run(run_events([at(5, 20), at(7200, 10)]), "r").table.assign(L=5.2, MLT=0.1)
    table = coincidence_table(listed.assign(observed_s=4.0, looking="noaa18"), events, Windows())
    assert list(table.columns) == list(schema.COINCIDENCE_COLUMNS)
    assert table["line"].tolist() == [1, 1, 2]
    assert table["satellite"].tolist() == ["noaa18", "noaa18", ""]
    assert table["apart_s"].tolist()[:2] == [0.0, 275.0]
    np.testing.assert_allclose(table["apart_MLT"].tolist()[:2], [-0.2, 0.2])
    assert table["apart_L"].isna().tolist() == [False, False, True]


LIST = """start_time,stop_time,satellite,MLT,L
2015-03-01T23:45:00,2015-03-01T23:45:10,A,18.9,5.5
2015-03-01T23:45:00,2015-03-01T23:45:10,A,18.9,5.5
2015-03-01T23:45:00,2015-03-01T23:45:10,B,18.9,5.5
2015-03-01T23:45:10,2015-03-01T23:45:00,A,18.9,5.5
2015-03-01,2015-03-01T23:45:10,A,18.9,5.5
2015-03-01T23:45:00,2015-03-01T23:4x:10,A,18.9,5.5
2015-03-01T23:45:00,2015-03-02T12:45:10,A,18.9,5.5
2015-03-01T23:45:00,2015-03-01T23:45:10,A,18.9,NaN
2015-03-01T23:45:00,2015-03-01T23:45:10,A,-1e31,5.5
2015-03-01T23:45:00,2015-03-01T23:45:10,A,24.5,5.5
2015-03-01T23:45:00,2015-03-01T23:45:10,A,18.9,0.5
2015-03-01T23:45:00,2015-03-01T23:45:10,C,24,5.5
"""


def test_rows_that_cannot_be_used_are_named_by_line_and_reason(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(LIST)
    found = read_listed(tmp_path / "list.csv", Form())
    assert [(line, reason) for line, reason, _ in found.left_out] == [
        (3, "duplicate"),
        (5, "reversed"),
        (6, "no time of day"),
        (7, "no time"),
        (8, "too long"),
        (9, "no L"),
        (10, "no MLT"),
        (11, "impossible MLT"),
        (12, "impossible L"),
    ]
    assert found.table["line"].tolist() == [2, 4, 13]
    assert found.table["MLT"].tolist() == [18.9, 18.9, 0.0]
    assert found.rows == len(found.table) + len(found.left_out) == 12
    assert sum(found.reasons.values()) == 9


def test_a_list_may_have_nothing_but_times(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("time\n2015-03-01T23:45:00Z\n")
    found = read_listed(tmp_path / "list.csv", Form())
    assert (found.places, found.table["stop_time"].equals(found.table["start_time"])) == ((), True)
    assert near(Spots.of(found.table), Spots.of(found.table), Windows())[0].size == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            "begin\n2015-03-01T23:45:00\n",
            "has no column start_time, time or start; it has begin. Name one with",
        ),
        ("time\nx\n", r"no row of .*list\.csv can be used\n  line 2: start is no ISO 8601 time"),
        ("time\n", r"no row of .*list\.csv can be used$"),
    ],
)
def test_a_list_without_times_is_refused(content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(content)
    with pytest.raises(EventListError, match=words):
        read_listed(tmp_path / "list.csv", Form())
    with pytest.raises(EventListError, match="run 'r' has no event to look for"):
        of_run(run_events([]), "r")


def test_the_list_of_another_mission_is_read_whole(shared: Path) -> None:
    found = read_listed(shared / "event_lists/elfin_emic_2020_2022.csv", Form())
    assert (found.rows, found.reasons) == (237, {"duplicate": 39, "no L": 3})
    assert len(found.table) == 195


@pytest.mark.parametrize("name", ["published", "continuous"])
def test_who_was_looking_is_known_of_every_event_of_a_run_itself(name: str, compared: Work) -> None:
    """A satellite observed the records of its own events; nobody did a day later."""
    run = compared.run(name)
    receipts = list(run.ledger.done())
    listed = of_run(read_events(run, receipts), name).table
    mode, days = mode_of(run.read_identity() or {}), set(days_of(receipts))
    windows = Windows(0, 0.5, 24)
    seen = look_up(compared, mode, days, listed[listed["L"] > 0], windows)
    assert all(
        who in names for who, names in zip(seen["satellite"], seen["looking"].str.split(), strict=True)
    )
    assert (seen["observed_s"] >= 2).all()
    later = listed.assign(
        **{edge: listed[edge] + pd.Timedelta(days=9) for edge in ("start_time", "stop_time")}
    )
    unseen = look_up(compared, mode, days, later, windows)
    assert set(unseen["observed_s"]) == {0.0}
    assert set(unseen["looking"]) == {""}
    others = look_up(compared, mode, days, listed, windows, others=True)
    assert not any(
        who in names for who, names in zip(others["satellite"], others["looking"].str.split(), strict=True)
    )


def test_command_with_a_list(compared: Work, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(LIST)
    words = (
        "match",
        compared.root,
        tmp_path / "list.csv",
        "--run",
        "published",
        "-o",
        tmp_path / "m.parquet",
    )
    done = reprocess(*words, code=3)
    assert "3 events of 12 rows" in done.stdout
    assert "left out, 1 duplicate: line 3 is line 2 again" in done.stderr
    facts = json.loads(reprocess(*words, "--json", code=3).stdout)
    assert facts["left_out"]["no L"] == 1
    assert len(facts["lines_left_out"]) == 9
    table = pd.read_parquet(tmp_path / "m.parquet")
    assert list(table.columns) == list(schema.COINCIDENCE_COLUMNS)
    assert set(table["line"]) == {2, 4, 13}
    assert table.loc[table["satellite"] != "", "line"].nunique() == facts["counts"]["any"]["coincide"]
    assert (table.groupby("line")["observed_s"].first() > 0).sum() == facts["somebody_looking"]


def test_command_with_the_run_itself_and_another_run(compared: Work, tmp_path: Path) -> None:
    itself = json.loads(
        reprocess(
            "match", compared.root, "--with-itself", "--run", "published", "--json", "--no-looking",
            "--minutes", 1440, "--l-window", 9, "--mlt-window", 12,
        ).stdout
    )  # fmt: skip
    events = read_events(compared.run("published"), compared.run("published").ledger.done())
    assert itself["counts"]["any"]["coincide"] == len(events)  # both satellites have events within a day
    assert (itself["only_other_satellites"], itself["somebody_looking"]) == (True, None)
    page = tmp_path / "itself.html"
    one = ("match", compared.root, "--with-itself", "--run", "published", "--no-looking", "--page", page)
    for told in (reprocess(*one).stdout, page.read_text()):
        assert "on days that another satellite of the run has data of" in told
    other = reprocess("match", compared.root, ":plain", "--run", "plain", "-o", tmp_path / "m.csv")
    assert "on days that a satellite of the run has data of" in other.stdout
    rows = pd.read_csv(tmp_path / "m.csv")
    assert (rows["apart_s"] == 0).groupby(rows["line"]).any().all()  # every event meets itself
    assert "run plain" in other.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "give a LIST, or --with-itself for the run's own events, and not both"),
        (("{list}", "--with-itself"), "give a LIST, or --with-itself"),
        (("nowhere.csv",), "there is no file 'nowhere.csv'; give a LIST, or a run as WORK:RUN"),
        (("{list}", "-o", "m.xlsx"), "m.xlsx is neither .csv nor .parquet"),
        (("{list}", "-o", "nowhere/m.csv"), "there is no folder"),
        (("{list}", "--column", "shell=L"), "'shell=L' is not NAME=COLUMN with NAME one of satellite"),
        (("{list}", "--column", "L"), "'L' is not NAME=COLUMN"),
        (("{list}", "--no-header", "--column", "L=x"), "a list without a header has columns by number"),
    ],
)
def test_what_cannot_be_matched_is_refused(
    words: tuple[str, ...], told: str, compared: Work, tmp_path: Path
) -> None:
    (tmp_path / "list.csv").write_text(LIST)
    given_words = [word.format(list=tmp_path / "list.csv") for word in words]
    done = invoke("match", compared.root, "--run", "published", *given_words, code=2)
    assert told in " ".join(done.stderr.split())
