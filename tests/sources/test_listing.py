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
from reprocess.sources.local import local_identity
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
    assert catalog.left_out == []
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
    with pytest.raises(ListingError, match="'nosuch://x' is no address that can be read"):
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
    listing = list_archive(str(tmp_path))
    assert satellite_days(listing) == {("noaa15", "2019-10-24")}
    (left_out,) = listing.left_out
    assert (left_out.url, left_out.reason) == (f"file://{tmp_path}/2019", "unreadable")
    assert left_out.counts({("noaa15", listing.granules[0].day)})
    inside = Granule("noaa18", 7966, f"file://{tmp_path}/2019/poes_n18_20191024_proc.nc", 7, "")
    assert listing.vanished([inside]) == []  # for all that is known
    with pytest.raises(ListingError, match=r"unreadable: .*2019: PermissionError"):
        list_archive(str(tmp_path / "2019"))  # a root that cannot be listed is no archive


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


def reasons(listing: Listing) -> dict[str, str]:
    return {x.url.rsplit("/", 1)[-1]: x.reason for x in listing.left_out}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("poes_n18_20191024_raw.nc", "other_file"),
        ("poes_n18_2019102_proc.nc", "other_file"),
        ("metop03.CDF", "other_file"),
        ("poes_n14_20191024_proc.nc", "unknown_day"),
        ("poes_n18_20190231_proc.nc", "unknown_day"),
        ("poes_n18_19971231_proc.nc", "unknown_day"),
        ("poes_n18_20300101_proc.nc", "unknown_day"),
        ("old_poes_n18_20191024_proc.nc", "other_name"),
        ("poes_n18_20191024_proc (1).nc", "other_name"),
        ("poes_n18_20191024_proc_v02.nc", "other_name"),
        ("poes_n18_20191024_proc.nc.gz", "compressed"),
        ("POES_N18_20191024_PROC.NC.ZIP", "compressed"),
        ("noaa18-2019.tar", "compressed"),
        ("2019.tgz", "compressed"),
        ("poes_n18_20191024_proc.nc.part", "partial"),
        ("poes_n18_20191024_proc.nc.tmp", "partial"),
        ("poes_n18_20191024_proc.nc~", "partial"),
        (".poes_n18_20191024_proc.nc.Xy12Za", "partial"),
    ],
)
def test_file_that_could_be_a_satellite_day_is_left_out_with_its_reason(
    tmp_path: Path, name: str, reason: str
) -> None:
    touch(tmp_path, name, "poes_m01_20191024_proc.nc", "README.txt", "manual.zip", ".x.swp")
    listing = list_archive(str(tmp_path))
    assert satellite_days(listing) == {("metop01", "2019-10-24")}
    (left_out,) = listing.left_out
    assert (left_out.url, left_out.reason) == (f"file://{tmp_path}/{name}", reason)
    assert reason in schema.LEFT_OUT
    assert left_out.counts({("metop01", 7966)}) == (reason != "other_file")
    known = reason in {"other_name", "compressed", "partial"} and "_proc" in name.lower()
    assert (left_out.satellite == "noaa18" and left_out.date == dt.date(2019, 10, 24)) == known


def test_what_is_left_out_beside_a_day_that_is_read_is_named_and_misses_nothing(tmp_path: Path) -> None:
    touch(tmp_path, "poes_n18_20191024_proc.nc", "poes_n18_20191024_proc.nc.gz")
    listing = list_archive(str(tmp_path))
    (left_out,) = listing.left_out
    assert not left_out.counts({(g.satellite, g.day) for g in listing.granules})


def test_names_in_capital_letters_are_satellite_days(tmp_path: Path) -> None:
    touch(tmp_path, "POES_N18_20191024_PROC.NC", "poes_m01_20191024_proc.Nc")
    listing = list_archive(str(tmp_path))
    assert satellite_days(listing) == {("noaa18", "2019-10-24"), ("metop01", "2019-10-24")}
    assert listing.left_out == []


