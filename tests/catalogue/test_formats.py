import io
import json
import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.io import netcdf_file

from reprocess.catalogue import formats
from reprocess.catalogue.formats import export_events
from reprocess.errors import EventListError
from reprocess.schema import EVENT_COLUMNS, EVENT_FORMATS
from reprocess.work.parts import read_events
from reprocess.work.paths import Run
from tests.support.programs import find_program, start_program

ISO = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
TIMES = [name for name, column in EVENT_COLUMNS.items() if column.dtype == "time"]
FLOATS = [name for name, column in EVENT_COLUMNS.items() if column.dtype.startswith("float")]


def table(n: int = 3) -> pd.DataFrame:
    """Events with the types of the stored table; all values differ."""
    columns = {}
    for k, (name, column) in enumerate(EVENT_COLUMNS.items()):
        kind = column.dtype
        if kind == "time":
            ms = 1571875200000 + 1000 * k + 37 * np.arange(n)
            columns[name] = pd.to_datetime(ms, unit="ms", utc=True).as_unit("ms")
        elif kind == "str":
            columns[name] = [f"{name} {i}, 'quoted' \u00b0" for i in range(n)]
        else:
            columns[name] = (k + np.arange(n) / 7).astype(kind)
    return pd.DataFrame(columns)


def as_csv(data: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(data))


def test_csv():
    events = table()
    data = export_events(events, "csv")
    assert data.endswith(b"\n")
    assert b"\r" not in data
    again = as_csv(data)
    assert list(again.columns) == list(EVENT_COLUMNS)
    assert len(again) == 3
    for name in FLOATS:
        np.testing.assert_array_equal(again[name].to_numpy(events[name].dtype), events[name].to_numpy())
    assert again["satellite"].tolist() == events["satellite"].tolist()


def test_json():
    events = table()
    data = export_events(events, "json")
    assert data.endswith(b"]\n")
    rows = json.loads(data)
    assert [list(row) for row in rows] == [list(EVENT_COLUMNS)] * 3
    for name in FLOATS:
        found = np.array([row[name] for row in rows], events[name].dtype)
        np.testing.assert_allclose(found, events[name], rtol=1e-6)
    assert [row["start_index"] for row in rows] == events["start_index"].tolist()
    assert rows[1]["model"] == "model 1, 'quoted' \u00b0"


def test_times_are_iso_with_milliseconds():
    events = table()
    rows = json.loads(export_events(events, "json"))
    csv = as_csv(export_events(events, "csv"))
    assert len(TIMES) == 3
    for name in TIMES:
        texts = [row[name] for row in rows]
        assert csv[name].tolist() == texts
        assert all(ISO.match(text) for text in texts)
        assert pd.to_datetime(pd.Series(texts)).tolist() == events[name].tolist()
    assert rows[1]["start_time"] == "2019-10-24T00:00:05.037Z"


def test_missing_values():
    events = table()
    events.loc[1, ["L_min", "e4_ratio_0_90"]] = np.nan
    rows = json.loads(export_events(events, "json"))
    assert rows[1]["L_min"] is rows[1]["e4_ratio_0_90"] is None
    assert rows[0]["L_min"] is not None
    line = export_events(events, "csv").decode().splitlines()[2]
    assert ",," in line
    assert "nan" not in line.lower()
    assert np.isnan(as_csv(export_events(events, "csv"))["L_min"].tolist()).tolist() == [False, True, False]


def test_parquet_keeps_types():
    events = table()
    again = pd.read_parquet(io.BytesIO(export_events(events, "parquet")))
    pd.testing.assert_frame_equal(again, events)


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_no_events(kind, tmp_path):
    events = read_events(Run(tmp_path), [])
    assert list(events.columns) == list(EVENT_COLUMNS)
    data = export_events(events, kind)
    if kind == "csv":
        assert data.decode() == ",".join(EVENT_COLUMNS) + "\n"
    elif kind == "json":
        assert json.loads(data) == []
    else:
        assert list(pd.read_parquet(io.BytesIO(data)).columns) == list(EVENT_COLUMNS)


