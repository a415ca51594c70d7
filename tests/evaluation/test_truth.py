"""Event lists: what is read, what is refused and with which words, which records events hold."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocess import schema
from reprocess.catalogue.formats import export_events
from reprocess.errors import EventListError
from reprocess.evaluation.truth import _count_shared, label_records, read_event_list, record_ranges
from reprocess.simulate import simulate_archive

COVERED = {("noaa18", "2015-03-01"), ("noaa18", "2015-03-02"), ("metop01", "2015-03-01")}
GOOD = "noaa18,2015-03-01T10:00:00,2015-03-01T10:00:20,REP"
HEADER = "satellite,start_time,stop_time,event_class"


def write_csv(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def listed(*events: tuple[str, str, str, str]) -> pd.DataFrame:
    """The form that `read_event_list` gives."""
    table = pd.DataFrame(list(events), columns=HEADER.split(","))
    return table.astype({"start_time": "datetime64[ms]", "stop_time": "datetime64[ms]"})


EXPECTED = listed(
    ("metop01", "2015-03-01T23:00:00", "2015-03-01T23:00:10", "CSS"),
    ("noaa18", "2015-03-01T10:00:00", "2015-03-01T10:00:20.500", "REP"),
    ("noaa18", "2015-03-01T23:59:50", "2015-03-02T00:00:06", "CSS"),
)


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert (found.dtypes.loc[["start_time", "stop_time"]] == "datetime64[ms]").all()


@pytest.mark.parametrize(
    ("header", "times"),
    [
        (HEADER, ["{} {}Z", "{}T{}", "{}T{}+00:00"]),
        ("satellite,start,stop,class", ["{} {}", "{}T{}", "{} {}"]),
        ("class,note,stop,start,satellite", ["{}T{}Z", "{}T{}Z", "{}T{}Z"]),
    ],
)
def test_csv_in_any_order_of_rows_and_columns_and_any_iso_format(
    header: str, times: list[str], tmp_path: Path
) -> None:
    rows = []
    for event, form in zip(EXPECTED.iloc[::-1].to_dict("records"), times, strict=True):
        start, stop = (
            form.format(*event[k].isoformat(timespec="milliseconds").split("T"))
            for k in ("start_time", "stop_time")
        )
        named = {
            "satellite": event["satellite"], "class": event["event_class"], "note": "seen by eye",
            "start": start, "stop": stop,
        }  # fmt: skip
        named |= {"start_time": start, "stop_time": stop, "event_class": event["event_class"]}
        rows.append(",".join(named[name] for name in header.split(",")))
    found = read_event_list([write_csv(tmp_path / "list.csv", *rows, header=header)], COVERED)
    assert_same(found.table, EXPECTED)
    assert found.dropped == []


@pytest.mark.parametrize(
    ("start", "utc"),
    [
        ("2015-03-01T11:00:00+01:00", "2015-03-01T10:00:00"),
        ("2015-02-28T23:30:00-02:30", "2015-03-01T02:00:00"),
        ("2015-03-01", "2015-03-01T00:00:00"),
        ("20150301", "2015-03-01T00:00:00"),
        ("2015-03-01T10:00:00.1239", "2015-03-01T10:00:00.123"),
    ],
)
def test_time_zones_and_short_forms(start: str, utc: str, tmp_path: Path) -> None:
    row = f"noaa18,{start},{start},REP"
    (event,) = read_event_list([write_csv(tmp_path / "a.csv", row)], COVERED).table.to_dict("records")
    assert event["start_time"] == event["stop_time"] == pd.Timestamp(utc)


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
@pytest.mark.parametrize("unit", ["ns", "us", "ms"])
def test_parquet_with_times_of_any_kind(zone: str | None, unit: str, tmp_path: Path) -> None:
    table = EXPECTED.assign(extra=1.5)
    for name in ("start_time", "stop_time"):
        times = table[name].astype(f"datetime64[{unit}]")
        table[name] = times if zone is None else times.dt.tz_localize("UTC").dt.tz_convert(zone)
    table.sample(frac=1, random_state=1).to_parquet(tmp_path / "a.parquet")
    assert_same(read_event_list([tmp_path / "a.parquet"], COVERED).table, EXPECTED)


def test_parquet_with_times_as_text(tmp_path: Path) -> None:
    EXPECTED.astype({"start_time": str, "stop_time": str}).to_parquet(tmp_path / "a.parquet")
    assert_same(read_event_list([tmp_path / "a.parquet"], COVERED).table, EXPECTED)


def test_a_column_of_its_own_name_goes_before_the_short_one(tmp_path: Path) -> None:
    header = "satellite,start,start_time,stop,class"
    row = "noaa18,yesterday,2015-03-01T10:00:00,2015-03-01T10:00:20,REP"
    found = read_event_list([write_csv(tmp_path / "a.csv", row, header=header)], COVERED)
    assert found.table["start_time"].tolist() == [pd.Timestamp("2015-03-01T10:00:00")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("noaa20,2015-03-01T10:00:00,2015-03-01T10:00:20,REP", "satellite 'noaa20' is none of noaa15"),
        ("NOAA18,2015-03-01T10:00:00,2015-03-01T10:00:20,REP", "satellite 'NOAA18' is none of"),
        (",2015-03-01T10:00:00,2015-03-01T10:00:20,REP", "satellite nan is none of"),
        ("noaa18,2015-03-01T10:00:00,2015-03-01T10:00:20,FLCS", "class 'FLCS' is none of REP, CSS"),
        ("noaa18,2015-03-01T10:00:00,2015-03-01T10:00:20,none", "class 'none' is none of REP, CSS"),
        ("noaa18,2015-03-01T10:00:00,2015-03-01T10:00:20,", "class nan is none of"),
        ("noaa18,,2015-03-01T10:00:20,REP", "start or stop is no ISO 8601 time"),
        ("noaa18,2015-03-01T10:00:00,,REP", "start or stop is no ISO 8601 time"),
        ("noaa18,01/03/2015 10:00,2015-03-01T10:00:20,REP", "start or stop is no ISO 8601 time"),
        ("noaa18,2015-02-29T10:00:00,2015-03-01T10:00:20,REP", "start or stop is no ISO 8601 time"),
        (
            "noaa18,2015-03-01T10:00:20,2015-03-01T10:00:00,REP",
            "starts at 2015-03-01T10:00:20, after its stop at 2015-03-01T10:00:00",
        ),
        ("noaa18,2015-03-01T10:00:00,2016-03-01T10:00:20,REP", "lasts 366 days 00:00:20; more than"),
        ("noaa18,2015-03-01T10:00:00,2015-03-01T11:00:01,REP", "lasts 0 days 01:00:01; more than"),
        (
            "noaa18,2015-03-03T10:00:00,2015-03-03T10:00:20,REP",
            "the archive does not hold noaa18 on 2015-03-03",
        ),
        (
            "metop01,2015-03-02T10:00:00,2015-03-02T10:00:20,REP",
            "the archive does not hold metop01 on 2015-03-02",
        ),
        (
            "noaa18,2015-03-01T12:00:20,2015-03-01T12:00:30,REP",
            "overlaps {path} row 1, which ends at 2015-03-01T12:00:20",
        ),
        ("noaa18,2015-03-01T12:00:05,2015-03-01T12:00:06,REP", "overlaps {path} row 1"),
        ("noaa18,2015-03-01T12:00:00,2015-03-01T12:00:20,REP", "overlaps {path} row 1"),
    ],
)
def test_a_bad_row_is_named_with_its_reason_and_can_be_dropped(row: str, reason: str, tmp_path: Path) -> None:
    good = "noaa18,2015-03-01T12:00:00,2015-03-01T12:00:20,REP"
    path = write_csv(tmp_path / "a.csv", good, row)
    reason = reason.format(path=path)
    with pytest.raises(EventListError) as caught:
        read_event_list([path], COVERED)
    message = str(caught.value)
    assert message.startswith(f"1 of 2 rows cannot be used:\n  {path} row 2: {reason}")
    assert message.endswith("correct them or leave them out with --drop-bad-rows")
    found = read_event_list([path], COVERED, drop=True)
    assert_same(found.table, listed(("noaa18", "2015-03-01T12:00:00", "2015-03-01T12:00:20", "REP")))
    assert len(found.dropped) == 1
    assert found.dropped[0].startswith(f"{path} row 2: {reason}")


@pytest.mark.parametrize(
    "row",
    [
        "metop01,2015-03-01T12:00:05,2015-03-01T12:00:06,REP",  # another satellite
        "noaa18,2015-03-01T12:00:20,2015-03-01T12:00:30,CSS",  # another class
        "noaa18,2015-03-01T12:00:00,2015-03-01T12:00:20,CSS",  # wholly
        "noaa18,2015-03-01T12:00:20.001,2015-03-01T12:00:30,CSS",  # begins after it
        "noaa18,2015-03-01T11:59:00,2015-03-01T11:59:59.999,CSS",  # ends before it
        "noaa18,2015-03-02T23:59:50,2015-03-03T00:00:20,CSS",  # the archive holds its first day
        "metop01,2015-02-28T23:59:50,2015-03-01T00:00:20,CSS",  # its second
        "noaa18,2015-03-01T14:00:00,2015-03-01T14:00:00,CSS",  # one record
        "noaa18,2015-03-01T14:00:00,2015-03-01T15:00:00,CSS",  # the longest
    ],
)
def test_rows_near_the_limits_are_good(row: str, tmp_path: Path) -> None:
    good = "noaa18,2015-03-01T12:00:00,2015-03-01T12:00:20,REP"
    assert len(read_event_list([write_csv(tmp_path / "a.csv", good, row)], COVERED).table) == 2


def test_every_bad_row_of_every_file_is_listed(tmp_path: Path) -> None:
    a = write_csv(tmp_path / "a.csv", "noaa18,x,y,REP", GOOD, *["sputnik,x,y,REP"] * 30)
    b = write_csv(tmp_path / "b.csv", GOOD.replace("10:00:00", "09:59:55"), GOOD.replace("REP", "rep"))
    with pytest.raises(EventListError) as caught:
        read_event_list([a, b], COVERED)
    lines = str(caught.value).splitlines()
    assert lines[0] == "33 of 34 rows cannot be used:"
    places = [f"{a} row {i}" for i in (1, *range(2, 33))] + [f"{b} row 2"]
    assert [line.split(": ")[0].strip() for line in lines[1:-1]] == places
    assert "overlaps" in lines[2]  # the first in time stays, whichever file it is in
    assert f"overlaps {b} row 1" in lines[2]
    found = read_event_list([a, b], COVERED, drop=True)
    assert len(found.table) == 1
    assert found.dropped == [line.strip() for line in lines[1:-1]]


def test_a_dropped_event_hides_none_behind_it(tmp_path: Path) -> None:
    """The second overlaps the first and goes; the third overlaps only the second and stays."""
    rows = [
        f"noaa18,2015-03-01T10:00:{a},2015-03-01T10:00:{b},REP" for a, b in ((10, 20), (15, 40), (30, 50))
    ]
    found = read_event_list([write_csv(tmp_path / "a.csv", *rows)], COVERED, drop=True)
    assert found.table["start_time"].dt.second.tolist() == [10, 30]


def test_a_list_given_twice_overlaps_itself(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", GOOD)
    with pytest.raises(EventListError, match="1 of 2 rows"):
        read_event_list([path, path], COVERED)


def test_no_usable_row_is_an_error_even_when_dropping(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", "noaa18,x,y,REP")
    with pytest.raises(EventListError, match=r"no row of .*a\.csv can be used\n  .*row 1: start or stop"):
        read_event_list([path], COVERED, drop=True)


def test_an_empty_list_beside_a_good_one(tmp_path: Path) -> None:
    paths = [write_csv(tmp_path / "a.csv"), write_csv(tmp_path / "b.csv", GOOD)]
    assert len(read_event_list(paths, COVERED).table) == 1
    with pytest.raises(EventListError, match=r"no row of .*a\.csv can be used$"):
        read_event_list(paths[:1], COVERED)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("ragged.csv", b"satellite,start\na,b\nc,d,e\n"),
        ("binary.csv", b"\x89PNG\r\n\x1a\n\xff\xfe\xfd"),
        ("csv.parquet", b"satellite,start\n"),
        ("empty.parquet", b""),
        ("absent.csv", None),
        ("absent.parquet", None),
    ],
)
def test_a_file_that_cannot_be_read_is_named(name: str, content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(EventListError, match=f"{name} cannot be read as an event list: "):
        read_event_list([tmp_path / name], COVERED)


def test_missing_columns_are_named_with_those_there(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", "noaa18,2015-03-01", header="satellite,start")
    with pytest.raises(
        EventListError, match="no column stop_time, event_class; it has satellite, start_time"
    ):
        read_event_list([path], COVERED)
    path = tmp_path / "b.parquet"
    EXPECTED.set_axis([1, 2, 3, 4], axis=1).to_parquet(path)
    with pytest.raises(EventListError, match=r"no column .*; it has 1, 2, 3, 4"):
        read_event_list([path], COVERED)


def test_the_truth_of_a_simulation_is_a_list(tmp_path: Path) -> None:
    path = simulate_archive(tmp_path, ["noaa18"], dt.date(2015, 3, 1), days=1, seed=3, events_per_day=40)
    truth = pd.read_parquet(path)
    found = read_event_list([path], COVERED)
    assert len(truth) > 5
    assert_same(found.table, truth[list(found.table.columns)])
    assert (found.found_by, found.given) == ((), "true")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_event_table_of_a_run_is_a_list(kind: str, tmp_path: Path) -> None:
    columns = {name: ["0"] if column.dtype == "str" else [0] for name, column in schema.EVENT_COLUMNS.items()}
    table = pd.DataFrame(columns).assign(satellite="noaa18", event_class="CSS")
    for name in ("start_time", "stop_time", "peak_time"):
        table[name] = pd.to_datetime([1425204000123], unit="ms", utc=True).astype("datetime64[ms, UTC]")
    path = tmp_path / f"events.{kind}"
    path.write_bytes(export_events(table, kind))
    (event,) = read_event_list([path], COVERED).table.to_dict("records")
    assert event["start_time"] == event["stop_time"] == pd.Timestamp("2015-03-01T10:00:00.123")


@st.composite
def days_and_events(draw: st.DrawFn) -> tuple[np.ndarray, pd.DataFrame]:
    """Increasing record times with gaps, and events that do not overlap, in it and beyond it."""
    steps = draw(st.lists(st.integers(1, 8), min_size=1, max_size=40))
    edges = sorted(draw(st.sets(st.integers(-20, 200), max_size=12)))
    spans = [*zip(edges[::2], edges[1::2], strict=False)]
    if draw(st.booleans()):
        spans = [(start, start) for start, _ in spans]
    names = draw(st.lists(st.sampled_from(["REP", "CSS"]), min_size=len(spans), max_size=len(spans)))
    stamps = [tuple(pd.Timestamp(t, unit="ms") for t in span) for span in spans]
    events = listed(*(("noaa18", str(a), str(b), n) for (a, b), n in zip(stamps, names, strict=True)))
    return np.cumsum(steps), events


@settings(deadline=None, max_examples=50)
@given(days_and_events())
def test_records_get_the_class_of_the_event_that_holds_them(case: tuple[np.ndarray, pd.DataFrame]) -> None:
    time, events = case
    expected = np.zeros(time.size, np.int8)
    ranges = record_ranges(time, events)
    for event, (start, stop) in zip(events.itertuples(), ranges, strict=True):
        low, high = (t.value // 1_000_000 for t in (event.start_time, event.stop_time))
        held = [i for i, t in enumerate(time.tolist()) if low <= t <= high]
        assert list(range(start, stop)) == held
        expected[held] = schema.EVENT_CLASSES[str(event.event_class)]
    np.testing.assert_array_equal(label_records(time, events), expected)
    assert label_records(time, events).dtype == np.int8


def test_events_that_overlap_the_other_class_are_counted(tmp_path: Path) -> None:
    rows = [
        "noaa18,2015-03-01T12:00:00,2015-03-01T12:00:20,REP",
        "noaa18,2015-03-01T12:00:20,2015-03-01T12:00:30,CSS",  # both
        "noaa18,2015-03-01T12:00:30,2015-03-01T12:00:40,REP",  # three
        "noaa18,2015-03-01T12:00:40.001,2015-03-01T12:00:50,CSS",
        "metop01,2015-03-01T12:00:00,2015-03-01T12:00:20,CSS",  # another satellite
    ]
    found = read_event_list([write_csv(tmp_path / "a.csv", *rows)], COVERED)
    assert (found.overlapping, found.dropped, found.given) == (3, [], "true")


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9), st.sampled_from(["REP", "CSS"])), max_size=9)
)
def test_the_count_of_overlaps_is_that_of_comparing_every_pair(drawn: list[tuple[int, int, str]]) -> None:
    start = pd.Timestamp("2015-03-01")
    events = listed(
        *(("noaa18", start + pd.Timedelta(s, "s"), start + pd.Timedelta(s + n, "s"), c) for s, n, c in drawn)
    )
    expected = sum(any(c != d and s <= t + m and t <= s + n for t, m, d in drawn) for s, n, c in drawn)
    assert _count_shared(events) == expected


@pytest.mark.parametrize("rows", [(1, 2), (2, 1)])
def test_records_of_both_classes_are_of_the_event_that_begins_later(
    rows: tuple[int, int], tmp_path: Path
) -> None:
    pair = [
        "noaa18,2015-03-01T10:00:00,2015-03-01T10:00:08,CSS",
        "noaa18,2015-03-01T10:00:04,2015-03-01T10:00:12,REP",
    ]
    same = [
        "noaa18,2015-03-01T11:00:00,2015-03-01T11:00:02,CSS",
        "noaa18,2015-03-01T11:00:00,2015-03-01T11:00:02,REP",
    ]
    lines = [part[i - 1] for part in (pair, same) for i in rows]
    events = read_event_list([write_csv(tmp_path / "a.csv", *lines)], COVERED).table
    for begin, labels in (("10", [2, 2, 1, 1, 1, 1, 1]), ("11", [1, 1])):
        time = np.arange(len(labels)) * 2000 + np.datetime64(f"2015-03-01T{begin}:00", "ms").astype(np.int64)
        assert label_records(time, events).tolist() == labels


@pytest.mark.parametrize("kind", ["csv", "parquet", "PARQUET"])
def test_the_event_table_of_a_run_is_told_from_what_is_known(kind: str, tmp_path: Path) -> None:
    table = pd.DataFrame(
        [
            dict.fromkeys(schema.EVENT_COLUMNS, 0)
            | {"satellite": "noaa18", "event_class": name, "model": "m", "run": "r"}
            | {"start_time": pd.Timestamp(a, tz="UTC"), "stop_time": pd.Timestamp(b, tz="UTC")}
            for name, a, b in (
                ("REP", "2015-03-01T10:00:00", "2015-03-01T10:00:20"),
                ("CSS", "2015-03-01T10:00:10", "2015-03-01T10:00:30"),
            )
        ]
    )
    table["peak_time"] = table["start_time"]
    (tmp_path / f"events.{kind}").write_bytes(export_events(table, kind.lower()))
    found = read_event_list([tmp_path / f"events.{kind}"], COVERED)
    assert (found.found_by, found.given, found.overlapping) == (("model m, run r",), "listed", 2)
    assert len(found.table) == 2


@pytest.mark.parametrize("name", ["events.json", "events.xlsx", "events.NC"])
def test_event_tables_in_formats_that_are_no_lists_are_refused_with_the_remedy(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / name).touch()
    with pytest.raises(EventListError, match=r"neither CSV nor Parquet; reprocess events WORK -o FILE\.csv"):
        read_event_list([tmp_path / name], COVERED)


def test_parts_of_an_event_in_two_files_are_one_event_in_all_its_situations(tmp_path: Path) -> None:
    rows = [
        ("noaa18", "2015-03-01T23:59:50", "2015-03-01T23:59:58", "CSS", "a", True, False),
        ("noaa18", "2015-03-02T00:00:00", "2015-03-02T00:00:20", "CSS", "a", True, True),
        ("noaa18", "2015-03-02T10:00:00", "2015-03-02T10:00:20", "CSS", "b", False, False),
        ("noaa18", "2015-03-02T11:00:00", "2015-03-02T11:00:20", "CSS", None, False, True),
    ]
    columns = ["satellite", "start_time", "stop_time", "event_class", "event_id", "at_midnight", "at_gap"]
    path = tmp_path / "list.parquet"
    pd.DataFrame(rows, columns=columns).to_parquet(path)
    found = read_event_list([path], {("noaa18", "2015-03-01"), ("noaa18", "2015-03-02")}).table
    assert "event_id" not in found
    assert found["start_time"].astype(str).str[11:19].tolist() == ["23:59:50", "10:00:00", "11:00:00"]
    assert found["stop_time"].astype(str).str[11:19].tolist() == ["00:00:20", "10:00:20", "11:00:20"]
    assert found["at_midnight"].tolist() == [True, False, False]
    assert found["at_gap"].tolist() == [True, False, True]


def test_situations_of_one_of_two_lists_are_kept(tmp_path: Path) -> None:
    frame = pd.DataFrame({"satellite": ["noaa18"], "start_time": ["2015-03-01T10:00:00"]})
    frame = frame.assign(stop_time="2015-03-01T10:00:20", event_class="REP")
    frame.assign(at_gap=True).to_csv(tmp_path / "a.csv", index=False)
    later = frame.assign(start_time="2015-03-01T12:00:00", stop_time="2015-03-01T12:00:20")
    later.to_csv(tmp_path / "b.csv", index=False)
    found = read_event_list([tmp_path / "a.csv", tmp_path / "b.csv"], {("noaa18", "2015-03-01")}).table
    assert found["at_gap"].tolist() == [True, False]
