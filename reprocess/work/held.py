"""What the archive holds now, as its ledger says: what the days of a run are held against."""

import contextlib
from collections.abc import Iterable, Mapping
from functools import cached_property

from reprocess.errors import LedgerError
from reprocess.schema import DayState
from reprocess.schema.background import TYPICAL_BACKGROUND, PolarCounts, mean_background
from reprocess.work.ledger import BlockLedger
from reprocess.work.receipts import ClassifiedDay, DayEntry, Days, IngestReceipt, days_of

_OK = DayState.OK.value


class Held:
    """The days that the archive has.

    Parameters
    ----------
    days : mapping
        What ingestion made of days, by satellite and date.
    """

    def __init__(self, days: Mapping[tuple[str, str], DayEntry]) -> None:
        self.days: Days = {key: entry for key, entry in days.items() if entry["status"] == _OK}

    def sha256(self, satellite: str, date: str) -> str | None:
        """Return the sum of the file that a day was read from, None if the archive does not have the day."""
        entry = self.days.get((satellite, date))
        return entry["source"]["sha256"] if entry else None

    @cached_property
    def _backgrounds(self) -> dict[tuple[str, str], float]:
        counted: dict[tuple[str, str], list[PolarCounts]] = {}
        for (satellite, date), entry in self.days.items():
            if "polar_e4" in entry:
                counted.setdefault((satellite, date[:7]), []).append(entry["polar_e4"])
        return {key: mean_background(days) for key, days in counted.items()}

    def background(self, satellite: str, month: str) -> float:
        """Return the mean of E4 over the polar caps in a month (YYYY-MM), counts per second."""
        return self._backgrounds.get((satellite, month), TYPICAL_BACKGROUND)

    def is_same(self, satellite: str, date: str, entry: ClassifiedDay | None) -> bool:
        """Tell whether all is as when a day was classified; `changes` says what is not."""
        now = self.days.get((satellite, date))
        if entry is None or now is None or now["source"]["sha256"] != entry["source_sha256"]:
            return False
        alone = "neighbours" not in entry and "background" not in entry
        return alone or not self.changes(satellite, date, entry)

    def changes(self, satellite: str, date: str, entry: ClassifiedDay | None) -> list[tuple[str, str]]:
        """Return what is not as when a day was classified, as what it is now and was then; empty if all is.

        That is the day's own file, those of the neighbouring days that its mode looked at, and the
        background of their months.

        Parameters
        ----------
        satellite, date : str
        entry : ClassifiedDay, optional
            What detection made of it; None if it was never classified.
        """
        if entry is None:
            return [("classified", "not classified")]
        files = {date: entry["source_sha256"], **entry.get("neighbours", {})}
        changes = [
            (_source(self.sha256(satellite, day)), f"{_source(then)} on {day}")
            for day, then in files.items()
            if self.sha256(satellite, day) != then
        ]
        for month, then in entry.get("background", {}).items():
            if (now := self.background(satellite, month)) != then:
                changes.append((f"background {now:g}", f"background {then:g} in {month}, on {date}"))
        return changes


def _source(digest: str | None) -> str:
    return f"source {digest}" if digest else "nothing"


def held_near(ledger: BlockLedger[IngestReceipt], satellite: str, blocks: Iterable[int]) -> Held:
    """Return the days of some blocks of a satellite; of one whose receipt is damaged, none."""
    receipts = []
    for block in blocks:
        with contextlib.suppress(LedgerError):
            receipts.append(ledger.read(satellite, block))
    return Held(days_of(r for r in receipts if r is not None and r["state"] == "done"))
