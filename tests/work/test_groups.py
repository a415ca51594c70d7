"""Small groups are written whole, as xarray would write them."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

from reprocess.work.groups import Plain, write_group
from tests.support.command import tree


def arrays(seed: int) -> dict[str, Plain]:
    values = np.random.default_rng(seed).integers(0, 99, (2, 3, 4, 5)).astype(np.int32)
    return {
        "dwell": (("a", "b", "c", "d"), values, {"units": "s"}),
        "total": (("a",), values.sum(axis=(1, 2, 3)), {}),
        "x": (("b", "edge"), np.array([[0, 1], [1, np.nan], [-2, 3]]), {"long_name": "edges"}),
        "a": (("a",), np.array(["noaa18", "ü"], object), {"units": "1"}),
    }


def opened(path: Path) -> xr.Dataset:
    with xr.open_zarr(path, consolidated=False) as written:
        return written.load()


def dataset(seed: int) -> xr.Dataset:
    return xr.Dataset(arrays(seed), attrs={"title": "t", "number": 3})


def test_what_is_written_is_what_xarray_reads_and_writes(tmp_path: Path) -> None:
    write_group(tmp_path / "ours", arrays(0), dataset(0).attrs)
    xr.testing.assert_identical(opened(tmp_path / "ours"), dataset(0))
    encoding: dict[str, dict[str, object]] = {str(k): {"_FillValue": None} for k in dataset(0).variables}
    del encoding["dwell"]
    theirs = dataset(0).drop_vars("dwell")
    theirs.to_zarr(tmp_path / "theirs", zarr_format=3, consolidated=False, encoding=encoding)
    ours = {k: v for k, v in tree(tmp_path / "ours").items() if not k.startswith("dwell/")}
    assert ours == tree(tmp_path / "theirs")


def test_large_arrays_have_a_shard_for_each_leading_index(tmp_path: Path) -> None:
    write_group(tmp_path / "g", arrays(0), {})
    dwell = zarr.open_array(tmp_path / "g" / "dwell", mode="r")
    assert (dwell.shards, dwell.chunks) == ((1, 3, 4, 5), (1, 1, 4, 5))


def test_a_group_is_replaced_whole_and_leftovers_of_a_killed_writer_are_not_mixed_in(tmp_path: Path) -> None:
    more = arrays(0) | {"extra": (("a",), np.array([1, 2]), {})}
    write_group(tmp_path / "x.zarr", more, {})
    write_group(tmp_path / "x.zarr.partial", more, {})
    write_group(tmp_path / "x.zarr", arrays(1), {})
    assert not dataset(1).equals(dataset(0))
    xr.testing.assert_equal(opened(tmp_path / "x.zarr"), dataset(1))
    assert [p.name for p in tmp_path.iterdir()] == ["x.zarr"]


def test_crash_while_writing_leaves_the_old_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_group(tmp_path / "x.zarr", arrays(0), {})

    def crash(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(zarr.Array, "__setitem__", crash)
        with pytest.raises(OSError, match="no space left"):
            write_group(tmp_path / "x.zarr", arrays(1), {})
    xr.testing.assert_equal(opened(tmp_path / "x.zarr"), dataset(0))
