"""The folder of events read whole by other programs, with files in it that are not events."""

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from reprocess import schema
from reprocess.work.parts import EVENTS, part_path, write_part

EVENTS_EACH = 3
BLOCKS = (("noaa15", 248), ("noaa18", 248), ("noaa18", 249))

FOLDER: dict[str, Callable[[Path], int]] = {
    "pandas": lambda events: len(pd.read_parquet(events)),
    "pyarrow": lambda events: pq.read_table(events).num_rows,
    "Polars": lambda events: pl.read_parquet(events).height,
    "DuckDB": lambda events: len(duckdb.sql(f"from read_parquet('{events}/**/*.parquet')").df()),
}
"""The folder as such, as people read it first."""

PARTS = "satellite=*/block-????.parquet"
BY_NAME: dict[str, Callable[[Path], int]] = {
    "pandas": lambda events: len(pd.read_parquet(sorted(events.glob(PARTS)))),
    "pyarrow": lambda events: pq.read_table(sorted(events.glob(PARTS))).num_rows,
    "Polars": lambda events: pl.read_parquet(f"{events}/{PARTS}", hive_partitioning=True).height,
    "DuckDB": lambda events: len(
        duckdb.sql(f"from read_parquet('{events}/{PARTS}', hive_partitioning=true)").df()
    ),
}
"""The parts by their names, as docs/formats.md advises."""

STRAYS: dict[str, Callable[[Path], object]] = {
    ".DS_Store": lambda path: path.write_bytes(b"x"),
    "._block-0248.parquet": lambda path: path.write_bytes(b"x"),
    ".block-0248.parquet.swp": lambda path: path.write_bytes(b"x"),
    "block-0248.parquet~": lambda path: shutil.copy(path.with_name("block-0248.parquet"), path),
    "block-0248.parquet.0123.partial": lambda path: path.write_bytes(b"PAR1"),  # of version 0.1.0
    "block-0248.parquet.lock": lambda path: path.write_bytes(b""),
    "block-0248 (copy).parquet": lambda path: shutil.copy(path.with_name("block-0248.parquet"), path),
    "copy.parquet": lambda path: shutil.copy(path.with_name("block-0248.parquet"), path),
    "_notes.txt": lambda path: path.write_text("mine", encoding="utf-8"),
}


@pytest.fixture
def events(tmp_path: Path) -> Path:
    blank = {"str": "", "time": 0}
    columns = {name: [blank.get(c.dtype, 0)] * EVENTS_EACH for name, c in schema.EVENT_COLUMNS.items()}
    for satellite, block in BLOCKS:
        write_part(part_path(tmp_path / "events", satellite, block), columns, EVENTS)
    return tmp_path / "events"


@pytest.mark.parametrize("program", FOLDER)
def test_what_a_killed_writer_leaves_is_not_in_the_folder_that_programs_read(
    program: str, events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    columns = {name: [] for name in EVENTS.names}
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", kill)
        with pytest.raises(KeyboardInterrupt):
            write_part(part_path(events, "noaa19", 250), columns, EVENTS)
    assert [path.parent for path in events.parent.rglob("*.partial")] == [events.parent]
    assert FOLDER[program](events) == EVENTS_EACH * len(BLOCKS)


@pytest.mark.parametrize("name", STRAYS)
@pytest.mark.parametrize("program", BY_NAME)
def test_parts_read_by_their_names_are_neither_more_nor_fewer(program: str, name: str, events: Path) -> None:
    STRAYS[name](events / "satellite=noaa18" / name)
    assert (events / "satellite=noaa18" / name).exists()
    assert BY_NAME[program](events) == EVENTS_EACH * len(BLOCKS)


HIDDEN = [name for name in STRAYS if name.startswith((".", "_"))]


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("program", ["pandas", "pyarrow"])
def test_pandas_and_pyarrow_pass_over_hidden_files(program: str, name: str, events: Path) -> None:
    STRAYS[name](events / "satellite=noaa18" / name)
    assert FOLDER[program](events) == EVENTS_EACH * len(BLOCKS)
