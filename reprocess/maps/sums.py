"""What each block gives to the run's map, kept so that a map reads only the parts that are new.

What a block gives stands under the sha256 of its days and parts, with the bins and the version: whatever of
these changes, the block is counted anew. So are all blocks without the file, or where it is damaged. The
file ends with the sha256 of all that is before it, as the comment of a zip archive.
"""

import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprocess import __version__
from reprocess.errors import LedgerError
from reprocess.files import Remembered, sha256, write_atomic
from reprocess.maps.intervals import CALENDAR_BLOCK_DAYS
from reprocess.maps.split import Axis, Columns
from reprocess.maps.tally import Tally, tally
from reprocess.pages.words import counted
from reprocess.schema import EVENT_CLASSES
from reprocess.schema.grid import Grid, is_fine
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.parts import part_path
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

_CLASSES = len(EVENT_CLASSES)

_DIGEST_LETTERS = 64
_DIGEST_LENGTH = _DIGEST_LETTERS.to_bytes(2, "little")
_NO_COMMENT = bytes(2)
"""How long the comment of a zip archive is stands just before it, at the end (APPNOTE 6.3.10, 4.3.16)."""


@dataclass(frozen=True)
class BlockSums:
    """What one block gives to a map."""

    blocks: np.ndarray
    """Calendar blocks, increasing, shape (k,)."""
    counts: np.ndarray
    """int32, shape (k, 1 + 2 * classes, bins): seconds, seconds within events by class, events by class."""
    off_map: int
    """Events that are on no map."""


Kept = dict[str, BlockSums]
"""By satellite, block and sums of the parts, as one text."""

_known: Remembered[tuple[list[list[float]], Kept]] = Remembered()
"""What `read_sums` read: a page counts each satellite by itself, and reads the file once."""


def keep_sums(run: Run, receipts: Iterable[DetectReceipt], grid: Grid) -> None:
    """Bring the file of sums up to date with a run's done blocks.

    Raises
    ------
    LedgerError
        If a part is missing or damaged.
    """
    receipts = [receipt for receipt in receipts if receipt["days"]]
    if not receipts:
        return
    before = read_sums(run, grid)
    now = _all_sums(run, receipts, grid, before)
    if before.keys() != now.keys():
        write_atomic(run.sums, _packed(now, grid))


def count(
    run: Run,
    receipts: Sequence[DetectReceipt],
    grid: Grid,
    choice: Choice = EVERYTHING,
    axes: Sequence[Axis] = (),
    rows: Iterable[tuple[str, Columns]] | None = None,
) -> Tally:
    """Return what `tally.tally` does, from what is kept where that will do; arguments and errors as there."""
    whole = choice == Choice(satellites=choice.satellites)
    if not whole or axes or rows is not None or not is_fine(grid.L_edges, grid.MLT_edges):
        return tally(run, receipts, grid, choice, axes, rows)
    kept = read_sums(run, grid)
    if not kept:
        return tally(run, receipts, grid, choice)
    return _total(list(_all_sums(run, receipts, grid, kept).values()), grid)


def compare_sums(run: Run, receipts: Iterable[DetectReceipt]) -> list[tuple[str, str]]:
    """Hold what is kept of blocks against their parts.

    Returns
    -------
    list of tuple of str
        What should be and what is, for every block that differs; nothing of blocks that changed since.

    Raises
    ------
    ValueError
        If the file is damaged or no such file.
    LedgerError
        If a part is missing or damaged.
    """
    edges, kept = _unpacked(run.sums.read_bytes())
    differences = []
    for receipt in receipts:
        sums = kept.get(_key(receipt))
        if sums is None:
            continue
        again = _block_sums(run, receipt, Grid(*(np.array(values) for values in edges)))
        if not _equal(sums, again):
            where = f"{receipt['satellite']} block {receipt['block']}"
            differences.append((f"{_told(again)} of {where}", _told(sums)))
    return differences


def read_sums(run: Run, grid: Grid) -> Kept:
    """Return the sums that are kept of blocks in these bins; nothing if there are none."""
    try:
        edges, kept = _known.get(run.sums, lambda: _unpacked(run.sums.read_bytes())) or ([], {})
    except (OSError, ValueError):
        return {}
    return kept if edges == _edges(grid) else {}


def block_counts(run: Run, receipt: DetectReceipt, grid: Grid, kept: Kept) -> tuple[np.ndarray, np.ndarray]:
    """Return a block's events by class and bin, and its seconds by bin: as kept, else counted of its parts.

    Returns
    -------
    tuple of ndarray
        int32, shapes (classes, bins) and (bins,), all calendar blocks together.

    Raises
    ------
    LedgerError
        If it is not kept and a part is missing or damaged.
    """
    sums = kept.get(_key(receipt)) or _block_sums(run, receipt, grid)
    total = sums.counts.sum(axis=0, dtype=np.int32)
    return total[1 + _CLASSES :], total[0]


