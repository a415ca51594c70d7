"""What `status` and the ends of other commands say of WORK."""

import pytest

from reprocess.cli.survey import print_survey
from reprocess.work.status import IngestState, ListedDay, RunState, Survey


def survey(**ingest: object) -> Survey:
    counts = {
        "ok": 1,
        "planned": 60,
        "records": 43_200,
        "quarantined": 0,
        "missing": 59,
        "deferred": 0,
        "lost": 0,
    }
    made: IngestState = {
        "satellites": {"noaa18": counts | {"not_measured": 0}},
        "years": [], "quarantined": [], "deferred": [], "missing": [], "lost": [], "vanished": [],
        "left_out": [], "simulated": 0, "reasons": {}, "failed_blocks": [], "gone": [],
    }  # fmt: skip
    return {"ingest": made | ingest, "runs": {}}  # type: ignore[typeddict-item]


def said(state: Survey, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_survey(state)
    return capsys.readouterr().out.splitlines()


def day(number: int) -> ListedDay:
    return {"satellite": "noaa18", "date": f"2019-10-{number:02}", "url": f"u{number}"}


def test_no_word_is_said_of_what_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = said(survey(), capsys)
    assert line == "noaa18: 1 of 60 satellite-days ingested, 43200 records, 0 quarantined, 59 missing"


def test_first_days_are_listed_and_the_others_counted(capsys: pytest.CaptureFixture[str]) -> None:
    days = [day(n) for n in range(1, 60)]
    for count in (39, 40, 41, 59):
        lines = said(survey(missing=days[:count]), capsys)[1:]
        listed = [line for line in lines if line.startswith("  missing")]
        assert listed == [f"  missing noaa18 {d['date']}: {d['url']}" for d in days[: min(count, 40)]]
        told = [f"  … and {count - 40} more: reprocess status WORK --json lists all"] if count > 40 else []
        assert lines[len(listed) :] == told


def test_vanished_days_are_told_apart_by_what_is_kept_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    vanished = [day(1) | {"kept": True}, day(2) | {"kept": False}]
    assert said(survey(vanished=vanished), capsys)[1:] == [
        "  vanished noaa18 2019-10-01: what was read is kept; u1",
        "  vanished noaa18 2019-10-02: lost, it was never read; u2",
    ]


def test_files_that_stand_for_a_day_come_first_of_those_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    left_out = [
        {"url": "a", "reason": "hidden", "counts": False},
        {"url": "b", "reason": "compressed", "counts": True},
    ]
    assert said(survey(left_out=left_out), capsys)[1:] == [
        "  left out b: compressed",
        "  left out a: hidden (no day is missing for it)",
    ]


def test_blocks_that_are_gone_are_told_with_the_remedy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    gone = [{"satellite": "noaa18", "block": 249}, {"satellite": "noaa18", "block": 250}]
    (line,) = said(survey(gone=gone), capsys)[1:]
    assert line.startswith(
        "gone from archive.zarr: 2 blocks that the ledger claims, first noaa18 block 249; "
    )
    assert "audit WORK --repair" in line


def test_run_tells_what_it_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    run: RunState = {
        "model": "m", "mode": "published", "engine": "onnxruntime", "days_done": 3, "missing": [day(1)],
        "events": {"REP": 2, "CSS": 0}, "years": [], "outdated": ["occurrence"],
        "failed_days": [day(2) | {"reason": "KeyError: x"}],
        "failed_blocks": [{"satellite": "noaa18", "block": 249, "reason": "killed"}],
    }  # fmt: skip
    assert said({"ingest": survey()["ingest"], "runs": {"r": run}}, capsys)[1:] == [
        "run r: 3 satellite-days classified, 2 REP, 0 CSS",
        "  1 ingested satellite-day is not classified",
        "  failed noaa18 2019-10-02: KeyError: x",
        "  occurrence was not made from the blocks that are done now: "
        "reprocess map WORK --run r makes it again",
        "  failed noaa18 block 249: killed",
    ]
