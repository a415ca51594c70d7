"""Plots of a run's rates along an axis: profiles by L or MLT, months, and which satellite observed when."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from reprocess.cli.look import LOOK, format_of
from reprocess.cli.options import CHOICE, EXISTING_WORK, MAP, ONE_RUN, existing_work, words_of
from reprocess.cli.output import write_output
from reprocess.cli.selection import chosen
from reprocess.cli.steps import grid_of

if TYPE_CHECKING:
    from reprocess.maps.line_plot import Words
    from reprocess.schema.grid import Grid
    from reprocess.work.choice import Choice
    from reprocess.work.paths import Run

_MOST_LINES = 6
"""Lines that have a colour and a marker each."""


def _spans(ctx: click.Context, option: click.Parameter, given: str) -> tuple[tuple[float, float], ...]:
    """Return ranges; nothing if none are given."""
    found = []
    for word in words_of(ctx, option, given):
        first, _colon, last = word.partition(":")
        try:
            found.append((float(first), float(last)))
        except ValueError as e:
            raise click.BadParameter(f"{word!r} is not FROM:TO, such as 21:3") from e
    if len(found) > _MOST_LINES:
        raise click.BadParameter(f"{len(found)} ranges are given; {_MOST_LINES} lines are told apart at most")
    return tuple(found)


@click.command()
@EXISTING_WORK
@ONE_RUN
@MAP
@CHOICE
@click.option(
    "--along", type=click.Choice(["L", "MLT"]), default="L", show_default=True, help="What rates go along."
)
@click.option(
    "--lines",
    "spans",
    default="",
    callback=_spans,
    metavar="FROM:TO,…",
    help="Ranges of the other coordinate, a line each, between edges of its bins: 21:3,3:9 of MLT goes over "
    "midnight. By default 6 h around midnight, dawn, noon and dusk, or 1.5 in L.",
)
@LOOK  # fmt: skip
def profile(along: str, spans: tuple[tuple[float, float], ...], **options: Any) -> None:
    """Draw event rates by L for sectors of MLT, or by MLT for ranges of L, with intervals and dwell."""
    from reprocess.maps.line_plot import profile_figure
    from reprocess.maps.lines import SECTORS, SHELLS, profiles

    spans = spans or (SECTORS if along == "L" else SHELLS)

    def figure(one: "Run", grid: "Grid", choice: "Choice", words: "Words") -> Any:
        seconds = options["min_dwell"] * 60
        lines = profiles(one, one.ledger.done(), grid, along, spans, seconds, choice)
        return profile_figure(lines, along, spans, words)

    _draw(figure, f"Event rates by {along}", options)


@click.command()
@EXISTING_WORK
@ONE_RUN
@MAP
@CHOICE
@LOOK
def months(**options: Any) -> None:
    """Draw event rates by month, with the dwell that they rest on."""
    from reprocess.maps.line_plot import months_figure
    from reprocess.maps.lines import by_month
    from reprocess.schema import EVENT_CLASSES

    def figure(one: "Run", grid: "Grid", choice: "Choice", words: "Words") -> Any:
        of_months = by_month(one, one.ledger.done(), grid, choice)
        return months_figure(*of_months, words, choice.classes or tuple(EVENT_CLASSES))

    _draw(figure, "Event rates by month", options)


@click.command()
@EXISTING_WORK
@ONE_RUN
@MAP
@CHOICE
@LOOK
def coverage(**options: Any) -> None:
    """Draw which satellite observed for how long in each month."""
    from reprocess.maps.line_plot import coverage_figure
    from reprocess.maps.lines import by_month

    def figure(one: "Run", grid: "Grid", choice: "Choice", words: "Words") -> Any:
        return coverage_figure(*by_month(one, one.ledger.done(), grid, choice), words)

    _draw(figure, "Dwell by satellite and month", options)


def _draw(figure: "Callable[[Run, Grid, Choice, Words], Any]", title: str, options: dict[str, Any]) -> None:
    """Draw a figure of a run and write it."""
    from reprocess.maps.line_plot import words_around
    from reprocess.pages.style import LETTERS, image, style

    output, width, work = (options.pop(name) for name in ("output", "width", "work"))
    kind, choice = format_of(output), chosen(options.pop("choice"), options)
    target = existing_work(work)
    one = target.only_run(options.pop("name"))
    grid = grid_of(options, one)
    words = words_around(target, one, grid, title, choice, width)
    with style(LETTERS[width]):
        data = image(figure(one, grid, choice, words), kind, options["dpi"])
    write_output(data, output)
