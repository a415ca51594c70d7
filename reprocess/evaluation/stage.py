"""A run held against the truth on all its satellite-days."""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from reprocess import schema
from reprocess.detect.rules.modes import mode_of
from reprocess.errors import IncompleteError, LedgerError
from reprocess.evaluation.tally import TRUTH_COLUMNS, EvaluatePlan, Tally, tally_block
from reprocess.execution.mapping import Plan, Progress, each_block
from reprocess.execution.workers import Workers
from reprocess.pages.words import counted
from reprocess.schema.granules import Granule
from reprocess.work.held import Held
from reprocess.work.parts import read_events
from reprocess.work.paths import Run, Work
from reprocess.work.status import ledger_days


def tally_run(
    work: Work,
    run: Run,
    events: pd.DataFrame,
    granules: Iterable[Granule],
    where: Workers,
    progress: Progress,
) -> tuple[Tally, pd.DataFrame]:
    """Compare a run, made with classes kept, with the truth on its satellite-days.

    Returns
    -------
    Tally
        Sum over all blocks.
    pandas.DataFrame
        The run's event table, for the same satellite-days.

    Raises
    ------
    LedgerError
        If none of the days is in the archive.
    IncompleteError
        If the run is not complete for these days, or some blocks could not be compared: scores of a
        part are not what was asked for.
    """
    wanted = {(g.satellite, g.text) for g in granules}
    held, done = Held(ledger_days(work.ledger)), ledger_days(run.ledger)
    ingested = wanted & held.days.keys()
    missing = sorted(key for key in ingested if held.changes(*key, done.get(key)))
    if missing:
        raise IncompleteError(
            f"run {run.name!r} lacks {counted(len(missing), 'satellite-day')}, first {' '.join(missing[0])}; "
            f"see: reprocess status {work.root}"
        )
    if not ingested:
        raise LedgerError(f"none of the {len(wanted)} satellite-days asked for is in the archive")
    offset = mode_of(run.read_identity() or {}).offset
    by_block: dict[tuple[str, int], list[int]] = {}
    for satellite, date in sorted(ingested):
        day = schema.day_index(date)
        by_block.setdefault((satellite, day // schema.BLOCK_DAYS), []).append(day)
    plans = [
        EvaluatePlan(work.root, run.name, s, b, tuple(days), offset, events[events["satellite"] == s])
        for (s, b), days in by_block.items()
    ]
    total = _tally_blocks(plans, where, progress)
    return total, on_days(read_events(run, list(run.ledger.done())), ingested)


def on_days(events: pd.DataFrame, days: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """Return the events of satellite-days; a table without any keeps its columns."""
    return events[pd.MultiIndex.from_frame(events[["satellite", "date"]]).isin(list(days))]


def _tally_blocks(plans: list[EvaluatePlan], where: Workers, progress: Progress) -> Tally:
    """Return the sum over all blocks, or say which of them could not be compared and why."""
    failed: list[str] = []

    def note(plan: Plan, reason: str, _trace: str) -> None:
        failed.append(f"{plan.satellite} block {plan.block}: {reason}")

    def say(tally: Tally) -> str:
        return f"{counted(tally.days, 'satellite-day')} compared"

    total = Tally.zero()
    for tally in each_block(where.client(len(plans)), tally_block, plans, "evaluate", progress, note, say):
        total += tally
    if failed:
        raise IncompleteError(
            f"{len(failed)} of {len(plans)} blocks could not be compared with the list, so there are no "
            "scores; give the same command again once this is mended:\n  " + "\n  ".join(sorted(failed))
        )
    # In which order blocks end must not matter, whatever is later chosen among equals.
    return replace(total, events=total.events.sort_values(list(TRUTH_COLUMNS), ignore_index=True))
