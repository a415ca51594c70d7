"""What commands say of archives: what is not read and why, what is not there, what cannot be an archive."""

import errno
import json
import os
import shutil
import socket
from pathlib import Path

import pytest

from tests.support import fake
from tests.support.command import invoke, tree
from tests.support.web import NoaaServer


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """One small satellite-day."""
    path = fake.granule_path(tmp_path / "a", "noaa18", "2019-10-24")
    fake.write_granule(path, fake.variables("noaa18", "2019-10-24", n=60))
    return tmp_path / "a"


@pytest.mark.parametrize(
    ("name", "code"),
    [("poes_n18_20191025_proc.nc.gz", 3), ("poes_n18_20191025_proc.nc.part", 4), ("notes.nc", 0)],
)
def test_what_is_left_out_shows_in_plan_status_and_exit_code(
    archive: Path, tmp_path: Path, name: str, code: int
) -> None:
    left_out = archive / name
    left_out.write_bytes(b"content")
    assert f"): file://{left_out}\n" in invoke("plan", archive, code=code).stderr
    (entry,) = json.loads(invoke("plan", archive, "--json", code=code).stdout)["left_out"]
    assert (entry["url"], entry["counts"]) == (f"file://{left_out}", code != 0)
    done = invoke("ingest", archive, tmp_path / "w", "--partition", "1/1", code=code)
    assert f"  left out file://{left_out}: " in done.stdout
    assert "noaa18: 1 of 1 satellite-days ingested" in done.stdout
    told = invoke("status", tmp_path / "w", code=code)
    assert "left out by reason: 1 " in told.stdout
    (found,) = json.loads(invoke("status", tmp_path / "w", "--json", code=code).stdout)["ingest"]["left_out"]
    assert (found["url"], found["counts"]) == (f"file://{left_out}", code > 0)
    left_out.unlink()
    invoke("ingest", archive, tmp_path / "w", "--partition", "1/1")
    assert "left out" not in invoke("status", tmp_path / "w").stdout


def test_days_behind_a_link_are_planned(archive: Path, tmp_path: Path) -> None:
    shutil.move(archive / "2019", tmp_path / "disk2")
    (archive / "2019").symlink_to("../disk2")
    assert "noaa18   2019     1 satellite-days" in invoke("plan", archive).stdout


def test_many_files_left_out_for_one_reason_are_counted_and_the_first_named(archive: Path) -> None:
    for day in range(1, 8):
        (archive / f"poes_n15_2019010{day}_proc.nc.bz2").write_bytes(b"content")
    told = invoke("plan", archive, code=3).stderr
    assert "left out, 7 compressed (" in told
    assert told.count(".bz2") == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--end", "2035-01-01"), "the last day there is of what is selected is 2019-10-24, not 2035-01-01"),
        (
            ("--start", "1999-01-01"),
            "the first day there is of what is selected is 2019-10-24, not 1999-01-01",
        ),
        (("--satellite", "noaa18", "--satellite", "noaa15"), "nothing of noaa15 is in the archive"),
    ],
)
def test_selection_beyond_the_archive_is_told(archive: Path, options: tuple[str, ...], words: str) -> None:
    assert words in invoke("plan", archive, *options).stderr


def test_selection_within_the_archive_has_nothing_to_tell(archive: Path) -> None:
    day = ("--start", "2019-10-24", "--end", "2019-10-24")
    assert invoke("plan", archive, "--satellite", "noaa18", *day).stderr == ""


def test_selection_of_nothing_is_refused_with_what_was_selected(archive: Path) -> None:
    told = invoke("plan", archive, "--satellite", "noaa15", "--end", "2019-10-01", code=2).stderr
    assert f"in {archive} is selected by --satellite noaa15 --end 2019-10-01" in told


@pytest.mark.parametrize("work", ["a", "a/W", "a/2019/W", ".", "link/W"])
def test_work_and_archive_within_each_other_are_refused(archive: Path, tmp_path: Path, work: str) -> None:
    (tmp_path / "link").symlink_to("a")
    before = tree(tmp_path)
    for command in ("ingest", "run"):
        told = invoke(command, archive, tmp_path / work, code=2).stderr
        assert "lie within each other" in told
        assert str(archive) in told
    assert tree(tmp_path) == before


def test_work_beside_an_archive_whose_path_begins_alike_is_fine(archive: Path, tmp_path: Path) -> None:
    invoke("ingest", archive, tmp_path / "a_work", "--dry-run")


