"""Parquet parts with the properties of events: they say in their metadata what they were made from.

No receipt stands for them. A part that cannot be read, or was made from something else, is made again.
"""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from reprocess.errors import LedgerError
from reprocess.schema import Variable
from reprocess.schema.properties import PROPERTY_COLUMNS
from reprocess.work.parts import arrow_columns, as_text, part_path, write_part
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

PROPERTIES = arrow_columns(PROPERTY_COLUMNS.values())
"""One row per row of the event part."""


def made_from(path: Path) -> dict[str, str]:
    """Return what a part says that it was made from; nothing if it cannot be read."""
    try:
        with path.open("rb") as file:
            found = pq.read_schema(file).metadata or {}
    except (FileNotFoundError, pa.ArrowInvalid):
        return {}
    return {name.decode(): value.decode(errors="replace") for name, value in found.items()}


def write_properties(path: Path, columns: Mapping[str, Any], origin: Mapping[str, str]) -> None:
    """Write the properties of a block's events in one step, with what they were made from.

    Parameters
    ----------
    path : Path
    columns : mapping
        By `PROPERTIES`.
    origin : mapping of str to str
        What stands in the file's metadata.
    """
    write_part(path, columns, PROPERTIES.with_metadata(dict(origin)))


def read_part_of_properties(path: Path) -> pd.DataFrame:
    """Return the properties of one block, as its part has them.

    Raises
    ------
    LedgerError
        If it cannot be read or has other columns.
    """
    try:
        return pq.read_table(pa.BufferReader(path.read_bytes()), schema=PROPERTIES).to_pandas()
    except (OSError, pa.ArrowInvalid) as e:
        raise LedgerError(
            f"{path} cannot be read as properties of events ({e}); reprocess describe makes it again"
        ) from e


def read_properties(run: Run, receipts: Iterable[DetectReceipt]) -> pd.DataFrame:
    """Return the properties of these blocks' events, in the order that the blocks' parts have them.

    Raises
    ------
    LedgerError
        If a part is missing, or was made from another event part than its block has.
    """
    frames = []
    for receipt in receipts:
        path = part_path(run.properties, receipt["satellite"], receipt["block"])
        if made_from(path).get("events_sha256") != receipt["outputs"]["events"]:
            raise LedgerError(
                f"{path} is missing or was not made from the events that there are; reprocess describe "
                f"WORK --run {run.name} makes it"
            )
        frame = read_part_of_properties(path)
        frame.insert(0, "satellite", receipt["satellite"])
        frames.append(frame)
    if not frames:
        return PROPERTIES.empty_table().to_pandas().assign(satellite="")
    return pd.concat(frames, ignore_index=True)


def parquet_bytes(table: pd.DataFrame, columns: Iterable[Variable], attributes: Mapping[str, Any]) -> bytes:
    """Return a table as a Parquet file, columns and file with their attributes as text."""
    schema = arrow_columns(columns).with_metadata(as_text(attributes))
    arrow = pa.Table.from_pandas(table, schema=schema.remove_metadata(), preserve_index=False)
    buffer = io.BytesIO()
    pq.write_table(arrow.cast(schema), buffer, compression="zstd")
    return buffer.getvalue()
