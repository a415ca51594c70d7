"""Lists of events, for the commands that read them."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess.cli.options import (
    options_of,
)
from reprocess.schema import EVENT_CLASSES

if TYPE_CHECKING:
    from reprocess.evaluation.rows import Form
    from reprocess.evaluation.truth import EventList
    from reprocess.work.paths import Work


def _columns(_: click.Context, __: click.Parameter, words: tuple[str, ...]) -> dict[str, str]:
    """Return NAME=COLUMN words as a dictionary."""
    from reprocess.evaluation.rows import NAMES

    pairs = [word.partition("=") for word in words]
    if wrong := ["".join(pair) for pair in pairs if not all(pair) or pair[0] not in NAMES]:
        raise click.BadParameter(f"{wrong[0]!r} is not NAME=COLUMN with NAME one of {', '.join(NAMES)}")
    return {name: column for name, _, column in pairs}


FORM = options_of(
    click.option(
        "--column", "columns", multiple=True, callback=_columns, metavar="NAME=COLUMN",
        help="What a list calls satellite, start_time, stop_time, event_class, L, MLT, latitude or "
        "longitude, or the number of that column, from 1; may be repeated.",
    ),
    click.option("--no-header", is_flag=True, help="The first line of a list is an event, not names."),
    click.option(
        "--class", "event_class", type=click.Choice(list(EVENT_CLASSES)), help="Class of all listed events."
    ),
)  # fmt: skip


def form_of(options: dict[str, Any]) -> "Form":
    """Return how lists are written, from the options of `FORM`, which it takes out."""
    from reprocess.evaluation.rows import Form

    columns, no_header = options.pop("columns"), options.pop("no_header")
    if no_header and (wrong := [c for c in columns.values() if not c.isdigit()]):
        raise click.UsageError(
            f"--column {wrong[0]!r}: a list without a header has columns by number, from 1; give that"
        )
    return Form(columns, not no_header, options.pop("event_class"))


LISTS = options_of(
    click.option(
        "--events", "lists", type=click.Path(path_type=Path, dir_okay=False, exists=True), multiple=True,
        required=True, help="Event list (CSV or Parquet), or truth.parquet of a simulation; may be repeated.",
    ),
    click.option("--drop-bad-rows", "drop", is_flag=True, help="Leave out rows that cannot be used."),
    FORM,
)  # fmt: skip


def read_lists(work: "Work", lists: tuple[Path, ...], drop: bool, form: "Form") -> "EventList":
    """Read event lists; rows that are left out, events of models and overlaps are told."""
    from reprocess.evaluation.truth import read_event_list
    from reprocess.schema import DayState
    from reprocess.work.status import ledger_days

    covered = {key for key, entry in ledger_days(work.ledger).items() if entry["status"] == DayState.OK}
    events = read_event_list(lists, covered, drop=drop, form=form)
    for line in events.dropped:
        click.echo(f"left out {line}", err=True)
    for name in events.found_by:
        click.echo(f"listed events were found by {name}: what that model says, not what is known", err=True)
    if events.overlapping:
        click.echo(
            f"{events.overlapping} of {len(events.table)} listed events overlap one of the other class; "
            "records of both count as of the one that begins later",
            err=True,
        )
    return events


def describe_lists(events: "EventList", unseen: int) -> dict[str, int | str]:
    """Return what an evaluation says of its lists; so many events have no record."""
    facts: dict[str, int | str] = {
        "listed events without any record": unseen,
        "listed rows left out": len(events.dropped),
        "listed events that overlap the other class": events.overlapping,
    }
    if events.found_by:
        facts["listed events found by"] = f"{'; '.join(events.found_by)} (not known to be true)"
    return facts


def command_line() -> str:
    """Return the command line that is being run."""
    return shlex.join(["reprocess", *sys.argv[1:]])
