"""Plots of records: an event, a satellite-day, a crossing of the belt. Those of a run are in `plot_lines`."""

import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess import schema
from reprocess.cli.look import LOOK, format_of
from reprocess.cli.numbers import Day, Moment, Number
from reprocess.cli.options import EXISTING_WORK, existing_work, satellites_option
from reprocess.cli.output import write_output
from reprocess.cli.plot_lines import coverage, months, profile

if TYPE_CHECKING:
    from reprocess.plots.view import Source, View
    from reprocess.work.paths import Run, Work

_TURN_S = 0.0005
"""How long a thread keeps Python to itself while another waits, seconds. With ten times that, as is usual, a
network of 57 batches may wait for a quarter of a second."""
_COUNTS = click.option("--counts", is_flag=True, help="Draw counts per second in place of fluxes.")
_RUN = click.option(
    "--run", "name", help="Run whose events and classes are shown; not needed if there is only one."
)


@click.group()
def plot() -> None:
    """Draw an event, a satellite-day or a crossing of the belt; profiles, months and coverage of a run.

    Records are drawn with fluxes of both telescopes, the probabilities of REP and CSS, events, flags and gaps
    over time, with L and MLT: PNG, PDF or SVG. The probabilities are those that the run kept (--classes), or
    its model's, computed again.
    """


@plot.command()
@EXISTING_WORK
@_RUN
@click.option("--number", type=int, metavar="N", help="Row in what reprocess events prints, from 1.")
@click.option("--time", type=Moment(), help="A time within the event, as its start (UTC).")
@satellites_option("--satellite", help="Satellite of the event.")
@click.option("--class", "event_class", type=click.Choice(list(schema.EVENT_CLASSES)), help="Its class.")
@click.option(
    "--around", type=Number(0, 3600), default=60.0, show_default=True, help="Seconds before and after it."
)
@LOOK
@_COUNTS
def event(
    work: Path,
    name: str | None,
    number: int | None,
    time: dt.datetime | None,
    satellites: tuple[str, ...],
    event_class: str | None,
    around: float,
    **look: Any,
) -> None:
    """Draw an event, named by its number or by what tells it from others."""
    from reprocess.plots.choice import choose_event, view_event
    from reprocess.plots.figure import title_of_event
    from reprocess.plots.view import Source
    from reprocess.work.parts import read_events

    satellite = _one(satellites)
    if number is not None and (time or satellite or event_class):
        raise click.UsageError("--number names an event alone; leave out --time, --satellite and --class")
    if number is None and not (time or satellite or event_class):
        raise click.UsageError("name an event with --number, or with --time, --satellite and --class")
    kind = format_of(look["output"])
    target = existing_work(work)
    run = target.only_run(name)
    table = read_events(run, run.ledger.done())
    position = choose_event(table, number, time, satellite, event_class)
    source = Source(target, str(table.loc[position, "satellite"]), run, table)
    view = view_event(source, position, around)
    _draw(view, title_of_event(view, table, position), kind, look, ("L", "MLT", "latitude"))


@plot.command()
@EXISTING_WORK
@_RUN
@satellites_option("--satellite", required=True, help="Which satellite.")
@click.option("--date", type=Day(), required=True, help="Which day.")
@LOOK
@_COUNTS
def day(work: Path, name: str | None, satellites: tuple[str, ...], date: dt.datetime, **look: Any) -> None:
    """Draw a satellite-day."""
    from reprocess.plots.choice import view_day
    from reprocess.plots.view import Source

    kind = format_of(look["output"])
    target = existing_work(work)
    run = _run_of(target, name)
    view = _read(Source(target, _one(satellites) or "", run), lambda source: view_day(source, date.date()))
    from reprocess.plots.figure import title_of_day

    _draw(view, title_of_day(view, run.name if run else ""), kind, look, ("L", "MLT"))


@plot.command("pass")
@EXISTING_WORK
@_RUN
@click.option("--time", type=Moment(), help="A time within the crossing (UTC).")
@satellites_option("--satellite", help="Which satellite, with --time.")
@click.option(
    "--number", type=int, metavar="N", help="The crossing of an event: its row in reprocess events."
)
@LOOK
@_COUNTS
def pass_(
    work: Path,
    name: str | None,
    time: dt.datetime | None,
    satellites: tuple[str, ...],
    number: int | None,
    **look: Any,
) -> None:
    """Draw one crossing of the belt, L 2.5 to 8.5."""
    from reprocess.plots.choice import view_pass
    from reprocess.plots.view import Source

    satellite = _one(satellites)
    if (number is None) == (time is None) or (time is None) != (satellite is None):
        raise click.UsageError("name a crossing with --satellite and --time, or with --number of an event")
    kind = format_of(look["output"])
    target = existing_work(work)
    run = target.only_run(name) if number is not None else _run_of(target, name)
    if run is not None and number is not None:
        satellite, time = _peak(run, number)
    assert satellite is not None  # noqa: S101  # one of the two is given
    assert time is not None  # noqa: S101
    at = time
    view = _read(Source(target, satellite, run), lambda source: view_pass(source, at))
    from reprocess.plots.figure import title_of_pass

    _draw(view, title_of_pass(view, run.name if run else ""), kind, look, ("L", "MLT", "latitude"))


def _one(satellites: tuple[str, ...]) -> str | None:
    """Return the satellite that is given, if any."""
    if len(satellites) > 1:
        raise click.UsageError(f"--satellite gives {', '.join(satellites)}; a plot is of one satellite")
    return satellites[0] if satellites else None


def _peak(run: "Run", number: int) -> tuple[str, dt.datetime]:
    """Return satellite and peak of an event."""
    from reprocess.plots.choice import choose_event
    from reprocess.work.parts import read_events

    row = (table := read_events(run, run.ledger.done())).loc[choose_event(table, number)]
    return str(row["satellite"]), row["peak_time"].to_pydatetime()


def _run_of(work: "Work", name: str | None) -> "Run | None":
    """Return the named run or the only one, None if there is none at all."""
    return work.only_run(name) if name is not None or work.runs() else None


def _read(source: "Source", read: Callable[["Source"], "View"]) -> "View":
    """Return what is to be drawn, read while this thread imports what draws it.

    Reading is the network's work for the most part, which leaves Python to others, but for a moment after
    each batch. What it needs is imported before, so that no two threads import at once.
    """
    from concurrent.futures import ThreadPoolExecutor

    _ = source.network
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_S)
    try:
        with ThreadPoolExecutor(1) as other:
            reading = other.submit(read, source)
            from reprocess.plots import figure  # noqa: F401  # what is imported is what counts

            return reading.result()
    finally:
        sys.setswitchinterval(before)


def _draw(view: "View", title: str, kind: str, look: dict[str, Any], names: tuple[str, ...]) -> None:
    """Write the figure, and say what is on it that a reader must know."""
    from reprocess.plots.figure import render_view

    data = render_view(
        view, title, kind, width=look["width"], dpi=look["dpi"], counts=look["counts"], names=names
    )
    write_output(data, look["output"])
    for note in view.notes:
        click.echo(note, err=True)


for _command in (profile, months, coverage):
    plot.add_command(_command)
