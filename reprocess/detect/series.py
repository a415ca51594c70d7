"""One satellite's records as a series: a day with as much of the days around it as a mode asks for."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import numpy as np

from reprocess import schema
from reprocess.detect.flags import flags_of_day
from reprocess.detect.rules.mode import Stretch
from reprocess.errors import LedgerError, StoreError
from reprocess.schema import DayState
from reprocess.work.paths import Work
from reprocess.work.receipts import DayEntry
from reprocess.work.store import SatelliteStore, open_records

Records = dict[str, np.ndarray]

PROTONS = "proton_flux"

STRIP = 4
"""Days that are read together, so that files are opened less often; 10 MB of what detection needs."""


class Series:
    """The days of one satellite in the archive, read as they are asked for.

    Shards are summed before anything is read from them. Days are read a few at a time and kept while the
    days beside them are worked on, so that a block is read once.

    Parameters
    ----------
    work : Work
    satellite : str
    arrays : collection of str
        What is read.
    days : collection of int
        Positions on the `day` axis of the days to work on, increasing.
    sound : collection of int
        Blocks whose shards were summed already.
    store : SatelliteStore, optional
        Where records are read; the satellite's in WORK by default.
    """

    def __init__(
        self,
        work: Work,
        satellite: str,
        arrays: Collection[str],
        days: Collection[int],
        sound: Collection[int] = (),
        store: SatelliteStore | None = None,
    ) -> None:
        self._sound = sound
        self.store = store or open_records(work, satellite)
        self._satellite, self._arrays, self._days = satellite, tuple(arrays), tuple(days)
        self._ledger = work.ledger
        self._entries: dict[int, DayEntry | None] = {}
        self._read: dict[int, Records] = {}
        self._behind = 0
        self._digests: dict[int, dict[str, str]] = {}
        self._proton_days: dict[int, np.ndarray] = {}
        self._proton_blocks: set[int] = set()

    def entry(self, day: int) -> DayEntry | None:
        """Return what the ledger says of a day, None if the archive does not have it.

        Raises
        ------
        StoreError
            If the shards of its block are not what their receipt says.
        """
        if day not in self._entries:
            self._look_up(day // schema.BLOCK_DAYS)
        return self._entries.get(day)

    def require(self, day: int) -> DayEntry:
        """Return what the ledger says of a day, which the archive must have.

        Raises
        ------
        LedgerError
            If it does not.
        StoreError
            As `entry`.
        """
        entry = self.entry(day)
        if entry is None:
            where = f"{self._satellite} {schema.day_date(day)}"
            raise LedgerError(f"{where} is not in the archive any more; give the same command again")
        return entry

    def _look_up(self, block: int) -> None:
        """Take over what the ledger says of a block, having compared it with the archive."""
        span = schema.block_days(block)
        receipt: Any = self._ledger.read(self._satellite, block)
        if receipt is None or receipt["state"] != "done":
            self._entries |= dict.fromkeys(span)
            return
        self._digests[block] = receipt["outputs"]
        self._verify(block, self._arrays)
        counts = self.store.read_block("record_count", block)[: len(span)]
        for day, stored in zip(span, counts.tolist(), strict=True):
            entry = receipt["days"].get(schema.day_date(day).isoformat())
            self._entries[day] = entry if entry and entry["status"] == DayState.OK else None
            if self._entries[day] is not None and stored != entry["records"]:
                raise StoreError(
                    f"{self.store.path} holds {stored} records on {schema.day_date(day)}, its ledger says "
                    f"{entry['records']}; {self.store.remedy(day)}"
                )

    def stretch(self, day: int, halo: int) -> Stretch:
        """Return a day with so many records of its neighbours on either side, or all that there are.

        Neighbours are the days before and after it, as far as no day is missing between them.

        Raises
        ------
        LedgerError, StoreError
            As `require`.
        """
        self.require(day)
        self._behind = 2 if halo else 0  # days to keep: the one before, and the one that is worked on
        neighbours: dict[str, str | None] = {}
        before, more_before = self._walk(day, -1, halo, neighbours)
        after, more_after = self._walk(day, 1, halo, neighbours)
        firsts, parts, position = {}, [], 0
        for other, keep in [*reversed(before), (day, self._count(day)), *after]:
            left_out = self._count(other) - keep if other < day else 0
            firsts[schema.day_date(other).isoformat()] = position - left_out
            parts.append({n: v[..., left_out : left_out + keep] for n, v in self._records(other).items()})
            position += keep
        joined = {n: np.concatenate([part[n] for part in parts], axis=-1) for n in self._arrays}
        start = sum(keep for _, keep in before)
        return Stretch(
            joined if len(parts) > 1 else parts[0],
            slice(start, start + self._count(day)),
            firsts,
            (more_before, more_after),
            neighbours,
            {date: flags_of_day(self.require(schema.day_index(date))) for date in firsts},
            bool(halo),
            partial(self._protons, firsts),
        )

    def _protons(self, firsts: Mapping[str, int], first: int, last: int) -> np.ndarray:
        """Return proton fluxes at 0 degrees of records of a stretch, as `Stretch.protons`."""
        parts = []
        for date, start in firsts.items():
            day = schema.day_index(date)
            if start <= last and first < start + self._count(day):
                parts.append(self._proton_flux(day)[:, max(first - start, 0) : last + 1 - start])
        return np.concatenate(parts, axis=1)

    def _proton_flux(self, day: int) -> np.ndarray:
        """Return a day's proton fluxes at 0 degrees; few days have events, no others are read."""
        if day not in self._proton_days:
            block = day // schema.BLOCK_DAYS
            if block not in self._proton_blocks:
                self._verify(block, (PROTONS,))
                self._proton_blocks.add(block)
            near = {d: flux for d, flux in self._proton_days.items() if abs(d - day) <= 1}
            flux = self.store.read_day(day, self._count(day), (PROTONS,))[PROTONS][0]
            self._proton_days = near | {day: flux}
        return self._proton_days[day]

    def _verify(self, block: int, arrays: Collection[str]) -> None:
        if block not in self._sound:
            digests = self._digests[block]
            self.store.verify(block, {name: digests[name] for name in arrays if name in digests})

    def _walk(
        self, day: int, step: int, halo: int, neighbours: dict[str, str | None]
    ) -> tuple[list[tuple[int, int]], bool]:
        """Return the days on one side and how many records to take of each, and whether there may be more.

        Every day that is looked for is noted in `neighbours`.
        """
        taken: list[tuple[int, int]] = []
        while halo > 0:
            day += step
            entry = self.entry(day) if 0 <= day < schema.DAYS else None
            neighbours[schema.day_date(day).isoformat()] = entry["source"]["sha256"] if entry else None
            if entry is None:
                return taken, False
            taken.append((day, min(halo, entry["records"])))
            halo -= entry["records"]
        return taken, True

    def _count(self, day: int) -> int:
        entry = self.entry(day)
        return entry["records"] if entry else 0

    def _records(self, day: int) -> Records:
        """Return a day's records; those of days that are left behind are forgotten."""
        if day not in self._read:
            self._read = {d: records for d, records in self._read.items() if d >= day - self._behind}
            block = day // schema.BLOCK_DAYS
            ahead = [d for d in self._days if day <= d < day + STRIP and d // schema.BLOCK_DAYS == block]
            counts = {d: self._count(d) for d in sorted({day, *ahead}) if self.entry(d)}
            self._read |= dict(self.store.read_days(counts, self._arrays))
        return self._read[day]
