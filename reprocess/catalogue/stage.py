"""The properties of all events of a run: which blocks lack them, and where they are made.

There are no receipts of this stage. A part tells in its metadata what it was made from: the sum of the event
part, those of the archive's days, the background and the version of the code. A part that says otherwise
than what there is now is made again, and no other.
"""

import datetime as dt
import json
from pathlib import Path

from reprocess import __version__, schema
from reprocess.catalogue.properties import DescribePlan, describe_block
from reprocess.errors import LedgerError
from reprocess.execution.mapping import Progress, count_blocks
from reprocess.execution.share import Share, client_of, own
from reprocess.execution.workers import Workers
from reprocess.files import find, sha256
from reprocess.pages.words import counted
from reprocess.work.described import made_from
from reprocess.work.held import Held
from reprocess.work.parts import part_path
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import DetectReceipt
from reprocess.work.status import ledger_days


def origin_of(receipt: DetectReceipt, held: Held) -> tuple[dict[str, str], dict[str, float]]:
    """Return what a block's properties are made from, and the backgrounds by month (YYYY-MM).

    Parameters
    ----------
    receipt : DetectReceipt
        The block's, in the run.
    held : Held
        The archive's days.
    """
    satellite = receipt["satellite"]
    backgrounds = {
        month: held.background(satellite, month) for month in sorted({d[:7] for d in receipt["days"]})
    }
    near = {_beside(date, step) for date in receipt["days"] for step in (-1, 0, 1)}
    inputs = {date: held.sha256(satellite, date) for date in sorted(near)}
    digest = sha256(json.dumps([inputs, backgrounds], sort_keys=True).encode())
    origin = {
        "events_sha256": receipt["outputs"]["events"],
        "archive_sha256": digest,
        "code_version": __version__,
    }
    return origin, backgrounds


def _beside(date: str, step: int) -> str:
    return (dt.date.fromisoformat(date) + dt.timedelta(step)).isoformat()


def plan_describe(work: Work, run: Run) -> list[DescribePlan]:
    """Return the blocks of a run whose properties are missing or made from something else."""
    held = Held(ledger_days(work.ledger))
    plans = []
    for receipt in run.ledger.done():
        origin, backgrounds = origin_of(receipt, held)
        path = part_path(run.properties, receipt["satellite"], receipt["block"])
        if not origin.items() <= made_from(path).items():
            days = tuple(sorted(map(schema.day_index, receipt["days"])))
            block = receipt["satellite"], receipt["block"]
            plans.append(DescribePlan(work.root, run.name, *block, days, origin, backgrounds))
    return plans


def strays(run: Run) -> list[Path]:
    """Return parts with properties of blocks that the run does not claim."""
    known = {part_path(run.properties, r["satellite"], r["block"]) for r in run.ledger.done()}
    found = find(run.properties, "satellite=*/block-????.parquet")
    return [path for path in found if path not in known]


def _is_here(path: Path, where: Workers | Share) -> bool:
    """Tell whether a part is of a block that is worked on here."""
    satellite, block = path.parent.name.partition("=")[2], path.stem.removeprefix("block-")
    return not isinstance(where, Share) or where.holds(satellite, int(block))


def describe(work: Work, run: Run, where: Workers | Share, progress: Progress) -> int:
    """Make the properties of a run's events that are missing or outdated; return of how many events.

    Raises
    ------
    LedgerError
        If the run has no block that is done.
    IncompleteError
        If a block could not be described; the others are.
    """
    if not any(True for _ in run.ledger.done()):
        raise LedgerError(
            f"run {run.name!r} has no block that is done, so there are no events to describe; "
            f"see: reprocess status {work.root}"
        )
    for stray in strays(run):
        if _is_here(stray, where):
            stray.unlink()

    def say(events: int) -> str:
        return f"{counted(events, 'event')} described"

    plans = own(plan_describe(work, run), where)
    return count_blocks(
        client_of(where, plans), describe_block, plans, "describe", progress, say, "described"
    )
