"""The event table: events."""

import sys
from pathlib import Path

import click

from reprocess.cli.options import (
    EXISTING_WORK,
    ONE_RUN,
    existing_work,
)
from reprocess.cli.state import INCOMPLETE


@click.command()
@EXISTING_WORK
@ONE_RUN
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "parquet", "json"]),
    default="csv",
    show_default=True,
    help="What to print or write.",
)
@click.option(
    "--describe", is_flag=True, help="Print what the columns and flags mean instead (text or JSON)."
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
def events(work: Path, name: str | None, kind: str, describe: bool, output: Path | None) -> None:
    """Print the event table of a run (CSV on standard output by default)."""
    from reprocess.catalogue.formats import export_events
    from reprocess.work.parts import read_events
    from reprocess.work.status import exit_code, survey

    if describe:
        _describe(kind, output)
        return
    target = existing_work(work)
    one = target.only_run(name)
    if kind == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is not text; give a file with -o")
    _write(export_events(read_events(one, one.ledger.done()), kind), output)
    if exit_code(survey(target), one.name) == INCOMPLETE:
        click.echo(f"run {one.name!r} is not complete; see: reprocess status {work}", err=True)


def _describe(kind: str, output: Path | None) -> None:
    from reprocess.catalogue.dictionary import describe_events, describe_events_json

    if kind not in {"csv", "json"}:
        raise click.UsageError(f"--describe prints text, or JSON with --format json, not {kind}")
    _write(describe_events_json() if kind == "json" else describe_events(), output)


def _write(data: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(data)
        return
    from reprocess.files import write_atomic

    write_atomic(output, data)
