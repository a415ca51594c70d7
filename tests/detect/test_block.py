"""One block in, one record out: ingesting and classifying 32 days, and doing it again."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from reprocess import __version__, schema
from reprocess.classifier.bundle import Bundle
from reprocess.classifier.engine import DEFAULT_ENGINE, get_engine
from reprocess.classifier.features import scale_flux, windows
from reprocess.detect.block import detect_block
from reprocess.detect.plan import DetectPlan, Settings
from reprocess.detect.properties import Day, describe
from reprocess.detect.rules.published import MODES, postprocess
from reprocess.detect.stage import plan_detect
from reprocess.errors import LedgerError, ModelError, StoreError
from reprocess.files import sha256
from reprocess.ingest.block import ingest_block
from reprocess.ingest.plan import IngestPlan
from reprocess.ingest.reading import Records, read_records
from reprocess.ingest.stage import plan_ingest
from reprocess.schema import CLASS_ARRAYS
from reprocess.schema.granules import Granule
from reprocess.schema.grid import FINE
from reprocess.sources.entry import TRIES
from reprocess.sources.listing import list_archive
from reprocess.work.layout import create_store
from reprocess.work.parts import part_path
from reprocess.work.paths import Work
from reprocess.work.receipts import IngestReceipt
from reprocess.work.store import SatelliteStore, open_classes, open_records
from tests.support.command import tree
from tests.support.fake import granule_path, variables, write_granule
from tests.support.web import Fault, NoaaServer

SATELLITE, BLOCK = "noaa18", 248
SPAN = schema.block_days(BLOCK)
LENGTHS = {"2019-10-20": 1, "2019-10-21": 7, "2019-10-22": 8, "2019-10-24": 400, "2019-10-25": 700}
"""Records of the days of the fake block; the last two have events."""


pytestmark = pytest.mark.usefixtures("short_record_axis")


def index(date: str) -> int:
    return schema.day_index(date)


def write_day(archive: Path, date: str, n: int, seed: int = 0) -> Path:
    content = variables(SATELLITE, date, n=max(n, 20), seed=seed)
    return write_granule(
        granule_path(archive, SATELLITE, date), {name: values[:n] for name, values in content.items()}
    )


def granules(archive: Path | str, *dates: str) -> tuple[Granule, ...]:
    found = list_archive(str(archive)).granules
    return tuple(g for g in found if not dates or g.date.isoformat() in dates)


def new_work(root: Path) -> Work:
    work = Work(root)
    create_store(work.archive, [SATELLITE], schema.ARCHIVE_ARRAYS, "test")
    return work


def ingest(work: Work, archive: Path | str, *dates: str) -> IngestReceipt:
    return ingest_block(IngestPlan(work.root, SATELLITE, BLOCK, granules(archive, *dates)))


def stored(work: Work) -> dict[str, np.ndarray]:
    store = open_records(work, SATELLITE)
    return {name: store.read(name, SPAN.start, SPAN.stop) for name in schema.ARCHIVE_ARRAYS}


def stored_days(work: Work) -> dict[str, list[bytes]]:
    arrays = stored(work).values()
    return {date: [rows[index(date) - SPAN.start].tobytes() for rows in arrays] for date in LENGTHS}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = tmp_path_factory.mktemp("source")
    for date, n in LENGTHS.items():
        write_day(archive, date, n)
    return archive


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Work, IngestReceipt]:
    """The block, ingested at once; tests leave it as it is, runs apart."""
    work = new_work(tmp_path_factory.mktemp("whole"))
    return work, ingest(work, source)


@pytest.fixture
def archive(source: Path, tmp_path: Path) -> Path:
    """A copy of the NOAA files that a test may change."""
    return shutil.copytree(source, tmp_path / "archive")


@pytest.fixture
def work(whole: tuple[Work, IngestReceipt], tmp_path: Path) -> Work:
    """A copy of the ingested block that a test may change."""
    return Work(shutil.copytree(whole[0].root, tmp_path / "work", ignore=shutil.ignore_patterns("runs")))


# --- ingest: what is written


def test_archive_holds_every_records_value_and_fill_elsewhere(
    whole: tuple[Work, IngestReceipt], source: Path
) -> None:
    found = stored(whole[0])
    expected = {
        spec.name: np.full((32, *spec.day_shape), spec.fill, spec.dtype) for spec in schema.RECORD_ARRAYS
    }
    for date, n in LENGTHS.items():
        data = granule_path(source, SATELLITE, date).read_bytes()
        for name, values in read_records(data, SATELLITE, index(date)).arrays.items():
            assert values.shape[-1] == n
            expected[name][index(date) - SPAN.start, ..., :n] = values
    for name, rows in expected.items():
        assert found[name].tobytes() == rows.tobytes(), name


def test_days_are_counted_and_identified(whole: tuple[Work, IngestReceipt], source: Path) -> None:
    found = stored(whole[0])
    for day in SPAN:
        date, i = schema.day_date(day).isoformat(), day - SPAN.start
        assert found["record_count"][i] == LENGTHS.get(date, -1)
        assert found["status"][i] == schema.STATUS["ok" if date in LENGTHS else "not_ingested"]
        digest = bytes(found["source_digest"][i]).hex()
        path = granule_path(source, SATELLITE, date)
        assert digest == (sha256(path.read_bytes()) if date in LENGTHS else "00" * 32)


def test_done_record_traces_every_day_to_its_file(whole: tuple[Work, IngestReceipt], source: Path) -> None:
    work, record = whole
    assert record["code_version"] == __version__
    assert (record["stage"], record["satellite"], record["block"]) == ("ingest", SATELLITE, BLOCK)
    assert record["days"].keys() == LENGTHS.keys()
    for granule in granules(source):
        entry = record["days"][granule.date.isoformat()]
        data = Path(granule.url.removeprefix("file://")).read_bytes()
        assert entry["source"] == granule.identity | {"sha256": sha256(data)}
        assert (entry["status"], entry["records"]) == ("ok", LENGTHS[granule.date.isoformat()])
        assert entry["in_file"] == entry["records"] + entry["outside_day"] + entry["duplicates"]
        assert entry["reordered"] is False
    assert work.ledger.read(SATELLITE, BLOCK) == record | {"state": "done"}


def test_done_record_has_the_digest_of_every_shard_on_disk(whole: tuple[Work, IngestReceipt]) -> None:
    work, record = whole
    store = open_records(work, SATELLITE)
    assert record["outputs"] == {
        name: sha256(store.shard_path(name, BLOCK).read_bytes()) for name in schema.ARCHIVE_ARRAYS
    }


def test_dropped_records_are_counted_in_the_done_record(tmp_path: Path) -> None:
    content = variables(SATELLITE, "2019-10-24")
    content["time"][0] -= 86_400_000
    content["time"][5:9] = content["time"][5]
    order = np.r_[200:400, 0:200]
    write_granule(
        granule_path(tmp_path / "a", SATELLITE, "2019-10-24"), {k: v[order] for k, v in content.items()}
    )
    work = new_work(tmp_path / "w")
    entry = ingest(work, tmp_path / "a")["days"]["2019-10-24"]
    assert [entry[k] for k in ("in_file", "records", "outside_day", "duplicates")] == [400, 396, 1, 3]
    assert entry["reordered"] is True
    assert stored(work)["record_count"][index("2019-10-24") - SPAN.start] == 396


def test_short_last_block_of_the_calendar_is_ingested(tmp_path: Path) -> None:
    write_day(tmp_path / "a", "2029-12-31", 30)
    work = new_work(tmp_path / "w")
    ingest_block(IngestPlan(work.root, SATELLITE, 365, granules(tmp_path / "a")))
    store = open_records(work, SATELLITE)
    assert store.read("record_count", 11680, 11688).tolist() == [-1] * 7 + [30]
    assert np.isfinite(store.read("MLT", 11687, 11688)[0, :30]).all()


# --- ingest: doing it again


def test_ingesting_again_gives_the_same_bytes(
    work: Work, source: Path, whole: tuple[Work, IngestReceipt]
) -> None:
    assert ingest(work, source) == whole[1]


def test_days_added_one_by_one_give_the_block_ingested_at_once(
    source: Path, tmp_path: Path, whole: tuple[Work, IngestReceipt]
) -> None:
    work = new_work(tmp_path)
    for date in ("2019-10-25", "2019-10-20", "2019-10-24"):
        partial = ingest(work, source, date)
    assert partial["outputs"] != whole[1]["outputs"]
    assert ingest(work, source, "2019-10-21", "2019-10-22") == whole[1]


def test_plan_without_new_files_keeps_every_day(work: Work, whole: tuple[Work, IngestReceipt]) -> None:
    assert ingest_block(IngestPlan(work.root, SATELLITE, BLOCK, ())) == whole[1]


@pytest.mark.parametrize("n", [100, 1000])
def test_changed_file_replaces_its_day_and_no_other(work: Work, archive: Path, n: int) -> None:
    date = "2019-10-24"
    before = stored_days(work)
    path = write_day(archive, date, n, seed=1)
    record = ingest(work, archive, date)
    expected = read_records(path.read_bytes(), SATELLITE, index(date)).arrays["MLT"]
    row = open_records(work, SATELLITE).read("MLT", index(date), index(date) + 1)[0]
    assert row[:n].tobytes() == expected.tobytes()
    assert np.isnan(row[n:]).all()
    assert record["days"][date]["records"] == n
    after = stored_days(work)
    assert after.pop(date) != before.pop(date)
    assert after == before


def test_day_whose_file_went_bad_becomes_empty(work: Work, archive: Path) -> None:
    path = granule_path(archive, SATELLITE, "2019-10-24")
    path.write_bytes(path.read_bytes()[:5000])
    entry = ingest(work, archive, "2019-10-24")["days"]["2019-10-24"]
    assert (entry["status"], entry["reason"]) == ("quarantined", "truncated")
    assert "records" not in entry
    i = index("2019-10-24") - SPAN.start
    found = stored(work)
    assert found["record_count"][i] == 0
    assert found["status"][i] == schema.STATUS["quarantined"]
    assert bytes(found["source_digest"][i]).hex() == sha256(path.read_bytes())
    for spec in schema.RECORD_ARRAYS:
        assert found[spec.name][i].tobytes() == np.full(spec.day_shape, spec.fill, spec.dtype).tobytes()


def test_quarantined_day_stays_quarantined_when_others_are_added(work: Work, archive: Path) -> None:
    path = granule_path(archive, SATELLITE, "2019-10-24")
    path.write_bytes(b"<html>")
    first = ingest(work, archive, "2019-10-24")
    write_day(archive, "2019-10-25", 50)
    second = ingest(work, archive, "2019-10-25")
    assert second["days"]["2019-10-24"] == first["days"]["2019-10-24"]
    counts = stored(work)["record_count"]
    assert counts[[index(d) - SPAN.start for d in ("2019-10-24", "2019-10-25")]].tolist() == [0, 50]


def test_day_whose_file_was_repaired_is_as_if_it_had_always_been_good(
    work: Work, archive: Path, source: Path, whole: tuple[Work, IngestReceipt]
) -> None:
    granule_path(archive, SATELLITE, "2019-10-24").write_bytes(b"<html>")
    assert ingest(work, archive, "2019-10-24") != whole[1]
    assert ingest(work, source, "2019-10-24") == whole[1]


class KilledError(Exception):
    """Stands for the death of a worker."""


def die_at_write(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    calls, write = [], SatelliteStore.write_encoded

    def dying(self: SatelliteStore, name: str, *of_shard: Any) -> str:
        calls.append(name)
        if len(calls) == number:
            raise KilledError(name)
        return write(self, name, *of_shard)

    monkeypatch.setattr(SatelliteStore, "write_encoded", dying)


@pytest.mark.parametrize("number", [1, 2, 9, len(schema.ARCHIVE_ARRAYS) + 1])
def test_worker_that_dies_leaves_no_claim_and_the_next_one_finishes(
    work: Work,
    archive: Path,
    source: Path,
    whole: tuple[Work, IngestReceipt],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    write_day(archive, "2019-10-24", 100, seed=1)
    with monkeypatch.context() as patched:
        die_at_write(patched, number)
        with pytest.raises(KilledError):
            ingest(work, archive, "2019-10-24")
    assert list(work.ledger.done()) == []
    withdrawn = work.ledger.read(SATELLITE, BLOCK)
    assert withdrawn is not None
    assert withdrawn["state"] == "writing"
    assert withdrawn["days"] == {d: e for d, e in whole[1]["days"].items() if d != "2019-10-24"}
    if number > 1:  # readers of the archive itself are warned before any record changes
        assert stored(work)["record_count"][index("2019-10-24") - SPAN.start] == -1
    assert ingest(work, source, "2019-10-24") == whole[1]
    assert [r["block"] for r in work.ledger.done()] == [BLOCK]


def test_worker_that_dies_in_a_new_block_leaves_nothing_to_believe(
    source: Path, tmp_path: Path, whole: tuple[Work, IngestReceipt], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = new_work(tmp_path)
    with monkeypatch.context() as patched:
        die_at_write(patched, 9)
        with pytest.raises(KilledError):
            ingest(work, source)
    assert work.ledger.read(SATELLITE, BLOCK) is None
    assert ingest(work, source) == whole[1]


def test_worker_that_dies_before_the_done_record_leaves_no_claim(
    source: Path, tmp_path: Path, whole: tuple[Work, IngestReceipt], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KilledError

    work = new_work(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("reprocess.work.ledger.BlockLedger.commit", die)
        with pytest.raises(KilledError):
            ingest(work, source)
    assert list(work.ledger.done()) == []
    assert ingest(work, source) == whole[1]


def test_kept_day_whose_shard_is_gone_is_not_turned_into_fill_values(work: Work, archive: Path) -> None:
    open_records(work, SATELLITE).shard_path("MLT", BLOCK).unlink()
    write_day(archive, "2019-10-25", 50)
    with pytest.raises(StoreError, match=r"MLT.* is missing although its block is done; delete .*0248\.json"):
        ingest(work, archive, "2019-10-25")


@pytest.mark.parametrize("name", schema.ARCHIVE_ARRAYS)
def test_kept_day_whose_shard_is_damaged_is_not_copied_under_a_new_sum(
    work: Work, archive: Path, name: str
) -> None:
    shard = open_records(work, SATELLITE).shard_path(name, BLOCK)
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    write_day(archive, "2019-10-25", 50)
    before = tree(work.root)
    with pytest.raises(StoreError, match=rf"{name}.* has sha256 .*, not .*; delete .*0248\.json"):
        ingest(work, archive, "2019-10-25")
    assert tree(work.root) == before


@pytest.mark.parametrize("name", ["electron_flux", "time"])
def test_detection_refuses_a_shard_that_is_not_what_was_ingested(
    work: Work, settings: Settings, name: str
) -> None:
    shard = open_records(work, SATELLITE).shard_path(name, BLOCK)
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    with pytest.raises(StoreError, match=rf"{name}.* has sha256 .*, not .*; delete .*0248\.json"):
        detect_block(detect_plan(work, settings))


def test_damaged_record_stops_the_block(work: Work, source: Path) -> None:
    work.ledger.path(SATELLITE, BLOCK).write_bytes(b"{")
    with pytest.raises(LedgerError, match=r"0248\.json is damaged"):
        ingest(work, source)


# --- ingest: bad files


def _drop(name: str) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    return lambda content: {k: v for k, v in content.items() if k != name}


def _put(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable:
    return lambda content: content | {name: change(content[name])}


def _many(content: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    start = content["time"][0] // 86_400_000 * 86_400_000
    n = schema.RECORDS + 1
    return {k: np.resize(v, n) for k, v in content.items()} | {
        "time": (start + 1990 * np.arange(n, dtype=np.uint64)).astype(np.uint64)
    }


MALFORMED = {
    "missing_variable": _drop("MLT"),
    "wrong_dtype": _put("lat", lambda v: v.astype(np.float64)),
    "unequal_length": _put("lon", lambda v: v[:-1]),
    "zero_records": lambda content: {k: v[:0] for k, v in content.items()},
    "too_many_records": _many,
    "wrong_satellite": _put("satID", lambda v: np.full_like(v, 4)),
    "wrong_date": _put("time", lambda v: v + np.uint64(86_400_000)),
    "all_sentinel": _put("L_IGRF", lambda v: np.full_like(v, -1)),
}


def write_one_of_each(archive: Path) -> dict[str, str]:
    """Write a file for every reason and a good one; return the expected reason by date."""
    expected = {}
    reasons = [reason for reason in schema.REASONS if reason != "html_page"]  # that one comes over http
    for reason, date in zip(reasons, (schema.day_date(d).isoformat() for d in SPAN), strict=False):
        path = granule_path(archive, SATELLITE, date)
        content = variables(SATELLITE, date, n=60)
        write_granule(path, MALFORMED.get(reason, dict)(content))
        if reason == "truncated":
            path.write_bytes(path.read_bytes()[:-100])
        if reason == "not_hdf5":
            path.write_bytes(b"<html><body>404 Not Found</body></html>")
        if reason == "too_large":
            path.write_bytes(bytes(TOO_LARGE + 1))
        expected[date] = reason
    write_day(archive, "2019-10-25", 60)
    return expected


TOO_LARGE = 5_000_000
"""The largest file of these tests, the one of `_many`, is below."""


def test_every_reason_quarantines_its_day_and_spares_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MAX_SOURCE_BYTES", TOO_LARGE)
    expected = write_one_of_each(tmp_path / "a")
    plan = IngestPlan(tmp_path / "w", SATELLITE, BLOCK, granules(tmp_path / "a"))
    work = new_work(tmp_path / "w")
    days = ingest_block(plan)["days"]
    assert {date: e["reason"] for date, e in days.items() if e["status"] == "quarantined"} == expected
    assert set(expected.values()) == set(schema.REASONS) - {"html_page"}
    assert days["2019-10-25"]["status"] == "ok"
    found = stored(work)
    for date, reason in expected.items():
        i = index(date) - SPAN.start
        assert found["record_count"][i] == 0
        assert found["status"][i] == schema.STATUS["quarantined"]
        assert np.isnan(found["MLT"][i]).all()
        was_read = reason != "too_large"
        assert ("sha256" in days[date]["source"]) == was_read
        assert any(found["source_digest"][i]) == was_read
        assert len(days[date]["detail"]) > 5


def test_file_that_cannot_be_read_is_named_with_the_systems_error(archive: Path, tmp_path: Path) -> None:
    plan = IngestPlan(tmp_path / "w", SATELLITE, BLOCK, granules(archive, "2019-10-24", "2019-10-25"))
    path = granule_path(archive, SATELLITE, "2019-10-24")
    path.unlink()
    path.mkdir()
    new_work(tmp_path / "w")
    receipt = ingest_block(plan)
    entry = receipt["deferred"]["2019-10-24"]
    assert entry["reason"] == "unreadable"
    assert path.name in entry["detail"]
    assert "IsADirectoryError" in entry["detail"]
    assert entry["source"] == plan.granules[0].identity
    assert receipt["days"].keys() == {"2019-10-25"}


# --- ingest: files that cannot be had now


@pytest.mark.parametrize("change", ["gone", "grown"])
def test_file_that_changes_between_listing_and_reading_is_deferred(
    archive: Path, tmp_path: Path, source: Path, whole: tuple[Work, IngestReceipt], change: str
) -> None:
    work = new_work(tmp_path / "w")
    plan = IngestPlan(work.root, SATELLITE, BLOCK, granules(archive))
    path = granule_path(archive, SATELLITE, "2019-10-24")
    before = path.stat().st_size
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b"more")
    record = ingest_block(plan)
    reason, words = {
        "gone": ("not_found", "FileNotFoundError"),
        "grown": ("changed", f"{before + 4} bytes, {before} in the listing"),
    }[change]
    entry = record["deferred"]["2019-10-24"]
    assert entry["reason"] == reason
    assert path.name in entry["detail"]
    assert words in entry["detail"]
    assert record["days"].keys() == LENGTHS.keys() - {"2019-10-24"}
    found, i = stored(work), index("2019-10-24") - SPAN.start
    assert found["record_count"][i] == -1
    assert found["status"][i] == schema.STATUS["not_ingested"]
    again = ingest(work, source, "2019-10-24")
    assert again["deferred"] == {}
    assert again["outputs"] == whole[1]["outputs"]


@pytest.fixture
def server(archive: Path) -> Iterator[NoaaServer]:
    with NoaaServer(archive) as running:
        yield running


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries."""
    monkeypatch.setattr("reprocess.sources.web.BACKOFF_S", 0.0)
    monkeypatch.setattr("reprocess.sources.web.TIMEOUT_S", (5.0, 0.2))


