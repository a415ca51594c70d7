"""The dwell of a day: records that could be classified, by cell of the fine grid and by flags."""

from collections.abc import Mapping

import numpy as np

from reprocess.detect.rules.mode import Look, Stretch
from reprocess.schema.grid import FINE, Grid
from reprocess.work.receipts import ClassifiedDay


def count_dwell(
    stretch: Stretch,
    look: Look,
    events: Mapping[str, np.ndarray],
    flags: Mapping[str, np.ndarray],
    of_records: np.ndarray,
    day: int,
) -> tuple[dict[str, np.ndarray], ClassifiedDay]:
    """Count a day's classifiable records, and those within events, per cell of the fine grid and flags.

    A record is classifiable if a window that may be classified stands for it. Every one of them is
    either in exactly one cell, or outside the grid, or without valid L and MLT; the three counts are
    returned too.

    Parameters
    ----------
    stretch : Stretch
    look : Look
    events : mapping of str to ndarray of int, shape (k, 2)
        Positions of first and last record, by class.
    flags : mapping of str to ndarray of int32, shape (k,)
        Flags of these events.
    of_records : ndarray of int32, shape (n,)
        Flags of the records of the stretch.
    day : int
        Position on the `day` axis.

    Returns
    -------
    tuple of dict of str to ndarray and dict
        By `schema.DWELL_COLUMNS`, in order of cells; and what the ledger says of the counts.

    Notes
    -----
    Most records have the flags of their day and are in no event. They are counted cell by cell, and only the
    others are sorted.
    """
    own = look.own(stretch)
    seen = look.windows.offset + own.start + np.flatnonzero(look.possible[own])
    cell = place(stretch, look)[seen]
    keys: dict[str, np.ndarray] = {"cell": cell, "quality_flags": of_records[seen]}
    within = {}
    for name in events:
        inside, bits = spread(events[name], flags[name], look.windows.records)
        within[f"records_{name}"], keys[f"quality_flags_{name}"] = inside[seen], bits[seen]
    usual = stretch.flags.get(stretch.locate(stretch.own.start)[0], 0)
    odd = keys["quality_flags"] != usual
    for name in events:
        odd |= keys[f"quality_flags_{name}"] != 0
    in_grid = cell >= 0
    columns = _join(
        _of_cells(cell, in_grid & ~odd, usual, within),
        _of_flags(
            {name: values[odd & in_grid] for name, values in keys.items()},
            {name: inside[odd & in_grid] for name, inside in within.items()},
        ),
    )
    columns["day"] = np.full(columns["cell"].size, day, np.int32)
    return columns, {
        "classifiable": int(cell.size),
        "in_grid": int(np.count_nonzero(in_grid)),
        "outside_grid": int(np.count_nonzero(cell == -1)),
        "invalid_position": int(np.count_nonzero(cell == -2)),
    }


def _of_cells(
    cell: np.ndarray, which: np.ndarray, usual: int, within: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the rows of records that have the flags of their day alone, by cell."""
    counts = {"records": np.bincount(cell[which], minlength=FINE.cells)}
    for name, inside in within.items():
        counts[name] = np.bincount(cell[which & inside], minlength=FINE.cells)
    visited = np.flatnonzero(counts["records"])
    rows = {name: values[visited] for name, values in counts.items()}
    return rows | {"cell": visited, "quality_flags": np.full(visited.size, usual)}


def _of_flags(keys: Mapping[str, np.ndarray], within: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the rows of other records, a row for each combination of cell and flags, in order of these."""
    order = np.lexsort(list(keys.values())[::-1])
    ordered = {name: values[order] for name, values in keys.items()}
    if not order.size:
        return ordered | dict.fromkeys(("records", *within), order)
    new = np.any([values[1:] != values[:-1] for values in ordered.values()], axis=0)
    starts = np.flatnonzero(np.append(True, new))
    rows = {name: values[starts] for name, values in ordered.items()}
    sums = {
        # few records are within events: those alone are counted
        name: np.bincount(
            np.searchsorted(starts, np.flatnonzero(inside[order]), "right") - 1, minlength=starts.size
        )
        for name, inside in within.items()
    }
    return rows | sums | {"records": np.diff(np.append(starts, order.size))}


def _join(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the rows of both in order of cells; columns that the first ones lack are 0 there."""
    none = np.zeros(first["cell"].size, np.int32)
    joined = {name: np.concatenate([first.get(name, none), values]) for name, values in second.items()}
    order = np.argsort(joined["cell"], kind="stable")
    return {name: values[order].astype(np.int32) for name, values in joined.items()}


def place(stretch: Stretch, look: Look, grid: Grid = FINE) -> np.ndarray:
    """Return the cell of each record of a stretch in a grid, as `Grid.cell` tells it."""
    r = stretch.records
    return grid.cell(look.counted_L(r["L_IGRF"]), r["MLT"], r["latitude"])


def spread(events: np.ndarray, flags: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which of n records are within events, and the flags of these events."""
    inside, bits = np.zeros(n, bool), np.zeros(n, np.int32)
    for (first, last), of_event in zip(events.tolist(), flags.tolist(), strict=True):
        inside[first : last + 1] = True
        bits[first : last + 1] |= of_event
    return inside, bits
