"""What a satellite-day, a selection of them and a listing of an archive are."""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from reprocess.schema.calendar import BLOCK_DAYS, day_date
from reprocess.schema.satellites import SATELLITES


@dataclass(frozen=True, order=True)
class Granule:
    """One NOAA file: a satellite-day at its source."""

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
    def block(self) -> int:
        """Number of the block that the day belongs to."""
        return self.day // BLOCK_DAYS

    @property
    def identity(self) -> dict[str, str | int]:
        """What must be equal for the file to count as unchanged."""
        return {"url": self.url, "size": self.size, "version": self.version}


@dataclass(frozen=True)
class Selection:
    """Which satellite-days are asked for; the default is all."""

    satellites: frozenset[str] = frozenset()
    """Directory names; all if empty."""
    start: dt.date | None = None
    end: dt.date | None = None
    """First and last date, both inclusive."""

    def has(self, granule: Granule) -> bool:
        """Tell whether a satellite-day is asked for."""
        return (
            (not self.satellites or granule.satellite in self.satellites)
            and (self.start is None or granule.date >= self.start)
            and (self.end is None or granule.date <= self.end)
        )

    def opens(self, folder: str) -> bool:
        """Tell whether a folder of this name can hold what is asked for, going by NOAA's layout."""
        if folder in SATELLITES:
            return not self.satellites or folder in self.satellites
        if re.fullmatch(r"\d{4}", folder) is None:
            return True
        return (self.start is None or int(folder) >= self.start.year) and (
            self.end is None or int(folder) <= self.end.year
        )


@dataclass(frozen=True)
class Listing:
    """The satellite-days of an archive that are asked for, and the NetCDF files in it that are none."""

    granules: list[Granule]
    """Sorted by satellite and day; at most one per satellite-day."""
    ignored: list[str]
    """NetCDF files whose name is not that of a known satellite-day."""
    root: str = ""
    """URL that those of all granules begin with."""
    selection: Selection = field(default_factory=Selection)

    def covers(self, granule: Granule) -> bool:
        """Tell whether a satellite-day known from before would be listed here if it still existed."""
        return granule.url.startswith(self.root) and self.selection.has(granule)

    def vanished(self, known: Iterable[Granule]) -> list[Granule]:
        """Return those of the satellite-days known from before that this archive had and no longer lists."""
        listed = {(g.satellite, g.day) for g in self.granules}
        return sorted(g for g in known if self.covers(g) and (g.satellite, g.day) not in listed)


def block_of(granule: Granule) -> tuple[str, int]:
    """Return satellite and block of a satellite-day: what blocks are sorted and grouped by."""
    return granule.satellite, granule.block
