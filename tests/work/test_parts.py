"""Parquet parts: written whole, read only as their receipt says."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprocess import schema
from reprocess.errors import FlagError, LedgerError
from reprocess.files import sha256
from reprocess.work.choice import Choice
from reprocess.work.parts import (
    DWELL,
    EVENTS,
    LATER,
    NOT_STORED,
    PARTS,
    as_part,
    column_troubles,
    part_path,
    read_dwell,
    read_events,
    read_part,
    write_part,
)
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt
from tests.support.older import older_parts

TIME = 1_571_875_200_000


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "runs" / "r")


def event_columns(starts: list[int], event_class: str = "REP") -> dict[str, list[Any]]:
    n = len(starts)
    values: dict[str, Any] = {"str": "text", "int32": 3, "float32": 0.1, "float64": 0.1, "time": TIME}
    columns = {name: [values[column.dtype]] * n for name, column in schema.EVENT_COLUMNS.items()}
    times = [TIME + s for s in starts]
    own = {"event_class": [event_class] * n, "start_time": times, "start_index": starts}
    return columns | own | {"structure": [0] * n}  # and date and stop_date alike, as in the published modes


def dwell_columns(day: int, cells: list[int]) -> dict[str, np.ndarray]:
    n = len(cells)
    counts = {name: np.arange(n, dtype=np.int32) + 1 for name in DWELL.names if name not in ("day", "cell")}
    return {"day": np.full(n, day, np.int32), "cell": np.array(cells, np.int32)} | counts


def write_block(run: Run, satellite: str, block: int, events: dict, dwell: dict) -> DetectReceipt:
    outputs = {
        "events": write_part(part_path(run.events, satellite, block), events, EVENTS),
        "dwell": write_part(part_path(run.dwell, satellite, block), dwell, DWELL),
    }
    return {"satellite": satellite, "block": block, "outputs": outputs}


@pytest.fixture
def records(run: Run) -> list[DetectReceipt]:
    return [
        write_block(run, "noaa18", 250, event_columns([500, 100]), dwell_columns(8000, [3, 4])),
        write_block(run, "noaa18", 248, event_columns([40], "REP"), dwell_columns(7966, [3])),
        write_block(run, "metop01", 248, event_columns([900, 900]), dwell_columns(7966, [])),
    ]


def test_parts_lie_where_every_reader_of_partitioned_tables_looks(tmp_path: Path) -> None:
    assert part_path(tmp_path, "noaa18", 9) == tmp_path / "satellite=noaa18" / "block-0009.parquet"


def test_digest_is_the_files(run: Run, records: list[DetectReceipt]) -> None:
    path = part_path(run.events, "noaa18", 250)
    assert records[0]["outputs"]["events"] == sha256(path.read_bytes())


def test_same_columns_give_the_same_bytes(tmp_path: Path) -> None:
    first = write_part(tmp_path / "a", event_columns([1, 2]), EVENTS)
    assert write_part(tmp_path / "b", event_columns([1, 2]), EVENTS) == first
    assert write_part(tmp_path / "a", event_columns([1, 3]), EVENTS) != first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_part_has_the_columns_of_the_contract_in_their_order_and_types(
    run: Run, records: list[DetectReceipt]
) -> None:
    table = pq.ParquetFile(part_path(run.events, "noaa18", 250)).read()
    assert table.column_names == [name for name in schema.EVENT_COLUMNS if name not in NOT_STORED]
    assert table.schema.field("start_time").type == pa.timestamp("ms", tz="UTC")
    assert table.schema.field("start_index").type == pa.int32()
    assert table.schema.field("duration_s").type == pa.float64()
    assert table.schema.field("L").type == pa.float32()


def test_values_read_back(run: Run, records: list[DetectReceipt]) -> None:
    table = read_part(part_path(run.events, "noaa18", 250), records[0]["outputs"]["events"])
    assert table["start_index"].to_pylist() == [500, 100]
    assert table["L"].to_numpy().tobytes() == np.array([0.1, 0.1], np.float32).tobytes()
    assert table["start_time"].cast(pa.int64()).to_pylist() == [TIME + 500, TIME + 100]


def test_plain_pyarrow_reads_all_parts_as_one_table(run: Run, records: list[DetectReceipt]) -> None:
    table = pyarrow.dataset.dataset(run.events, partitioning="hive").to_table()
    assert table.num_rows == 5
    assert set(table["satellite"].to_pylist()) == {"noaa18", "metop01"}


def test_missing_part_is_refused_with_its_remedy(run: Run, records: list[DetectReceipt]) -> None:
    path = part_path(run.events, "noaa18", 250)
    path.unlink()
    with pytest.raises(LedgerError, match="is missing although its block is done; delete ") as error:
        read_part(path, records[0]["outputs"]["events"])
    assert str(path) in str(error.value)
    record = run.ledger.path("noaa18", 250)
    assert f"delete {record} and repeat the command that made run {run.name!r}" in str(error.value)


def test_part_of_another_digest_is_refused_with_both(run: Run, records: list[DetectReceipt]) -> None:
    path = part_path(run.dwell, "metop01", 248)
    expected = records[2]["outputs"]["dwell"]
    found = write_part(path, dwell_columns(7966, [1]), DWELL)
    with pytest.raises(LedgerError, match=f"has sha256 {found}, not {expected}; delete ") as error:
        read_part(path, expected)
    assert "ledger/metop01/0248.json" in str(error.value)


@pytest.mark.parametrize("table", ["events", "dwell"])
def test_one_flipped_byte_is_found_by_the_readers(run: Run, records: list[DetectReceipt], table: str) -> None:
    path = part_path(run.root / table, "noaa18", 250)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(LedgerError, match=r"block-0250\.parquet has sha256"):
        list(read_dwell(run, records)) if table == "dwell" else read_events(run, records)


def test_column_that_is_not_given_is_an_error(tmp_path: Path) -> None:
    columns = event_columns([1])
    del columns["L_max"]
    with pytest.raises(KeyError, match="L_max"):
        write_part(tmp_path / "a", columns, EVENTS)
    assert list(tmp_path.iterdir()) == []


def test_events_come_sorted_by_satellite_start_and_class(run: Run, records: list[DetectReceipt]) -> None:
    records.append(write_block(run, "noaa18", 249, event_columns([100, 40], "CSS"), dwell_columns(1, [])))
    table = read_events(run, records)
    keys = list(zip(table.satellite, table.start_index, table.event_class, strict=True))
    assert keys == sorted(keys)
    assert [k[1] for k in keys] == [900, 900, 40, 40, 100, 100, 500]
    assert list(table.columns) == list(schema.EVENT_COLUMNS)
    assert table.index.tolist() == list(range(7))


def test_order_of_the_records_does_not_matter(run: Run, records: list[DetectReceipt]) -> None:
    pd.testing.assert_frame_equal(read_events(run, records), read_events(run, records[::-1]))


def test_block_without_events_adds_no_row(run: Run, records: list[DetectReceipt]) -> None:
    expected = read_events(run, records)
    empty = write_block(run, "noaa15", 1, event_columns([]), dwell_columns(1, []))
    pd.testing.assert_frame_equal(read_events(run, [empty, *records]), expected)
    assert read_events(run, [empty]).empty
    assert list(read_events(run, [empty]).columns) == list(schema.EVENT_COLUMNS)


def test_events_of_no_block_are_an_empty_table_of_the_same_columns(
    run: Run, records: list[DetectReceipt]
) -> None:
    empty, full = read_events(run, []), read_events(run, records)
    assert empty.empty
    assert list(empty.columns) == list(schema.EVENT_COLUMNS)
    same = [name for name, column in schema.EVENT_COLUMNS.items() if column.dtype != "str"]
    assert empty[same].dtypes.to_dict() == full[same].dtypes.to_dict()


def test_times_are_utc_with_milliseconds(run: Run, records: list[DetectReceipt]) -> None:
    first = read_events(run, records).start_time.iloc[-1]
    assert first == pd.Timestamp("2019-10-24T00:00:00.500Z")


def test_stray_part_is_not_read(run: Run, records: list[DetectReceipt]) -> None:
    write_block(run, "noaa19", 248, event_columns([1]), dwell_columns(7966, [1]))
    assert "noaa19" not in set(read_events(run, records).satellite)
    assert [satellite for satellite, _ in read_dwell(run, records)] == ["noaa18", "noaa18", "metop01"]


def test_dwell_comes_by_block_as_written(run: Run, records: list[DetectReceipt]) -> None:
    found = list(read_dwell(run, records))
    assert len(found) == 3
    for name, values in dwell_columns(8000, [3, 4]).items():
        assert found[0][1][name].tolist() == values.tolist()
        assert found[0][1][name].dtype == np.int32
    assert found[2][1]["cell"].size == 0


# --- what the columns tell


def test_parts_carry_what_is_declared_of_their_columns(run: Run, records: list[DetectReceipt]) -> None:
    for kind, columns in (("events", schema.EVENT_COLUMNS), ("dwell", schema.DWELL_COLUMNS)):
        stored = pq.read_schema(part_path(run.root / kind, "noaa18", 250))
        for field in stored:
            declared = columns[field.name]
            assert field.metadata[b"units"].decode() == declared.units
            assert field.metadata[b"long_name"].decode() == declared.meaning
            assert field.metadata[b"source"].decode() == declared.source
        assert list(column_troubles(part_path(run.root / kind, "noaa18", 250), kind)) == []


def test_bits_of_the_quality_flags_are_told_beside_them(run: Run, records: list[DetectReceipt]) -> None:
    told = pq.read_schema(part_path(run.events, "noaa18", 250)).field("quality_flags").metadata
    bits = [int(bit) for bit in told[b"flag_masks"].split()]
    names = told[b"flag_meanings"].decode().split()
    assert dict(zip(names, bits, strict=True)) == schema.EVENT_FLAGS
    for meaning in schema.FLAG_MEANINGS.values():
        assert meaning in told[b"comment"].decode()


def test_parts_of_version_010_are_read_under_the_names_of_today(
    run: Run, records: list[DetectReceipt]
) -> None:
    events, dwell = read_events(run, records), list(read_dwell(run, records))
    older_parts(run, records)
    path = part_path(run.events, "noaa18", 250)
    assert "flags" in pq.read_schema(path).names
    assert not {"stop_date", "structure"} & set(pq.read_schema(path).names)
    assert pq.read_schema(part_path(run.dwell, "noaa18", 250)).names == [
        "day", "cell", "dwell", "precipitation_REP", "precipitation_CSS",
    ]  # fmt: skip
    pd.testing.assert_frame_equal(read_events(run, records), events)
    for (satellite, columns), (same, expected) in zip(read_dwell(run, records), dwell, strict=True):
        assert satellite == same
        assert [*columns, *LATER["dwell"]] == list(expected) == list(schema.DWELL_COLUMNS)
        assert all(np.array_equal(columns[name], expected[name]) for name in columns)
    for kind in PARTS:
        assert list(column_troubles(part_path(run.root / kind, "noaa18", 250), kind)) == []


def test_flags_that_a_part_does_not_tell_of_cannot_be_excluded(
    run: Run, records: list[DetectReceipt]
) -> None:
    """An older part tells of the first flags of its events, and of none of its dwell."""
    run.describe({"model": "a model", "mode": "continuous"})
    assert len(read_events(run, records, Choice(("SAA",)))) == 5
    assert len(read_events(run, records, Choice(("calibration",)))) == 0  # quality_flags of all are 3
    older_parts(run, records)
    assert len(read_events(run, records, Choice(("calibration", "time_gap")))) == 0
    again = (
        r"does not tell SAA of its events, .*: reprocess detect \S+ --run r-flags --model 'a model' --mode c"
    )
    with pytest.raises(FlagError, match=again):
        read_events(run, records, Choice(("calibration", "SAA")))
    with pytest.raises(FlagError, match="does not tell calibration of its dwell"):
        list(read_dwell(run, records, Choice(("calibration",))))


def test_events_as_detection_makes_them_are_written_without_pandas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = pa.array([TIME, TIME + 2000], pa.timestamp("ms", tz="UTC"))
    with monkeypatch.context() as patched:
        patched.setattr(pa, "array", None)  # it imports pandas
        digest = write_part(tmp_path / "a" / "b" / "c.parquet", event_columns([0, 2000]), EVENTS)
    assert read_part(tmp_path / "a" / "b" / "c.parquet", digest)["start_time"].combine_chunks() == expected


def test_an_event_table_has_no_column_that_pandas_reserves() -> None:
    taken = {name for name in schema.EVENT_COLUMNS if hasattr(pd.DataFrame, name)}
    assert taken == set()


@pytest.mark.parametrize(
    ("change", "expected", "found"),
    [
        (lambda t: t.drop_columns("L_max"), "columns event_class, ", "event_class, "),
        (lambda t: t.append_column("more", t["L"]), "columns event_class, ", "event_class, "),
        (lambda t: t.cast(with_field(t, "L", "double")), "column L of float", "double"),
        (
            lambda t: t.cast(with_field(t, "MLT", "float", {"units": "deg"})),
            "units 'h' of column MLT",
            "'deg'",
        ),
        (lambda t: t.cast(with_field(t, "MLT", "float", {})), "source 'NOAA", "none"),
    ],
)
def test_a_part_with_other_columns_is_found(
    run: Run, records: list[DetectReceipt], change: Callable[[pa.Table], pa.Table], expected: str, found: str
) -> None:
    path = part_path(run.events, "noaa18", 250)
    pq.write_table(change(pq.read_table(path)), path)
    troubles = list(column_troubles(path, "events"))
    assert any(a.startswith(expected) and b.startswith(found) for a, b in troubles)
    assert all(a != b for a, b in troubles)


def with_field(table: pa.Table, name: str, kind: str, attributes: dict[str, str] | None = None) -> pa.Schema:
    """Return the schema of a table with another type or other attributes of one column."""
    at = table.schema.get_field_index(name)
    kept = table.schema.field(at).metadata if attributes is None else attributes
    return table.schema.set(at, pa.field(name, kind, metadata=kept))


@given(
    st.lists(
        st.tuples(
            st.text(max_size=5),
            st.integers(-(2**31), 2**31 - 1),
            st.floats(width=32),
            st.floats(),
            st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2100, 1, 1)),
        ),
        max_size=20,
    )
)
@pytest.mark.parametrize("as_arrays", [False, True])
def test_columns_are_those_that_pyarrow_makes_of_the_same_values(
    as_arrays: bool, rows: list[tuple[Any, ...]]
) -> None:
    kinds = (pa.string(), pa.int32(), pa.float32(), pa.float64(), pa.timestamp("ms", tz="UTC"))
    declared = pa.schema([pa.field(str(kind), kind) for kind in kinds])
    columns: dict[str, Any] = {str(kind): [row[i] for row in rows] for i, kind in enumerate(kinds)}
    columns[str(kinds[-1])] = np.array(columns[str(kinds[-1])], "datetime64[ms]")
    if as_arrays:
        columns = {str(k): np.array(v, object if k == pa.string() else None) for k, v in columns.items()}
    made = as_part(columns, declared)
    expected = pa.table(columns, schema=declared)
    made.validate(full=True)
    for name in declared.names:
        assert made[name].null_count == 0
        assert made[name].type == expected[name].type
        np.testing.assert_array_equal(made[name].to_numpy(), expected[name].to_numpy())


def test_what_is_no_plain_column_is_left_to_pyarrow() -> None:
    declared = pa.schema([pa.field("s", pa.string()), pa.field("i", pa.int32())])
    made = as_part({"s": ["a", None], "i": pd.Series([1, 2])}, declared)
    assert made.to_pydict() == {"s": ["a", None], "i": [1, 2]}


def test_times_and_texts_of_pandas_keep_what_is_missing() -> None:
    declared = pa.schema([pa.field("t", pa.timestamp("ms", tz="UTC")), pa.field("s", pa.string())])
    times = pd.to_datetime(pd.Series(["2015-03-01T12:00:00.002Z", None])).dt.as_unit("ms")
    made = as_part({"t": times, "s": pd.Series(["REP", None])}, declared)
    made.validate(full=True)
    assert made["t"].cast(pa.int64()).to_pylist() == [1425211200002, None]
    assert made["s"].to_pylist() == ["REP", None]
    empty = as_part({"t": times[:0], "s": pd.Series([], dtype=object)}, declared)
    assert empty.num_rows == 0
