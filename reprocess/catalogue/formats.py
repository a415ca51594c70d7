"""The event table in the formats that leave the project."""

import datetime as dt
import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reprocess.errors import EventListError
from reprocess.schema import EVENT_COLUMNS, EVENT_FORMATS, FILL, PRODUCT, Variable

TEXT = frozenset({"csv", "json"})
"""Formats that a terminal can show."""

EXCEL_ROWS = 2**20 - 1
"""What a sheet holds below its header."""

_NETCDF = {
    "title": "Events of relativistic electron precipitation",
    "summary": (
        "Events of relativistic electron precipitation that POES and MetOp satellites observed, driven by "
        "waves (REP) or by current sheet scattering (CSS) as a neural network tells them apart: times, "
        "position, extent, fluxes and quality of each."
    ),
    "history": "written by reprocess events",
    "processing_level": "Level 2",
    "cdm_data_type": "Point",
    "featureType": "point",
}
_POSITION = {"peak_time": "time", "latitude": "latitude", "longitude": "longitude"}
"""Where an event is, as CF has it for points."""

_TIMES = [name for name, column in EVENT_COLUMNS.items() if column.dtype == "time"]


def export_events(table: pd.DataFrame, kind: str, told: Mapping[str, str] | None = None) -> bytes:
    """Return the event table as a file's content.

    Parameters
    ----------
    table : pandas.DataFrame
        What `parts.read_events` returns.
    kind : str
        ``csv`` and ``json`` (a list of objects) give times as ISO 8601 UTC with milliseconds and
        missing values empty or null; ``parquet`` keeps the types; ``xlsx`` has times without a zone
        (UTC), which Excel asks for, and a second sheet that explains the columns; ``nc`` is CF NetCDF
        with the dimension event.
    told : mapping of str to str, optional
        What a file that can say something of itself says of the rows, such as what they were chosen by.

    Raises
    ------
    ValueError
        If there is no such format.
    EventListError
        If there are more events than a sheet has rows, or none for NetCDF.
    """
    if kind not in EVENT_FORMATS:
        raise ValueError(f"{kind!r} is none of the formats {', '.join(EVENT_FORMATS)}")
    if kind == "nc":
        return _netcdf(table, told or {})
    if kind == "parquet":
        return _parquet(table, told or {})
    return {"csv": as_csv, "json": _json, "xlsx": _xlsx}[kind](table)


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its times in ISO 8601."""
    text = table.copy()
    for name in _TIMES:
        text[name] = table[name].dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str.slice(0, 23) + "Z"
    return text


def as_csv(table: pd.DataFrame) -> bytes:
    """Return a table as CSV."""
    return as_text(table).to_csv(index=False, lineterminator="\n").encode()


def _json(table: pd.DataFrame) -> bytes:
    rows = [{name: _plain(v) for name, v in row.items()} for row in as_text(table).to_dict("records")]
    return (json.dumps(rows, indent=1) + "\n").encode()


def _parquet(table: pd.DataFrame, told: Mapping[str, str]) -> bytes:
    buffer, noted = io.BytesIO(), table.copy()
    noted.attrs.update(told)  # in the file's metadata, where pandas finds them again
    noted.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _xlsx(table: pd.DataFrame) -> bytes:
    if len(table) > EXCEL_ROWS:
        raise EventListError(
            f"{len(table)} events are more than the {EXCEL_ROWS} rows of an Excel sheet; "
            "use csv or parquet, or one run or satellite at a time"
        )
    plain = table.assign(**{name: table[name].dt.tz_convert(None) for name in _TIMES})
    columns = [(c.name, c.dtype, c.units, c.meaning, c.source) for c in EVENT_COLUMNS.values()]
    buffer = io.BytesIO()
    options = {"options": {"in_memory": True}}
    with pd.ExcelWriter(
        buffer, engine="xlsxwriter", datetime_format="yyyy-mm-dd hh:mm:ss.000", engine_kwargs=options
    ) as writer:
        writer.book.set_properties({"created": dt.datetime(2000, 1, 1)})  # equal tables, equal bytes
        plain.to_excel(writer, sheet_name="events", index=False, freeze_panes=(1, 0))
        words = pd.DataFrame(columns, columns=["column", "dtype", "unit", "meaning", "source"])
        words.to_excel(writer, sheet_name="columns", index=False)
    return buffer.getvalue()


def _netcdf(table: pd.DataFrame, told: Mapping[str, str]) -> bytes:
    if table.empty:
        raise EventListError("there are no events, and NetCDF has no table without rows; use csv or parquet")
    return as_netcdf(table, EVENT_COLUMNS, {**PRODUCT, **_NETCDF, **told})


def as_netcdf(table: pd.DataFrame, columns: Mapping[str, Variable], attributes: Mapping[str, Any]) -> bytes:
    """Return a table of events, one at least, as CF NetCDF with the dimension event.

    Parameters
    ----------
    table : DataFrame
    columns : mapping of str to Variable
        Declarations of its columns, which are those of events at least.
    attributes : mapping
        What the file says of itself.
    """
    variables = {name: _variable(column, table[name]) for name, column in columns.items()}
    dataset = xr.Dataset(variables, attrs=attributes).set_coords(list(_POSITION))
    # The classic format, because HDF5 stamps the time of writing into every file.
    return bytes(dataset.to_netcdf(engine="scipy", format="NETCDF3_64BIT"))


def _variable(column: Variable, values: pd.Series) -> xr.Variable:
    """Return a column with its attributes; times as milliseconds in double precision, which holds them."""
    attrs = column.attrs
    if column.name in _POSITION:
        attrs["standard_name"] = _POSITION[column.name]
    fill = None
    if column.dtype == "str":
        data = np.array(values.tolist(), "U")
    elif column.dtype == "time":
        data = values.to_numpy("datetime64[ms]").astype(np.int64).astype(np.float64)
        attrs |= {"calendar": "proleptic_gregorian", "units_metadata": "leap_seconds: none"}
    else:
        data = values.to_numpy(column.dtype)
        if data.dtype.kind == "f" and np.isnan(data).any():
            fill = data.dtype.type(FILL)
    return xr.Variable(("event",), data, attrs, {"_FillValue": fill})


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, with as many digits as it takes."""
    if isinstance(value, float) and np.isnan(value):
        return None
    return value
