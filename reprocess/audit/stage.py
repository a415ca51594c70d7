"""The audit of a whole WORK directory: its stores, all blocks on any executor, and what is made of them."""

from collections import Counter
from collections.abc import Sequence

from reprocess.audit.block import audit_block, plan_audit
from reprocess.audit.finding import FALSE, Finding
from reprocess.audit.whole import audit_run, audit_stores, unlisted_runs
from reprocess.execution.mapping import Plan, Progress, map_blocks
from reprocess.execution.workers import Workers
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import BlockAudit


def audit(
    work: Work, runs: Sequence[Run], where: Workers | None, progress: Progress, sources: bool = False
) -> tuple[list[Finding], Counter[str]]:
    """Prove from the disk what the ledgers of the archive and of these runs claim.

    Parameters
    ----------
    work : Work
    runs : sequence of Run
    where : Workers, optional
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
    metadata_sound = not any(f.stage == "metadata" and f.kind in FALSE for f in findings)
    plans = plan_audit(work, runs, sources, metadata_sound)

    def note(plan: Plan, reason: str, _trace: str) -> None:
        path = f"{plan.satellite} block {plan.block}"
        findings.append(Finding(path, "unaudited", "an audited block", reason, "see the reason"))

    results: list[BlockAudit] = []
    client = where.client(len(plans)) if where and plans else None
    if client is None:
        results = [audit_block(plan) for plan in plans]
    else:
        results = map_blocks(client, audit_block, plans, "audit", progress, note)
    findings += [Finding(**f) for result in results for f in result["findings"]]
    for run in runs:
        own = [f for f in findings if f.run == run.name and f.stage != "positions"]
        sound = metadata_sound and not any(f.kind in FALSE for f in own)
        findings += audit_run(work, run, sound)
    counts = Counter({"blocks": len(results), "satellite_days": sum(len(r["days"]) for r in results)})
    for key in ("shards", "parts"):
        counts[key] = sum(result[key] for result in results)
    return sorted(findings + unlisted_runs(work)), counts
