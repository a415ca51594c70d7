"""The Zarr store: whole shard rows or nothing, one file per block and array."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr

from reprocess import schema
from reprocess.errors import StoreError
from reprocess.files import sha256
from reprocess.schema import CLASS_ARRAYS
from reprocess.work.layout import create_store
from reprocess.work.ledger import BlockLedger
from reprocess.work.paths import Work
from reprocess.work.store import SatelliteStore, open_classes, open_records
from tests.support.command import tree

BLOCK = 248
START = BLOCK * schema.BLOCK_DAYS
LAST_BLOCK = schema.DAYS // schema.BLOCK_DAYS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_store(tmp_path / "s.zarr", ["noaa18"], schema.ARCHIVE_ARRAYS, "a title")
    return tmp_path / "s.zarr"


@pytest.fixture
def satellite(path: Path) -> SatelliteStore:
    return opened(path)


def opened(path: Path, satellite: str = "noaa18") -> SatelliteStore:
    return SatelliteStore(path, satellite, BlockLedger(path.parent / "claims"), "write it again")


def mlt(seed: int = 0, days: int = schema.BLOCK_DAYS) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 24, (days, schema.RECORDS)).astype(np.float32)


def shard_bytes(satellite: SatelliteStore, name: str) -> bytes:
    return satellite.shard_path(name, BLOCK).read_bytes()


@pytest.mark.parametrize("name", schema.ARCHIVE_ARRAYS)
def test_array_is_laid_out_as_the_contract_says(path: Path, name: str) -> None:
    array = zarr.open_group(path, mode="r")[f"noaa18/{name}"]
    spec = schema.ARCHIVE_ARRAYS[name]
    assert array.shape == spec.shape
    assert array.dtype == spec.dtype
    assert array.metadata.dimension_names == spec.dims
    assert array.shards == (32, *spec.shape[1:])
    assert array.chunks == ((1, *spec.shape[1:]) if len(spec.dims) > 1 else (32,))
    assert np.array_equal(array.fill_value, np.array(spec.fill, spec.dtype), equal_nan=True)
    assert dict(array.attrs).keys() == spec.attrs.keys()


def test_store_is_cf_and_names_the_satellite(path: Path) -> None:
    root = zarr.open_group(path, mode="r")
    assert root.attrs["title"] == "a title"
    assert root.attrs["Conventions"].startswith("CF-")
    assert root["noaa18"].attrs["platform"] == "NOAA-18"
    assert root.metadata.consolidated_metadata is None


def test_coordinates_are_stored(path: Path) -> None:
    group = zarr.open_group(path / "noaa18", mode="r")
    for name, (values, _) in schema.COORDINATES.items():
        assert np.array_equal(group[name][:], values), name


def test_creating_twice_changes_nothing_and_keeps_the_data(path: Path, satellite: SatelliteStore) -> None:
    satellite.write("MLT", START, mlt())
    before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file()}
    create_store(path, ["noaa18"], schema.ARCHIVE_ARRAYS, "a title")
    assert {p: p.read_bytes() for p in path.rglob("*") if p.is_file()} == before
    assert len(before) > 20


def test_attributes_of_another_version_become_those_of_this_one(
    path: Path, satellite: SatelliteStore
) -> None:
    satellite.write("MLT", START, mlt())
    before = tree(path)
    for name in ("MLT", "pitch_angle_foot", "energy"):
        file = path / "noaa18" / name / "zarr.json"
        metadata = json.loads(file.read_text())
        metadata["attributes"] = {"units": "other", "missing_value": -1.0}
        file.write_text(json.dumps(metadata))
    create_store(path, ["noaa18"], schema.ARCHIVE_ARRAYS, "a title")
    assert tree(path) == before


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_damaged_metadata_are_refused_with_their_remedy(path: Path, text: str) -> None:
    (path / "noaa18/MLT/zarr.json").write_text(text)
    with pytest.raises(
        StoreError, match=r"noaa18/MLT/zarr\.json is damaged .*; reprocess audit WORK --repair"
    ):
        create_store(path, ["noaa18"], schema.ARCHIVE_ARRAYS, "a title")


def test_creating_adds_a_satellite_beside_the_others(path: Path, satellite: SatelliteStore) -> None:
    satellite.write("MLT", START, mlt())
    create_store(path, ["metop01", "noaa18"], schema.ARCHIVE_ARRAYS, "a title")
    assert np.array_equal(opened(path).read("MLT", START, START + 32), mlt())
    assert np.isnan(opened(path, "metop01").read("MLT", START, START + 1)).all()


def test_creating_completes_a_satellite_whose_creation_was_cut_off(path: Path) -> None:
    shutil.rmtree(path / "noaa18" / "MLT")
    create_store(path, ["noaa18"], schema.ARCHIVE_ARRAYS, "a title")
    assert np.isnan(opened(path).read("MLT", 0, 1)).all()


def test_store_of_another_layout_is_refused(path: Path) -> None:
    zarr.open_group(path, mode="r+").attrs["layout"] = 99
    with pytest.raises(
        StoreError, match="has layout 99, this version writes 1; use a new WORK directory"
    ) as e:
        create_store(path, ["noaa18"], schema.ARCHIVE_ARRAYS, "a title")
    assert str(path) in str(e.value)


def test_satellite_that_is_not_in_the_store_is_named(path: Path) -> None:
    with pytest.raises(
        StoreError,
        match=r"there is no noaa19 in .*; give reprocess audit WORK --repair, .*, and write it again",
    ):
        opened(path, "noaa19")


def test_store_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        StoreError, match=r"there is no noaa18 in .*nothing; give reprocess audit WORK --repair"
    ):
        opened(tmp_path / "nothing")


@pytest.mark.parametrize("name", schema.ARCHIVE_ARRAYS)
def test_what_was_never_written_reads_as_fill(satellite: SatelliteStore, name: str) -> None:
    spec = schema.ARCHIVE_ARRAYS[name]
    day = satellite.read(name, 7966, 7967)
    assert day.dtype == spec.dtype
    assert day.shape == (1, *spec.day_shape)
    assert np.array_equal(day, np.full_like(day, spec.fill), equal_nan=spec.dtype == "float32")


def test_written_rows_read_back_and_the_digest_is_the_files(satellite: SatelliteStore) -> None:
    digest = satellite.write("MLT", START, mlt())
    assert digest == sha256(shard_bytes(satellite, "MLT"))
    assert np.array_equal(satellite.read("MLT", START, START + 32), mlt())
    assert np.array_equal(satellite.read("MLT", START + 3, START + 5), mlt()[3:5])
    assert np.isnan(satellite.read("MLT", START - 1, START)).all()
    assert np.isnan(satellite.read("MLT", START + 32, START + 33)).all()


def test_same_rows_give_the_same_digest(satellite: SatelliteStore) -> None:
    first = satellite.write("MLT", START, mlt())
    other = satellite.write("MLT", START, mlt(1))
    assert other != first
    assert satellite.write("MLT", START, mlt()) == first


def test_blocks_side_by_side_do_not_touch_each_other(satellite: SatelliteStore) -> None:
    for block, seed in ((BLOCK, 0), (BLOCK + 1, 1)):
        satellite.write("MLT", block * 32, mlt(seed))
    satellite.write("MLT", START, mlt(2))
    assert np.array_equal(satellite.read("MLT", START, START + 32), mlt(2))
    assert np.array_equal(satellite.read("MLT", START + 32, START + 64), mlt(1))


def test_short_last_block_is_written_whole(satellite: SatelliteStore) -> None:
    days = schema.block_days(LAST_BLOCK)
    counts = np.arange(8, dtype=np.int32)
    satellite.write("record_count", days.start, counts)
    satellite.write("MLT", days.start, mlt(days=8))
    assert satellite.read("record_count", days.start, days.stop).tolist() == counts.tolist()
    assert np.array_equal(satellite.read("MLT", days.start, days.stop), mlt(days=8))
    assert satellite.shard_path("MLT", LAST_BLOCK).is_file()


@pytest.mark.parametrize("name", ["MLT", "time", "electron_flux", "record_count"])
def test_shard_of_fill_values_is_a_file_all_the_same(satellite: SatelliteStore, name: str) -> None:
    spec = schema.ARCHIVE_ARRAYS[name]
    satellite.write(name, START, np.full((32, *spec.day_shape), spec.fill, spec.dtype))
    assert satellite.shard_path(name, BLOCK).is_file()


def test_a_block_has_one_file_per_array(path: Path, satellite: SatelliteStore) -> None:
    satellite.write("MLT", START, mlt())
    satellite.write("MLT", START, mlt(1))
    files = [p for p in (path / "noaa18" / "MLT").rglob("*") if p.is_file() and p.name != "zarr.json"]
    assert files == [satellite.shard_path("MLT", BLOCK)]


UNALIGNED = {
    "half a shard": (START, mlt(1, 16)),
    "second half of a shard": (START + 16, mlt(1, 16)),
    "one row": (START, mlt(1, 1)),
    "one row too many": (START, mlt(1, 33)),
    "two shards": (START, mlt(1, 64)),
    "across two shards": (START + 1, mlt(1)),
    "no row": (START, mlt(1, 0)),
    "short record axis": (START, mlt(1)[:, :-1]),
    "long record axis": (START, np.pad(mlt(1), ((0, 0), (0, 1)))),
    "one dimension too many": (START, mlt(1)[:, :, np.newaxis]),
    "one dimension too few": (START, mlt(1)[:, 0]),
    "broadcastable": (START, mlt(1)[:, :1]),
}


@pytest.mark.parametrize("case", UNALIGNED)
def test_unaligned_write_is_refused_and_leaves_the_shard_as_it_was(
    satellite: SatelliteStore, case: str
) -> None:
    satellite.write("MLT", START, mlt())
    before = shard_bytes(satellite, "MLT")
    start, rows = UNALIGNED[case]
    with pytest.raises(
        StoreError, match=r"are not one shard row of .*partial writes lose data silently"
    ) as e:
        satellite.write("MLT", start, rows)
    for value in (f"rows {start} to {start + len(rows)}", str(rows.shape), "noaa18/MLT", "shards of 32"):
        assert value in str(e.value)
    assert shard_bytes(satellite, "MLT") == before
    assert np.isnan(satellite.read("MLT", START + 32, START + 64)).all()


@pytest.mark.parametrize("dtype", ["float64", "float16", "int32", ">f4"])
def test_write_of_another_dtype_is_refused_and_leaves_the_shard_as_it_was(
    satellite: SatelliteStore, dtype: str
) -> None:
    satellite.write("MLT", START, mlt())
    before = shard_bytes(satellite, "MLT")
    with pytest.raises(StoreError, match="noaa18/MLT holds float32, not ") as error:
        satellite.write("MLT", START, mlt(1).astype(dtype))
    assert str(np.dtype(dtype)) in str(error.value)
    assert shard_bytes(satellite, "MLT") == before


def test_full_block_is_not_accepted_where_the_last_one_is_short(satellite: SatelliteStore) -> None:
    with pytest.raises(StoreError, match="rows 11680 to 11712"):
        satellite.write("record_count", LAST_BLOCK * 32, np.zeros(32, np.int32))


def test_rows_before_the_calendar_are_refused(satellite: SatelliteStore) -> None:
    with pytest.raises(StoreError, match="rows -32 to 0"):
        satellite.write("record_count", -32, np.zeros(32, np.int32))


def test_array_without_shards_cannot_be_written(satellite: SatelliteStore) -> None:
    before = satellite.read("day", 0, 32)
    with pytest.raises(StoreError, match=r"noaa18/day .*shards of 0"):
        satellite.write("day", 0, np.zeros(32, np.int32))
    assert np.array_equal(satellite.read("day", 0, 32), before)


def test_leftovers_of_killed_writers_are_swept(satellite: SatelliteStore) -> None:
    shard = satellite.shard_path("MLT", BLOCK)
    satellite.write("MLT", START, mlt())
    leftover = shard.with_name(f"{shard.name}.0123456789abcdef.partial")
    leftover.write_bytes(b"half")
    satellite.write("MLT", START, mlt(1))
    assert not leftover.exists()
    assert list(shard.parent.iterdir()) == [shard]


def test_leftovers_of_other_blocks_are_left_to_their_writers(satellite: SatelliteStore) -> None:
    satellite.write("record_count", START, np.zeros(32, np.int32))
    folder = satellite.shard_path("record_count", BLOCK).parent
    others = [folder / "24.0123.partial", folder / "2480.0123.partial", folder / "249.0123.partial"]
    for other in others:
        other.write_bytes(b"half")
    satellite.write("record_count", START, np.ones(32, np.int32))
    assert all(other.exists() for other in others)


def test_crash_between_writing_and_renaming_leaves_the_old_shard(
    satellite: SatelliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    satellite.write("MLT", START, mlt())
    before = shard_bytes(satellite, "MLT")

    def crash(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", crash)
        with pytest.raises(OSError, match="no space left"):
            satellite.write("MLT", START, mlt(1))
    assert shard_bytes(satellite, "MLT") == before
    assert np.array_equal(satellite.read("MLT", START, START + 32), mlt())


def test_a_days_records_come_without_padding(satellite: SatelliteStore) -> None:
    rows = np.full((32, schema.RECORDS), np.nan, np.float32)
    rows[30, :100] = np.arange(100)
    satellite.write("MLT", START, rows)
    satellite.write("L_IGRF", START, -rows)
    day = satellite.read_day(START + 30, 100, ("MLT", "L_IGRF"))
    assert set(day) == {"MLT", "L_IGRF"}
    assert day["MLT"].tolist() == list(range(100))
    assert day["L_IGRF"].tolist() == [-k for k in range(100)]


def test_days_are_read_in_strips_without_those_between(satellite: SatelliteStore) -> None:
    rows = np.arange(32, dtype=np.float32)[:, np.newaxis] + np.zeros((1, schema.RECORDS), np.float32)
    satellite.write("MLT", START, rows)
    chosen = [0, 1, 2, 3, 4, 9, 11, 12, 30, 31]
    counts = {START + k: 10 + k for k in chosen}
    found = {day: r["MLT"].tolist() for day, r in satellite.read_days(counts, ("MLT",))}
    assert list(found) == list(counts)
    assert found == {START + k: [float(k)] * (10 + k) for k in chosen}
    assert list(satellite.read_days({}, ("MLT",))) == []


def test_missing_shard_is_not_read_as_fill_values(satellite: SatelliteStore) -> None:
    satellite.write("MLT", START, mlt())
    satellite.write("L_IGRF", START, mlt())
    satellite.shard_path("L_IGRF", BLOCK).unlink()
    assert satellite.read_day(START, 5, ("MLT",))["MLT"].size == 5
    with pytest.raises(StoreError, match=r"L_IGRF.* is missing although its block is done; delete ") as error:
        satellite.read_day(START, 5, ("MLT", "L_IGRF"))
    assert str(satellite.shard_path("L_IGRF", BLOCK)) in str(error.value)
    assert satellite.remedy(START) in str(error.value)


def test_remedy_names_the_record_of_the_block(path: Path, satellite: SatelliteStore) -> None:
    for day in (START, START + 31):
        assert satellite.remedy(day) == f"delete {path.parent}/claims/noaa18/0248.json and write it again"
    assert "0249.json" in satellite.remedy(START + 32)


def test_every_store_is_written_again_by_its_own_stage(tmp_path: Path) -> None:
    work = Work(tmp_path)
    run = work.run("r")
    create_store(work.archive, ["noaa18"], schema.ARCHIVE_ARRAYS, "archive")
    create_store(run.classes, ["noaa18"], CLASS_ARRAYS, "classes")
    record = work.ledger.path("noaa18", BLOCK)
    assert open_records(work, "noaa18").remedy(START) == f"delete {record} and run ingest again"
    record = run.ledger.path("noaa18", BLOCK)
    remedy = f"delete {record} and repeat the command that made run 'r'"
    assert open_classes(run, "noaa18").remedy(START) == remedy


def test_store_of_classes_holds_classes_and_probabilities(tmp_path: Path) -> None:
    create_store(tmp_path, ["noaa18"], CLASS_ARRAYS, "classes")
    group = zarr.open_group(tmp_path / "noaa18", mode="r")
    assert group["class"].shape == (schema.DAYS, schema.RECORDS)
    assert group["probability"].shape == (schema.DAYS, len(schema.CLASSES), schema.RECORDS)
    assert group["class"].attrs["flag_meanings"].split() == list(schema.CLASSES)
    assert "day" in group
    assert "energy" not in group
