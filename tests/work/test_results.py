"""Map and page stay where nothing changed, and only there."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reprocess.schema.granules import Granule
from reprocess.work.asked import merge_asked
from reprocess.work.paths import Run, Work
from reprocess.work.results import are_current, note_results, noted_bytes

BINS = {"L_edges": [1.0, 2.0], "MLT_edges": [0.0, 24.0], "min_dwell_s": 600.0}


def ingested(date: str) -> dict[str, object]:
    return {"satellite": "noaa18", "block": 248, "days": {date: {"source": {}}}, "outputs": {}}


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """A WORK with a run whose map and page are noted."""
    work = Work(tmp_path)
    run = work.run("r")
    merge_asked(work.asked, [Granule("noaa18", 7966, "file:///a", 1, "v")])
    merge_asked(run.asked, [Granule("noaa18", 7966, "file:///a", 1, "v")])
    work.ledger.commit(ingested("2019-10-24"))  # type: ignore[arg-type]
    run.ledger.commit(ingested("2019-10-24"))  # type: ignore[arg-type]
    run.describe({"model": "m", "bins": BINS})
    run.occurrence.write_bytes(b"map")
    note_results(work, run, [run.occurrence])
    assert not are_current(work, run, BINS), "there is no page yet"
    run.report.parent.mkdir()
    run.report.write_bytes(b"page")
    note_results(work, run, [run.report])
    assert are_current(work, run, BINS)
    return work


def rewrite(path: Path, data: bytes = b"{}") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


CHANGES: dict[str, Callable[[Work, Run], object]] = {
    "a day is read again": lambda work, _: work.ledger.commit(ingested("2019-10-25")),  # type: ignore[arg-type]
    "a day is classified again": lambda _, run: run.ledger.commit(ingested("2019-10-25")),  # type: ignore[arg-type]
    "a block fails": lambda work, _: work.ledger.fail("noaa18", 249, "reason", "trace"),
    "a block is withdrawn": lambda _, run: run.ledger.withdraw("noaa18", 248),
    "a day more is asked of WORK": lambda work, _: rewrite(work.asked, work.asked.read_bytes() + b"x"),
    "a day more is asked of the run": lambda _, run: rewrite(run.asked, run.asked.read_bytes() + b"x"),
    "a day vanished": lambda work, _: rewrite(work.vanished),
    "the run is described otherwise": lambda _, run: run.describe({"model_card": {"title": "t"}}),
    "the map is damaged": lambda _, run: rewrite(run.occurrence, b"mop"),
    "the map is gone": lambda _, run: run.occurrence.unlink(),
    "the page is gone": lambda _, run: run.report.unlink(),
    "what was noted is damaged": lambda _, run: rewrite(run.results, b"[]"),
    "what was noted is gone": lambda _, run: run.results.unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_map_and_page_are_made_of_and_they_themselves_are_looked_at(work: Work, change: str) -> None:
    run = work.run("r")
    CHANGES[change](work, run)
    assert not are_current(work, run, BINS)


def test_other_bins_are_another_map(work: Work) -> None:
    assert not are_current(work, work.run("r"), BINS | {"min_dwell_s": 0.0})


def test_that_the_map_is_noted_in_the_run_is_no_change(work: Work) -> None:
    run = work.run("r")
    run.describe({"occurrence": {"sha256": "s"}})
    assert are_current(work, run, BINS)


def test_files_made_of_something_else_are_forgotten(work: Work) -> None:
    run = work.run("r")
    run.ledger.withdraw("noaa18", 248)
    note_results(work, run, [run.occurrence])
    assert list(json.loads(run.results.read_bytes())["files"]) == ["occurrence.nc"]


def test_a_file_is_taken_as_it_was_noted_and_no_other(work: Work) -> None:
    run = work.run("r")
    assert noted_bytes(run, run.occurrence) == b"map"
    rewrite(run.root / "other.png", b"map")
    assert noted_bytes(run, run.root / "other.png") is None
    run.occurrence.write_bytes(b"mop")
    assert noted_bytes(run, run.occurrence) is None
    run.occurrence.unlink()
    assert noted_bytes(run, run.occurrence) is None
