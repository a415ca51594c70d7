"""`reprocess describe`: properties of stored events, by block, outdated ones alone made again."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from reprocess import schema
from reprocess.catalogue import stage
from reprocess.catalogue.properties import describe_block, describe_events
from reprocess.catalogue.stage import plan_describe, strays
from reprocess.cli import main
from reprocess.detect.series import Series
from reprocess.errors import LedgerError
from reprocess.files import files_under, sha256
from reprocess.physics.event import ARRAYS
from reprocess.schema.properties import PROPERTY_COLUMNS, PROPERTY_KEY
from reprocess.work.described import made_from, read_properties
from reprocess.work.parts import part_path, read_events
from reprocess.work.paths import Run, Work
from tests.support import labelled

pytestmark = pytest.mark.usefixtures("short_record_axis")

DAYS = {("noaa18", "2015-03-01"): 900, ("noaa18", "2015-03-02"): 900, ("metop01", "2015-03-01"): 700}
EVENTS = [
    ("noaa18", labelled.record_time("2015-03-01", 300), labelled.record_time("2015-03-01", 290), "REP"),
    ("noaa18", labelled.record_time("2015-03-01", 3), "2015-03-02T00:00:06", "CSS"),  # over midnight
    ("metop01", labelled.record_time("2015-03-01", 300), labelled.record_time("2015-03-01", 292), "CSS"),
]


@pytest.fixture(scope="module")
def made(short_record_axis, random_model, tmp_path_factory) -> Work:
    folder = tmp_path_factory.mktemp("describe")
    mornings = [("noaa18", "2015-03-02")]
    archive = labelled.write_days(folder / "archive", DAYS, EVENTS, mornings)
    work = labelled.ingest(archive, folder / "w")
    for mode in ("published", "continuous"):
        labelled.classify(work, random_model, mode)
    return work


@pytest.fixture
def work(made: Work, tmp_path: Path) -> Work:
    return Work(Path(shutil.copytree(made.root, tmp_path / "w")))


def describe(work: Work, run: Run, *options: str, code: int = 0) -> str:
    arguments = ["describe", str(work.root), "--run", run.name, "--partition", "1/1", *options]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == code, result.output
    return result.output


def parts(run: Run) -> dict[str, str]:
    return {p.relative_to(run.root).as_posix(): sha256(p.read_bytes()) for p in files_under(run.properties)}


@pytest.mark.parametrize("mode", ["published", "continuous"])
def test_every_event_has_its_row(work: Work, mode: str) -> None:
    run = next(run for run in work.runs() if run.name.endswith(mode))
    describe(work, run)
    receipts = list(run.ledger.done())
    events, found = read_events(run, receipts), read_properties(run, receipts)
    assert len(events) == len(found) > 0
    assert list(found.columns) == ["satellite", *PROPERTY_COLUMNS]
    key = ["satellite", *PROPERTY_KEY]
    both = events.merge(found, on=key, validate="one_to_one")
    assert len(both) == len(events)
    for row in both.to_dict("records"):
        day = schema.day_index(row["date"])
        stretch = Series(work, row["satellite"], ARRAYS, [day]).stretch(day, 200)
        first = stretch.firsts[row["date"]] + row["start_index"]
        last = stretch.firsts[row["stop_date"]] + row["stop_index"]
        assert row["records"] == last - first + 1
        flux = stretch.records["electron_flux"][0, 0, first : last + 1].astype(float)
        assert row["mean_e1_0"] == pytest.approx(flux.mean(), rel=1e-5, abs=50)
        assert row["counts_e1_0"] == pytest.approx(flux.sum() / schema.FLUX_PER_COUNT["e1"], rel=1e-2)
        assert row["energy_flux_40_lower"] <= row["energy_flux_40"] <= row["energy_flux_40_upper"]


def test_the_same_bytes_again_and_nothing_is_done_twice(work: Work, tmp_path: Path) -> None:
    run = work.runs()[0]
    other = Work(Path(shutil.copytree(work.root, tmp_path / "other"))).run(run.name)
    assert "the others" not in describe(work, run), "there were none"
    before = parts(run)
    stamps = {path: path.stat().st_mtime_ns for path in files_under(run.properties)}
    said = describe(work, run)
    assert f"0 events described in run {run.name!r}; what is up to date was left alone" in said
    assert stamps == {path: path.stat().st_mtime_ns for path in files_under(run.properties)}
    for share in ("2/2", "1/2"):
        arguments = ["describe", str(other.root.parents[1]), "--run", run.name, "--partition", share]
        assert CliRunner().invoke(main, arguments).exit_code == 0
    assert parts(other) == before


def test_outdated_parts_are_made_again_and_no_others(work: Work, monkeypatch) -> None:
    run = work.runs()[0]
    describe(work, run)
    before = parts(run)
    receipt = next(iter(run.ledger.done()))
    path = part_path(run.properties, receipt["satellite"], receipt["block"])
    assert made_from(path)["events_sha256"] == receipt["outputs"]["events"]
    path.write_bytes(path.read_bytes()[:-9])  # damaged
    assert [(p.satellite, p.block) for p in plan_describe(work, run)] == [
        (receipt["satellite"], receipt["block"])
    ]
    describe(work, run)
    assert parts(run) == before
    monkeypatch.setattr(stage, "__version__", "99")
    assert len(plan_describe(work, run)) == len(before)
    monkeypatch.undo()
    plan = plan_describe(work, run)
    assert plan == []


def test_a_killed_pass_leaves_whole_parts(work: Work, monkeypatch) -> None:
    run = work.runs()[0]
    plans = plan_describe(work, run)
    describe_block(plans[0])
    assert len(plan_describe(work, run)) == len(plans) - 1
    describe(work, run)
    again = parts(run)
    shutil.rmtree(run.properties)
    describe(work, run)
    assert parts(run) == again


def test_a_block_that_cannot_be_described_is_named_and_the_others_are_done(work: Work) -> None:
    run = work.runs()[0]
    receipt = next(iter(run.ledger.done()))
    part_path(run.events, receipt["satellite"], receipt["block"]).write_bytes(b"other")
    output = describe(work, run, code=4)
    assert f"{receipt['satellite']} block {receipt['block']}: LedgerError" in output
    assert len(plan_describe(work, run)) == 1


def test_properties_of_no_block_go(work: Work) -> None:
    run = work.runs()[0]
    describe(work, run)
    receipt = next(iter(run.ledger.done()))
    run.ledger.withdraw(receipt["satellite"], receipt["block"])
    assert len(strays(run)) == 1
    describe(work, run)
    assert strays(run) == []


def test_properties_that_are_not_there_are_not_read(work: Work) -> None:
    run = work.runs()[0]
    with pytest.raises(LedgerError, match="is missing or was not made from the events"):
        read_properties(run, list(run.ledger.done()))
    assert read_properties(run, []).empty


def test_a_run_without_blocks_is_refused(work: Work) -> None:
    run = work.runs()[0]
    shutil.rmtree(run.ledger.root)
    assert "no block that is done" in describe(work, run, code=2)


def test_no_events_have_all_columns(work: Work) -> None:
    run = work.runs()[0]
    none = read_events(run, list(run.ledger.done())).iloc[:0]
    found = describe_events(work, "noaa18", none, {})
    assert list(found) == list(PROPERTY_COLUMNS)
    assert all(np.size(values) == 0 for values in found.values())


def test_an_event_over_midnight_reads_the_next_day(work: Work) -> None:
    run = work.runs()[0]
    events = read_events(run, list(run.ledger.done()))
    row = events.iloc[[0]].assign(satellite="noaa18", date="2015-03-01")
    row = row.assign(start_index=897, stop_date="2015-03-02", stop_index=2).reset_index(drop=True)
    found = describe_events(work, "noaa18", row, {"2015-03": 0.5})
    day = schema.day_index("2015-03-01")
    stretch = Series(work, "noaa18", ARRAYS, [day]).stretch(day, 5)
    flux = stretch.records["electron_flux"][0, 3]
    first = stretch.own.stop - 3
    assert found["records"][0] == 6
    assert found["mean_e4_0"][0] == pytest.approx(flux[first : first + 6].mean(), rel=1e-5)


def test_the_order_of_rows_is_kept(work: Work) -> None:
    run = work.runs()[0]
    events = read_events(run, list(run.ledger.done()))
    events = events[events["satellite"] == "noaa18"].reset_index(drop=True)
    turned = events.iloc[::-1].reset_index(drop=True)
    months = dict.fromkeys(("2015-02", "2015-03"), 0.5)
    one, other = (pd.DataFrame(describe_events(work, "noaa18", t, months)) for t in (events, turned))
    pd.testing.assert_frame_equal(one, other.iloc[::-1].reset_index(drop=True))
