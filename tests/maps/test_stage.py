"""What is made of all blocks: exposure and maps stand for the blocks there are."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from reprocess.classifier.bundle import Bundle
from reprocess.detect.plan import Settings
from reprocess.detect.stage import detect
from reprocess.execution.share import Share
from reprocess.ingest.stage import ingest
from reprocess.maps import exposure
from reprocess.maps.stage import make_map, sum_up
from reprocess.schema.grid import make_grid
from reprocess.sources.listing import list_archive
from reprocess.work.paths import Run, Work
from tests.support import fake
from tests.support.command import tree


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
    monkeypatch.setattr(exposure, "write_exposure", lambda *_: pytest.fail("it is up to date"))
    assert len(sum_up(run)) == 3
    assert tree(run.exposure) == after


def test_a_map_and_its_exposure_stand_for_the_same_days(half_done: tuple[Work, Run]) -> None:
    work, run = half_done
    make_map(work, run, make_grid(np.arange(1, 15.5, 1), np.arange(0, 25, 6)), 0)
    of_all = xr.open_zarr(run.exposure, consolidated=False)
    with xr.open_dataset(run.occurrence, engine="scipy") as maps:
        assert int(maps.dwell.sum()) == int(of_all.dwell.sum()) > 0
    assert set(of_all.satellite.values) == {"metop01", "noaa18"}
