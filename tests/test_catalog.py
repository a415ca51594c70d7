"""Listing an archive: which files are satellite-days, where, and how old."""

import datetime as dt
import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from reprocess import schema
from reprocess.catalog import Catalog, Granule, list_archive
from reprocess.errors import CatalogError
from tests.fake import DAYS, granule_path, variables, write_granule


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"content")


def satellite_days(catalog: Catalog) -> set[tuple[str, str]]:
    return {(g.satellite, g.date.isoformat()) for g in catalog.granules}


def read_url(url: str) -> bytes:
    with fsspec.open(url, "rb") as file:
        return file.read()


def test_archive_in_noaas_layout_is_listed_by_satellite_and_day(fake_archive: Path) -> None:
    catalog = list_archive(str(fake_archive))
    assert satellite_days(catalog) == set(DAYS)
    assert len(catalog.granules) == len(DAYS)
    assert catalog.ignored == []
    keys = [(g.satellite, g.day) for g in catalog.granules]
    assert keys == sorted(keys)


def test_granule_tells_size_and_a_url_that_opens_it(fake_archive: Path) -> None:
    for granule in list_archive(str(fake_archive)).granules:
        path = granule_path(fake_archive, granule.satellite, granule.date.isoformat())
        assert granule.size == path.stat().st_size > 0
        assert read_url(granule.url) == path.read_bytes()


def test_flat_folder_holds_the_same_satellite_days(fake_archive: Path, tmp_path: Path) -> None:
    for path in fake_archive.rglob("*.nc"):
        shutil.copy(path, tmp_path)
    assert satellite_days(list_archive(str(tmp_path))) == set(DAYS)


@pytest.mark.parametrize(
    "folder", ["with space", "with [brackets]", "with#hash", "100%25", "star*", "ünïcode"]
)
def test_folder_with_an_odd_name_is_listed_and_read(tmp_path: Path, folder: str) -> None:
    touch(tmp_path / folder, "poes_n18_20191024_proc.nc")
    (granule,) = list_archive(str(tmp_path / folder)).granules
    assert read_url(granule.url) == b"content"


def test_archive_may_be_a_url_of_another_file_system() -> None:
    root = "memory://catalog-test"
    with fsspec.open(f"{root}/2019/noaa18/poes_n18_20191024_proc.nc", "wb") as file:
        file.write(b"content")
    (granule,) = list_archive(root).granules
    assert (granule.satellite, granule.date, granule.size) == ("noaa18", dt.date(2019, 10, 24), 7)
    assert read_url(granule.url) == b"content"


@pytest.fixture
def web_archive(fake_archive: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(fake_archive))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_archive_may_be_a_web_servers_listing_which_tells_no_sizes(web_archive: str) -> None:
    catalog = list_archive(web_archive)
    assert satellite_days(catalog) == set(DAYS)
    assert len(read_url(catalog.granules[0].url)) > 0


@pytest.mark.parametrize(
    "name",
    [
        "poes_n18_20191024_raw.nc",
        "poes_n14_20191024_proc.nc",
        "poes_n18_20190231_proc.nc",
        "poes_n18_19971231_proc.nc",
        "poes_n18_20300101_proc.nc",
        "poes_n18_2019102_proc.nc",
        "old_poes_n18_20191024_proc.nc",
        "POES_N18_20191024_PROC.nc",
    ],
)
def test_netcdf_file_that_is_no_satellite_day_is_reported_as_ignored(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name, "poes_m01_20191024_proc.nc", "README.txt")
    catalog = list_archive(str(tmp_path))
    assert satellite_days(catalog) == {("metop01", "2019-10-24")}
    assert [Path(p).name for p in catalog.ignored] == [name]


def test_partial_download_is_not_a_satellite_day(tmp_path: Path) -> None:
    touch(tmp_path, "poes_n18_20191024_proc.nc.part", "poes_m01_20191024_proc.nc")
    assert satellite_days(list_archive(str(tmp_path))) == {("metop01", "2019-10-24")}


def test_first_and_last_day_of_the_calendar_are_listed(tmp_path: Path) -> None:
    touch(tmp_path, "poes_n15_19980101_proc.nc", "poes_n15_20291231_proc.nc")
    assert [g.day for g in list_archive(str(tmp_path)).granules] == [0, schema.DAYS - 1]


