"""Events kept for the page: the same as from the parts, whatever became of the file."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from reprocess.classifier.bundle import Bundle
from reprocess.errors import LedgerError
from reprocess.files import sha256
from reprocess.report import gathered
from reprocess.report.gathered import gather_events
from reprocess.work.parts import part_path, read_event_columns
from reprocess.work.paths import Run
from tests.report.test_page import build

NAMES = ("event_class", "date", "start_time", "latitude", "quality_flags", "source_sha256")

pytestmark = pytest.mark.usefixtures("short_record_axis")


@pytest.fixture(scope="module")
def made(fake_archive: Path, random_model: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return build(tmp_path_factory.mktemp("made"), fake_archive, random_model)[1]


@pytest.fixture
def run(made: Run) -> Run:
    made.gathered.unlink(missing_ok=True)
    return made


def test_events_are_those_of_the_parts_and_no_part_is_read_twice(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts = list(run.ledger.done())
    expected = read_event_columns(run, receipts, NAMES)
    assert len(expected) > 10
    some = gather_events(run, receipts[1:], NAMES)
    pd.testing.assert_frame_equal(some, read_event_columns(run, receipts[1:], NAMES))
    read: list[int] = []
    whole = gathered.columns_of_part
    monkeypatch.setattr(
        gathered, "columns_of_part", lambda run, r, names: read.append(r["block"]) or whole(run, r, names)
    )
    pd.testing.assert_frame_equal(gather_events(run, receipts, NAMES), expected)
    pd.testing.assert_frame_equal(gather_events(run, receipts, NAMES), expected)
    assert read == [receipts[0]["block"]]
    kept = run.gathered.read_bytes()
    run.gathered.unlink()
    gather_events(run, receipts, NAMES)
    assert run.gathered.read_bytes() == kept, "made at once or bit by bit"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:0],
        lambda data: data[:-1],
        lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:],
        lambda data: data[: data.index(b"gathered")] + b"x" + data[data.index(b"gathered") + 1 :],
        lambda data: b"PAR1" + data[4:-64].replace(b"noaa18", b"noaa19") + data[-64:],
    ],
)
def test_a_damaged_file_is_made_again(run: Run, damage: Callable[[bytes], bytes]) -> None:
    receipts = list(run.ledger.done())
    expected = gather_events(run, receipts, NAMES)
    sound = run.gathered.read_bytes()
    run.gathered.write_bytes(damage(sound))
    pd.testing.assert_frame_equal(gather_events(run, receipts, NAMES), expected)
    assert run.gathered.read_bytes() == sound


def test_other_columns_another_version_and_other_parts_are_read_anew(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts = list(run.ledger.done())
    gather_events(run, receipts, NAMES)
    assert list(gather_events(run, receipts, NAMES[:2])) == [*NAMES[:2], "satellite"]
    before = run.gathered.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(gathered, "__version__", "1.2.3")
        gather_events(run, receipts, NAMES[:2])
        assert run.gathered.read_bytes() != before
    other = receipts[0].copy()
    other["outputs"] = {**other["outputs"], "events": sha256(b"another part")}
    with pytest.raises(LedgerError, match="has sha256"):
        gather_events(run, [other, *receipts[1:]], NAMES[:2])


def test_a_part_that_is_gone_is_told_though_its_events_are_kept(run: Run) -> None:
    receipts = list(run.ledger.done())
    gather_events(run, receipts, NAMES)
    path = part_path(run.events, receipts[0]["satellite"], receipts[0]["block"])
    part = path.read_bytes()
    path.unlink()
    try:
        with pytest.raises(LedgerError, match="is missing although its block is done"):
            gather_events(run, receipts, NAMES)
    finally:
        path.write_bytes(part)
