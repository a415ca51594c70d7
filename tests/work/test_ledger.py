"""Done records and the list of what was asked for: atomic, withdrawn before data change."""

import dataclasses
import errno
import fcntl
import json
import os
import uuid
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from reprocess.errors import LedgerError
from reprocess.files import locked, sha256, sweep, tree_sha256, write_atomic
from reprocess.schema.granules import Granule, Listing, Selection
from reprocess.work import ledger as module
from reprocess.work.asked import merge_asked, note_vanished, read_asked
from reprocess.work.ledger import BlockLedger
from reprocess.work.paths import Run


def record(satellite: str = "noaa18", block: int = 248, **days: str) -> dict[str, Any]:
    entries = {date.replace("_", "-").removeprefix("d"): {"status": s} for date, s in days.items()}
    return {"stage": "ingest", "satellite": satellite, "block": block, "days": entries, "outputs": {}}


@pytest.fixture
def ledger(tmp_path: Path) -> BlockLedger:
    return BlockLedger(tmp_path / "ledger")


def crash(*_: object) -> None:
    raise OSError("killed")


def test_sha256_is_that_of_the_standard() -> None:
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "x.json"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_crash_before_the_rename_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "x.json"
    write_atomic(path, b"old")
    with monkeypatch.context() as patched:
        patched.setattr(*{"replace": (Path, "replace"), "fsync": (module.os, "fsync")}[step], crash)
        with pytest.raises(OSError, match="killed"):
            write_atomic(path, b"new")
    assert path.read_bytes() == b"old"


def test_crash_before_the_rename_leaves_no_file_where_there_was_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", kill)
        with pytest.raises(KeyboardInterrupt):
            write_atomic(tmp_path / "x.json", b"new")
    assert not (tmp_path / "x.json").exists()
    (leftover,) = tmp_path.iterdir()
    write_atomic(tmp_path / "x.json", b"new")
    assert not leftover.exists()


def test_a_disk_that_is_full_keeps_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.os, "fsync", crash)
    with pytest.raises(OSError, match="killed"):
        write_atomic(tmp_path / "x.json", b"new")
    assert list(tmp_path.iterdir()) == []


def test_one_sum_for_a_tree_depends_on_every_name_and_byte(tmp_path: Path) -> None:
    def digest(**files: bytes) -> str:
        folder = tmp_path / uuid.uuid4().hex
        for name, data in files.items():
            write_atomic(folder / name, data)
        return tree_sha256(folder)

    assert digest(a=b"1", b=b"2") == digest(b=b"2", a=b"1")
    assert len({digest(a=b"1", b=b"2"), digest(a=b"2", b=b"1"), digest(a=b"1"), digest(c=b"1")}) == 4
    write_atomic(tmp_path / "x", b"data")
    assert tree_sha256(tmp_path / "x") == sha256(b"data")


def test_withdrawn_block_claims_nothing(tmp_path: Path) -> None:
    ledger = BlockLedger(tmp_path)
    ledger.commit({"satellite": "noaa18", "block": 3, "days": {}, "outputs": {}})
    ledger.withdraw("noaa18", 3)
    assert ledger.read("noaa18", 3) is None
    ledger.withdraw("noaa18", 3)


def test_data_are_on_disk_before_the_rename_and_the_rename_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    fsync, replace = module.os.fsync, Path.replace
    monkeypatch.setattr(module.os, "fsync", lambda fd: steps.append("fsync") or fsync(fd))
    monkeypatch.setattr(Path, "replace", lambda a, b: steps.append("rename") or replace(a, b))
    write_atomic(tmp_path / "x", b"data")
    assert steps == ["fsync", "rename", "fsync"]


def test_sweep_removes_only_leftovers_of_that_file(tmp_path: Path) -> None:
    own = [tmp_path / "0248.json.aa.partial", tmp_path / "0248.json.bb.partial"]
    others = [tmp_path / "0248.json", tmp_path / "0249.json.aa.partial", tmp_path / "0248.failed.aa.partial"]
    for path in own + others:
        path.write_bytes(b"x")
    sweep(tmp_path / "0248.json")
    assert sorted(tmp_path.iterdir()) == sorted(others)


