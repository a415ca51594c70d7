"""Maps of two runs side by side: events, dwell and rates per bin of L by MLT, and their difference.

Both runs are of the same days, so what differs in a bin is not sampling but what the runs make of the same
records: the interval of a difference is of the differences between blocks, not of the rates.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.comparison.agreement import CONFIDENCE, block_at, resample
from reprocess.maps.intervals import calendar_block, effective_blocks, is_enough, spread_limits
from reprocess.maps.occurrence import count_events
from reprocess.maps.sums import kept_seconds, read_sums
from reprocess.physics.coincidence import milliseconds
from reprocess.schema import EVENT_CLASSES, RECORDS_OF
from reprocess.schema.grid import Grid, coarse_bins
from reprocess.work.parts import read_dwell
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

Key = tuple[str, str]
"""Satellite and date (YYYY-MM-DD)."""


@dataclass(frozen=True)
class BlockMaps:
    """What one run has per calendar block and bin."""

    events: np.ndarray
    """Events by their peak, int64, shape (n, 2, n_L, n_MLT); classes as in `schema.EVENT_CLASSES`."""
    dwell_s: np.ndarray
    """Seconds observed, int64, shape (n, n_L, n_MLT)."""


@dataclass(frozen=True)
class RateMaps:
    """Rates of two runs per bin, and their difference."""

    events_a: np.ndarray
    events_b: np.ndarray
    """Events, int64, shape (2, n_L, n_MLT)."""
    dwell_a_s: np.ndarray
    dwell_b_s: np.ndarray
    """Seconds, int64, shape (n_L, n_MLT)."""
    rate_a: np.ndarray
    rate_b: np.ndarray
    """Events per hour of the run's own dwell, shape (2, n_L, n_MLT); NaN below the least dwell."""
    difference: np.ndarray
    """B - A, events per hour; NaN where one of them is."""
    lower: np.ndarray | None
    upper: np.ndarray | None
    """Limits of the difference; None of too few blocks, NaN where a bin has too few of its own."""

    @property
    def known(self) -> np.ndarray:
        """Tell which bins have an interval, bool, shape (2, n_L, n_MLT)."""
        return np.zeros(self.difference.shape, bool) if self.lower is None else np.isfinite(self.lower)

    @property
    def beyond(self) -> np.ndarray:
        """Tell in which bins the interval leaves out zero, bool, shape (2, n_L, n_MLT)."""
        if self.lower is None or self.upper is None:
            return np.zeros(self.difference.shape, bool)
        return np.asarray((self.lower > 0) | (self.upper < 0))


def map_blocks(
    run: Run,
    receipts: Iterable[DetectReceipt],
    events: pd.DataFrame,
    days: set[Key],
    grid: Grid,
    blocks: np.ndarray,
) -> BlockMaps:
    """Count a run's events and sum its dwell by calendar block.

    Parameters
    ----------
    run : Run
    receipts : iterable of DetectReceipt
        Receipts of its blocks.
    events : pandas.DataFrame
        Its event table, of the days alone.
    days : set of (str, str)
        Satellite-days that count.
    grid : Grid
    blocks : ndarray of int64, shape (n,)
        What `agreement.block_numbers` returns.
    """
    row = np.searchsorted(blocks, block_at(milliseconds(events["start_time"])))
    counts = np.zeros((blocks.size, len(EVENT_CLASSES), *grid.shape), np.int64)
    for k in np.unique(row).tolist():
        counts[k] = count_events(events[row == k], grid)[0]
    return BlockMaps(counts, _dwell_s(run, receipts, days, grid, blocks))


def _dwell_s(
    run: Run, receipts: Iterable[DetectReceipt], days: set[Key], grid: Grid, blocks: np.ndarray
) -> np.ndarray:
    """Return the seconds of these days by calendar block and bin: as the run's map keeps them, else of parts.

    What the map keeps of a block is of all its days, so it will do only where all of them count.
    """
    total = np.zeros((blocks.size, grid.shape[0] * grid.shape[1]), np.int64)
    kept = read_sums(run, grid)
    rest = []
    for receipt in receipts:
        count = sum((receipt["satellite"], date) in days for date in receipt["days"])
        whole = kept_seconds(run, receipt, kept) if count == len(receipt["days"]) else None
        if count and whole is None:
            rest.append(receipt)
        elif count and whole is not None:
            total[np.searchsorted(blocks, whole[0])] += whole[1]
    _add_parts(total, run, rest, days, grid, blocks)
    return total.reshape(blocks.size, *grid.shape)


