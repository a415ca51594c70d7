"""Mode continuous over blocks: the events of one uninterrupted series, wherever and in whatever order cut."""

import itertools
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from reprocess import schema
from reprocess.audit.finding import Finding
from reprocess.audit.stage import audit
from reprocess.classifier.bundle import Bundle
from reprocess.detect.block import detect_block
from reprocess.detect.plan import Settings
from reprocess.detect.stage import claim, plan_detect
from reprocess.detect.stage import detect as detect_stage
from reprocess.execution.share import Share
from reprocess.ingest.block import ingest_block
from reprocess.ingest.stage import plan_ingest
from reprocess.schema import CLASS_ARRAYS
from reprocess.sources.listing import list_archive
from reprocess.work.asked import merge_asked
from reprocess.work.layout import create_store
from reprocess.work.parts import read_dwell, read_events
from reprocess.work.paths import Run, Work
from reprocess.work.status import survey
from reprocess.work.whole import ARCHIVE_TITLE, CLASSES_TITLE
from tests.support import fake
from tests.support.command import tree

pytestmark = pytest.mark.usefixtures("short_record_axis")

SATELLITE = "noaa18"
N = 700
NOON = np.datetime64("2019-10-20T12:00", "ms").astype(np.int64)
MIDNIGHT = np.datetime64("2019-10-23", "ms").astype(np.int64)
BORDER = np.datetime64("2019-10-26", "ms").astype(np.int64)
"""Between blocks 248 and 249."""
RULES = {"decode": "0.6", "significance": "0.05"}
"""With these the network with random weights makes events of all lengths."""


def write_series(archive: Path, start: int, seed: int, days: Iterable[str] | None = None) -> None:
    """Write records from a time on as NOAA's files, a day each; only some of these if dates are given."""
    rng = np.random.default_rng(seed)
    content = fake.variables(SATELLITE, "2019-10-20", N, seed)
    content["L_IGRF"] = np.maximum(content["L_IGRF"], 1.5)
    steps = rng.choice(
        [2000, 2000, 2000, 1999, 2001, 2600, 9000], N, p=[0.3, 0.3, 0.3, 0.04, 0.04, 0.01, 0.01]
    )
    content["time"] = (start + np.cumsum(steps) - steps[0]).astype(np.uint64)
    content["mep_IFC_on"] = np.where(np.arange(N) % 16 == 3, 0, -1).astype(np.int8)
    if rng.random() < 0.5:
        content["mep_IFC_on"][(np.arange(N) % 16 == 3) & (np.abs(np.arange(N) - rng.integers(N)) < 40)] = 1
    content["mep_ele_tel0_flux_e2"][rng.random(N) < 0.003] = 9.97e36
    date = content["time"].astype("datetime64[ms]").astype("datetime64[D]")
    for day in np.unique(date):
        if days is None or str(day) in days:
            path = fake.granule_path(archive, SATELLITE, str(day))
            fake.write_granule(path, {name: values[date == day] for name, values in content.items()})


def settings_of(model: Bundle, **changes: object) -> Settings:
    made = Settings(model.path, model.sha256, "continuous", "onnxruntime", False, False, RULES)
    return replace(made, **changes)  # type: ignore[arg-type]


def ingest(work: Work, archive: Path) -> None:
    found = list_archive(str(archive)).granules
    merge_asked(work.asked, found)
    create_store(work.archive, [SATELLITE], schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)
    for plan in plan_ingest(work, found):
        ingest_block(plan)


def detect(work: Work, archive: Path, chosen: Settings, *, backwards: bool = False) -> Run:
    run, found = work.run("r"), list_archive(str(archive)).granules
    claim(run, chosen)
    merge_asked(run.asked, found)
    if chosen.classes:
        create_store(run.classes, [SATELLITE], CLASS_ARRAYS, CLASSES_TITLE)
    plans = plan_detect(work, run, chosen, found)
    for plan in reversed(plans) if backwards else plans:
        detect_block(plan)
    return run


