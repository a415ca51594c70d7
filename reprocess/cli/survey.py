"""A survey of WORK, printed for people."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from reprocess.pages.words import numbered, to_be
from reprocess.schema import DayState

if TYPE_CHECKING:
    from reprocess.work.status import FailedBlock, IngestState, RunState, Survey


INCOMPLETE = 4


_TROUBLES = (DayState.QUARANTINED, DayState.DEFERRED, DayState.MISSING, DayState.LOST)


_LISTED = 40
"""Days of one kind that are listed one by one."""


def print_survey(state: "Survey") -> None:
    """Print a survey for people."""
    _print_counts(state["ingest"])
    _print_listed(state["ingest"])
    _print_runs(state["runs"])


def _print_counts(ingest: "IngestState") -> None:
    if not ingest["satellites"]:
        click.echo("no satellite-day was asked for yet; reprocess run ARCHIVE WORK reads and classifies")
    for name, done in ingest["satellites"].items():
        click.echo(
            f"{name}: {done['ok']} of {done['planned']} satellite-days ingested, "
            f"{numbered(done['records'], 'record')}, {done['quarantined']} quarantined, "
            f"{done['missing']} missing"
            + "".join(f", {done[kind]} {kind}" for kind in ("deferred", "lost") if done[kind])
            + _not_measured(done["not_measured"])
        )
    if ingest["simulated"]:
        count = ingest["simulated"]
        days, be = numbered(count, "satellite-day"), to_be(count)
        click.echo(f"simulated data: {days} {be} of files that say they are simulated")
    for kind, reasons in ingest["reasons"].items():
        if reasons:
            counts = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
            click.echo(f"{kind.replace('_', ' ')} by reason: {counts}")


def _not_measured(count: int) -> str:
    be = to_be(count)
    return f", {numbered(count, 'value')} {be} no measurement" if count else ""


def _print_listed(ingest: "IngestState") -> None:
    for kind, listed in (("quarantined", ingest["quarantined"]), ("deferred", ingest["deferred"])):
        _print_days(
            f"  {kind} {day['satellite']} {day['date']}: {day['reason']} ({day['detail']}) {day['url']}"
            for day in listed
        )
    _print_days(f"  missing {day['satellite']} {day['date']}: {day['url']}" for day in ingest["missing"])
    kept = {True: "what was read is kept", False: "lost, it was never read"}
    _print_days(
        f"  vanished {day['satellite']} {day['date']}: {kept[day['kept']]}; {day['url']}"
        for day in ingest["vanished"]
    )
    _print_days(
        f"  left out {x['url']}: {x['reason']}{'' if x['counts'] else ' (no day is missing for it)'}"
        for x in sorted(ingest["left_out"], key=lambda x: not x["counts"])
    )
    _print_failures(ingest["failed_blocks"])
    if ingest["gone"]:
        first = ingest["gone"][0]
        click.echo(
            f"gone from archive.zarr: {numbered(len(ingest['gone']), 'block')} that the ledger claims, "
            f"first {first['satellite']} block {first['block']}; use: reprocess audit WORK "
            "--repair, then run again"
        )


def _print_runs(runs: "dict[str, RunState]") -> None:
    for name, one in runs.items():
        counts = ", ".join(f"{count} {kind}" for kind, count in one["events"].items()) or "no event"
        click.echo(f"run {name}: {numbered(one['days_done'], 'satellite-day')} classified, {counts}")
        if one["missing"]:
            count = len(one["missing"])
            days, be = numbered(count, "ingested satellite-day"), to_be(count)
            click.echo(f"  {days} {be} not classified")
        _print_days(f"  failed {d['satellite']} {d['date']}: {d['reason']}" for d in one["failed_days"])
        for name_of_sum in one["outdated"]:
            click.echo(
                f"  {name_of_sum} was not made from the blocks that are done now: "
                f"reprocess map WORK --run {name} makes it again"
            )
        _print_failures(one["failed_blocks"])


def _print_days(lines: Iterable[str]) -> None:
    """Print the first days of a list; a whole archive may miss thousands."""
    listed = list(lines)
    for line in listed[:_LISTED]:
        click.echo(line)
    if len(listed) > _LISTED:
        click.echo(f"  … and {len(listed) - _LISTED} more: reprocess status WORK --json lists all")


def print_years(state: "Survey") -> None:
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


def _print_failures(failures: "list[FailedBlock]") -> None:
    for failure in failures:
        click.echo(f"  failed {failure['satellite']} block {failure['block']}: {failure['reason']}")
