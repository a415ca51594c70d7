"""What ingestion does to one block: 32 days of one satellite, one shard row of every array.

A pure function of its plan and of what lies on disk; it writes whole shards and the receipt last, so that
doing a block twice is harmless. No Dask here: any executor can call it.
"""

import numpy as np

from reprocess import __version__, schema
from reprocess.ingest.day import Known, read_day
from reprocess.ingest.plan import IngestPlan
from reprocess.schema import DayState
from reprocess.sources.entry import TRIES
from reprocess.work.paths import Work
from reprocess.work.receipts import DayEntry, IngestReceipt
from reprocess.work.store import SatelliteStore, open_records


def ingest_block(plan: IngestPlan) -> IngestReceipt:
    """Read a block's new and changed NOAA files into the archive.

    Days that are not in the plan are copied from the archive as it is. Files that cannot be used
    are recorded with their reason and leave an empty day. Files that cannot be had now are
    deferred: what the archive has of the day stays.

    Returns
    -------
    dict
        The receipt: per day the source, its sha256, record counts or the reason it is
        quarantined; per deferred day the source and the reason; per array the sha256 of the shard.
    """
    work = Work(plan.work)
    store = open_records(work, plan.satellite)
    span = schema.block_days(plan.block)
    claimed = work.ledger.read(plan.satellite, plan.block)
    previous = claimed["days"] if claimed else {}
    entries, read, deferred = _read_granules(plan, claimed, store)
    left = {date: entry for date, entry in previous.items() if date not in entries}
    if claimed is not None and claimed["state"] == "done" and left:
        store.verify(plan.block, claimed["outputs"])  # a damaged day must not be copied under a new sum
    work.ledger.begin(plan.satellite, plan.block, entries)
    _invalidate(store, span, left)
    kept = [_position(date, span) for date, entry in left.items() if entry["status"] == "ok"]
    days = left | entries
    planned = {g.text for g in plan.granules}
    put_off = claimed.get("deferred", {}) if claimed else {}
    deferred |= {date: entry for date, entry in put_off.items() if date not in planned}
    digests = {}
    for spec in schema.RECORD_ARRAYS:
        chunks = store.encoded(spec.name, plan.block, kept)
        chunks |= {row: arrays.pop(spec.name) for row, arrays in read.items()}
        digests[spec.name] = store.write_encoded(spec.name, plan.block, chunks)
    for name, rows in _day_rows(span, days).items():
        digests[name] = store.write(name, span.start, rows)
    receipt: IngestReceipt = {
        "stage": "ingest",
        "satellite": plan.satellite,
        "block": plan.block,
        "code_version": __version__,
        "days": days,
        "deferred": deferred,
        "outputs": digests,
    }
    work.ledger.commit(receipt)
    return receipt


def _invalidate(store: SatelliteStore, span: range, kept: dict[str, DayEntry]) -> None:
    """Mark all days but those kept as not ingested, for readers of the archive itself."""
    store.write("record_count", span.start, _day_rows(span, kept)["record_count"])


def _read_granules(
    plan: IngestPlan, claimed: IngestReceipt | None, store: SatelliteStore
) -> tuple[dict[str, DayEntry], dict[int, dict[str, bytes]], dict[str, DayEntry]]:
    """Read a plan's files one after another.

    Returns
    -------
    entries : dict
        Entries of the receipt by date.
    read : dict
        Arrays of the good files, compressed, by row of the block: records of a whole one would take 200 MB.
    deferred : dict
        Source and reason of the days that cannot be had now, by date.
    """
    entries: dict[str, DayEntry] = {}
    read: dict[int, dict[str, bytes]] = {}
    deferred: dict[str, DayEntry] = {}
    tries = TRIES
    start = schema.block_days(plan.block).start
    for granule in plan.granules:
        date = granule.text
        outcome = read_day(granule, plan.storage, tries, _known(claimed, date))
        tries = TRIES if outcome.pressing else 1  # a server in trouble is not pressed
        (deferred if outcome.deferred else entries)[date] = outcome.entry
        if outcome.records is not None:
            arrays = outcome.records.arrays
            read[granule.day - start] = {name: store.encode(name, arrays[name]) for name in arrays}
    return entries, read, deferred


def _known(claimed: IngestReceipt | None, date: str) -> Known:
    """Return what a block's receipt says of a day."""
    if claimed is None:
        return Known()
    entry = claimed["days"].get(date, {})
    held = entry.get("status") == DayState.OK
    bad = claimed.get("deferred", {}).get(date, {} if held else entry)
    return Known(held, bad.get("source", {}).get("sha256", ""))


def _position(date: str, span: range) -> int:
    """Return the row of a date within its block."""
    return schema.day_index(date) - span.start


def _day_rows(span: range, days: dict[str, DayEntry]) -> dict[str, np.ndarray]:
    """Return a block's rows of the arrays with one value per day, in the order to write them."""
    rows = {
        spec.name: np.full((len(span), *spec.day_shape), spec.fill, spec.dtype) for spec in schema.DAY_ARRAYS
    }
    for date, entry in days.items():
        i = _position(date, span)
        rows["status"][i] = schema.STATUS[entry["status"]]
        rows["record_count"][i] = entry.get("records", 0)
        digest = entry["source"].get("sha256", "")
        rows["source_digest"][i] = np.frombuffer(bytes.fromhex(digest) or bytes(32), np.uint8)
    return rows
