"""Events and seconds of a run by part of a split, calendar block and bin: all that maps are made of.

Sums of integers, so neither the order of blocks nor how they were worked on can matter, and the parts of a
split add up to the whole.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from reprocess import schema
from reprocess.errors import LedgerError
from reprocess.maps.intervals import calendar_block
from reprocess.maps.split import Axis, Columns, event_days
from reprocess.schema import EVENT_CLASSES, EVENT_FLAGS, RECORDS_OF
from reprocess.schema.grid import Grid, coarse_bins
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.parts import read_dwell, read_event_columns
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

if TYPE_CHECKING:
    import pandas as pd

_SECONDS = int(schema.SAMPLING_S)


@dataclass(frozen=True)
class Tally:
    """What is counted of a run. The first dimension is the part of a split, all its axes as one."""

    blocks: np.ndarray
    """Calendar blocks with a satellite-day, increasing, shape (blocks,)."""
    events: np.ndarray
    """int32, shape (parts, classes, blocks, bins)."""
    dwell: np.ndarray
    """Seconds, int64, shape (parts or 1, blocks, bins); 1 if all parts share the time observed."""
    within: np.ndarray
    """Seconds within events, int64, shape (parts or 1, classes, blocks, bins)."""
    off_map: int
    """Events that are outside the bins or whose L is interpolated."""
    passes: np.ndarray | None = None
    """Crossings of a bin, as `dwell`; None where that is not known, as of dwell parts."""
    passed: np.ndarray | None = None
    """Those with the peak of an event, as `within`."""


def chosen_blocks(
    run: Run, receipts: Iterable[DetectReceipt], choice: Choice = EVERYTHING
) -> list[DetectReceipt]:
    """Return the receipts with a day that is chosen, of each only these days.

    Raises
    ------
    LedgerError
        If there is none.
    """
    chosen = [receipt for receipt in choice.receipts(receipts) if receipt["days"]]
    if not chosen:
        of = f" {choice.words}" if choice.words else ""
        raise LedgerError(f"run {run.name!r} has no block{of} that is done; run detect first")
    return chosen


def side_by_side(tallies: Sequence[Tally]) -> Tally:
    """Return tallies of the same bins, none of them split, as the parts of one.

    Parameters
    ----------
    tallies : sequence of Tally
        One at least; what they count is counted in no other of them.
    """
    blocks = np.unique(np.concatenate([one.blocks for one in tallies]))

    def aligned(arrays: Sequence[np.ndarray]) -> np.ndarray:
        of_blocks = arrays[0].ndim - 2
        shape = list(arrays[0].shape)
        shape[0], shape[of_blocks] = len(tallies), blocks.size
        total = np.zeros(shape, arrays[0].dtype)
        for part, one, values in zip(total, tallies, arrays, strict=True):
            part[..., np.searchsorted(blocks, one.blocks), :] = values[0]
        return total

    return Tally(
        blocks,
        aligned([one.events for one in tallies]),
        aligned([one.dwell for one in tallies]),
        aligned([one.within for one in tallies]),
        sum(one.off_map for one in tallies),
    )


def together(counted: Tally) -> Tally:
    """Return the parts of a tally, each with its own time observed, as one."""
    events, dwell, within = (
        values.sum(axis=0, keepdims=True, dtype=values.dtype)
        for values in (counted.events, counted.dwell, counted.within)
    )
    return Tally(counted.blocks, events, dwell, within, counted.off_map)


def parts_of(axes: Sequence[Axis], indices: Iterable[np.ndarray]) -> np.ndarray | int:
    """Return the position of parts in C order from their positions along each axis."""
    found: np.ndarray | int = 0
    for axis, index in zip(axes, indices, strict=True):
        found = found * len(axis.labels) + index
    return found


def place_events(events: "pd.DataFrame", grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which events are on a map, and class and bin of the peak of those that are.

    Events whose L is interpolated or outside the grid are on no map, like such records are in no
    exposure.

    Returns
    -------
    tuple of ndarray
        bool, shape (n,); of the k on the map, position in `schema.EVENT_CLASSES` and bin (L by MLT).
    """
    cell = grid.cell(*(events[name].to_numpy(np.float32) for name in ("L", "MLT", "latitude")))
    usable = (events["quality_flags"].to_numpy() & EVENT_FLAGS["L_interpolated"]) == 0
    on_map = usable & (cell >= 0)
    names = events["event_class"][on_map]
    kind = np.select([(names == name).to_numpy() for name in EVENT_CLASSES], [0, 1])
    return on_map, kind, cell[on_map] % (grid.shape[0] * grid.shape[1])


