"""Reading the archive with xarray: the files' values, sentinels masked or not, lazily."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import h5py
import numpy as np
import pytest
import xarray as xr
import zarr

from reprocess import schema
from reprocess.errors import SourceError, StoreError
from reprocess.ingest.block import ingest_block
from reprocess.ingest.plan import IngestPlan
from reprocess.ingest.reading import fill_calibration_flag
from reprocess.schema.granules import block_of
from reprocess.sources.listing import list_archive
from reprocess.work.archive import open_archive
from reprocess.work.layout import create_store
from reprocess.work.paths import Work
from reprocess.work.store import open_records
from tests.support.fake import granule_path, variables, write_granule
from tests.support.programs import find_program
from tests.support.written import READERS, WRITERS

REAL = (
    ("archive/2019/noaa15/poes_n15_20191024_proc.nc", "noaa15", "2019-10-24"),
    ("archive/2019/noaa18/poes_n18_20191024_proc.nc", "noaa18", "2019-10-24"),
    ("archive/2022/noaa19/poes_n19_20221019_proc.nc", "noaa19", "2022-10-19"),
    ("archive_simulated/2013/metop02/poes_m02_20130601_proc.nc", "metop02", "2013-06-01"),
    ("archive_simulated/2013/metop02/poes_m02_20130602_proc.nc", "metop02", "2013-06-02"),
    ("archive_simulated/2013/noaa15/poes_n15_20130601_proc.nc", "noaa15", "2013-06-01"),
    ("archive_simulated/2013/noaa16/poes_n16_20130531_proc.nc", "noaa16", "2013-05-31"),
)

SENTINELS = {"electron_flux": -999, "L_IGRF": -1}

EVERY_REAL_FILE = pytest.mark.parametrize(
    ("path", "satellite", "date"), REAL, ids=[r[0][-22:-8] for r in REAL]
)


def ingest(root: Path, *archives: Path) -> Path:
    """Ingest whole archives, block by block, and return the store."""
    work = Work(root)
    granules = [g for archive in archives for g in list_archive(str(archive)).granules]
    create_store(work.archive, {g.satellite for g in granules}, schema.ARCHIVE_ARRAYS, "test")
    blocks = {block_of(g) for g in granules}
    for satellite, block in sorted(blocks):
        own = tuple(g for g in granules if g.satellite == satellite and g.day in schema.block_days(block))
        ingest_block(IngestPlan(work.root, satellite, block, own))
    return work.archive


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ingest(tmp_path_factory.mktemp("work"), shared / "archive", shared / "archive_simulated")


@pytest.fixture(scope="module")
def fake(fake_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ingest(tmp_path_factory.mktemp("work"), fake_archive)


@pytest.fixture
def nothing_computes() -> Iterator[None]:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("Dask was asked to compute")

    with dask.config.set(scheduler=refuse):
        yield


def expected_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read a file by itself: every array of a day, in plain loops, its records in file order."""
    found = {}
    with h5py.File(path) as file:
        time = file["time"][()].astype(np.int64)
        assert np.all(np.diff(time) > 0)
        for spec in schema.RECORD_ARRAYS:
            sources = [file[name][()].astype(spec.dtype) for name in spec.sources]
            found[spec.name] = np.array(sources).reshape(*spec.day_shape[:-1], time.size)
    found["ifc_on"] = fill_calibration_flag(found["ifc_on"], time)
    return found


def test_every_shared_file_is_checked(shared: Path) -> None:
    assert {p for p, _, _ in REAL} == {
        str(p.relative_to(shared))
        for p in [*shared.glob("archive/*/*/*.nc"), *shared.glob("archive_simulated/*/*/*.nc")]
    }


