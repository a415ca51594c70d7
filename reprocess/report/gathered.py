"""What the page tells of events, gathered in one file, so that a page reads only the parts that are new.

The rows of a block stand under satellite, block and the sha256 of its part; whatever of these changes, its
part is read. So are all parts without the file, or where it is damaged, of other columns or of another
version. The file is Parquet, followed by its sha256.
"""

import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from reprocess import __version__
from reprocess.errors import LedgerError
from reprocess.files import sha256, write_atomic
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.parts import columns_of_part, part_path, read_event_columns
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

if TYPE_CHECKING:
    import pandas as pd

_DIGEST_LETTERS = 64
_ABOUT = b"gathered"


def gather_events(
    run: Run, receipts: Sequence[DetectReceipt], names: Sequence[str], choice: Choice = EVERYTHING
) -> "pd.DataFrame":
    """Return what `parts.read_event_columns` does; if it is of everything, keep it for the next time.

    Parameters
    ----------
    run : Run
    receipts : sequence of DetectReceipt
        One at least.
    names : sequence of str
        Columns of the event table.
    choice : Choice
        What of the run is looked at.

    Raises
    ------
    LedgerError
        If a part is missing, or one that has to be read is damaged.
    FlagError
        As `parts.read_event_columns`.
    """
    if choice != EVERYTHING:
        return read_event_columns(run, receipts, names, choice)
    kept = _read(run, names)
    tables = {
        (key := _key(r)): _of_part(run, r, kept[key]) if key in kept else columns_of_part(run, r, names)
        for r in receipts
    }
    table = pa.concat_tables(tables.values()).combine_chunks()
    if list(kept) != list(tables):
        write_atomic(run.gathered, _packed(table, names, {key: len(one) for key, one in tables.items()}))
    return table.to_pandas()


def _key(receipt: DetectReceipt) -> str:
    return f"{receipt['satellite']} {receipt['block']} {receipt['outputs']['events']}"


def _of_part(run: Run, receipt: DetectReceipt, known: pa.Table) -> pa.Table:
    """Return the rows of a part that is there: what is kept must not hide that a part is gone."""
    path = part_path(run.events, receipt["satellite"], receipt["block"])
    if not path.is_file():
        raise LedgerError(f"{path} is missing although its block is done; reprocess audit tells the remedy")
    return known


def _packed(table: pa.Table, names: Sequence[str], blocks: dict[str, int]) -> bytes:
    """Return the file: the same for the same rows, whether they were kept or read."""
    about = {"version": __version__, "columns": list(names), "blocks": blocks}
    file = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({_ABOUT: json.dumps(about)}), file, compression="zstd")
    return file.getvalue() + sha256(file.getvalue()).encode()


def _read(run: Run, names: Sequence[str]) -> dict[str, pa.Table]:
    """Return the rows that are kept by block, in the order of the file; nothing if it cannot be gone by."""
    try:
        data = run.gathered.read_bytes()
    except OSError:
        return {}
    content, digest = data[:-_DIGEST_LETTERS], data[-_DIGEST_LETTERS:]
    if sha256(content).encode() != digest:
        return {}
    table = pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
    about = json.loads(table.schema.metadata[_ABOUT])
    if (about["version"], about["columns"]) != (__version__, list(names)):
        return {}
    found, at, table = {}, 0, table.replace_schema_metadata().combine_chunks()
    for key, count in about["blocks"].items():
        found[key] = table.slice(at, count)
        at += count
    return found
