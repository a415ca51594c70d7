"""What the ledger holds, typed: the receipt of a block, and what it says of each day.

On disk a receipt is JSON with these keys. Which of them an entry has depends on the stage.
"""

from collections.abc import Iterable
from typing import Any, TypedDict


class Source(TypedDict, total=False):
    """The file that a day was read from, or was to be read from."""

    url: str
    size: int
    """Bytes, as listed."""
    version: str
    """Modification time or etag, as listed."""
    sha256: str
    """Sum of the bytes that were read."""


class DayEntry(TypedDict, total=False):
    """What became of one satellite-day."""

    source: Source
    status: str
    """`DayState.OK` or `DayState.QUARANTINED`; of ingestion."""
    reason: str
    """One of `schema.REASONS` or `schema.DEFERRALS`, for a day that is not ok."""
    detail: str
    """The offending values, in words."""
    records: int
    """Records in the archive."""
    in_file: int
    """Records in the file; `outside_day` and `duplicates` of them are not in the archive."""
    outside_day: int
    duplicates: int
    reordered: bool
    """Whether the file's records were not in order of time."""
    not_measured: Any
    """Records with values that are no measurement: of ingestion by array, of detection all together."""
    simulated: bool
    """True where the file says so of itself; else left out."""
    source_sha256: str
    """Sum of the file that was classified; this and what follows come from detection."""
    windows_classified: int
    """Windows that the network has seen."""
    events: dict[str, int]
    """Events by class."""
    classifiable: int
    """Records that a window without missing records stands for; the next three add up to it."""
    in_grid: int
    outside_grid: int
    invalid_position: int
    class_counts: list[int]
    """Windows by class, if every window was classified."""


class Receipt(TypedDict, total=False):
    """What proves that a block is done: written last."""

    stage: str
    satellite: str
    """Directory name."""
    block: int
    state: str
    """``done``, or ``writing`` while the block is written again."""
    code_version: str
    days: dict[str, DayEntry]
    """By date, YYYY-MM-DD."""
    deferred: dict[str, DayEntry]
    """Days that could not be had, by date; of ingestion."""
    failed: dict[str, str]
    """Days that could not be classified, by date, and the error that each raised; of detection."""
    outputs: dict[str, Any]
    """sha256 of each file that was written, by name."""
    findings: list[dict[str, Any]]
    """What an audit found."""
    shards: int
    parts: int
    """Files that an audit summed."""


Days = dict[tuple[str, str], DayEntry]
"""Entries by satellite and date."""


def days_of(receipts: Iterable[Receipt]) -> Days:
    """Return the entries of all days, by satellite and date."""
    return {(r["satellite"], date): entry for r in receipts for date, entry in r["days"].items()}


def deferred_of(receipts: Iterable[Receipt]) -> Days:
    """Return source and reason of all deferred days, by satellite and date."""
    return {(r["satellite"], date): entry for r in receipts for date, entry in r.get("deferred", {}).items()}