@EVERY_REAL_FILE
def test_store_holds_a_real_file_bit_for_bit(
    real: Path, shared: Path, path: str, satellite: str, date: str
) -> None:
    store = open_records(Work(real.parent), satellite)
    day = schema.day_index(date)
    expected = expected_arrays(shared / path)
    count = int(store.read("record_count", day, day + 1)[0])
    assert count == expected["time"].size > 10_000
    for spec in schema.RECORD_ARRAYS:
        rows = store.read(spec.name, day, day + 1)[0]
        assert rows[..., :count].tobytes() == expected[spec.name].tobytes(), spec.name
        padding = rows[..., count:]
        assert padding.tobytes() == np.full_like(padding, spec.fill).tobytes(), spec.name


@EVERY_REAL_FILE
def test_unmasked_archive_is_a_real_file_bit_for_bit(
    real: Path, shared: Path, path: str, satellite: str, date: str
) -> None:
    ds = open_archive(real, satellite, masked=False).sel(day=date)
    expected = expected_arrays(shared / path)
    count = int(ds.record_count)
    for name, values in expected.items():
        seen = ds[name].to_numpy()[..., :count]
        seen = seen.astype("datetime64[ms]").astype(np.int64) if name == "time" else seen
        assert seen.dtype == values.dtype, name
        assert seen.tobytes() == values.tobytes(), name


@EVERY_REAL_FILE
def test_masked_archive_is_nan_exactly_where_the_sentinels_are(
    real: Path, shared: Path, path: str, satellite: str, date: str
) -> None:
    ds = open_archive(real, satellite).sel(day=date)
    expected = expected_arrays(shared / path)
    count = int(ds.record_count)
    assert count == expected["time"].size
    for name, values in expected.items():
        if values.dtype != np.float32:
            continue
        seen = ds[name].to_numpy()
        sentinel = values == SENTINELS.get(name, np.inf)
        assert np.array_equal(np.isnan(seen[..., :count]), sentinel), name
        assert seen[..., :count][~sentinel].tobytes() == values[~sentinel].tobytes(), name
        assert np.isnan(seen[..., count:]).all(), name
    assert (expected["electron_flux"] == -999).any()
    assert (expected["L_IGRF"] == -1).any()
    outside = expected["pitch_angle_foot"] == -1
    assert np.array_equal(ds.pitch_angle_foot.to_numpy()[:, :count] == -1, outside)
    assert outside.any() or "simulated" in path, "an axis outside the loss cone is not missing"


def test_masked_archive_is_nan_where_values_are_no_measurement(tmp_path: Path) -> None:
    content = variables("noaa18", "2019-10-24", n=60)
    content["mep_ele_tel90_flux_e2"][10] = 9.96921e36
    content["mep_ele_tel0_flux_e4"][11:13] = [np.inf, -5]
    content["L_IGRF"][20:22] = [np.inf, 9.96921e36]
    write_granule(granule_path(tmp_path / "a", "noaa18", "2019-10-24"), content)
    store = ingest(tmp_path / "w", tmp_path / "a")
    masked, plain = (
        open_archive(store, "noaa18", masked=m).sel(day="2019-10-24").isel(record=slice(60))
        for m in (True, False)
    )
    for name, places in {
        "electron_flux": [(1, 1, 10), (0, 3, 11), (0, 3, 12)],
        "L_IGRF": [(20,), (21,)],
    }.items():
        seen, stored = masked[name], plain[name].to_numpy()
        missing = stored == SENTINELS[name]
        for place in places:
            missing[place] = True
        assert np.array_equal(np.isnan(seen), missing)
        assert np.array_equal(seen.to_numpy()[~missing], stored[~missing])
        assert (seen.dims, seen.dtype) == (plain[name].dims, np.float32)
        assert seen.attrs["units"] == plain[name].attrs["units"]
    assert np.isinf(plain.L_IGRF[20])


