"""What is there: status, events."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from reprocess.cli.options import EXISTING_WORK, JSON, ONE_RUN, open_work

INCOMPLETE = 4


@click.command()
@EXISTING_WORK
@JSON
def status(work: Path, as_json: bool) -> None:
    """Tell what is done, missing, quarantined and failed, and why."""
    from reprocess.status import exit_code, survey

    state = survey(open_work(work))
    if as_json:
        click.echo(json.dumps(state, indent=1))
    else:
        print_state(state)
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
    from reprocess.export import export_events
    from reprocess.parts import read_events
    from reprocess.status import exit_code, survey

    target = open_work(work)
    one = target.only_run(name)
    if kind == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is not text; give a file with -o")
    data = export_events(read_events(one, one.ledger.done()), kind)
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        from reprocess.ledger import write_atomic

        write_atomic(output, data)
    if exit_code(survey(target), one.name) == INCOMPLETE:
        click.echo(f"run {one.name!r} is not complete; see: reprocess status {work}", err=True)


def print_state(state: dict[str, Any]) -> None:
    """Print a survey for people."""
    ingest = state["ingest"]
    for name, done in ingest["satellites"].items():
        click.echo(
            f"{name}: {done['ok']} of {done['planned']} satellite-days ingested, {done['records']} records, "
            f"{done['quarantined']} quarantined, {done['missing']} missing"
        )
    for day in ingest["quarantined"]:
        click.echo(
            f"  quarantined {day['satellite']} {day['date']}: {day['reason']} ({day['detail']}) {day['url']}"
        )
    for day in ingest["missing"]:
        click.echo(f"  missing {day['satellite']} {day['date']}: {day['url']}")
    _print_failures(ingest["failed_blocks"])
    for name, one in state["runs"].items():
        counts = ", ".join(f"{count} {kind}" for kind, count in one["events"].items()) or "no event"
        click.echo(f"run {name}: {one['days_done']} satellite-days classified, {counts}")
        if one["missing"]:
            click.echo(f"  {len(one['missing'])} ingested satellite-days are not classified")
        _print_failures(one["failed_blocks"])


def _print_failures(failures: list[dict[str, Any]]) -> None:
    for failure in failures:
        click.echo(f"  failed {failure['satellite']} block {failure['block']}: {failure['reason']}")
