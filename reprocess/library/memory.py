"""Records in memory in the place of a WORK directory, so that detection works on them as it does on one."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from reprocess import schema
from reprocess.detect.series import Series
from reprocess.ingest.day import facts_of
from reprocess.ingest.reading import Records
from reprocess.schema import RECORD_ARRAYS
from reprocess.work.ledger import BlockLedger
from reprocess.work.paths import Work
from reprocess.work.receipts import DayEntry, IngestReceipt, Source
from reprocess.work.store import SatelliteStore

Arrays = Mapping[str, np.ndarray]


def entry_of(arrays: Arrays, sha256: str, simulated: bool) -> DayEntry:
    """Return what ingestion would say of a day's records, all arrays of `schema.RECORD_ARRAYS`."""
    count = int(arrays["time"].size)
    records = Records({s.name: arrays[s.name] for s in RECORD_ARRAYS}, count, 0, 0, False, {}, simulated)
    return cast(DayEntry, {"source": cast(Source, {"sha256": sha256}), **facts_of(records)})


class _Store(SatelliteStore):
    def __init__(self, days: Mapping[int, Arrays]) -> None:
        self.path = Path("the data")
        self._days = days

    def verify(self, block: int, digests: Mapping[str, str]) -> None:
        """Do nothing: memory needs no sums."""

    def remedy(self, day: int) -> str:
        """Return what to do about a day."""
        return f"give the data of {schema.day_date(day)} again"

    def read_block(self, name: str, block: int) -> np.ndarray:
        """Return the record counts of a block's days; nothing else is read in blocks."""
        del name
        counts = np.full(schema.BLOCK_DAYS, -1, np.int32)
        for k, day in enumerate(schema.block_days(block)):
            if day in self._days:
                counts[k] = self._days[day]["time"].size
        return counts

    def read_days(
        self, counts: Mapping[int, int], names: Collection[str]
    ) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """Yield records of days."""
        for day in counts:
            yield day, {name: self._days[day][name] for name in names}


@dataclass(frozen=True)
class _Receipts(BlockLedger[IngestReceipt]):
    satellite: str = ""
    days: Mapping[int, DayEntry] = field(default_factory=dict)

    def read(self, satellite: str, block: int) -> IngestReceipt:
        """Return the receipt of a block: the days that were given."""
        span = schema.block_days(block)
        days = {schema.day_date(d).isoformat(): e for d, e in self.days.items() if d in span}
        return {
            "stage": "ingest", "satellite": satellite, "block": block, "state": "done", "days": days,
            "outputs": {}, "code_version": "",
        }  # fmt: skip


@dataclass(frozen=True)
class _Held(Work):
    receipts: _Receipts = field(default_factory=lambda: _Receipts(Path()))

    @property
    def ledger(self) -> BlockLedger[IngestReceipt]:
        """Return the receipts."""
        return self.receipts


def series_of(
    satellite: str,
    days: Mapping[int, Arrays],
    entries: Mapping[int, DayEntry],
    names: Iterable[str],
    todo: Collection[int],
) -> Series:
    """Return days in memory as detection reads them.

    Parameters
    ----------
    satellite : str
    days : mapping of int to mapping
        All arrays of each day, by position on the `day` axis.
    entries : mapping of int to DayEntry
        What `entry_of` says of each.
    names : iterable of str
        Arrays that the mode looks at.
    todo : collection of int
        Days to work on.
    """
    work = _Held(Path(), _Receipts(Path(), satellite, entries))
    return Series(work, satellite, tuple(names), todo, store=_Store(days))
