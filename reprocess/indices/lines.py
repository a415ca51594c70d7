"""Lines of numbers as indices are published in: of fixed width, or with spaces between words."""

import io
from collections.abc import Iterable

import numpy as np
import pandas as pd

from reprocess.errors import IndexFileError
from reprocess.indices.series import MS_PER_HOUR, Samples
from reprocess.schema import MS_PER_DAY

MS_PER_MINUTE = 60_000

THIRDED = ("kp", "hp30", "hp60")
"""Indices whose values are thirds."""


def thirds(values: np.ndarray) -> np.ndarray:
    """Return Kp and its kin as exact thirds, however they are rounded: 1.667, 1.67 and 1.7 are 5/3."""
    return np.round(np.asarray(values, float) * 3) / 3


def nearest_thirds(edges: np.ndarray, fewest: int = 1) -> np.ndarray:
    """Return edges of bins of Kp and its kin; those that are thirds rounded to some decimals, as thirds.

    By default 1.7 is 5/3 as in the files, so that a Kp that a file has as 1.7 is not below it; 1.5 and 4.01
    stay. `fewest` is the least number of decimals.
    """
    exact = thirds(edges)
    rounded = [np.abs(np.round(exact, decimals) - edges) < 1e-9 for decimals in range(fewest, 8)]
    return np.where(np.any(rounded, axis=0), exact, edges)


def data_lines(text: str) -> list[tuple[int, str]]:
    """Return numbered lines that are neither empty nor comments."""
    lines = enumerate(text.splitlines(), 1)
    return [(number, line) for number, line in lines if line.strip() and line.lstrip()[0] not in "#:"]


def first_line(text: str) -> str:
    """Return the first line that is neither empty nor a comment, nothing if there is none."""
    return next((line for _, line in data_lines(text[:20_000])), "")


def day_starts(dates: Iterable[tuple[int, str]]) -> np.ndarray:
    """Return the beginning of days written as YYYY-MM-DD, ms since 1970, each with the number of its line."""
    starts = []
    for number, date in dates:
        try:
            starts.append(np.datetime64(date, "ms").astype(np.int64))
        except ValueError as e:
            raise IndexFileError(f"line {number}: {date} is no date") from e
    return np.array(starts, np.int64)


def daily_slots(days: np.ndarray, values: np.ndarray) -> Samples:
    """Return samples of days of equal slots; values have shape (days, slots)."""
    step = MS_PER_DAY // values.shape[1]
    start = days[:, np.newaxis] + step * np.arange(values.shape[1])
    return Samples(start.ravel(), values.ravel().astype(float), step)


def fixed_fields(number: int, line: str, first: int, width: int, count: int) -> list[float]:
    """Return numbers of fixed width, which run together; NaN for a blank one."""
    texts = [line[first + k * width : first + (k + 1) * width].strip() for k in range(count)]
    try:
        return [float(text) if text else np.nan for text in texts]
    except ValueError as e:
        raise IndexFileError(
            f"line {number} has no numbers of {width} characters where they belong: {e}"
        ) from e


def require_width(lines: list[tuple[int, str]], width: int) -> None:
    """Make sure that every line has so many characters; raises IndexFileError."""
    if short := [(number, line) for number, line in lines if len(line.rstrip("\r\n")) < width]:
        number, line = short[0]
        raise IndexFileError(f"line {number} has {len(line)} characters, not {width}: the file is truncated")


def without(values: np.ndarray, none: np.ndarray) -> np.ndarray:
    """Return values with NaN where there are none."""
    return np.where(none, np.nan, values)


def full_year(number: int, year: str, first: int) -> str:
    """Return a year of two digits in full; the index began in 19`first`."""
    digits = year.replace(" ", "0")
    if not digits.isdigit():
        raise IndexFileError(f"line {number}: {year!r} is no year of two digits")
    return f"{'19' if int(digits) >= first else '20'}{digits}"


def words(text: str, count: int, columns: list[int]) -> dict[int, np.ndarray]:
    """Return columns of numbers with spaces between them; every line must have so many words.

    Raises
    ------
    IndexFileError
        If a line has more or fewer words, or one is no number.
    """
    lines = io.StringIO("\n".join(line for _, line in data_lines(text)))
    try:
        table = pd.read_csv(
            lines, sep=r"\s+", header=None, names=range(count), usecols=columns, dtype=float, index_col=False
        )
    except ValueError as e:  # pandas' ParserError is one
        raise IndexFileError(f"a line does not have {count} numbers ({e})") from e
    last = table[max(columns)].isna().to_numpy()
    if last.any():
        number, line = data_lines(text)[int(last.argmax())]
        raise IndexFileError(
            f"line {number} has {len(line.split())} words, not {count}: the file is truncated "
            "or of another kind"
        )
    return {k: table[k].to_numpy() for k in columns}


def date_starts(table: dict[int, np.ndarray]) -> np.ndarray:
    """Return the beginning of the days in columns 0-2 (year, month, day), ms since 1970."""
    parts = {"year": table[0], "month": table[1], "day": table[2]}
    try:
        days = pd.to_datetime(pd.DataFrame(parts).astype(int))
    except ValueError as e:
        raise IndexFileError(f"the first three words of a line are no date: {e}") from e
    return days.to_numpy("datetime64[ms]").astype(np.int64)


def in_ms(hours: np.ndarray) -> np.ndarray:
    """Return hours in ms, int64."""
    return np.round(hours * MS_PER_HOUR).astype(np.int64)


def year_day_starts(table: dict[int, np.ndarray]) -> np.ndarray:
    """Return the beginning of the days in columns 0 and 1 (year, day of the year), ms since 1970."""
    year, day = (table[k].astype(int) for k in (0, 1))
    if ((year < 1900) | (year > 2200) | (day < 1) | (day > 366)).any():
        raise IndexFileError("the first two words of a line are no year and day of the year")
    return (year - 1970).astype("datetime64[Y]").astype("datetime64[ms]").astype(np.int64) + (
        day - 1
    ) * MS_PER_DAY
