"""What the first bytes tell of a file."""

from pathlib import Path

import h5py
import pytest

from reprocess.sources.hdf5 import SIGNATURE, defect, is_page, zeros_at_end


@pytest.mark.parametrize("libver", ["earliest", "v108", "latest"])
def test_whole_file_has_no_defect_and_every_shorter_one_has(tmp_path: Path, libver: str) -> None:
    with h5py.File(tmp_path / "a.h5", "w", libver=libver) as file:
        file["x"] = range(1000)
    data = (tmp_path / "a.h5").read_bytes()
    assert defect(data) is None
    assert defect(data + b"more") is None
    for cut in (*range(8, 100), len(data) // 2, len(data) - 1):
        assert (defect(data[:cut]) or ("", ""))[0] == "truncated"


@pytest.mark.parametrize("superblock", [b"\x09" + bytes(50), b"\x00" + bytes(50)])
def test_superblock_of_another_kind_is_left_to_the_library(superblock: bytes) -> None:
    assert defect(SIGNATURE + superblock) is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "truncated"), (bytes(600), "truncated"), (b"<html>", "not_hdf5"), (b"\x89HDF", "not_hdf5")],
)
def test_other_content(data: bytes, reason: str) -> None:
    found = defect(data)
    assert found is not None
    assert found[0] == reason


@pytest.mark.parametrize(
    ("data", "page"),
    [
        (b" \n<!DOCTYPE html><title>x", True),
        (b"<!-- portal --><HTML><head>", True),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html>', True),
        (b'{"error": "slow down"}', False),
        (b"", False),
    ],
)
def test_pages_are_told(data: bytes, page: bool) -> None:
    assert is_page(data) == page


def test_zeros_at_the_end_are_counted() -> None:
    assert [zeros_at_end(x) for x in (b"", b"a", b"a\0\0", bytes(5))] == [0, 0, 2, 5]
