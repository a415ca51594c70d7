"""Maps of two runs: the dwell that a run's map keeps, and that of its parts."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from reprocess import schema
from reprocess.comparison import maps
from reprocess.comparison.agreement import block_numbers, resample
from reprocess.comparison.maps import BlockMaps, compare_maps, map_blocks
from reprocess.comparison.stage import Side
from reprocess.errors import LedgerError
from reprocess.maps.sums import keep_sums
from reprocess.schema.grid import make_grid
from reprocess.work.parts import part_path, read_dwell, read_events
from reprocess.work.paths import Work

GRID = make_grid(np.array([1.0, 3.0, 5.0, 15.0]), np.array([0.0, 6.0, 12.0, 24.0]))
OTHER = make_grid(np.array([1.0, 5.0, 15.0]), np.array([0.0, 12.0, 24.0]))

ALL = {("noaa18", "2015-03-01"), ("noaa18", "2015-03-02"), ("metop01", "2015-03-01")}
CHOICES = [
    ALL,
    ALL - {("noaa18", "2015-03-01")},
    ALL - {("noaa18", "2015-03-02")},
    ALL - {("metop01", "2015-03-01")},
    {("noaa18", "2015-03-02")},
]


@pytest.fixture
def side(compared: Work, tmp_path: Path) -> Side:
    work = Work(Path(shutil.copytree(compared.root, tmp_path / "work")))
    return Side.of("A", work, work.run("continuous"))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Satellites whose dwell parts were read since the list was cleared."""
    satellites: list[str] = []

    def told(run, receipts, **names):
        for satellite, part in read_dwell(run, receipts, **names):
            satellites.append(satellite)
            yield satellite, part

    monkeypatch.setattr(maps, "read_dwell", told)
    return satellites


def dwell_s(side: Side, days: set[maps.Key], grid=GRID) -> np.ndarray:
    blocks = block_numbers(schema.day_index(date) for _, date in days)
    events = read_events(side.run, side.receipts)[:0]
    return map_blocks(side.run, side.receipts, events, days, grid, blocks).dwell_s


@pytest.mark.parametrize("days", CHOICES)
def test_kept_sums_give_the_seconds_of_the_parts(days: set[maps.Key], side: Side, read: list[str]) -> None:
    of_parts = dwell_s(side, days)
    assert of_parts.sum() == 2 * sum(side.days[key]["in_grid"] for key in days) > 0
    assert sorted(read) == sorted({satellite for satellite, _ in days})
    read.clear()
    keep_sums(side.run, side.receipts, GRID)
    np.testing.assert_array_equal(dwell_s(side, days), of_parts)
    whole = {s for s in ("noaa18", "metop01") if {key for key in ALL if key[0] == s} <= days}
    assert sorted(read) == sorted({satellite for satellite, _ in days} - whole)


def test_sums_of_other_bins_are_not_taken(side: Side, read: list[str]) -> None:
    of_parts = dwell_s(side, ALL)
    keep_sums(side.run, side.receipts, OTHER)
    read.clear()
    np.testing.assert_array_equal(dwell_s(side, ALL), of_parts)
    assert sorted(read) == ["metop01", "noaa18"]


def test_kept_sums_do_not_hide_that_a_part_is_gone(side: Side) -> None:
    keep_sums(side.run, side.receipts, GRID)
    gone = part_path(side.run.dwell, "metop01", side.receipts[0]["block"])
    gone.unlink()
    with pytest.raises(LedgerError, match="missing although its block is done"):
        dwell_s(side, ALL)


def test_bins_that_a_draw_can_leave_without_dwell_have_no_interval() -> None:
    """A bin that was observed in one block of twelve: its rate is known, how it differs is not."""
    events, dwell = np.ones((12, 2, 1, 2), np.int64), np.full((12, 1, 2), 3600)
    events[1:, :, :, 1], dwell[1:, :, 1] = 0, 0
    fewer = events.copy()
    fewer[::2, 0] = 0
    found = maps.compare_maps(maps.BlockMaps(events, dwell), maps.BlockMaps(fewer, dwell), 600)
    assert np.isfinite(found.difference).all()
    assert found.known.tolist() == [[[True, False]], [[True, False]]]
    assert found.beyond.tolist() == [[[True, False]], [[False, False]]]
    short = [maps.BlockMaps(one[:9], dwell[:9]) for one in (events, fewer)]
    assert not maps.compare_maps(*short, 600).known.any()


def test_a_bin_has_an_interval_of_its_own_blocks_alone() -> None:
    """Bins: seen in all twelve blocks, in three of them, and in all with events in two; no event at all."""
    dwell = np.full((12, 1, 4), 36_000)
    dwell[3:, 0, 1] = 0
    events = np.zeros((12, 2, 1, 4), np.int64)
    events[:, 0, 0, 0] = 2
    events[:3, 0, 0, 1] = 5
    events[:2, 0, 0, 2] = 9
    fewer = events.copy()
    fewer[:, 0, 0, 0] = 1
    found = compare_maps(BlockMaps(events, dwell), BlockMaps(fewer, dwell), 0)
    assert found.lower is not None
    assert found.upper is not None
    np.testing.assert_array_equal(np.isfinite(found.lower[0, 0]), [True, False, False, False])
    np.testing.assert_array_equal(np.isfinite(found.upper[0, 0]), [True, False, False, False])
    assert not np.isfinite(found.lower[1]).any(), "no event of the other class"
    assert found.difference[0, 0, 0] == found.lower[0, 0, 0] == pytest.approx(-0.1)
    assert found.beyond.sum() == 1


def test_limits_are_moved_away_as_few_blocks_ask_for() -> None:
    """Blocks of two lengths: ten of 4 h and ten of 2 h are worth 60^2 / (10 * 16 + 10 * 4) = 18 alike."""
    dwell = np.repeat([4, 2], 10).reshape(20, 1, 1) * 3600
    rng = np.random.default_rng(1)
    events = rng.poisson(3, (2, 20, 2, 1, 1))
    found = compare_maps(*(BlockMaps(one, dwell) for one in events), 0)
    hours = resample(dwell)[:, 0, 0] / 3600
    drawn = [resample(one)[:, 0, 0, 0] / hours for one in events]
    value = float(events[1, :, 0].sum() - events[0, :, 0].sum()) / 60
    low, high = np.quantile(drawn[1] - drawn[0], [0.025, 0.975])
    more = 2.109816 / 1.959964 * np.sqrt(18 / 17)  # t(17) and the normal distribution, of tables
    assert found.lower[0, 0, 0] == pytest.approx(value - more * (value - low), rel=1e-5)
    assert found.upper[0, 0, 0] == pytest.approx(value + more * (high - value), rel=1e-5)
