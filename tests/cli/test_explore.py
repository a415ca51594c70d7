"""`explore`, and `map --difference`: what the commands write, say and refuse."""

from pathlib import Path

import pytest
import xarray as xr
from click.testing import CliRunner, Result

from reprocess.cli import main
from reprocess.work.paths import Work

pytestmark = pytest.mark.usefixtures("short_record_axis")


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_the_explorer_is_written_where_it_is_asked_for(work: Work, tmp_path: Path) -> None:
    run = work.only_run(None)
    assert call("map", work.root).exit_code == 0
    result = call("explore", work.root)
    assert result.exit_code == 0, result.output
    assert f"wrote {run.explorer}, " in result.stderr
    assert run.explorer.read_bytes().startswith(b"<!DOCTYPE html>")
    other = tmp_path / "other.html"
    assert call("explore", work.root, "-o", other, "--l-edges", "2:8:2").exit_code == 0
    assert other.read_bytes() != run.explorer.read_bytes()
    assert call("explore", work.root, "-o", other).exit_code == 0
    assert other.read_bytes() == run.explorer.read_bytes(), "the bins of the run's map"
    result = call("explore", work.root, "-o", tmp_path / "none" / "a.html")
    assert result.exit_code == 2
    assert "there is no folder" in result.stderr


def test_a_difference_says_what_differs(work: Work) -> None:
    result = call("map", work.root, "--by", "hemisphere", "--difference", "N:S", "--min-dwell", 0)
    assert result.exit_code == 0, result.output
    assert "N against S, REP: " in result.stdout
    path = work.only_run(None).named_maps / "difference_by_hemisphere.nc"
    assert f"wrote {path}" in result.stderr
    with xr.open_dataset(path, engine="scipy", decode_timedelta=False) as found:
        assert found.attrs["warning"].startswith("nothing is tested")
        assert found.events_first.sum() + found.events_second.sum() > 0
    result = call("map", work.root, "--by", "satellite", "--difference", "others", "--name", "each")
    assert result.exit_code == 0, result.output
    assert "noaa18 against others, CSS: " in result.stdout
    assert (work.only_run(None).named_maps / "each_REP.png").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--difference", "N:S"), "--difference needs --by, which makes the parts"),
        (("--by", "hemisphere", "--difference", "N"), "'N' is neither A:B"),
        (("--by", "hemisphere", "--difference", "N:E"), "hemisphere has no part 'E'; its parts are N, S"),
        (("--by", "year,season", "--difference", "others"), "a difference is of parts of one thing"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(work: Work, words: tuple[str, ...], why: str) -> None:
    result = call("map", work.root, *words)
    assert result.exit_code == 2
    assert why in " ".join(result.stderr.split())
