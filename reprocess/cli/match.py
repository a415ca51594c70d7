"""A list of another mission, or the run's own satellites, held against a run: match."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess.cli.compare import LEFT_OUT, find_run
from reprocess.cli.event_lists import FORM, form_of
from reprocess.cli.numbers import Number
from reprocess.cli.options import EXISTING_WORK, JSON, ONE_RUN, existing_work, options_of
from reprocess.pages.words import noun_of, numbered

if TYPE_CHECKING:
    import pandas as pd

    from reprocess.comparison.listed import Listed
    from reprocess.work.paths import Run, Work

_SHOWN = 10
"""Rows left out for one reason that are named one by one; the JSON has all."""

_WINDOWS = options_of(
    click.option(
        "--minutes", type=Number(0, 1440), default=10.0, show_default=True,
        help="Time between events that coincide, at most.",
    ),
    click.option(
        "--l-window", type=Number(0, 100), default=0.5, show_default=True, help="Difference in L, at most."
    ),
    click.option(
        "--mlt-window", type=Number(0, 12), default=1.0, show_default=True,
        help="Difference in MLT, at most, in hours.",
    ),
    click.option(
        "--shift-hours", type=Number(0.1, 100_000), default=24.0, show_default=True,
        help="Step by which the list is moved in time to count what coincides by chance.",
    ),
    click.option(
        "--shifts", type=click.IntRange(1, 1000), default=10, show_default=True,
        help="So many steps forwards and as many backwards.",
    ),
)  # fmt: skip


@click.command()
@EXISTING_WORK
@click.argument("list_", metavar="[LIST]", required=False)
@ONE_RUN
@FORM
@_WINDOWS
@click.option("--with-itself", is_flag=True, help="The run's own events instead of a LIST.")
@click.option(
    "--other-satellites", "others", is_flag=True,
    help="Only pairs of different satellites, for a list of our own; --with-itself includes it.",
)  # fmt: skip
@click.option(
    "--looking/--no-looking", default=True, show_default=True,
    help="Look up which satellites observed records near each listed event, about 0.1 s a satellite-day.",
)  # fmt: skip
@click.option(
    "--altitude", type=Number(0, 2000), default=120.0, show_default=True,
    help="Altitude of the latitudes and longitudes of a list without L and MLT, in km: 120 for foot points "
    "and what is seen from the ground, else that of the satellite.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False),
    help="Table of listed events and what coincides with each: a .csv or .parquet file.",
)  # fmt: skip
@click.option(
    "--page", type=click.Path(path_type=Path, dir_okay=False),
    help="Page with counts, chance and offsets: a .html file.",
)  # fmt: skip
@JSON
def match(work: Path, list_: str | None, name: str | None, **options: Any) -> None:
    """Tell which events of a run coincide with listed ones, and how many would by chance.

    LIST is any table (CSV, Parquet, text) with a start and, where it has them, L and MLT or latitude and
    longitude; or a run, as WORK:RUN or :RUN. Rows that cannot be used are named and left out; the exit code
    is then 3.
    """
    from reprocess.comparison.against import match_list
    from reprocess.physics.coincidence import Shifts, Windows

    form, output, page = form_of(options), options["output"], options["page"]
    _check(list_, output, page, with_itself=options["with_itself"])
    target = existing_work(work)
    one = target.only_run(name)
    listed = _listed(list_, target, one, form)
    found, facts = match_list(
        target,
        one,
        listed,
        Windows(options["minutes"], options["l_window"], options["mlt_window"]),
        Shifts(options["shift_hours"], options["shifts"]),
        others=options["others"] or options["with_itself"],
        looking=options["looking"],
        altitude=options["altitude"],
        say=lambda text: click.echo(text, err=True),
    )
    facts["list"] = Path(list_).name if list_ else f"run {one.name}"
    click.echo(json.dumps(facts, indent=1, sort_keys=True) if options["as_json"] else _summary(facts))
    if output is not None:
        _write(found, output)
    if page is not None:
        _write_page(found, facts, page, "" if output is None else output.name)
    sys.exit(_tell_left_out(facts))


def _check(list_: str | None, output: Path | None, page: Path | None, *, with_itself: bool) -> None:
    """Refuse options that contradict each other, before anything is read."""
    if (list_ is None) != with_itself:
        raise click.UsageError("give a LIST, or --with-itself for the run's own events, and not both")
    if output is not None and output.suffix.lower() not in (".csv", ".parquet"):
        raise click.UsageError(f"{output} is neither .csv nor .parquet; the suffix tells the format")
    if page is not None and page.suffix.lower() != ".html":
        raise click.UsageError(f"{page} is no .html; the page is one")
    for path in (output, page):
        if path is not None and not path.resolve().parent.is_dir():
            raise click.UsageError(f"there is no folder {path.resolve().parent} to write {path.name} to")


def _listed(list_: str | None, work: "Work", run: "Run", form: Any) -> "Listed":
    """Return the events of a list, or of a run: the one named, or the one that is matched."""
    from reprocess.comparison.listed import of_run, read_listed
    from reprocess.work.parts import read_events

    if list_ is not None and Path(list_).is_file():
        return read_listed(Path(list_), form)
    if list_ is not None and ":" not in list_:
        raise click.UsageError(f"there is no file {list_!r}; give a LIST, or a run as WORK:RUN")
    other = run if list_ is None else find_run(list_, work)[1]
    return of_run(read_events(other, other.ledger.done()), other.name)


def _summary(facts: dict[str, Any]) -> str:
    """Return one sentence for events of any class and of each, and what they rest on."""
    windows, shifts = facts["windows"], facts["shifts"]
    places = [f"{windows['L']:g} in L"] * ("L" in facts["has"])
    places += [f"{windows['MLT_h']:g} h of MLT"] * ("MLT" in facts["has"])
    within = ", ".join([f"{windows['minutes']:g} {noun_of(windows['minutes'], 'minute')}", *places])
    whose = "another satellite" if facts["only_other_satellites"] else "a satellite"
    lines = [
        f"{facts['list']}: {numbered(facts['listed'], 'event')} of {numbered(facts['rows'], 'row')}, against "
        f"{numbered(facts['events'], 'event')} of run {facts['run']} on "
        f"{numbered(facts['satellite_days'], 'satellite-day')}",
        f"{facts['counts']['any']['covered']} of them on days that {whose} of the run has data of"
        + (
            f"; {facts['somebody_looking']} where one observed records within {within}"
            if facts["looked_up"]
            else "; who observed where was not looked up"
        ),
    ]
    if not facts["has"]:
        lines.append("the list has neither L nor MLT nor positions: only times are held against each other")
    if facts["from_positions"]:
        lines.append(
            f"L and MLT of the list are those of its positions at {facts['altitude_km']:g} km, told by our "
            "satellites' records near them"
        )
    for name, count in facts["counts"].items():
        lines.append(
            f"{_coincide(count)} with {'an' if name == 'any' else 'a ' + name} event within {within}"
        )
    lines.append(
        f"by chance: mean of the list moved by ±1 to ±{shifts['each_way']} times {shifts['step_h']:g} h, "
        "each scaled to the satellite-days it meets; intervals hold 95 % of them; p is the share of them "
        "with as many, the list itself counted as one"
    )
    return "\n".join(lines)


def _coincide(count: dict[str, Any]) -> str:
    if count["expected"] is None:
        return f"{count['coincide']} (chance not known: no control meets data) coincide"
    words = f"{count['expected']:.1f} by chance"
    if count["interval"] is None:
        return f"{count['coincide']} ({words}, no interval: too few controls meet data) coincide"
    low, high = count["interval"]
    return f"{count['coincide']} ({words}, {low:.1f} to {high:.1f}; p = {count['as_many']:.2f}) coincide"


def _write(table: "pd.DataFrame", output: Path) -> None:
    from reprocess.comparison.page import table_bytes
    from reprocess.files import write_atomic
    from reprocess.schema import COINCIDENCE_COLUMNS

    kind = output.suffix.lower().removeprefix(".")
    write_atomic(output.resolve(), table_bytes(table, COINCIDENCE_COLUMNS, kind))
    click.echo(f"wrote {output}", err=True)


def _write_page(table: "pd.DataFrame", facts: dict[str, Any], page: Path, table_name: str) -> None:
    from reprocess.comparison.offsets import draw_page
    from reprocess.files import write_atomic

    write_atomic(page.resolve(), draw_page(table, facts, table_name))
    click.echo(f"wrote {page}", err=True)


def _tell_left_out(facts: dict[str, Any]) -> int:
    """Name the rows that were left out, by reason, and return the exit code."""
    for reason, count in facts["left_out"].items():
        rows = [row for row in facts["lines_left_out"] if row["reason"] == reason]
        lines = [f"line {row['line']} {row['what']}" for row in rows]
        more = f"; and {count - _SHOWN} more, in the JSON" if count > _SHOWN else ""
        click.echo(f"left out, {count} {reason}: {'; '.join(lines[:_SHOWN])}{more}", err=True)
    return LEFT_OUT if facts["left_out"] else 0
