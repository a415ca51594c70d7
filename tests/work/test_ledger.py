"""Receipts and the list of what was asked for: atomic, withdrawn before data change."""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from reprocess.errors import LedgerError
from reprocess.work.ledger import BlockLedger
from reprocess.work.paths import Run


def record(satellite: str = "noaa18", block: int = 248, **days: str) -> dict[str, Any]:
    entries = {
        date.replace("_", "-").removeprefix("d"): {"status": s, "source": {}} for date, s in days.items()
    }
    return {"stage": "ingest", "satellite": satellite, "block": block, "days": entries, "outputs": {}}


@pytest.fixture
def ledger(tmp_path: Path) -> BlockLedger:
    return BlockLedger(tmp_path / "ledger")


def crash(*_: object) -> None:
    raise OSError("killed")


def test_withdrawn_block_claims_nothing(tmp_path: Path) -> None:
    ledger = BlockLedger(tmp_path)
    ledger.commit({"satellite": "noaa18", "block": 3, "days": {}, "outputs": {}})
    ledger.withdraw("noaa18", 3)
    assert ledger.read("noaa18", 3) is None
    ledger.withdraw("noaa18", 3)


def test_committed_record_reads_back_as_done(ledger: BlockLedger) -> None:
    ledger.commit(record(d2019_10_24="ok"))
    assert ledger.read("noaa18", 248) == record(d2019_10_24="ok") | {"state": "done"}
    assert ledger.path("noaa18", 248) == ledger.root / "noaa18" / "0248.json"


def test_same_record_is_the_same_bytes(ledger: BlockLedger) -> None:
    ledger.commit(record(d2019_10_24="ok", d2019_10_25="ok"))
    before = ledger.path("noaa18", 248).read_bytes()
    ledger.commit(record(d2019_10_25="ok", d2019_10_24="ok"))
    assert ledger.path("noaa18", 248).read_bytes() == before


def test_what_a_record_says_is_read_to_the_last_digit_and_byte(ledger: BlockLedger) -> None:
    told = record() | {"numbers": [0.1 + 0.2, 5e-324, 2**63], "url": os.fsdecode(b"file:///poes_\xff.nc")}
    ledger.commit(told)
    assert ledger.read("noaa18", 248) == told | {"state": "done"}
    assert os.fsencode(told["url"]).endswith(b"\xff.nc")


def test_block_without_a_receipt_is_none(ledger: BlockLedger) -> None:
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


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ([], "it holds a list, not a receipt"),
        ({"satellite": "noaa18", "block": 248, "state": "done"}, "it has no days, outputs"),
        (record(block=249) | {"state": "done"}, "it is the receipt of noaa18 block 249"),
        (
            record() | {"state": "done", "days": {"2019-10-24": {}}},
            "it does not tell the source of each of its days",
        ),
        (record() | {"state": "done", "days": []}, "it does not tell the source of each of its days"),
    ],
)
def test_json_that_is_not_the_blocks_receipt_is_refused(
    ledger: BlockLedger, content: object, wrong: str
) -> None:
    path = ledger.path("noaa18", 248)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content))
    with pytest.raises(LedgerError) as error:
        list(ledger.done())
    assert str(error.value) == f"{path} is damaged ({wrong}); delete it to have the block done again"


def test_a_block_that_is_needed_and_not_done_is_named_with_the_remedy(ledger: BlockLedger) -> None:
    told = r"0248\.json does not say that the block is done; give the same reprocess run"
    with pytest.raises(LedgerError, match=told):
        ledger.require("noaa18", 248)
    ledger.commit(record())
    assert ledger.require("noaa18", 248) == record() | {"state": "done"}
    ledger.begin("noaa18", 248)
    with pytest.raises(LedgerError, match=told):
        ledger.require("noaa18", 248)


@pytest.mark.parametrize("name", ["0248 (copy).json", "0248.sync-conflict.json", "notes.failed"])
def test_copies_beside_a_receipt_claim_nothing(ledger: BlockLedger, name: str) -> None:
    ledger.commit(record())
    path = ledger.path("noaa18", 248)
    path.with_name(name).write_bytes(path.read_bytes())
    assert [r["block"] for r in ledger.done()] == [248]
    assert ledger.failures() == {}


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
    assert "line 1" in (ledger.root / "noaa18" / "0248.failed").read_text(encoding="utf-8")
    ledger.commit(record(block=249))
    assert ("noaa18", 248) in ledger.failures()
    ledger.commit(record())
    assert ledger.failures() == {("metop01", 9): "MemoryError: "}


def test_failure_does_not_withdraw_an_older_record(ledger: BlockLedger) -> None:
    ledger.commit(record(d2019_10_24="ok"))
    ledger.fail("noaa18", 248, "reason", "")
    assert len(list(ledger.done())) == 1


def test_record_file_is_plain_json(ledger: BlockLedger) -> None:
    ledger.commit(record(d2019_10_24="ok"))
    assert json.loads(ledger.path("noaa18", 248).read_bytes())["state"] == "done"


def try_claim(root: Path, model: int) -> str:
    try:
        Run(root).claim({"model": model})
    except LedgerError:
        return "refused"
    return "claimed"


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


def test_a_note_that_another_process_takes_away_is_no_failure(
    ledger: BlockLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.fail("noaa18", 1, "first", "")
    ledger.fail("noaa18", 2, "second", "")
    real = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path.stem == "0001":
            path.unlink()
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert ledger.failures() == {("noaa18", 2): "second"}


def test_a_receipt_that_is_forgotten_is_read_again_though_its_file_looks_the_same(
    ledger: BlockLedger,
) -> None:
    """As a network file system shows it: what another machine has replaced seems to be there still."""
    ledger.commit(record(d2019_10_24="ok"))
    ledger.commit(record(block=249, d2019_10_24="ok"))
    assert len(list(ledger.done())) == 2
    for block in (248, 249):
        path = ledger.path("noaa18", block)
        before = path.stat()
        path.write_text(path.read_text().replace("2019-10-24", "2019-10-25"))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    ledger.forget([("noaa18", 248), ("noaa18", 250)])
    assert [list(r["days"]) for r in ledger.done()] == [["2019-10-25"], ["2019-10-24"]]


def test_a_receipt_is_read_again_only_when_it_was_replaced(
    ledger: BlockLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for block in (1, 2):
        ledger.commit(record(block=block, d2019_10_24="ok"))
    read: list[int] = []
    whole = BlockLedger.read

    def counted(self: BlockLedger, satellite: str, block: int) -> Any:
        read.append(block)
        return whole(self, satellite, block)

    monkeypatch.setattr(BlockLedger, "read", counted)
    first = list(ledger.done())
    assert list(BlockLedger(ledger.root).done()) == first
    assert read == [1, 2]
    ledger.begin("noaa18", 2)
    assert [r["block"] for r in ledger.done()] == [1]
    read.clear()
    ledger.commit(record(block=2, d2019_10_25="ok"))
    assert [list(r["days"]) for r in ledger.done()] == [["2019-10-24"], ["2019-10-25"]]
    assert read == [2]
    ledger.withdraw("noaa18", 1)
    assert [r["block"] for r in ledger.done()] == [2]