NAME = granule_path(Path(), SATELLITE, "2019-10-24").name
FAULTS = {
    "not_found": Fault(status=404),
    "refused": Fault(status=403),
    "server_error": Fault(status=503),
    "busy": Fault(status=429),
    "timeout": Fault(stall=True),
    "connection": Fault(drop=True),
    "short_body": Fault(missing=1000),
    "not_the_file": Fault(body=b"<html><title>Maintenance</title></html>"),
}


def test_days_over_http_are_the_days_of_the_files(
    server: NoaaServer, tmp_path: Path, whole: tuple[Work, IngestReceipt], source: Path
) -> None:
    work = new_work(tmp_path / "w")
    record = ingest(work, server.url)
    assert record["outputs"] == whole[1]["outputs"]
    for g in granules(server.url):
        path = granule_path(source, SATELLITE, g.date.isoformat())
        entry = record["days"][g.date.isoformat()]["source"]
        assert entry.items() >= g.identity.items()
        assert entry["bytes"] == path.stat().st_size
        assert entry["sha256"] == sha256(path.read_bytes())
        assert entry["etag"].startswith(f'"{path.stat().st_size:x}-')


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[tuple[NoaaServer, dict[str, str]]]:
    """A server with a day for every fault, by date, and a good day, the last one."""
    dates = dict(zip((schema.day_date(d).isoformat() for d in SPAN), FAULTS, strict=False))
    for date in [*dates, "2019-10-25"]:
        write_day(tmp_path / "a", date, 30)
    with NoaaServer(tmp_path / "a") as running:
        yield running, dates


