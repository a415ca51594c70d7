"""The audit of what belongs to no single block: metadata of the stores, stray files, exposure and maps."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from reprocess import schema
from reprocess.audit.block import plan_audit
from reprocess.audit.finding import DELETE, FALSE, FORGET, REDO, Finding
from reprocess.audit.metadata import audit_metadata
from reprocess.errors import LedgerError
from reprocess.files import files_under, find, is_foreign, tree_sha256
from reprocess.maps.exposure import compare_exposure
from reprocess.maps.occurrence import compare_occurrence
from reprocess.maps.sums import compare_sums
from reprocess.schema import CLASS_ARRAYS
from reprocess.work.layout import metadata_files
from reprocess.work.parts import part_path
from reprocess.work.paths import SUMS, Run, Sum, Work
from reprocess.work.receipts import DetectReceipt
from reprocess.work.store import shard_key
from reprocess.work.whole import ARCHIVE_TITLE, CLASSES_TITLE

_DELETE_SUMS = "reprocess audit WORK --repair deletes it; reprocess map makes it again, and the map"
_POSITION_PART = "positions/*/satellite=*/block-[0-9][0-9][0-9][0-9].parquet"


def audit_stores(work: Work, runs: Iterable[Run]) -> list[Finding]:
    """Check what belongs to no single block: metadata of the stores, and files that nobody claims.

    If this finds metadata that are not as they must be, `audit_block` can only sum files.
    """
    runs = list(runs)
    stores = [(work.archive, schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE, work.ledger.blocks())]
    stores += [(run.classes, CLASS_ARRAYS, CLASSES_TITLE, run.ledger.blocks()) for run in runs]
    blocks = [(p.satellite, p.block) for p in plan_audit(work, runs)]
    kinds = ("events", "dwell", "properties")
    known = {part_path(run.root / kind, *b) for run in runs for kind in kinds for b in blocks}
    known |= {part_path(f, *b) for run in runs for f in find(run.positions, "*") for b in blocks}
    findings: list[Finding] = []
    for path, arrays, title, recorded in stores:
        satellites = [p.name for p in find(path, "*") if p.name in schema.SATELLITES]
        metadata = metadata_files(satellites, arrays, title) if satellites else {}
        findings += audit_metadata(work, path, metadata, {satellite for satellite, _ in recorded})
        known |= {path / "zarr.json"} | {path / name for name in metadata}  # an empty group claims nothing
        known |= {path / shard_key(spec, *b) for spec in arrays.values() for b in blocks}
    return findings + list(_strays(work, runs, known))


def _strays(work: Work, runs: Iterable[Run], known: Collection[Path]) -> Iterator[Finding]:
    """Name the files among the data that are none of ours, or that a killed writer left."""
    folders = [work.archive]
    folders += [
        f for run in runs for f in (run.classes, run.events, run.dwell, run.properties, run.positions)
    ]
    sums = [run.exposure for run in runs]  # one sha256 stands for all of their files
    for file in files_under(work.root):
        name = file.relative_to(work.root).as_posix()
        inside = any(file.is_relative_to(folder) for folder in folders)
        if ".partial" in name or ".zarr.old/" in name:
            yield Finding(name, "leftover", "no such file", "a file", DELETE)
        elif is_foreign(file) and (inside or any(file.is_relative_to(folder) for folder in sums)):
            yield Finding(name, "foreign", "no such file", "a file of another program", DELETE)
        elif inside and file not in known:
            what = (FORGET, "positions") if file.match(_POSITION_PART) else (DELETE,)
            yield Finding(name, "unclaimed", "no such file", "a file", *what)


def audit_run(work: Work, run: Run, sound: bool) -> list[Finding]:
    """Check what a run makes of all its parts: exposure and maps.

    Parameters
    ----------
    work : Work
    run : Run
    sound : bool
        Whether all parts are as claimed; if not, sums over them are not made again.
    """
    findings: list[Finding] = []
    compare = {"exposure": compare_exposure, "occurrence": compare_occurrence}
    again = f"reprocess map WORK --run {run.name} makes it again"
    try:
        receipts = list(run.ledger.done())
    except LedgerError:  # a finding of its block
        return []
    described = run.read_identity() or {}

    def add(sum_: Sum, kind: str, expected: str, found: str) -> None:
        path = getattr(run, sum_).relative_to(work.root).as_posix()
        redo = sum_ == "exposure" and kind in FALSE
        finding = Finding(
            path, kind, expected, found, REDO if redo and kind != "missing" else again, run=run.name
        )
        findings.append(replace(finding, stage=sum_) if redo else finding)

    for sum_ in SUMS:
        path = getattr(run, sum_)
        if not path.exists() and sum_ in described:
            add(sum_, "missing", "a file made from all parts", "no file")
        elif not path.exists() and sum_ == "exposure" and receipts:
            add(sum_, "unfinished", "a file made from all parts", "no file")
        elif path.exists() and run.outdated(sum_, receipts):
            add(sum_, "outdated", "made from the parts that are there now", "made from other parts")
        elif path.exists() and tree_sha256(path) != described[sum_]["sha256"]:
            sums = described[sum_]["sha256"], tree_sha256(path)
            add(sum_, "damaged", *(f"sha256 {s}" for s in sums))
        elif path.exists() and sound:
            for expected, found in compare[sum_](run, receipts):
                add(sum_, "contradiction", expected, found)
    return findings + _kept(work, run, receipts if sound else [])


def _kept(work: Work, run: Run, receipts: list[DetectReceipt]) -> list[Finding]:
    """Name blocks of which other sums are kept than their parts give, or the file if it is damaged."""
    if not run.sums.is_file():
        return []
    name = run.sums.relative_to(work.root).as_posix()
    try:
        kind, differences = "contradiction", compare_sums(run, receipts)
    except ValueError as e:
        kind, differences = "damaged", [("the file that a map wrote", str(e))]
    return [Finding(name, kind, *told, _DELETE_SUMS, "sums", run.name) for told in differences]


def unlisted_runs(work: Work) -> list[Finding]:
    """Name runs whose `run.json` is missing or damaged: nobody knows what made their events."""
    findings = []
    for folder in (p.parent for p in find(work.root / "runs", "*/ledger")):
        path = folder / "run.json"
        name, remedy = path.relative_to(work.root).as_posix(), f"delete {folder} and run detect again"
        try:
            if Run(folder).read_identity() is None:
                findings.append(Finding(name, "missing", "what the run was made with", "no file", remedy))
        except LedgerError as e:
            findings.append(Finding(name, "damaged", "what the run was made with", str(e), remedy))
    return findings
