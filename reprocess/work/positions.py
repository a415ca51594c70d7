"""Position parts: where a satellite was each minute, by the cells of one map.

Dwell parts tell of days and of the fine grid. A map of other cells, or by something that changes within
a day, is made of these. No receipt stands for them: a part says in its metadata what it was made from, and is
made again where that is not what there is.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from reprocess import schema
from reprocess.errors import LedgerError
from reprocess.files import sha256
from reprocess.schema.grid import Grid
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.parts import arrow_columns, column_counts, part_path, write_part
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

POSITIONS = arrow_columns(schema.POSITION_COLUMNS.values())

_FORM = "2"
"""To be raised when rows come to mean something else, so that parts of before are made again."""


def edges_text(grid: Grid) -> str:
    """Return the edges of a grid as parts have them."""
    return json.dumps([grid.L_edges.tolist(), grid.MLT_edges.tolist()])


def edges_digest(edges: str) -> str:
    """Return the name of the folder of parts with these edges."""
    return sha256(edges.encode())[:16]


def position_path(run: Run, grid: Grid, satellite: str, block: int) -> Path:
    """Return where the part of a block lies."""
    return part_path(run.positions / edges_digest(edges_text(grid)), satellite, block)


def position_origin(receipt: DetectReceipt, grid: Grid) -> dict[str, str]:
    """Return what a block's part must say that it was made from."""
    outputs = receipt["outputs"]
    sums = {f"{kind}_sha256": str(outputs[kind]) for kind in ("events", "dwell")}
    return {**sums, "edges": edges_text(grid), "form": _FORM}


def write_positions(path: Path, columns: Mapping[str, Any], origin: Mapping[str, str]) -> None:
    """Write the positions of a block in one step, with what they were made from."""
    write_part(path, columns, POSITIONS.with_metadata(dict(origin)), checksums=True)


def read_part_of_positions(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Return what a part says that it was made from, and its columns.

    Raises
    ------
    LedgerError
        If it cannot be read, is damaged or has other columns.
    """
    try:
        data = pa.BufferReader(path.read_bytes())
        table = pq.ParquetFile(data, page_checksum_verification=True).read(use_threads=False)
    except (OSError, pa.ArrowException) as e:
        raise LedgerError(
            f"{path} cannot be read ({e}); if it is there, delete it: reprocess map makes it again"
        ) from e
    if not table.schema.equals(POSITIONS):
        raise LedgerError(
            f"{path} has other columns than positions have; delete it: reprocess map makes it again"
        )
    metadata = table.schema.metadata or {}
    told = {key.decode(errors="replace"): value.decode(errors="replace") for key, value in metadata.items()}
    return told, {name: column_counts(table[name]) for name in POSITIONS.names}


def read_positions(
    run: Run, receipts: Iterable[DetectReceipt], grid: Grid, choice: Choice = EVERYTHING
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield satellite and columns of each block, as `parts.read_dwell` does, of the grid's own cells.

    There is a column ``south`` besides, and ``crossing``: the number of the crossing that a row is of.

    Raises
    ------
    LedgerError
        If a part is missing, is missing, damaged, or was made from something else.
    """
    for receipt in choice.receipts(receipts):
        path = position_path(run, grid, receipt["satellite"], receipt["block"])
        told, columns = read_part_of_positions(path)
        if not position_origin(receipt, grid).items() <= told.items():
            raise LedgerError(
                f"{path} was not made from the events and dwell that there are; reprocess map makes it again"
            )
        columns["south"] = (columns["cell"] >= grid.cells // 2).astype(np.int32)
        columns["crossing"] = np.cumsum(columns["enters"])
        yield receipt["satellite"], choice.dwell(columns)
