"""What is done, missing and left out, from ledgers alone."""

import datetime as dt
import itertools
from pathlib import Path
from typing import Any

import pytest

from reprocess import schema
from reprocess.errors import LedgerError
from reprocess.schema.granules import Granule, LeftOut, Listing
from reprocess.work.asked import merge_asked, note_left_out, note_vanished
from reprocess.work.choice import Choice
from reprocess.work.paths import SUMS, Sum, Work
from reprocess.work.receipts import DayEntry
from reprocess.work.status import detected, exit_code, is_current, ledger_days, not_ingested, survey
from reprocess.work.surveyed import lacking


def granule(satellite: str = "noaa18", day: int = 7966, **changes: Any) -> Granule:
    url = f"file:///{satellite}/{day}.nc"
    return Granule(satellite, day, url, 10, "1.5")._replace(**changes)


def entry(source: Granule, reason: str | None = None, sha256: str = "aa") -> DayEntry:
    base: DayEntry = {"source": source.identity | {"sha256": sha256}}
    if reason is not None:
        return base | {"status": "quarantined", "reason": reason, "detail": f"why {reason}"}
    return base | {"status": "ok", "records": 400, "not_measured": {}}


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


def ingested(work: Work, *days: tuple[Granule, DayEntry]) -> None:
    def block(item: tuple[Granule, DayEntry]) -> tuple[str, int]:
        return item[0].satellite, item[0].day // schema.BLOCK_DAYS

    for (satellite, number), items in itertools.groupby(days, key=block):
        entries = {g.date.isoformat(): e for g, e in items}
        shard = work.archive / satellite / "record_count" / "c" / str(number)
        shard.parent.mkdir(parents=True, exist_ok=True)
        shard.touch()
        work.ledger.commit(
            {
                "satellite": satellite,
                "block": number,
                "days": {date: e for date, e in entries.items() if "status" in e},
                "deferred": {date: e for date, e in entries.items() if "status" not in e},
                "outputs": {},
            }
        )


def deferral(source: Granule, reason: str = "timeout") -> DayEntry:
    return {"source": source.identity, "reason": reason, "detail": f"why {reason}"}


