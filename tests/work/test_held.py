"""What a run's days are held against: their files, their neighbours and the background of their month."""

from typing import Any

import pytest

from reprocess.work.held import Held, held_near
from reprocess.work.ledger import BlockLedger
from reprocess.work.receipts import ClassifiedDay, DayEntry, IngestReceipt


def day(digest: str, status: str = "ok", counts: int = 500) -> DayEntry:
    entry: dict[str, Any] = {"source": {"sha256": digest}, "status": status, "records": 9}
    return {**entry, "polar_e4": {"records": 1000, "counts": counts}}  # type: ignore[typeddict-item]


DAYS = {
    ("noaa18", "2019-10-24"): day("aa"),
    ("noaa18", "2019-10-25"): day("bb"),
    ("noaa18", "2019-10-26"): day("cc", "quarantined"),
    ("noaa19", "2019-10-24"): day("dd", counts=900),
}
DONE: ClassifiedDay = {
    "source_sha256": "aa",
    "neighbours": {"2019-10-23": None, "2019-10-25": "bb"},
    "background": {"2019-10": 0.5, "2019-11": 0.5},
}


def test_a_day_is_as_it_was_classified() -> None:
    held = Held(DAYS)
    for done in (DONE, {"source_sha256": "aa"}):
        assert held.changes("noaa18", "2019-10-24", done) == []  # type: ignore[arg-type]
        assert held.is_same("noaa18", "2019-10-24", done)  # type: ignore[arg-type]
    assert held.background("noaa19", "2019-10") == 0.9
    assert held.sha256("noaa18", "2019-10-26") is None


@pytest.mark.parametrize(
    ("change", "now", "then"),
    [
        ({"source_sha256": "a0"}, "source aa", "source a0 on 2019-10-24"),
        ({"neighbours": {"2019-10-25": "b0"}}, "source bb", "source b0 on 2019-10-25"),
        ({"neighbours": {"2019-10-25": None}}, "source bb", "nothing on 2019-10-25"),
        ({"neighbours": {"2019-10-26": "cc"}}, "nothing", "source cc on 2019-10-26"),
        ({"background": {"2019-10": 0.45}}, "background 0.5", "background 0.45 in 2019-10, on 2019-10-24"),
    ],
)
def test_what_has_changed_is_told(change: dict[str, Any], now: str, then: str) -> None:
    done: ClassifiedDay = {**DONE, **change}  # type: ignore[typeddict-item]
    assert Held(DAYS).changes("noaa18", "2019-10-24", done) == [(now, then)]
    assert not Held(DAYS).is_same("noaa18", "2019-10-24", done)


def test_a_day_that_was_never_classified_or_has_left_the_archive_has_changed() -> None:
    assert Held(DAYS).changes("noaa18", "2019-10-24", None)
    assert not Held(DAYS).is_same("noaa18", "2019-10-24", None)
    assert Held({}).changes("noaa18", "2019-10-24", {"source_sha256": "aa"})
    assert not Held({}).is_same("noaa18", "2019-10-24", {"source_sha256": "aa"})


def test_blocks_nearby_are_held_unless_their_receipt_is_damaged_or_not_done(tmp_path: Any) -> None:
    ledger: BlockLedger[IngestReceipt] = BlockLedger(tmp_path)
    for block, date in ((247, "2019-09-20"), (248, "2019-10-24"), (249, "2019-10-30"), (251, "2020-01-01")):
        receipt: Any = {"satellite": "noaa18", "block": block, "days": {date: day("aa")}, "outputs": {}}
        ledger.commit(receipt)
    ledger.path("noaa18", 249).write_text("{")
    ledger.begin("noaa18", 247)
    assert set(held_near(ledger, "noaa18", range(246, 251)).days) == {("noaa18", "2019-10-24")}