def test_sweep_where_nothing_is_does_nothing(tmp_path: Path) -> None:
    sweep(tmp_path / "missing" / "x")
    assert list(tmp_path.iterdir()) == []


def test_committed_record_reads_back_as_done(ledger: BlockLedger) -> None:
    ledger.commit(record(d2019_10_24="ok"))
    assert ledger.read("noaa18", 248) == record(d2019_10_24="ok") | {"state": "done"}
    assert ledger.path("noaa18", 248) == ledger.root / "noaa18" / "0248.json"


def test_same_record_is_the_same_bytes(ledger: BlockLedger) -> None:
    ledger.commit(record(d2019_10_24="ok", d2019_10_25="ok"))
    before = ledger.path("noaa18", 248).read_bytes()
    ledger.commit(record(d2019_10_25="ok", d2019_10_24="ok"))
    assert ledger.path("noaa18", 248).read_bytes() == before


def test_block_without_a_record_is_none(ledger: BlockLedger) -> None:
    assert ledger.read("noaa18", 248) is None
    assert list(ledger.done()) == []


@pytest.mark.parametrize("content", [b"", b'{"state": "done"', b"\xff\xfe\x00", b"not json"])
def test_damaged_record_is_refused_with_its_path_and_a_remedy(ledger: BlockLedger, content: bytes) -> None:
    path = ledger.path("noaa18", 248)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"is damaged .*; delete it to have the block done again") as error:
        ledger.read("noaa18", 248)
    assert str(path) in str(error.value)
    with pytest.raises(LedgerError, match=r"0248\.json is damaged"):
        list(ledger.done())


def test_done_blocks_come_by_satellite_and_block(ledger: BlockLedger) -> None:
    keys = [("noaa18", 250), ("metop01", 248), ("noaa18", 9), ("noaa18", 248)]
    for satellite, block in keys:
        ledger.commit(record(satellite, block))
    assert [(r["satellite"], r["block"]) for r in ledger.done()] == sorted(keys)


def test_beginning_withdraws_the_claim_and_drops_the_days_that_change(ledger: BlockLedger) -> None:
    ledger.commit(record(d2019_10_24="ok", d2019_10_25="ok"))
    ledger.commit(record(block=249))
    ledger.begin("noaa18", 248, ["2019-10-25", "2019-10-20"])
    withdrawn = ledger.read("noaa18", 248)
    assert withdrawn is not None
    assert withdrawn["state"] == "writing"
    assert set(withdrawn["days"]) == {"2019-10-24"}
    assert [r["block"] for r in ledger.done()] == [249]


def test_beginning_takes_the_changing_days_from_any_iterable(ledger: BlockLedger) -> None:
    ledger.commit(record(d2019_10_24="ok", d2019_10_25="ok"))
    ledger.begin("noaa18", 248, iter(["2019-10-25"]))
    withdrawn = ledger.read("noaa18", 248)
    assert withdrawn is not None
    assert set(withdrawn["days"]) == {"2019-10-24"}


def test_beginning_without_changing_days_keeps_them_all(ledger: BlockLedger) -> None:
    ledger.commit(record(d2019_10_24="ok"))
    ledger.begin("noaa18", 248)
    withdrawn = ledger.read("noaa18", 248)
    assert withdrawn == record(d2019_10_24="ok") | {"state": "writing"}


def test_beginning_twice_is_beginning_once(ledger: BlockLedger) -> None:
    ledger.commit(record(d2019_10_24="ok", d2019_10_25="ok"))
    ledger.begin("noaa18", 248, ["2019-10-25"])
    once = ledger.read("noaa18", 248)
    ledger.begin("noaa18", 248, ["2019-10-25"])
    assert ledger.read("noaa18", 248) == once


