"""Parquet parts: the event table and the dwell of each block.

Every part is written whole and its sha256 stands in the block's receipt. Reading goes by the
receipts, never by what lies in the folder, and checks the sums, so a stray or damaged file is
found instead of counted.
"""

import io
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from reprocess import schema
from reprocess.errors import FlagError, LedgerError
from reprocess.files import sha256, write_atomic
from reprocess.schema import Variable
from reprocess.schema.flags import FIRST_FLAGS, bits_of
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

if TYPE_CHECKING:
    import pandas as pd

_ARROW = {
    "str": pa.string(),
    "int32": pa.int32(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "time": pa.timestamp("ms", tz="UTC"),
    "bool": pa.bool_(),
}

_NUMPY: dict[pa.DataType, np.dtype[Any]] = {
    pa.int32(): np.dtype(np.int32),
    pa.float32(): np.dtype(np.float32),
    pa.float64(): np.dtype(np.float64),
    _ARROW["time"]: np.dtype("datetime64[ms]"),
}

RENAMED = {
    "flags": "quality_flags",
    "dwell": "records",
    **{f"precipitation_{name}": f"records_{name}" for name in schema.EVENT_CLASSES},
}
"""Columns of the parts of version 0.1.0, and what they are called since; no other part has them."""


LATER = {
    "events": ("stop_date", "structure"),
    "dwell": ("quality_flags", *(f"quality_flags_{name}" for name in schema.EVENT_CLASSES)),
}
"""Columns of each kind of part that those of earlier versions lack."""


def arrow_columns(columns: Iterable[Variable]) -> pa.Schema:
    """Return declared columns as Parquet has them, each with its attributes as text."""
    return pa.schema(
        [pa.field(column.name, _ARROW[column.dtype], metadata=as_text(column.attrs)) for column in columns]
    )


def as_text(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return attributes as Parquet can store them; lists have spaces between their items."""
    return {
        name: " ".join(str(item) for item in value) if isinstance(value, list) else str(value)
        for name, value in attributes.items()
    }


# The satellite is in the folder's name, as every reader of partitioned Parquet expects.
NOT_STORED = ("satellite", "origin")
"""Columns of the event table that a part has in its folder's name or in a flag."""

EVENTS = arrow_columns(column for name, column in schema.EVENT_COLUMNS.items() if name not in NOT_STORED)

EVENT_ORDER = ["satellite", "start_time", "event_class"]
"""Columns by which the events of several blocks are sorted."""

DWELL = arrow_columns(schema.DWELL_COLUMNS.values())
"""Records per day and cell of the fine grid: all classifiable ones, and those within events."""

PARTS = {"events": EVENTS, "dwell": DWELL}
"""Columns of each kind of part."""


def part_path(folder: Path, satellite: str, block: int) -> Path:
    """Return where the part of a block lies."""
    return folder / f"satellite={satellite}" / f"block-{block:04d}.parquet"


def as_part(columns: Mapping[str, Any], arrow_schema: pa.Schema) -> pa.Table:
    """Return columns as a part holds them."""
    arrays = [_as_array(columns[field.name], field.type) for field in arrow_schema]
    return pa.Table.from_arrays(arrays, schema=arrow_schema)


def _as_array(values: Any, kind: pa.DataType) -> pa.Array:
    """Return the values of a column.

    `pa.array` imports pandas, which takes as long as a day takes to classify, only to see whether it
    is given something of it; so it is asked only for what is not plain here: among that, the times and
    texts of pandas, which would be taken apart into Python objects.
    """
    if hasattr(values, "array") and kind in (pa.string(), _ARROW["time"]):
        return pa.array(values, kind)
    if kind == pa.string() and all(isinstance(value, str) for value in values):
        texts = [value.encode() for value in values]
        ends = np.cumsum([0, *map(len, texts)], dtype=np.int32)
        buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))]
        return pa.Array.from_buffers(kind, len(texts), buffers)
    dtype = _NUMPY.get(kind)
    array: np.ndarray = np.asarray(values) if len(values) else np.empty(0, dtype)
    if kind == _ARROW["time"] and array.dtype == np.int64:
        array = array.view("datetime64[ms]")
    if dtype is None or not np.can_cast(array.dtype, dtype, "same_kind"):
        return pa.array(values, kind)
    plain: np.ndarray = np.ascontiguousarray(array, dtype)
    return pa.Array.from_buffers(kind, len(plain), [None, pa.py_buffer(plain.view(np.uint8))])


def as_parquet(columns: Mapping[str, Any], declared: Iterable[Variable]) -> bytes:
    """Return a table that is no part of a run as a Parquet file's content, with its columns' attributes."""
    buffer = io.BytesIO()
    pq.write_table(as_part(columns, arrow_columns(declared)), buffer, compression="zstd")
    return buffer.getvalue()


