"""What detection does to one block: 32 days of one satellite become events and dwell.

A pure function of its plan and of what lies on disk; it writes whole parts and the receipt last, so that
doing a block twice is harmless. No Dask here: any executor can call it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reprocess import __version__, schema
from reprocess.classifier.bundle import Bundle
from reprocess.classifier.engine import Engine, get_engine
from reprocess.classifier.features import windows_at
from reprocess.detect.dwell import count_dwell
from reprocess.detect.flags import event_flags, record_flags
from reprocess.detect.plan import DetectPlan
from reprocess.detect.properties import Day, describe
from reprocess.detect.rules.mode import Found, Stretch
from reprocess.detect.series import Series
from reprocess.errors import ReprocessError
from reprocess.schema import CLASS_ARRAYS
from reprocess.schema.background import TYPICAL_BACKGROUND
from reprocess.work.parts import DWELL, EVENTS, part_path, write_part
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import ClassifiedDay, DetectReceipt
from reprocess.work.store import SatelliteStore, open_classes


@dataclass
class DayResult:
    """What detection gives for one day."""

    facts: ClassifiedDay
    columns: dict[str, list[object]]
    dwell: dict[str, np.ndarray]
    classes: dict[str, np.ndarray]
    """Rows of `classes.zarr`, if it is asked for: 0.7 MB a day."""


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
    mode = settings.rules_of_mode
    bundle, engine = get_engine(settings.model, settings.model_sha256, settings.engine)
    series = Series(work, plan.satellite, mode.arrays, plan.days)
    run.ledger.begin(plan.satellite, plan.block)
    results: dict[int, DayResult] = {}
    failed: dict[str, str] = {}
    for day in plan.days:
        stretch = series.stretch(day, mode.halo)
        try:
            results[day] = detect_day(series, day, stretch, plan, bundle, engine)
        except (ReprocessError, ImportError, MemoryError):
            raise  # of the block or this machine, not of the day
        except Exception as e:  # whatever it is costs this day only
            failed[schema.day_date(day).isoformat()] = f"{type(e).__name__}: {e}"
            if len(failed) == len(plan.days):
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


def _write_parts(run: Run, plan: DetectPlan, results: list[DayResult]) -> dict[str, str]:
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


def detect_day(
    series: Series, day: int, stretch: Stretch, plan: DetectPlan, bundle: Bundle, engine: Engine
) -> DayResult:
    """Return what detection gives for one day of a plan."""
    mode, dense = plan.settings.rules_of_mode, plan.settings.dense

    def stretch_of(halo: int) -> Stretch:
        return stretch if halo == mode.halo else series.stretch(day, halo)

    def network(flux: np.ndarray, index: np.ndarray) -> np.ndarray:
        return engine.predict(windows_at(flux, index, bundle.scaling))

    date, entry = schema.day_date(day), series.require(day)
    found = mode.find(stretch_of, network, plan.backgrounds, dense)
    own, classified = found.look.own(found.stretch), found.classified
    source = entry["source"]["sha256"]
    of_records = record_flags(found.stretch, found.look)
    flags = event_flags(found.stretch, found.look, classified.probabilities, found.events, of_records, mode)
    seen = Day(plan.satellite, date, found.stretch, found.look, classified.probabilities, source)
    columns = describe(seen, found.events, found.structures, flags, bundle.name, plan.run)
    dwell, accounts = count_dwell(found.stretch, found.look, found.events, flags, of_records, day)
    facts: ClassifiedDay = {
        "source_sha256": source,
        "records": entry["records"],
        "not_measured": int(np.count_nonzero(found.look.missing[found.stretch.own])),
        "windows_classified": int(np.count_nonzero(classified.evaluated[own])),
        "events": {name: columns["event_class"].count(name) for name in schema.EVENT_CLASSES},
    }
    facts |= accounts
    if mode.halo:
        others = {schema.day_date(other).isoformat() for other in plan.days}
        facts["neighbours"] = {d: s for d, s in found.stretch.neighbours.items() if d not in others}
        months = {day_seen[:7] for day_seen in found.stretch.firsts}
        facts["background"] = {m: plan.backgrounds.get(m, TYPICAL_BACKGROUND) for m in sorted(months)}
        facts |= _carried(found, flags)
    if entry.get("simulated"):
        facts["simulated"] = True
    if dense:
        known = classified.classes[own][classified.evaluated[own]]
        facts["class_counts"] = np.bincount(known, minlength=len(schema.CLASSES)).tolist()
    return DayResult(facts, columns, dwell, _class_rows(found) if plan.settings.classes else {})


def _carried(found: Found, flags: Mapping[str, np.ndarray]) -> ClassifiedDay:
    """Return how many of the day's first records are within an event that began before, and its flags."""
    own = found.stretch.own
    counts, bits = dict.fromkeys(found.events, 0), {}
    for name, events in found.events.items():
        for (first, last), of_event in zip(events.tolist(), flags[name].tolist(), strict=True):
            if first < own.start <= last:  # one of a class at most
                counts[name], bits[name] = min(last + 1, own.stop) - own.start, of_event
    return {"carried": counts, "carried_flags": bits} if bits else {"carried": counts}


def _class_rows(found: Found) -> dict[str, np.ndarray]:
    """Return class and probability of the day's records by window; -1 and NaN where there is none."""
    stretch, windows, own = found.stretch, found.look.windows, found.look.own(found.stretch)
    count = stretch.own.stop - stretch.own.start
    first = windows.offset + own.start - stretch.own.start
    at = slice(first, first + own.stop - own.start)
    rows = {
        name: np.full((*spec.day_shape[:-1], count), spec.fill, spec.dtype)
        for name, spec in CLASS_ARRAYS.items()
    }
    evaluated = found.classified.evaluated[own]
    rows["class"][at] = np.where(evaluated, found.classified.classes[own], -1)
    rows["probability"][:, at] = found.classified.probabilities[own].T
    return rows


def _write_classes(store: SatelliteStore, block: int, results: dict[int, DayResult]) -> dict[str, str]:
    start = schema.block_days(block).start
    return {
        name: store.write_encoded(
            name, block, {day - start: store.encode(name, one.classes[name]) for day, one in results.items()}
        )
        for name in CLASS_ARRAYS
    }