def test_beginning_a_new_block_writes_nothing(ledger: BlockLedger) -> None:
    ledger.begin("noaa18", 248, ["2019-10-24"])
    assert not ledger.root.exists()


def test_crash_on_the_way_to_the_record_keeps_the_block_undone(
    ledger: BlockLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.commit(record(d2019_10_24="ok"))
    ledger.begin("noaa18", 248, ["2019-10-24"])
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", crash)
        with pytest.raises(OSError, match="killed"):
            ledger.commit(record(d2019_10_24="ok"))
    assert list(ledger.done()) == []
    ledger.commit(record(d2019_10_24="ok"))
    assert len(list(ledger.done())) == 1
    assert [p.name for p in (ledger.root / "noaa18").iterdir()] == ["0248.json"]


def test_failure_is_noted_with_its_reason_and_goes_when_the_block_is_done(ledger: BlockLedger) -> None:
    ledger.fail("noaa18", 248, "OSError: no space left", "Traceback\n  line 1\n")
    ledger.fail("metop01", 9, "MemoryError: ", "")
    assert ledger.failures() == {("metop01", 9): "MemoryError: ", ("noaa18", 248): "OSError: no space left"}
    assert "line 1" in (ledger.root / "noaa18" / "0248.failed").read_text()
    ledger.commit(record(block=249))
    assert ("noaa18", 248) in ledger.failures()
    ledger.commit(record())
    assert ledger.failures() == {("metop01", 9): "MemoryError: "}


def test_failure_does_not_withdraw_an_older_record(ledger: BlockLedger) -> None:
    ledger.commit(record(d2019_10_24="ok"))
    ledger.fail("noaa18", 248, "reason", "")
    assert len(list(ledger.done())) == 1


def granule(satellite: str = "noaa18", day: int = 7966, **changes: Any) -> Granule:
    return dataclasses.replace(Granule(satellite, day, "file:///a.nc", 10, "1.5"), **changes)


def test_catalog_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert read_asked(tmp_path / "catalog.csv") == []


@pytest.mark.parametrize("url", ["file:///a,b.nc", 'file:///a"b.nc', "file:///ü ö.nc", "https://x/y?z=1,2"])
def test_catalog_reads_back_what_was_merged(tmp_path: Path, url: str) -> None:
    granules = [granule("metop01"), granule(url=url, version="W/etag,1")]
    assert merge_asked(tmp_path / "catalog.csv", granules) == granules
    assert read_asked(tmp_path / "catalog.csv") == granules


def test_merging_adds_days_and_takes_the_newest_source(tmp_path: Path) -> None:
    path = tmp_path / "ledger" / "catalog.csv"
    merge_asked(path, [granule(), granule(day=7967)])
    newer = granule(size=20, version="2.5")
    assert merge_asked(path, [newer, granule("metop01")]) == [
        granule("metop01"),
        newer,
        granule(day=7967),
    ]


def test_merging_nothing_keeps_the_catalog(tmp_path: Path) -> None:
    path = tmp_path / "catalog.csv"
    merge_asked(path, [granule()])
    before = path.read_bytes()
    assert merge_asked(path, []) == [granule()]
    assert path.read_bytes() == before


def test_vanished_days_are_noted_until_they_are_back(tmp_path: Path) -> None:
    path = tmp_path / "vanished.csv"
    known = [granule(), granule(day=7967)]
    assert note_vanished(path, known, Listing(known, [])) == []
    assert not path.exists()
    assert note_vanished(path, known, Listing(known[:1], [])) == known[1:]
    assert read_asked(path) == known[1:]
    assert note_vanished(path, known, Listing(known, [])) == []
    assert not path.exists()


def test_listing_leaves_what_it_does_not_cover_as_noted(tmp_path: Path) -> None:
    path = tmp_path / "vanished.csv"
    known = [granule("metop01"), granule(), granule(day=7967)]
    note_vanished(path, known, Listing([], []))
    only = Selection(frozenset({"noaa18"}))
    assert note_vanished(path, known, Listing([known[1]], [], "", only)) == [known[2]]
    assert read_asked(path) == [known[0], known[2]]
    moved = granule("metop01", url="s3://bucket/a.nc")
    assert note_vanished(path, known, Listing([moved], [], "s3://bucket")) == []
    assert read_asked(path) == [known[2]]


def test_order_of_merging_does_not_matter(tmp_path: Path) -> None:
    granules = [granule(), granule(day=7967), granule("metop01")]
    merge_asked(tmp_path / "a.csv", granules)
    for g in reversed(granules):
        merge_asked(tmp_path / "b.csv", iter([g]))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_record_file_is_plain_json(ledger: BlockLedger) -> None:
    ledger.commit(record(d2019_10_24="ok"))
    assert json.loads(ledger.path("noaa18", 248).read_text())["state"] == "done"


def add_days(path: Path, first: int) -> None:
    """Ask for some days one by one, as processes do that start at once with different selections."""
    for day in range(first, first + 8):
        merge_asked(path, [Granule("noaa18", day, f"file:///{day}.nc", 1, "1")])


def try_claim(root: Path, model: int) -> str:
    try:
        Run(root).claim({"model": model})
    except LedgerError:
        return "refused"
    return "claimed"


def test_processes_that_add_days_at_once_lose_none(tmp_path: Path) -> None:
    path = tmp_path / "ledger" / "catalog.csv"
    with ProcessPoolExecutor(4, get_context("spawn")) as pool:
        list(pool.map(add_days, [path] * 8, range(0, 64, 8)))
    assert [g.day for g in read_asked(path)] == list(range(64))
    assert list(path.parent.iterdir()) == [path]


def test_of_processes_that_create_a_run_at_once_one_decides(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, get_context("spawn")) as pool:
        outcomes = list(pool.map(try_claim, [tmp_path / "run"] * 12, range(12)))
    assert outcomes.count("claimed") == 1
    chosen = (Run(tmp_path / "run").read_identity() or {})["model"]
    assert outcomes[chosen] == "claimed"


def note(root: Path, number: int) -> None:
    Run(root).describe({f"fact {number}": number})


def test_processes_that_describe_a_run_at_once_lose_nothing(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, get_context("spawn")) as pool:
        list(pool.map(note, [tmp_path / "run"] * 24, range(24)))
    assert Run(tmp_path / "run").read_identity() == {f"fact {k}": k for k in range(24)}


def test_a_list_that_holds_the_days_already_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalog.csv"
    add_days(path, 0)
    before = path.stat()
    add_days(path, 0)
    assert os.path.samestat(before, path.stat())


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    (tmp_path / "x.lock").write_bytes(b"")  # what it leaves behind
    with locked(tmp_path / "x"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_its_holder_removed_is_not_taken_for_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, waits = fcntl.lockf, []

    def lockf(file: int, operation: int) -> None:
        if not waits:
            (tmp_path / "x.lock").unlink()  # while we waited
        waits.append(file)
        real(file, operation)

    monkeypatch.setattr(module.fcntl, "lockf", lockf)
    with locked(tmp_path / "x"):
        assert len(waits) == 2
        assert (tmp_path / "x.lock").exists()


def test_a_file_system_without_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lockf(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(module.fcntl, "lockf", lockf)
    with pytest.raises(LedgerError, match=r"offers no locks .*No locks available"):
        merge_asked(tmp_path / "catalog.csv", [Granule("noaa18", 1, "file:///1.nc", 1, "1")])


def test_a_note_that_another_process_takes_away_is_no_failure(
    ledger: BlockLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.fail("noaa18", 1, "first", "")
    ledger.fail("noaa18", 2, "second", "")
    real = Path.read_text

    def read_text(path: Path) -> str:
        if path.stem == "0001":
            path.unlink()
        return real(path)

    monkeypatch.setattr(Path, "read_text", read_text)
    assert ledger.failures() == {("noaa18", 2): "second"}