def write_part(
    path: Path, columns: Mapping[str, Any], arrow_schema: pa.Schema, checksums: bool = False
) -> str:
    """Write one part in one step and return its sha256.

    Parameters
    ----------
    path : Path
    columns : mapping
        By the schema.
    arrow_schema : pyarrow.Schema
    checksums : bool
        Whether each page gets a checksum: for parts whose sha256 nobody keeps.
    """
    table = as_part(columns, arrow_schema)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", write_page_checksum=checksums)
    # Not among the parts, where a killed writer would leave it to whoever reads the folder.
    write_atomic(path, buffer.getvalue(), path.parents[2])
    return sha256(buffer.getvalue())


def read_part(path: Path, expected_sha256: str, names: Collection[str] = ()) -> pa.Table:
    """Read one part, with the column names of today whichever version wrote it.

    If names are given, others may be left out.

    Raises
    ------
    LedgerError
        If it is missing or is not what its receipt says.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as e:
        raise LedgerError(f"{path} is missing although its block is done; {_remedy(path)}") from e
    if sha256(data) != expected_sha256:
        raise LedgerError(f"{path} has sha256 {sha256(data)}, not {expected_sha256}; {_remedy(path)}")
    file = pq.ParquetFile(pa.BufferReader(data))
    some = list(names) if set(names) <= set(file.schema_arrow.names) else None
    return _renamed(file.read(some or None, use_threads=False))  # whoever reads many has work for all cores


def _renamed(table: pa.Table) -> pa.Table:
    """Return a part with the columns of today; those that it lacks have the same values in its modes."""
    table = table.rename_columns([RENAMED.get(name, name) for name in table.column_names])
    if "start_index" in table.column_names and LATER["events"][0] not in table.column_names:
        structure = pa.array(np.zeros(len(table), np.int32))
        for name, values in zip(LATER["events"], (table["date"], structure), strict=True):
            table = table.append_column(EVENTS.field(name), values)
    return table


def flags_told(stored: pa.Schema) -> int:
    """Return the bits of the flags that a part tells of, as it says itself; 0 if it tells of none."""
    column = (
        f"quality_flags_{next(iter(schema.EVENT_CLASSES))}" if "cell" in stored.names else "quality_flags"
    )
    if column not in stored.names:
        return 0
    masks = (stored.field(column).metadata or {}).get(b"flag_masks")
    return FIRST_FLAGS if masks is None else sum(int(bit) for bit in masks.split())


def bits_told(run: Run, receipts: Iterable[DetectReceipt]) -> int:
    """Return the bits of the flags that all parts of these blocks tell of; they can be excluded."""
    told = bits_of(schema.EVENT_FLAGS)
    for receipt in receipts:
        for folder in (run.events, run.dwell):
            with part_path(folder, receipt["satellite"], receipt["block"]).open("rb") as file:
                told &= flags_told(pq.read_schema(file))
    return told


def column_troubles(path: Path, kind: str) -> Iterator[tuple[str, str]]:
    """Yield what the columns of a part should be and are.

    Parameters
    ----------
    path : Path
        A part, as its receipt says.
    kind : str
        One of `PARTS`. A part of an earlier version may lack columns, tell of fewer flags, or have the
        names of version 0.1.0 and no attributes; its names and types must agree all the same.
    """
    declared = PARTS[kind]
    with path.open("rb") as file:  # pyarrow takes no path that is not UTF-8
        stored = pq.read_schema(file)
    names = [RENAMED.get(name, name) for name in stored.names]
    if names not in (declared.names, [name for name in declared.names if name not in LATER[kind]]):
        yield f"columns {', '.join(declared.names)}", ", ".join(stored.names)
        return
    fewer = flags_told(stored) in {2**k - 1 for k in range(len(schema.FLAGS))}
    old = fewer or names != declared.names or any(name in RENAMED for name in stored.names)
    for found, expected in zip(stored, declared, strict=False):
        if found.type != expected.type:
            yield f"column {found.name} of {expected.type}", str(found.type)
        for key, value in {} if old else expected.metadata.items():
            text = (found.metadata or {}).get(key)
            if text != value:
                yield f"{key.decode()} {value.decode()!r} of column {found.name}", _quoted(text)


def _quoted(text: bytes | None) -> str:
    return "none" if text is None else repr(text.decode(errors="replace"))


def _remedy(path: Path) -> str:
    satellite, block = path.parent.name.removeprefix("satellite="), path.stem.removeprefix("block-")
    run = Run(path.parents[2])
    receipt = run.ledger.path(satellite, int(block))
    return f"delete {receipt} and repeat the command that made run {run.name!r}"


def read_events(run: Run, receipts: Iterable[DetectReceipt], choice: Choice = EVERYTHING) -> "pd.DataFrame":
    """Return the event table of these blocks, sorted by satellite, start and class.

    Raises
    ------
    LedgerError
        If a part is missing or damaged.
    FlagError
        If a part does not tell of a flag that is excluded.
    """
    parts = []
    for receipt in choice.receipts(receipts):
        path = part_path(run.events, receipt["satellite"], receipt["block"])
        part = read_part(path, receipt["outputs"]["events"])
        _require_flags(part.schema, run, choice)
        parts.append((receipt["satellite"], part))
    return choice.events(event_table(parts))


def require_some(run: Run, choice: Choice) -> list[DetectReceipt]:
    """Return the receipts of a run that are chosen.

    Raises
    ------
    LedgerError
        If there are some and none is chosen.
    """
    done = list(run.ledger.done())
    found = choice.receipts(done)
    if done and not found:
        raise LedgerError(
            f"run {run.name!r} has no satellite-day {choice.words}; reprocess status tells what it has"
        )
    return found


def event_table(parts: Iterable[tuple[str, pa.Table]]) -> "pd.DataFrame":
    """Return parts of the event table as one, given with their satellites; sorted as `read_events` says."""
    import pandas as pd

    satellites, tables = zip(*parts, strict=True) if (parts := list(parts)) else ((), ())
    if not tables:
        return EVENTS.empty_table().to_pandas().assign(satellite="", origin="")[list(schema.EVENT_COLUMNS)]
    table = pa.concat_tables(tables).to_pandas()  # at once: each part by itself takes five times as long
    simulated = (table["quality_flags"] & schema.EVENT_FLAGS["simulated"]) != 0
    more = {
        "satellite": np.repeat(np.array(satellites, object), [len(part) for part in tables]),
        "origin": np.where(simulated, "simulated", "measured").astype(object),
    }
    table = pd.concat([table, pd.DataFrame(more)], axis=1)[list(schema.EVENT_COLUMNS)]
    return table.sort_values(EVENT_ORDER, ignore_index=True)


def read_event_columns(
    run: Run, receipts: Iterable[DetectReceipt], names: Sequence[str], choice: Choice = EVERYTHING
) -> "pd.DataFrame":
    """Return some columns of the event table of these blocks and the satellite, in order of blocks.

    A third of the time and memory of all columns in order of time, which sums do not need.

    Raises
    ------
    LedgerError, FlagError
        As `read_events`.
    """
    tables = []
    names = list(dict.fromkeys([*names, *choice.columns]))
    for receipt in choice.receipts(receipts):
        tables.append(columns_of_part(run, receipt, names, choice))
    if not tables:
        return EVENTS.empty_table().select(names).to_pandas().assign(satellite="")
    return choice.events(pa.concat_tables(tables).to_pandas())


def columns_of_part(
    run: Run, receipt: DetectReceipt, names: Sequence[str], choice: Choice = EVERYTHING
) -> pa.Table:
    """Return some columns of a block's events and the satellite, whatever of them is chosen.

    Raises
    ------
    LedgerError, FlagError
        As `read_events`.
    """
    path = part_path(run.events, receipt["satellite"], receipt["block"])
    part = read_part(path, receipt["outputs"]["events"], names)
    _require_flags(part.schema, run, choice)
    satellite = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(len(part), np.int32)), pa.array([receipt["satellite"]])
    )
    return part.select(names).append_column("satellite", satellite.cast(pa.string()))


def read_dwell(
    run: Run,
    receipts: Iterable[DetectReceipt],
    choice: Choice = EVERYTHING,
    names: Collection[str] = (),
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield satellite and columns of each block's dwell part; earlier versions have none of flags.

    If names are given, others may be left out, but for those that are chosen by.

    Raises
    ------
    LedgerError, FlagError
        As `read_events`.
    """
    for receipt in choice.receipts(receipts):
        path = part_path(run.dwell, receipt["satellite"], receipt["block"])
        table = read_part(path, receipt["outputs"]["dwell"], () if choice.exclude else names)
        _require_flags(table.schema, run, choice)
        columns = {name: column_counts(table[name]) for name in table.column_names}
        yield receipt["satellite"], choice.dwell(columns)


