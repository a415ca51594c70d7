"""A command reads each receipt once, and again only what its own blocks replaced."""

from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from reprocess.classifier.bundle import Bundle
from reprocess.cli import main
from reprocess.work import ledger as module
from reprocess.work.ledger import BlockLedger


@pytest.mark.usefixtures("unrendered")
def test_a_run_reads_its_ledgers_once(
    fake_archive: Path, random_model: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "w"
    words = ["run", str(fake_archive), str(work), "--model", "random", "--partition", "1/1"]
    original, opened = BlockLedger.read, Counter[Path]()

    def read(self: BlockLedger, satellite: str, block: int) -> object:
        opened[self.path(satellite, block)] += 1
        return original(self, satellite, block)

    monkeypatch.setattr(BlockLedger, "read", read)
    assert CliRunner().invoke(main, words).exit_code == 0
    receipts = {*work.glob("ledger/ingest/*/*.json"), *work.glob("runs/*/ledger/*/*.json")}
    assert len(receipts) == 6
    # Besides the scan, a block looks at its own receipt before it begins and detection at what was ingested.
    assert receipts == opened.keys()
    assert max(opened.values()) <= 4
    assert CliRunner().invoke(main, ["map", str(work)]).exit_code == 0  # a share leaves the sums to it
    for command in (words, ["status", str(work)], ["report", str(work)]):
        module._known.clear()  # as a new process
        opened.clear()
        assert CliRunner().invoke(main, command).exit_code == 0
        assert opened == dict.fromkeys(receipts, 1), command