def misbehave(server: NoaaServer, dates: dict[str, str]) -> None:
    for date, reason in dates.items():
        server.faults[granule_path(Path(), SATELLITE, date).name] = [FAULTS[reason]] * TRIES


@pytest.mark.usefixtures("impatient")
def test_days_that_cannot_be_had_are_deferred_or_quarantined_and_spare_the_others(
    faulty: tuple[NoaaServer, dict[str, str]], tmp_path: Path
) -> None:
    server, dates = faulty
    undisturbed = ingest(new_work(tmp_path / "u"), server.url)
    work = new_work(tmp_path / "w")
    plan = granules(server.url)
    misbehave(server, dates)
    record = ingest_block(IngestPlan(work.root, SATELLITE, BLOCK, plan))
    quarantined = {d: e for d, e in record["days"].items() if e["status"] == "quarantined"}
    unhad = record["deferred"] | quarantined
    assert {date: entry["reason"] for date, entry in unhad.items()} == dates
    assert quarantined == {}
    for g in plan:
        if (date := g.date.isoformat()) in dates:
            assert unhad[date]["source"].items() >= g.identity.items()
            assert ("sha256" in unhad[date]["source"]) == (dates[date] == "not_the_file")
    assert record["days"]["2019-10-25"] == undisturbed["days"]["2019-10-25"]
    server.faults.clear()
    assert ingest(work, server.url, *dates) == undisturbed


