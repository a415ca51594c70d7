"""Kept position parts, held against what the archive's records and the run's events give anew."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.detect.positions import rows_of_day
from reprocess.detect.rules.mode import Look, Stretch
from reprocess.errors import LedgerError
from reprocess.files import find
from reprocess.pages.words import counted
from reprocess.schema.grid import Grid
from reprocess.work.parts import part_path
from reprocess.work.paths import Run
from reprocess.work.positions import edges_digest, position_origin, read_part_of_positions
from reprocess.work.receipts import ClassifiedDay, DetectReceipt


@dataclass(frozen=True)
class Kept:
    """A part that is sound as a file and made from the events and dwell that there are."""

    path: Path
    grid: Grid
    rows: dict[str, np.ndarray]


def kept_positions(run: Run, receipt: DetectReceipt) -> Iterator[tuple[Path, Kept | tuple[str, str, str]]]:
    """Yield the position parts of a block with what they hold, or what kind of finding they are.

    Parts that were made from other events or dwell are left out: no map takes them, and the next one makes
    them again.
    """
    for folder in find(run.positions, "*"):
        path = part_path(folder, receipt["satellite"], receipt["block"])
        if not path.exists():
            continue
        try:
            origin, rows = read_part_of_positions(path)
        except LedgerError as e:
            yield path, ("damaged", "the file that a map wrote", str(e))
            continue
        edges = origin.get("edges", "")
        if edges_digest(edges) != folder.name:
            told = f"cells of {edges_digest(edges)}"
            yield path, ("contradiction", f"cells of {folder.name}, as the folder is called", told)
            continue
        grid = Grid(*(np.array(values) for values in json.loads(edges)))
        if position_origin(receipt, grid).items() <= origin.items():
            yield path, Kept(path, grid, rows)


def rows_trouble(
    kept: Kept, day: int, stretch: Stretch, look: Look, events: pd.DataFrame, facts: ClassifiedDay
) -> tuple[str, str] | None:
    """Say how the rows of a day differ from what they must be; nothing if they do not.

    Parameters
    ----------
    kept : Kept
    day : int
        Position on the `day` axis.
    stretch, look
        The day's records, and what the run's mode sees in them.
    events : DataFrame
        The day's rows of the event table.
    facts : dict
        The day's entry in the run's ledger.
    """
    own = kept.rows["day"] == day
    again, _ = rows_of_day(stretch, look, events, facts, day, kept.grid)
    counts = again["records"].size, int(own.sum())
    if counts[0] != counts[1]:
        return counted(counts[0], "row"), f"{counts[1]}"
    for name in schema.POSITION_COLUMNS:
        stored = kept.rows[name][own]
        if (differs := np.flatnonzero(again[name] != stored)).size:
            k = differs[0]
            others = f", and {differs.size - 1} other rows differ" if differs.size > 1 else ""
            return f"{name} {again[name][k]} in row {k}", f"{stored[k]}{others}"
    return None
