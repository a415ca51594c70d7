"""Proof from the disk that what the ledger claims of one block is there.

Nothing is believed but the bytes: every claimed file is summed again, the records of every day are
counted, the events are looked up in the archive, and the dwell is counted anew from the archive's
positions and the events' intervals. Blocks are independent, so `audit_block` can be mapped over
any executor. Nothing is changed here; `reprocess.audit.repair` withdraws claims that do not hold.
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.audit.described import properties_troubles
from reprocess.audit.finding import FORGET, GO_ON, REDO, Finding
from reprocess.audit.positions import Kept, kept_positions, rows_trouble
from reprocess.audit.recount import dwell_troubles, event_troubles, time_trouble
from reprocess.detect.known import known_stretch
from reprocess.detect.properties import Day
from reprocess.detect.rules.mode import Look, Stretch
from reprocess.detect.rules.modes import mode_of
from reprocess.detect.series import Series
from reprocess.errors import LedgerError
from reprocess.files import find, sha256
from reprocess.schema import CLASS_ARRAYS
from reprocess.sources.local import local_identity
from reprocess.sources.remote import is_local, read_bytes
from reprocess.work.held import Held, held_near
from reprocess.work.ledger import BlockLedger, Receipt
from reprocess.work.parts import column_troubles, flags_told, part_path, read_part
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import BlockAudit, DayEntry, DetectReceipt, IngestReceipt
from reprocess.work.store import SatelliteStore, open_classes, open_records, shard_key

_NEAR = 2
"""Blocks on either side that a day's neighbours and its month's other days may lie in."""


@dataclass(frozen=True)
class AuditPlan:
    """One block to audit, in the archive and in runs."""

    work: Path
    satellite: str
    block: int
    runs: tuple[str, ...]
    sources: bool
    """Whether to read local sources again; else only size and modification time are compared."""
    content: bool = True
    """Whether to look into files besides summing them, for which the stores' metadata must be sound."""

    @property
    def days(self) -> range:
        """All days of the block: its files are looked through whole."""
        return schema.block_days(self.block)


@dataclass
class _Audit:
    """What is found while a block is looked through."""

    work: Work
    plan: AuditPlan
    findings: list[Finding] = field(default_factory=list)
    shards: int = 0
    parts: int = 0

    def add(self, path: Path | str, kind: str, expected: object, found: object, **where: Any) -> None:
        """Note a finding in this block."""
        name = path if isinstance(path, str) else path.relative_to(self.work.root).as_posix()
        finding = Finding(name, kind, str(expected), str(found), where.pop("remedy", REDO), **where)
        self.findings.append(replace(finding, satellite=self.plan.satellite, block=self.plan.block))

    def digest(self, path: Path, expected: str, **where: Any) -> bool:
        """Sum a claimed file again; tell whether it is as claimed."""
        try:
            found = sha256(path.read_bytes())
        except FileNotFoundError:
            self.add(path, "missing", f"sha256 {expected}", "no file", **where)
            return False
        if found != expected:
            self.add(path, "damaged", f"sha256 {expected}", f"sha256 {found}", **where)
        return found == expected


def plan_audit(
    work: Work, runs: Iterable[Run], sources: bool = False, content: bool = True
) -> list[AuditPlan]:
    """Return every block that a ledger speaks of or that has a file in the archive or a run."""
    runs = list(runs)
    blocks = set(work.ledger.blocks()).union(*(run.ledger.blocks() for run in runs))
    stores = [(work.archive, schema.ARCHIVE_ARRAYS), *((run.classes, CLASS_ARRAYS) for run in runs)]
    for path, arrays in stores:
        for name in arrays:
            blocks |= {(p.parts[-4], int(p.name)) for p in find(path, f"*/{name}/c/*") if p.name.isdigit()}
    names = tuple(run.name for run in runs)
    return [AuditPlan(work.root, *block, names, sources, content) for block in sorted(blocks)]


def audit_block(plan: AuditPlan) -> BlockAudit:
    """Check everything that the ledgers claim of one block.

    Returns
    -------
    BlockAudit
    """
    work = Work(plan.work)
    audit = _Audit(work, plan)
    ingested = _audit_ingest(audit)
    for name in plan.runs:
        _audit_detect(audit, work.run(name), ingested)
    return {
        "stage": "audit",
        "satellite": plan.satellite,
        "block": plan.block,
        "findings": [asdict(f) for f in audit.findings],
        "shards": audit.shards,
        "parts": audit.parts,
        "days": ingested["days"] if ingested else {},
    }


