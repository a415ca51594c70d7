"""What the name of a file or folder in an archive says of satellite-days."""

import datetime as dt
import re
from dataclasses import dataclass

from reprocess import schema

_NAME = re.compile(r"poes_([a-z]\d\d)_(\d{8})_proc\.nc", re.IGNORECASE | re.ASCII)
_DAY = re.compile(r"poes_([a-z]\d\d)_(\d{8})_proc", re.IGNORECASE | re.ASCII)
_PACKED = re.compile(r"\.(?:gz|z|bz2|xz|zst|lz4?|lzma|br|zip|7z|rar|tar|tgz|tbz2?|txz)$", re.IGNORECASE)
_PARTIAL = re.compile(r"~$|\.(?:part(?:ial)?|filepart|te?mp|(?:cr)?download|incomplete)$", re.IGNORECASE)
_BUNDLE = re.compile(r"poes|metop|noaa|sem|proc|(?<!\d)(?:19|20)\d\d(?!\d)", re.IGNORECASE)
_BY_ABBR = {s.abbr: s.directory for s in schema.SATELLITES.values()}
_SET_ASIDE = frozenset({"lost+found", "~snapshot", "@eaDir", "#recycle", "$RECYCLE.BIN", "__MACOSX"})


@dataclass(frozen=True)
class Named:
    """What a file's name says."""

    satellite: str = ""
    day: int = -1
    """The satellite-day that it tells; empty and -1 if it tells none that is known."""
    reason: str = ""
    """Why such a file is left out, one of `schema.LEFT_OUT`; empty if it is not, or of no concern."""

    @property
    def is_day(self) -> bool:
        """Whether it is the name of a satellite-day to read."""
        return self.day >= 0 and not self.reason


def read_name(name: str) -> Named:
    """Tell what a file is by its name.

    Capital letters are as good as NOAA's small ones: names change on their way over some file systems.
    """
    told = _DAY.search(name)
    if told is None:
        packed = _PACKED.search(name) is not None and _BUNDLE.search(name) is not None
        other = name.lower().endswith((".nc", ".nc4", ".cdf"))
        return Named(reason="compressed" if packed else "other_file" if other else "")
    satellite, day = _BY_ABBR.get(told[1].lower(), ""), _day(told[2])
    if not satellite or day < 0:
        return Named(reason="unknown_day")
    if _NAME.fullmatch(name):
        return Named(satellite, day)
    if _PARTIAL.search(name) or name.startswith("."):
        return Named(satellite, day, "partial")
    return Named(satellite, day, "compressed" if _PACKED.search(name) else "other_name")


def _day(digits: str) -> int:
    """Return the position of YYYYMMDD on the `day` axis, -1 if there is no such day on it."""
    try:
        return schema.day_index(dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:])))
    except ValueError:
        return -1


def is_set_aside(folder: str) -> bool:
    """Tell whether a folder's name is that of what systems keep aside: hidden folders, snapshots, bins.

    Snapshots hold the same days once more.
    """
    return folder.startswith(".") or folder in _SET_ASIDE
