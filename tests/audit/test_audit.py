"""What the ledger claims is proved from the disk; every kind of damage is found, named and mended."""

import dataclasses
import datetime as dt
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray as xr
import zarr

from reprocess import schema
from reprocess.audit import whole
from reprocess.audit.block import plan_audit
from reprocess.audit.finding import HARMLESS, KINDS, Finding
from reprocess.audit.repair import repair
from reprocess.audit.stage import audit
from reprocess.classifier.bundle import Bundle
from reprocess.detect.block import detect_block
from reprocess.detect.plan import Settings
from reprocess.detect.positions import plan_positions, positions_of_block
from reprocess.detect.stage import claim, plan_detect
from reprocess.execution.workers import Workers
from reprocess.files import sha256, write_atomic
from reprocess.ingest.block import ingest_block
from reprocess.ingest.stage import plan_ingest
from reprocess.maps import sums
from reprocess.maps.exposure import write_exposure
from reprocess.maps.occurrence import write_occurrence
from reprocess.maps.sums import keep_sums, read_sums
from reprocess.schema import CLASS_ARRAYS
from reprocess.schema.arrays import ArraySpec
from reprocess.schema.grid import make_grid
from reprocess.sources.listing import list_archive
from reprocess.work.asked import merge_asked
from reprocess.work.layout import create_store, metadata_files
from reprocess.work.paths import Run, Work
from reprocess.work.positions import position_path, read_part_of_positions, write_positions
from reprocess.work.status import exit_code, survey
from reprocess.work.store import open_records, shard_key
from reprocess.work.whole import ARCHIVE_TITLE, CLASSES_TITLE
from tests.support import fake
from tests.support.command import tree
from tests.support.maps import occurrence
from tests.support.older import older_attributes, older_parts

GRID = make_grid(np.arange(2.5, 9, 0.5), np.arange(25.0))
SHARD = "archive.zarr/noaa18/electron_flux/c/248/0/0/0"
INGESTED = "ledger/ingest/noaa18/0248.json"
RUN = "runs/r"
EVENTS, DWELL = (f"{RUN}/{kind}/satellite=noaa18/block-0248.parquet" for kind in ("events", "dwell"))
DETECTED = f"{RUN}/ledger/noaa18/0248.json"


pytestmark = pytest.mark.usefixtures("short_record_axis", "layout_made_once")


@pytest.fixture(scope="module")
def layout_made_once(short_record_axis: None) -> Iterator[None]:
    """Each audit makes empty stores to hold metadata against, a quarter of what one of small days takes."""
    made: dict[tuple[str, ...], dict[str, bytes]] = {}

    def remember(satellites: Iterable[str], arrays: Mapping[str, ArraySpec], title: str) -> dict[str, bytes]:
        key = (*satellites, *arrays, title)
        if key not in made:
            made[key] = metadata_files(satellites, arrays, title)
        return dict(made[key])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(whole, "metadata_files", remember)
        yield


def make_occurrence(run: Run) -> None:
    """Make the maps without drawing them."""
    records = list(run.ledger.done())
    write_occurrence(run.occurrence, occurrence(run, records, GRID, 0))
    run.made("occurrence", records)


def run_here(archive: Path, root: Path, model: Bundle) -> Work:
    """Do what `reprocess run` does, without processes."""
    work = Work(root)
    run = work.run("r")
    granules = list_archive(str(archive)).granules
    merge_asked(work.asked, granules)
    settings = Settings(model.path, model.sha256, "published", "onnxruntime", classes=True, dense=True)
    claim(run, settings)
    satellites = sorted({g.satellite for g in granules})
    create_store(work.archive, satellites, schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)
    create_store(run.classes, satellites, CLASS_ARRAYS, CLASSES_TITLE)
    for plan in plan_ingest(work, granules):
        ingest_block(plan)
    for plan in plan_detect(work, run, settings, granules):
        detect_block(plan)
    records = list(run.ledger.done())
    if run.outdated("exposure", records):
        write_exposure(run, records)
        run.made("exposure", records)
    make_occurrence(run)
    return work


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake.write_archive(tmp_path_factory.mktemp("audited") / "archive")


