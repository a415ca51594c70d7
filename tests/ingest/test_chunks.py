"""Values inflated from chunks are HDF5's own, and whatever is not as in NOAA's files is left to HDF5."""

import io
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocess.ingest.chunks import inflated
from tests.support.fake import variables, write_granule

LONGEST = 1000
DTYPES = ("uint8", "int8", "int16", "float32", "float64", "uint64")
OTHERS = (">f4", "float16", "S3")

Wanted = dict[str, str]


class Stored(NamedTuple):
    """A variable and how it is stored."""

    values: np.ndarray
    options: dict[str, Any]

    @property
    def usual(self) -> bool:
        """Whether NOAA's files could have it."""
        others = {"fletcher32", "scaleoffset"} & self.options.keys()
        return self.options.get("compression") == "gzip" and not others


@st.composite
def stored(draw: st.DrawFn, kinds: tuple[dict[str, Any], ...]) -> Stored:
    n, dtype = draw(st.integers(1, 120)), draw(st.sampled_from(DTYPES))
    codes = draw(st.lists(st.integers(0, 100), min_size=1, max_size=9))
    options = {"chunks": (draw(st.integers(1, n)),), "shuffle": draw(st.booleans())} | draw(
        st.sampled_from(kinds)
    )
    return Stored(np.resize(np.array(codes), n).astype(dtype), options)


GZIP = tuple({"compression": "gzip", "compression_opts": level} for level in (0, 1, 4, 9))
KINDS = (
    *GZIP, {"compression": "gzip", "fletcher32": True}, {"compression": "lzf"}, {"fletcher32": True}, {}
)  # fmt: skip


def written(one: Stored) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("time", data=one.values, **one.options)
    return buffer.getvalue()


def read(data: bytes, dtype: str, longest: int = LONGEST) -> np.ndarray | None:
    """Return what the one variable of a file is inflated to."""
    with h5py.File(io.BytesIO(data), "r") as file:
        found = inflated(file, data, {"time": dtype}, longest)
    return found if found is None else found["time"]


def by_hdf5(data: bytes) -> np.ndarray | None:
    """Return what HDF5 reads, or None if it refuses."""
    with h5py.File.in_memory(data) as file:
        try:
            return file["time"][()]
        except OSError:
            return None


@given(one=stored(KINDS))
@settings(max_examples=150, deadline=None)
def test_values_are_those_of_hdf5_or_left_to_it(one: Stored) -> None:
    data = written(one)
    found = read(data, one.values.dtype.name)
    assert (found is not None) == one.usual
    if found is not None:
        expected = by_hdf5(data)
        assert expected is not None
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert found.tobytes() == expected.tobytes() == one.values.tobytes()


@given(one=stored(GZIP), data=st.data())
@settings(max_examples=150, deadline=None)
def test_byte_that_hdf5_refuses_in_a_chunk_is_refused(one: Stored, data: st.DataObject) -> None:
    damaged = bytearray(written(one))
    with h5py.File(io.BytesIO(damaged), "r") as file:
        variable = file["time"].id
        chunk = variable.get_chunk_info(data.draw(st.integers(0, variable.get_num_chunks() - 1)))
    at = chunk.byte_offset + data.draw(st.integers(0, chunk.size - 1))
    damaged[at] ^= data.draw(st.integers(1, 255))
    found, expected = read(bytes(damaged), one.values.dtype.name), by_hdf5(bytes(damaged))
    if expected is None:
        assert found is None
    else:  # a bit that no one reads: at the end of the last block
        assert found is None or found.tobytes() == expected.tobytes() == one.values.tobytes()


def test_flipped_byte_is_refused_by_both() -> None:
    values = np.random.default_rng(2).integers(0, 9, 90).astype("float32")
    data = bytearray(written(Stored(values, {"chunks": (90,), "compression": "gzip"})))
    with h5py.File(io.BytesIO(data), "r") as file:
        chunk = file["time"].id.get_chunk_info(0)
    for k in range(chunk.size):
        data[chunk.byte_offset + k] ^= 0xFF
        assert read(bytes(data), "float32") is None
        assert by_hdf5(bytes(data)) is None
        data[chunk.byte_offset + k] ^= 0xFF


@pytest.mark.parametrize("dtype", OTHERS)
def test_other_types_are_left_to_hdf5(dtype: str) -> None:
    data = written(Stored(np.zeros(9, dtype), {"chunks": (9,), "compression": "gzip"}))
    assert read(data, "float32") is None


def chunked(file: h5py.File, **options: Any) -> h5py.Dataset:
    made: h5py.Dataset = file.create_dataset(
        "time", (20,), "float32", **{"chunks": (10,), "compression": "gzip", "shuffle": True} | options
    )
    return made


