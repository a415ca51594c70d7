"""The third stage: map."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess.cli.interruption import resumable
from reprocess.cli.numbers import Number
from reprocess.cli.options import (
    EXCLUDE,
    EXISTING_WORK,
    MAP,
    ONE_RUN,
    existing_work,
)
from reprocess.cli.steps import (
    draw_map,
    finish,
    grid_of,
    write_page,
)
from reprocess.schema import IMAGE_FORMATS, UNCERTAINTIES

if TYPE_CHECKING:
    from reprocess.work.choice import Choice


def _plain(_: click.Context, __: click.Parameter, name: str) -> str:
    """Refuse what cannot be a file's name."""
    if name in {".", ".."} or "/" in name or "\0" in name:
        raise click.BadParameter(f"{name!r} cannot name a file; use a plain name without '/'")
    return name.removesuffix(".nc")


def _formats(_: click.Context, __: click.Parameter, words: str) -> tuple[str, ...]:
    """Return formats of figures, each once."""
    chosen = tuple(dict.fromkeys(word.strip().lower() for word in words.split(",")))
    if unknown := [word for word in chosen if word not in IMAGE_FORMATS]:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(IMAGE_FORMATS)}")
    return chosen


@click.command("map")
@EXISTING_WORK
@ONE_RUN
@MAP
@EXCLUDE
@click.option(
    "--name",
    "beside",
    default="",
    metavar="NAME",
    callback=_plain,
    help="Write maps/NAME.nc and its plots in the run's folder, and leave the run's own map as it is.",
)
@click.option(
    "--format",
    "formats",
    default=IMAGE_FORMATS[0],
    show_default=True,
    callback=_formats,
    metavar="FORMAT,…",
    help=f"Formats of the plots, with commas between them: {', '.join(IMAGE_FORMATS)}.",
)
@click.option(
    "--vmax",
    type=Number(1e-9, 1e9),
    help="Events per hour at which the colours end; by default the largest lower limit of a bin's interval.",
)
@click.option(
    "--uncertainty",
    type=click.Choice(UNCERTAINTIES),
    default=UNCERTAINTIES[0],
    show_default=True,
    help="What stands beside the rate: half of its 68 % interval in percent of it, or both limits.",
)
@resumable()
def map_(work: Path, name: str | None, beside: str, choice: "Choice", **options: Any) -> None:
    """Make the L-MLT maps of a run from its events and exposure.

    The run remembers the bins: later runs draw its map in them again unless others are asked for.
    """
    from reprocess.work.asked import asked_of

    if choice.exclude and not beside:
        raise click.UsageError(
            f"a map {choice.words} stands beside the run's own, which is of everything; name it with --name"
        )
    target = existing_work(work)
    one = target.only_run(name)
    draw_map(target, one, grid_of(options, one), options, beside, choice)
    if one.report.exists() and not beside:
        write_page(target, one)  # a page must not show a map that is there no longer
    finish(target, asked_of(target, one), one.name)
