"""What of a run's results is looked at: all of it, or less, of events and of the time observed alike.

The event table, maps and pages take a `Choice`; whatever else may be chosen by becomes a field of it.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reprocess.errors import FlagError
from reprocess.schema import EPOCH, EVENT_CLASSES, EVENT_FLAGS, FLAGS
from reprocess.schema.flags import bits_of
from reprocess.schema.grid import FINE
from reprocess.work.receipts import DetectReceipt

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Choice:
    """What is looked at; everything by default.

    Parameters
    ----------
    exclude : tuple of str
        Names of flags. Events with one of them are left out, and so is the time of records with one of
        them, in or outside of events; flags that are of events alone leave the time observed as it is.

    satellites : tuple of str
        Satellites; all if none is named.
    start, end : date, optional
        First and last day (UTC).
    hemispheres : tuple of str
        N or S, by the satellite's geodetic latitude; both if none is named.
    classes : tuple of str
        Classes of events; all if none is named. The time observed stays as it is.

    Raises
    ------
    FlagError
        If there is no such flag.
    """

    exclude: tuple[str, ...] = ()
    satellites: tuple[str, ...] = ()
    start: dt.date | None = None
    end: dt.date | None = None
    hemispheres: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = [name for name in self.exclude if name not in EVENT_FLAGS]
        if unknown:
            known = "\n".join(f"  {flag.name}: {flag.meaning}" for flag in FLAGS)
            raise FlagError(f"there is no flag {unknown[0]!r}; flags are\n{known}")
        ordered = tuple(name for name in EVENT_FLAGS if name in self.exclude)
        object.__setattr__(self, "exclude", ordered)

    @property
    def bits(self) -> int:
        """Sum of the bits of the flags that are excluded."""
        return bits_of(self.exclude)

    @property
    def words(self) -> str:
        """What is chosen and what is left out, for people; nothing if it is everything."""
        limits = [f"{which} {day}" for which, day in (("from", self.start), ("to", self.end)) if day]
        of = [", ".join(names) for names in (self.satellites, self.classes) if names]
        south = [f"hemisphere {name}" for name in self.hemispheres]
        without = [f"without {', '.join(self.exclude)}"] if self.exclude else []
        return " ".join([*(f"of {names}" for names in of), *limits, *south, *without])

    @property
    def slug(self) -> str:
        """What is chosen and what is left out, as a part of a file's name; nothing if it is everything."""
        limits = [f"{which}_{day}" for which, day in (("from", self.start), ("to", self.end)) if day]
        of = [*self.satellites, *limits, *self.hemispheres, *self.classes]
        without = ["without", *self.exclude] if self.exclude else []
        return "_".join([*(["of", *of] if of else []), *without])

    @property
    def attributes(self) -> dict[str, str]:
        """What a file that is made of the choice says of it; nothing if it is of everything."""
        told = {
            "excluded_flags": " ".join(self.exclude),
            "chosen_satellites": " ".join(self.satellites),
            "chosen_start": str(self.start or ""),
            "chosen_end": str(self.end or ""),
            "chosen_hemispheres": " ".join(self.hemispheres),
            "chosen_classes": " ".join(self.classes),
        }
        return {name: value for name, value in told.items() if value}

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the event table that it is chosen by."""
        return ("quality_flags", "date", "latitude", "event_class")

    def receipts(self, receipts: Iterable[DetectReceipt]) -> list[DetectReceipt]:
        """Return the receipts with a day that is chosen, of each only these days."""
        if not self.satellites and self.start is None and self.end is None:
            return list(receipts)
        found = []
        for receipt in receipts:
            days = {date: entry for date, entry in receipt["days"].items() if self._has_date(date)}
            if days and (not self.satellites or receipt["satellite"] in self.satellites):
                chosen = receipt.copy()
                chosen["days"] = days
                found.append(chosen)
        return found

    def has(self, satellite: str, date: dt.date | str) -> bool:
        """Tell whether a satellite-day is chosen; a date as such or as YYYY-MM-DD."""
        return (not self.satellites or satellite in self.satellites) and self._has_date(str(date))

    def _has_date(self, date: str) -> bool:
        return (self.start is None or date >= str(self.start)) and (self.end is None or date <= str(self.end))

    def events(self, table: "pd.DataFrame") -> "pd.DataFrame":
        """Return the rows of an event table that are chosen, numbered anew."""
        kept = (table["quality_flags"].to_numpy() & self.bits) == 0
        if self.satellites:
            kept &= table["satellite"].isin(self.satellites).to_numpy()
        if self.start is not None or self.end is not None:
            first, last = str(self.start or "0001-01-01"), str(self.end or "9999-12-31")
            kept &= table["date"].between(first, last).to_numpy()
        if self.hemispheres:
            south = table["latitude"].to_numpy() < 0
            kept &= np.isin(np.where(south, "S", "N"), self.hemispheres)
        if self.classes:
            kept &= table["event_class"].isin(self.classes).to_numpy()
        return table if kept.all() else table[kept].reset_index(drop=True)

    def dwell(self, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the rows of a dwell part that are chosen; time in other events is no precipitation.

        Satellites are chosen by whether their parts are read.
        """
        kept = np.ones(columns["day"].size, bool)
        if self.exclude:
            kept = (columns["quality_flags"] & self.bits) == 0
        for day, side in ((self.start, "start"), (self.end, "end")):
            if day is not None:
                number = (day - EPOCH).days
                kept &= columns["day"] >= number if side == "start" else columns["day"] <= number
        if self.hemispheres:
            south = columns["south"] if "south" in columns else columns["cell"] >= FINE.cells // 2
            kept &= np.isin(np.where(south, "S", "N"), self.hemispheres)
        chosen = columns if kept.all() else {name: values[kept] for name, values in columns.items()}
        return chosen | self._within(chosen)

    def _within(self, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the columns of time within events that are not as they were."""
        changed = {}
        for name in EVENT_CLASSES:
            records = columns[f"records_{name}"]
            if self.exclude:
                left = (columns[f"quality_flags_{name}"] & self.bits) == 0
                changed[f"records_{name}"] = records * left
                if f"peaks_{name}" in columns:
                    changed[f"peaks_{name}"] = columns[f"peaks_{name}"] * left
            if self.classes and name not in self.classes:
                changed[f"records_{name}"] = np.zeros_like(records)
        return changed


EVERYTHING = Choice()