def run_here(root: Path, chosen: Settings, start: int, seed: int) -> Run:
    write_series(root / "archive", start, seed)
    work = Work(root / "work")
    ingest(work, root / "archive")
    return detect(work, root / "archive", chosen)


def told(run: Run, start: int) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    """Events by time from the series' start, dwell by cell, and sums of what the ledger counts."""
    receipts = list(run.ledger.done())
    events = read_events(run, receipts)
    for name in ("start_time", "stop_time", "peak_time"):
        events[name] = events[name].astype("datetime64[ms, UTC]").astype(np.int64) - start
    epoch = np.datetime64(schema.EPOCH, "ms").astype(np.int64)
    events["structure"] = events["structure"].astype(np.int64) * 1000 + epoch - start
    dropped = ["date", "stop_date", "start_index", "stop_index", "source_sha256"]
    parts = [pd.DataFrame(part) for _, part in read_dwell(run, receipts)]
    keys = ["cell", *(name for name in schema.DWELL_COLUMNS if name.startswith("quality_flags"))]
    dwell = pd.concat(parts).groupby(keys).sum().drop(columns="day")
    counts = ("records", "not_measured", "classifiable", "in_grid", "outside_grid", "invalid_position")
    facts = [entry for r in receipts for entry in r["days"].values()]
    return events.drop(columns=dropped), dwell, {name: sum(f[name] for f in facts) for name in counts}


@pytest.fixture(scope="module")
def chosen(random_model: Bundle) -> Settings:
    return settings_of(random_model)


@settings(max_examples=12, deadline=None, phases=[Phase.generate])  # each example is two runs
@given(st.integers(0, 10**6), st.integers(1, N - 1), st.sampled_from([MIDNIGHT, BORDER]))
def test_a_midnight_and_a_border_of_blocks_change_nothing(
    chosen: Settings, seed: int, records_before: int, midnight: int
) -> None:
    start = int(midnight) - 2000 * records_before - 1000
    with TemporaryDirectory() as uncut, TemporaryDirectory() as cut:
        whole = told(run_here(Path(uncut), chosen, int(NOON), seed), int(NOON))
        parts = told(run_here(Path(cut), chosen, start, seed), start)
    pd.testing.assert_frame_equal(whole[0], parts[0], check_exact=True)
    pd.testing.assert_frame_equal(whole[1], parts[1], check_exact=True)
    assert whole[2] == parts[2]


def troubles(work: Work, run: Run) -> list[Finding]:
    """What an audit finds, but that nothing was summed up."""
    found, _ = audit(work, [run], None, fake.Silence())
    return [f for f in found if not f.path.endswith("exposure.zarr")]


@pytest.fixture(scope="module")
def across(
    random_model: Bundle, short_record_axis: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, int]:
    """An archive with an event across the border of two blocks, done in one go; and its seed."""
    start = int(BORDER) - 350 * 2000 - 1000
    for seed in range(40):
        root = tmp_path_factory.mktemp("across")
        events = read_events(run := run_here(root, settings_of(random_model), start, seed), run.ledger.done())
        if (events["date"] != events["stop_date"]).any() and len(events) > 4:
            return root, seed
    raise AssertionError("no seed gives an event across the border")


