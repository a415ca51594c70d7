"""What to do about what an audit finds: withdraw the claims that do not hold."""

from collections.abc import Iterable

from reprocess import schema
from reprocess.audit.finding import Finding
from reprocess.errors import LedgerError
from reprocess.files import find
from reprocess.schema import CLASS_ARRAYS
from reprocess.sources.local import local_identity
from reprocess.sources.remote import is_local
from reprocess.work.layout import create_store
from reprocess.work.ledger import BlockLedger
from reprocess.work.paths import SUMS, Work
from reprocess.work.receipts import IngestReceipt
from reprocess.work.whole import ARCHIVE_TITLE, CLASSES_TITLE


def repair(work: Work, findings: Iterable[Finding]) -> list[str]:
    """Withdraw the claims that do not hold, so that the next run does just these blocks again.

    Metadata, which follow from the code, are written again; leftovers are deleted, and what is wrong of
    the sums and positions that maps keep. The claim of an archive block stays if one of its local sources is
    gone, because the days that are still good could not be read again. Nothing else may be working on WORK
    meanwhile.

    Returns
    -------
    list of str
        What was done, and what was not and why.
    """
    done = []
    for finding in sorted(set(findings)):
        if finding.kind == "leftover" or finding.stage == "positions":
            (work.root / finding.path).unlink(missing_ok=True)
            done.append(f"deleted {finding.path}")
        elif finding.stage == "metadata":
            (work.root / finding.path).unlink(missing_ok=True)
    if any(f.stage == "metadata" for f in findings):
        done.append(_rewrite_metadata(work))
    for stage, run, satellite, block in sorted({(f.stage, f.run, f.satellite, f.block) for f in findings}):
        if stage in SUMS:
            work.run(run).forget(stage)
            done.append(f"withdrew {stage} of run {run}")
        elif stage == "sums":
            work.run(run).sums.unlink(missing_ok=True)
            done.append(f"deleted the sums of blocks of run {run}")
        elif stage in {"ingest", "detect"}:
            done.append(_withdraw(work, run, satellite, block))
    return done


def _withdraw(work: Work, run: str, satellite: str, block: int) -> str:
    name = f"{satellite} block {block}" + (f" of run {run}" if run else "")
    if run:
        work.run(run).ledger.withdraw(satellite, block)
    elif gone := _gone_sources(work.ledger, satellite, block):
        return f"left {name} as it is: {len(gone)} of its sources are gone ({gone[0]})"
    else:
        work.ledger.withdraw(satellite, block)
    return f"withdrew {name}"


def _gone_sources(ledger: BlockLedger[IngestReceipt], satellite: str, block: int) -> list[str]:
    """Return the local sources of a block that are not there any more; none if its receipt is damaged."""
    try:
        receipt = ledger.read(satellite, block)
    except LedgerError:
        return []
    urls = [entry["source"]["url"] for entry in receipt["days"].values()] if receipt else []
    return [url for url in urls if is_local(url) and local_identity(url) is None]


def _rewrite_metadata(work: Work) -> str:
    stores = [(work.archive, schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)]
    stores += [(run.classes, CLASS_ARRAYS, CLASSES_TITLE) for run in work.runs() if run.classes.exists()]
    for path, arrays, title in stores:
        create_store(path, [p.name for p in find(path, "*") if p.name in schema.SATELLITES], arrays, title)
    return "wrote metadata again"
