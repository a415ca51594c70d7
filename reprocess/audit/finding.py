"""What an audit can find, and what to do about it."""

from dataclasses import dataclass

KINDS = {
    "missing": "a claimed file is not there",
    "damaged": "a file is not what was written",
    "contradiction": "a file is what was written, but does not say what the ledger says",
    "unfinished": "a block was begun and never finished; nothing is claimed",
    "outdated": "made from other blocks than are done now, or with the words of another version",
    "stale": "a source is no longer what was read",
    "unclaimed": "a data file that no receipt speaks of",
    "foreign": "a file that another program left, which nothing goes by",
    "leftover": "what a killed writer left behind",
    "unaudited": "the check itself failed",
}
"""What can be found."""


FALSE = frozenset({"missing", "damaged", "contradiction"})
"""Kinds of a claim that does not hold."""


HARMLESS = frozenset({"foreign"})
"""Kinds that leave WORK as claimed: they are told and change no exit code."""


REDO = "reprocess audit WORK --repair, then the same reprocess run as before does this block again"


GO_ON = "the same reprocess run as before finishes it"


FORGET = "reprocess audit WORK --repair deletes it; the next map that needs it makes it again"


DELETE = "nothing refers to it; delete it"


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is not as claimed."""

    path: str
    """The file, relative to WORK; the URL of a source."""
    kind: str
    """One of `KINDS`."""
    expected: str
    found: str
    remedy: str
    stage: str = ""
    """What has to be done again: ingest, detect, exposure, occurrence, sums, positions, metadata; empty for
    nothing."""
    run: str = ""
    satellite: str = ""
    block: int = -1

    def __str__(self) -> str:
        return f"{self.kind} {self.path}: expected {self.expected}, found {self.found}; {self.remedy}"
