"""A run held against the truth on all its satellite-days."""

from collections.abc import Iterable

import pandas as pd
from distributed import as_completed

from reprocess import schema
from reprocess.errors import LedgerError
from reprocess.evaluation.tally import EvaluatePlan, Tally, tally_block
from reprocess.execution.cluster import Cluster
from reprocess.execution.mapping import Progress
from reprocess.schema.granules import Granule
from reprocess.work.parts import read_events
from reprocess.work.paths import Run, Work
from reprocess.work.status import detected, ledger_days


def tally_run(
    work: Work,
    run: Run,
    events: pd.DataFrame,
    granules: Iterable[Granule],
    cluster: Cluster,
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
        If the run is not complete for these days, or none of them is in the archive.
    """
    wanted = {(g.satellite, g.date.isoformat()) for g in granules}
    sources, done = ledger_days(work.ledger), ledger_days(run.ledger)
    ingested = {key for key in wanted & sources.keys() if sources[key]["status"] == "ok"}
    missing = sorted(key for key in ingested if not detected(done.get(key), sources[key]))
    if missing:
        raise LedgerError(
            f"run {run.name!r} lacks {len(missing)} satellite-days, first {' '.join(missing[0])}; "
            f"see: reprocess status {work.root}"
        )
    if not ingested:
        raise LedgerError(f"none of the {len(wanted)} satellite-days asked for is in the archive")
    mode = str((run.read_identity() or {})["mode"])
    by_block: dict[tuple[str, int], list[int]] = {}
    for satellite, date in sorted(ingested):
        day = schema.day_index(date)
        by_block.setdefault((satellite, day // schema.BLOCK_DAYS), []).append(day)
    plans = [
        EvaluatePlan(work.root, run.name, s, b, tuple(days), mode, events[events["satellite"] == s])
        for (s, b), days in by_block.items()
    ]
    client = cluster.client()
    progress.begin("evaluate", plans, client)
    futures = client.map(tally_block, plans, pure=False)
    by_key = {future.key: plan for future, plan in zip(futures, plans, strict=True)}
    total = Tally.zero()
    for future in as_completed(futures):
        total += future.result()
        progress.done(by_key[future.key], f"{total.days} satellite-days compared")
        future.release()
    found = read_events(run, list(run.ledger.done()))
    return total, found[[key in ingested for key in zip(found["satellite"], found["date"], strict=True)]]
