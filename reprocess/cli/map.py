"""The third stage: map."""

from dataclasses import replace
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
    SELECTION,
    existing_work,
)
from reprocess.cli.selection import selection
from reprocess.cli.steps import (
    draw_difference,
    draw_map,
    finish,
    grid_of,
    write_page,
)
from reprocess.schema import EVENT_CLASSES, HEMISPHERES, IMAGE_FORMATS, UNCERTAINTIES

if TYPE_CHECKING:
    from reprocess.maps.stage import Split
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


def _words(_: click.Context, __: click.Parameter, given: str) -> tuple[str, ...]:
    """Return words with commas between them."""
    return tuple(word.strip() for word in given.split(",") if word.strip())


def _pair(_: click.Context, __: click.Parameter, given: str | None) -> tuple[str, ...] | None:
    """Return two parts that are compared, none for each against all others; None without the option."""
    if given is None or given == "others":
        return None if given is None else ()
    a, colon, b = given.partition(":")
    if not (a and colon and b):
        raise click.BadParameter(f"{given!r} is neither A:B, with the names of two parts, nor others")
    return a.strip(), b.strip()


@click.command("map")
@EXISTING_WORK
@ONE_RUN
@MAP
@EXCLUDE
@SELECTION
@click.option(
    "--hemisphere",
    "hemispheres",
    type=click.Choice(HEMISPHERES),
    multiple=True,
    help="Only this hemisphere of the satellite.",
)
@click.option(
    "--class",
    "event_class",
    type=click.Choice(list(EVENT_CLASSES)),
    help="Only events of this class.",
)
@click.option(
    "--by",
    default="",
    callback=_words,
    metavar="THING[,THING…]",
    help="Split the map by satellite, year, month, season, local_season, hemisphere, epoch, a flag, or a "
    "property of events; writes maps/by_THING.nc unless --name is given.",
)
@click.option(
    "--bins",
    default="",
    callback=_words,
    metavar="EDGE,EDGE,…",
    help="Edges of the bins of a property that the map is split by, or dates of epochs.",
)
@click.option(
    "--difference",
    metavar="A:B|others",
    callback=_pair,
    help="Compare two parts that --by makes, the rate of A less that of B, or each part with all others; "
    "writes maps/difference_by_THING.nc and says in how many bins they differ.",
)
@click.option(
    "--name",
    "beside",
    default="",
    metavar="NAME",
    callback=_plain,
    help="Write maps/NAME.nc and its plots in the run's folder, and leave the run's own map as it is.",
)
@click.option(
    "--image-format",
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

    choice, split = _chosen(choice, options), _split(options)
    if options["difference"] is not None and split is None:
        raise click.UsageError("--difference needs --by, which makes the parts that are compared")
    kind = "" if options["difference"] is None else "difference_"
    beside = beside or (f"{kind}by_{'_'.join(split.names)}" if split and not choice.words else "")
    if (choice.words or split) and not beside:
        raise click.UsageError(
            f"a map {choice.words} stands beside the run's own, which is of everything; name it with --name"
        )
    target = existing_work(work)
    one = target.only_run(name)
    if options["difference"] is not None:
        draw_difference(one, grid_of(options, one), options, beside, choice, split)
        finish(target, asked_of(target, one), one.name)
    draw_map(target, one, grid_of(options, one), options, beside, choice, split)
    if one.report.exists() and not beside:
        write_page(target, one)  # a page must not show a map that is there no longer
    finish(target, asked_of(target, one), one.name)


def _chosen(choice: "Choice", options: dict[str, Any]) -> "Choice":
    """Return the choice of flags with what else the options choose."""
    asked = selection(options)
    return replace(
        choice,
        satellites=tuple(sorted(asked.satellites)),
        start=asked.start,
        end=asked.end,
        hemispheres=tuple(dict.fromkeys(options["hemispheres"])),
        classes=(options["event_class"],) if options["event_class"] else (),
    )


def _split(options: dict[str, Any]) -> "Split | None":
    from reprocess.maps.stage import Split

    if options["bins"] and not options["by"]:
        raise click.UsageError("--bins is for what --by splits the map by")
    return Split(options["by"], options["bins"]) if options["by"] else None
