"""What commands say of archives: what is not read and why, what is not there, what cannot be an archive."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reprocess.cli import main
from tests.support import fake


def invoke(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


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
    assert f"): file://{left_out}\n" in invoke("plan", archive).stderr
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
    told = invoke("plan", archive).stderr
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