def classified(work: Work, name: str, *days: tuple[Granule, str], events: int = 2) -> None:
    run = work.run(name)
    run.claim({"model": "m", "mode": "published", "engine": "onnxruntime"})
    entries = {g.date.isoformat(): {"source_sha256": s, "events": {"REP": events, "CSS": 1}} for g, s in days}
    run.ledger.commit(
        {"satellite": days[0][0].satellite, "block": days[0][0].day // 32, "days": entries, "outputs": {}}
    )
    run.exposure.mkdir()
    run.made("exposure", list(run.ledger.done()))


def test_days_of_done_blocks_only_are_believed(work: Work) -> None:
    first, second = granule(), granule(day=7968)
    ingested(work, (first, entry(first)), (second, entry(second)))
    work.ledger.begin("noaa18", second.day // 32)
    assert ledger_days(work.ledger) == {("noaa18", "2019-10-24"): entry(first)}


def test_same_file_is_current(work: Work) -> None:
    assert is_current(granule(), entry(granule()))
    assert is_current(granule(), entry(granule(), "truncated"))


@pytest.mark.parametrize("change", [{"size": 11}, {"version": "2.5"}, {"url": "file:///moved.nc"}])
def test_changed_file_is_not_current(change: dict) -> None:
    assert not is_current(granule(**change), entry(granule()))


def test_day_without_an_entry_is_not_current() -> None:
    assert not is_current(granule(), None)


@pytest.mark.parametrize("reason", [*schema.REASONS, "unreadable"])
def test_only_files_that_could_not_be_had_are_tried_again(reason: str) -> None:
    assert is_current(granule(), entry(granule(), reason)) == (reason not in {"unreadable", "html_page"})


@pytest.mark.parametrize(
    ("run_sha256", "archive_sha256", "expected"), [("aa", "aa", True), ("aa", "bb", False)]
)
def test_day_is_detected_if_it_was_classified_from_the_data_there_are(
    run_sha256: str, archive_sha256: str, expected: bool
) -> None:
    source = entry(granule(), sha256=archive_sha256)
    assert detected({"source_sha256": run_sha256}, source) is expected


def test_day_that_is_in_neither_ledger_is_not_detected() -> None:
    assert detected(None, entry(granule())) is False
    assert detected({"source_sha256": "aa"}, None) is False
    assert detected(None, None) is False


def test_survey_of_an_empty_folder_has_nothing(work: Work) -> None:
    state = survey(work)
    assert state == {
        "ingest": {
            "satellites": {},
            "years": [],
            "quarantined": [],
            "deferred": [],
            "missing": [],
            "lost": [],
            "vanished": [],
            "left_out": [],
            "simulated": 0,
            "reasons": {"quarantined": {}, "deferred": {}, "left_out": {}},
            "failed_blocks": [],
            "gone": [],
        },
        "runs": {},
    }
    assert exit_code(state, None) == 0


def mixed(work: Work) -> list[Granule]:
    """A good day, a bad, an unreadable, a changed, an unread, a deferred one, one of another satellite."""
    days = [granule(day=7936 + k) for k in range(5)] + [granule("metop01"), granule(day=7941)]
    ingested(
        work,
        (days[0], entry(days[0])),
        (days[1], entry(days[1], "wrong_date")),
        (days[2], entry(days[2], "unreadable")),
        (days[3], entry(days[3]._replace(size=9))),
        (days[6], deferral(days[6])),
        (days[5], entry(days[5])),
    )
    merge_asked(work.asked, days)
    return days


def test_every_planned_day_is_ok_quarantined_deferred_or_missing(work: Work) -> None:
    days = mixed(work)
    state = survey(work)["ingest"]
    assert state["satellites"]["noaa18"] == {
        "planned": 6,
        "ok": 1,
        "records": 400,
        "quarantined": 2,
        "deferred": 1,
        "missing": 2,
        "lost": 0,
        "not_measured": 0,
    }
    none = {"quarantined": 0, "deferred": 0, "missing": 0, "lost": 0, "not_measured": 0}
    assert state["satellites"]["metop01"] == {"planned": 1, "ok": 1, "records": 400} | none
    for counts in state["satellites"].values():
        parts = sum(counts[key] for key in ("ok", "quarantined", "deferred", "missing", "lost"))
        assert counts["planned"] == parts
    assert [d["date"] for d in state["missing"]] == [d.date.isoformat() for d in days[3:5]]


def test_quarantined_days_are_listed_with_their_reasons(work: Work) -> None:
    days = mixed(work)
    assert survey(work)["ingest"]["quarantined"] == [
        {
            "satellite": "noaa18",
            "date": d.date.isoformat(),
            "url": d.url,
            "reason": reason,
            "detail": f"why {reason}",
        }
        for d, reason in zip(days[1:3], ("wrong_date", "unreadable"), strict=True)
    ]


def test_deferred_days_are_listed_and_counted_by_their_reasons(work: Work) -> None:
    days = [granule(day=7936 + k) for k in range(4)]
    reasons = ["timeout", "not_found", "timeout"]
    ingested(
        work, (days[3], entry(days[3], "truncated")), *zip(days, map(deferral, days, reasons), strict=False)
    )
    state = survey(work, days)
    assert state["ingest"]["reasons"] == {
        "quarantined": {"truncated": 1},
        "deferred": {"not_found": 1, "timeout": 2},
        "left_out": {},
    }
    assert [(d["date"], d["reason"], d["detail"]) for d in state["ingest"]["deferred"]] == [
        (d.date.isoformat(), reason, f"why {reason}") for d, reason in zip(days, reasons, strict=False)
    ]
    assert exit_code(state, None) == 4


@pytest.mark.parametrize(
    ("reason", "day", "code"),
    [
        ("compressed", 7940, 3),
        ("other_name", 7940, 3),
        ("unknown_day", -1, 3),
        ("not_a_file", 7940, 3),
        ("partial", 7940, 4),
        ("unreadable", -1, 4),
        ("broken_link", -1, 4),
        ("compressed", 7966, 0),
        ("partial", 7966, 0),
        ("hidden", -1, 0),
        ("loop", -1, 0),
        ("other_file", -1, 0),
    ],
)
def test_what_is_left_out_makes_the_exit_code_unless_its_day_is_read(
    work: Work, reason: str, day: int, code: int
) -> None:
    read = granule()
    ingested(work, (read, entry(read)))
    merge_asked(work.asked, [read])
    left_out = LeftOut("file:///a/x", reason, "noaa18" if day >= 0 else "", day)
    assert exit_code(survey(work), None) == 0
    note_left_out(work.left_out, Listing([read], [left_out]))
    for state in (survey(work), survey(work, [read], [left_out])):
        assert exit_code(state, None) == code
        assert state["ingest"]["reasons"]["left_out"] == {reason: 1}
        (told,) = state["ingest"]["left_out"]
        assert (told["url"], told["reason"], told["counts"]) == ("file:///a/x", reason, code > 0)
        assert told.get("date") == (left_out.date.isoformat() if day >= 0 else None)
    assert exit_code(survey(work, [read]), None) == 0


def test_every_reason_to_leave_out_has_its_exit_code() -> None:
    assert schema.LEFT_OUT.keys() > schema.NO_DAY | schema.LEFT_OUT_FOR_NOW
    assert not schema.NO_DAY & schema.LEFT_OUT_FOR_NOW


def test_deferred_new_version_is_incomplete_although_the_old_one_is_there(work: Work) -> None:
    old, new = granule(), granule(size=20)
    record = {"satellite": "noaa18", "block": 248, "outputs": {}}
    date = old.date.isoformat()
    work.ledger.commit(record | {"days": {date: entry(old)}, "deferred": {date: deferral(new)}})
    state = survey(work, [new])["ingest"]
    assert (state["satellites"]["noaa18"]["deferred"], state["satellites"]["noaa18"]["ok"]) == (1, 0)
    assert survey(work, [granule(size=30)])["ingest"]["satellites"]["noaa18"]["missing"] == 1


def test_days_that_vanished_are_kept_or_lost(work: Work) -> None:
    days = [granule(day=7936 + k) for k in range(4)]
    ingested(
        work, (days[0], entry(days[0])), (days[1], entry(days[1], "truncated")), (days[2], deferral(days[2]))
    )
    merge_asked(work.asked, days)
    note_vanished(work.vanished, days, Listing([], []))
    state = survey(work)
    assert [(d["date"], d["kept"]) for d in state["ingest"]["vanished"]] == [
        (g.date.isoformat(), k == 0) for k, g in enumerate(days)
    ]
    counts = state["ingest"]["satellites"]["noaa18"]
    assert [counts[key] for key in ("ok", "quarantined", "deferred", "missing", "lost")] == [1, 1, 0, 0, 2]
    assert [d["date"] for d in state["ingest"]["lost"]] == [g.date.isoformat() for g in days[2:]]
    assert exit_code(state, None) == 3
    assert exit_code(survey(work, days[:1]), None) == 0
    assert exit_code(survey(work, days[3:]), None) == 3


def test_days_that_are_not_ingested_are_told_with_their_reasons(work: Work) -> None:
    days = mixed(work)
    note_vanished(work.vanished, days[4:5], Listing([], []))
    told = {d["date"]: d["why"] for d in not_ingested(survey(work))}
    assert told == {
        days[3].date.isoformat(): "not read yet, or replaced since",
        days[4].date.isoformat(): "no longer in its archive",
        days[6].date.isoformat(): "deferred, timeout: why timeout",
    }
    classified(work, "r", (days[0], "aa"))
    assert lacking(survey(work), "r") == {
        "satellite_days_not_ingested": 3,
        "satellite_days_quarantined": 2,
        "satellite_days_not_classified": 1,
    }


def test_what_a_choice_of_days_lacks_is_that_of_its_days(work: Work) -> None:
    days = mixed(work)
    classified(work, "r", (days[0], "aa"))
    for choice, lacks in (
        (Choice(satellites=("noaa18",)), (3, 2, 0)),
        (Choice(satellites=("metop01",)), (0, 0, 1)),
        (Choice(start=days[2].date, end=days[3].date), (1, 1, 0)),
        (Choice(exclude=("SAA",), hemispheres=("N",)), (3, 2, 1)),
    ):
        assert tuple(lacking(survey(work), "r", choice).values()) == lacks, choice.words


def test_survey_answers_for_the_days_asked_for(work: Work) -> None:
    days = mixed(work)
    state = survey(work, [days[0], days[1]])["ingest"]
    counts = {"planned": 2, "ok": 1, "records": 400, "quarantined": 1, "missing": 0, "deferred": 0, "lost": 0}
    assert state["satellites"] == {"noaa18": counts | {"not_measured": 0}}
    assert state["missing"] == []
    assert survey(work, [])["ingest"]["satellites"] == {}


def test_days_of_a_block_that_is_being_written_are_missing(work: Work) -> None:
    days = mixed(work)
    work.ledger.begin("noaa18", 248)
    state = survey(work)["ingest"]
    assert len(state["missing"]) == 6
    assert [d.satellite for d in days].count("noaa18") == 6


def test_failed_blocks_are_listed_with_their_reasons(work: Work) -> None:
    work.ledger.fail("noaa18", 248, "OSError: disk full", "trace")
    days = [granule()]
    classified(work, "r", (days[0], "aa"))
    work.run("r").ledger.fail("noaa18", 250, "MemoryError", "trace")
    state = survey(work, days)
    failed = {"satellite": "noaa18", "block": 248, "reason": "OSError: disk full"}
    assert state["ingest"]["failed_blocks"] == [failed]
    assert state["runs"]["r"]["failed_blocks"] == [
        {"satellite": "noaa18", "block": 250, "reason": "MemoryError"}
    ]


def test_run_misses_good_days_it_has_not_classified_as_they_are(work: Work) -> None:
    days = [granule(day=7936 + k) for k in range(4)]
    ingested(work, *((g, entry(g, "wrong_date" if k == 3 else None)) for k, g in enumerate(days)))
    classified(work, "r", (days[0], "aa"), (days[1], "older"))
    run = survey(work, days)["runs"]["r"]
    assert run["days_done"] == 1
    assert [d["date"] for d in run["missing"]] == ["2019-09-25", "2019-09-26"]
    assert run["events"] == {"REP": 2, "CSS": 1}  # of the current day alone
    assert (run["model"], run["mode"], run["engine"]) == ("m", "published", "onnxruntime")


def test_counts_by_year_add_up_to_those_of_the_satellite(work: Work) -> None:
    days = [granule(day=schema.day_index(dt.date(2019, 12, 30)) + k) for k in range(4)]
    ingested(work, *((g, entry(g)) for g in days[:3]))
    merge_asked(work.asked, days)
    classified(work, "r", (days[0], "aa"), (days[2], "older"))
    state = survey(work)
    assert [
        (y["satellite"], y["year"], y["planned"], y["ok"], y["missing"]) for y in state["ingest"]["years"]
    ] == [
        ("noaa18", 2019, 2, 2, 0),
        ("noaa18", 2020, 2, 1, 1),
    ]
    counts = state["ingest"]["satellites"]["noaa18"]
    for key, value in counts.items():
        assert sum(y[key] for y in state["ingest"]["years"]) == value
    assert state["runs"]["r"]["years"] == [
        {"satellite": "noaa18", "year": 2019, "done": 1, "missing": 1},
        {"satellite": "noaa18", "year": 2020, "done": 0, "missing": 1},
    ]


def test_missing_days_of_failed_blocks_are_counted_as_such(work: Work) -> None:
    days = [granule(day=7966), granule(day=8200)]
    merge_asked(work.asked, days)
    work.ledger.fail("noaa18", 7966 // 32, "OSError: disk full", "trace")
    assert [(y["missing"], y["failed"]) for y in survey(work)["ingest"]["years"]] == [(1, 1), (1, 0)]


@pytest.mark.parametrize("made", SUMS)
def test_sum_of_other_parts_than_there_are_makes_a_run_incomplete(work: Work, made: Sum) -> None:
    day, later = granule(), granule(day=8200)
    ingested(work, (day, entry(day)))
    classified(work, "r", (day, "aa"))
    run = work.run("r")
    run.occurrence.write_bytes(b"maps")
    run.made("occurrence", list(run.ledger.done()))
    assert exit_code(survey(work, [day]), "r") == 0
    run.made(made, [])
    state = survey(work, [day])
    assert (state["runs"]["r"]["outdated"], exit_code(state, "r")) == ([made], 4)
    run.made(made, list(run.ledger.done()))
    run.ledger.commit(
        {"satellite": "noaa18", "block": later.day // 32, "days": {}, "outputs": {"events": "x"}}
    )
    assert exit_code(survey(work, [day]), "r") == 4


def test_run_without_maps_is_complete_and_without_exposure_is_not(work: Work) -> None:
    day = granule()
    ingested(work, (day, entry(day)))
    classified(work, "r", (day, "aa"))
    assert survey(work, [day])["runs"]["r"]["outdated"] == []
    work.run("r").exposure.rmdir()
    assert survey(work, [day])["runs"]["r"]["outdated"] == ["exposure"]


def test_maps_of_which_nothing_was_noted_before_the_process_died_make_a_run_incomplete(work: Work) -> None:
    day = granule()
    ingested(work, (day, entry(day)))
    classified(work, "r", (day, "aa"))
    work.run("r").occurrence.write_bytes(b"maps")
    state = survey(work, [day])
    assert (state["runs"]["r"]["outdated"], exit_code(state, "r")) == (["occurrence"], 4)


def test_every_run_is_surveyed_by_itself(work: Work) -> None:
    day = granule()
    ingested(work, (day, entry(day)))
    classified(work, "a", (day, "aa"), events=5)
    classified(work, "b", (day, "bb"), events=7)
    runs = survey(work, [day])["runs"]
    assert {name: (r["days_done"], r["events"]["REP"]) for name, r in runs.items()} == {
        "a": (1, 5),
        "b": (0, 0),
    }


@pytest.mark.parametrize(
    ("reasons", "run", "classify", "expected"),
    [
        ([None], None, False, 0),
        ([None], "r", True, 0),
        ([None, "truncated"], None, False, 3),
        ([None, "truncated"], "r", True, 3),
        ([None], "r", False, 4),
        ([None, "truncated"], "r", False, 4),
        ([None, "unreadable"], None, False, 3),
        ([None, "never read"], None, False, 4),
        ([None, "never read"], "r", True, 4),
        (["truncated", "never read"], None, False, 4),
    ],
)
def test_exit_code_tells_complete_quarantined_or_incomplete(
    work: Work, reasons: list[str | None], run: str | None, classify: bool, expected: int
) -> None:
    days = [granule(day=7936 + k) for k in range(len(reasons))]
    read = [(g, entry(g, r)) for g, r in zip(days, reasons, strict=True) if r != "never read"]
    ingested(work, *read)
    classified(work, "r", (days[0], "aa" if classify else "older"))
    assert exit_code(survey(work, days), run) == expected


def test_done_blocks_that_nobody_asked_for_are_no_complete_work(work: Work) -> None:
    ingested(work, (granule(), entry(granule())))
    merge_asked(work.asked, [granule()])
    work.asked.unlink()
    with pytest.raises(
        LedgerError, match=r"catalog\.csv is missing, .* though 1 block is done; give the same"
    ):
        survey(work)
    assert survey(work, [granule()])["ingest"]["missing"] == []
