"""What is kept of blocks gives the same maps as their parts, and nothing that their parts no longer give."""

import io
import json
import zipfile
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from reprocess.errors import LedgerError
from reprocess.maps import sums
from reprocess.maps.exposure import daily
from reprocess.maps.occurrence import count_events
from reprocess.maps.sums import block_counts, compare_sums, count, keep_sums, read_sums
from reprocess.maps.tally import Tally, tally
from reprocess.schema import EVENT_FLAGS
from reprocess.work.choice import Choice
from reprocess.work.parts import part_path, read_events
from reprocess.work.paths import Run
from tests.maps.test_occurrence import MAP, write_block

Receipts = list[dict]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path / "runs" / "demo")
    run.root.mkdir(parents=True)
    return run


@pytest.fixture
def receipts(run: Run) -> Receipts:
    """Two satellites, over three calendar blocks; an event is on no map."""
    day = [(2.5, 3, 100, 10, 0), (2.5, 7, 10, 0, 5), (-5.0, 3, 50, 0, 0), (9.0, 3, 5, 0, 0)]
    events = [
        ("REP", 2.5, 3, 60, 0),
        ("CSS", 2.5, 7, 60, 0, "2019-11-20"),
        ("REP", 2.5, 3, 60, EVENT_FLAGS["L_interpolated"]),
    ]
    return [
        write_block(run, [day] * 4, events, "metop01", step=20),
        write_block(run, [day] * 2, events[:1], "noaa18"),
    ]


def equal(a: Tally, b: Tally) -> bool:
    """Tell whether two tallies are the same, to the type of their numbers."""
    pairs = [(getattr(a, f.name), getattr(b, f.name)) for f in fields(Tally)]
    return all(np.array_equal(x, y) and getattr(x, "dtype", 0) == getattr(y, "dtype", 0) for x, y in pairs)