@pytest.mark.parametrize("kind", EVENT_FORMATS)
def test_the_table_is_left_alone_and_bytes_repeat(kind):
    events = table()
    copy = events.copy(deep=True)
    assert export_events(events, kind) == export_events(events, kind)
    pd.testing.assert_frame_equal(events, copy)


def test_json_keeps_small_values():
    events = table()
    events["e4_ratio_0_90"] = np.float32([0.0012345678, 1.2345678e-6, 1.2345678e-9])
    rows = json.loads(export_events(events, "json"))
    found = np.array([row["e4_ratio_0_90"] for row in rows], np.float32)
    np.testing.assert_allclose(found, events["e4_ratio_0_90"], rtol=1e-6)


def test_excel_has_times_without_a_zone_and_says_what_columns_are():
    events = table()
    events.loc[1, "L_min"] = np.nan
    sheets = pd.read_excel(io.BytesIO(export_events(events, "xlsx")), sheet_name=None)
    assert list(sheets) == ["events", "columns"]
    again = sheets["events"]
    assert list(again.columns) == list(EVENT_COLUMNS)
    for name in TIMES:
        difference = again[name] - events[name].dt.tz_convert(None)
        assert (difference.abs() < pd.Timedelta(microseconds=500)).all(), name
    assert np.isnan(again["L_min"]).tolist() == [False, True, False]
    for name in FLOATS:
        np.testing.assert_allclose(again[name], events[name], rtol=1e-6)
    assert sheets["columns"]["column"].tolist() == list(EVENT_COLUMNS)
    assert sheets["columns"]["meaning"].tolist() == [c.meaning for c in EVENT_COLUMNS.values()]


def test_excel_without_events_has_its_columns(tmp_path):
    again = pd.read_excel(io.BytesIO(export_events(read_events(Run(tmp_path), []), "xlsx")))
    assert list(again.columns) == list(EVENT_COLUMNS)
    assert again.empty


def test_more_events_than_a_sheet_has_rows_are_refused(monkeypatch):
    monkeypatch.setattr(formats, "EXCEL_ROWS", 2)
    with pytest.raises(EventListError, match="3 events are more than the 2 rows of an Excel sheet"):
        export_events(table(), "xlsx")


def netcdf(events, path):
    path.write_bytes(export_events(events, "nc"))
    return path


def test_netcdf_is_the_table_with_one_dimension(tmp_path):
    events = table()
    events.loc[1, "L_min"] = np.nan
    path = netcdf(events, tmp_path / "events.nc")
    with xr.open_dataset(path, engine="scipy") as again, netcdf_file(path, mmap=False) as file:
        assert dict(again.sizes) == {"event": 3}
        assert set(again.variables) == set(EVENT_COLUMNS)
        for name, column in EVENT_COLUMNS.items():
            found = again[name].to_numpy()
            if column.dtype == "time":
                stored = file.variables[name][:].astype("datetime64[ms]")
                assert (stored == events[name].to_numpy("datetime64[ms]")).all()
                # xarray makes nanoseconds of doubles, whose last digits are lost.
                assert (abs(found - stored) < np.timedelta64(1, "us")).all()
            elif column.dtype == "str":
                assert [str(text) for text in found] == events[name].tolist()
            else:
                np.testing.assert_array_equal(found, events[name])
            assert again[name].attrs["long_name"] == column.meaning


def test_netcdf_passes_the_compliance_checker(tmp_path):
    checker = find_program("compliance-checker")
    events = table()
    events.loc[1, "L_min"] = np.nan
    path = netcdf(events, tmp_path / "events.nc")
    done = start_program(checker, "--test=cf:1.11", path)
    assert "All tests passed!" in done.stdout
    with netcdf_file(path, mmap=False) as file:
        filled = {name for name, v in file.variables.items() if hasattr(v, "_FillValue")}
        assert filled == {"L_min"}
        assert np.isfinite(file.variables["L_min"][:]).all()


def test_netcdf_without_events_is_refused(tmp_path):
    with pytest.raises(EventListError, match="there are no events, and NetCDF has no table without rows"):
        export_events(read_events(Run(tmp_path), []), "nc")


def test_unknown_formats_are_refused():
    with pytest.raises(ValueError, match="'xls' is none of the formats csv, parquet, json, xlsx, nc"):
        export_events(table(), "xls")
