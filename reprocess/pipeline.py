"""The stages over the whole archive: plan, run blocks on Dask, sum up.

One task per block. The array that Dask maps over holds one plan per block; a task opens the Zarr
archive lazily, reads only the days that exist, writes its results itself and returns a small
record, so neither data nor models pass through the scheduler.
"""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from distributed import Client, Semaphore, as_completed

from reprocess import __version__, schema
from reprocess.audit.block import (
    FALSE,
    Finding,
    audit_block,
    audit_run,
    audit_stores,
    plan_audit,
    unlisted_runs,
)
from reprocess.classifier.bundle import load_bundle
from reprocess.detect.block import DetectPlan, Settings, detect_block
from reprocess.detect.rules.published import MODES
from reprocess.errors import LedgerError
from reprocess.evaluation.tally import EvaluatePlan, Tally, tally_block
from reprocess.execution.cluster import Cluster
from reprocess.execution.mapping import Note, Plan, Progress, map_blocks
from reprocess.files import locked
from reprocess.ingest.block import IngestPlan, ingest_block
from reprocess.maps.exposure import write_exposure
from reprocess.maps.occurrence import occurrence, write_occurrence
from reprocess.maps.plot import plot_occurrence
from reprocess.schema import CLASS_ARRAYS
from reprocess.schema.granules import Granule
from reprocess.schema.grid import Grid
from reprocess.sources.remote import is_web
from reprocess.sources.web import CONNECTIONS
from reprocess.work.asked import merge_asked
from reprocess.work.ledger import BlockLedger, Record, source_digest
from reprocess.work.parts import read_events
from reprocess.work.paths import Run, Work
from reprocess.work.status import detected, is_current, lacking, ledger_days, survey
from reprocess.work.store import ARCHIVE_TITLE, CLASSES_TITLE, create_store

AnyPlan = TypeVar("AnyPlan", IngestPlan, DetectPlan)


@dataclass(frozen=True)
class Share:
    """One of several shares of all blocks, for jobs that run without a Dask scheduler.

    Which share a block is in depends on nothing but the block, so that jobs which start at
    different times, and see different listings of the archive, never work on one block at once.
    """

    number: int
    """From 1."""
    of: int

    def holds(self, satellite: str, block: int) -> bool:
        """Tell whether a block is in this share."""
        return (list(schema.SATELLITES).index(satellite) * _STRIDE + block) % self.of == self.number - 1

    def select(self, granules: Iterable[Granule]) -> list[Granule]:
        """Return the satellite-days of the blocks in this share."""
        return [g for g in granules if self.holds(*_block_of(g))]

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


_STRIDE = 107
"""About as many blocks as a satellite has in the archive: hardly two in one share where shares are many."""


def plan_ingest(
    work: Work, granules: Iterable[Granule], storage: Mapping[str, Any] | None = None
) -> list[IngestPlan]:
    """Return the blocks that hold new or changed satellite-days, or were never finished.

    `storage` holds the options of the archive's file system, as of fsspec.
    """
    days = ledger_days(work.ledger)
    stale = [g for g in granules if not is_current(g, days.get((g.satellite, g.date.isoformat())))]
    return [
        IngestPlan(work.root, satellite, block, tuple(group), storage or {})
        for (satellite, block), group in groupby(sorted(stale), key=_block_of)
    ]


def ingest(
    work: Work,
    granules: list[Granule],
    where: Cluster | Share,
    progress: Progress,
    storage: Mapping[str, Any] | None = None,
    connections: int = CONNECTIONS,
) -> None:
    """Read satellite-days into the archive; blocks that fail are noted in the ledger.

    Parameters
    ----------
    work : Work
    granules : list of Granule
        What is asked for; all of it is noted, whatever the share.
    where : Cluster or Share
        Workers for all blocks, or the share of the blocks to do in this process.
    progress : Progress
    storage : mapping, optional
        Options of the archive's file system, as of fsspec.
    connections : int
        Blocks that read from a web server at a time, one file each, whatever the number of workers.
        A share reads one file at a time, and does not know of the others.
    """
    merge_asked(work.asked, granules)
    plans = _own(plan_ingest(work, granules, storage), where)
    if plans:
        satellites = sorted({p.satellite for p in plans})
        with locked(work.archive):
            create_store(work.archive, satellites, schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)
        client = _client(where)
        read = _reader(plans, connections) if client else ingest_block
        map_blocks(client, read, plans, "ingest", progress, _noting(work.ledger))


def _reader(plans: Sequence[IngestPlan], connections: int) -> Callable[[IngestPlan], Record]:
    """Return what ingests a block, with no more of them reading from web servers at a time than allowed."""
    if not any(is_web(g.url) for p in plans for g in p.granules):
        return ingest_block
    shared = Semaphore(max_leases=connections, name=f"connections-{uuid.uuid4().hex}")
    return partial(_ingest_connected, shared=shared)


def _ingest_connected(plan: IngestPlan, shared: Semaphore) -> Record:
    with shared:
        return ingest_block(plan)


