"""What detection does to one block: 32 days of one satellite become events and dwell.

A pure function of its plan and of what lies on disk; it writes whole parts and the receipt last, so that
doing a block twice is harmless. No Dask here: any executor can call it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reprocess import __version__, schema
from reprocess.classifier.bundle import Bundle
from reprocess.classifier.engine import Engine, get_engine
from reprocess.classifier.features import Windows, windows_at
from reprocess.detect.properties import ARRAYS, Day, describe
from reprocess.detect.rules.published import MODES, Stages, find_events, in_L_range, repair_L
from reprocess.detect.rules.sparse import Classified, classify, wanted_windows
from reprocess.errors import ReprocessError, StoreError
from reprocess.schema import CLASS_ARRAYS
from reprocess.schema.grid import FINE
from reprocess.schema.measurements import not_measured
from reprocess.work.parts import DWELL, EVENTS, part_path, write_part
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import ClassifiedDay, DayEntry, DetectReceipt
from reprocess.work.store import SatelliteStore, open_classes, open_records


@dataclass(frozen=True)
class Settings:
    """What a run is made with."""

    model: Path
    """Folder of the bundle, on a file system that the workers see."""
    model_sha256: str
    mode: str
    """One of `published.MODES`."""
    engine: str
    """One of `classifier.engine.ENGINES`."""
    classes: bool
    """Whether to keep class and probabilities of every record; needs `dense`."""
    dense: bool
    """Whether to classify every window, not only those that events depend on."""


@dataclass(frozen=True)
class DetectPlan:
    """One block to classify."""

    work: Path
    run: str
    satellite: str
    block: int
    days: tuple[int, ...]
    """Positions on the `day` axis, all of them ingested."""
    settings: Settings


@dataclass
class _DayResult:
    """What detection gives for one day."""

    windows: Windows
    facts: ClassifiedDay
    columns: dict[str, list[object]]
    dwell: dict[str, np.ndarray]
    classified: Classified | None
    """Kept only if `classes.zarr` is asked for: 0.7 MB a day."""


def detect_block(plan: DetectPlan) -> DetectReceipt:
    """Classify a block's days and write its events and dwell.

    Returns
    -------
    dict
        The receipt: per day the source's sha256 and what became of its records; the sha256
        of each output; days that raised an error, which the next run tries again, with that.
    """
    work = Work(plan.work)
    run = work.run(plan.run)
    settings = plan.settings
    bundle, engine = get_engine(settings.model, settings.model_sha256, settings.engine)
    store = open_records(work, plan.satellite)
    ingested = work.ledger.read(plan.satellite, plan.block)
    run.ledger.begin(plan.satellite, plan.block)
    if ingested is not None:
        store.verify(plan.block, {k: v for k, v in ingested["outputs"].items() if k in ARRAYS})
    entries = _entries(store, ingested["days"] if ingested else {}, plan.days)
    counts = {day: entry["records"] for day, entry in entries.items()}
    results: dict[int, _DayResult] = {}
    failed: dict[str, str] = {}
    for day, records in store.read_days(counts, ARRAYS):
        try:
            results[day] = _detect_day(records, day, entries[day], plan, bundle, engine)
        except (ReprocessError, ImportError, MemoryError):
            raise  # of the block or this machine, not of the day
        except Exception as e:  # whatever it is costs this day only
            failed[schema.day_date(day).isoformat()] = f"{type(e).__name__}: {e}"
            if len(failed) == len(counts):
                raise
    outputs: dict[str, object] = {**_write_parts(run, plan, list(results.values()))}
    if settings.classes:
        outputs["classes"] = _write_classes(open_classes(run, plan.satellite), plan.block, results)
    receipt: DetectReceipt = {
        "stage": "detect",
        "satellite": plan.satellite,
        "block": plan.block,
        "code_version": __version__,
        "days": {schema.day_date(day).isoformat(): r.facts for day, r in results.items()},
        "outputs": outputs,
    }
    if failed:
        receipt["failed"] = failed
    run.ledger.commit(receipt)
    return receipt


def _write_parts(run: Run, plan: DetectPlan, results: list[_DayResult]) -> dict[str, str]:
    """Write the events and the dwell of a block's days; return the sha256 of each part."""
    events = {name: [x for one in results for x in one.columns[name]] for name in schema.EVENT_COLUMNS}
    dwell = {
        name: np.concatenate([one.dwell[name] for one in results] or [np.empty(0, np.int32)])
        for name in DWELL.names
    }
    return {
        "events": write_part(part_path(run.events, plan.satellite, plan.block), events, EVENTS),
        "dwell": write_part(part_path(run.dwell, plan.satellite, plan.block), dwell, DWELL),
    }


