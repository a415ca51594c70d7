"""What the client tells a scheduler, and what it does where it cannot."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import prometheus_client
import pytest
from distributed import Client, LocalCluster

from reprocess.monitoring.board import Board
from reprocess.monitoring.client import Monitor, Survey
from reprocess.monitoring.scheduler import TOPIC
from reprocess.schema import BLOCK_DAYS
from reprocess.work.asked import merge_asked, note_vanished
from reprocess.work.paths import Work
from reprocess.work.status import survey
from tests.support.states import job
from tests.work.test_status import deferral, entry, granule, ingested

FIRST = 248 * BLOCK_DAYS


@dataclass(frozen=True)
class Plan:
    satellite: str
    block: int
    days: tuple[int, ...]


@pytest.fixture
def client() -> Iterator[Client]:
    options = {"processes": False, "dashboard_address": "127.0.0.1:0", "threads_per_worker": 1}
    with LocalCluster(n_workers=1, **options) as cluster, Client(cluster) as connected:
        yield connected


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """Two days of noaa18 asked for, the first ingested."""
    days = [granule(day=FIRST), granule(day=FIRST + 1)]
    made = Work(tmp_path)
    merge_asked(made.asked, days)
    ingested(made, (days[0], entry(days[0])))
    return made


def board_of(client: Client) -> Board:
    found: Board = client.cluster.scheduler.plugins[TOPIC].board
    return found


def test_blocks_stand_as_the_survey_of_the_ledger_says(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    work, days = Work(tmp_path), [granule(day=FIRST + k) for k in range(3 * BLOCK_DAYS)]
    entries, classes, gone = [], {}, []
    for day, kind in zip(days, rng.integers(0, 7, len(days)), strict=True):
        if kind == 1:
            entries.append((day, entry(day, "truncated")))
        elif kind == 2:
            entries.append((day, deferral(day)))
        elif kind == 3:
            gone.append(day)
        elif kind:
            changed = granule(day=day.day, size=11) if kind == 4 else day
            entries.append((day, entry(changed)))
            classes[day] = "aa" if kind == 5 else "bb"
    merge_asked(work.asked, days)
    ingested(work, *entries)
    note_vanished(work.vanished, gone, _Listing(gone))
    run = work.run("r")
    run.claim({"model": "m"})
    for block in (248, 249, 250):
        of_block = {g.date.isoformat(): s for g, s in classes.items() if g.day // BLOCK_DAYS == block}
        facts = {d: {"source_sha256": s, "events": {"REP": 2, "CSS": 1}} for d, s in of_block.items()}
        outputs = {"events": "0", "dwell": "0"}
        run.ledger.commit({"satellite": "noaa18", "block": block, "days": facts, "outputs": outputs})
    work.ledger.fail("noaa18", 250, "OSError: no space", "")
    board, ours = Board(), Survey(work, run)
    board.apply(job(), 0.0)
    told = [asdict(ours.state(("noaa18", block))) for block in (248, 249, 250)]
    board.apply({"kind": "states", "job": "one", "states": told}, 0.0)
    days_of, state = board.days(), survey(work)
    counts = state["ingest"]["satellites"]["noaa18"]
    kinds = counts.keys() - {"not_measured"}
    assert min(counts[kind] for kind in kinds) > 0, "there are days of every kind"
    assert days_of["planned"] == counts["planned"]
    assert days_of["ok"] + days_of["classified"] == board.ingested() == counts["ok"]
    assert days_of["classified"] == state["runs"]["r"]["days_done"] > 0
    assert {k: days_of[k] for k in ("quarantined", "deferred", "lost")} == {
        k: counts[k] for k in ("quarantined", "deferred", "lost")
    }
    assert days_of["failed"] == state["ingest"]["years"][0]["failed"] > 0
    assert days_of["failed"] + days_of["missing"] == counts["missing"]
    assert board.records() == counts["records"]
    assert len(board.unread()) == 3
    assert "is missing although its block is done" in board.unread()[0]
    left_out = {
        (d["satellite"], d["date"]) for k in ("quarantined", "deferred", "lost") for d in state["ingest"][k]
    }
    assert {(satellite, date) for satellite, date, *_ in board.left_out()} == left_out


class _Listing:
    """A listing of an archive that these days are gone from."""

    granules = ()

    def __init__(self, gone: list[object]) -> None:
        self._gone = gone

    def vanished(self, _known: object) -> list[object]:
        return self._gone


def test_a_scheduler_is_told_everything_in_order(client: Client, work: Work) -> None:
    said: list[str] = []
    monitor = Monitor(work, None, said.append)
    plans = [Plan("noaa18", 248, (FIRST + 1,)), Plan("noaa18", 249, ())]
    monitor.begin("ingest", plans, client)
    second = granule(day=FIRST + 1)
    days = {g.date.isoformat(): entry(g) for g in (granule(day=FIRST), second)}
    monitor.done(plans[0], "", {"stage": "ingest", "days": days, "deferred": {}})
    monitor.failed(plans[1], "OSError: no space")
    monitor._thread.submit(lambda: None).result()  # what a long run does between
    board = board_of(client)
    assert board.days() == {"planned": 2, "ok": 2}
    assert board.records() == 800
    stage = board.stages["ingest"]
    assert (stage.blocks, stage.ended, stage.failed, stage.days_done, stage.records_done) == (2, 2, 1, 1, 400)
    assert board.failures() == [("noaa18", 249, "ingest", "OSError: no space")]
    monitor.close("ended")
    link = client.dashboard_link.removesuffix("/status")
    assert said == [f"this run's page: {link}/reprocess"]


def test_the_metrics_go_with_their_scheduler(work: Work) -> None:
    options = {"processes": False, "dashboard_address": "127.0.0.1:0"}
    for _ in range(2):
        with LocalCluster(n_workers=1, **options) as cluster, Client(cluster) as client:
            monitor = Monitor(work, None, print)
            monitor.begin("ingest", [], client)
            monitor.close("ended")
            text = prometheus_client.generate_latest().decode()
            assert text.count("# TYPE reprocess_satellite_days gauge") == 1
    assert "reprocess_" not in prometheus_client.generate_latest().decode()


def test_a_scheduler_without_reprocess_is_remarked_on_once(work: Work, tmp_path: Path) -> None:
    file, said = tmp_path / "scheduler.json", list[str]()
    hidden = (
        "import sys; sys.modules['reprocess'] = None; from distributed.cli.dask_scheduler import main; main()"
    )
    options = ["--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0"]
    command = [sys.executable, "-c", hidden, *options, "--scheduler-file", str(file)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as scheduler:
        try:
            with Client(scheduler_file=str(file)) as client:
                monitor = Monitor(work, None, said.append)
                plan = Plan("noaa18", 248, (FIRST,))
                for stage in ("ingest", "detect"):
                    monitor.begin(stage, [plan], client)
                    monitor.failed(plan, "reason")
                monitor.close("ended")
        finally:
            scheduler.terminate()
    (remark,) = said
    assert remark.startswith(
        "no page of this run on the dashboard: the scheduler cannot show it (ModuleNotFound"
    )
    assert "it needs the same version of reprocess installed" in remark


def test_a_page_that_cannot_go_on_is_remarked_on_once_and_stops_nothing(client: Client, work: Work) -> None:
    path = work.ledger.path("noaa18", 248)
    path.write_text("{damaged")
    said: list[str] = []
    monitor = Monitor(work, None, said.append)
    plan = Plan("noaa18", 248, (FIRST,))
    monitor.begin("ingest", [plan], client)
    monitor.done(plan, "", {"stage": "ingest", "days": {}})
    monitor._thread.submit(lambda: None).result()
    monitor.close("ended")
    assert len(said) == 2
    assert said[1].startswith("this run's page stands still, the run goes on: LedgerError: ")
    assert str(path) in said[1]


def test_nobody_waits_for_the_page_of_a_scheduler_that_goes(
    client: Client, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge_asked(work.asked, [granule(day=FIRST + k * BLOCK_DAYS) for k in range(5)])
    monitor, told = Monitor(work, None, print), list[tuple[str, int]]()
    state, began = Survey.state, threading.Event()

    def slow(survey: Survey, key: tuple[str, int]) -> object:
        told.append(key)
        began.set()
        for _ in range(500):
            if monitor._leaving:
                break
            time.sleep(0.01)
        return state(survey, key)

    monkeypatch.setattr(Survey, "state", slow)
    monkeypatch.setattr("reprocess.monitoring.client._BATCH", 1)
    monitor.begin("ingest", [], client)
    assert began.wait(10)
    monitor.close("ended")
    assert len(told) == 1


def test_a_mistake_of_ours_is_shown_with_its_traceback(client: Client, work: Work) -> None:
    said: list[str] = []
    monitor = Monitor(work, None, said.append)
    plan = Plan("noaa18", 248, (FIRST,))
    monitor.begin("ingest", [plan], client)
    monitor.done(plan, "", {"stage": "ingest", "days": {granule(day=FIRST).date.isoformat(): {}}})
    monitor._thread.submit(lambda: None).result()
    monitor.close("ended")
    assert "Traceback" in said[1]


def test_a_report_that_cannot_be_written_is_remarked_on(client: Client, work: Work) -> None:
    said: list[str] = []
    monitor = Monitor(work, None, said.append, report=True)
    monitor.begin("ingest", [], client)
    (work.root / "performance.html").mkdir(parents=True)
    monitor.close("ended")
    assert said[1].startswith("no performance report: IsADirectoryError")


def test_without_dask_there_is_nobody_to_tell(work: Work) -> None:
    said: list[str] = []
    monitor = Monitor(work, None, said.append)
    monitor.begin("ingest", [Plan("noaa18", 248, (FIRST,))], None)
    monitor.failed(Plan("noaa18", 248, (FIRST,)), "reason")
    monitor.close("ended")
    assert said == []