def column_counts(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column of whole numbers; by way of DLPack, because its own `to_numpy` imports pandas."""
    chunks = [np.from_dlpack(chunk) for chunk in column.chunks if len(chunk)]
    return np.concatenate([np.empty(0, np.int32), *chunks])


def column_numbers(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column of numbers without nulls, times as milliseconds since 1970; as `column_counts`."""
    chunks = [chunk.view(pa.int64()) for chunk in column.chunks] if column.type == _ARROW["time"] else None
    return column_counts(column if chunks is None else pa.chunked_array(chunks, pa.int64()))


def _require_flags(stored: pa.Schema, run: Run, choice: Choice) -> None:
    """Refuse a choice by flags that a part does not tell of."""
    if not choice.exclude:
        return
    told = flags_told(stored)
    unknown = [name for name in choice.exclude if not told & schema.EVENT_FLAGS[name]]
    if not unknown:
        return
    identity = run.read_identity() or {}
    work, name = shlex.quote(str(run.root.parents[1])), shlex.quote(f"{run.name}-flags")
    made = " ".join(f"--{key} {shlex.quote(str(identity.get(key, '?')))}" for key in ("model", "mode"))
    rules = " and the same --rule options, if any" if identity.get("mode") == schema.CONTINUOUS else ""
    of = "dwell" if "cell" in stored.names else "events"
    raise FlagError(
        f"run {run.name!r} was made by a version that does not tell {', '.join(unknown)} of its {of}, "
        f"so they cannot be excluded; classify its days again: "
        f"reprocess detect {work} --run {name} {made}{rules}"
    )