def kept_seconds(run: Run, receipt: DetectReceipt, kept: Kept) -> tuple[np.ndarray, np.ndarray] | None:
    """Return a block's calendar blocks and its seconds by bin; None if they are not kept.

    Returns
    -------
    tuple of ndarray, or None
        int64, shape (k,), increasing; int32, shape (k, bins).

    Raises
    ------
    LedgerError
        If they are kept and a part of the block is missing.
    """
    key = _key(receipt)
    if key not in kept:
        return None
    sums = _of_parts(run, receipt, kept[key])
    return sums.blocks, sums.counts[:, 0]


def _all_sums(run: Run, receipts: Iterable[DetectReceipt], grid: Grid, kept: Kept) -> Kept:
    """Return the sums of all these blocks, counted where they are not kept."""
    return {
        key: _of_parts(run, receipt, kept[key]) if key in kept else _block_sums(run, receipt, grid)
        for receipt in receipts
        for key in [_key(receipt)]
    }


def _of_parts(run: Run, receipt: DetectReceipt, sums: BlockSums) -> BlockSums:
    """Return the sums of parts that are there: what is kept must not hide that a part is gone."""
    for folder in (run.events, run.dwell):
        path = part_path(folder, receipt["satellite"], receipt["block"])
        if not path.is_file():
            raise LedgerError(
                f"{path} is missing although its block is done; reprocess audit tells the remedy"
            )
    return sums


def _block_sums(run: Run, receipt: DetectReceipt, grid: Grid) -> BlockSums:
    counted = tally(run, [receipt], grid)
    counts = [counted.dwell[0][np.newaxis], counted.within[0], counted.events[0]]
    return BlockSums(
        counted.blocks, np.moveaxis(np.concatenate(counts).astype(np.int32), 0, 1), counted.off_map
    )


def _total(sums: Sequence[BlockSums], grid: Grid) -> Tally:
    """Add up the sums of blocks."""
    blocks = np.unique(np.concatenate([part.blocks for part in sums]))
    total = np.zeros((blocks.size, 1 + 2 * _CLASSES, grid.shape[0] * grid.shape[1]), np.int64)
    for part in sums:
        total[np.searchsorted(blocks, part.blocks)] += part.counts
    by_kind = np.ascontiguousarray(np.moveaxis(total, 1, 0))
    seconds, within, events = by_kind[0], by_kind[1 : 1 + _CLASSES], by_kind[1 + _CLASSES :]
    return Tally(
        blocks, events[np.newaxis].astype(np.int32), seconds[np.newaxis], within[np.newaxis],
        sum(part.off_map for part in sums),
    )  # fmt: skip


def _key(receipt: DetectReceipt) -> str:
    """Return satellite, block and one sum for its days and parts."""
    outputs = receipt["outputs"]
    of = json.dumps([sorted(receipt["days"]), outputs["events"], outputs["dwell"]])
    return f"{receipt['satellite']} {receipt['block']} {sha256(of.encode())}"


def _edges(grid: Grid) -> list[list[float]]:
    return [grid.L_edges.tolist(), grid.MLT_edges.tolist()]


def _packed(kept: Kept, grid: Grid) -> bytes:
    """Return the file of sums: the same for the same sums, in whatever order they were counted."""
    parts = sorted(kept.items())
    text = {
        "version": __version__,
        "days": CALENDAR_BLOCK_DAYS,
        "edges": _edges(grid),
        "blocks": [[key, part.blocks.tolist(), part.off_map] for key, part in parts],
    }
    counts = np.concatenate([part.counts for _, part in parts])
    file = io.BytesIO()
    np.savez(file, of=np.frombuffer(json.dumps(text).encode(), np.uint8), counts=counts)
    archive = file.getvalue()[: -len(_NO_COMMENT)] + _DIGEST_LENGTH
    return archive + sha256(archive).encode()


def _unpacked(data: bytes) -> tuple[list[list[float]], Kept]:
    """Return edges and sums of a file; none of either if it is of another version.

    Raises
    ------
    ValueError
        If it is damaged or no such file.
    """
    size = len(data) - _DIGEST_LETTERS
    if size < 0 or sha256(data[:size]).encode() != data[size:]:
        raise ValueError("the sha256 at its end is not that of what is before it")
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        text: dict[str, Any] = json.loads(file["of"].tobytes())
        counts = file["counts"]
    if (text["version"], text["days"]) != (__version__, CALENDAR_BLOCK_DAYS):
        return [], {}
    kept, at = {}, 0
    for key, blocks, off_map in text["blocks"]:
        kept[key] = BlockSums(np.array(blocks, np.int64), counts[at : at + len(blocks)], off_map)
        at += len(blocks)
    return text["edges"], kept


def _equal(a: BlockSums, b: BlockSums) -> bool:
    return (
        a.off_map == b.off_map and np.array_equal(a.blocks, b.blocks) and np.array_equal(a.counts, b.counts)
    )


def _told(sums: BlockSums) -> str:
    seconds, events = int(sums.counts[:, 0].sum()), int(sums.counts[:, 1 + _CLASSES :].sum())
    return f"{seconds} s and {counted(events, 'event')} in calendar blocks {', '.join(map(str, sums.blocks))}"
