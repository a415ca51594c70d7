"""Formats that geomagnetic indices are published in: one small function each.

A reader gets the text of a file and the name of an index, and returns when each value begins to hold. What is
true of the formats was read from files and from their publishers' descriptions; the traps are named beside
the code that minds them.
"""

import json
import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from reprocess.errors import IndexFileError
from reprocess.indices.lines import (
    MS_PER_MINUTE,
    daily_slots,
    data_lines,
    date_starts,
    day_starts,
    first_line,
    fixed_fields,
    full_year,
    in_ms,
    require_width,
    thirds,
    without,
    words,
    year_day_starts,
)
from reprocess.indices.series import MS_PER_HOUR, Samples
from reprocess.indices.tables import common_step, parse_times, read_supermag


class Format(NamedTuple):
    """How files of one kind are told and read."""

    title: str
    names: tuple[str, ...]
    """Indices that such a file may have."""
    tell: Callable[[str], bool]
    """Tells from the text whether it is of this format."""
    read: Callable[[str, str], Samples]
    """Reads an index from the text; raises IndexFileError."""


# --- GFZ Potsdam: Kp, ap, Hp30, Hp60 -------------------------------------------------------------


def read_kp_wdc(text: str, name: str) -> Samples:
    """Read GFZ's old Kp format: 62 characters a day, fields run together, thirds are tenths (2o is 20)."""
    lines = data_lines(text)
    require_width(lines, 62)
    days = day_starts(
        (n, f"{full_year(n, s[:2], 32)}-{s[2:4].replace(' ', '0')}-{s[4:6].replace(' ', '0')}")
        for n, s in lines
    )
    first, width = (12, 2) if name == "kp" else (31, 3)
    values = np.array([fixed_fields(n, line, first, width, 8) for n, line in lines])
    return daily_slots(days, thirds(values / 10) if name == "kp" else values)