def half_written(file: h5py.File) -> None:
    chunked(file)[:10] = 1


def never_written(file: h5py.File) -> None:
    chunked(file, fillvalue=5)


def stored_plain(file: h5py.File) -> None:
    chunked(file).id.write_direct_chunk((0,), np.ones(10, "float32").tobytes(), filter_mask=0b11)
    file["time"][10:] = 1


def not_shuffled(file: h5py.File) -> None:
    chunk = zlib.compress(np.arange(10, dtype="float32").tobytes())
    chunked(file)[10:] = 1
    file["time"].id.write_direct_chunk((0,), chunk, filter_mask=0b01)


def too_short(file: h5py.File) -> None:
    whole = chunked(file)
    whole[:] = 1
    _, other = whole.id.read_direct_chunk((0,))
    del file["time"]
    chunked(file, chunks=(20,)).id.write_direct_chunk((0,), other)


def too_long(file: h5py.File) -> None:
    whole = chunked(file, chunks=(20,))
    whole[:] = 1
    _, other = whole.id.read_direct_chunk((0,))
    del file["time"]
    chunked(file)[10:] = 1
    file["time"].id.write_direct_chunk((0,), other)


def of_two_dimensions(file: h5py.File) -> None:
    file.create_dataset("time", data=np.ones((4, 4), "float32"), compression="gzip")


def without_values(file: h5py.File) -> None:
    file.create_dataset("time", (0,), "float32", maxshape=(None,), chunks=(10,), compression="gzip")


def of_a_large_chunk(file: h5py.File) -> None:
    chunked(file, chunks=(LONGEST + 1,), maxshape=(None,))[:] = 1


def too_many(file: h5py.File) -> None:
    file.create_dataset("time", data=np.ones(LONGEST + 1, "float32"), chunks=(100,), compression="gzip")


def of_another_length(file: h5py.File) -> None:
    chunked(file)[:] = 1
    file.create_dataset("lat", data=np.ones(21, "float32"), chunks=(21,), compression="gzip")


@pytest.mark.parametrize(
    "made",
    [
        half_written, never_written, stored_plain, not_shuffled, too_short, too_long, of_two_dimensions,
        without_values, of_a_large_chunk, too_many, of_another_length,
    ],
)  # fmt: skip
def test_what_noaa_does_not_have_is_left_to_hdf5(made: Any) -> None:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        made(file)
    data = buffer.getvalue()
    with h5py.File(io.BytesIO(data), "r") as file:
        assert inflated(file, data, dict.fromkeys(file, "float32"), LONGEST) is None


@pytest.mark.parametrize(("name", "wrong"), [(b"deflate\0", 10), (b"shuffle\0", 2), (b"shuffle\0", 8)])
def test_level_beyond_nine_and_wrong_sizes_of_shuffled_values_are_left_to_hdf5(
    name: bytes, wrong: int
) -> None:
    options = {"chunks": (8,), "compression": "gzip", "compression_opts": 4, "shuffle": True}
    data = written(Stored(np.arange(8, dtype="float32"), options))
    right = name + (4).to_bytes(4, "little")
    assert data.count(right) == 1
    assert read(data, "float32") is not None
    assert read(data.replace(right, name + wrong.to_bytes(4, "little")), "float32") is None


def test_chunk_beyond_the_end_of_the_file_is_left_to_hdf5() -> None:
    data = written(Stored(np.ones(90, "float32"), {"chunks": (90,), "compression": "gzip"}))
    with h5py.File(io.BytesIO(data), "r") as file:
        end = file["time"].id.get_chunk_info(0)
        assert inflated(file, data, {"time": "float32"}, LONGEST) is not None
        short = data[: end.byte_offset + end.size - 1]
        assert inflated(file, short, {"time": "float32"}, LONGEST) is None


def test_real_files_are_inflated_to_what_hdf5_reads(shared: Path) -> None:
    paths = [*(shared / "archive").rglob("*.nc"), *(shared / "archive_simulated").rglob("*20130531*.nc")]
    assert len(paths) > 3
    for path in paths:
        data = path.read_bytes()
        with h5py.File(path) as file:
            wanted = {name: one.dtype.name for name, one in file.items()}
            found = inflated(file, data, wanted, 434_000)
            assert found is not None, path
            assert len(found) > 30
            for name, values in found.items():
                assert values.tobytes() == file[name][()].tobytes(), name


def test_file_of_the_tests_is_inflated(tmp_path: Path) -> None:
    """So that whatever is tested with such files is tested as NOAA's are read."""
    path = write_granule(tmp_path / "x.nc", variables("noaa18", "2019-10-24", 40))
    with h5py.File(path) as file:
        wanted = {name: one.dtype.name for name, one in file.items()}
        assert inflated(file, path.read_bytes(), wanted, LONGEST) is not None