def test_what_is_not_asked_for_is_not_left_out(tmp_path: Path) -> None:
    touch(tmp_path / "2019" / "noaa18", "poes_n18_20191024_proc.nc.gz", "poes_n18_20191025_proc.nc")
    touch(tmp_path / "2020", "poes_n18_20201024_proc.nc.gz", "poes_n14_20201024_proc.nc")
    (tmp_path / "2021").symlink_to(tmp_path / "nowhere")
    everything = reasons(list_archive(str(tmp_path)))
    assert set(everything.values()) == {"compressed", "unknown_day", "broken_link"}
    later = list_archive(str(tmp_path), Selection(start=dt.date(2019, 10, 25), end=dt.date(2019, 12, 31)))
    assert later.left_out == []
    other = list_archive(str(tmp_path / "2019"), Selection(frozenset({"noaa15"})))
    assert other.left_out == []


def test_folder_pipe_and_dangling_link_named_as_days_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "poes_m01_20191024_proc.nc")
    (tmp_path / "poes_n18_20191024_proc.nc").mkdir()
    os.mkfifo(tmp_path / "poes_n18_20191025_proc.nc")
    (tmp_path / "poes_n18_20191026_proc.nc").symlink_to("nowhere")
    (tmp_path / "2018").symlink_to("disk-that-is-not-mounted")
    (tmp_path / "notes.txt").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    assert reasons(list_archive(str(tmp_path))) == {
        "poes_n18_20191024_proc.nc": "not_a_file",
        "poes_n18_20191025_proc.nc": "not_a_file",
        "poes_n18_20191026_proc.nc": "broken_link",
        "2018": "broken_link",
    }


@pytest.mark.parametrize("name", [".snapshot", ".zfs", "lost+found", "@eaDir"])
def test_snapshots_and_hidden_folders_are_named_and_not_opened(tmp_path: Path, name: str) -> None:
    touch(tmp_path / "2019", "poes_n18_20191024_proc.nc")
    touch(tmp_path / name / "hourly.0" / "2019", "poes_n18_20191024_proc.nc")
    listing = list_archive(str(tmp_path))
    assert satellite_days(listing) == {("noaa18", "2019-10-24")}
    assert reasons(listing) == {name: "hidden"}
    assert not listing.left_out[0].counts([])


# --- links


def test_links_to_folders_and_files_are_followed(tmp_path: Path) -> None:
    touch(tmp_path / "disk2" / "elsewhere", "poes_n15_20140101_proc.nc")
    touch(tmp_path / "disk3", "day.bin")
    (tmp_path / "a" / "2013").mkdir(parents=True)
    (tmp_path / "a" / "2014").symlink_to("../disk2/elsewhere")
    (tmp_path / "a" / "2013" / "poes_n18_20130601_proc.nc").symlink_to(tmp_path / "disk3" / "day.bin")
    listing = list_archive(str(tmp_path / "a"))
    assert satellite_days(listing) == {("noaa15", "2014-01-01"), ("noaa18", "2013-06-01")}
    assert listing.left_out == []
    for g in listing.granules:
        assert read_bytes(g.url) == b"content"
        assert listing.covers(g)


def test_loops_of_links_end_and_days_behind_them_are_listed_once(fake_archive: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(fake_archive, tmp_path / "a"))
    (root / "2019" / "up").symlink_to("..")
    (root / "latest").symlink_to("2019")
    (root / "0-latest").symlink_to("latest")
    (root / "self").symlink_to("self")
    touch(tmp_path / "b", "poes_n15_20140101_proc.nc")
    (root / "x").symlink_to("../b")
    (tmp_path / "b" / "back").symlink_to("../a")
    (root / "2019" / "above").symlink_to("../..")
    listing = list_archive(str(root))
    plain = list_archive(str(fake_archive))
    assert satellite_days(listing) == {*DAYS, ("noaa15", "2014-01-01")}
    names = [g.url.removeprefix(f"file://{root}/") for g in listing.granules]
    assert {g.url.removeprefix(f"file://{fake_archive}/") for g in plain.granules} < set(names)
    assert reasons(listing) == {"self": "broken_link", "above": "loop"}


def test_day_that_a_link_leads_to_as_well_is_no_second_one(tmp_path: Path) -> None:
    touch(tmp_path / "2019", "poes_n18_20191024_proc.nc")
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "poes_n18_20191024_proc.nc").symlink_to("../2019/poes_n18_20191024_proc.nc")
    assert listed_one(tmp_path).url == f"file://{tmp_path}/2019/poes_n18_20191024_proc.nc"


