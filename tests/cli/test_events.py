"""`reprocess events -o`: the suffix tells the format, and only the file that was meant is written."""

import io
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
from click.testing import CliRunner

from reprocess.classifier.bundle import Bundle
from reprocess.cli import main
from reprocess.schema import EVENT_FORMATS
from reprocess.work.paths import Work
from tests.support import labelled
from tests.support.command import REPROCESS

pytestmark = pytest.mark.usefixtures("short_record_axis")


@pytest.fixture(scope="module")
def table(work: Work) -> bytes:
    """What the command prints."""
    done = subprocess.run([REPROCESS, "events", work.root], capture_output=True, check=False)
    assert done.stdout.count(b"\n") > 5
    return done.stdout


def events(work: Work, *options: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["events", str(work.root), *map(str, options)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


READERS = {
    "csv": pd.read_csv,
    "parquet": pd.read_parquet,
    "json": pd.read_json,
    "xlsx": pd.read_excel,
    "nc": lambda path: xr.load_dataset(path, engine="scipy").to_dataframe(),
}


def test_the_command_offers_every_format() -> None:
    assert READERS.keys() == set(EVENT_FORMATS)


@pytest.mark.parametrize("kind", EVENT_FORMATS)
def test_the_suffix_tells_the_format(work: Work, table: bytes, kind: str, tmp_path: Path) -> None:
    one, two = tmp_path / f"x.{kind}", tmp_path / f"y.{kind.upper()}"
    events(work, "-o", one)
    events(work, "-o", two)
    expected = pd.read_csv(io.BytesIO(table))
    assert READERS[kind](one)["start_index"].tolist() == expected["start_index"].tolist()
    assert one.read_bytes() == two.read_bytes()
    assert sorted(tmp_path.iterdir()) == [one, two]


@pytest.mark.parametrize("name", ["x", "x.txt", "x.xls", "x.h5", "csv", ".csv"])
def test_other_suffixes_are_refused_unless_the_format_is_named(
    work: Work, table: bytes, name: str, tmp_path: Path
) -> None:
    told = events(work, "-o", tmp_path / name, code=2)
    assert "has none of the suffixes .csv, .parquet, .json, .xlsx, .nc; name the format" in told
    assert list(tmp_path.iterdir()) == []
    events(work, "-o", tmp_path / name, "--format", "csv")
    assert (tmp_path / name).read_bytes() == table


def test_a_folder_that_is_not_there_is_named_and_not_made(work: Work, tmp_path: Path) -> None:
    told = events(work, "-o", tmp_path / "no" / "x.csv", code=2)
    assert f"there is no folder {tmp_path / 'no'} to write x.csv to" in told
    assert "there is no folder" in events(work, "--describe", "-o", tmp_path / "no" / "x.csv", code=2)
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_and_its_file_is_written(work: Work, table: bytes, tmp_path: Path) -> None:
    for name in ("there", "dangling"):
        target, link = tmp_path / f"{name}.data", tmp_path / f"{name}.csv"
        link.symlink_to(target)
        if name == "there":
            target.write_bytes(b"old")
        events(work, "-o", link)
        assert link.is_symlink()
        assert target.read_bytes() == table


def test_a_pipe_is_written_through(work: Work, table: bytes, tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    events(work, "-o", pipe)
    reader.join(timeout=60)
    assert got == [table]
    assert pipe.is_fifo()


def test_standard_output_may_be_named(work: Work, table: bytes, tmp_path: Path) -> None:
    words = [REPROCESS, "events", work.root, "-o", "/dev/stdout"]
    assert subprocess.run(words, capture_output=True, check=False).stdout == table
    path = tmp_path / "both"
    with path.open("wb") as file:
        file.write(b"first\n")
        file.flush()
        subprocess.run(words, stdout=file, check=True)
    assert path.read_bytes() == b"first\n" + table


def test_columns_are_described_in_the_format_of_the_suffix(work: Work, tmp_path: Path) -> None:
    for name, start in (("c.json", b"{"), ("c.txt", b"satellite ")):
        events(work, "--describe", "-o", tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)


def test_times_of_windows_are_told_as_such(work: Work, random_model: Bundle) -> None:
    early, exact = (labelled.classify(work, random_model, mode) for mode in ("published-2022", "published"))
    words = "start and stop of mode published-2022 are those of windows: three records (6 s) before"
    assert words in events(work, "--run", early.name)
    assert words not in events(work, "--run", exact.name)
    shutil.rmtree(early.root)  # other tests are about the only run
