"""The event table in the formats that leave the project."""

import io
import json
from typing import Any

import numpy as np
import pandas as pd

from reprocess.schema import EVENT_COLUMNS

FORMATS = ("csv", "parquet", "json")

_TIMES = [name for name, column in EVENT_COLUMNS.items() if column.dtype == "time"]


def export_events(table: pd.DataFrame, kind: str) -> bytes:
    """Return the event table as a file's content.

    Parameters
    ----------
    table : pandas.DataFrame
        What `parts.read_events` returns.
    kind : str
        ``csv`` and ``json`` (a list of objects) give times as ISO 8601 UTC with milliseconds and
        missing values empty or null; ``parquet`` keeps the types.

    Raises
    ------
    ValueError
        If there is no such format.
    """
    if kind not in FORMATS:
        raise ValueError(f"{kind!r} is none of the formats {', '.join(FORMATS)}")
    if kind == "parquet":
        buffer = io.BytesIO()
        table.to_parquet(buffer, index=False)
        return buffer.getvalue()
    text = table.copy()
    for name in _TIMES:
        text[name] = table[name].dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str.slice(0, 23) + "Z"
    if kind == "csv":
        return text.to_csv(index=False, lineterminator="\n").encode()
    rows = [{name: _plain(value) for name, value in row.items()} for row in text.to_dict("records")]
    return (json.dumps(rows, indent=1) + "\n").encode()


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, with as many digits as it takes."""
    if isinstance(value, float) and np.isnan(value):
        return None
    return value