def test_blocks_may_come_in_any_order_and_are_completed_when_a_neighbour_comes(
    random_model: Bundle, across: tuple[Path, int], tmp_path: Path
) -> None:
    root, seed = across
    start, chosen = int(BORDER) - 350 * 2000 - 1000, settings_of(random_model)
    for number, dates in enumerate(itertools.permutations(("2019-10-25", "2019-10-26"))):
        archive, work = tmp_path / f"a{number}", Work(tmp_path / f"w{number}")
        write_series(archive, start, seed, dates[:1])
        ingest(work, archive)
        run = detect(work, archive, chosen)
        alone = read_events(run, run.ledger.done())
        assert survey(work)["runs"]["r"]["missing"] == []
        write_series(archive, start, seed, dates[1:])
        ingest(work, archive)
        missing = [d["date"] for d in survey(work)["runs"]["r"]["missing"]]
        assert missing == [dates[0]]  # not asked of the run before: the other is not missing
        found = troubles(work, work.run("r"))
        assert {f.kind for f in found} == {"outdated"}
        assert any("nothing on" in f.found and dates[1] in f.found for f in found)
        run = detect(work, archive, chosen, backwards=bool(number))
        assert survey(work)["runs"]["r"]["missing"] == []
        assert tree(run.root / "events") == tree(root / "work/runs/r/events")
        assert tree(run.root / "dwell") == tree(root / "work/runs/r/dwell")
        assert len(read_events(run, run.ledger.done())) > len(alone)
        assert troubles(work, run) == []
        assert plan_detect(work, run, chosen, list_archive(str(archive)).granules) == []


def test_a_changed_neighbour_has_the_block_done_again(
    random_model: Bundle, across: tuple[Path, int], tmp_path: Path
) -> None:
    root, seed = across
    shutil.copytree(root, tmp_path / "c")
    archive, work = tmp_path / "c/archive", Work(tmp_path / "c/work")
    path = fake.granule_path(archive, SATELLITE, "2019-10-26")
    start = int(BORDER) - 350 * 2000 - 1000
    path.unlink()
    write_series(archive, start, seed + 1000, ["2019-10-26"])
    chosen, run = settings_of(random_model), work.run("r")
    found = list_archive(str(archive)).granules
    for plan in plan_ingest(work, found):
        ingest_block(plan)
    assert {p.block for p in plan_detect(work, run, chosen, found)} == {248, 249}


def test_every_window_gives_the_same_events_and_kept_classes_are_audited(
    random_model: Bundle, across: tuple[Path, int], tmp_path: Path
) -> None:
    root, seed = across
    start, archive, work = int(BORDER) - 350 * 2000 - 1000, tmp_path / "a", Work(tmp_path / "w")
    write_series(archive, start, seed)
    ingest(work, archive)
    run = detect(work, archive, settings_of(random_model, dense=True, classes=True))
    assert tree(run.root / "events") == tree(root / "work/runs/r/events")
    assert tree(run.root / "dwell") == tree(root / "work/runs/r/dwell")
    for receipt in run.ledger.done():
        for facts in receipt["days"].values():
            assert facts["windows_classified"] == facts["classifiable"] == sum(facts["class_counts"])
    assert troubles(work, run) == []


def test_what_an_event_carried_over_midnight_takes_is_counted_on_its_own_day(
    across: tuple[Path, int],
) -> None:
    run = Work(across[0] / "work").run("r")
    receipts = list(run.ledger.done())
    events = read_events(run, receipts)
    crossing = events[events["date"] != events["stop_date"]]
    facts = {date: entry for r in receipts for date, entry in r["days"].items()}
    for event in crossing.to_dict("records"):
        assert facts[event["stop_date"]]["carried"][event["event_class"]] == event["stop_index"] + 1
        expected = {"2019-10-24": None, "2019-10-26": facts[event["stop_date"]]["source_sha256"]}
        assert facts[event["date"]]["neighbours"].items() >= expected.items()


def test_an_archive_of_a_version_that_counted_no_background_is_completed(
    random_model: Bundle, across: tuple[Path, int], tmp_path: Path
) -> None:
    root, _ = across
    work = Work(shutil.copytree(root / "work", tmp_path / "w"))
    shutil.rmtree(work.root / "runs")
    for receipt in list(work.ledger.done()):
        days = {d: {k: v for k, v in e.items() if k != "polar_e4"} for d, e in receipt["days"].items()}
        assert days != receipt["days"]
        work.ledger.commit({**receipt, "days": days})
    assert tree(work.root / "ledger") != tree(root / "work/ledger")
    found = list_archive(str(root / "archive")).granules
    detect_stage(work, work.run("r"), settings_of(random_model), found, Share(1, 1), fake.Silence())
    assert tree(work.root) == tree(root / "work")