@pytest.fixture(scope="module")
def complete(
    archive: Path, random_model: Bundle, short_record_axis: None, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return run_here(archive, tmp_path_factory.mktemp("complete") / "w", random_model).root


@pytest.fixture
def work(complete: Path, tmp_path: Path) -> Work:
    return Work(shutil.copytree(complete, tmp_path / "w"))


def find(work: Work, **options: Any) -> list[Finding]:
    found, _ = audit(work, work.runs(), None, fake.Silence(), **options)
    for finding in found:
        assert finding.kind in KINDS
        assert all((finding.path, finding.expected, finding.found, finding.remedy))
        assert finding.expected != finding.found
    return found


def kinds(findings: list[Finding]) -> set[tuple[str, str]]:
    return {(f.kind, f.path) for f in findings}


def flip(path: Path, at: float = 0.5) -> None:
    """Change one bit of a file, size and modification time untouched."""
    times = path.stat()
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def edit(path: Path, change: Callable[[dict], object]) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    change(record)
    path.write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")


def test_complete_work_has_nothing_to_find(work: Work) -> None:
    before = tree(work.root)
    found, counts = audit(work, work.runs(), None, fake.Silence(), sources=True)
    assert found == []
    assert counts == {
        "blocks": 3,
        "satellite_days": len(fake.DAYS),
        "shards": 3 * (len(schema.ARCHIVE_ARRAYS) + len(CLASS_ARRAYS)),
        "parts": 6,
    }
    assert tree(work.root) == before
    assert repair(work, found) == []


def test_shards_are_looked_for_where_the_store_puts_them(work: Work) -> None:
    store = open_records(work, "noaa18")
    for name, spec in schema.ARCHIVE_ARRAYS.items():
        assert work.archive / shard_key(spec, "noaa18", 248) == store.shard_path(name, 248)


# --- damage: each is found, named, and redone by the next run after a repair

DAMAGE: dict[str, tuple[Callable[[Path], object], set[tuple[str, str]]]] = {
    "deleted shard": (lambda w: (w / SHARD).unlink(), {("missing", SHARD)}),
    "flipped bit in a shard": (lambda w: flip(w / SHARD), {("damaged", SHARD)}),
    "flipped bit in record_count": (
        lambda w: flip(w / "archive.zarr/noaa18/record_count/c/248", 0.9),
        {("damaged", "archive.zarr/noaa18/record_count/c/248")},
    ),
    "truncated shard": (lambda w: os.truncate(w / SHARD, 100), {("damaged", SHARD)}),
    "empty shard": (lambda w: os.truncate(w / SHARD, 0), {("damaged", SHARD)}),
    "shard of a few bytes": (lambda w: os.truncate(w / SHARD, 3), {("damaged", SHARD)}),
    "deleted events": (lambda w: (w / EVENTS).unlink(), {("missing", EVENTS)}),
    "deleted dwell": (lambda w: (w / DWELL).unlink(), {("missing", DWELL)}),
    "flipped bit in events": (lambda w: flip(w / EVENTS), {("damaged", EVENTS)}),
    "flipped bit in dwell": (lambda w: flip(w / DWELL), {("damaged", DWELL)}),
    "deleted classes": (
        lambda w: (w / RUN / "classes.zarr/noaa18/class/c/248/0").unlink(),
        {("missing", f"{RUN}/classes.zarr/noaa18/class/c/248/0")},
    ),
    "damaged record of the archive": (lambda w: (w / INGESTED).write_text("{"), {("damaged", INGESTED)}),
    "damaged record of the run": (lambda w: (w / DETECTED).write_text("{"), {("damaged", DETECTED)}),
    "deleted exposure": (
        lambda w: shutil.rmtree(w / RUN / "exposure.zarr"),
        {("missing", f"{RUN}/exposure.zarr")},
    ),
    "deleted chunk of exposure": (
        lambda w: next(p for p in (w / RUN / "exposure.zarr/dwell/c").rglob("*") if p.is_file()).unlink(),
        {("damaged", f"{RUN}/exposure.zarr")},
    ),
    "flipped bit in the maps": (
        lambda w: flip(w / RUN / "occurrence.nc"),
        {("damaged", f"{RUN}/occurrence.nc")},
    ),
    "deleted maps": (lambda w: (w / RUN / "occurrence.nc").unlink(), {("missing", f"{RUN}/occurrence.nc")}),
    "deleted metadata": (
        lambda w: (w / "archive.zarr/noaa18/MLT/zarr.json").unlink(),
        {("missing", "archive.zarr/noaa18/MLT/zarr.json")},
    ),
    "damaged metadata": (
        lambda w: (w / "archive.zarr/noaa18/MLT/zarr.json").write_text("{"),
        {("damaged", "archive.zarr/noaa18/MLT/zarr.json")},
    ),
    "coordinate never written": (
        lambda w: (w / "archive.zarr/noaa18/day/c/0").unlink(),
        {("missing", "archive.zarr/noaa18/day/c/0")},
    ),
    "leftover of a killed writer": (
        lambda w: (w / f"{INGESTED}.0123abcd.partial").write_bytes(b"{"),
        {("leftover", f"{INGESTED}.0123abcd.partial")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_found_and_after_repair_the_next_run_restores_the_bytes(
    case: str, work: Work, complete: Path, archive: Path, random_model: Bundle
) -> None:
    inflict, expected = DAMAGE[case]
    inflict(work.root)
    found = find(work)
    assert kinds(found) == expected
    if case == "deleted exposure":
        assert found[0].remedy == "reprocess map WORK --run r makes it again"
    assert repair(work, found) or case in {"flipped bit in the maps", "deleted maps", "deleted exposure"}
    run_here(archive, work.root, random_model)
    assert tree(work.root) == tree(complete)  # in which nothing is to find: see above


def test_a_flipped_bit_is_found_in_every_array(work: Work) -> None:
    paths = [shard_key(spec, "metop01", 248) for spec in schema.ARCHIVE_ARRAYS.values()]
    for path in paths:
        flip(work.archive / path)
    assert kinds(find(work)) == {("damaged", f"archive.zarr/{path}") for path in paths}


def test_finding_says_what_was_expected_and_found(work: Work) -> None:
    expected = sha256((work.root / SHARD).read_bytes())
    flip(work.root / SHARD)
    (finding,) = find(work)
    assert finding.expected == f"sha256 {expected}"
    assert finding.found == f"sha256 {sha256((work.root / SHARD).read_bytes())}"
    assert (finding.stage, finding.satellite, finding.block) == ("ingest", "noaa18", 248)
    assert str(finding).startswith(f"damaged {SHARD}: expected sha256 {expected}, found sha256 ")
    assert "reprocess audit WORK --repair" in finding.remedy


def test_what_no_record_speaks_of_is_unclaimed_and_never_deleted(work: Work) -> None:
    strays = [f"{RUN}/events/satellite=noaa18/block-0300.parquet", f"{RUN}/events/copy.parquet"]
    for name in strays:
        shutil.copy(work.root / EVENTS, work.root / name)
    (work.archive / "noaa18/MLT/notes.txt").write_text("mine")
    expected = {("unclaimed", name) for name in [*strays, "archive.zarr/noaa18/MLT/notes.txt"]}
    found = find(work)
    assert kinds(found) == expected
    assert repair(work, found) == []
    assert kinds(find(work)) == expected


def test_folders_that_are_not_data_are_nobodys_business(work: Work) -> None:
    write_atomic(work.root / "notes.txt", b"mine")
    write_atomic(work.root / RUN / "report" / "index.html", b"page")
    assert find(work) == []


# --- columns, and WORK of version 0.1.0


def test_columns_that_do_not_tell_what_is_declared_are_a_contradiction(work: Work) -> None:
    def change(table: pa.Table) -> pa.Table:
        at = table.schema.get_field_index("MLT")
        told = pa.field(
            "MLT", pa.float32(), metadata={**table.schema.field(at).metadata, b"units": b"degree"}
        )
        return table.cast(table.schema.set(at, told))

    change_part_file(work, change)
    (finding,) = [f for f in find(work) if f.path == EVENTS]
    assert (finding.kind, finding.stage) == ("contradiction", "detect")
    assert (finding.expected, finding.found) == ("units 'h' of column MLT", "'degree'")


def test_a_part_without_a_column_is_named_and_not_read_further(work: Work) -> None:
    change_part_file(work, lambda table: table.drop_columns("L"))
    (finding,) = [f for f in find(work) if f.path == EVENTS]
    assert finding.kind == "contradiction"
    assert finding.expected.startswith("columns event_class, ")


def change_part_file(work: Work, change: Callable[[pa.Table], pa.Table]) -> None:
    path = work.root / EVENTS
    pq.write_table(change(pq.read_table(path)), path)
    edit(work.root / DETECTED, lambda r: r["outputs"].update(events=sha256(path.read_bytes())))


def count_twice(run: Run) -> None:
    """Keep sums that no part gives, as a map that counts wrongly would."""
    kept = read_sums(run, GRID)
    wrong = {key: replace(of, counts=of.counts * 2) for key, of in kept.items()}
    run.sums.write_bytes(sums._packed(wrong, GRID))


def without_digest(run: Run) -> None:
    with np.load(run.sums) as file:
        arrays = dict(file)
    np.savez(run.sums, **arrays)


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (count_twice, "contradiction"),
        (without_digest, "damaged"),
        (lambda run: flip(run.sums), "damaged"),
        (lambda run: os.truncate(run.sums, 1000), "damaged"),
        (lambda run: run.sums.write_bytes(b""), "damaged"),
    ],
)
def test_kept_sums_that_no_part_gives_are_told_and_deleted(
    work: Work, harm: Callable[[Run], None], kind: str
) -> None:
    run = work.run("r")
    records = list(run.ledger.done())
    keep_sums(run, records, GRID)
    sound = run.sums.read_bytes()
    assert find(work) == []
    harm(run)
    found = find(work)
    assert {(f.path, f.kind, f.run) for f in found} == {("runs/r/sums.npz", kind, "r")}
    assert len(found) == (len(records) if kind == "contradiction" else 1)
    assert "audit WORK --repair deletes it" in found[0].remedy
    assert repair(work, found) == ["deleted the sums of blocks of run r"]
    assert find(work) == []
    assert not run.sums.exists()
    keep_sums(run, records, GRID)
    assert run.sums.read_bytes() == sound


@pytest.fixture(scope="module")
def looked_through(complete: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the positions of one map."""
    work = Work(shutil.copytree(complete, tmp_path_factory.mktemp("positions") / "w"))
    for plan in plan_positions(work, work.run("r"), GRID):
        positions_of_block(plan)
    return work.root


def positions_of(work: Work) -> Path:
    receipt = next(r for r in work.run("r").ledger.done() if r["satellite"] == "noaa18")
    return position_path(work.run("r"), GRID, receipt["satellite"], receipt["block"])


def other_rows(path: Path, change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> None:
    """Write a sound part of other rows."""
    origin, rows = read_part_of_positions(path)
    write_positions(
        path, change(rows), {key: origin[key] for key in ("events_sha256", "dwell_sha256", "edges", "form")}
    )


def elsewhere(path: Path) -> None:
    """Call the folder of the cells what other cells are called."""
    path.parents[1].rename(path.parents[2] / ("0" * 16))


@pytest.mark.parametrize(
    ("harm", "kind", "told"),
    [
        (flip, "damaged", "cannot be read"),
        (lambda path: os.truncate(path, 0), "damaged", "cannot be read"),
        (lambda path: os.truncate(path, 2000), "damaged", "cannot be read"),
        (lambda path: pq.write_table(pa.table({"day": [1]}), path), "damaged", "has other columns than"),
        (
            lambda path: other_rows(path, lambda rows: rows | {"minute": rows["minute"] + 1}),
            "contradiction",
            "rows differ",
        ),
        (
            lambda path: other_rows(path, lambda rows: {n: v[:-1] for n, v in rows.items()}),
            "contradiction",
            "",
        ),
        (elsewhere, "contradiction", "cells of "),
        (lambda path: shutil.copy(path, path.with_name("block-0001.parquet")), "unclaimed", "a file"),
    ],
)
def test_kept_positions_that_no_map_wrote_are_told_and_deleted(
    looked_through: Path, tmp_path: Path, harm: Callable[[Path], object], kind: str, told: str
) -> None:
    work = Work(shutil.copytree(looked_through, tmp_path / "w"))
    before = tree(work.root)
    harm(positions_of(work))
    found = find(work)
    assert {(f.kind, f.stage) for f in found} == {(kind, "positions")}
    assert all(f.path.startswith("runs/r/positions/") and told in f.found for f in found)
    assert all("audit WORK --repair deletes it" in f.remedy for f in found)
    assert repair(work, found) == [f"deleted {f.path}" for f in sorted(found)]
    assert find(work) == []
    for plan in plan_positions(work, work.run("r"), GRID):
        positions_of_block(plan)
    assert tree(work.root) == before


def test_sound_positions_are_counted_and_those_of_other_events_are_no_fault(
    looked_through: Path, tmp_path: Path
) -> None:
    work = Work(shutil.copytree(looked_through, tmp_path / "w"))
    found, counts = audit(work, work.runs(), None, fake.Silence())
    assert found == []
    assert counts["parts"] == 9
    path = positions_of(work)
    origin, rows = read_part_of_positions(path)
    write_positions(path, rows, origin | {"events_sha256": "0"})
    (path.parents[1] / "notes.txt").write_text("a person's")
    (one,) = find(work)
    assert (one.kind, one.stage) == ("unclaimed", ""), "what no map wrote is not deleted"
    assert repair(work, [one]) == []


def test_work_of_version_010_is_sound_once_its_attributes_are_those_of_today(work: Work) -> None:
    run = work.run("r")
    records = list(run.ledger.done())
    older_parts(run, records)
    for record in records:
        run.ledger.commit(record)
    write_exposure(run, records)
    run.made("exposure", records)
    make_occurrence(run)
    assert find(work) == []
    older_attributes(work.archive)
    older_attributes(run.classes)
    found = find(work)
    assert {f.stage for f in found} == {"metadata"}
    repair(work, found)
    assert find(work) == []


# --- half-written blocks


def test_block_that_was_being_written_again_is_unfinished(work: Work) -> None:
    work.ledger.begin("noaa18", 248, ["2019-10-25"])
    found = find(work)
    assert ("unfinished", INGESTED) in kinds(found)
    (finding,) = [f for f in found if f.kind == "unfinished"]
    assert "state 'writing'" in finding.found
    assert exit_code(survey(work), None) == 4


@pytest.mark.parametrize("written", [1, 5, len(schema.ARCHIVE_ARRAYS)])
def test_shards_without_a_receipt_are_an_unfinished_block(work: Work, written: int) -> None:
    (work.root / INGESTED).unlink()
    for name in list(schema.ARCHIVE_ARRAYS)[written:]:
        (work.archive / shard_key(schema.ARCHIVE_ARRAYS[name], "noaa18", 248)).unlink()
    found = find(work)
    assert kinds(found) == {("unfinished", INGESTED)}
    assert found[0].found == f"no receipt, {written} of {len(schema.ARCHIVE_ARRAYS)} files"


def test_parts_without_a_receipt_are_an_unfinished_block(work: Work) -> None:
    (work.root / DETECTED).unlink()
    (work.root / EVENTS).unlink()
    assert {("unfinished", DETECTED)} < kinds(find(work))
    assert {f.kind for f in find(work)} == {"unfinished", "outdated"}


def test_a_store_whose_writer_died_creating_it_claims_nothing(work: Work) -> None:
    new = work.archive / "noaa19"
    shutil.copytree(work.archive / "noaa18", new, ignore=shutil.ignore_patterns("[0-9]*"))
    found = find(work)
    assert ("unfinished", "archive.zarr/noaa19/day/c/0") in kinds(found)
    assert {(f.kind, f.stage) for f in found} == {("unfinished", "")}


def test_sums_of_other_parts_are_outdated(
    work: Work, archive: Path, random_model: Bundle, complete: Path
) -> None:
    work.run("r").ledger.withdraw("noaa18", 250)
    (work.root / EVENTS.replace("248", "250")).unlink()
    (work.root / DWELL.replace("248", "250")).unlink()
    found = find(work)
    assert kinds(found) == {("outdated", f"{RUN}/{name}") for name in ("exposure.zarr", "occurrence.nc")}
    assert {finding.remedy for finding in found} == {"reprocess map WORK --run r makes it again"}
    run_here(archive, work.root, random_model)
    assert tree(work.root) == tree(complete)


# --- claims that contradict the data, all sums being right


def claim_as_is(work: Work, name: str, block: int = 248) -> None:
    """Let the ledger claim a shard as it lies there."""
    data = (work.archive / shard_key(schema.ARCHIVE_ARRAYS[name], "noaa18", block)).read_bytes()
    edit(work.root / INGESTED, lambda record: record["outputs"].update({name: sha256(data)}))


def rewrite(work: Work, name: str, change: Callable[[np.ndarray], object]) -> None:
    """Change rows of a block and claim the result."""
    array = zarr.open_group(work.archive, mode="r+")["noaa18"][name]
    span = schema.block_days(248)
    rows = array[span.start : span.stop]
    change(rows)
    array[span.start : span.stop] = rows
    claim_as_is(work, name)


ROW = schema.day_index(dt.date(2019, 10, 24)) - schema.block_days(248).start


def test_record_count_of_the_archive_must_be_the_ledgers(work: Work) -> None:
    rewrite(work, "record_count", lambda rows: rows.__setitem__(ROW, 399))
    (finding,) = find(work)
    assert (finding.kind, finding.path) == ("contradiction", "archive.zarr/noaa18/record_count/c/248")
    assert (finding.expected, finding.found) == ("400 on 2019-10-24", "399")


def test_day_that_no_record_speaks_of_must_not_be_in_the_archive(work: Work) -> None:
    rewrite(work, "status", lambda rows: rows.__setitem__(0, 1))
    assert kinds(find(work)) == {("contradiction", "archive.zarr/noaa18/status/c/248")}


def test_source_digest_of_the_archive_must_be_the_ledgers(work: Work) -> None:
    rewrite(work, "source_digest", lambda rows: rows.__setitem__((ROW, 3), rows[ROW, 3] ^ 1))
    assert kinds(find(work)) == {("contradiction", "archive.zarr/noaa18/source_digest/c/248/0")}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda t: t.__setitem__(399, schema.NO_TIME), "399 times"),
        (lambda t: t.__setitem__(400, t[399] + 2000), "401 times"),
        (lambda t: t.__setitem__(10, t[9]), "0 outside the day, 1 not after"),
        (lambda t: t.__setitem__(0, t[0] - schema.MS_PER_DAY), "1 outside the day, 0 not after"),
        (lambda t: t.__setitem__(399, t[0] + schema.MS_PER_DAY), "1 outside the day, 0 not after"),
    ],
)
def test_times_must_be_as_many_as_claimed_increasing_and_in_the_day(
    work: Work, change: Callable[[np.ndarray], object], found: str
) -> None:
    rewrite(work, "time", lambda rows: change(rows[ROW]))
    (finding,) = [f for f in find(work) if f.path == "archive.zarr/noaa18/time/c/248/0"]
    assert finding.kind == "contradiction"
    assert finding.found.startswith(found)
    assert finding.expected == "400 increasing times in the day on 2019-10-24"


def change_part(work: Work, name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Change rows of a part, claim the result, and make the sums of it again."""
    path = work.root / name
    table = pq.read_table(path)
    frame = change(table.to_pandas())
    pq.write_table(pa.Table.from_pandas(frame, table.schema, preserve_index=False), path)
    kind = name.split("/")[2]
    edit(work.root / DETECTED, lambda r: r["outputs"].update({kind: sha256(path.read_bytes())}))
    run = work.run("r")
    records = list(run.ledger.done())
    write_exposure(run, records)
    run.made("exposure", records)
    make_occurrence(run)


def moved(column: str, by: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[0, column] = frame.loc[0, column] + by
        return frame

    return change


def put(column: str, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[0, column] = value
        return frame

    return change


def flagged(bit: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[0, "quality_flags"] = frame.loc[0, "quality_flags"] ^ bit
        return frame

    return change


NUMBERS = [name for name, column in schema.EVENT_COLUMNS.items() if column.dtype.startswith("float")]
"""Every column of the event table that is a number and no position of a record."""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (moved("start_time", pd.Timedelta("1ms")), "start_time 2019-10-24 "),
        (moved("stop_time", pd.Timedelta("2s")), "stop_time 2019-10-24 "),
        (moved("peak_time", pd.Timedelta("-1ms")), "peak_time 2019-10-24 "),
        *((moved(name, np.float32(0.1)), f"{name} ") for name in NUMBERS),
        (put("delta_L", np.float32("nan")), "delta_L "),
        (put("hemisphere", "?"), "hemisphere "),
        *((flagged(flag.bit), "quality_flags ") for flag in schema.FLAGS),
        (put("stop_index", 400), "start and stop in order within records 3 to 395 on"),
        (put("start_index", 2), "start and stop in order within records 3 to 395 on"),
        (put("start_index", -1), "start and stop in order within records 3 to 395 on"),
        (put("source_sha256", "00"), "source_sha256 "),
        (put("run", "another"), "run r of the "),
        (put("model", "another"), "model random of the "),
        (put("date", "2019-11-24"), "dates of the block's receipt"),
        (lambda frame: frame.iloc[1:], "events on"),
        (lambda frame: pd.concat([frame, frame.iloc[:1]]), "events on"),
    ],
)
def test_events_must_be_the_archives(
    work: Work, change: Callable[[pd.DataFrame], pd.DataFrame], expected: str
) -> None:
    change_part(work, EVENTS, change)
    found = [f for f in find(work) if f.path == EVENTS]
    assert found
    assert {(f.kind, f.stage, f.run) for f in found} == {("contradiction", "detect", "r")}
    assert any(expected in f.expected for f in found)


def test_every_event_that_differs_is_counted(work: Work) -> None:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(MLT=frame["MLT"] + np.float32(0.5))

    rows = pq.read_table(work.root / EVENTS).to_pandas()
    first = rows.iloc[0]
    same_day = int((rows["date"] == first["date"]).sum())
    change_part(work, EVENTS, change)
    finding = next(f for f in find(work) if f.expected.endswith(first["date"]))
    at = f"the {first['event_class']} event at record {first['start_index']}"
    assert finding.expected == f"MLT {first['MLT']} of {at} on {first['date']}"
    value = first["MLT"] + np.float32(0.5)
    assert finding.found == f"{value}, and {same_day - 1} other events have another MLT"


def test_probability_is_looked_at_only_if_the_run_kept_it(work: Work) -> None:
    shutil.rmtree(work.run("r").classes)
    edit(work.root / DETECTED, lambda r: r["outputs"].pop("classes"))
    for block in ("noaa18/0250", "metop01/0248"):
        edit(work.root / f"{RUN}/ledger/{block}.json", lambda r: r["outputs"].pop("classes"))
    change_part(work, EVENTS, moved("probability", np.float32(0.1)))
    assert find(work) == []
    change_part(work, EVENTS, moved("L_max", np.float32(0.1)))
    assert [f.expected.split()[0] for f in find(work)] == ["L_max"]


def test_records_that_are_no_measurement_are_accounted_for(
    archive: Path, random_model: Bundle, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(archive, tmp_path / "a"))
    content = fake.variables("noaa18", "2019-10-24")
    content["mep_ele_tel0_flux_e2"][100:110] = 9.96921e36
    content["L_IGRF"][200] = np.inf
    content["lon"][300] = np.nan
    fake.write_granule(fake.granule_path(copy, "noaa18", "2019-10-24"), content)
    work = run_here(copy, tmp_path / "w", random_model)
    assert find(work) == []
    assert work.run("r").ledger.read("noaa18", 248)["days"]["2019-10-24"]["not_measured"] == 12


@pytest.mark.parametrize("column", ["records", "records_REP", "records_CSS"])
def test_dwell_must_be_that_of_the_archives_records(work: Work, column: str) -> None:
    change_part(work, DWELL, moved(column, 1))
    (finding,) = find(work)
    assert (finding.kind, finding.path) == ("contradiction", DWELL)
    expected, found = (int(re.split("[ ,]", text)[0]) for text in (finding.expected, finding.found))
    assert found == expected + 1
    assert f" {column} on 2019-10-2" in finding.expected
    assert finding.found.endswith(", 1 cells or combinations of flags differ")


def test_dwell_seconds_moved_to_another_cell_are_found(work: Work) -> None:
    change_part(work, DWELL, lambda frame: frame.assign(cell=frame["cell"].to_numpy() + 1))
    assert kinds(find(work)) == {("contradiction", DWELL)}


@pytest.mark.parametrize(
    "name", ["not_measured", "classifiable", "in_grid", "outside_grid", "invalid_position"]
)
def test_accounts_of_records_must_be_those_of_the_archive(work: Work, name: str) -> None:
    edit(work.root / DETECTED, lambda r: r["days"]["2019-10-24"].update({name: 7}))
    (finding,) = find(work)
    assert (finding.kind, finding.path, finding.stage) == ("contradiction", DWELL, "detect")
    assert f"'{name}': 7" in finding.expected


def test_exposure_must_be_the_sum_of_the_parts(work: Work) -> None:
    run = work.run("r")
    month = zarr.open_group(run.exposure, mode="r+")["dwell"]
    values = month[:]
    values[0, 0, 0, 40, 3] += 2
    month[:] = values
    run.made("exposure", list(run.ledger.done()))
    (finding,) = find(work)
    assert (finding.kind, finding.path) == ("contradiction", f"{RUN}/exposure.zarr")
    assert "s dwell of metop01" in finding.expected
    assert finding.found.endswith(", 1 cells differ")


@pytest.mark.parametrize("name", ["events", "dwell", "precipitation", "event_rate_poisson_upper"])
def test_maps_must_be_what_the_parts_give(work: Work, name: str) -> None:
    run = work.run("r")
    with xr.open_dataset(run.occurrence, engine="scipy") as stored:
        dataset = stored.load()
    dataset[name][...] += 2
    run.occurrence.write_bytes(bytes(dataset.to_netcdf(engine="scipy", format="NETCDF3_64BIT")))
    run.made("occurrence", list(run.ledger.done()))
    (finding,) = find(work)
    assert (finding.kind, finding.path) == ("contradiction", f"{RUN}/occurrence.nc")
    assert finding.expected.startswith(f"{name} with sum ")
    assert finding.remedy == "reprocess map WORK --run r makes it again"


def test_days_classified_from_an_older_file_are_outdated(work: Work) -> None:
    edit(work.root / DETECTED, lambda r: r["days"]["2019-10-24"].update({"source_sha256": "00"}))
    found = find(work)
    assert kinds(found) == {("outdated", EVENTS)}
    assert found[0].found == "source 00 on 2019-10-24"


@pytest.mark.parametrize("text", [None, "{"])
def test_run_that_nobody_knows_the_making_of_is_named(work: Work, text: str | None) -> None:
    path = work.root / RUN / "run.json"
    path.unlink() if text is None else path.write_text(text)
    found, _ = audit(work, [], None, fake.Silence())
    assert kinds(found) == {("missing" if text is None else "damaged", f"{RUN}/run.json")}


def test_record_must_speak_of_every_array(work: Work) -> None:
    edit(work.root / INGESTED, lambda record: record["outputs"].pop("MLT"))
    (finding,) = find(work)
    assert (finding.path, finding.expected) == (
        "archive.zarr/noaa18/MLT/c/248/0",
        "sha256 (not in the receipt)",
    )


# --- sources


@pytest.fixture
def own(tmp_path: Path, archive: Path, random_model: Bundle) -> tuple[Work, Path]:
    """A WORK made from an archive of its own, and one of its files."""
    mine = shutil.copytree(archive, tmp_path / "archive")
    return run_here(mine, tmp_path / "w", random_model), fake.granule_path(mine, "noaa18", "2019-10-25")


def test_source_that_was_replaced_is_stale(own: tuple[Work, Path], random_model: Bundle) -> None:
    work, source = own
    fake.write_granule(source, fake.variables("noaa18", "2019-10-25", n=600, seed=1))
    (finding,) = find(work)
    assert (finding.kind, finding.path) == ("stale", source.as_uri())
    assert f"size {source.stat().st_size}" in finding.found
    assert finding.remedy == "the next reprocess run reads it again"
    assert repair(work, [finding]) == []
    run_here(source.parents[2], work.root, random_model)
    assert find(work, sources=True) == []


def test_source_that_was_touched_is_stale(own: tuple[Work, Path]) -> None:
    work, source = own
    os.utime(source, (1e9, 1e9))
    (finding,) = find(work)
    assert (finding.kind, finding.found) == ("stale", "version 1000000000.0")


def test_source_that_rotted_is_found_only_by_reading_it_and_is_read_again(
    own: tuple[Work, Path], random_model: Bundle
) -> None:
    work, source = own
    flip(source)
    assert find(work) == []
    found = find(work, sources=True)
    assert kinds(found) == {("stale", source.as_uri())}
    repair(work, found)
    run_here(source.parents[2], work.root, random_model)
    entry = (work.ledger.read("noaa18", 248) or {})["days"]["2019-10-25"]
    assert entry["source"]["sha256"] == sha256(source.read_bytes())
    assert find(work, sources=True) == []


def test_source_that_is_gone_is_no_finding_but_keeps_the_claim(own: tuple[Work, Path]) -> None:
    work, source = own
    source.unlink()
    assert find(work, sources=True) == []
    (work.root / SHARD).unlink()
    (line,) = repair(work, find(work))
    assert line == f"left noaa18 block 248 as it is: 1 of its sources are gone ({source.as_uri()})"
    assert (work.root / INGESTED).exists()


def test_remote_and_unreadable_sources_are_left_alone(work: Work) -> None:
    def elsewhere(record: dict) -> None:
        record["days"]["2019-10-24"]["source"]["url"] = "https://127.0.0.1:1/x.nc"
        del record["days"]["2019-10-25"]["source"]["sha256"]

    before = find(work)
    edit(work.root / INGESTED, elsewhere)
    found = kinds(find(work, sources=True))
    assert before == []
    assert not any(kind == "stale" for kind, _ in found)


# --- repair


def test_repair_withdraws_the_damaged_block_only(work: Work) -> None:
    flip(work.root / SHARD)
    flip(work.root / EVENTS)
    before = tree(work.root)
    withdrawn = ["withdrew noaa18 block 248 of run r", "withdrew noaa18 block 248"]
    assert repair(work, find(work)) == withdrawn
    after = tree(work.root)
    assert before.keys() - after.keys() == {INGESTED, DETECTED}
    assert all(before[name] == digest for name, digest in after.items())
    state = survey(work)
    assert [d["date"] for d in state["ingest"]["missing"]] == ["2019-10-24", "2019-10-25"]


def test_blocks_are_planned_by_record_and_by_file(work: Work) -> None:
    (work.root / INGESTED).unlink()
    (work.root / DETECTED).unlink()
    (work.archive / "noaa18/time/c/7").mkdir()
    planned = [(p.satellite, p.block) for p in plan_audit(work, [])]
    assert planned == [("metop01", 248), ("noaa18", 7), ("noaa18", 248), ("noaa18", 250)]


def test_only_the_runs_asked_for_are_audited(work: Work) -> None:
    shutil.copytree(work.root / RUN, work.root / "runs/s")
    flip(work.root / RUN / "dwell/satellite=noaa18/block-0250.parquet")
    clean, _ = audit(work, [Run(work.root / "runs/r")], None, fake.Silence())
    assert {f.kind for f in clean} == {"damaged"}
    other, _ = audit(work, [Run(work.root / "runs/s")], None, fake.Silence())
    assert all("run s" in f.expected for f in other)  # its events say that they are of run r


def test_findings_are_values(work: Work) -> None:
    flip(work.root / SHARD)
    (finding,) = find(work)
    assert Finding(**json.loads(json.dumps(dataclasses.asdict(finding)))) == finding


def test_where_nothing_is_done_no_workers_are_asked_and_nothing_is_found(tmp_path: Path) -> None:
    nowhere = Workers(scheduler="tcp://127.0.0.1:1")
    assert audit(Work(tmp_path), [], nowhere, fake.Silence()) == (
        [],
        {"blocks": 0, "satellite_days": 0, "shards": 0, "parts": 0},
    )


@pytest.mark.filterwarnings("ignore::UserWarning")  # Zarr tells of them, too
def test_files_of_other_programs_are_told_and_never_damage(work: Work) -> None:
    strays = [
        "archive.zarr/.zgroup",
        "archive.zarr/noaa18/.zattrs",
        f"{RUN}/exposure.zarr/.zgroup",
        f"{RUN}/exposure.zarr/dwell/.DS_Store",
        f"{RUN}/events/satellite=noaa18/._block-0248.parquet",
    ]
    for name in strays:
        (work.root / name).write_bytes(b"{}")
    found = find(work)
    assert kinds(found) == {("foreign", name) for name in strays}
    assert {f.kind for f in found} <= HARMLESS
    assert repair(work, found) == []
    assert all((work.root / name).exists() for name in strays)
