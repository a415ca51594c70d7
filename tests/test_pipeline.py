"""Shares of all blocks: every block in exactly one, whatever the archive holds."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from reprocess import schema
from reprocess.classifier.bundle import Bundle
from reprocess.detect import stage
from reprocess.detect.block import Settings
from reprocess.detect.stage import detect
from reprocess.execution.share import Share
from reprocess.ingest.stage import ingest
from reprocess.maps.stage import make_map, sum_up
from reprocess.schema.granules import Granule
from reprocess.schema.grid import make_grid
from reprocess.sources.listing import list_archive
from reprocess.work.paths import Run, Work
from tests.support import fake
from tests.support.command import tree

# From the first day of each satellite's files to 2026, as the public archive has them.
FIRST = {
    "noaa15": 2012, "noaa16": 2012, "noaa18": 2012, "noaa19": 2012, "metop01": 2012, "metop02": 2012,
    "metop03": 2019,
}  # fmt: skip


def blocks() -> list[tuple[str, int]]:
    return [
        (satellite, block)
        for satellite, year in FIRST.items()
        for block in range(
            schema.day_index(dt.date(year, 1, 1)) // schema.BLOCK_DAYS,
            schema.day_index(dt.date(2026, 1, 1)) // schema.BLOCK_DAYS,
        )
    ]


@pytest.mark.parametrize("of", [1, 2, 3, 8, 10, 107, 183, 366])
def test_shares_are_disjoint_and_leave_nothing_out(of: int) -> None:
    held = [[share for share in range(1, of + 1) if Share(share, of).holds(*block)] for block in blocks()]
    assert all(len(shares) == 1 for shares in held)


@pytest.mark.parametrize("of", [2, 10, 50, 183, 366, 850])
def test_shares_are_about_equal(of: int) -> None:
    counts = [sum(Share(k, of).holds(*block) for block in blocks()) for k in range(1, of + 1)]
    mean = len(blocks()) / of
    assert max(counts) - mean <= len(FIRST) / 2 + 1
    assert max(counts) <= 3 * mean + 2


def test_a_share_selects_the_days_of_its_blocks() -> None:
    days = [Granule("noaa18", day, f"file:///{day}.nc", 1, "1") for day in range(7936, 7936 + 96)]
    chosen = [Share(k, 3).select(days) for k in (1, 2, 3)]
    assert [len(c) for c in chosen] == [32, 32, 32]
    assert sorted(g for share in chosen for g in share) == days
    assert all(len({g.day // schema.BLOCK_DAYS for g in c}) == 1 for c in chosen)


@pytest.fixture
def half_done(fake_archive: Path, random_model: Bundle, tmp_path: Path) -> tuple[Work, Run]:
    """A run whose exposure stands for fewer days than are classified, as a kill leaves it."""
    work, granules = Work(tmp_path / "w"), list_archive(str(fake_archive)).granules
    settings = Settings(random_model.path, random_model.sha256, "published", "onnxruntime", False, False)
    run, everything = work.run("r"), Share(1, 1)
    for chosen in ([g for g in granules if g.satellite == "metop01"], granules):
        ingest(work, chosen, everything, fake.Silence())
        detect(work, run, settings, chosen, everything, fake.Silence())
        if len(chosen) < len(granules):
            assert not run.exposure.exists(), "shares leave the exposure to the map"
            sum_up(run)
    return work, run


def test_an_exposure_that_a_kill_left_behind_is_brought_up_to_date(
    half_done: tuple[Work, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, run = half_done
    before = tree(run.exposure)
    assert len(sum_up(run)) == 3
    after = tree(run.exposure)
    assert after != before
    assert (run.read_identity() or {})["satellite_days"] == 4
    monkeypatch.setattr(stage, "write_exposure", lambda *_: pytest.fail("it is up to date"))
    assert len(sum_up(run)) == 3
    assert tree(run.exposure) == after


def test_a_map_and_its_exposure_stand_for_the_same_days(half_done: tuple[Work, Run]) -> None:
    work, run = half_done
    make_map(work, run, make_grid(np.arange(1, 15.5, 1), np.arange(0, 25, 6)), 0)
    exposure = xr.open_zarr(run.exposure, consolidated=False)
    with xr.open_dataset(run.occurrence) as maps:
        assert int(maps.dwell.sum()) == int(exposure.dwell.sum()) > 0
    assert set(exposure.satellite.values) == {"metop01", "noaa18"}
