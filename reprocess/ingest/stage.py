"""Ingestion over the whole archive: which blocks have new files, and who reads them."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from reprocess import schema
from reprocess.execution.mapping import Progress, map_blocks
from reprocess.execution.share import Share, client_of, noting, own
from reprocess.execution.workers import Workers
from reprocess.files import locked
from reprocess.ingest.plan import IngestPlan
from reprocess.schema import DayState
from reprocess.schema.granules import Granule, block_of
from reprocess.sources.remote import is_web
from reprocess.work.asked import merge_asked
from reprocess.work.paths import Work
from reprocess.work.receipts import IngestReceipt
from reprocess.work.status import is_current, ledger_days

if TYPE_CHECKING:
    from distributed import Semaphore


def plan_ingest(
    work: Work,
    granules: Iterable[Granule],
    storage: Mapping[str, Any] | None = None,
    *,
    retry: bool = False,
) -> list[IngestPlan]:
    """Return the blocks that hold new or changed satellite-days, or were never finished.

    `storage` holds the options of the archive's file system, as of fsspec. With `retry`, days that are
    quarantined are read again though their file is as it was.
    """
    days = ledger_days(work.ledger)

    def is_stale(granule: Granule) -> bool:
        entry = days.get((granule.satellite, granule.text))
        again = retry and entry is not None and entry["status"] == DayState.QUARANTINED
        return again or not is_current(granule, entry)

    stale = [g for g in granules if is_stale(g)]
    return [
        IngestPlan(work.root, satellite, block, tuple(group), storage or {})
        for (satellite, block), group in groupby(sorted(stale), key=block_of)
    ]


def ingest(
    work: Work,
    granules: list[Granule],
    where: Workers | Share,
    progress: Progress,
    storage: Mapping[str, Any] | None = None,
    connections: int = schema.CONNECTIONS,
    *,
    retry: bool = False,
) -> None:
    """Read satellite-days into the archive; blocks that fail are noted in the ledger.

    Parameters
    ----------
    work : Work
    granules : list of Granule
        What is asked for; all of it is noted, whatever the share.
    where : Workers or Share
        Workers for all blocks, or the share of the blocks to do in this process.
    progress : Progress
    storage : mapping, optional
        Options of the archive's file system, as of fsspec.
    connections : int
        Blocks that read from a web server at a time, one file each, whatever the number of workers.
        A share reads one file at a time, and does not know of the others.
    retry : bool
        Read quarantined days again.
    """
    plans = own(plan_ingest(work, granules, storage, retry=retry), where)
    client = client_of(where, plans) if plans else None  # nothing is written if there are no workers
    merge_asked(work.asked, granules)
    if plans:
        # What reads and writes takes a second to import, and often nothing is new.
        from reprocess.ingest.block import ingest_block
        from reprocess.work.store import require_store
        from reprocess.work.whole import ARCHIVE_TITLE

        satellites = sorted({p.satellite for p in plans})
        with locked(work.archive):
            require_store(work.archive, satellites, schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)
        read = _reader(plans, connections) if client else ingest_block
        map_blocks(client, read, plans, "ingest", progress, noting(work.ledger))
        work.ledger.forget((p.satellite, p.block) for p in plans)


def _reader(plans: Sequence[IngestPlan], connections: int) -> Callable[[IngestPlan], IngestReceipt]:
    """Return what ingests a block, with no more of them reading from web servers at a time than allowed."""
    from reprocess.ingest.block import ingest_block

    if not any(is_web(g.url) for p in plans for g in p.granules):
        return ingest_block
    from distributed import Semaphore

    shared = Semaphore(max_leases=connections, name=f"connections-{uuid.uuid4().hex}")
    return partial(_ingest_connected, shared=shared)


def _ingest_connected(plan: IngestPlan, shared: "Semaphore") -> IngestReceipt:
    from reprocess.ingest.block import ingest_block

    with shared:
        return ingest_block(plan)