def _claimed(
    audit: _Audit, ledger: BlockLedger[Receipt], files: Collection[Path], stage: str, run: str = ""
) -> Receipt | None:
    """Return the block's receipt if it claims anything, and name it if it was left half-written."""
    path = ledger.path(audit.plan.satellite, audit.plan.block)
    try:
        receipt = ledger.read(audit.plan.satellite, audit.plan.block)
    except LedgerError as e:
        audit.add(path, "damaged", "a receipt in JSON", e, stage=stage, run=run)
        return None
    if receipt is not None and receipt["state"] == "done":
        return receipt
    written = sum(file.exists() for file in files)
    if receipt is not None or written:
        state = "no receipt" if receipt is None else f"state {receipt['state']!r}"
        found = f"{state}, {written} of {len(files)} files"
        audit.add(path, "unfinished", "a receipt of a block that is done", found, remedy=GO_ON, run=run)
    return None


def _audit_ingest(audit: _Audit) -> IngestReceipt | None:
    """Check a block of the archive; return its receipt if all of it can be relied on."""
    work, satellite, block = audit.work, audit.plan.satellite, audit.plan.block
    specs = schema.ARCHIVE_ARRAYS
    paths = {name: work.archive / shard_key(spec, satellite, block) for name, spec in specs.items()}
    receipt = _claimed(audit, work.ledger, paths.values(), "ingest")
    if receipt is None:
        return None
    before = len(audit.findings)
    for name, path in paths.items():
        audit.shards += 1
        audit.digest(path, receipt["outputs"].get(name, "(not in the receipt)"), stage="ingest")
    if len(audit.findings) == before and audit.plan.content:
        _audit_days(audit, receipt)
    sound = len(audit.findings) == before
    for entry in receipt["days"].values():
        _audit_source(audit, entry)
    return receipt if sound else None


def _audit_days(audit: _Audit, receipt: IngestReceipt) -> None:
    """Hold the archive's days against the ledger's."""
    span = schema.block_days(audit.plan.block)
    store = open_records(audit.work, audit.plan.satellite)
    names = ("time", *(spec.name for spec in schema.DAY_ARRAYS))
    rows = {name: store.read(name, span.start, span.stop) for name in names}

    def differs(name: str, date: str, expected: object, found: object) -> None:
        path = store.shard_path(name, audit.plan.block)
        audit.add(path, "contradiction", f"{expected} on {date}", found, stage="ingest")

    for i, day in enumerate(span):
        date = schema.day_date(day).isoformat()
        entry = receipt["days"].get(date)
        expected = _day_values(entry)
        for name, value in expected.items():
            found = bytes(rows[name][i]).hex() if name == "source_digest" else int(rows[name][i])
            if found != value:
                differs(name, date, value, found)
        if trouble := time_trouble(rows["time"][i], expected["record_count"], day):
            differs("time", date, f"{max(expected['record_count'], 0)} increasing times in the day", trouble)


def _day_values(entry: DayEntry | None) -> dict[str, Any]:
    """Return what the arrays with one value per day must hold."""
    if entry is None:
        values = (schema.STATUS["not_ingested"], -1, "")
    else:
        values = (schema.STATUS[entry["status"]], entry.get("records", 0), entry["source"].get("sha256", ""))
    status, count, digest = values
    return {"status": status, "record_count": count, "source_digest": digest or bytes(32).hex()}


def _audit_source(audit: _Audit, entry: DayEntry) -> None:
    """Look whether a local source that is still there is what was read."""
    source = cast(dict[str, Any], entry["source"])
    now = local_identity(source["url"], source["version"]) if is_local(source["url"]) else None
    if now is None or "sha256" not in source:
        return
    changed = {key: value for key, value in now.items() if source[key] != value}
    if changed:
        expected = ", ".join(f"{key} {source[key]}" for key in changed)
        found = ", ".join(f"{key} {value}" for key, value in changed.items())
        remedy = "the next reprocess run reads it again"
        audit.add(source["url"], "stale", expected, found, remedy=remedy)
    elif audit.plan.sources:
        found = sha256(read_bytes(source["url"]))
        if found != source["sha256"]:
            expected = f"sha256 {source['sha256']}"
            audit.add(source["url"], "stale", expected, f"sha256 {found}", stage="ingest")


def _audit_detect(audit: _Audit, run: Run, ingested: IngestReceipt | None) -> None:
    """Check a block of a run; its content only if the archive's block can be relied on."""
    satellite, block = audit.plan.satellite, audit.plan.block
    parts = {kind: part_path(run.root / kind, satellite, block) for kind in ("events", "dwell")}
    receipt = _claimed(audit, run.ledger, parts.values(), "detect", run.name)
    if receipt is None:
        return
    kept = _audit_positions(audit, run, receipt)
    where = {"stage": "detect", "run": run.name}
    before = len(audit.findings)
    for kind, path in parts.items():
        audit.parts += 1
        if audit.digest(path, receipt["outputs"].get(kind, "(not in the receipt)"), **where):
            for expected, found in column_troubles(path, kind):
                audit.add(path, "contradiction", expected, found, **where)
    for name, digest in receipt["outputs"].get("classes", {}).items():
        audit.shards += 1
        audit.digest(run.classes / shard_key(CLASS_ARRAYS[name], satellite, block), digest, **where)
    if len(audit.findings) == before and ingested is not None and audit.plan.content:
        _audit_content(audit, run, receipt, kept)


