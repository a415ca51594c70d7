import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reprocess.monitoring.progress import show_progress
from reprocess.work.paths import Work


@dataclass
class Plan:
    satellite: str
    block: int
    days: tuple[int, ...]


FIRST, SECOND, THIRD = (
    Plan("noaa18", 248, (7936, 7937)),
    Plan("noaa18", 250, (8000,)),
    Plan("metop01", 248, (7936,)),
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def record(*statuses: str) -> dict[str, Any]:
    dates = ("2019-09-24", "2019-09-25")
    days = {d: {"status": s, "records": 100} for d, s in zip(dates, statuses, strict=False)}
    return {"stage": "ingest", "days": days}


def report(stream: io.StringIO, work: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Report two stages and return what is written."""
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "140")
    with show_progress(Work(work), None, print) as progress:
        progress.begin("ingest", [FIRST, SECOND, THIRD], None)
        progress.done(FIRST, "1 day ingested, 1 quarantined", record("ok", "quarantined"))
        progress.failed(SECOND, "OSError: [/data] no space")
        progress.done(THIRD, "1 day ingested, 0 quarantined", record("ok"))
        progress.begin("evaluate", [FIRST], None)
        progress.done(FIRST, "2 satellite-days compared")
    return stream.getvalue()


def test_every_block_is_a_line_where_there_is_no_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = report(io.StringIO(), tmp_path, monkeypatch).splitlines()
    starts = (
        "ingest 1/3: noaa18 block 248: 1 day ingested, 1 quarantined (2 of 4 satellite-days, ",
        "ingest 2/3: noaa18 block 250: FAILED: OSError: [/data] no space (2 of 4 satellite-days, ",
        "ingest 3/3: metop01 block 248: 1 day ingested, 0 quarantined (3 of 4 satellite-days, ",
        "evaluate 1/1: noaa18 block 248: 2 satellite-days compared (2 of 2 satellite-days, ",
    )
    assert len(lines) == len(starts)
    for line, start in zip(lines, starts, strict=True):
        assert line.startswith(start)
        assert " satellite-days/s, " in line
        assert (" records/s, " in line) == (not start.startswith("evaluate")), "which counts none"
    assert lines[2].endswith("0:00:00 left, failed blocks: 1)")
    assert lines[3].endswith("0:00:00 left, failed blocks: 0)")


def test_a_terminal_shows_satellites_and_only_what_went_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = report(Terminal(), tmp_path, monkeypatch)
    assert "ingest: noaa18 block 248: 1 day ingested, 1 quarantined" in text
    assert "ingest: noaa18 block 250: FAILED: OSError: [/data] no space" in text
    assert "metop01 block 248" not in text
    for shown in ("NOAA-18", "MetOp-B", "3 of 4 satellite-days", "2 of 2 satellite-days", "failed blocks: 1"):
        assert shown in text


def test_nothing_is_shown_of_a_run_that_needs_no_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with show_progress(Work(tmp_path), None, print, tmp_path / "report.html"):
        pass
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]
    assert not (tmp_path / "report.html").exists()
