"""What the ledger holds, typed: the receipt of a block, and what it says of each day.

On disk a receipt is JSON with these keys.
"""

from collections.abc import Iterable
from typing import Any, Literal, NotRequired, TypedDict, overload

from reprocess.schema.background import PolarCounts


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
    """What ingestion made of one satellite-day; of a deferred one, source, reason and detail."""

    source: Source
    status: str
    """`DayState.OK` or `DayState.QUARANTINED`; a deferred day has none."""
    reason: str
    """One of `schema.REASONS` or `schema.DEFERRALS`, for a day that is not ok; the rest is of one that is."""
    detail: str
    """The offending values, in words."""
    records: int
    """Records in the archive."""
    in_file: int
    """Records in the file."""
    outside_day: int
    """Records of the file that are left out because their time is not within the day."""
    duplicates: int
    """Records of the file that are left out because their time repeats an earlier record's."""
    reordered: bool
    """Whether the file's records were not in order of time."""
    not_measured: dict[str, int]
    """Values that are no measurement, by array."""
    polar_e4: PolarCounts
    """E4 over the polar caps, the background that events stand out of."""
    polar_p5: PolarCounts
    """P5 over the polar caps, which tells of solar protons."""
    simulated: bool
    """True where the file says so of itself; else left out."""


class ClassifiedDay(TypedDict, total=False):
    """What detection made of one satellite-day."""

    source_sha256: str
    """Sum of the file that was classified."""
    records: int
    """Records that the archive had."""
    not_measured: int
    """Records with a value that is no measurement."""
    simulated: bool
    """True where the file says so of itself; else left out."""
    windows_classified: int
    """Windows that the network has seen."""
    events: dict[str, int]
    """Events by class."""
    classifiable: int
    """Records that a window without missing records stands for; the next three add up to it."""
    in_grid: int
    """Classifiable records in a cell of the fine grid."""
    outside_grid: int
    """Classifiable records with L below or above the grid."""
    invalid_position: int
    """Classifiable records without a valid L and MLT."""
    neighbours: dict[str, str | None]
    """Sum of the file of each day that was looked at besides and is not of the block's days here, by date;
    None where the archive had none. Only of modes that look beyond the day; so are the next two."""
    background: dict[str, float]
    """E4 over the polar caps, counts per second, by month (YYYY-MM) of the records that were looked at."""
    carried: dict[str, int]
    """The day's first records that are within an event that began before, by class."""
    carried_flags: dict[str, int]
    """Flags of these events by class; left out where there are none."""
    class_counts: list[int]
    """Windows by class, if every window was classified."""


class _Receipt(TypedDict):
    satellite: str
    """Directory name."""
    block: int
    """Number of the block."""
    state: NotRequired[str]
    """``done``, or ``writing`` while the block is written again."""
    code_version: str
    """Version of reprocess that wrote it."""


class IngestReceipt(_Receipt):
    """What proves that a block is in the archive."""

    stage: Literal["ingest"]
    days: dict[str, DayEntry]
    """Days that were read, good or quarantined, by date (YYYY-MM-DD)."""
    deferred: NotRequired[dict[str, DayEntry]]
    """Days that could not be had, by date."""
    outputs: dict[str, str]
    """sha256 of each shard, by array."""


class DetectReceipt(_Receipt):
    """What proves that a block is classified in a run."""

    stage: Literal["detect"]
    days: dict[str, ClassifiedDay]
    """By date (YYYY-MM-DD)."""
    failed: NotRequired[dict[str, str]]
    """Days that could not be classified, by date, and the error that each raised."""
    outputs: dict[str, Any]
    """sha256 of the parts ``events`` and ``dwell``; ``classes``, where kept: that of each shard, by array."""


class BlockAudit(TypedDict):
    """What an audit of a block gives; no receipt, nothing of it is kept."""

    stage: Literal["audit"]
    satellite: str
    block: int
    findings: list[dict[str, Any]]
    """Fields of each `audit.finding.Finding`."""
    shards: int
    """Shards that were summed."""
    parts: int
    """Parts that were summed."""
    days: dict[str, DayEntry]
    """The archive's days that were looked at, by date; none where its files are not as claimed."""


BlockResult = IngestReceipt | DetectReceipt | BlockAudit
"""What a block can give."""

Days = dict[tuple[str, str], DayEntry]
"""What ingestion made of days, by satellite and date."""

ClassifiedDays = dict[tuple[str, str], ClassifiedDay]
"""What detection made of days, by satellite and date."""


@overload
def days_of(receipts: Iterable[IngestReceipt]) -> Days: ...
@overload
def days_of(receipts: Iterable[DetectReceipt]) -> ClassifiedDays: ...
def days_of(receipts: Iterable[Any]) -> Any:
    """Return the entries of all days, by satellite and date."""
    return {(r["satellite"], date): entry for r in receipts for date, entry in r["days"].items()}


def deferred_of(receipts: Iterable[IngestReceipt]) -> Days:
    """Return source and reason of all deferred days, by satellite and date."""
    return {(r["satellite"], date): entry for r in receipts for date, entry in r.get("deferred", {}).items()}
