"""`explore`, and `map --difference`: what the commands write, say and refuse."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner, Result

from reprocess.cli import main
from reprocess.plots.choice import view_event
from reprocess.plots.view import Source
from reprocess.report.passages import find_passages, passage_arrays
from reprocess.schema import CLASSES
from reprocess.work.parts import read_events
from reprocess.work.paths import Work

pytestmark = pytest.mark.usefixtures("short_record_axis", "unrendered")


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module", autouse=True)
def _mapped(work: Work) -> None:
    assert call("map", work.root).exit_code == 0


def test_the_explorer_is_written_where_it_is_asked_for(work: Work, tmp_path: Path) -> None:
    run = work.only_run(None)
    result = call("explore", work.root)
    assert result.exit_code == 0, result.output
    assert f"wrote {run.explorer}, " in result.stderr
    assert run.explorer.read_bytes().startswith(b"<!DOCTYPE html>")
    other = tmp_path / "other.html"
    assert call("explore", work.root, "-o", other, "--passages", 0, "--l-edges", "2:8:2").exit_code == 0
    assert other.read_bytes() != run.explorer.read_bytes()
    assert call("explore", work.root, "-o", other).exit_code == 0
    assert other.read_bytes() == run.explorer.read_bytes(), "the bins of the run's map"
    result = call("explore", work.root, "-o", tmp_path / "none" / "a.html")
    assert result.exit_code == 2
    assert "there is no folder" in result.stderr


def test_records_of_the_strongest_events_are_in_it(work: Work, tmp_path: Path) -> None:
    run = work.only_run(None)
    table = read_events(run, run.ledger.done())
    found = find_passages(work, run, table, 3)
    strongest = table["max_e4_0"].to_numpy()[found.events]
    assert found.events.size == 3 < len(table)
    assert strongest.min() >= np.delete(table["max_e4_0"].to_numpy(), found.events).max()
    arrays = passage_arrays(found, table)
    at = 0
    for k, position in enumerate(found.events.tolist()):
        view = view_event(Source(work, str(table.loc[position, "satellite"]), run, table), position)
        own = slice(at, at := at + int(arrays["passage_length"][k]))
        start = np.int64(table.loc[position, "start_time"].value // 1_000_000)
        np.testing.assert_array_equal(start + arrays["passage_ms"][own], view.time)
        for telescope, angle in enumerate((0, 90)):
            for channel in range(4):
                shown = arrays[f"passage_e{channel + 1}_{angle}"][own]
                np.testing.assert_array_equal(shown, view.flux[telescope, channel])
        assert view.probability is not None
        for name in ("REP", "CSS"):
            chance = view.probability[CLASSES.index(name)]
            shown = np.where(
                arrays[f"passage_{name}"][own] == 255, np.nan, arrays[f"passage_{name}"][own] / 200
            )
            np.testing.assert_allclose(shown, chance, atol=0.0026)
    assert at == arrays["passage_L"].size > 0
    assert passage_arrays(find_passages(work, run, table, 0), table)["passage_ms"].size == 0


def test_an_archive_that_is_gone_is_told(work: Work, tmp_path: Path) -> None:
    copy = shutil.copytree(work.root, tmp_path / "w")
    shutil.rmtree(copy / "archive.zarr")
    result = call("explore", copy, "--passages", 2, "-o", tmp_path / "a.html")
    assert "no records of 2 events in the page: " in result.stderr
    assert "Records of 2 events are not on this page: " in (tmp_path / "a.html").read_text()


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