@EVERY_REAL_FILE
def test_plain_xarray_decodes_day_and_time(
    real: Path, shared: Path, path: str, satellite: str, date: str
) -> None:
    with xr.open_zarr(real, group=satellite, consolidated=False) as ds:
        day = ds.sel(day=date)
        count = int(day.record_count)
        time = expected_arrays(shared / path)["time"]
        assert np.array_equal(day.time.to_numpy()[:count].astype("datetime64[ms]").astype(np.int64), time)
        assert np.isnat(day.time.to_numpy()[count:]).all()
        assert np.all(day.time.to_numpy()[:count].astype("datetime64[D]") == np.datetime64(date))
        assert np.issubdtype(ds.day.dtype, np.datetime64)


@pytest.mark.parametrize("masked", [True, False])
def test_times_lie_in_their_day(fake: Path, masked: bool) -> None:
    day = open_archive(fake, "noaa18", masked=masked).sel(day="2019-10-25")
    time = day.time.to_numpy()
    assert np.all(time[:400].astype("datetime64[D]") == np.datetime64("2019-10-25"))
    assert np.isnat(time[400:]).all()


@pytest.mark.parametrize("masked", [True, False])
def test_opening_and_selecting_is_lazy(fake: Path, masked: bool, nothing_computes: None) -> None:
    day = open_archive(fake, "noaa18", masked=masked).sel(day="2019-10-24", energy=612, telescope=0)
    assert day.electron_flux.shape == (schema.RECORDS,)
    for name in schema.ARCHIVE_ARRAYS:
        assert day[name].chunks is not None, name
    with pytest.raises(AssertionError, match="Dask was asked to compute"):
        day.electron_flux.to_numpy()


@pytest.mark.parametrize("masked", [True, False])
def test_every_array_of_records_has_one_chunk_per_day(fake: Path, masked: bool) -> None:
    ds = open_archive(fake, "noaa18", masked=masked)
    for spec in schema.ARCHIVE_ARRAYS.values():
        chunks = ds[spec.name].chunks
        assert chunks is not None
        assert chunks[0] == ((1, 1, 1) if "record" in spec.dims else (3,)), spec.name
        assert all(len(c) == 1 for c in chunks[1:]), spec.name


def test_days_are_dates_and_a_range_of_them_can_be_selected(fake: Path) -> None:
    found = open_archive(fake, "noaa18")
    assert found.day.dt.strftime("%F").values.tolist() == ["2019-10-24", "2019-10-25", "2019-12-01"]
    assert found.sel(day=slice("2019-10-23", "2019-10-24")).record_count.to_numpy().tolist() == [400]
    ds = open_archive(fake, "noaa18", all_days=True)
    assert ds.day.to_numpy()[[0, -1]].astype("datetime64[D]").astype(str).tolist() == [
        "1998-01-01",
        "2029-12-31",
    ]
    assert ds.sel(day=slice("2019-10-23", "2019-10-26")).record_count.to_numpy().tolist() == [
        -1,
        400,
        400,
        -1,
    ]


def test_plain_xarray_and_open_archive_agree(fake: Path) -> None:
    ours = open_archive(fake, "noaa18").sel(day=slice("2019-10-24", "2019-10-25"))
    with xr.open_zarr(fake, group="noaa18", consolidated=False) as plain:
        theirs = plain.sel(day=slice("2019-10-24", "2019-10-25"))
        for name in ("electron_flux", "L_IGRF", "MLT", "pitch_angle_foot", "latitude", "time"):
            left = ours[name].transpose(*theirs[name].dims).to_numpy()
            assert np.array_equal(left, theirs[name].to_numpy(), equal_nan=True), name
            assert not np.all(np.isnat(left) if name == "time" else np.isnan(left)), name


@pytest.mark.parametrize("masked", [True, False])
def test_dimensions_keep_the_order_of_the_contract(fake: Path, masked: bool) -> None:
    ds = open_archive(fake, "noaa18", masked=masked)
    coordinates = {"time", "latitude", "longitude"}
    assert set(ds.coords) == {"day", "telescope", "energy", "channel"} | coordinates
    assert list(ds.data_vars) == [name for name in schema.ARCHIVE_ARRAYS if name not in coordinates]
    for spec in schema.ARCHIVE_ARRAYS.values():
        assert ds[spec.name].dims == spec.dims