def test_days_through_links_that_differ_are_refused(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "2019", "poes_n18_20191024_proc.nc")
    touch(tmp_path / "b", "poes_n18_20191024_proc.nc")
    (tmp_path / "a" / "more").symlink_to("../b")
    with pytest.raises(ListingError, match=r"twice, as .*/a/2019/.* and .*/a/more/"):
        list_archive(str(tmp_path / "a"))


def test_a_link_has_size_and_time_of_what_it_leads_to(tmp_path: Path) -> None:
    name = "poes_n18_20191024_proc.nc"
    touch(tmp_path / "disk", "one", "two")
    for file in ("one", "two"):
        os.utime(tmp_path / "disk" / file, (1_500_000_000, 1_500_000_000))
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / name).symlink_to("../disk/one")
    before = listed_one(tmp_path / "a")
    assert (before.size, before.version) == (7, f"1500000000.0 at {tmp_path}/disk/one")
    assert local_identity(before.url, before.version) == {"size": 7, "version": before.version}
    (tmp_path / "a" / name).unlink()
    (tmp_path / "a" / name).symlink_to("../disk/two")
    after = listed_one(tmp_path / "a")
    assert after.identity != before.identity  # though size and time are the same
    assert local_identity(before.url, before.version) == {"size": 7, "version": after.version}
    (tmp_path / "disk" / "two").write_bytes(b"grown content")
    assert listed_one(tmp_path / "a").size == 13
    (tmp_path / "disk" / "two").unlink()
    assert local_identity(before.url, before.version) is None


def test_archive_behind_a_link_is_the_same_archive(fake_archive: Path, tmp_path: Path) -> None:
    """Machines see one disk under different real paths; the address given is what counts."""
    (tmp_path / "data").symlink_to(fake_archive)
    versions = [g.version for g in list_archive(str(tmp_path / "data")).granules]
    assert versions == [g.version for g in list_archive(str(fake_archive)).granules]


# --- folder names


@pytest.mark.parametrize("folder", ["0601", "1231", "2013/0601", "2013/2012", "1997", "2030", "copy/2012"])
def test_digits_that_are_no_year_of_the_calendar_under_the_root_are_opened(
    tmp_path: Path, folder: str
) -> None:
    touch(tmp_path / folder, "poes_n15_20130601_proc.nc")
    day = dt.date(2013, 6, 1)
    assert satellite_days(list_archive(str(tmp_path), Selection(start=day, end=day))) == {
        ("noaa15", "2013-06-01")
    }


@pytest.mark.parametrize(
    ("folder", "opened"),
    [
        ("noaa18", True),
        ("2013/noaa18", True),
        ("noaa15", False),
        ("2013/noaa15", False),
        ("2012", False),
        ("2012/noaa18", False),
        ("copy/noaa15", True),
        ("2013/0601/noaa15", True),
        ("٢٠١٢", True),
    ],
)
def test_only_places_of_noaas_layout_are_told_by_their_names(folder: str, opened: bool) -> None:
    asked = Selection(frozenset({"noaa18"}), dt.date(2013, 1, 1), dt.date(2013, 12, 31))
    assert asked.opens(folder) == opened


# --- roots


def test_archive_whose_path_begins_alike_is_another_one(tmp_path: Path) -> None:
    touch(tmp_path / "poes", "poes_n15_20130601_proc.nc")
    touch(tmp_path / "poes_old", "poes_n18_20130601_proc.nc")
    known = list_archive(str(tmp_path / "poes_old")).granules
    for url in (str(tmp_path / "poes"), f"{tmp_path}/poes/", f"file://{tmp_path}/poes"):
        listing = list_archive(url)
        assert listing.vanished(known) == []
        assert listing.vanished(listing.granules) == []
        assert all(listing.covers(g) for g in listing.granules)


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
    with pytest.raises(ListingError, match=r"_YYYYMMDD_proc\.nc; left out: 2 other_file, for") as error:
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
    assert catalog.left_out == []