@pytest.fixture
def nobody() -> str:
    """An address of this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("scheme", ["http", "ftp"])
def test_server_that_cannot_be_reached_is_told_with_what_to_do(
    nobody: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reprocess.sources.web.BACKOFF_S", 0.0)
    told = invoke("plan", f"{scheme}://{nobody}/", code=2).stderr
    assert "connection: " in told
    assert "check the address and the network" in told
    assert "holds NOAA's years" not in told


def test_unknown_scheme_is_told_with_what_is_known() -> None:
    told = invoke("plan", "gopher://x/y", code=2).stderr
    assert "no address that can be read" in told
    assert "give a folder, an http(s) listing or a URL that fsspec reads" in told


def test_missing_library_of_a_scheme_is_told_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", absent)
    told = invoke("plan", "s3://bucket/poes", code=2).stderr
    assert "Install s3fs to access S3; install 'reprocess[s3]' with pip" in told


def test_file_in_place_of_a_web_folder_is_told(archive: Path) -> None:
    with NoaaServer(archive) as server:
        path = next(archive.rglob("*.nc")).relative_to(archive)
        server.moved[f"/access/{path}/"] = f"/access/{path}"
        told = invoke("plan", f"{server.url}{path}", code=2).stderr
    assert "is a file, not a folder" in told
    assert "give the folder that holds NOAA's years" in told


def test_quarantined_days_are_asked_for_again_only_with_the_option(archive: Path, tmp_path: Path) -> None:
    path = next(archive.rglob("*.nc"))
    good, at = path.read_bytes(), path.stat().st_mtime
    path.write_bytes(bytes(len(good)))
    os.utime(path, (at, at))
    one = ("--partition", "1/1")
    told = invoke("ingest", archive, tmp_path / "w", *one, code=3).stdout
    assert "truncated" in told
    path.write_bytes(good)
    os.utime(path, (at, at))  # mended, and as it was for all that a listing tells
    invoke("ingest", archive, tmp_path / "w", *one, code=3)
    assert (
        "1 satellite-day in 1 block"
        in invoke("ingest", archive, tmp_path / "w", "--dry-run", "--retry-quarantined").stdout
    )
    invoke("ingest", archive, tmp_path / "w", *one, "--retry-quarantined")


@pytest.mark.parametrize("folder", ["2019/metop01", "2012/noaa18", "2012"])
def test_a_day_in_the_folder_of_another_year_or_satellite_is_found_whatever_is_selected(
    archive: Path, tmp_path: Path, folder: str
) -> None:
    (archive / folder).parent.mkdir(exist_ok=True)
    (archive / "2019" / "noaa18").rename(archive / folder)
    everything = invoke("ingest", archive, tmp_path / "w", "--partition", "1/1")
    options = ("--satellite", "noaa18", "--start", "2019-10-24", "--partition", "1/1")
    selected = invoke("ingest", archive, tmp_path / "w", *options)
    for told in (everything, selected):
        assert "noaa18: 1 of 1 satellite-days ingested" in told.stdout
        assert "no longer in the archive" not in told.stderr


def test_over_a_network_a_day_in_a_folder_that_is_not_opened_is_not_told_as_vanished(
    archive: Path, tmp_path: Path
) -> None:
    (archive / "2019" / "noaa18").rename(archive / "2019" / "metop01")
    fake.write_granule(
        fake.granule_path(archive, "noaa18", "2019-10-25"), fake.variables("noaa18", "2019-10-25", n=60)
    )
    with NoaaServer(archive) as server:
        for options in ((), ("--satellite", "noaa18")):
            words = ("ingest", server.url, tmp_path / "w", "--partition", "1/1", *options)
            assert "no longer in the archive" not in invoke(*words).stderr
    assert "vanished" not in invoke("status", tmp_path / "w").stdout


def test_a_local_file_that_cannot_be_read_is_put_off_and_read_by_the_next_run(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_bytes = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.suffix == ".nc":
            raise OSError(errno.EIO, "Input/output error", str(path))
        return read_bytes(path)

    words = ("ingest", archive, tmp_path / "w", "--partition", "1/1")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", refuse)
        told = invoke(*words, code=4).stdout
    assert "  deferred noaa18 2019-10-24: unreadable (file://" in told
    assert "Input/output error" in told
    invoke(*words)
