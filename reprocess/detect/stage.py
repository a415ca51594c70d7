"""Detection over the whole archive: which blocks have days to classify, and where they are classified.

One task per block. The array that Dask maps over holds one plan per block; a task opens the Zarr
archive lazily, reads only the days that exist, writes its results itself and returns a small
record, so neither data nor models pass through the scheduler.
"""

from collections.abc import Iterable

from reprocess import __version__, schema
from reprocess.classifier.bundle import load_bundle
from reprocess.detect.background import count_background
from reprocess.detect.plan import DetectPlan, Settings
from reprocess.execution.mapping import Progress, map_blocks
from reprocess.execution.share import Share, client_of, noting, own
from reprocess.execution.workers import Workers
from reprocess.files import locked
from reprocess.schema import CLASS_ARRAYS
from reprocess.schema.granules import Granule, block_of
from reprocess.work.asked import merge_asked
from reprocess.work.held import Held
from reprocess.work.paths import Run, Work
from reprocess.work.status import ledger_days

_AROUND = 28
"""Days before and after one that records of a neighbour can be of, with something to spare."""


def plan_detect(work: Work, run: Run, settings: Settings, granules: Iterable[Granule]) -> list[DetectPlan]:
    """Return the blocks with days that are ingested but not classified as they are now.

    A block is classified whole: days that the run already has stay in it, and days that the
    archive has lost (their file was replaced by a bad one) leave it.
    """
    held, done = Held(ledger_days(work.ledger)), ledger_days(run.ledger)
    wanted: dict[tuple[str, int], set[str]] = {}
    for g in granules:
        if (g.satellite, g.text) in held.days:
            wanted.setdefault(block_of(g), set()).add(g.text)
    for satellite, date in done:
        wanted.setdefault((satellite, schema.day_index(date) // schema.BLOCK_DAYS), set()).add(date)
    plans = []
    for (satellite, block), dates in sorted(wanted.items()):
        if any(held.changes(satellite, d, done.get((satellite, d))) for d in dates):
            present = sorted(d for d in dates if (satellite, d) in held.days)
            days = tuple(map(schema.day_index, present))
            backgrounds = {m: held.background(satellite, m) for m in months_near(days)}
            plans.append(DetectPlan(work.root, run.name, satellite, block, days, settings, backgrounds))
    return plans


def months_near(days: Iterable[int]) -> list[str]:
    """Return the months (YYYY-MM) of these days and of the days around them."""
    near = {max(min(day + step, schema.DAYS - 1), 0) for day in days for step in (-_AROUND, 0, _AROUND)}
    return sorted({f"{schema.day_date(day):%Y-%m}" for day in near})


def claim(run: Run, settings: Settings) -> None:
    """Create a run, or make sure that an existing one was made with the same settings.

    The model's card is kept with the run, less its evaluations, which change with time: a page
    about the run must not depend on which models are on the machine that writes it.

    Raises
    ------
    LedgerError
        If it was made with another model, mode, engine or version of the code.
    """
    run.claim(
        {
            "model": settings.model.name,
            "model_sha256": settings.model_sha256,
            "mode": settings.mode,
            "rules": settings.rules_of_mode.as_dict(),
            "engine": settings.engine,
            "classes": settings.classes,
            "dense": settings.dense,
            "code_version": __version__,
        }
    )
    card = load_bundle(settings.model).card
    run.describe({"model_card": {k: v for k, v in card.items() if k != "evaluations"}})


def detect(
    work: Work,
    run: Run,
    settings: Settings,
    granules: list[Granule],
    where: Workers | Share,
    progress: Progress,
) -> None:
    """Classify ingested satellite-days; failed blocks are noted in the ledger.

    `reprocess.maps.stage.sum_up` makes the exposure of what all blocks left.

    Parameters
    ----------
    work : Work
    run : Run
    settings : Settings
    granules : list of Granule
        What is asked for.
    where : Workers or Share
        Workers for all blocks, or the share of the blocks to do in this process.
    progress : Progress

    Raises
    ------
    LedgerError
        As `claim`.
    """
    claim(run, settings)
    merge_asked(run.asked, granules)
    count_background(work, granules, where, progress)
    plans = own(plan_detect(work, run, settings, granules), where)
    if plans:
        from reprocess.detect.block import detect_block

        client = client_of(where, plans)
        if settings.classes:
            from reprocess.work.store import require_store
            from reprocess.work.whole import CLASSES_TITLE

            satellites = sorted({p.satellite for p in plans})
            with locked(run.classes):
                require_store(run.classes, satellites, CLASS_ARRAYS, CLASSES_TITLE)
        map_blocks(client, detect_block, plans, "detect", progress, noting(run.ledger))
        run.ledger.forget((p.satellite, p.block) for p in plans)