def test_every_satellite_is_known_by_its_abbreviation(tmp_path: Path) -> None:
    touch(tmp_path, *(f"poes_{s.abbr}_20130601_proc.nc" for s in schema.SATELLITES.values()))
    assert {g.satellite for g in list_archive(str(tmp_path)).granules} == set(schema.SATELLITES)


def test_satellite_day_that_is_there_twice_is_refused_with_both_places(tmp_path: Path) -> None:
    touch(tmp_path / "a", "poes_n18_20191024_proc.nc")
    touch(tmp_path / "b", "poes_n18_20191024_proc.nc")
    with pytest.raises(CatalogError, match="remove one of them") as error:
        list_archive(str(tmp_path))
    for part in ("noaa18 2019-10-24", str(tmp_path / "a"), str(tmp_path / "b")):
        assert part in str(error.value)


def test_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        CatalogError, match="nowhere' is not a folder; give the folder that holds NOAA's years"
    ):
        list_archive(str(tmp_path / "nowhere"))


def test_file_instead_of_a_folder_is_refused(fake_archive: Path) -> None:
    path = next(fake_archive.rglob("*.nc"))
    with pytest.raises(CatalogError, match=f"{path.name}' is not a folder"):
        list_archive(str(path))


def test_folder_without_satellite_days_is_refused_with_the_expected_name(tmp_path: Path) -> None:
    touch(tmp_path, "a.nc", "b.nc", "c.txt")
    with pytest.raises(CatalogError, match=r"_YYYYMMDD_proc\.nc \(2 other \.nc files found\)") as error:
        list_archive(str(tmp_path))
    assert str(tmp_path) in str(error.value)


def test_selection_without_limits_is_everything(fake_archive: Path) -> None:
    catalog = list_archive(str(fake_archive))
    assert catalog.select() == catalog.granules


def test_selection_limits_are_inclusive(fake_archive: Path) -> None:
    catalog = list_archive(str(fake_archive))
    day = dt.date(2019, 10, 25)
    assert {g.date for g in catalog.select(start=day)} == {day, dt.date(2019, 12, 1)}
    assert {g.date for g in catalog.select(end=day)} == {dt.date(2019, 10, 24), day}
    (only,) = catalog.select(start=day, end=day)
    assert (only.satellite, only.date) == ("noaa18", day)


def test_selection_by_satellite_and_date_is_their_intersection(fake_archive: Path) -> None:
    catalog = list_archive(str(fake_archive))
    by_satellite = set(catalog.select(["noaa18"]))
    by_date = set(catalog.select(end=dt.date(2019, 10, 24)))
    both = set(catalog.select(["noaa18"], end=dt.date(2019, 10, 24)))
    assert both == by_satellite & by_date
    assert len(both) == 1 < min(len(by_satellite), len(by_date))
    assert set(catalog.select(["noaa18", "metop01"])) == set(catalog.granules)
    assert catalog.select(["noaa15"]) == []


def test_unchanged_archive_lists_equal(fake_archive: Path) -> None:
    assert list_archive(str(fake_archive)) == list_archive(str(fake_archive))


def listed_one(folder: Path) -> Granule:
    (granule,) = list_archive(str(folder)).granules
    return granule


def test_file_that_grew_has_another_identity(tmp_path: Path) -> None:
    path = granule_path(tmp_path, "noaa18", "2019-10-24")
    write_granule(path, variables("noaa18", "2019-10-24", n=50))
    before = listed_one(tmp_path)
    write_granule(path, variables("noaa18", "2019-10-24", n=400))
    after = listed_one(tmp_path)
    assert after.size > before.size
    assert after.identity != before.identity


def test_file_of_the_same_size_but_newer_has_another_identity(tmp_path: Path) -> None:
    touch(tmp_path, "poes_n18_20191024_proc.nc")
    before = listed_one(tmp_path)
    os.utime(tmp_path / "poes_n18_20191024_proc.nc", (1_600_000_000, 1_600_000_000))
    after = listed_one(tmp_path)
    assert after.size == before.size
    assert after.identity != before.identity
    assert after.identity == listed_one(tmp_path).identity


@pytest.mark.parametrize(("folder", "count"), [("archive", 3), ("archive_simulated", 4)])
def test_shared_archives_are_listed_completely(shared: Path, folder: str, count: int) -> None:
    catalog = list_archive(str(shared / folder))
    assert len(catalog.granules) == len(list((shared / folder).rglob("*.nc"))) == count
    assert catalog.ignored == []