@pytest.mark.usefixtures("impatient")
def test_new_versions_that_cannot_be_had_cost_nothing_of_the_old_ones(
    faulty: tuple[NoaaServer, dict[str, str]], tmp_path: Path
) -> None:
    server, dates = faulty
    work = new_work(tmp_path / "w")
    before = ingest(work, server.url)
    for date in dates:
        write_day(server.root, date, 40, seed=1)
    misbehave(server, dates)
    record = ingest(work, server.url, *dates)
    assert {date: entry["reason"] for date, entry in record["deferred"].items()} == dates
    assert record | {"deferred": {}} == before
    server.faults.clear()
    again = ingest(work, server.url, *dates)
    assert again["deferred"] == {}
    assert {again["days"][date]["records"] for date in dates} == {40}


@pytest.mark.usefixtures("impatient")
def test_day_stays_deferred_when_others_are_added(server: NoaaServer, tmp_path: Path) -> None:
    work = new_work(tmp_path / "w")
    server.faults[NAME] = [FAULTS["not_found"]]
    first = ingest(work, server.url, "2019-10-24", "2019-10-20")
    second = ingest(work, server.url, "2019-10-25")
    assert second["deferred"] == first["deferred"]
    assert second["days"].keys() == {"2019-10-20", "2019-10-25"}


