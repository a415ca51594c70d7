"""The event table: events."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprocess.cli.options import (
    EXISTING_WORK,
    ONE_RUN,
    open_work,
)
from reprocess.cli.state import INCOMPLETE

if TYPE_CHECKING:
    pass


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
