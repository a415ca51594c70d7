"""Records of an archive as one line of time, and archives that lie elsewhere or are packed."""

import datetime as dt
import pickle
import shutil
import zipfile
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from reprocess import schema
from reprocess.errors import SourceError, StoreError
from reprocess.schema import ARCHIVE_ARRAYS
from reprocess.work.archive import open_archive, records
from reprocess.work.lazy import Line, Stored, outer
from reprocess.work.place import AtHand, Place, find_place
from tests.support.labelled import ingest
from tests.support.web import NoaaServer
from tests.support.written import READERS, WRITERS


@pytest.fixture(scope="module")
def fake(fake_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ingest(fake_archive, tmp_path_factory.mktemp("work")).root


def by_day(work: Path, satellite: str, *, masked: bool = True) -> xr.Dataset:
    """The same records from `open_archive`: days one after the other, their padding left out."""
    ds = open_archive(work, satellite, masked=masked)
    counts = ds.record_count.to_numpy().tolist()
    days = [ds.isel(day=k, record=slice(n)) for k, n in enumerate(counts)]
    plain = [day.drop_vars(["day", "record_count", "status", "source_digest"]) for day in days]
    return xr.concat(
        plain, "record", data_vars="minimal", coords="minimal", compat="override", join="override"
    )


@pytest.mark.parametrize("masked", [True, False])
def test_records_are_the_days_one_after_the_other(fake: Path, masked: bool) -> None:
    line = records(fake, "noaa18", "2019-10-01", "2019-10-31", masked=masked)
    expected = by_day(fake, "noaa18", masked=masked).isel(record=slice(800))
    assert line.sizes["time"] == 800
    assert np.array_equal(line.time, expected.time)
    assert line.indexes["time"].is_monotonic_increasing
    for name in expected.variables:
        if name == "time":
            continue
        seen = line[name].rename(time="record") if "time" in line[name].dims else line[name]
        assert seen.dims == expected[name].dims
        assert np.array_equal(seen, expected[name], equal_nan=True), name
        assert seen.attrs.keys() == expected[name].attrs.keys(), name
    assert line.attrs == open_archive(fake, "noaa18").attrs


def test_real_records_are_those_of_the_archive(shared: Path, tmp_path: Path) -> None:
    work = ingest(shared / "archive", tmp_path / "w").root
    for satellite, date in (("noaa18", "2019-10-24"), ("noaa19", "2022-10-19")):
        line, expected = records(work, satellite, date, date), by_day(work, satellite)
        assert line.sizes["time"] > 20_000
        for name in ("electron_flux", "L_IGRF", "pitch_angle_foot", "ifc_on"):
            assert np.array_equal(line[name], expected[name], equal_nan=True), name
        assert np.isnan(line.electron_flux.sel(energy=612)).any()


@pytest.mark.parametrize(
    ("start", "stop", "first", "last"),
    [
        ("2019-10-24", "2019-10-24", "2019-10-24", "2019-10-24T23:59:59.999"),
        ("2019-10", "2019", "2019-10-24", "2019-12-31"),
        (dt.date(2019, 10, 24), dt.date(2019, 10, 25), "2019-10-24", "2019-10-25T23:59:59.999"),
        ("2019-10-24T00:01", "2019-10-24T00:03:07", "2019-10-24T00:01", "2019-10-24T00:03:07"),
        ("2019-10-24 02:01+02:00", "2019-10-24T00:03Z", "2019-10-24T00:01", "2019-10-24T00:03"),
        (
            np.datetime64("2019-10-24T00:02"),
            pd.Timestamp("2019-10-25", tz="UTC"),
            "2019-10-24T00:02",
            "2019-10-25",
        ),
        (dt.datetime(2019, 10, 24, 0, 2), "2019-10-25", "2019-10-24T00:02", "2019-10-25T23:59:59"),
    ],
)
def test_times_are_utc_and_both_ends_included(
    fake: Path, start: str, stop: str, first: str, last: str
) -> None:
    time = by_day(fake, "noaa18").time.to_numpy()
    inside = time[(time >= np.datetime64(first)) & (time <= np.datetime64(last))]
    assert inside.size
    assert np.array_equal(records(fake, "noaa18", start, stop).time, inside)


def test_nothing_but_times_is_read_before_it_is_asked_for(
    fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    inner = Stored.read
    monkeypatch.setattr(
        Stored, "read", lambda self, *a: read.append((self.spec.name, a[0])) or inner(self, *a)
    )
    line = records(fake, "noaa18", "2019-10", "2019-10")
    assert set(read) == {("time", 7966), ("time", 7967)}
    read.clear()
    line.electron_flux.sel(time="2019-10-25", energy=612, telescope=0).to_numpy()
    assert read == [("electron_flux", 7967)]


def test_what_cannot_be_is_told(fake: Path) -> None:
    with pytest.raises(
        StoreError, match="has no record of noaa18 from 2012-01-01 to 2012-02-01; it holds 2019"
    ):
        records(fake, "noaa18", "2012-01-01", "2012-02-01")
    with pytest.raises(StoreError, match=r"it holds 2019-10-24 to 2019-12-01"):
        records(fake, "noaa18", "2019-10-25", "2019-10-24")
    for wrong in ("yesterday", "2019-02-31"):
        with pytest.raises(StoreError, match=f"'{wrong}' to '2019' are no times"):
            records(fake, "noaa18", wrong, "2019")
    with pytest.raises(StoreError, match=r"storage options \(anon\) mean nothing to the folder"):
        records(fake, "noaa18", "2019", "2019", storage_options={"anon": True})
    with pytest.raises(SourceError, match=r"needs a library that is not installed|is no address"):
        find_place("nosuch://bucket/WORK")


def test_simulated_records_say_so(tmp_path: Path, fake: Path) -> None:
    from tests.support.labelled import write_days

    work = ingest(write_days(tmp_path / "a", {("noaa18", "2019-10-24"): 60}), tmp_path / "w")
    receipt = work.ledger.require("noaa18", 248)
    assert "simulated" not in records(work.root, "noaa18", "2019", "2019").attrs
    receipt["days"]["2019-10-24"]["simulated"] = True
    work.ledger.commit(receipt)
    assert "simulated" in records(work.root, "noaa18", "2019", "2019").attrs


PARTS = {
    "all": lambda ds: ds,
    "over midnight": lambda ds: ds.sel(time=slice("2019-10-24 00:10", "2019-10-25 00:02")),
    "a flux": lambda ds: ds.electron_flux.sel(energy=612, time="2019-10-25").to_dataset(),
    "every third, by Dask": lambda ds: ds.isel(time=slice(5, 790, 3)).chunk(time=100),
}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("part", PARTS)
def test_any_part_can_be_written_and_is_read_back(fake: Path, tmp_path: Path, kind: str, part: str) -> None:
    ds = PARTS[part](records(fake, "noaa18", "2019", "2019"))
    assert ds.sizes["time"] > 100
    WRITERS[kind](ds, tmp_path / "part")
    with READERS[kind](tmp_path / "part") as back:
        for name in ds.variables:
            if name == "time":  # doubles, which xarray decodes within 1 µs
                assert abs(back[name] - ds[name]).max() < np.timedelta64(2, "us")
            else:
                assert np.array_equal(back[name], ds[name], equal_nan=ds[name].dtype.kind == "f"), name
        assert back[next(iter(ds.data_vars))].attrs["units"] == ds[next(iter(ds.data_vars))].attrs["units"]


# --- lines of made-up days

days_of_records = st.lists(st.integers(0, 5), min_size=1, max_size=4)


@given(days_of_records, st.data())
def test_a_part_of_a_line_is_that_of_the_whole(counts: list[int], data: st.DataObject) -> None:
    rows = np.arange(len(counts) * 2 * 5, dtype=np.float32).reshape(-1, 2, 5)
    stored = Stored(rows, ARCHIVE_ARRAYS["pitch_angle_sat"], np.arange(len(counts)), False)
    line = Line(stored, np.array(counts))
    whole = np.concatenate([rows[k, :, :n] for k, n in enumerate(counts)], axis=1)
    n = whole.shape[1]
    along = data.draw(
        st.one_of(
            st.slices(n),
            *(
                [st.integers(0, n - 1), st.lists(st.integers(0, n - 1), min_size=1).map(np.array)]
                if n
                else []
            ),
        )
    )
    other = data.draw(st.one_of(st.integers(0, 1), st.slices(2), st.just(np.array([1, 0]))))
    assert np.array_equal(line[other, along], outer(whole, (other, along)))
    assert np.array_equal(line[()], whole)
    assert line.shape == whole.shape


# --- elsewhere


def packed(work: Path, target: Path, top: str) -> Path:
    with zipfile.ZipFile(target, "w") as file:
        for path in sorted(work.rglob("*")):
            file.write(path, f"{top}{path.relative_to(work)}")
    return target


def same(found: xr.Dataset, expected: xr.Dataset) -> None:
    xr.testing.assert_identical(found, expected)
    assert found.electron_flux.shape == expected.electron_flux.shape


@pytest.mark.parametrize("top", ["", "WORK/"])
def test_a_zipped_work_reads_the_same(fake: Path, tmp_path: Path, top: str) -> None:
    file = packed(fake, tmp_path / "work.zip", top)
    before = file.read_bytes()
    same(open_archive(file, "noaa18"), open_archive(fake, "noaa18"))
    same(records(file, "noaa18", "2019", "2019"), records(fake, "noaa18", "2019", "2019"))
    assert file.read_bytes() == before


def test_work_in_a_file_system_of_fsspec_reads_the_same(fake: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.put(str(fake), "/remote/WORK", recursive=True)
    try:
        same(open_archive("memory://remote/WORK/archive.zarr", "noaa18"), open_archive(fake, "noaa18"))
        same(
            records("memory://remote/WORK", "noaa18", "2019", "2019"), records(fake, "noaa18", "2019", "2019")
        )
        with pytest.raises(
            StoreError, match=r"there is no 'noaa15' in memory://remote/WORK/archive.zarr; it"
        ):
            open_archive("memory://remote/WORK", "noaa15")
        with pytest.raises(StoreError, match=r"memory://remote is no archive of records"):
            open_archive("memory://remote", "noaa18")
    finally:
        memory.rm("/remote", recursive=True)


def test_work_in_s3_reads_the_same(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.server import ThreadedMotoServer

    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "testing")
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    try:
        options = {"endpoint_url": "http://{}:{}".format(*server.get_host_and_port())}
        bucket = fsspec.filesystem("s3", **options)
        bucket.mkdir("bucket")
        bucket.put(str(fake), "bucket/WORK", recursive=True)
        far = {"storage_options": options}
        expected = records(fake, "noaa18", "2019-10-25", "2019-10-25")
        same(records("s3://bucket/WORK", "noaa18", "2019-10-25", "2019-10-25", **far), expected)
        same(open_archive("s3://bucket/WORK", "noaa18", **far), open_archive(fake, "noaa18"))
    finally:
        server.stop()


def test_work_on_a_web_server_reads_the_same(fake: Path) -> None:
    with NoaaServer(fake) as server:
        address = server.url.rstrip("/")
        same(open_archive(address, "noaa18"), open_archive(fake, "noaa18"))
        same(records(address, "noaa18", "2019", "2019"), records(fake, "noaa18", "2019", "2019"))


class Listing:
    """A file system that lists one address."""

    protocol = ("http", "https")

    def __init__(self, address: str) -> None:
        self.address = address

    def glob(self, _: str) -> list[str]:
        return [self.address]

    def cat_file(self, _: str) -> bytes:
        return b"harmless"


def test_a_listed_name_is_never_written_outside_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "copy"
    for address, written in (("http://h/W/runs/a%3Db/run.json", True), ("http://h/W/runs/..%2F../x", False)):
        near = AtHand(Place("http://h/W", Listing(address), "http://h/W"), inside)
        if written:
            near.need("runs/*/run.json")
            assert (inside / "runs/a=b/run.json").read_bytes() == b"harmless"
        else:
            with pytest.raises(
                StoreError, match="whose name leads out of its folder; nothing of it is written"
            ):
                near.need("runs/*/run.json")
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_lazy_records_can_be_sent_to_a_worker(fake: Path) -> None:
    ds = records(fake, "noaa18", "2019", "2019").chunk(time=100)
    for one in (ds, open_archive(fake, "noaa18")):
        again = pickle.loads(pickle.dumps(one))  # noqa: S301
        assert np.array_equal(again.MLT, one.MLT, equal_nan=True)


def test_a_store_without_a_satellites_days_is_told(fake: Path, tmp_path: Path) -> None:
    work = shutil.copytree(fake, tmp_path / "w")
    shutil.rmtree(work / "archive.zarr/noaa18/record_count/c")
    assert open_archive(work, "noaa18").sizes["day"] == 0
    with pytest.raises(StoreError, match="it holds no day"):
        records(work, "noaa18", "2019", "2019")
    assert open_archive(work, "noaa18", all_days=True).sizes["day"] == schema.DAYS
