"""What is there: status, events."""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess.cli.options import EXISTING_WORK, JSON, ONE_RUN, open_work

if TYPE_CHECKING:
    from reprocess.work.paths import Work

INCOMPLETE = 4
_TROUBLES = ("quarantined", "deferred", "missing", "lost")

_LISTED = 40
"""Days of one kind that are listed one by one."""


@click.command()
@EXISTING_WORK
@JSON
def status(work: Path, as_json: bool) -> None:
    """Tell what is done, missing, quarantined and failed, and why."""
    from reprocess.work.status import exit_code, survey

    state = survey(open_work(work))
    if as_json:
        click.echo(json.dumps(state, indent=1))
    else:
        print_state(state)
        _print_years(state)
    sys.exit(max([exit_code(state, None), *(exit_code(state, name) for name in state["runs"])]))


@click.command()
@EXISTING_WORK
@ONE_RUN
@click.option(
    "--format", "kind", type=click.Choice(["csv", "parquet", "json"]), default="csv", show_default=True
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
def events(work: Path, name: str | None, kind: str, output: Path | None) -> None:
    """Print the event table of a run (CSV on standard output by default)."""
    from reprocess.catalogue.formats import export_events
    from reprocess.work.parts import read_events
    from reprocess.work.status import exit_code, survey

    target = open_work(work)
    one = target.only_run(name)
    if kind == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is not text; give a file with -o")
    data = export_events(read_events(one, one.ledger.done()), kind)
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        from reprocess.files import write_atomic

        write_atomic(output, data)
    if exit_code(survey(target), one.name) == INCOMPLETE:
        click.echo(f"run {one.name!r} is not complete; see: reprocess status {work}", err=True)


@click.command()
@EXISTING_WORK
@ONE_RUN
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Worker processes.")
@click.option("--scheduler", help="Address of a running Dask scheduler (tcp://…) to use instead.")
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
    from reprocess.audit.repair import repair
    from reprocess.work.status import exit_code, survey

    target = open_work(work)
    findings, counts = _audit(target, name, options)
    done = repair(target, findings) if mend else []
    if as_json:
        rows = [asdict(finding) for finding in findings]
        click.echo(json.dumps({"findings": rows, "checked": dict(counts), "repaired": done}, indent=1))
    else:
        for line in [*findings, *done]:
            click.echo(line)
        checked = ", ".join(f"{count} {what.replace('_', '-')}" for what, count in counts.items())
        click.echo(f"audited {checked}: {len(findings)} findings")
    if findings:
        sys.exit(INCOMPLETE)
    state = survey(target)
    sys.exit(max([exit_code(state, None), *(exit_code(state, one) for one in state["runs"])]))


def _audit(work: "Work", name: str | None, options: dict[str, Any]) -> Any:
    from reprocess.audit.stage import audit
    from reprocess.execution.cluster import open_cluster
    from reprocess.monitoring.progress import show_progress

    runs = [work.only_run(name)] if name else work.runs()
    alone = options["workers"] == 1 and options["scheduler"] is None

    def announce(text: str) -> None:
        click.echo(text, err=True)

    with (
        open_cluster(
            workers=options["workers"], scheduler=options["scheduler"], announce=announce
        ) as cluster,
        show_progress(work, runs[0] if len(runs) == 1 else None, announce) as progress,
    ):
        return audit(work, runs, None if alone else cluster, progress, options["sources"])


def print_state(state: dict[str, Any]) -> None:
    """Print a survey for people."""
    ingest = state["ingest"]
    for name, done in ingest["satellites"].items():
        click.echo(
            f"{name}: {done['ok']} of {done['planned']} satellite-days ingested, {done['records']} records, "
            f"{done['quarantined']} quarantined, {done['missing']} missing"
            + "".join(f", {done[kind]} {kind}" for kind in ("deferred", "lost") if done[kind])
        )
    for kind, reasons in ingest["reasons"].items():
        if reasons:
            counts = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
            click.echo(f"{kind} by reason: {counts}")
    for kind in ("quarantined", "deferred"):
        _print_days(
            f"  {kind} {day['satellite']} {day['date']}: {day['reason']} ({day['detail']}) {day['url']}"
            for day in ingest[kind]
        )
    _print_days(f"  missing {day['satellite']} {day['date']}: {day['url']}" for day in ingest["missing"])
    kept = {True: "what was read is kept", False: "lost, it was never read"}
    _print_days(
        f"  vanished {day['satellite']} {day['date']}: {kept[day['kept']]}; {day['url']}"
        for day in ingest["vanished"]
    )
    _print_failures(ingest["failed_blocks"])
    for name, one in state["runs"].items():
        counts = ", ".join(f"{count} {kind}" for kind, count in one["events"].items()) or "no event"
        click.echo(f"run {name}: {one['days_done']} satellite-days classified, {counts}")
        if one["missing"]:
            click.echo(f"  {len(one['missing'])} ingested satellite-days are not classified")
        for name_of_sum in one["outdated"]:
            click.echo(f"  {name_of_sum} is not of the parts there are now; use: reprocess map WORK")
        _print_failures(one["failed_blocks"])


def _print_days(lines: Iterable[str]) -> None:
    """Print the first days of a list; a whole archive may miss thousands."""
    listed = list(lines)
    for line in listed[:_LISTED]:
        click.echo(line)
    if len(listed) > _LISTED:
        click.echo(f"  … and {len(listed) - _LISTED} more: reprocess status WORK --json lists all")


def _print_years(state: dict[str, Any]) -> None:
    """Print what is done and missing by satellite and year."""
    runs = state["runs"]
    done = {(name, y["satellite"], y["year"]): y["done"] for name, run in runs.items() for y in run["years"]}
    for y in state["ingest"]["years"]:
        counts = ", ".join(f"{y[key]} {key}" for key in _TROUBLES if y[key])
        failed = f" ({y['failed']} of them in failed blocks)" if y["failed"] else ""
        classified = "".join(
            f", {done.get((name, y['satellite'], y['year']), 0)} classified by {name}" for name in runs
        )
        click.echo(
            f"{y['satellite']} {y['year']}: {y['ok']} of {y['planned']} ingested"
            f"{', ' + counts if counts else ''}{failed}{classified}"
        )


def _print_failures(failures: list[dict[str, Any]]) -> None:
    for failure in failures:
        click.echo(f"  failed {failure['satellite']} block {failure['block']}: {failure['reason']}")