BAD = {
    "html_page": b"<!-- portal --><html>Sign in</html>",
    "not_hdf5": b'{"error": "slow down"}',
    "truncated": b"\x89HDF\r\n\x1a\n" + bytes(1000),
}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("reason", BAD)
def test_what_is_not_the_file_is_quarantined_only_if_the_same_bytes_come_in_the_next_run(
    server: NoaaServer, tmp_path: Path, whole: tuple[Work, IngestReceipt], reason: str
) -> None:
    def run(body: bytes) -> IngestReceipt:
        server.faults[NAME] = [Fault(body=body)] * TRIES
        return ingest(work, server.url, "2019-10-24")

    work = new_work(tmp_path / "w")
    for body in (BAD[reason], BAD[reason] + b" at noon"):  # other bytes: nothing is known yet
        record = run(body)
        assert record["days"] == {}
        entry = record["deferred"]["2019-10-24"]
        assert (entry["reason"], entry["source"]["sha256"]) == ("not_the_file", sha256(body))
        assert entry["detail"].startswith(f"{reason}, ")
    record = run(BAD[reason] + b" at noon")
    assert record["deferred"] == {}
    assert (record["days"]["2019-10-24"]["status"], record["days"]["2019-10-24"]["reason"]) == (
        "quarantined",
        reason,
    )
    server.faults.clear()
    assert ingest(work, server.url)["days"].keys() == LENGTHS.keys()
    assert stored_days(work) == stored_days(whole[0])


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("reason", ["missing_variable", "wrong_date"])
def test_whole_file_of_another_kind_is_quarantined_at_once_over_a_network_too(
    server: NoaaServer, tmp_path: Path, reason: str
) -> None:
    path = granule_path(server.root, SATELLITE, "2019-10-24")
    write_granule(path, MALFORMED[reason](variables(SATELLITE, "2019-10-24", n=60)))
    record = ingest(new_work(tmp_path / "w"), server.url, "2019-10-24")
    assert record["days"]["2019-10-24"]["reason"] == reason


@pytest.mark.usefixtures("impatient")
def test_quarantined_days_are_read_again_if_asked_for(server: NoaaServer, tmp_path: Path) -> None:
    work = new_work(tmp_path / "w")
    asked = granules(server.url)
    for _ in range(2):
        server.faults[NAME] = [Fault(body=BAD["not_hdf5"])] * TRIES
        for plan in plan_ingest(work, asked):
            ingest_block(plan)
    assert work.ledger.read(SATELLITE, BLOCK)["days"]["2019-10-24"]["reason"] == "not_hdf5"
    assert plan_ingest(work, asked) == []
    server.faults.clear()
    (plan,) = plan_ingest(work, asked, retry=True)
    assert [g.date.isoformat() for g in plan.granules] == ["2019-10-24"]
    assert ingest_block(plan)["days"]["2019-10-24"]["status"] == "ok"
    assert plan_ingest(work, asked, retry=True) == []