def read_gfz(text: str, name: str) -> Samples:
    """Read GFZ's files of one interval a line (Kp, Hp30, Hp60): its start and its middle are both given."""
    table = words(text, 10, [0, 1, 2, 3, 4, 7, 8])
    step = round(2 * float(table[4][0] - table[3][0]) * MS_PER_HOUR)
    column = 8 if name.startswith("ap") else 7
    values = without(table[column], table[column] < 0)
    samples = Samples(date_starts(table) + in_ms(table[3]), thirds(values) if column == 7 else values, step)
    if name not in _GFZ_STEPS[step // MS_PER_MINUTE]:
        raise IndexFileError(f"values stand for {step / MS_PER_HOUR:g} h, so this is not {name}")
    return samples


_GFZ_STEPS = {180: ("kp", "ap"), 60: ("hp60", "ap60"), 30: ("hp30", "ap30")}
"""Indices of GFZ by minutes."""


def read_gfz_daily(text: str, name: str) -> Samples:
    """Read GFZ's files of one day a line; `days` is the start of the day, `days_m` its middle."""
    first, count = {"kp": (7, 8), "ap": (15, 8), "ap_daily": (23, 1), "f107": (25, 1)}[name]
    table = words(text, 28, [0, 1, 2, *range(first, first + count), 27])
    values = np.stack([table[k] for k in range(first, first + count)], axis=1)
    values = without(values, values < 0)
    return daily_slots(date_starts(table), thirds(values) if name == "kp" else values)


def read_gfz_json(text: str, name: str) -> Samples:
    """Read what GFZ's service answers; times are starts, and the end that was asked for has a value too."""
    try:
        found = json.loads(text)
        columns = {key.lower(): value for key, value in found.items()}
        times, values = columns["datetime"], np.array(columns[name], float)
    except (ValueError, KeyError, AttributeError, TypeError) as e:
        raise IndexFileError(f"this JSON has no times and values of {name} ({type(e).__name__}: {e})") from e
    start = parse_times(pd.Series(times, dtype=str))
    if start.size != values.size:
        raise IndexFileError(f"{start.size} times stand beside {values.size} values: the file is truncated")
    minutes = next(m for m, names in _GFZ_STEPS.items() if name in names)
    values = without(values, values < 0)
    return Samples(start, values if name.startswith("ap") else thirds(values), minutes * MS_PER_MINUTE)


def read_swpc(text: str, name: str) -> Samples:
    """Read SWPC's daily indices: fixed width, as -1 and -1.00 run together; planetary Kp has two decimals."""
    lines = [(n, line) for n, line in data_lines(text) if re.match(r"\d{4} \d\d \d\d", line)]
    require_width(lines, 63 + 48)
    days = day_starts((n, line[:10].replace(" ", "-")) for n, line in lines)
    first, width = {"kp": (63, 6), "k_fredericksburg": (17, 2), "k_college": (40, 2)}[name]
    values = np.array([fixed_fields(n, line, first, width, 8) for n, line in lines]).reshape(-1, 8)
    return daily_slots(days, thirds(without(values, values < 0)))


# --- WDC for Geomagnetism, Kyoto: Dst and AE ------------------------------------------------------


def read_wdc_hourly(text: str, name: str) -> Samples:
    """Read hourly Dst or AE of Kyoto: 120 characters a day, value 1 is 00-01 UT.

    The century (15-16) is blank in files of 2000 and later too, so a blank one goes by the two digits:
    both indices begin in 1957.
    """
    lines = [(n, line) for n, line in data_lines(text) if line[:3].strip().lower() == name]
    if not lines:
        raise IndexFileError(f"no line of this file begins with {name.upper()}")
    require_width(lines, 116)
    days = day_starts((n, f"{_kyoto_year(n, line)}-{line[5:7]}-{line[8:10]}") for n, line in lines)
    base = np.nan_to_num(np.array([fixed_fields(n, line, 16, 4, 1) for n, line in lines]))
    values = np.array([fixed_fields(n, line, 20, 4, 24) for n, line in lines])
    return daily_slots(days, without(values, values == 9999) + 100 * base)


def _kyoto_year(number: int, line: str) -> str:
    century = line[14:16].strip()
    return century + line[3:5] if century.isdigit() else full_year(number, line[3:5], 57)


def read_wdc_minute(text: str, name: str) -> Samples:
    """Read AE, AL, AO or AU of Kyoto by the minute: 400 characters an hour, 60 values of six."""
    lines = [(n, line) for n, line in data_lines(text) if line[21:24].strip().lower() == name]
    if not lines:
        raise IndexFileError(f"no line of this file is of {name.upper()}")
    require_width(lines, 394)
    dates = [(n, f"{full_year(n, s[12:14], 57)}-{s[14:16]}-{s[16:18]}T{s[19:21]}") for n, s in lines]
    values = np.array([fixed_fields(n, line, 34, 6, 60) for n, line in lines])
    start = day_starts(dates)[:, np.newaxis] + MS_PER_MINUTE * np.arange(60)
    return Samples(start.ravel(), without(values, values == 99999).ravel(), MS_PER_MINUTE)


def read_iaga(text: str, name: str) -> Samples:
    """Read IAGA-2002, which Kyoto's newer service gives: hours of Dst have the time of their middle."""
    lines = text.splitlines()
    header = next((k for k, line in enumerate(lines) if line.startswith("DATE")), None)
    columns = [] if header is None else [word.lower() for word in lines[header].split() if word != "|"]
    if header is None or name not in columns:
        raise IndexFileError(f"the line that begins with DATE names no {name.upper()}: {columns}")
    rows = [line.split() for line in lines[header + 1 :] if line.strip()]
    if short := [k for k, row in enumerate(rows) if len(row) != len(columns)]:
        raise IndexFileError(
            f"line {header + 2 + short[0]} has {len(rows[short[0]])} words, not {len(columns)}: "
            "the file is truncated"
        )
    start = parse_times(pd.Series([f"{row[0]}T{row[1]}" for row in rows]))
    step = common_step(start)
    values = np.array([float(row[columns.index(name)]) for row in rows])
    return Samples(start - start % step, without(values, np.abs(values) >= 88888), step)


# --- NASA's OMNI ----------------------------------------------------------------------------------

# Position from 0, and the fill: as many nines as the field is wide.
_OMNI2 = {
    "kp": (38, 99),
    "dst": (40, 99999),
    "ae": (41, 9999),
    "ap": (49, 999),
    "f107": (50, 999.9),
    "al": (52, 99999),
    "au": (53, 99999),
}
_HRO = {"ae": 37, "al": 38, "au": 39, "sym_d": 40, "sym_h": 41, "asy_d": 42, "asy_h": 43}


def read_omni2(text: str, name: str) -> Samples:
    """Read OMNI2 by the hour: 55 words, Kp in tenths that are thirds, fills that differ by width."""
    column, fill = _OMNI2[name]
    table = words(text, 55, [0, 1, 2, column, 54])
    values = without(table[column], np.abs(table[column] - fill) < 1e-6)
    start = year_day_starts(table) + in_ms(table[2])
    return Samples(start, thirds(values / 10) if name == "kp" else values, MS_PER_HOUR)


def read_hro(text: str, name: str) -> Samples:
    """Read OMNI by 1 or 5 minutes, 46 or 49 words: the time is the start of the average."""
    count = len(first_line(text).split())
    table = words(text, count, [0, 1, 2, 3, _HRO[name], count - 1])
    values = without(table[_HRO[name]], table[_HRO[name]] >= 99999)
    start = year_day_starts(table) + in_ms(table[2]) + (table[3] * MS_PER_MINUTE).astype(np.int64)
    return Samples(start, values, MS_PER_MINUTE if count == 46 else 5 * MS_PER_MINUTE)


def _count(words: int) -> Callable[[str], bool]:
    return lambda text: len(first_line(text).split()) == words


FORMATS = (
    Format(
        "GFZ, JSON",
        ("kp", "ap", "hp30", "ap30", "hp60", "ap60"),
        lambda t: t.lstrip().startswith("{"),
        read_gfz_json,
    ),
    Format(
        "SWPC daily geomagnetic indices",
        ("kp", "k_fredericksburg", "k_college"),
        lambda t: "Daily Geomagnetic Data" in t[:2000],
        read_swpc,
    ),
    Format(
        "IAGA-2002",
        ("dst", "ae", "al", "au", "ao", "sym_h", "asy_h"),
        lambda t: "IAGA-2002" in t[:200],
        read_iaga,
    ),
    Format(
        "Kyoto, minutes",
        ("ae", "al", "au", "ao"),
        lambda t: first_line(t).startswith("AEALAOAU"),
        read_wdc_minute,
    ),
    Format(
        "Kyoto, hours",
        ("dst", "ae", "al", "au", "ao"),
        lambda t: re.match(r"(DST|A[ELUO] )\d\d[ \d]\d\*", first_line(t)) is not None,
        read_wdc_hourly,
    ),
    Format("OMNI2, hours", tuple(_OMNI2), _count(55), read_omni2),
    Format("OMNI, 1 minute", tuple(_HRO), _count(46), read_hro),
    Format("OMNI, 5 minutes", tuple(_HRO), _count(49), read_hro),
    Format(
        "GFZ, lines of intervals",
        tuple(name for names in _GFZ_STEPS.values() for name in names),
        _count(10),
        read_gfz,
    ),
    Format("GFZ, lines of days", ("kp", "ap", "ap_daily", "f107"), _count(28), read_gfz_daily),
    Format(
        "GFZ, wdc",
        ("kp", "ap"),
        lambda t: re.match(r"[ \d]{6}\d{4}[ \d]{2}", first_line(t)) is not None,
        read_kp_wdc,
    ),
    Format(
        "SuperMAG",
        ("sml", "smu", "sme", "smr"),
        lambda t: first_line(t).startswith("Date_UTC"),
        read_supermag,
    ),
)
"""Formats in the order that they are tried in; whatever is none of them is a plain table."""

INDICES = frozenset(name for one in FORMATS for name in one.names)
"""Indices that are published in one of the formats."""
