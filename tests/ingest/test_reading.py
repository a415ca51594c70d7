"""One NOAA file to records: what is kept, what is dropped, what is refused and why."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from reprocess import schema
from reprocess.errors import GranuleError
from reprocess.ingest.reading import LARGEST_IN_FILE, Records, fill_calibration_flag, read_records
from tests.support.fake import variables, write_granule

SATELLITE, DATE = "noaa18", "2019-10-24"
DAY = 7966
MIDNIGHT = int(np.datetime64(DATE, "ms").astype(np.int64))
N = 400

REAL = (
    ("archive/2019/noaa15/poes_n15_20191024_proc.nc", "noaa15", 7966),
    ("archive/2019/noaa18/poes_n18_20191024_proc.nc", "noaa18", 7966),
    ("archive/2022/noaa19/poes_n19_20221019_proc.nc", "noaa19", 9057),
    ("archive_simulated/2013/noaa16/poes_n16_20130531_proc.nc", "noaa16", 5629),
    ("archive_simulated/2013/metop02/poes_m02_20130602_proc.nc", "metop02", 5631),
)

Content = dict[str, np.ndarray]
Edit = Callable[[h5py.File], None]


@pytest.fixture
def content() -> Content:
    return variables(SATELLITE, DATE, N)


@pytest.fixture
def read(tmp_path: Path) -> Callable[[Content], Records]:
    def read(content: Content) -> Records:
        return read_records(write_granule(tmp_path / "x.nc", content).read_bytes(), SATELLITE, DAY)

    return read


@pytest.fixture
def edited(tmp_path: Path, content: Content) -> Callable[[Edit], bytes]:
    """Return the bytes of a good file after something was done to it."""

    def edited(edit: Edit) -> bytes:
        path = write_granule(tmp_path / "x.nc", content)
        with h5py.File(path, "a") as file:
            edit(file)
        return path.read_bytes()

    return edited


@pytest.fixture
def good(tmp_path: Path, content: Content) -> bytes:
    return write_granule(tmp_path / "good.nc", content).read_bytes()


def rows(spec: schema.ArraySpec, content: Content) -> np.ndarray:
    """Stack the sources of an array in the plain order of its dimensions."""
    n = content["time"].size
    return np.array([content[s] for s in spec.sources]).reshape(*spec.day_shape[:-1], n)


def take(content: Content, index: np.ndarray) -> Content:
    return {name: values[index] for name, values in content.items()}


def refused(data: bytes, satellite: str = SATELLITE, day: int = DAY) -> GranuleError:
    with pytest.raises(GranuleError) as error:
        read_records(data, satellite, day)
    assert error.value.reason in schema.REASONS
    assert str(error.value) == f"{error.value.reason}: {error.value.detail}"
    return error.value


def test_good_file_is_kept_bit_for_bit(read: Callable, content: Content) -> None:
    records = read(content)
    assert records.count == records.in_file == N
    assert (records.outside_day, records.duplicates, records.reordered) == (0, 0, False)
    assert list(records.arrays) == [spec.name for spec in schema.RECORD_ARRAYS]
    for spec in schema.RECORD_ARRAYS:
        assert records.arrays[spec.name].dtype == spec.dtype
        if spec.name != "ifc_on":
            assert records.arrays[spec.name].tobytes() == rows(spec, content).astype(spec.dtype).tobytes()


def test_sentinels_stay_as_they_are(read: Callable, content: Content) -> None:
    arrays = read(content).arrays
    assert np.count_nonzero(arrays["L_IGRF"] == -1) == 5
    assert np.count_nonzero(arrays["electron_flux"][1, 3] == -999) == N // 50


@pytest.mark.parametrize(("path", "satellite", "day"), REAL)
def test_real_file_is_kept_bit_for_bit(shared: Path, path: str, satellite: str, day: int) -> None:
    records = read_records((shared / path).read_bytes(), satellite, day)
    with h5py.File(shared / path) as file:
        assert records.count == records.in_file == file["time"].size > 10_000
        for spec in schema.RECORD_ARRAYS:
            flat = records.arrays[spec.name].reshape(-1, records.count)
            for row, source in zip(flat, spec.sources, strict=True):
                expected = file[source][()].astype(spec.dtype)
                if spec.name == "ifc_on":
                    expected, row = expected[expected >= 0], row[expected >= 0]
                assert row.tobytes() == expected.tobytes(), source


def test_file_with_unreadable_global_attributes_is_read(shared: Path) -> None:
    path, satellite, day = REAL[0]
    with h5py.File(shared / path) as file, pytest.raises((OSError, RuntimeError)):
        dict(file.attrs)
    assert read_records((shared / path).read_bytes(), satellite, day).count == 11_827


def test_real_calibration_lasts_384_seconds(shared: Path) -> None:
    path, satellite, day = REAL[2]
    arrays = read_records((shared / path).read_bytes(), satellite, day).arrays
    on = np.flatnonzero(arrays["ifc_on"] == 1)
    assert on.size == 192
    assert np.all(np.diff(on) == 1)
    start = arrays["time"][on[0]].astype("datetime64[ms]")
    assert start.astype("datetime64[s]") == np.datetime64("2022-10-19T07:12:48")
    assert np.flatnonzero(arrays["ifc_on"] == -1).tolist() == list(range(8))


def test_shuffled_records_are_sorted_by_time(read: Callable, content: Content) -> None:
    order = np.random.default_rng(3).permutation(N)
    assert np.any(np.diff(order) < 0)
    shuffled = read(take(content, order))
    assert shuffled.reordered
    assert shuffled.duplicates == shuffled.outside_day == 0
    for name, expected in read(content).arrays.items():
        assert shuffled.arrays[name].tobytes() == expected.tobytes(), name


def test_repeated_times_keep_the_first_record_in_the_file(read: Callable, content: Content) -> None:
    content["time"][10:13] = content["time"][10]
    content["lat"][10:13] = [1, 2, 3]
    records = read(content)
    assert (records.in_file, records.count, records.duplicates) == (N, N - 2, 2)
    assert records.arrays["latitude"][10] == 1
    assert records.arrays["latitude"][11] == content["lat"][13]
    assert np.all(np.diff(records.arrays["time"]) > 0)


def test_records_of_other_days_are_dropped_and_counted(read: Callable, content: Content) -> None:
    content["time"][0] = MIDNIGHT - 1
    content["time"][-1] = MIDNIGHT + 86_400_000
    records = read(content)
    assert (records.in_file, records.outside_day, records.duplicates, records.count) == (N, 2, 0, N - 2)
    assert records.arrays["latitude"].tobytes() == content["lat"][1:-1].tobytes()


def test_first_and_last_millisecond_belong_to_the_day(read: Callable, content: Content) -> None:
    content["time"][0] = MIDNIGHT
    content["time"][-1] = MIDNIGHT + 86_399_999
    records = read(content)
    assert (records.count, records.outside_day) == (N, 0)
    assert records.arrays["time"][[0, -1]].tolist() == [MIDNIGHT, MIDNIGHT + 86_399_999]


def test_fill_value_of_time_is_a_stray_not_a_crash(read: Callable, content: Content) -> None:
    content["time"][[5, 9]] = 2**64 - 1, 2**63
    records = read(content)
    assert (records.outside_day, records.count) == (2, N - 2)


def test_every_record_of_the_file_is_accounted_for(read: Callable, content: Content) -> None:
    content["time"][:30] -= 86_400_000
    content["time"][100:120] = content["time"][100]
    records = read(take(content, np.random.default_rng(1).permutation(N)))
    assert records.in_file == records.count + records.outside_day + records.duplicates
    assert (records.outside_day, records.duplicates) == (30, 19)


def test_half_of_the_records_outside_the_day_are_still_dropped(read: Callable, content: Content) -> None:
    content["time"][: N // 2] -= 86_400_000
    assert read(content).count == N // 2


def test_more_than_half_outside_the_day_is_a_wrong_date(tmp_path: Path, content: Content) -> None:
    content["time"][: N // 2 + 1] -= 86_400_000
    error = refused(write_granule(tmp_path / "x.nc", content).read_bytes())
    assert error.reason == "wrong_date"
    assert "201 of 400 records are not on 2019-10-24" in error.detail
    assert "2019-10-23T00:00:00.500" in error.detail


def test_file_of_another_day_is_a_wrong_date(good: bytes) -> None:
    error = refused(good, day=DAY + 1)
    assert error.reason == "wrong_date"
    assert "400 of 400 records are not on 2019-10-25" in error.detail


def test_web_page_saved_under_the_name_is_not_hdf5() -> None:
    error = refused(b"<!DOCTYPE html>\n<html><title>503 Service Unavailable</title></html>\n")
    assert error.reason == "not_hdf5"
    assert "<!DOCTYPE html>" in error.detail


@pytest.mark.parametrize("data", [b"CDF\x01 classic netCDF", b"\x89HDF\r\n", b'{"error": "slow down"}'])
def test_bytes_without_the_signature_are_not_hdf5(data: bytes) -> None:
    assert refused(data).reason == "not_hdf5"


def cut_points(size: int) -> list[int]:
    return [8, 9, 48, 96, 512, 2048, *(int(size * f) for f in np.arange(0.1, 1, 0.1)), size - 100, size - 1]


def test_file_cut_anywhere_is_truncated(good: bytes) -> None:
    cuts = cut_points(len(good))
    assert len(cuts) > 15
    for cut in cuts:
        error = refused(good[:cut])
        assert error.reason == "truncated", cut
        assert error.detail.startswith(f"the file ends after {cut} bytes, its superblock ")


@pytest.mark.parametrize("data", [b"", bytes(100), bytes(2_000_000)])
def test_empty_or_never_filled_file_is_truncated(data: bytes) -> None:
    assert refused(data).reason == "truncated"


@pytest.mark.parametrize("file", [0, 1, 2])
@pytest.mark.parametrize("kept", [48, 512, 4096, 30_000, 0.25, 0.5, 0.9])
def test_download_that_was_reserved_and_not_filled_is_truncated(shared: Path, file: int, kept: float) -> None:
    path, satellite, day = REAL[file]
    data = (shared / path).read_bytes()
    size = int(kept * len(data)) if kept < 1 else int(kept)
    error = refused(data[:size] + bytes(len(data) - size), satellite, day)
    assert error.reason == "truncated"
    assert len(error.detail) < 250


@pytest.mark.parametrize("at", [48, 512, 2048, 10_000, 50_000, 100_000])
def test_hole_in_the_metadata_is_damage_and_no_missing_variable(shared: Path, at: int) -> None:
    path, satellite, day = REAL[0]
    data = (shared / path).read_bytes()
    assert refused(data[:at] + bytes(16_384) + data[at + 16_384 :], satellite, day).reason == "truncated"


def test_real_damaged_days_are_truncated(shared: Path) -> None:
    paths = sorted((shared / "archive_damaged").rglob("*.nc"))
    assert len(paths) == 2
    for path in paths:
        satellite, date = path.parent.name, path.name[9:17]
        error = refused(path.read_bytes(), satellite, f"{date[:4]}-{date[4:6]}-{date[6:]}")
        assert error.reason == "truncated"
        assert f"the file ends after {path.stat().st_size} bytes, its superblock says 6" in error.detail


def test_many_missing_variables_are_counted(edited: Callable) -> None:
    def remove(file: h5py.File) -> None:
        for name in schema.PROTON_VARIABLES:
            del file[name]

    error = refused(edited(remove))
    assert error.reason == "missing_variable"
    assert error.detail.endswith(" and 7 more")


@pytest.mark.parametrize("fraction", [0.01, 0.3, 0.7, 0.999])
def test_real_file_cut_on_the_way_is_truncated(shared: Path, fraction: float) -> None:
    path, satellite, day = REAL[1]
    data = (shared / path).read_bytes()
    assert refused(data[: int(len(data) * fraction)], satellite, day).reason == "truncated"


def flip_middle_of_chunk(path: Path, variable: str) -> bytes:
    with h5py.File(path) as file:
        chunk = file[variable].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    assert chunk.size > 16
    middle = chunk.byte_offset + chunk.size // 2
    data[middle : middle + 8] = bytes(b ^ 0xFF for b in data[middle : middle + 8])
    return bytes(data)


@pytest.mark.parametrize("variable", ["time", "lat", "mep_ele_tel90_flux_e4"])
def test_bytes_flipped_in_the_middle_of_a_chunk_are_found(
    tmp_path: Path, content: Content, variable: str
) -> None:
    damaged = flip_middle_of_chunk(write_granule(tmp_path / "x.nc", content), variable)
    assert refused(damaged).reason == "truncated"


def test_bytes_flipped_in_a_real_file_are_found(shared: Path) -> None:
    path, satellite, day = REAL[1]
    damaged = flip_middle_of_chunk(shared / path, "mep_pro_tel0_flux_p1")
    assert refused(damaged, satellite, day).reason == "truncated"


@pytest.mark.parametrize("name", ["time", "satID", "mep_ele_tel0_flux_e1", "Btot_foot"])
def test_missing_variable_is_named(edited: Callable, name: str) -> None:
    def remove(file: h5py.File) -> None:
        del file[name]

    error = refused(edited(remove))
    assert (error.reason, error.detail) == ("missing_variable", f"no {name}")


def test_all_missing_variables_are_named(edited: Callable) -> None:
    def remove(file: h5py.File) -> None:
        del file["lat"], file["MLT"]

    assert refused(edited(remove)).detail == "no lat, MLT"


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("lat", "float64"), ("time", "int64"), ("satID", "int16"), ("mep_IFC_on", "uint8"), ("MLT", ">f4")],
)
def test_wrong_dtype_is_named_with_the_expected_one(
    tmp_path: Path, content: Content, name: str, dtype: str
) -> None:
    expected = content[name].dtype
    content[name] = content[name].astype(dtype)
    error = refused(write_granule(tmp_path / "x.nc", content).read_bytes())
    assert (error.reason, error.detail) == (
        "wrong_dtype",
        f"{name} is {np.dtype(dtype)}, expected {expected}",
    )


@pytest.mark.parametrize("length", [0, 1, N - 1, N + 1])
def test_unequal_length_is_named_with_both(tmp_path: Path, content: Content, length: int) -> None:
    content["L_IGRF"] = np.resize(content["L_IGRF"], length)
    error = refused(write_granule(tmp_path / "x.nc", content).read_bytes())
    assert error.reason == "unequal_length"
    assert error.detail == f"L_IGRF has shape ({length},), time has ({N},)"


def replace_by(name: str, value: object) -> Edit:
    def edit(file: h5py.File) -> None:
        del file[name]
        file[name] = value

    return edit


@pytest.mark.parametrize("value", [np.float32(3), np.ones((N, 1), np.float32)], ids=["scalar", "matrix"])
def test_variable_of_another_rank_is_of_unequal_length(edited: Callable, value: object) -> None:
    error = refused(edited(replace_by("lat", value)))
    assert error.reason == "unequal_length"
    assert "lat" in error.detail


def test_file_in_which_all_variables_are_matrices_is_refused(tmp_path: Path, content: Content) -> None:
    path = tmp_path / "x.nc"
    with h5py.File(path, "w") as file:
        for name, values in content.items():
            file[name] = values[:, np.newaxis]
    assert refused(path.read_bytes()).reason == "unequal_length"


def test_variable_without_values_has_no_dtype_that_fits(edited: Callable) -> None:
    assert refused(edited(replace_by("lat", h5py.Empty("f4")))).reason == "wrong_dtype"


def test_dangling_link_in_place_of_a_variable_is_a_missing_variable(edited: Callable) -> None:
    assert refused(edited(replace_by("lat", h5py.SoftLink("/nowhere")))).reason == "missing_variable"


def test_text_in_place_of_a_variable_is_refused(edited: Callable) -> None:
    assert "lat" in refused(edited(replace_by("lat", "text"))).detail


def test_group_in_place_of_a_variable_is_refused(edited: Callable) -> None:
    def edit(file: h5py.File) -> None:
        del file["lat"]
        file.create_group("lat")

    assert "lat" in refused(edited(edit)).detail


def test_named_type_in_place_of_a_variable_is_refused(edited: Callable) -> None:
    assert "lat" in refused(edited(replace_by("lat", np.dtype("float32")))).detail


def test_damaged_type_of_a_variable_is_refused(tmp_path: Path, content: Content) -> None:
    path = write_granule(tmp_path / "x.nc", content)
    data = path.read_bytes()
    float32 = bytes([23, 8, 0, 23, 127, 0, 0, 0])  # exponent, mantissa and bias as HDF5 describes them
    assert data.count(float32) >= 20
    damaged = data.replace(float32, bytes([23, 8, 0, 23, 127, 0, 99, 0]))
    assert refused(damaged).reason in {"truncated", "wrong_dtype"}


def test_length_that_no_machine_could_hold_is_refused_before_it_is_read(
    tmp_path: Path, content: Content
) -> None:
    path = tmp_path / "x.nc"
    with h5py.File(path, "w") as file:
        for name, values in content.items():
            file.create_dataset(name, (2**50,), values.dtype, chunks=(N,), fillvalue=1)
    error = refused(path.read_bytes())
    assert error.reason == "too_many_records"
    assert error.detail.startswith(f"{2**50} records in a file, {LARGEST_IN_FILE} at most")


def store_half(file: h5py.File) -> None:
    values = file["lat"][()]
    del file["lat"]
    half = file.create_dataset("lat", values.shape, values.dtype, chunks=(N // 4,))
    half[: N // 2] = values[: N // 2]


def store_nothing(file: h5py.File) -> None:
    del file["lat"]
    file.create_dataset("lat", (N,), "float32")


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (store_half, "no record of lat from 200 on is in the file"),
        (store_nothing, "no value of lat is"),
    ],
)
def test_values_that_are_not_in_the_file_are_not_taken_for_zeros(
    edited: Callable, edit: Edit, told: str
) -> None:
    error = refused(edited(edit))
    assert error.reason == "truncated"
    assert error.detail.startswith(told)


def test_compressed_bytes_that_are_called_plain_are_not_taken_for_values(edited: Callable) -> None:
    def call_plain(file: h5py.File) -> None:
        _, chunk = file["lat"].id.read_direct_chunk((0,))
        del file["lat"]
        lat = file.create_dataset("lat", (N,), "float32", chunks=(N,), compression="gzip", shuffle=True)
        lat.id.write_direct_chunk((0,), chunk, filter_mask=0b11)

    error = refused(edited(call_plain))
    assert error.reason == "truncated"
    assert error.detail.endswith(f"bytes of lat are called {4 * N} not compressed")


def index_of(path: Path, name: str) -> tuple[bytearray, int]:
    """Return the bytes of a file, and where its index has the size of the only chunk of a variable."""
    with h5py.File(path) as file:
        chunk = file[name].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    size, address = chunk.size.to_bytes(4, "little"), chunk.byte_offset.to_bytes(8, "little")
    place = data.index(size + bytes(4 + 8 + 8) + address)  # filter mask, offsets of record and byte
    return data, place


def test_chunk_larger_than_the_file_is_refused_before_it_is_read(tmp_path: Path, content: Content) -> None:
    data, place = index_of(write_granule(tmp_path / "x.nc", content), "lat")
    data[place : place + 4] = (2**32 - 1).to_bytes(4, "little")
    error = refused(bytes(data))
    assert error.reason == "truncated"
    assert error.detail == f"lat is said to have {2**32 - 1} bytes, more than the file"


def test_values_shuffled_as_those_of_another_size_are_refused(good: bytes) -> None:
    shuffle, wrong = (b"shuffle\0" + size.to_bytes(4, "little") for size in (4, 4 + 2**20))
    assert good.count(shuffle) > 20
    error = refused(good.replace(shuffle, wrong, 1))
    assert error.reason == "truncated"
    assert error.detail.endswith(f"has 4 bytes a value and is shuffled as ({4 + 2**20},)")


def test_values_that_do_not_compress_are_stored_and_read_plain(edited: Callable, content: Content) -> None:
    def store_plain(file: h5py.File) -> None:
        file["lat"].id.write_direct_chunk((0,), content["lat"].tobytes(), filter_mask=0b11)

    records = read_records(edited(store_plain), SATELLITE, DAY)
    assert records.arrays["latitude"].tobytes() == content["lat"].tobytes()


def test_variable_never_written_is_the_fill_value_that_it_declares(edited: Callable) -> None:
    def declare(file: h5py.File) -> None:
        del file["Btot_foot"]
        file.create_dataset("Btot_foot", (N,), "float32", chunks=(N,), fillvalue=np.float32(9.96921e36))

    records = read_records(edited(declare), SATELLITE, DAY)
    assert np.all(records.arrays["B_foot"] == np.float32(9.96921e36))


def test_file_without_records_is_refused(tmp_path: Path, content: Content) -> None:
    error = refused(write_granule(tmp_path / "x.nc", take(content, np.arange(0))).read_bytes())
    assert error.reason == "zero_records"
    assert "are empty" in error.detail


def test_one_record_is_a_day(read: Callable, content: Content) -> None:
    assert read(take(content, np.arange(1))).count == 1


@pytest.mark.parametrize("position", [0, N // 2, N - 1])
def test_a_single_foreign_satellite_number_is_refused(
    tmp_path: Path, content: Content, position: int
) -> None:
    content["satID"][position] = 8
    error = refused(write_granule(tmp_path / "x.nc", content).read_bytes())
    assert error.reason == "wrong_satellite"
    assert error.detail == "satID is [7, 8], expected 7 for noaa18"


def test_file_of_another_satellite_is_refused(good: bytes) -> None:
    error = refused(good, satellite="metop01")
    assert (error.reason, error.detail) == ("wrong_satellite", "satID is [7], expected 11 for metop01")


def long_day(n: int) -> Content:
    content = variables(SATELLITE, DATE, n)
    content["time"] = (MIDNIGHT + 1990 * np.arange(n)).astype(np.uint64)
    return content


def test_day_fills_the_record_axis_exactly(read: Callable) -> None:
    assert read(long_day(schema.RECORDS)).count == schema.RECORDS


def test_one_record_more_than_the_axis_holds_is_refused(tmp_path: Path) -> None:
    error = refused(write_granule(tmp_path / "x.nc", long_day(schema.RECORDS + 1)).read_bytes())
    assert error.reason == "too_many_records"
    assert error.detail == "43401 records in a day, 43400 at most"


def test_duplicates_do_not_count_as_too_many_records(read: Callable) -> None:
    content = long_day(schema.RECORDS)
    doubled = take(content, np.r_[0:10, 0 : schema.RECORDS])
    records = read(doubled)
    assert (records.count, records.duplicates) == (schema.RECORDS, 10)


@pytest.mark.parametrize("value", [-999.0, -1e31, 9.96921e36, np.nan])
@pytest.mark.parametrize(
    ("sources", "array"),
    [(schema.ELECTRON_VARIABLES, "electron_flux"), (("L_IGRF",), "L_IGRF"), (("MLT",), "MLT")],
    ids=["flux", "L", "MLT"],
)
def test_day_of_nothing_but_one_sentinel_is_refused(
    tmp_path: Path, content: Content, sources: tuple[str, ...], array: str, value: float
) -> None:
    for source in sources:
        content[source][:] = value
    error = refused(write_granule(tmp_path / "x.nc", content).read_bytes())
    assert error.reason == "all_sentinel"
    assert error.detail.startswith(f"{array} holds only [")
    assert error.detail.endswith(f"in {len(sources) * N} values")


@pytest.mark.parametrize("name", ["L_IGRF", "MLT", "mep_ele_tel90_flux_e3"])
def test_one_usable_value_makes_a_day_usable(read: Callable, content: Content, name: str) -> None:
    fluxes = schema.ELECTRON_VARIABLES if name.startswith("mep") else ()
    for source in fluxes or (name,):
        content[source][:] = 9.96921e36 if fluxes else -1
    for source in fluxes:
        content[source][7] = -999 if source.endswith("e4") else 0
    content[name][7] = 4
    assert read(content).count == N


FILL = np.float32(9.96921e36)


def test_values_that_are_no_measurement_are_kept_and_counted(read: Callable, content: Content) -> None:
    assert read(content).not_measured == {}
    content["mep_ele_tel0_flux_e1"][10:20] = FILL
    content["mep_ele_tel90_flux_e4"][15:25] = np.inf
    content["L_IGRF"][30] = np.nan
    content["lat"][40:42] = 91
    found = read(content)
    assert found.not_measured == {"electron_flux": 15, "L_IGRF": 1, "latitude": 2}
    assert found.count == N
    assert (found.arrays["electron_flux"][0, 0, 10:20] == FILL).all()


def test_day_without_one_whole_measurement_is_refused(content: Content, tmp_path: Path) -> None:
    content["mep_ele_tel0_flux_e1"][: N // 2] = FILL
    content["mep_ele_tel90_flux_e2"][N // 2 :] = -5
    error = refused(write_granule(tmp_path / "x.nc", content).read_bytes())
    assert error.reason == "all_sentinel"
    assert f"none of {N} records is a measurement: electron_flux in {N}" in error.detail


def test_usable_value_outside_the_day_does_not_make_it_usable(tmp_path: Path, content: Content) -> None:
    content["L_IGRF"][1:] = -1
    content["L_IGRF"][0] = 4
    content["time"][0] -= 86_400_000
    assert refused(write_granule(tmp_path / "x.nc", content).read_bytes()).reason == "all_sentinel"


def test_calibration_flag_is_carried_over_its_frame() -> None:
    flag = np.full(40, -1, np.int8)
    flag[3], flag[19] = 1, 0
    filled = fill_calibration_flag(flag, 2000 * np.arange(40, dtype=np.int64))
    assert filled.tolist() == [-1] * 3 + [1] * 16 + [0] * 16 + [-1] * 5
    assert filled.dtype == np.int8


def test_calibration_flag_ends_32_seconds_after_its_sample() -> None:
    time = np.array([0, 31_999, 32_000], np.int64)
    assert fill_calibration_flag(np.array([1, -1, -1], np.int8), time).tolist() == [1, 1, -1]


def test_calibration_flag_is_not_carried_across_a_gap() -> None:
    time = np.array([0, 2000, 834_000, 836_000], np.int64)
    assert fill_calibration_flag(np.array([0, -1, -1, 1], np.int8), time).tolist() == [0, 0, -1, 1]


def test_calibration_flag_of_no_records_is_empty() -> None:
    assert fill_calibration_flag(np.empty(0, np.int8), np.empty(0, np.int64)).size == 0


def test_calibration_flag_is_carried_in_time_order_not_file_order(read: Callable, content: Content) -> None:
    reversed_file = read(take(content, np.arange(N)[::-1]))
    assert reversed_file.arrays["ifc_on"].tolist() == read(content).arrays["ifc_on"].tolist()
    assert reversed_file.arrays["ifc_on"].tolist() == [-1] * 3 + [0] * (N - 3)
