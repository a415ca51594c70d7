"""What is done, missing and left out, from ledgers alone."""

import dataclasses
import datetime as dt
import itertools
from pathlib import Path
from typing import Any

import pytest

from reprocess import schema
from reprocess.catalog import Granule
from reprocess.ledger import Record, merge_catalog
from reprocess.status import detected, exit_code, is_current, ledger_days, survey
from reprocess.work import SUMS, Sum, Work


def granule(satellite: str = "noaa18", day: int = 7966, **changes: Any) -> Granule:
    url = f"file:///{satellite}/{day}.nc"
    return dataclasses.replace(Granule(satellite, day, url, 10, "1.5"), **changes)


def entry(source: Granule, reason: str | None = None, sha256: str = "aa") -> Record:
    base: Record = {"source": source.identity | {"sha256": sha256}}
    if reason is not None:
        return base | {"status": "quarantined", "reason": reason, "detail": f"why {reason}"}
    return base | {"status": "ok", "records": 400}


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


def ingested(work: Work, *days: tuple[Granule, Record]) -> None:
    def block(item: tuple[Granule, Record]) -> tuple[str, int]:
        return item[0].satellite, item[0].day // schema.BLOCK_DAYS

    for (satellite, number), items in itertools.groupby(days, key=block):
        entries = {g.date.isoformat(): e for g, e in items}
        work.ledger.commit({"satellite": satellite, "block": number, "days": entries, "outputs": {}})


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


@pytest.mark.parametrize("reason", schema.REASONS)
def test_only_unreadable_files_are_tried_again(reason: str) -> None:
    assert is_current(granule(), entry(granule(), reason)) == (reason != "unreadable")


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
        "ingest": {"satellites": {}, "years": [], "quarantined": [], "missing": [], "failed_blocks": []},
        "runs": {},
    }
    assert exit_code(state, None) == 0


def mixed(work: Work) -> list[Granule]:
    """One good day, one bad, one unreadable, one changed since, one never read, one of another satellite."""
    days = [granule(day=7936 + k) for k in range(5)] + [granule("metop01")]
    ingested(
        work,
        (days[0], entry(days[0])),
        (days[1], entry(days[1], "wrong_date")),
        (days[2], entry(days[2], "unreadable")),
        (days[3], entry(dataclasses.replace(days[3], size=9))),
        (days[5], entry(days[5])),
    )
    merge_catalog(work.catalog, days)
    return days


def test_every_planned_day_is_ok_quarantined_or_missing(work: Work) -> None:
    days = mixed(work)
    state = survey(work)["ingest"]
    assert state["satellites"]["noaa18"] == {
        "planned": 5,
        "ok": 1,
        "records": 400,
        "quarantined": 2,
        "missing": 2,
    }
    none = {"quarantined": 0, "missing": 0}
    assert state["satellites"]["metop01"] == {"planned": 1, "ok": 1, "records": 400} | none
    for counts in state["satellites"].values():
        parts = sum(counts[key] for key in ("ok", "quarantined", "missing"))
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


def test_survey_answers_for_the_days_asked_for(work: Work) -> None:
    days = mixed(work)
    state = survey(work, [days[0], days[1]])["ingest"]
    counts = {"planned": 2, "ok": 1, "records": 400, "quarantined": 1, "missing": 0}
    assert state["satellites"] == {"noaa18": counts}
    assert state["missing"] == []
    assert survey(work, [])["ingest"]["satellites"] == {}


def test_days_of_a_block_that_is_being_written_are_missing(work: Work) -> None:
    days = mixed(work)
    work.ledger.begin("noaa18", 248)
    state = survey(work)["ingest"]
    assert len(state["missing"]) == 5
    assert [d.satellite for d in days].count("noaa18") == 5


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
    merge_catalog(work.catalog, days)
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
    merge_catalog(work.catalog, days)
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
