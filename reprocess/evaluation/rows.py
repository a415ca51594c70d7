"""Rows of event lists as people have them: whichever columns, header or none, ISO times or a slash.

`train`, `evaluate` and `match` read lists through this module. It says of each row where it stands, and
changes no value but times; what a row must have is for whoever asks.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from reprocess.errors import EventListError

NAMES = ("satellite", "start_time", "stop_time", "event_class", "L", "MLT", "latitude", "longitude")
"""What can be taken from a list, by the names that `--column` has for it."""

_ALIASES = {
    "start": "start_time", "time": "start_time", "stop": "stop_time", "class": "event_class",
    "lat": "latitude", "lon": "longitude",
}  # fmt: skip
_OTHERS = (".json", ".xlsx", ".nc")
"""Suffixes of event tables that are no lists."""

_SLASH = r"^\s*(\d{4}-\d{2}-\d{2})/(?=\d)"
"""The date of a time written as 2015-03-01/10:00:00.000."""

NO_TIME_OF_DAY = r"^\s*\d{4}-?\d{2}-?\d{2}\s*$"
"""A date alone: midnight is not meant."""

FILL = -1e30
"""What is at most this stands for no value, as -1e31 does in many files."""


@dataclass(frozen=True)
class Form:
    """How a list is written."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Name of a column, or its number from 1, by what it is (`NAMES`); others by their own names."""
    header: bool = True
    """Whether the first line names the columns."""
    event_class: str | None = None
    """Class of all rows, for a list that does not tell it."""


def read_rows(path: Path, form: Form) -> pd.DataFrame:
    """Return the rows of a list, with the columns of the form renamed.

    Parameters
    ----------
    path : Path
        Parquet where the name ends in ``.parquet``; else text whose fields are divided by the comma, tab or
        semicolon of its first line, or by spaces.
    form : Form

    Returns
    -------
    pandas.DataFrame
        All columns of the file. `start_time` and `stop_time` are UTC, datetime64[ms] without a zone, NaT
        where there is no time; `line` is the number of the line in the file (the row, in Parquet), and
        `dated` whether the start is a date without a time of day.

    Raises
    ------
    EventListError
        If the file cannot be read, or has no column that the form names.
    """
    if path.suffix.lower() in _OTHERS:
        raise EventListError(
            f"{path} is neither CSV nor Parquet; reprocess events WORK -o FILE.csv writes one that is"
        )
    try:
        table, lines = _table(path, form.header)
    except (OSError, ValueError) as e:
        raise EventListError(f"{path} cannot be read as an event list: {e}") from e
    table = _named(path, table, form)
    table["line"] = lines
    if form.event_class is not None:
        table["event_class"] = form.event_class
    table["dated"] = False
    for name in ("start_time", "stop_time"):
        if name in table:
            text = _text(table[name])
            if text is not None:
                table["dated"] |= text.str.fullmatch(NO_TIME_OF_DAY).fillna(value=False).astype(bool)
            table[name] = _times(table[name] if text is None else text)
    return table


def _table(path: Path, header: bool) -> tuple[pd.DataFrame, np.ndarray]:
    if path.suffix.lower() == ".parquet":
        with path.open("rb") as file:  # pyarrow takes no path that is not UTF-8
            table = pd.read_parquet(file)
        return table, np.arange(1, len(table) + 1)
    lines = path.read_bytes().decode("utf-8-sig").splitlines()
    filled = np.array([k for k, line in enumerate(lines, 1) if line.strip()], np.int64)
    first = lines[filled[0] - 1] if filled.size else ""
    separator = next((c for c in (",", "\t", ";") if c in first), r"\s+")
    with path.open("rb") as file:
        table = pd.read_csv(
            file, sep=separator, header=0 if header else None, encoding="utf-8-sig", skipinitialspace=True
        )
    numbers = filled[1:] if header else filled
    return table, numbers if numbers.size == len(table) else np.arange(1, len(table) + 1) + header


def _named(path: Path, table: pd.DataFrame, form: Form) -> pd.DataFrame:
    """Return the table with its columns called what they are."""
    here = {str(column): column for column in table.columns}
    if not form.header:
        here = {}
    here |= {
        str(k): column for k, column in enumerate(table.columns, 1) if not form.header or str(k) not in here
    }
    missing = {name: column for name, column in form.columns.items() if column not in here}
    if missing:
        words = ", ".join(f"{name}={column}" for name, column in missing.items())
        raise EventListError(f"{path} has no column for {words}; it has {_columns(table, form.header)}")
    chosen = {here[column]: name for name, column in form.columns.items()}
    names = set(chosen.values())
    for old, new in _ALIASES.items():
        if form.header and old in table and new not in table and new not in names:
            chosen.setdefault(old, new)
            names.add(new)
    replaced = [c for c in table.columns if c in names and c not in chosen]
    return table.drop(columns=replaced).rename(columns=chosen)


def _columns(table: pd.DataFrame, header: bool) -> str:
    return (
        ", ".join(map(str, table.columns)) if header else f"{table.shape[1]} columns, 1 to {table.shape[1]}"
    )


def _text(values: pd.Series) -> "pd.Series[str] | None":
    """Return times as text; None if they are times already. Numbers are text: 20150301 is a date."""
    return None if pd.api.types.is_datetime64_any_dtype(values) else values.astype(str)


def _times(values: pd.Series) -> pd.Series:
    if not pd.api.types.is_datetime64_any_dtype(values):
        values = values.str.replace(re.compile(_SLASH), r"\1T", regex=True)
    times = pd.to_datetime(values, utc=True, errors="coerce", format="ISO8601")
    return times.dt.tz_localize(None).astype("datetime64[ms]")


def numbers(values: pd.Series) -> np.ndarray:
    """Return a column as float64; NaN for what is no number, infinite or a fill."""
    found = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isfinite(found) & (found > FILL), found, np.nan)