def _add_parts(
    total: np.ndarray,
    run: Run,
    receipts: list[DetectReceipt],
    days: set[Key],
    grid: Grid,
    blocks: np.ndarray,
) -> None:
    """Add the seconds of dwell parts on these days, shape (n, bins)."""
    bins = coarse_bins(grid)
    wanted: dict[str, list[int]] = {}
    for satellite, date in days:
        wanted.setdefault(satellite, []).append(schema.day_index(date))
    for satellite, part in read_dwell(run, receipts, names=["day", "cell", *RECORDS_OF.values()]):
        where = bins[part["cell"]]
        inside = (where >= 0) & np.isin(part["day"], wanted[satellite])
        row = np.searchsorted(blocks, calendar_block(part["day"][inside]))
        at = row * total.shape[1] + where[inside]
        records = np.bincount(at, part["records"][inside], total.size).reshape(total.shape)
        total += records.astype(np.int64) * int(schema.SAMPLING_S)


def compare_maps(a: BlockMaps, b: BlockMaps, min_dwell_s: float) -> RateMaps:
    """Return rates and differences of two runs over the same calendar blocks.

    Parameters
    ----------
    a, b : BlockMaps
    min_dwell_s : float
        Dwell of a run below which a bin has no rate.
    """
    least = max(min_dwell_s, schema.SAMPLING_S)
    dwell = [side.dwell_s.sum(axis=0) for side in (a, b)]
    events = [side.events.sum(axis=0) for side in (a, b)]
    seen = [seconds >= least for seconds in dwell]
    hours = [np.where(ok, seconds, np.nan) / 3600 for ok, seconds in zip(seen, dwell, strict=True)]
    rates = [n / h for n, h in zip(events, hours, strict=True)]
    difference = rates[1] - rates[0]
    low, high = _limits(a, b, seen[0] & seen[1], difference)
    return RateMaps(events[0], events[1], dwell[0], dwell[1], rates[0], rates[1], difference, low, high)


def _limits(
    a: BlockMaps, b: BlockMaps, seen: np.ndarray, difference: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return the limits of the difference in events per hour, the blocks being resampled for both alike.

    As in maps, a bin has limits if its own dwell is of enough blocks, and enough of them have an event, of
    either run here, NaN otherwise; and they are moved away from the difference as few blocks ask for.
    """
    drawn = [
        (resample(side.events[:, :, seen]), resample(side.dwell_s[:, seen])) for side in (a, b)
    ]  # only bins that have a rate
    rates = []
    for events, dwell in drawn:
        if events is None or dwell is None:
            return None, None
        with np.errstate(invalid="ignore", divide="ignore"):
            rates.append(events / (dwell[:, np.newaxis] / 3600))
    enough = np.array([_is_enough(a.events[:, k] + b.events[:, k], a, b) for k in range(len(EVENT_CLASSES))])
    few = np.minimum(*(effective_blocks(side.dwell_s[:, seen].astype(np.float64)) for side in (a, b)))
    found = np.full((2, *difference.shape), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):  # of bins of less than two blocks, which have none
        found[:, :, seen] = spread_limits(difference[:, seen], rates[1] - rates[0], few, CONFIDENCE)
    found[:, ~enough] = np.nan
    return found[0], found[1]


def _is_enough(events: np.ndarray, a: BlockMaps, b: BlockMaps) -> np.ndarray:
    """Tell for which bins the events of a class of both runs, shape (n, n_L, n_MLT), can give limits."""
    size, *shape = events.shape
    flat = events.reshape(size, -1)
    return np.asarray(
        is_enough(flat, a.dwell_s.reshape(size, -1), False)
        & is_enough(flat, b.dwell_s.reshape(size, -1), False)
    ).reshape(shape)


def bin_rows(maps: RateMaps, grid: Grid) -> list[dict[str, float | int | str | None]]:
    """Return one row per class and bin that either run observed, ready for JSON."""
    rows = []
    for k, name in enumerate(EVENT_CLASSES):
        for i, j in np.argwhere((maps.dwell_a_s > 0) | (maps.dwell_b_s > 0)).tolist():
            values = {
                "event_class": name,
                "L_low": grid.L_edges[i],
                "L_high": grid.L_edges[i + 1],
                "MLT_low_h": grid.MLT_edges[j],
                "MLT_high_h": grid.MLT_edges[j + 1],
                "events_a": int(maps.events_a[k, i, j]),
                "events_b": int(maps.events_b[k, i, j]),
                "dwell_a_s": int(maps.dwell_a_s[i, j]),
                "dwell_b_s": int(maps.dwell_b_s[i, j]),
                "rate_a_per_h": maps.rate_a[k, i, j],
                "rate_b_per_h": maps.rate_b[k, i, j],
                "difference_per_h": maps.difference[k, i, j],
                "difference_lower_per_h": None if maps.lower is None else maps.lower[k, i, j],
                "difference_upper_per_h": None if maps.upper is None else maps.upper[k, i, j],
            }
            rows.append({key: _plain(value) for key, value in values.items()})
    return rows


def _plain(value: float | int | str | None) -> float | int | str | None:
    if isinstance(value, float | np.floating):
        return None if np.isnan(value) else float(value)
    return value