def test_error_that_nobody_foresaw_costs_its_day_only(
    archive: Path, tmp_path: Path, whole: tuple[Work, IngestReceipt], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = new_work(tmp_path / "w")
    original = read_records

    def fails(data: bytes, satellite: str, day: int) -> Records:
        if day == index("2019-10-24"):
            raise ZeroDivisionError("nobody knows")
        return original(data, satellite, day)

    with monkeypatch.context() as patched:
        patched.setattr("reprocess.ingest.day.read_records", fails)
        record = ingest(work, archive)
    assert record["days"].keys() == LENGTHS.keys() - {"2019-10-24"}
    entry = record["deferred"]["2019-10-24"]
    assert (entry["reason"], entry["detail"]) == ("failed", "ZeroDivisionError: nobody knows")
    assert ingest(work, archive, "2019-10-24")["outputs"] == whole[1]["outputs"]


@pytest.mark.parametrize("error", [MemoryError(), ImportError("no h5py")])
def test_trouble_of_the_machine_is_not_taken_for_that_of_a_day(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr("reprocess.ingest.day.read_records", fails)
    with pytest.raises(type(error)):
        ingest(new_work(tmp_path / "w"), archive)


@pytest.mark.usefixtures("impatient")
def test_server_in_trouble_is_not_pressed(server: NoaaServer, tmp_path: Path) -> None:
    plan = granules(server.url)
    server.requests.clear()
    names = [g.url.rsplit("/", 1)[-1] for g in plan]
    for name in names[:3]:
        server.faults[name] = [Fault(status=503)] * 99
    server.faults[names[3]] = [Fault(status=404)]
    server.faults[names[4]] = [Fault(status=503)] * 2
    work = new_work(tmp_path / "w")
    record = ingest_block(IngestPlan(work.root, SATELLITE, BLOCK, plan))
    assert [server.asked(name) for name in names] == [TRIES, 1, 1, 1, 3]
    assert len(record["deferred"]) == 4
    assert len(record["days"]) == 1


# --- detect


MODE = pytest.mark.parametrize("mode", list(MODES))


@pytest.fixture
def settings(random_model: Bundle) -> Settings:
    return Settings(
        random_model.path, random_model.sha256, "published", DEFAULT_ENGINE, classes=False, dense=False
    )


def detect_plan(work: Work, settings: Settings, *dates: str, run: str = "r") -> DetectPlan:
    days = tuple(index(date) for date in dates or LENGTHS)
    if settings.classes:
        create_store(work.run(run).classes, [SATELLITE], CLASS_ARRAYS, "test")
    return DetectPlan(work.root, run, SATELLITE, BLOCK, days, settings)


def direct(work: Work, date: str, settings: Settings) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Classify one day by itself, without blocks: probabilities, and the final intervals by class."""
    bundle, engine = get_engine(settings.model, settings.model_sha256, settings.engine)
    store = open_records(work, SATELLITE)
    day = store.read_day(index(date), LENGTHS[date], ("electron_flux", "L_IGRF"))
    flux = day["electron_flux"]
    probabilities = engine.predict(windows(scale_flux(flux, bundle.scaling)))
    stages = postprocess(probabilities.argmax(axis=1), day["L_IGRF"], flux, MODES[settings.mode])
    return probabilities, {name: s.final for name, s in stages.items()}


def events_of(work: Work, run: str = "r") -> list[dict]:
    return pq.ParquetFile(part_path(work.run(run).events, SATELLITE, BLOCK)).read().to_pylist()


def dwell_of(work: Work, run: str = "r") -> dict[str, np.ndarray]:
    table = pq.ParquetFile(part_path(work.run(run).dwell, SATELLITE, BLOCK)).read()
    return {name: table[name].to_numpy() for name in table.column_names}


@MODE
def test_every_record_is_accounted_for(work: Work, settings: Settings, mode: str) -> None:
    days = detect_block(detect_plan(work, replace(settings, mode=mode)))["days"]
    assert days.keys() == LENGTHS.keys()
    for date, n in LENGTHS.items():
        facts = days[date]
        assert facts["records"] == n
        assert facts["classifiable"] == max(n - 7, 0) >= facts["windows_classified"]
        assert "class_counts" not in facts
        parts = facts["in_grid"] + facts["outside_grid"] + facts["invalid_position"]
        assert facts["classifiable"] == parts
    assert days["2019-10-24"]["invalid_position"] > 0
    assert days["2019-10-24"]["in_grid"] > 0


def test_records_off_the_grid_are_counted_apart(settings: Settings, tmp_path: Path) -> None:
    content = variables(SATELLITE, "2019-10-24")
    content["L_IGRF"][40:60] = [0.99, *[15.0] * 9, *[107.0] * 10]
    write_granule(granule_path(tmp_path / "a", SATELLITE, "2019-10-24"), content)
    work = new_work(tmp_path / "w")
    ingest(work, tmp_path / "a")
    facts = detect_block(detect_plan(work, settings, "2019-10-24"))["days"]["2019-10-24"]
    assert (facts["outside_grid"], facts["invalid_position"], facts["in_grid"]) == (20, 5, 368)


@MODE
def test_dwell_sums_to_the_records_in_the_grid_and_covers_the_events(
    work: Work, settings: Settings, mode: str
) -> None:
    chosen = replace(settings, mode=mode)
    days = detect_block(detect_plan(work, chosen))["days"]
    dwell = dwell_of(work)
    store, offset = open_records(work, SATELLITE), MODES[mode].offset
    for date, n in LENGTHS.items():
        own = dwell["day"] == index(date)
        assert dwell["records"][own].sum() == days[date]["in_grid"]
        keys = [dwell[name][own] for name in dwell if name == "cell" or name.startswith("quality_flags")]
        assert len(set(zip(*keys, strict=True))) == np.count_nonzero(own)
        r = store.read_day(index(date), n, ("L_IGRF", "MLT", "latitude"))
        cell = FINE.cell(r["L_IGRF"], r["MLT"], r["latitude"])
        for name, intervals in direct(work, date, chosen)[1].items():
            flagged = {k for a, b in intervals.tolist() for k in range(a, b + 1)}
            seen = [k for k in flagged if offset <= k < offset + n - 7 and cell[k] >= 0]
            assert dwell[f"records_{name}"][own].sum() == len(seen)
    assert sum(dwell[f"records_{name}"].sum() for name in schema.EVENT_CLASSES) > 10
    assert all((dwell[f"records_{name}"] <= dwell["records"]).all() for name in schema.EVENT_CLASSES)
    assert (dwell["records"] > 0).all()


@MODE
def test_events_are_those_of_the_days_taken_one_by_one(work: Work, settings: Settings, mode: str) -> None:
    chosen = replace(settings, mode=mode)
    record = detect_block(detect_plan(work, chosen))
    rows = events_of(work)
    for date in LENGTHS:
        for name, intervals in direct(work, date, chosen)[1].items():
            own = [e for e in rows if (e["date"], e["event_class"]) == (date, name)]
            assert [[e["start_index"], e["stop_index"]] for e in own] == intervals.tolist()
            assert record["days"][date]["events"][name] == len(own)
    assert len(rows) > 2
    assert {e["run"] for e in rows} == {"r"}
    assert {e["model"] for e in rows} == {"random"}


FILL = np.float32(9.96921e36)
IMPOSSIBLE = {
    "fill": ("mep_ele_tel0_flux_e4", FILL),
    "infinite flux": ("mep_ele_tel90_flux_e1", np.inf),
    "NaN flux": ("mep_ele_tel0_flux_e2", np.nan),
    "negative flux": ("mep_ele_tel0_flux_e3", -7),
    "too much": ("mep_ele_tel0_flux_e4", 1e12),
    "infinite L": ("L_IGRF", np.inf),
    "NaN L": ("L_IGRF", np.nan),
    "huge L": ("L_IGRF", FILL),
    "MLT": ("MLT", FILL),
    "latitude": ("lat", np.nan),
    "longitude": ("lon", FILL),
}


@MODE
@pytest.mark.parametrize("kind", IMPOSSIBLE)
def test_records_that_are_no_measurement_are_in_nothing_that_is_made_of_records(
    work: Work, settings: Settings, archive: Path, tmp_path: Path, mode: str, kind: str
) -> None:
    date, chosen = "2019-10-24", replace(settings, mode=mode)
    before = detect_block(detect_plan(work, chosen))["days"]
    with_events = events_of(work)
    at = next(e["start_index"] for e in with_events if e["date"] == date)
    content = variables(SATELLITE, date, LENGTHS[date])
    name, value = IMPOSSIBLE[kind]
    content[name][at : at + 3] = value
    write_granule(granule_path(archive, SATELLITE, date), content)
    entry = ingest(work, archive, date)["days"][date]
    assert list(entry["not_measured"].values()) == [3]
    bad, offset = set(range(at, at + 3)), MODES[mode].offset
    touched = [i + offset for i in range(at - 6, at + 3) if 0 <= i < LENGTHS[date] - 7]
    found = {}
    for dense in (False, True):
        run = f"dense{dense}"
        plan = detect_plan(work, replace(chosen, dense=dense, classes=dense), run=run)
        record = detect_block(plan)
        found[run] = [e | {"run": ""} for e in events_of(work, run)]
        facts = record["days"][date]
        assert facts["not_measured"] == 3
        assert facts["classifiable"] == before[date]["classifiable"] - len(touched)
        assert all(record["days"][d]["events"] == f["events"] for d, f in before.items() if d != date)
    assert repr(found["denseFalse"]) == repr(found["denseTrue"])  # NaN is not equal to itself
    for event in found["denseTrue"]:
        if event["date"] == date:
            assert not bad & set(range(event["start_index"], event["stop_index"] + 1))
        assert not any(v > 1e9 for k, v in event.items() if k.startswith("max_e"))
    others = [e for e in found["denseTrue"] if e["date"] != date]
    assert repr(others) == repr([e | {"run": ""} for e in with_events if e["date"] != date])
    classes = open_classes(work.run("denseTrue"), SATELLITE).read_day(
        index(date), LENGTHS[date], ("class", "probability")
    )
    assert (classes["class"][touched] == -1).all()
    assert np.isnan(classes["probability"][:, touched]).all()
    assert np.count_nonzero(classes["class"] >= 0) == facts["classifiable"] == sum(facts["class_counts"])


def test_one_infinite_L_changes_nothing_far_from_it(work: Work, settings: Settings, archive: Path) -> None:
    date = "2019-10-24"
    detect_block(detect_plan(work, settings))
    before = events_of(work)
    content = variables(SATELLITE, date, LENGTHS[date])
    content["L_IGRF"][LENGTHS[date] - 3] = np.inf
    write_granule(granule_path(archive, SATELLITE, date), content)
    ingest(work, archive, date)
    detect_block(detect_plan(work, settings))
    after = events_of(work)
    same = [key for key in before[0] if key not in {"source_sha256", "L", "quality_flags"}]
    assert repr([[e[k] for k in same] for e in after]) == repr([[e[k] for k in same] for e in before])


def test_day_that_cannot_be_classified_costs_no_other(
    work: Work, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = detect_block(detect_plan(work, settings))
    rows = events_of(work)
    original = describe

    def fails(day: Day, *rest: Any) -> Any:
        if day.date.isoformat() == "2019-10-24":
            raise ZeroDivisionError("nobody knows")
        return original(day, *rest)

    with monkeypatch.context() as patched:
        patched.setattr("reprocess.detect.block.describe", fails)
        record = detect_block(detect_plan(work, settings))
    assert record["failed"] == {"2019-10-24": "ZeroDivisionError: nobody knows"}
    assert record["days"] == {d: f for d, f in whole["days"].items() if d != "2019-10-24"}
    assert repr(events_of(work)) == repr([e for e in rows if e["date"] != "2019-10-24"])
    known = [Granule(SATELLITE, index(d), "", 0, "") for d in LENGTHS]
    assert len(plan_detect(work, work.run("r"), settings, known)) == 1  # the next run tries again
    assert detect_block(detect_plan(work, settings)) == whole


def test_block_of_which_no_day_can_be_classified_fails(
    work: Work, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("nobody knows")

    monkeypatch.setattr("reprocess.detect.block.describe", fails)
    with pytest.raises(ZeroDivisionError):
        detect_block(detect_plan(work, settings))


def test_modes_differ(work: Work, settings: Settings) -> None:
    found = {}
    for mode in MODES:
        detect_block(detect_plan(work, replace(settings, mode=mode), run=mode))
        found[mode] = [(e["date"], e["event_class"], e["start_index"]) for e in events_of(work, mode)]
    assert found["published"] != found["published-2022"]


def test_facts_name_the_file_the_day_came_from(
    work: Work, settings: Settings, whole: tuple[Work, IngestReceipt]
) -> None:
    record = detect_block(detect_plan(work, settings))
    for date, entry in whole[1]["days"].items():
        assert record["days"][date]["source_sha256"] == entry["source"]["sha256"]
    for event in events_of(work):
        assert event["source_sha256"] == whole[1]["days"][event["date"]]["source"]["sha256"]


def test_detect_record_is_done_and_has_the_digest_of_every_part(work: Work, settings: Settings) -> None:
    record = detect_block(detect_plan(work, settings))
    run = work.run("r")
    assert run.ledger.read(SATELLITE, BLOCK) == record | {"state": "done"}
    assert record["outputs"] == {
        "events": sha256(part_path(run.events, SATELLITE, BLOCK).read_bytes()),
        "dwell": sha256(part_path(run.dwell, SATELLITE, BLOCK).read_bytes()),
    }
    assert not run.classes.exists()


def test_detecting_again_gives_the_same_bytes(work: Work, settings: Settings) -> None:
    plan = detect_plan(work, settings)
    assert detect_block(plan) == detect_block(plan)


def test_a_day_that_left_the_archive_since_it_was_planned_is_named(work: Work, settings: Settings) -> None:
    with pytest.raises(LedgerError, match=r"noaa18 2019-10-23 is not in the archive any more; give the same"):
        detect_block(detect_plan(work, settings, "2019-10-22", "2019-10-23"))


def test_a_smaller_selection_replaces_the_block(work: Work, settings: Settings) -> None:
    detect_block(detect_plan(work, settings))
    record = detect_block(detect_plan(work, settings, "2019-10-25"))
    assert record["days"].keys() == {"2019-10-25"}
    assert {e["date"] for e in events_of(work)} == {"2019-10-25"}


def test_block_that_lost_all_its_days_is_empty_but_done(work: Work, settings: Settings) -> None:
    detect_block(detect_plan(work, settings))
    assert events_of(work)
    record = detect_block(DetectPlan(work.root, "r", SATELLITE, BLOCK, (), settings))
    assert record["days"] == {}
    assert events_of(work) == []
    assert all(values.size == 0 for values in dwell_of(work).values())


@MODE
def test_kept_classes_stand_at_their_records(work: Work, settings: Settings, mode: str) -> None:
    chosen = replace(settings, mode=mode, classes=True, dense=True)
    record = detect_block(detect_plan(work, chosen))
    store = open_classes(work.run("r"), SATELLITE)
    assert record["outputs"]["classes"] == {
        name: sha256(store.shard_path(name, BLOCK).read_bytes()) for name in CLASS_ARRAYS
    }
    offset = MODES[mode].offset
    classes, probability = (store.read(name, SPAN.start, SPAN.stop) for name in ("class", "probability"))
    for date, n in LENGTHS.items():
        i, m = index(date) - SPAN.start, max(n - 7, 0)
        expected = direct(work, date, chosen)[0]
        assert probability[i, :, offset : offset + m].T.tobytes() == expected.tobytes()
        assert np.array_equal(classes[i, offset : offset + m], expected.argmax(axis=1))
        classes[i, offset : offset + m] = -1
        probability[i, :, offset : offset + m] = np.nan
    assert (classes == -1).all()
    assert np.isnan(probability).all()


@MODE
def test_classifying_every_window_changes_no_event_and_no_dwell(
    work: Work, settings: Settings, mode: str
) -> None:
    sparse = detect_block(detect_plan(work, replace(settings, mode=mode)))
    dense = detect_block(detect_plan(work, replace(settings, mode=mode, dense=True)))
    assert dense["outputs"] == sparse["outputs"]
    for date, n in LENGTHS.items():
        facts, every = dict(sparse["days"][date]), dict(dense["days"][date])
        assert every["windows_classified"] == max(n - 7, 0) == sum(every.pop("class_counts"))
        assert facts.pop("windows_classified") <= every.pop("windows_classified")
        assert facts == every
    classified = sum(entry["windows_classified"] for entry in sparse["days"].values())
    assert 0 < classified < sum(max(n - 7, 0) for n in LENGTHS.values())


def test_days_far_apart_are_read_and_classified_like_days_together(work: Work, settings: Settings) -> None:
    together = detect_block(detect_plan(work, settings))
    for date in LENGTHS:
        alone = detect_block(detect_plan(work, settings, date, run="alone"))
        assert alone["days"][date] == together["days"][date]


def test_keeping_classes_changes_nothing_else(work: Work, settings: Settings) -> None:
    without = detect_block(detect_plan(work, replace(settings, dense=True)))
    kept = detect_block(detect_plan(work, replace(settings, classes=True, dense=True)))
    assert kept["days"] == without["days"]
    assert {k: v for k, v in kept["outputs"].items() if k != "classes"} == without["outputs"]


@pytest.mark.parametrize(
    "name", ["time", "electron_flux", "L_IGRF", "MLT", "latitude", "longitude", "ifc_on"]
)
def test_missing_shard_is_refused_and_withdraws_the_claim(work: Work, settings: Settings, name: str) -> None:
    detect_block(detect_plan(work, settings))
    shard = open_records(work, SATELLITE).shard_path(name, BLOCK)
    shard.unlink()
    with pytest.raises(StoreError, match=r"/ledger/ingest/noaa18/0248\.json and run ingest again") as error:
        detect_block(detect_plan(work, settings))
    assert f"{shard} is missing although its block is done" in str(error.value)
    assert list(work.run("r").ledger.done()) == []


def put_record_count(work: Work, date: str, count: int) -> None:
    store = open_records(work, SATELLITE)
    counts = store.read("record_count", SPAN.start, SPAN.stop)
    counts[index(date) - SPAN.start] = count
    store.write("record_count", SPAN.start, counts)


@pytest.mark.parametrize("count", [-1, 0, 399, 401])
def test_archive_that_contradicts_its_ledger_is_refused(work: Work, settings: Settings, count: int) -> None:
    put_record_count(work, "2019-10-24", count)
    with pytest.raises(
        StoreError, match=r"delete .*/ledger/ingest/noaa18/0248\.json and run ingest again"
    ) as error:
        detect_block(detect_plan(work, settings))
    assert f"holds {count} records on 2019-10-24, its ledger says 400" in str(error.value)
    assert list(work.run("r").ledger.done()) == []


@pytest.mark.parametrize("damage", ["count", "shard"])
def test_the_remedy_that_is_told_works(
    work: Work, source: Path, whole: tuple[Work, IngestReceipt], settings: Settings, damage: str
) -> None:
    if damage == "count":
        put_record_count(work, "2019-10-24", 3)
    else:
        open_records(work, SATELLITE).shard_path("MLT", BLOCK).unlink()
    with pytest.raises(StoreError) as error:
        detect_block(detect_plan(work, settings))
    told, command = str(error.value).split("; delete ")[1].split(" and ")
    assert command == "run ingest again"
    Path(told).unlink()
    assert ingest(work, source) == whole[1]
    assert detect_block(detect_plan(work, settings))["days"].keys() == LENGTHS.keys()


def test_worker_that_dies_while_detecting_leaves_no_claim_and_the_next_one_finishes(
    work: Work, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = detect_plan(work, settings)
    first = detect_block(plan)

    def die(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr("reprocess.detect.block.write_part", die)
        with pytest.raises(KilledError):
            detect_block(plan)
    withdrawn = work.run("r").ledger.read(SATELLITE, BLOCK)
    assert withdrawn is not None
    assert withdrawn["state"] == "writing"
    assert detect_block(plan) == first


def test_another_model_than_planned_is_refused(work: Work, settings: Settings) -> None:
    with pytest.raises(ModelError, match="the run was planned with 0000"):
        detect_block(detect_plan(work, replace(settings, model_sha256="0000")))
    assert not work.run("r").root.exists()


def test_detecting_leaves_the_archive_as_it_was(work: Work, settings: Settings) -> None:
    before = {p: p.read_bytes() for p in work.archive.rglob("*") if p.is_file()}
    detect_block(detect_plan(work, replace(settings, classes=True, dense=True)))
    assert {p: p.read_bytes() for p in work.archive.rglob("*") if p.is_file()} == before
