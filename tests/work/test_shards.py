"""Shards put together of chunks are what Zarr writes and reads, and damage to their index is found."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from reprocess import schema
from reprocess.errors import StoreError
from reprocess.files import sha256
from reprocess.work.layout import create_store
from reprocess.work.paths import Work
from reprocess.work.shards import BLOSC, crc32c, join, pick
from reprocess.work.store import SatelliteStore, open_records
from reprocess.work.whole import ARCHIVE_TITLE

pytestmark = pytest.mark.usefixtures("short_record_axis")

COUNT = schema.BLOCK_DAYS
BLOCK = 248
START = BLOCK * COUNT

chunks = st.dictionaries(st.integers(0, COUNT - 1), st.binary(max_size=20))


def split(shard: bytes) -> dict[int, bytes]:
    return pick(BytesIO(shard), COUNT, range(COUNT))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"123456789", 0xE3069283),  # the check value of CRC-32C in catalogues of such sums
        (bytes(32), 0x8A9136AA),  # RFC 3720, B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_the_sum_is_that_of_the_standard(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected


@given(chunks)
def test_what_is_joined_is_split_again(given: dict[int, bytes]) -> None:
    assert split(join(given, COUNT)) == given


@given(chunks, st.lists(st.integers(0, COUNT - 1), max_size=5, unique=True))
def test_only_what_is_asked_for_is_picked(given: dict[int, bytes], asked: list[int]) -> None:
    assert pick(BytesIO(join(given, COUNT)), COUNT, asked) == {k: given[k] for k in asked if k in given}


@given(chunks, st.integers(0), st.integers(1, 255))
def test_any_damage_to_the_index_is_found(given: dict[int, bytes], where: int, change: int) -> None:
    shard = bytearray(join(given, COUNT))
    size = COUNT * 16 + 4
    shard[len(shard) - 1 - where % size] ^= change
    with pytest.raises(ValueError, match="the index at its end is damaged"):
        split(bytes(shard))


@given(st.binary(max_size=COUNT * 16 + 3))
def test_what_is_too_short_is_no_shard(data: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        split(data)


def test_a_shard_cut_at_its_beginning_is_found() -> None:
    shard = join({0: b"abc", 5: b"defg"}, COUNT)
    with pytest.raises(ValueError, match="chunk 5 is said to end beyond the others"):
        split(shard[-(COUNT * 16 + 4 + 5) :])


@pytest.fixture
def store(tmp_path: Path) -> SatelliteStore:
    work = Work(tmp_path)
    create_store(work.archive, ["noaa18"], schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)
    return open_records(work, "noaa18")


def day_of(name: str, seed: int, n: int = 700) -> np.ndarray:
    spec = schema.ARCHIVE_ARRAYS[name]
    values = np.random.default_rng(seed).integers(0, 100, (*spec.day_shape[:-1], n))
    return values.astype(spec.dtype)


@pytest.mark.parametrize("name", [spec.name for spec in schema.RECORD_ARRAYS])
def test_chunks_are_the_bytes_that_zarr_writes(store: SatelliteStore, name: str) -> None:
    spec = schema.ARCHIVE_ARRAYS[name]
    rows = np.full((COUNT, *spec.day_shape), spec.fill, spec.dtype)
    for row in (0, 7, 31):
        rows[row, ..., :700] = day_of(name, row)
    zarr.open_array(store.path / name)[START : START + COUNT] = rows
    by_zarr = store.encoded(name, BLOCK, range(COUNT))
    store.write_encoded(name, BLOCK, {row: store.encode(name, day_of(name, row)) for row in (0, 7, 31)})
    ours = store.encoded(name, BLOCK, (0, 7, 31))
    assert ours == {row: by_zarr[row] for row in (0, 7, 31)}
    np.testing.assert_array_equal(store.read(name, START, START + COUNT), rows)


@pytest.mark.parametrize("block", [BLOCK, schema.DAYS // schema.BLOCK_DAYS])
@pytest.mark.parametrize("name", ["MLT", *(spec.name for spec in schema.DAY_ARRAYS)])
def test_whole_shards_are_the_bytes_that_zarr_writes(store: SatelliteStore, name: str, block: int) -> None:
    spec, span = schema.ARCHIVE_ARRAYS[name], schema.block_days(block)
    rows = np.random.default_rng(block).integers(0, 100, (len(span), *spec.day_shape)).astype(spec.dtype)
    rows[3:5] = spec.fill
    digest = store.write(name, span.start, rows)
    ours = store.shard_path(name, block).read_bytes()
    zarr.open_array(store.path / name)[span.start : span.stop] = rows
    assert store.shard_path(name, block).read_bytes() == ours
    assert sha256(ours) == digest
    if not spec.day_shape:
        found = store.read_block(name, block)
        assert found[: len(span)].tolist() == rows.tolist()
        assert set(found[len(span) :]) <= {spec.fill}


def test_a_block_without_any_day_has_a_shard_that_reads_as_fill_values(store: SatelliteStore) -> None:
    store.write_encoded("MLT", BLOCK, {})
    store.require_shard("MLT", START)
    assert np.isnan(store.read("MLT", START, START + COUNT)).all()
    plain = zarr.open_array(store.path / "MLT", mode="r")
    assert np.isnan(plain[START]).all()


def test_days_that_stay_are_copied_as_they_are(store: SatelliteStore) -> None:
    first = {3: store.encode("MLT", day_of("MLT", 3)), 4: store.encode("MLT", day_of("MLT", 4))}
    store.write_encoded("MLT", BLOCK, first)
    kept = store.encoded("MLT", BLOCK, [4])
    store.write_encoded("MLT", BLOCK, kept | {9: store.encode("MLT", day_of("MLT", 9))})
    rows = store.read("MLT", START, START + COUNT)
    assert np.isnan(rows[3]).all()
    for row in (4, 9):
        np.testing.assert_array_equal(rows[row, :700], day_of("MLT", row))


def test_no_day_needs_no_shard(store: SatelliteStore) -> None:
    assert store.encoded("MLT", BLOCK, []) == {}
    with pytest.raises(StoreError, match="is missing although its block is done"):
        store.encoded("MLT", BLOCK, [0])


def test_a_damaged_shard_and_a_day_that_it_lacks_are_named(store: SatelliteStore) -> None:
    store.write_encoded("MLT", BLOCK, {3: store.encode("MLT", day_of("MLT", 3))})
    with pytest.raises(StoreError, match=r"c/248/0: it lacks day 4; delete .*0248.json and run ingest again"):
        store.encoded("MLT", BLOCK, [3, 4])
    path = store.shard_path("MLT", BLOCK)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match=r"c/248/0: the index at its end is damaged; delete "):
        store.encoded("MLT", BLOCK, [3])


@pytest.mark.parametrize(
    "values", [np.zeros(700), np.zeros((1, 700), np.float32), np.zeros(1001, np.float32)]
)
def test_values_that_are_not_of_the_array_are_refused(store: SatelliteStore, values: np.ndarray) -> None:
    with pytest.raises(StoreError, match=r"MLT holds float32 of shape \(1000,\) a chunk, not "):
        store.encode("MLT", values)


def test_days_are_read_as_zarr_reads_them(store: SatelliteStore) -> None:
    given = {row: {s.name: day_of(s.name, row) for s in schema.RECORD_ARRAYS} for row in (3, 4)}
    for name in given[3]:
        store.write_encoded(name, BLOCK, {row: store.encode(name, day[name]) for row, day in given.items()})
    counts = {START + 3: 700, START + 4: 600, START + 9: 5}
    found = dict(store.read_days(counts, given[3]))
    assert list(found) == list(counts)
    for day, count in counts.items():
        for name, values in found[day].items():
            np.testing.assert_array_equal(values, store.read(name, day, day + 1)[0, ..., :count], strict=True)
    np.testing.assert_array_equal(found[START + 4]["time"], given[4]["time"][:600])


@pytest.mark.parametrize(
    ("name", "chunk", "why"),
    [
        ("MLT", b"no chunk", ".*"),
        ("electron_flux", b"no chunk", ".*"),
        ("MLT", BLOSC.encode(np.zeros(4, np.float32)), "it holds 4 records, not 5"),
    ],
)
def test_a_chunk_that_is_not_of_the_day_is_named(
    store: SatelliteStore, name: str, chunk: bytes, why: str
) -> None:
    store.write_encoded(name, BLOCK, {3: bytes(chunk)})
    told = rf"248/0.*: day 2019-09-27: {why}; delete .*0248.json and run ingest again"
    with pytest.raises(StoreError, match=told):
        store.read_day(START + 3, 5, (name,))
