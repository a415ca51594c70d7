"""Counts over the polar caps of days that were ingested before ingestion made them: made from the archive."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reprocess import schema
from reprocess.detect.rules.mode import RECORDS
from reprocess.execution.mapping import Progress, each_block
from reprocess.execution.share import Share, client_of, noting, own
from reprocess.execution.workers import Workers
from reprocess.pages.words import counted
from reprocess.schema.background import polar_counts
from reprocess.schema.granules import Granule, block_of
from reprocess.work.held import Held
from reprocess.work.paths import Work
from reprocess.work.status import ledger_days

COUNTED = {"polar_e4", "polar_p5"}
"""What is counted."""


@dataclass(frozen=True)
class BackgroundPlan:
    """One block of the archive in whose receipt the counts of some days are missing."""

    work: Path
    satellite: str
    block: int
    days: tuple[int, ...]
    """Positions on the `day` axis."""


def count_background(
    work: Work, granules: Iterable[Granule], where: Workers | Share, progress: Progress
) -> None:
    """Complete the archive's ledger, in the blocks that hold these satellite-days or in a share of them."""
    blocks = {block_of(g) for g in granules}
    lacking: dict[tuple[str, int], list[int]] = {}
    for (satellite, date), entry in Held(ledger_days(work.ledger)).days.items():
        day = schema.day_index(date)
        if not entry.keys() >= COUNTED and (satellite, day // schema.BLOCK_DAYS) in blocks:
            lacking.setdefault((satellite, day // schema.BLOCK_DAYS), []).append(day)
    plans = own([BackgroundPlan(work.root, *b, tuple(sorted(d))) for b, d in sorted(lacking.items())], where)
    if plans:

        def say(days: int) -> str:
            return f"background of {counted(days, 'day')} counted"

        note = noting(work.ledger)
        for _ in each_block(client_of(where, plans), count_block, plans, "background", progress, note, say):
            pass
        work.ledger.forget((p.satellite, p.block) for p in plans)


def count_block(plan: BackgroundPlan) -> int:
    """Put the counts of a block's days into its receipt, as ingestion does; return how many days."""
    from reprocess.detect.series import Series  # with it comes all that reads the archive

    work = Work(plan.work)
    series = Series(work, plan.satellite, (*RECORDS, "proton_flux"), plan.days)
    receipt = work.ledger.require(plan.satellite, plan.block)
    days = dict(receipt["days"])
    for day in plan.days:
        counts = polar_counts(series.stretch(day, 0).records)
        date = schema.day_date(day).isoformat()
        days[date] = {**days[date], "polar_e4": counts["polar_e4"], "polar_p5": counts["polar_p5"]}
    work.ledger.commit({**receipt, "days": days})
    return len(plan.days)
