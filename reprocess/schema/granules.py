"""What a satellite-day, a selection of them and a listing of an archive are."""

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reprocess.schema.calendar import BLOCK_DAYS, DAYS, EPOCH, day_date, day_text
from reprocess.schema.satellites import SATELLITES
from reprocess.schema.states import NO_DAY


class Granule(NamedTuple):
    """One NOAA file: a satellite-day at its source. Made by the ten thousand, so it is a plain tuple."""

    satellite: str
    day: int
    """Position on the `day` axis."""
    url: str
    """Where it is read from."""
    size: int
    """Bytes as listed; web servers round them to two digits."""
    version: str
    """Modification time or etag as listed; with `url` and `size` it tells a replaced file from an old one."""

    @property
    def date(self) -> dt.date:
        """Calendar date (UTC)."""
        return day_date(self.day)

    @property
    def text(self) -> str:
        """Calendar date (UTC) as YYYY-MM-DD."""
        return day_text(self.day)

    @property
    def block(self) -> int:
        """Number of the block that the day belongs to."""
        return self.day // BLOCK_DAYS

    @property
    def identity(self) -> dict[str, str | int]:
        """What must be equal for the file to count as unchanged."""
        return {"url": self.url, "size": self.size, "version": self.version}

    def is_of(self, source: Mapping[str, Any]) -> bool:
        """Tell whether a file that was read, as a receipt tells it, is this one, unchanged."""
        return bool(
            source.get("url") == self.url
            and source.get("size") == self.size
            and source.get("version") == self.version
        )


@dataclass(frozen=True)
class Selection:
    """Which satellite-days are asked for; the default is all."""

    satellites: frozenset[str] = frozenset()
    """Directory names; all if empty."""
    start: dt.date | None = None
    end: dt.date | None = None
    """First and last date, both inclusive."""

    def has(self, granule: "Granule | LeftOut") -> bool:
        """Tell whether a satellite-day is asked for."""
        return (
            (not self.satellites or granule.satellite in self.satellites)
            and (self.start is None or granule.date >= self.start)
            and (self.end is None or granule.date <= self.end)
        )

    def opens(self, folder: str) -> bool:
        """Tell whether a folder can hold what is asked for, going by NOAA's layout.

        Parameters
        ----------
        folder : str
            Its path from the archive's root, names separated by ``/``. A name stands for a year of
            the calendar directly under the root only, and for a satellite there or in such a year:
            elsewhere it may mean anything, as ``0601`` or ``2013`` can mean a month and day.
        """
        names = folder.strip("/").split("/")
        if _is_year(names[0]):
            year = int(names.pop(0))
            if not (self.start is None or year >= self.start.year) or not (
                self.end is None or year <= self.end.year
            ):
                return False
        satellite = names[0] if names else ""
        return not self.satellites or satellite not in SATELLITES or satellite in self.satellites


def _is_year(folder: str) -> bool:
    """Tell whether a folder's name is a year of the archive's calendar."""
    found = re.fullmatch(r"\d{4}", folder, re.ASCII) is not None
    return found and EPOCH.year <= int(folder) <= day_date(DAYS - 1).year


@dataclass(frozen=True, order=True)
class LeftOut:
    """Something in an archive that could be, or hold, a satellite-day and is not read."""

    url: str
    reason: str
    """One of `schema.LEFT_OUT`."""
    satellite: str = ""
    """The satellite that its name tells; empty if it tells none."""
    day: int = -1
    """Position on the `day` axis, -1 if none."""

    @property
    def date(self) -> dt.date:
        """Calendar date (UTC) of the satellite-day that its name tells."""
        return day_date(self.day)

    def counts(self, read: Collection[tuple[str, int]]) -> bool:
        """Tell whether a satellite-day may be missing because of it, given those that are read."""
        return self.reason not in NO_DAY and (self.satellite, self.day) not in read


@dataclass(frozen=True)
class Listing:
    """The satellite-days of an archive that are asked for, and what else in it could be one."""

    granules: list[Granule]
    """Sorted by satellite and day; at most one per satellite-day."""
    left_out: list[LeftOut]
    """What is not read although it could be, or hold, a satellite-day that is asked for; sorted."""
    root: str = ""
    """URL of the folder that all granules lie under; empty if it is not known."""
    selection: Selection = field(default_factory=Selection)

    def covers(self, source: Granule | LeftOut) -> bool:
        """Tell whether something known from before would be listed here if it still existed."""
        root = self.root.rstrip("/") + "/" if self.root else ""
        if not source.url.startswith(root) or any(
            source.url.startswith(x.url.rstrip("/") + "/") for x in self.left_out if x.reason == "unreadable"
        ):
            return False
        path = source.url.removeprefix(root)
        if source.day >= 0:
            return self.selection.has(source) and self.selection.opens(path.rpartition("/")[0])
        return self.selection.opens(path)

    def vanished(self, known: Iterable[Granule]) -> list[Granule]:
        """Return those of the satellite-days known from before that this archive had and no longer lists."""
        listed = {(g.satellite, g.day) for g in self.granules}
        return sorted(g for g in known if (g.satellite, g.day) not in listed and self.covers(g))


def block_of(granule: Granule) -> tuple[str, int]:
    """Return satellite and block of a satellite-day: what blocks are sorted and grouped by."""
    return granule.satellite, granule.block
