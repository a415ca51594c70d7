"""The tables of satellite-days that were ever asked for, and of those that vanished from their archive."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from reprocess.files import locked, write_atomic
from reprocess.schema.granules import Granule, Listing

_FIELDS = ("satellite", "day", "url", "size", "version")


def read_asked(path: Path) -> list[Granule]:
    """Return the satellite-days in a table, none if there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            Granule(row["satellite"], int(row["day"]), row["url"], int(row["size"]), row["version"])
            for row in csv.DictReader(file)
        ]


def merge_asked(path: Path, granules: Iterable[Granule]) -> list[Granule]:
    """Add satellite-days to the table of those asked for; a known day takes its newest source.

    Processes that do this at once do not lose each other's days.
    """
    granules = list(granules)
    if _merged(known := read_asked(path), granules) == known:
        return known
    with locked(path):
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


def _write_asked(path: Path, granules: Iterable[Granule]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_FIELDS)
    writer.writerows([getattr(g, name) for name in _FIELDS] for g in granules)
    write_atomic(path, text.getvalue().encode())
