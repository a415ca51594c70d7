"""`reprocess plot`: what is named is drawn, in the format of the suffix; what is not there is refused."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from reprocess.cli import main
from reprocess.schema import IMAGE_FORMATS
from reprocess.work.paths import Work

pytestmark = pytest.mark.usefixtures("short_record_axis")

STARTS = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}


def plot(work: Work, *words: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["plot", *map(str, words[:1]), str(work.root), *map(str, words[1:])])
    assert result.exit_code == code, result.output
    return result.output


DAY = ("day", "--satellite", "noaa18", "--date", "2019-10-24")


@pytest.mark.parametrize("kind", IMAGE_FORMATS)
def test_the_suffix_tells_the_format(work: Work, kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{kind.upper()}"
    assert plot(work, *DAY, "-o", path) == ""
    assert path.read_bytes().startswith(STARTS[kind])


@pytest.mark.parametrize(
    "words",
    [
        ("event", "--number", 2),
        ("event", "--number", 2, "--around", 10, "--counts", "--width", "one", "--dpi", 80),
        ("pass", "--number", 2),
        ("pass", "--satellite", "noaa18", "--time", "2019-10-24T00:02:00Z"),
        (*DAY, "--run", "random-published"),
    ],
)
def test_what_is_named_is_drawn(work: Work, words: tuple[object, ...], tmp_path: Path) -> None:
    plot(work, *words, "-o", tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(STARTS["png"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("event",), "name an event with --number, or with --time"),
        (
            ("day", "--satellite", "noaa18,noaa19", "--date", "2019-10-24"),
            "--satellite gives noaa18, noaa19; a plot is of one satellite",
        ),
        (("event", "--number", 1, "--class", "REP"), "--number names an event alone"),
        (("event", "--number", 999), "there is no event 999"),
        (("event", "--time", "2001-01-01T00:00"), "nearest:"),
        (("event", "--number", 1, "--run", "no"), "there is no run 'no'"),
        (("pass", "--time", "2019-10-24T00:02"), "name a crossing with --satellite and --time"),
        (("pass", "--number", 1, "--satellite", "noaa18"), "name a crossing with"),
        (("pass", "--satellite", "noaa18", "--time", "2019-10-24T00:00:01"), "has no record in the belt"),
        (("pass", "--satellite", "noaa18", "--time", "2019-11-24T00:00:01"), "no record of noaa18"),
        (("day", "--satellite", "noaa15", "--date", "2019-10-24"), "has nothing of noaa15"),
        (("day", "--satellite", "noaa18", "--date", "2019-10-26"), "is not in the archive"),
    ],
)
def test_what_is_not_there_is_refused(
    work: Work, words: tuple[object, ...], told: str, tmp_path: Path
) -> None:
    assert told in " ".join(plot(work, *words, "-o", tmp_path / "x.png", code=2).split())
    assert list(tmp_path.iterdir()) == []


def test_other_files_are_refused(work: Work, tmp_path: Path) -> None:
    assert "none of the suffixes .png, .pdf, .svg" in plot(work, *DAY, "-o", tmp_path / "x.jpg", code=2)
    assert "there is no folder" in plot(work, *DAY, "-o", tmp_path / "no" / "x.png", code=2)


RUN = ("profile", "--l-edges", "1:9:2", "--mlt-edges", "0:24:3", "--min-dwell", 0)


@pytest.mark.parametrize(
    "words",
    [
        (*RUN, "--lines", "21:3,3:21", "--class", "REP", "--width", "one"),
        (*RUN, "--along", "MLT", "--lines", "1:9", "--hemisphere", "N", "--exclude", "E4_missing"),
        ("months", "--satellite", "noaa18"),
        ("coverage", "--end", "2019-10-24"),
    ],
)
def test_a_run_is_drawn_along_an_axis(work: Work, words: tuple[object, ...], tmp_path: Path) -> None:
    for k in (1, 2):
        assert plot(work, *words, "-o", tmp_path / f"{k}.svg") == ""
    assert (tmp_path / "1.svg").read_bytes().startswith(STARTS["svg"])
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("profile", "--lines", "21-3"), "'21-3' is not FROM:TO, such as 21:3"),
        (("profile", "--lines", "0:1,1:2,2:3,3:4,4:5,5:6,6:7"), "7 ranges are given; 6 lines are told apart"),
        (("profile", "--lines", "21.5:3"), "MLT 21.5 to 3 cuts bins"),
        (("profile", "--l-edges", "2.5:8.55:0.55"), "edges"),
        (("months", "--satellite", "noaa15"), "has no block of noaa15 that is done"),
        (("coverage", "--start", "2019-10-25", "--end", "2019-10-24"), "--start 2019-10-25 is after --end"),
    ],
)
def test_what_a_run_has_not_is_refused(
    work: Work, words: tuple[object, ...], told: str, tmp_path: Path
) -> None:
    assert told in " ".join(plot(work, *words, "-o", tmp_path / "x.png", code=2).split())
    assert list(tmp_path.iterdir()) == []


def test_records_are_drawn_without_a_run(work: Work, tmp_path: Path) -> None:
    bare = tmp_path / "w"
    shutil.copytree(work.root, bare, ignore=lambda folder, _: ["runs"] if Path(folder) == work.root else [])
    assert plot(Work(bare), *DAY, "-o", tmp_path / "x.png") == ""
    told = plot(Work(bare), "event", "--number", 1, "-o", tmp_path / "y.png", code=2)
    assert "has no run yet" in told


def test_what_a_reader_must_know_is_printed(work: Work, tmp_path: Path) -> None:
    words = ("event", "--number", 1, "--around", 3600)
    assert plot(work, *words, "-o", tmp_path / "x.png") == "2019-10-23 is not in the archive\n"


def test_maps_are_drawn_as_they_are_asked_for(work: Work) -> None:
    run = work.only_run(None)
    words = ["map", str(work.root), "--l-edges", "1:9:2", "--mlt-edges", "0:24:6", "--min-dwell", "0"]
    more = ["--name", "m", "--image-format", "SVG, pdf", "--vmax", "3", "--uncertainty", "relative"]
    result = CliRunner().invoke(main, words + more)
    assert result.exit_code == 0, result.output
    found = {path.name: path.read_bytes() for path in run.named_maps.iterdir()}
    assert set(found) == {"m.nc", "m_REP.svg", "m_REP.pdf", "m_CSS.svg", "m_CSS.pdf"}
    assert found["m_REP.svg"].startswith(STARTS["svg"])
    for wrong, told in (
        (["--image-format", "jpg"], "'jpg' is none of png, pdf, svg"),
        (["--vmax", "0"], "vmax"),
    ):
        result = CliRunner().invoke(main, words + wrong)
        assert result.exit_code == 2
        assert told in result.output