def test_flux_is_selected_by_energy_and_telescope(fake: Path) -> None:
    ds = open_archive(fake, "noaa18", masked=False)
    picked = ds.electron_flux.sel(day="2019-10-24", telescope=90, energy=612).to_numpy()[:400]
    stored = open_records(Work(fake.parent), "noaa18").read("electron_flux", 7966, 7967)[0, 1, 3, :400]
    assert np.array_equal(picked, stored)
    assert np.count_nonzero(picked == -999) == 8


def test_units_stay_and_only_masked_arrays_lose_their_sentinel(fake: Path) -> None:
    masked, raw = (open_archive(fake, "noaa18", masked=m) for m in (True, False))
    for name in schema.ARCHIVE_ARRAYS:
        assert masked[name].attrs["long_name"] == schema.ARCHIVE_ARRAYS[name].attrs["long_name"]
    assert masked.electron_flux.attrs["units"] == raw.electron_flux.attrs["units"] == "cm-2 s-1 sr-1"
    assert raw.electron_flux.attrs["missing_value"] == -999
    assert "missing_value" not in masked.electron_flux.attrs
    assert not {"units", "calendar", "missing_value"} & raw.time.attrs.keys()  # it is decoded


def test_dtypes_are_those_stored(fake: Path) -> None:
    for masked in (True, False):
        ds = open_archive(fake, "noaa18", masked=masked)
        for name, spec in schema.ARCHIVE_ARRAYS.items():
            assert ds[name].dtype == ("datetime64[ms]" if name == "time" else spec.dtype), name


def test_path_may_be_text(fake: Path) -> None:
    xr.testing.assert_identical(open_archive(str(fake), "metop01"), open_archive(fake, "metop01"))


def test_the_folder_around_the_archive_is_as_good(fake: Path) -> None:
    xr.testing.assert_identical(open_archive(fake.parent, "noaa18"), open_archive(fake, "noaa18"))


def test_a_store_whose_attributes_call_a_pitch_angle_missing_is_read_as_one_of_today(
    fake: Path, tmp_path: Path
) -> None:
    old = shutil.copytree(fake, tmp_path / "old")
    file = old / "noaa18/pitch_angle_foot/zarr.json"
    metadata = json.loads(file.read_text())
    metadata["attributes"] = {"units": "degree", "long_name": "pitch angle", "missing_value": -1.0}
    file.write_text(json.dumps(metadata))
    xr.testing.assert_identical(
        open_archive(old, "noaa18").sel(day="2019-10-24"), open_archive(fake, "noaa18").sel(day="2019-10-24")
    )


def test_what_is_no_archive_or_lacks_the_satellite_is_told_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no satellite 'sputnik'; their names are noaa15, "):
        open_archive(tmp_path, "sputnik")
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:9/w"):  # nothing listens there
        open_archive("http://127.0.0.1:9/w", "noaa18")
    with pytest.raises(StoreError, match=r"is no archive of records; give WORK, or WORK/archive\.zarr"):
        open_archive(tmp_path, "noaa18")
    create_store(tmp_path / "archive.zarr", ["noaa15"], {}, "t")
    for path in (tmp_path, tmp_path / "archive.zarr"):
        with pytest.raises(StoreError, match=r"there is no 'noaa18' in .*archive\.zarr; it holds noaa15"):
            open_archive(path, "noaa18")
    with pytest.raises(StoreError, match=r"archive.zarr/noaa15/time is missing: .* not copied whole"):
        open_archive(tmp_path, "noaa15")


# --- parts written for other programs