def uncounted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note which blocks are counted from their parts from now on."""
    counted: list[str] = []

    def noted(run: Run, receipts: Receipts, *rest: object) -> Tally:
        counted.extend(r["satellite"] for r in receipts)
        return tally(run, receipts, *rest)

    monkeypatch.setattr(sums, "tally", noted)
    return counted


def test_kept_sums_give_what_the_parts_give_and_no_part_is_read(run, receipts, monkeypatch):
    whole = tally(run, receipts, MAP)
    assert whole.events.sum() == 3
    assert whole.off_map == 1
    assert equal(count(run, receipts, MAP), whole), "nothing is kept yet"
    keep_sums(run, receipts, MAP)
    counted = uncounted(monkeypatch)
    assert equal(count(run, receipts, MAP), whole)
    of_one = Choice(satellites=("noaa18",))
    assert equal(count(run, receipts[1:], MAP, of_one), tally(run, receipts[1:], MAP, of_one))
    keep_sums(run, receipts, MAP)
    assert counted == []
    less = Choice(exclude=("SAA",))
    assert equal(count(run, receipts, MAP, less), tally(run, receipts, MAP, less))


def test_a_block_that_changed_is_counted_anew_and_it_alone(run, receipts, monkeypatch):
    keep_sums(run, receipts, MAP)
    before = run.sums.read_bytes()
    changed = [receipts[0], write_block(run, [[(2.5, 3, 777, 70, 0)]], (), "noaa18")]
    counted = uncounted(monkeypatch)
    assert equal(count(run, changed, MAP), tally(run, changed, MAP))
    assert counted == ["noaa18"]
    keep_sums(run, changed, MAP)
    assert counted == ["noaa18"] * 2
    after = run.sums.read_bytes()
    assert after != before
    assert equal(count(run, changed, MAP), tally(run, changed, MAP))
    assert len(read_sums(run, MAP)) == 2, "what is no block's any longer goes"
    run.sums.unlink()
    keep_sums(run, changed[::-1], MAP)
    assert run.sums.read_bytes() == after, "the file does not depend on how it came about"


def test_days_without_anything_count_as_blocks_observed(run, receipts):
    keep_sums(run, receipts, MAP)
    more = [receipts[0] | {"days": receipts[0]["days"] | {"2021-01-01": {}}}, receipts[1]]
    assert equal(count(run, more, MAP), tally(run, more, MAP))


def test_other_bins_take_nothing_of_what_is_kept(run, receipts):
    keep_sums(run, receipts, MAP)
    wider = replace(MAP, L_edges=np.array([2.0, 4.0, 10.0]))
    assert read_sums(run, wider) == {}
    assert equal(count(run, receipts, wider), tally(run, receipts, wider))


def other_numbers(data: bytes) -> bytes:
    """Return a sound npz file with other numbers under the same keys."""
    with np.load(io.BytesIO(data)) as file:
        of, counts = file["of"], file["counts"]
    changed = io.BytesIO()
    np.savez(changed, of=of, counts=counts + 1)
    return changed.getvalue()


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b[:0],
        lambda b: b[:1],
        lambda b: b[:-40],
        lambda b: b[: len(b) // 2],
        lambda b: b"PK" + b[9:],
        lambda b: b + b"\n",
        lambda b: b[:-1] + b"x",
        lambda b: b"".join([b[: len(b) // 2], bytes([b[len(b) // 2] ^ 1]), b[len(b) // 2 + 1 :]]),
        other_numbers,
        lambda b: other_numbers(b) + b[-64:],
    ],
)
def test_a_damaged_file_counts_as_none_and_is_made_again(run, receipts, damage):
    keep_sums(run, receipts, MAP)
    sound = run.sums.read_bytes()
    run.sums.write_bytes(damage(sound))
    assert run.sums.read_bytes() != sound
    assert read_sums(run, MAP) == {}
    assert equal(count(run, receipts, MAP), tally(run, receipts, MAP))
    with pytest.raises(ValueError, match="the sha256 at its end is not that of what is before it"):
        compare_sums(run, receipts)
    keep_sums(run, receipts, MAP)
    assert run.sums.read_bytes() == sound


def test_other_programs_read_the_file(run, receipts):
    keep_sums(run, receipts, MAP)
    with zipfile.ZipFile(run.sums) as archive:
        assert archive.testzip() is None
        assert archive.comment == run.sums.read_bytes()[-64:]
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}, "no time of writing"
    with np.load(run.sums) as file:
        assert file["counts"].shape == (4, 5, MAP.shape[0] * MAP.shape[1])


def test_sums_of_another_version_are_made_again_and_no_fault(run, receipts, monkeypatch):
    monkeypatch.setattr(sums, "__version__", "0.0.1")
    keep_sums(run, receipts, MAP)
    old = run.sums.read_bytes()
    monkeypatch.undo()
    assert read_sums(run, MAP) == {}
    assert compare_sums(run, receipts) == []
    assert equal(count(run, receipts, MAP), tally(run, receipts, MAP))
    keep_sums(run, receipts, MAP)
    assert run.sums.read_bytes() != old
    assert len(read_sums(run, MAP)) == 2


def test_a_run_without_a_day_keeps_nothing(run, receipts):
    keep_sums(run, [receipts[0] | {"days": {}}], MAP)
    assert not run.sums.exists()


def test_what_is_kept_does_not_hide_a_part_that_is_gone(run, receipts):
    keep_sums(run, receipts, MAP)
    part_path(run.dwell, "noaa18", 247).unlink()
    with pytest.raises(LedgerError, match=r"block-0247\.parquet is missing although its block is done"):
        count(run, receipts, MAP)


def test_an_audit_counts_again_what_is_kept(run, receipts):
    keep_sums(run, receipts, MAP)
    assert compare_sums(run, receipts) == []
    kept = read_sums(run, MAP)
    key = next(key for key in kept if key.startswith("noaa18"))
    wrong = kept | {key: replace(kept[key], counts=kept[key].counts + 1)}
    run.sums.write_bytes(sums._packed(wrong, MAP))
    ((expected, found),) = compare_sums(run, receipts)
    assert expected == "640 s and 1 event in calendar blocks 294 of noaa18 block 247"
    assert found != expected
    other = json.loads(json.dumps(receipts))
    other[1]["outputs"]["dwell"] = "0" * 64
    assert compare_sums(run, other) == [], "sums of other parts are of no block that there is"


def test_a_block_gives_what_its_parts_count_kept_or_not(run, receipts):
    keep_sums(run, receipts, MAP)
    kept = read_sums(run, MAP)
    for receipt in receipts:
        events, _ = count_events(read_events(run, [receipt]), MAP)
        for known in (kept, {}):
            counts, dwell = block_counts(run, receipt, MAP, known)
            assert counts.tolist() == events.reshape(len(events), -1).tolist()
            assert dwell.tolist() == daily(run, [receipt], MAP)["dwell"].sum(axis=0).ravel().tolist()
    part_path(run.dwell, receipts[0]["satellite"], receipts[0]["block"]).unlink()
    block_counts(run, receipts[0], MAP, kept)  # reads no part
    with pytest.raises(LedgerError, match="is missing although its block is done"):
        block_counts(run, receipts[0], MAP, {})
