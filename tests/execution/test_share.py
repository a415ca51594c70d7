"""Shares of all blocks: every block in exactly one, whatever the archive holds."""

import datetime as dt

import pytest

from reprocess import schema
from reprocess.execution.share import Share
from reprocess.schema.granules import Granule

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