PARTS = {
    "everything": lambda ds: ds,
    "days": lambda ds: ds.sel(day=slice("2019-10-23", "2019-10-25")),
    "days over blocks": lambda ds: ds.sel(day=slice("2019-09-22", "2019-09-26")),
    "a day": lambda ds: ds.sel(day="2019-10-24"),
    "an odd piece": lambda ds: ds[["L_IGRF", "ifc_on"]].isel(day=[1, 0], record=slice(3, 398, 7)),
    "an energy over blocks": lambda ds: ds.electron_flux.sel(
        day=slice("2019-08-20", "2019-10-25"), energy=612, telescope=0
    ).to_dataset(),
    "an energy": lambda ds: ds.sel(day="2019-10-24", energy=612, telescope=0),
    "an array": lambda ds: ds.electron_flux.sel(day="2019-10-24", energy=[40, 612]).to_dataset(),
}


@pytest.mark.parametrize(
    ("case", "kind", "masked"),
    [
        *((case, "zarr", True) for case in PARTS),
        *(("a day", kind, masked) for kind in ("classic", "netcdf4") for masked in (True, False)),
        ("a day", "zarr", False),
        ("days over blocks", "netcdf4", True),
    ],
)
def test_any_part_can_be_written_and_is_read_back(
    fake: Path, case: str, kind: str, masked: bool, tmp_path: Path
) -> None:
    part = PARTS[case](open_archive(fake, "noaa18", masked=masked))
    WRITERS[kind](part, tmp_path / "part")
    with READERS[kind](tmp_path / "part") as again:
        assert set(again.variables) == set(part.variables)
        assert set(again.coords) == set(part.coords)
        for name in part.variables:
            expected, found = part[name].to_numpy(), again[name].to_numpy()
            assert again[name].attrs.get("long_name") == part[name].attrs.get("long_name")
            if name == "time":  # xarray makes nanoseconds of doubles, whose last digits are lost
                assert np.array_equal(np.isnat(found), np.isnat(expected))
                assert (abs(found - expected)[~np.isnat(found)] < np.timedelta64(1, "us")).all()
            elif not masked and expected.dtype.kind == "f" and "missing_value" in part[name].attrs:
                sentinel = expected == part[name].attrs["missing_value"]  # which xarray masks
                assert np.array_equal(found, np.where(sentinel, np.nan, expected), equal_nan=True), name
            else:
                assert np.array_equal(found, expected, equal_nan=expected.dtype.kind == "f"), name


def test_a_part_says_what_it_is_and_passes_the_compliance_checker(fake: Path, tmp_path: Path) -> None:
    part = open_archive(fake, "noaa18").sel(day=slice("2019-10-24", "2019-10-25"))
    assert part.attrs["Conventions"] == "CF-1.11, ACDD-1.3"
    assert part.attrs["platform"] == "NOAA-18"
    assert part.latitude.attrs["standard_name"] == "latitude"
    WRITERS["netcdf4"](part.drop_vars(["foot_latitude", "foot_longitude"]), tmp_path / "part.nc")
    words = [find_program("compliance-checker"), "--test=cf:1.11", tmp_path / "part.nc"]
    told = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    complaints = [line for line in told.splitlines() if line.startswith("* ")]
    # Days are to the left of telescopes, energies and records, and no dimension is a place.
    assert [line for line in complaints if "not in the recommended order" not in line] == []
    assert "Errors" not in told


def test_cdo_reads_the_days_of_a_part(fake: Path, tmp_path: Path) -> None:
    part = open_archive(fake, "noaa18").sel(day=slice("2019-10-24", "2019-10-25"))
    WRITERS["classic"](part[["MLT", "record_count"]], tmp_path / "part.nc")
    words = [find_program("cdo"), "-s", "showdate", tmp_path / "part.nc"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2019-10-24", "2019-10-25"]


def test_a_day_of_one_flux_reads_no_other_day(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    inner = zarr.Array.__getitem__

    def note(self: zarr.Array, selection: Any) -> Any:
        read.append((self.basename, selection))
        return inner(self, selection)

    ds = open_archive(fake, "noaa18")
    monkeypatch.setattr(zarr.Array, "__getitem__", note)
    ds.electron_flux.sel(day="2019-10-24", telescope=0, energy=612).to_numpy()
    assert read == [("electron_flux", 7966)]
