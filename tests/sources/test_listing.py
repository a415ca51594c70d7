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
from reprocess.errors import ListingError
from reprocess.schema.granules import Granule, Listing, Selection
from reprocess.sources.listing import ARCHIVES, list_archive
from reprocess.sources.remote import read_bytes
from tests.support.fake import DAYS, granule_path, variables, write_granule
from tests.support.web import Fault, NoaaServer


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"content")


def satellite_days(catalog: Listing) -> set[tuple[str, str]]:
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
def plain_listing(fake_archive: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(fake_archive))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_listing_without_sizes_and_dates_is_completed_by_asking_for_each_file(
    plain_listing: str, fake_archive: Path
) -> None:
    catalog = list_archive(plain_listing)
    assert satellite_days(catalog) == set(DAYS)
    for g in catalog.granules:
        path = granule_path(fake_archive, g.satellite, g.date.isoformat())
        assert g.size == path.stat().st_size
        assert g.version.endswith(" GMT")  # Last-Modified
        assert read_bytes(g.url) == path.read_bytes()


@pytest.fixture
def server(fake_archive: Path, tmp_path: Path) -> Iterator[NoaaServer]:
    with NoaaServer(shutil.copytree(fake_archive, tmp_path / "archive")) as running:
        yield running


def test_listing_with_sizes_and_dates_costs_one_request_per_folder(
    server: NoaaServer, fake_archive: Path
) -> None:
    catalog = list_archive(server.url)
    assert satellite_days(catalog) == set(DAYS)
    folders = ["/access/", "/access/2019/", "/access/2019/metop01/", "/access/2019/noaa18/"]
    assert sorted(server.requests) == [("GET", path) for path in folders]
    for g in catalog.granules:
        path = granule_path(fake_archive, g.satellite, g.date.isoformat())
        assert g.size == pytest.approx(path.stat().st_size, rel=0.06)
        assert g.version == f"{dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC):%Y-%m-%d %H:%M}"
        assert read_bytes(g.url) == path.read_bytes()


def test_address_without_a_slash_is_the_same_archive(server: NoaaServer) -> None:
    assert list_archive(server.url.rstrip("/")) == list_archive(server.url)


def test_redirected_archive_is_known_by_where_it_is(server: NoaaServer) -> None:
    server.moved["/old/"] = "/access/"
    moved = list_archive(server.url.replace("/access/", "/old/"))
    assert moved == list_archive(server.url)
    assert moved.vanished(moved.granules) == []


