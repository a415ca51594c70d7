"""Lists of events, for the commands that read them."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprocess.cli.options import (
    options_of,
)

if TYPE_CHECKING:
    from reprocess.evaluation.truth import EventList
    from reprocess.work.paths import Work


LISTS = options_of(
    click.option(
        "--events", "lists", type=click.Path(path_type=Path, dir_okay=False, exists=True), multiple=True,
        required=True, help="Event list (CSV or Parquet), or truth.parquet of a simulation; may be repeated.",
    ),
    click.option("--drop-bad-rows", "drop", is_flag=True, help="Leave out rows that cannot be used."),
)  # fmt: skip


def read_lists(work: "Work", lists: tuple[Path, ...], drop: bool) -> "EventList":
    """Read event lists; rows that are left out, events of models and overlaps are told."""
    from reprocess.evaluation.truth import read_event_list
    from reprocess.schema import DayState
    from reprocess.work.status import ledger_days

    covered = {key for key, entry in ledger_days(work.ledger).items() if entry["status"] == DayState.OK}
    events = read_event_list(lists, covered, drop=drop)
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
