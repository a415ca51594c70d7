"""The event table as the Heliophysics Application Programmer's Interface has it: header in JSON, rows in CSV.

HAPI 3.1: the answer to `info`, and records without a header line whose first column is time. A server of such
files needs nothing else.
"""

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd

from reprocess.schema import Variable

FILL = "NaN"
"""What stands for a missing number; HAPI's own examples use it."""

TIME = "start_time"
"""First column: what the rows are sorted by."""

_TIME_LENGTH = len("2019-10-24T10:00:48.123Z")
_NUMBERS = {"int32": "integer", "float32": "double", "float64": "double"}


def hapi_csv(text: pd.DataFrame) -> bytes:
    """Return the rows: times in ISO 8601, all else as in the CSV of the catalogue, missing numbers as NaN."""
    columns = [TIME, *(name for name in text.columns if name != TIME)]
    return text[columns].to_csv(index=False, header=False, lineterminator="\n", na_rep=FILL).encode()


def hapi_header(text: pd.DataFrame, columns: Mapping[str, Variable], description: str) -> bytes:
    """Return the header of `hapi_csv`, with no key that HAPI does not know.

    Parameters
    ----------
    text : DataFrame
        The table with its times as text, sorted by `TIME`, with one row at least.
    columns : mapping of str to Variable
        Their declarations.
    description : str
        What the table is.
    """
    names = [TIME, *(name for name in text.columns if name != TIME)]
    header = {
        "HAPI": "3.1",
        "status": {"code": 1200, "message": "OK"},
        "startDate": str(text[TIME].iloc[0]),
        # The end is exclusive: the millisecond after the last start.
        "stopDate": _after(str(text[TIME].iloc[-1])),
        "format": "csv",
        "timeStampLocation": "begin",
        "description": description,
        "parameters": [_parameter(columns[name], text[name]) for name in names],
    }
    return (json.dumps(header, indent=1) + "\n").encode()


def _after(time: str) -> str:
    moment = np.datetime64(time.removesuffix("Z"), "ms") + np.timedelta64(1, "ms")
    return f"{moment}Z"


def _parameter(column: Variable, values: pd.Series) -> dict[str, object]:
    found: dict[str, object] = {"name": column.name, "description": column.meaning}
    if column.dtype == "time":
        return found | {"type": "isotime", "units": "UTC", "length": _TIME_LENGTH, "fill": None}
    if column.dtype == "str":
        length = max(int(values.str.len().max()), 1)
        return found | {"type": "string", "units": None, "length": length, "fill": None}
    units = None if column.units == "1" else column.units
    fill = FILL if _NUMBERS[column.dtype] == "double" else None
    return found | {"type": _NUMBERS[column.dtype], "units": units or "dimensionless", "fill": fill}