def _audit_positions(audit: _Audit, run: Run, receipt: DetectReceipt) -> list[Kept]:
    """Name position parts that are not what a map wrote; return those whose rows can be counted again."""
    sound = []
    for path, found in kept_positions(run, receipt):
        audit.parts += 1
        if isinstance(found, Kept):
            sound.append(found)
        else:
            audit.add(path, *found, remedy=FORGET, stage="positions", run=run.name)
    return sound


def _audit_content(audit: _Audit, run: Run, receipt: DetectReceipt, kept: list[Kept]) -> None:
    """Hold a block's events, dwell and kept positions against the archive."""
    satellite, block = audit.plan.satellite, audit.plan.block
    identity = run.read_identity() or {}
    mode = mode_of(identity)
    classes = open_classes(run, satellite) if "classes" in receipt["outputs"] else None
    paths = {kind: part_path(run.root / kind, satellite, block) for kind in ("events", "dwell")}
    parts = {kind: read_part(path, receipt["outputs"][kind]) for kind, path in paths.items()}
    tables = {kind: part.to_pandas() for kind, part in parts.items()}
    told = {kind: flags_told(part.schema) for kind, part in parts.items()}

    def differs(kind: str, expected: object, found: object) -> None:
        audit.add(paths[kind], "contradiction", expected, found, stage="detect", run=run.name)

    strange = set(tables["events"]["date"]) - receipt["days"].keys()
    if strange:
        differs("events", "dates of the block's receipt", ", ".join(sorted(strange)))
    days = _current_days(audit, run, receipt)
    series = Series(audit.work, satellite, mode.arrays, days, sound=(block,))
    for day in days:
        date = schema.day_date(day)
        facts = receipt["days"][date.isoformat()]
        events = tables["events"][tables["events"]["date"] == date.isoformat()]
        dwell = tables["dwell"][tables["dwell"]["day"] == day]
        stretch = known_stretch(series, day, mode, events)
        look = mode.look(stretch)
        known = _kept_probabilities(classes, day, stretch, look)
        seen = Day(satellite, date, stretch, look, known, facts["source_sha256"])
        names = identity["model"], run.name
        troubles = list(event_troubles(events, facts, seen, mode, names, told["events"]))
        for expected, found in troubles:
            differs("events", f"{expected} on {date}", found)
        for expected, found in dwell_troubles(dwell, events, facts, seen, told["dwell"], not troubles):
            differs("dwell", f"{expected} on {date}", found)
        for part in [] if troubles else list(kept):
            if trouble := rows_trouble(part, day, stretch, look, events, facts):
                where = {"remedy": FORGET, "stage": "positions", "run": run.name}
                audit.add(part.path, "contradiction", f"{trouble[0]} on {date}", trouble[1], **where)
                kept.remove(part)
    if len(days) == len(receipt["days"]):
        _audit_properties(audit, run, receipt, tables["events"])


def _audit_properties(audit: _Audit, run: Run, receipt: DetectReceipt, events: pd.DataFrame) -> None:
    """Hold some of the properties of a block's events against the archive, if they were described."""
    path = part_path(run.properties, audit.plan.satellite, audit.plan.block)
    held = _held(audit)
    for kind, expected, found in properties_troubles(audit.work, run, receipt, events, held):
        again = f"reprocess describe WORK --run {run.name} makes it again"
        remedy = again if kind in {"outdated", "damaged"} else f"delete it; {again}"
        audit.add(path, kind, expected, found, remedy=remedy, run=run.name)


def _held(audit: _Audit) -> Held:
    """Return what the archive has of the block and beside it."""
    block = audit.plan.block
    near = range(max(block - _NEAR, 0), block + _NEAR + 1)
    return held_near(audit.work.ledger, audit.plan.satellite, near)


def _current_days(audit: _Audit, run: Run, receipt: DetectReceipt) -> list[int]:
    """Return the days that were classified as they and what they depend on are in the archive now.

    The others are named.
    """
    satellite, block = audit.plan.satellite, audit.plan.block
    path = part_path(run.events, satellite, block)
    held = _held(audit)
    current = []
    for date, facts in receipt["days"].items():
        changes = held.changes(satellite, date, facts)
        for now, then in changes:
            audit.add(path, "outdated", now, then, remedy=GO_ON, run=run.name)
        if not changes:
            current.append(schema.day_index(date))
    return current


def _kept_probabilities(kept: SatelliteStore | None, day: int, stretch: Stretch, look: Look) -> np.ndarray:
    """Return the probabilities of a stretch's windows, shape (m, 3); NaN where the run keeps none."""
    known = np.full((look.windows.count, len(schema.CLASSES)), np.nan, np.float32)
    if kept is not None:
        own = look.own(stretch)
        stored = kept.read_day(day, stretch.own.stop - stretch.own.start, ("probability",))["probability"]
        first = look.windows.offset + own.start - stretch.own.start
        known[own] = stored[:, first : first + own.stop - own.start].T
    return known