def _entries(
    store: SatelliteStore, ingested: dict[str, DayEntry], days: tuple[int, ...]
) -> dict[int, DayEntry]:
    """Return the ledger's entries of these days, having compared their counts with the archive's."""
    entries = {day: ingested[schema.day_date(day).isoformat()] for day in days}
    for day, entry in entries.items():
        stored = int(store.read("record_count", day, day + 1)[0])
        if stored != entry["records"]:
            raise StoreError(
                f"{store.path} holds {stored} records on {schema.day_date(day)}, its ledger says "
                f"{entry['records']}; {store.remedy(day)}"
            )
    return entries


def _detect_day(
    records: dict[str, np.ndarray],
    day: int,
    entry: DayEntry,
    plan: DetectPlan,
    bundle: Bundle,
    engine: Engine,
) -> _DayResult:
    digest, simulated = entry["source"]["sha256"], entry.get("simulated", False)
    flux, rules = records["electron_flux"], MODES[plan.settings.mode]
    L = repair_L(records["L_IGRF"], rules)
    in_range, windows = in_L_range(L), rules.windows(L.size)
    missing = not_measured(records)
    possible = windows.clear_of(missing)
    wanted = possible if plan.settings.dense else wanted_windows(in_range, flux[0, 3], rules)

    def classifier(index: np.ndarray) -> np.ndarray:
        return engine.predict(windows_at(flux, index, bundle.scaling))

    found = classify(classifier, wanted, rules, possible)
    stages = find_events(found.classes, in_range, flux, rules)
    seen = Day(plan.satellite, schema.day_date(day), records, found.probabilities, windows, digest, simulated)
    columns = describe(seen, stages, L, bundle.name, plan.run)
    dwell, accounts = _dwell(records, stages, day, windows, possible)
    facts: ClassifiedDay = {
        "source_sha256": digest,
        "records": L.size,
        "not_measured": int(np.count_nonzero(missing)),
        "windows_classified": int(np.count_nonzero(found.evaluated)),
        "events": {name: len(s.final) for name, s in stages.items()},
    }
    facts |= accounts
    if simulated:
        facts["simulated"] = True
    if plan.settings.dense:
        known = found.classes[found.evaluated]
        facts["class_counts"] = np.bincount(known, minlength=len(schema.CLASSES)).tolist()
    return _DayResult(windows, facts, columns, dwell, found if plan.settings.classes else None)


def _dwell(
    records: dict[str, np.ndarray],
    stages: dict[str, Stages],
    day: int,
    windows: Windows,
    possible: np.ndarray,
) -> tuple[dict[str, np.ndarray], ClassifiedDay]:
    """Count classifiable records, and those within events, per cell of the fine grid.

    A record is classifiable if a window without missing records stands for it. Every one of them is
    either in exactly one cell, or outside the grid, or without valid L and MLT; the three counts are
    returned too.
    """
    seen = windows.offset + np.flatnonzero(possible)
    cell = FINE.cell(*(records[name][seen] for name in ("L_IGRF", "MLT", "latitude")))
    inside = cell[cell >= 0]
    counts = {"records": np.bincount(inside, minlength=FINE.cells)}
    for name, found in stages.items():
        flagged = np.zeros(windows.records, bool)
        for first, last in found.final:
            flagged[first : last + 1] = True
        hit = cell[flagged[seen]]
        counts[f"records_{name}"] = np.bincount(hit[hit >= 0], minlength=FINE.cells)
    visited = np.flatnonzero(counts["records"])
    columns = {name: values[visited].astype(np.int32) for name, values in counts.items()}
    columns |= {"day": np.full(visited.size, day, np.int32), "cell": visited.astype(np.int32)}
    return columns, {
        "classifiable": int(cell.size),
        "in_grid": int(inside.size),
        "outside_grid": int(np.count_nonzero(cell == -1)),
        "invalid_position": int(np.count_nonzero(cell == -2)),
    }


def _write_classes(store: SatelliteStore, block: int, results: dict[int, _DayResult]) -> dict[str, str]:
    span = schema.block_days(block)
    rows = {
        name: np.full((len(span), *(3,) * (name == "probability"), schema.RECORDS), spec.fill, spec.dtype)
        for name, spec in CLASS_ARRAYS.items()
    }
    for day, result in results.items():
        if result.classified is not None:
            own = result.windows.seen
            found = result.classified
            rows["class"][day - span.start, own] = np.where(found.evaluated, found.classes, -1)
            rows["probability"][day - span.start, :, own] = result.classified.probabilities.T
    return {name: store.write(name, span.start, values) for name, values in rows.items()}