def plan_detect(work: Work, run: Run, settings: Settings, granules: Iterable[Granule]) -> list[DetectPlan]:
    """Return the blocks with days that are ingested but not classified as they are now.

    A block is classified whole: days that the run already has stay in it, and days that the
    archive has lost (their file was replaced by a bad one) leave it.
    """
    ingested = {key: entry for key, entry in ledger_days(work.ledger).items() if entry["status"] == "ok"}
    done = ledger_days(run.ledger)
    wanted: dict[tuple[str, int], set[str]] = {}
    for g in granules:
        if (g.satellite, g.date.isoformat()) in ingested:
            wanted.setdefault(_block_of(g), set()).add(g.date.isoformat())
    for satellite, date in done:
        wanted.setdefault((satellite, schema.day_index(_date(date)) // schema.BLOCK_DAYS), set()).add(date)
    plans = []
    for (satellite, block), dates in sorted(wanted.items()):
        present = sorted(d for d in dates if (satellite, d) in ingested)
        current = [d for d in dates if detected(done.get((satellite, d)), ingested.get((satellite, d)))]
        if len(current) < len(dates):
            days = tuple(schema.day_index(_date(d)) for d in present)
            plans.append(DetectPlan(work.root, run.name, satellite, block, days, settings))
    return plans


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
            "rules": asdict(MODES[settings.mode]),
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
    where: Cluster | Share,
    progress: Progress,
) -> None:
    """Classify ingested satellite-days; failed blocks are noted in the ledger.

    The exposure is summed up too, but not for a share: other processes write other shares, and
    `make_map` sums up what all of them left.

    Parameters
    ----------
    work : Work
    run : Run
    settings : Settings
    granules : list of Granule
        What is asked for.
    where : Cluster or Share
        Workers for all blocks, or the share of the blocks to do in this process.
    progress : Progress

    Raises
    ------
    LedgerError
        As `claim`.
    """
    claim(run, settings)
    plans = _own(plan_detect(work, run, settings, granules), where)
    if plans:
        if settings.classes:
            satellites = sorted({p.satellite for p in plans})
            with locked(run.classes):
                create_store(run.classes, satellites, CLASS_ARRAYS, CLASSES_TITLE)
        map_blocks(_client(where), detect_block, plans, "detect", progress, _noting(run.ledger))
    if not isinstance(where, Share):
        sum_up(run)


def sum_up(run: Run) -> list[Record]:
    """Bring the exposure up to date with the done blocks, and return their records."""
    records = list(run.ledger.done())
    if run.outdated("exposure", records):
        write_exposure(run, records)
        run.made("exposure", records)
    days = sum(len(record["days"]) for record in records)
    run.describe({"source_digest": source_digest(records), "satellite_days": days})
    return records


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
        day = schema.day_index(_date(date))
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


def make_map(work: Work, run: Run, grid: Grid, min_dwell_s: float) -> list[Path]:
    """Write `occurrence.nc` and the plots of a run's done blocks; return the files.

    What the map lacks is counted in the file's attributes.

    Raises
    ------
    LedgerError
        If nothing is done, or a part is missing or damaged.
    """
    records = sum_up(run)
    dataset = occurrence(run, records, grid, min_dwell_s)
    dataset = dataset.assign_attrs(lacking(survey(work), run.name))
    write_occurrence(run, dataset)
    run.made("occurrence", records)
    return [run.occurrence, *plot_occurrence(dataset, run.root)]


def audit(
    work: Work, runs: Sequence[Run], cluster: Cluster | None, progress: Progress, sources: bool = False
) -> tuple[list[Finding], Counter[str]]:
    """Prove from the disk what the ledgers of the archive and of these runs claim.

    Parameters
    ----------
    work : Work
    runs : sequence of Run
    cluster : Cluster, optional
        Where blocks are audited; in this process by default.
    progress : Progress
    sources : bool
        Whether to read local sources again.

    Returns
    -------
    tuple of list of Finding and Counter
        What is not as claimed, and how many blocks, shards, parts and satellite-days were checked.
    """
    findings = audit_stores(work, runs)
    metadata_sound = not any(f.stage == "metadata" for f in findings)
    plans = plan_audit(work, runs, sources, metadata_sound)

    def note(plan: Plan, reason: str, _trace: str) -> None:
        path = f"{plan.satellite} block {plan.block}"
        findings.append(Finding(path, "unaudited", "an audited block", reason, "see the reason"))

    results: list[Record] = []
    if cluster is None:
        results = [audit_block(plan) for plan in plans]
    elif plans:
        results = map_blocks(cluster.client(), audit_block, plans, "audit", progress, note)
    findings += [Finding(**f) for result in results for f in result["findings"]]
    for run in runs:
        sound = metadata_sound and not any(f.run == run.name and f.kind in FALSE for f in findings)
        findings += audit_run(work, run, sound)
    counts = Counter({"blocks": len(results), "satellite_days": sum(len(r["days"]) for r in results)})
    for key in ("shards", "parts"):
        counts[key] = sum(result[key] for result in results)
    return sorted(findings + unlisted_runs(work)), counts


def _own(plans: list[AnyPlan], where: Cluster | Share) -> list[AnyPlan]:
    """Return the plans to carry out here."""
    return [p for p in plans if where.holds(p.satellite, p.block)] if isinstance(where, Share) else plans


def _client(where: Cluster | Share) -> Client | None:
    """Return what maps over blocks; a share is done in this process."""
    return None if isinstance(where, Share) else where.client()


def _noting(ledger: BlockLedger) -> Note:
    return lambda plan, reason, trace: ledger.fail(plan.satellite, plan.block, reason, trace)


def _block_of(granule: Granule) -> tuple[str, int]:
    return granule.satellite, granule.day // schema.BLOCK_DAYS


def _date(date: str) -> dt.date:
    return dt.date.fromisoformat(date)