@pytest.mark.parametrize(
    ("asked", "opened"),
    [
        (Selection(frozenset({"noaa18"})), {"/access/", "/access/2019/", "/access/2019/noaa18/"}),
        (Selection(start=dt.date(2020, 1, 1)), {"/access/"}),
        (Selection(end=dt.date(2018, 12, 31)), {"/access/"}),
        (Selection(frozenset({"noaa15"}), dt.date(2019, 1, 1)), {"/access/", "/access/2019/"}),
    ],
)
def test_folders_that_are_not_asked_for_are_not_opened(
    server: NoaaServer, asked: Selection, opened: set[str]
) -> None:
    everything = list_archive(server.url).granules
    server.requests.clear()
    assert list_archive(server.url, asked).granules == [g for g in everything if asked.has(g)]
    assert {path for _, path in server.requests} == opened


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(status=503), "server_error: .*2019/noaa18/: HTTP 503"),
        (Fault(status=404), "not_found: .*2019/noaa18/: HTTP 404"),
        (Fault(body=b"<html><table><a href='x.nc'>"), "short_body: .*does not end in </html>"),
        (Fault(body=b"<html><title>Maintenance</title></html>"), "'Maintenance' is no directory listing"),
    ],
)
def test_listing_is_whole_or_fails(
    server: NoaaServer, fault: Fault, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reprocess.sources.web.BACKOFF_S", 0.0)
    server.faults["/access/2019/noaa18/"] = [fault] * 99
    with pytest.raises(ListingError, match=words):
        list_archive(server.url)


def test_busy_server_is_asked_again_for_its_listing(
    server: NoaaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reprocess.sources.web.BACKOFF_S", 0.0)
    server.faults["/access/2019/"] = [Fault(status=500), Fault(drop=True)]
    assert satellite_days(list_archive(server.url)) == set(DAYS)


def test_empty_folder_is_an_empty_listing(server: NoaaServer) -> None:
    (server.root / "2021" / "noaa19").mkdir(parents=True)
    assert satellite_days(list_archive(server.url)) == set(DAYS)


def test_the_word_noaa_is_nceis_archive() -> None:
    assert ARCHIVES["noaa"].startswith("https://www.ncei.noaa.gov/")
    assert ARCHIVES["noaa"].endswith("/access/l1b/v01r00/")


def test_storage_options_mean_nothing_to_a_web_server(server: NoaaServer) -> None:
    with pytest.raises(ListingError, match=r"storage options \(anon\) mean nothing to http://"):
        list_archive(server.url, storage={"anon": True})


def test_address_that_nothing_can_read_is_refused() -> None:
    with pytest.raises(ListingError, match="'nosuch://x' is no address that can be listed"):
        list_archive("nosuch://x")


def test_folder_that_cannot_be_opened_is_not_taken_for_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "2019", "poes_n18_20191024_proc.nc")
    touch(tmp_path, "poes_n15_20191024_proc.nc")
    listed = os.scandir

    def denied(path: str) -> object:
        if str(path).endswith("2019"):
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr("os.scandir", denied)
    with pytest.raises(ListingError, match=r"unreadable: .*2019: PermissionError"):
        list_archive(str(tmp_path))


def test_one_file_has_one_address_whatever_the_current_folder(
    fake_archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = list_archive(str(fake_archive))
    monkeypatch.chdir(fake_archive / "2019")
    assert list_archive("..") == expected
    assert list_archive("../2019/..") == expected


def test_days_that_are_no_longer_listed_have_vanished(fake_archive: Path, tmp_path: Path) -> None:
    archive = Path(shutil.copytree(fake_archive, tmp_path / "a"))
    known = list_archive(str(archive)).granules
    gone = [g for g in known if g.date == dt.date(2019, 10, 24)]
    for g in gone:
        granule_path(archive, g.satellite, g.date.isoformat()).unlink()
    assert list_archive(str(archive)).vanished(known) == gone
    only = list_archive(str(archive), Selection(frozenset({"noaa18"})))
    assert only.vanished(known) == [g for g in gone if g.satellite == "noaa18"]
    assert list_archive(str(fake_archive)).vanished(known) == []  # another archive says nothing of this one


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
    with pytest.raises(ListingError, match="remove one of them") as error:
        list_archive(str(tmp_path))
    for part in ("noaa18 2019-10-24", str(tmp_path / "a"), str(tmp_path / "b")):
        assert part in str(error.value)


def test_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ListingError, match=r"nowhere is not a folder\); give the folder that holds NOAA's years"
    ):
        list_archive(str(tmp_path / "nowhere"))


def test_file_instead_of_a_folder_is_refused(fake_archive: Path) -> None:
    path = next(fake_archive.rglob("*.nc"))
    with pytest.raises(ListingError, match=f"{path.name} is not a folder"):
        list_archive(str(path))


def test_folder_without_satellite_days_is_refused_with_the_expected_name(tmp_path: Path) -> None:
    touch(tmp_path, "a.nc", "b.nc", "c.txt")
    with pytest.raises(ListingError, match=r"_YYYYMMDD_proc\.nc \(2 other \.nc files found\)") as error:
        list_archive(str(tmp_path))
    assert str(tmp_path) in str(error.value)


def select(archive: Path, *satellites: str, **limits: dt.date) -> set[Granule]:
    return set(list_archive(str(archive), Selection(frozenset(satellites), **limits)).granules)


def test_selection_limits_are_inclusive(fake_archive: Path) -> None:
    day = dt.date(2019, 10, 25)
    assert {g.date for g in select(fake_archive, start=day)} == {day, dt.date(2019, 12, 1)}
    assert {g.date for g in select(fake_archive, end=day)} == {dt.date(2019, 10, 24), day}
    (only,) = select(fake_archive, start=day, end=day)
    assert (only.satellite, only.date) == ("noaa18", day)


def test_selection_by_satellite_and_date_is_their_intersection(fake_archive: Path) -> None:
    by_satellite = select(fake_archive, "noaa18")
    by_date = select(fake_archive, end=dt.date(2019, 10, 24))
    both = select(fake_archive, "noaa18", end=dt.date(2019, 10, 24))
    assert both == by_satellite & by_date
    assert len(both) == 1 < min(len(by_satellite), len(by_date))
    everything = set(list_archive(str(fake_archive)).granules)
    assert select(fake_archive, "noaa18", "metop01") == select(fake_archive) == everything
    assert select(fake_archive, "noaa15") == set()


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
