"""Proof from the disk: audit."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess.cli.options import (
    EXISTING_WORK,
    JSON,
    ONE_RUN,
    ONE_WORKER,
    SCHEDULER,
    existing_work,
)
from reprocess.cli.survey import INCOMPLETE
from reprocess.pages.words import numbered

if TYPE_CHECKING:
    from reprocess.work.paths import Work


@click.command()
@EXISTING_WORK
@ONE_RUN
@ONE_WORKER
@SCHEDULER
@click.option("--sources", is_flag=True, help="Read local NOAA files again and compare their sha256.")
@click.option(
    "--repair", "mend", is_flag=True,
    help="Withdraw claims that do not hold, for the next run to do again. Not while something else runs.",
)  # fmt: skip
@JSON
def audit(work: Path, name: str | None, as_json: bool, mend: bool, **options: Any) -> None:
    """Prove from the disk what the ledger claims: every file, record, event and second.

    Every finding names the file, what was expected and found, and what to do.
    """
    from reprocess.audit.finding import HARMLESS
    from reprocess.audit.repair import repair
    from reprocess.work.status import exit_code, survey

    target = existing_work(work)
    findings, counts = _audit(target, name, options)
    done = repair(target, findings) if mend else []
    if as_json:
        rows = [asdict(finding) for finding in findings]
        click.echo(json.dumps({"findings": rows, "checked": dict(counts), "repaired": done}, indent=1))
    else:
        for line in [*findings, *done]:
            click.echo(line)
        nouns = {what: what.removesuffix("s").replace("_", "-") for what in counts}
        checked = ", ".join(numbered(count, nouns[what]) for what, count in counts.items())
        click.echo(f"audited {checked}: {numbered(len(findings), 'finding')}")
    if any(finding.kind not in HARMLESS for finding in findings):
        sys.exit(INCOMPLETE)
    state = survey(target)
    sys.exit(max([exit_code(state, None), *(exit_code(state, one) for one in state["runs"])]))


def _audit(work: "Work", name: str | None, options: dict[str, Any]) -> Any:
    from reprocess.audit.stage import audit
    from reprocess.execution.workers import open_workers
    from reprocess.monitoring.progress import show_progress

    runs = [work.only_run(name)] if name else work.runs()
    alone = options["workers"] == 1 and options["scheduler"] is None

    def announce(text: str) -> None:
        click.echo(text, err=True)

    with (
        open_workers(
            workers=options["workers"], scheduler=options["scheduler"], announce=announce
        ) as workers,
        show_progress(work, runs[0] if len(runs) == 1 else None, announce) as progress,
    ):
        return audit(work, runs, None if alone else workers, progress, options["sources"])
