"""The calendar of the archive: days, blocks, records."""

import datetime as dt
from functools import cache

SAMPLING_S = 2.0
"""Nominal time between records, in seconds."""

GAP_S = 3.0
"""A longer step between records is a gap; others are 1.991 to 2.009 s."""


EPOCH = dt.date(1998, 1, 1)
"""Day 0 of the `day` axis: before the first POES satellite with SEM-2 (NOAA-15, May 1998)."""


DAYS = (dt.date(2030, 1, 1) - EPOCH).days
"""Length of the `day` axis; it ends with 2029-12-31."""


BLOCK_DAYS = 32
"""Days of one block: one shard row of every array, the unit of work."""


RECORDS = 43_400
"""Length of the padded `record` axis: 86 400 s at the shortest step seen (1.991 s) are 43 396."""


MS_PER_DAY = 86_400_000


def day_index(date: dt.date | str) -> int:
    """Return the position of a date, or of one written as YYYY-MM-DD, on the `day` axis.

    Raises
    ------
    ValueError
        If the date is outside the axis.
    """
    if isinstance(date, str):
        date = dt.date.fromisoformat(date)
    index = (date - EPOCH).days
    if not 0 <= index < DAYS:
        raise ValueError(f"{date} is outside the archive's calendar, {EPOCH} to {day_date(DAYS - 1)}")
    return index


@cache
def day_date(index: int) -> dt.date:
    """Return the date at a position of the `day` axis."""
    return EPOCH + dt.timedelta(days=int(index))


@cache
def day_text(index: int) -> str:
    """Return the date at a position of the `day` axis as YYYY-MM-DD."""
    return day_date(index).isoformat()


def block_days(block: int) -> range:
    """Return the positions on the `day` axis that belong to a block; the last block is short."""
    return range(block * BLOCK_DAYS, min((block + 1) * BLOCK_DAYS, DAYS))
