"""The tables of satellite-days ever asked for, of those that vanished, and of what archives hold besides."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from reprocess.errors import LedgerError
from reprocess.files import Remembered, from_utf8, locked, to_utf8, write_atomic
from reprocess.schema import DAYS, SATELLITES
from reprocess.schema.granules import Granule, LeftOut, Listing
from reprocess.work.paths import Run, Work

_FIELDS = ("satellite", "day", "url", "size", "version")
_LEFT_OUT = ("url", "reason", "satellite", "day")


_known: Remembered[list[Granule]] = Remembered()


def read_asked(path: Path) -> list[Granule]:
    """Return the satellite-days in a table, none if there is no such file."""
    return list(_known.get(path, lambda: _read_asked(path)) or ())


def _read_asked(path: Path) -> list[Granule]:
    with _named(path):
        return _granules_of(_bytes(path, _FIELDS))


@lru_cache(maxsize=1)
def _granules_of(data: bytes) -> list[Granule]:
    """Return the satellite-days in a table's bytes; those of a run are mostly those of WORK, too."""
    return [
        Granule(satellite, _day(day, 0), url, int(size), version)
        for satellite, day, url, size, version in _rows(data, _FIELDS)
    ]


def asked_of(work: Work, run: Run) -> list[Granule]:
    """Return the satellite-days that a run answers for: those it was asked for, with the files they have now.

    A run that was made before runs kept that answers for all that WORK was ever asked for.
    """
    asked, own = read_asked(work.asked), read_asked(run.asked)
    if not own or own == asked:
        return asked
    days = {(g.satellite, g.day) for g in own}
    return [g for g in asked if (g.satellite, g.day) in days]


def _rows(data: bytes, fields: Sequence[str]) -> list[list[str]]:
    """Return the rows of a table's bytes.

    Raises
    ------
    ValueError
        If it is not the table that was written.
    """
    text = from_utf8(data)
    first, *rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row] or [[]]
    if first != list(fields):
        raise ValueError(f"its first line is not {','.join(fields)}")
    satellite, known = fields.index("satellite"), {"", *SATELLITES}
    for number, row in enumerate(rows, 2):
        if len(row) != len(fields) or row[satellite] not in known:
            raise ValueError(f"row {number} is none of this table")
    return rows


def _day(text: str, least: int) -> int:
    """Return the position on the `day` axis that a row tells."""
    day = int(text)
    if not least <= day < DAYS:
        raise ValueError(f"day {day} is not within the calendar")
    return day


def _bytes(path: Path, fields: Sequence[str]) -> bytes:
    """Return a table's bytes; those of an empty one if there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return to_utf8(_as_csv(fields, []))


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the table that what is done here is about.

    Raises
    ------
    LedgerError
        If it is damaged.
    """
    try:
        yield
    except (ValueError, csv.Error) as e:
        raise LedgerError(
            f"{path} is damaged ({e}); put a copy from before in its place, or delete it and give the "
            "same reprocess run or ingest as before, which writes it again"
        ) from e


def merge_asked(path: Path, granules: Iterable[Granule]) -> list[Granule]:
    """Add satellite-days to the table of those asked for; a known day takes its newest source.

    Processes that do this at once do not lose each other's days.
    """
    granules = list(granules)
    if _merged(known := read_asked(path), granules) == known:
        return known
    with locked(path):
        _known.forget(path)
        planned = _merged(read_asked(path), granules)
        _write_asked(path, planned)
    return planned


def _merged(known: list[Granule], granules: list[Granule]) -> list[Granule]:
    return sorted({(g.satellite, g.day): g for g in known + granules}.values())


def note_vanished(path: Path, known: Iterable[Granule], listing: Listing) -> list[Granule]:
    """Bring the table of vanished satellite-days up to date with a new listing.

    Parameters
    ----------
    path : Path
        The table; it exists only while a day is missing from its archive.
    known : iterable of Granule
        Satellite-days ever asked for.
    listing : Listing
        The listing; days that it does not cover are left as they were.

    Returns
    -------
    list of Granule
        The days that vanished from this listing.
    """
    gone = listing.vanished(known)
    if _still_gone(path, listing, gone) == read_asked(path):
        return gone
    with locked(path):
        _known.forget(path)
        if away := _still_gone(path, listing, gone):
            _write_asked(path, away)
        else:
            path.unlink(missing_ok=True)
    return gone


def _still_gone(path: Path, listing: Listing, gone: Iterable[Granule]) -> list[Granule]:
    """Return the table of vanished days as it should be: those of this listing and of others."""
    listed = {(g.satellite, g.day) for g in listing.granules}
    others = [g for g in read_asked(path) if not listing.covers(g) and (g.satellite, g.day) not in listed]
    return sorted([*gone, *others])


def read_left_out(path: Path) -> list[LeftOut]:
    """Return what a table says of things in archives that are not read; nothing if there is no such file."""
    with _named(path):
        return [
            LeftOut(url, reason, satellite, _day(day, -1))
            for url, reason, satellite, day in _rows(_bytes(path, _LEFT_OUT), _LEFT_OUT)
        ]


def note_left_out(path: Path, listing: Listing) -> None:
    """Bring the table of what is not read up to date; it exists only while there is something.

    What a listing does not cover, of other archives or days, is left as it was.
    """
    if _left_out_now(path, listing) == read_left_out(path):
        return
    with locked(path):
        if left_out := _left_out_now(path, listing):
            _write_table(path, _LEFT_OUT, left_out)
        else:
            path.unlink(missing_ok=True)


def _left_out_now(path: Path, listing: Listing) -> list[LeftOut]:
    others = [x for x in read_left_out(path) if not listing.covers(x)]
    return sorted({*listing.left_out, *others})


def drop_satellite(path: Path, satellite: str) -> None:
    """Take a satellite's rows from a table; an empty one of asked days stays, another goes."""
    fields = _LEFT_OUT if path.name == "left_out.csv" else _FIELDS
    with _named(path):
        rows = _rows(_bytes(path, fields), fields)
    left = [row for row in rows if row[fields.index("satellite")] != satellite]
    if len(left) == len(rows):
        return
    if not left and path.name in {"vanished.csv", "left_out.csv"}:
        path.unlink()
        return
    write_atomic(path, to_utf8(_as_csv(fields, left)))


def _write_asked(path: Path, granules: Iterable[Granule]) -> None:
    _write_table(path, _FIELDS, list(granules))


def _write_table(path: Path, fields: Sequence[str], rows: Sequence[Granule] | Sequence[LeftOut]) -> None:
    write_atomic(path, to_utf8(_as_csv(fields, ([getattr(row, name) for name in fields] for row in rows))))


def _as_csv(fields: Sequence[str], rows: Iterable[list[Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(fields)
    writer.writerows(rows)
    return text.getvalue()
