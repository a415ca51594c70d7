"""The tables of satellite-days asked for and vanished."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from reprocess.errors import LedgerError
from reprocess.schema import day_date
from reprocess.schema.granules import Granule, LeftOut, Listing, Selection
from reprocess.work.asked import (
    drop_satellite,
    merge_asked,
    note_left_out,
    note_vanished,
    read_asked,
    read_left_out,
)


def granule(satellite: str = "noaa18", day: int = 7966, **changes: Any) -> Granule:
    return Granule(satellite, day, "file:///a.nc", 10, "1.5")._replace(**changes)


def test_catalog_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert read_asked(tmp_path / "catalog.csv") == []


@pytest.mark.parametrize("url", ["file:///a,b.nc", 'file:///a"b.nc', "file:///ü ö.nc", "https://x/y?z=1,2"])
def test_catalog_reads_back_what_was_merged(tmp_path: Path, url: str) -> None:
    granules = [granule("metop01"), granule(url=url, version="W/etag,1")]
    assert merge_asked(tmp_path / "catalog.csv", granules) == granules
    assert read_asked(tmp_path / "catalog.csv") == granules


def test_merging_adds_days_and_takes_the_newest_source(tmp_path: Path) -> None:
    path = tmp_path / "ledger" / "catalog.csv"
    merge_asked(path, [granule(), granule(day=7967)])
    newer = granule(size=20, version="2.5")
    assert merge_asked(path, [newer, granule("metop01")]) == [
        granule("metop01"),
        newer,
        granule(day=7967),
    ]


def test_merging_nothing_keeps_the_catalog(tmp_path: Path) -> None:
    path = tmp_path / "catalog.csv"
    merge_asked(path, [granule()])
    before = path.read_bytes()
    assert merge_asked(path, []) == [granule()]
    assert path.read_bytes() == before


def test_vanished_days_are_noted_until_they_are_back(tmp_path: Path) -> None:
    path = tmp_path / "vanished.csv"
    known = [granule(), granule(day=7967)]
    assert note_vanished(path, known, Listing(known, [])) == []
    assert not path.exists()
    assert note_vanished(path, known, Listing(known[:1], [])) == known[1:]
    assert read_asked(path) == known[1:]
    assert note_vanished(path, known, Listing(known, [])) == []
    assert not path.exists()


def test_listing_leaves_what_it_does_not_cover_as_noted(tmp_path: Path) -> None:
    path = tmp_path / "vanished.csv"
    known = [granule("metop01"), granule(), granule(day=7967)]
    note_vanished(path, known, Listing([], []))
    only = Selection(frozenset({"noaa18"}))
    assert note_vanished(path, known, Listing([known[1]], [], "", only)) == [known[2]]
    assert read_asked(path) == [known[0], known[2]]
    moved = granule("metop01", url="s3://bucket/a.nc")
    assert note_vanished(path, known, Listing([moved], [], "s3://bucket")) == []
    assert read_asked(path) == [known[2]]


def test_order_of_merging_does_not_matter(tmp_path: Path) -> None:
    granules = [granule(), granule(day=7967), granule("metop01")]
    merge_asked(tmp_path / "a.csv", granules)
    for g in reversed(granules):
        merge_asked(tmp_path / "b.csv", iter([g]))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def add_days(path: Path, first: int) -> None:
    """Ask for some days one by one, as processes do that start at once with different selections."""
    for day in range(first, first + 8):
        merge_asked(path, [Granule("noaa18", day, f"file:///{day}.nc", 1, "1")])


def test_processes_that_add_days_at_once_lose_none(tmp_path: Path) -> None:
    path = tmp_path / "ledger" / "catalog.csv"
    with ProcessPoolExecutor(4, get_context("spawn")) as pool:
        list(pool.map(add_days, [path] * 8, range(0, 64, 8)))
    assert [g.day for g in read_asked(path)] == list(range(64))
    assert list(path.parent.iterdir()) == [path]


def test_a_list_that_holds_the_days_already_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalog.csv"
    add_days(path, 0)
    before = path.stat()
    add_days(path, 0)
    assert os.path.samestat(before, path.stat())


PACKED = LeftOut("file:///a/2019/x.nc.gz", "compressed", "noaa18", 7966)
LOCKED = LeftOut("file:///a/2012", "unreadable")
ODD = LeftOut('file:///a/2012/"odd", name.nc', "other_file")


def test_what_is_left_out_is_noted_until_it_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "ledger" / "left_out.csv"
    note_left_out(path, Listing([], [], "file:///a"))
    assert not path.exists()
    note_left_out(path, Listing([], [PACKED, ODD], "file:///a"))
    assert read_left_out(path) == [ODD, PACKED]
    content = path.read_bytes()
    note_left_out(path, Listing([], [ODD, PACKED], "file:///a"))
    assert path.read_bytes() == content
    note_left_out(path, Listing([], [], "file:///a"))
    assert not path.exists()
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    "listing",
    [
        Listing([], [], "file:///ab"),
        Listing([], [], "file:///a", Selection(start=day_date(7967))),
        Listing([], [], "file:///a", Selection(frozenset({"noaa15"}), start=day_date(7967))),
        Listing([], [LeftOut("file:///a", "unreadable")], "file:///a"),
    ],
)
def test_what_a_listing_does_not_cover_stays_left_out(tmp_path: Path, listing: Listing) -> None:
    path = tmp_path / "left_out.csv"
    note_left_out(path, Listing([], [PACKED, LOCKED], "file:///a"))
    note_left_out(path, listing)
    assert {PACKED, LOCKED} <= set(read_left_out(path))


def test_folder_that_may_be_read_again_is_no_longer_left_out(tmp_path: Path) -> None:
    path = tmp_path / "left_out.csv"
    note_left_out(path, Listing([], [LOCKED, PACKED], "file:///a"))
    note_left_out(path, Listing([], [], "file:///a", Selection(end=day_date(7000))))
    assert read_left_out(path) == [PACKED]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda _: b"", "its first line is not satellite,day,url,size,version"),
        (lambda _: bytes(range(256)), "is damaged"),
        (lambda data: data.split(b"\n", 1)[1], "its first line is not satellite,day,url,size,version"),
        (lambda data: data[:-8], "row 2 is none of this table"),
        (lambda data: data.replace(b"noaa", b"moon"), "row 2 is none of this table"),
        (lambda data: data.replace(b",10,", b",ten,"), "invalid literal for int"),
        (lambda data: data.replace(b",7966,", b",99999999,"), "day 99999999 is not within the calendar"),
        (lambda data: data[:-1] + b",more\n", "row 2 is none of this table"),
    ],
)
@pytest.mark.parametrize("use", [read_asked, lambda path: drop_satellite(path, "noaa18")])
def test_a_damaged_table_is_named_with_the_remedy(
    tmp_path: Path, change: Callable[[bytes], bytes], words: str, use: Callable[[Path], object]
) -> None:
    path = tmp_path / "catalog.csv"
    merge_asked(path, [Granule("noaa18", 7966, "file:///a.nc", 10, "1")])
    path.write_bytes(change(path.read_bytes()))
    if use is not read_asked and ("int" in words or "calendar" in words):
        return  # nobody needs that number
    with pytest.raises(LedgerError, match=words) as caught:
        use(path)
    assert str(caught.value).startswith(f"{path} is damaged (")


def test_a_damaged_table_of_what_is_left_out_is_named(tmp_path: Path) -> None:
    (tmp_path / "left_out.csv").write_text("url,reason\nx,y\n")
    with pytest.raises(LedgerError, match="its first line is not url,reason,satellite,day"):
        read_left_out(tmp_path / "left_out.csv")
