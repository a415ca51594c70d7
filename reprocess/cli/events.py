"""The event table: events."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess import schema
from reprocess.cli.options import (
    CHOICE,
    EXISTING_WORK,
    ONE_RUN,
    existing_work,
)
from reprocess.cli.output import is_standard_output, require_folder, write_output
from reprocess.cli.selection import chosen
from reprocess.cli.survey import INCOMPLETE
from reprocess.schema import EVENT_FORMATS

if TYPE_CHECKING:
    from reprocess.work.choice import Choice


@click.command()
@EXISTING_WORK
@ONE_RUN
@CHOICE
@click.option(
    "--format",
    "kind",
    type=click.Choice(EVENT_FORMATS),
    help="What to print or write; by default what FILE's suffix tells, else csv.",
)
@click.option(
    "--describe", is_flag=True, help="Print what the columns and flags mean instead (text or JSON)."
)
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file, in an existing folder; its suffix tells the format.",
)  # fmt: skip
def events(
    work: Path,
    name: str | None,
    choice: "Choice",
    kind: str | None,
    describe: bool,
    output: Path | None,
    **options: Any,
) -> None:
    """Print the event table of a run (CSV on standard output by default)."""
    from reprocess.catalogue.formats import TEXT, export_events
    from reprocess.work.parts import read_events, require_some
    from reprocess.work.status import exit_code, survey

    if describe:
        _describe(kind, output)
        return
    target = existing_work(work)
    one = target.only_run(name)
    kind = kind or _format_of(output)
    require_folder(output)
    if kind not in TEXT and output is None and sys.stdout.isatty():
        raise click.UsageError(f"{kind} is not text; give a file with -o")
    choice = chosen(choice, options)
    incomplete = exit_code(survey(target), one.name) == INCOMPLETE  # known before anything is printed
    table = read_events(one, require_some(one, choice), choice)
    write_output(export_events(table, kind, choice.attributes), output)
    if (mode := (one.read_identity() or {}).get("mode")) in schema.EARLY_MODES:
        click.echo(
            f"start and stop of mode {mode} are those of windows: three records (6 s) before the records "
            "meant, see docs/method.md",
            err=True,
        )
    if incomplete:
        click.echo(f"run {one.name!r} is not complete; see: reprocess status {work}", err=True)


def _format_of(output: Path | None) -> str:
    """Return the format that a file's suffix tells; csv for standard output, pipes and devices."""
    if output is None or is_standard_output(output) or (output.exists() and not output.is_file()):
        return "csv"
    kind = output.suffix.lower().removeprefix(".")
    if kind not in EVENT_FORMATS:
        known = ", ".join(f".{one}" for one in EVENT_FORMATS)
        raise click.UsageError(f"{output} has none of the suffixes {known}; name the format with --format")
    return kind


def _describe(kind: str | None, output: Path | None) -> None:
    from reprocess.catalogue.dictionary import describe_events, describe_events_json

    if kind not in {None, "csv", "json"}:
        raise click.UsageError(f"--describe prints text, or JSON with --format json, not {kind}")
    require_folder(output)
    as_json = kind == "json" or (kind is None and output is not None and output.suffix.lower() == ".json")
    write_output(describe_events_json() if as_json else describe_events(), output)