def count_by_part(
    events: "pd.DataFrame", grid: Grid, axes: Sequence[Axis], blocks: np.ndarray
) -> tuple[np.ndarray, int]:
    """Count events by part, class, calendar block and bin of their peak.

    Returns
    -------
    tuple of ndarray of int32, shape (parts, classes, blocks, bins), and int
        Counts, and the number of events left out.
    """
    on_map, kind, bin_ = place_events(events, grid)
    table, bins = events[on_map], grid.shape[0] * grid.shape[1]
    shape = (_size(axes), len(EVENT_CLASSES), blocks.size, bins)
    block = np.searchsorted(blocks, calendar_block(event_days(table)))
    part = parts_of(axes, [axis.of_events(table) for axis in axes])
    key = ((part * shape[1] + kind) * shape[2] + block) * bins + bin_
    counts = np.bincount(key, minlength=int(np.prod(shape))).astype(np.int32).reshape(shape)
    return counts, len(events) - len(table)


def _size(axes: Sequence[Axis]) -> int:
    return int(np.prod([len(axis.labels) for axis in axes], dtype=int))


def sum_dwell(
    rows: Iterable[tuple[str, Columns]],
    bins: np.ndarray,
    count: int,
    axes: Sequence[Axis],
    blocks: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Sum seconds by part, calendar block and bin.

    Parameters
    ----------
    rows : iterable of tuple of str and dict
        Satellite and columns of each block's dwell.
    bins : ndarray of int
        Bin of the map by the cell of the dwell, -1 outside the map.
    count : int
        Number of bins.
    axes : sequence of Axis
        All with `of_dwell`.
    blocks : ndarray of int
        Calendar blocks of the map.

    Returns
    -------
    tuple of ndarray of int64
        All time observed, shape (parts, blocks, bins), and that within events, with classes second.
    """
    parts = _size(axes)
    dwell = np.zeros(parts * blocks.size * count, np.int64)
    within = np.zeros((len(EVENT_CLASSES), dwell.size), np.int64)
    for satellite, columns in rows:
        of_bin = bins[columns["cell"]]
        inside = np.flatnonzero(of_bin >= 0)
        for name, total in zip(("", *EVENT_CLASSES), (dwell, *within), strict=True):
            records = columns[f"records_{name}" if name else "records"]
            kept = inside[records[inside] > 0] if name else inside
            if kept.size:
                at = _block_of(columns["day"][kept], blocks) * count + of_bin[kept]
                part = _part_of(satellite, columns, kept, name, axes)
                _add(total, part * (blocks.size * count) + at, records[kept])
    shape = (parts, len(EVENT_CLASSES), blocks.size, count)
    by_part = np.moveaxis(within.reshape(len(EVENT_CLASSES), parts, blocks.size, count), 0, 1)
    return dwell.reshape(parts, blocks.size, count), np.ascontiguousarray(by_part).reshape(shape)


def _part_of(
    satellite: str, columns: Columns, kept: np.ndarray, event_class: str, axes: Sequence[Axis]
) -> np.ndarray | int:
    """Return the part of some rows of a block's dwell."""
    if not axes:
        return 0
    some = {key: values[kept] for key, values in columns.items()}
    return parts_of(axes, [axis.of_dwell(satellite, some, event_class) for axis in axes if axis.of_dwell])


def _block_of(days: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """Return the position of each day's calendar block among the blocks of the map."""
    first = int(days.min())
    positions = np.searchsorted(blocks, calendar_block(np.arange(first, int(days.max()) + 1)))
    return positions[days - first]


def _add(total: np.ndarray, at: np.ndarray, records: np.ndarray) -> None:
    """Add the seconds of records where they belong, in the stretch of `total` that they are in."""
    first = int(at.min())
    sums = np.bincount(at - first, records)
    total[first : first + sums.size] += sums.astype(total.dtype) * _SECONDS


class Passes:
    """Crossings of bins, counted of the rows of position parts; each is of the part that it begins in.

    Parameters
    ----------
    axes : sequence of Axis
        All with `of_dwell`.
    blocks : ndarray of int
        Calendar blocks of the map.
    bins : int
        How many there are.
    """

    def __init__(self, axes: Sequence[Axis], blocks: np.ndarray, bins: int) -> None:
        self._axes, self._blocks, self._bins = axes, blocks, bins
        self.all = np.zeros((_size(axes), blocks.size, bins), np.int64)
        self.of_class = np.zeros((_size(axes), len(EVENT_CLASSES), blocks.size, bins), np.int64)

    def counted(self, rows: Iterable[tuple[str, Columns]]) -> Iterator[tuple[str, Columns]]:
        """Yield the rows as they are, and count the crossings that they are of."""
        for satellite, columns in rows:
            if columns["day"].size:
                self._count(satellite, columns)
            yield satellite, columns

    def _count(self, satellite: str, columns: Columns) -> None:
        """Count a block's crossings by the first of their rows that are left."""
        first = np.flatnonzero(np.append(True, np.diff(columns["crossing"]) != 0))
        part = np.broadcast_to(_part_of(satellite, columns, first, "", self._axes), first.size)
        at = part, _block_of(columns["day"][first], self._blocks), columns["cell"][first] % self._bins
        np.add.at(self.all, at, 1)
        for k, name in enumerate(EVENT_CLASSES):
            hit = np.add.reduceat(columns[f"peaks_{name}"], first) > 0
            np.add.at(self.of_class[:, k], tuple(index[hit] for index in at), 1)


def tally(
    run: Run,
    receipts: Sequence[DetectReceipt],
    grid: Grid,
    choice: Choice = EVERYTHING,
    axes: Sequence[Axis] = (),
    rows: Iterable[tuple[str, Columns]] | None = None,
) -> Tally:
    """Count what is chosen of a run.

    Parameters
    ----------
    run : Run
    receipts : sequence of DetectReceipt
        Receipts of the blocks that are chosen, with one day at least.
    grid : Grid
    choice : Choice
    axes : sequence of Axis
        What to split by.
    rows : iterable of tuple of str and dict
        Dwell by other rows than those of the run's parts: of the map's own cells, with more columns.

    Raises
    ------
    LedgerError, FlagError
        As `parts.read_dwell`.
    """
    days = np.array(sorted({schema.day_index(date) for r in receipts for date in r["days"]}))
    blocks, count = np.unique(calendar_block(days)), grid.shape[0] * grid.shape[1]
    events, off_map = count_by_part(
        read_event_columns(run, receipts, _needed(axes), choice), grid, axes, blocks
    )
    passes = Passes([axis for axis in axes if axis.of_dwell], blocks, count) if rows is not None else None
    bins = coarse_bins(grid) if rows is None else np.tile(np.arange(count), len(schema.HEMISPHERES))
    split = [axis for axis in axes if axis.of_dwell]
    looked = passes.counted(rows) if rows is not None and passes else None
    dwell, within = sum_dwell(
        looked or read_dwell(run, receipts, choice, _columns(axes)), bins, count, split, blocks
    )
    found = Tally(blocks, events, _for_all(dwell, axes), _for_all(within, axes), off_map)
    if passes is None or len(split) < len(axes):  # what events are tells of no pass
        return found
    return replace(found, passes=passes.all, passed=passes.of_class)


def _for_all(total: np.ndarray, axes: Sequence[Axis]) -> np.ndarray:
    """Return sums with a part for every part of all axes; those of events alone share what there is."""
    if not axes or all(axis.of_dwell for axis in axes) or not any(axis.of_dwell for axis in axes):
        return total
    rest = total.shape[1:]
    known = total.reshape(*[len(axis.labels) if axis.of_dwell else 1 for axis in axes], *rest)
    shape = (*[len(axis.labels) for axis in axes], *rest)
    return np.ascontiguousarray(np.broadcast_to(known, shape)).reshape(-1, *rest)


def _columns(axes: Sequence[Axis]) -> list[str]:
    """Return the columns of dwell parts that are summed and split by."""
    flags = [name for name in schema.DWELL_COLUMNS if name.startswith("quality_flags")]
    by_flag = any(axis.name in EVENT_FLAGS for axis in axes)
    return ["day", "cell", *RECORDS_OF.values(), *(flags if by_flag else [])]


def _needed(axes: Sequence[Axis]) -> list[str]:
    """Return the columns of events that are counted by, and the parts of axes."""
    own = ["event_class", "date", "L", "MLT", "latitude", "quality_flags"]
    return list(dict.fromkeys([*own, *(name for axis in axes for name in axis.columns)]))
