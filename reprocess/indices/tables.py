"""Tables with commas: a column of times and one of values."""

import io

import numpy as np
import pandas as pd

from reprocess.errors import IndexFileError
from reprocess.indices.lines import THIRDED, thirds, without
from reprocess.indices.series import Samples


def read_supermag(text: str, name: str) -> Samples:
    """Read SuperMAG's CSV: minutes by their start, 999999 for none, columns as the user chose them."""
    return read_csv(text, name, {"time": "Date_UTC", "at": "start", "fill": "999999"})


def read_csv(text: str, name: str, options: dict[str, str]) -> Samples:
    """Read any table with a time and a value.

    Parameters
    ----------
    text : str
        Comma-separated, with a line of names.
    name : str
        Name of the index, and of its column unless an option names that.
    options : dict of str to str
        ``time`` and ``value``: columns; ``at``: which part of its interval a time is, ``start``, ``middle``
        or ``end``, which only the user knows; ``fill``: a number that stands for no value.

    Raises
    ------
    IndexFileError
        If something of it is missing or no number or time.
    """
    if options.get("at") not in {"start", "middle", "end"}:
        raise IndexFileError(
            "a plain table does not tell which part of its interval a time is; say so: "
            "--index-option at=start, at=middle or at=end"
        )
    table = _table(text)
    time = _column(table, options.get("time", str(table.columns[0])))
    column = _column(table, options.get("value", name))
    start = parse_times(table[time])
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(float)
    told = table[column].astype(str).str.strip().str.lower()
    if (words := np.isnan(values) & ~told.isin(["", "nan", "none", "null"]).to_numpy()).any():
        raise IndexFileError(
            f"{told[words].iloc[0]!r} in column {column} is no number ({int(words.sum())} such)"
        )
    if "fill" in options:
        values = without(values, values == _number(options["fill"]))
    if (endless := np.isinf(values)).any():
        raise IndexFileError(
            f"{told[endless].iloc[0]!r} in column {column} is no value ({int(endless.sum())} such); leave "
            "such lines out"
        )
    step = common_step(start)
    start = start - {"start": 0, "middle": step // 2, "end": step}[options["at"]]
    return Samples(start, thirds(values) if name in THIRDED else values, step)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as e:
        raise IndexFileError(f"fill={text} is no number; give the number that stands for no value") from e


def _table(text: str) -> pd.DataFrame:
    try:
        return pd.read_csv(io.StringIO(text), dtype=str, skipinitialspace=True, keep_default_na=False)
    except (ValueError, pd.errors.ParserError) as e:
        raise IndexFileError(f"this is no comma-separated table ({' '.join(str(e).split())})") from e


def _column(table: pd.DataFrame, name: str) -> str:
    found = [column for column in table.columns if str(column).strip().lower() == name.lower()]
    if not found:
        there = ", ".join(map(str, table.columns[:20]))
        raise IndexFileError(
            f"there is no column {name!r}, only {there}; name it with --index-option value=COLUMN "
            "and time=COLUMN"
        )
    return str(found[0])


def parse_times(texts: "pd.Series[str]") -> np.ndarray:
    """Return times as ms since 1970; those without a zone are UTC."""
    try:
        times = pd.to_datetime(texts, utc=True, format="ISO8601")
    except (ValueError, TypeError) as e:
        why = " ".join(str(e).partition(". You might")[0].split())  # what pandas advises is for programs
        raise IndexFileError(f"a time is not YYYY-MM-DDThh:mm:ss: {why}") from e
    if (lacking := np.flatnonzero(times.isna())).size:
        raise IndexFileError(f"row {lacking[0] + 1} has no time ({lacking.size} such); leave such rows out")
    return times.to_numpy("datetime64[ms]").astype(np.int64)


def common_step(start: np.ndarray) -> int:
    """Return the most common step between times, the time that a value stands for."""
    steps, counts = np.unique(np.diff(start), return_counts=True)
    if (steps < 0).any() and not (steps > 0).any():
        raise IndexFileError("times go backwards from line to line; sort the lines by time")
    if not (steps > 0).any():
        raise IndexFileError(
            f"{start.size} times do not tell what time a value stands for; two at least are needed"
        )
    return int(steps[steps > 0][counts[steps > 0].argmax()])
