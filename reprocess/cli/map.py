"""The third stage: map."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess.cli.activity import INDEX, index_of, look_through, require_index
from reprocess.cli.interruption import resumable
from reprocess.cli.numbers import Number
from reprocess.cli.options import (
    CHOICE,
    CLUSTER,
    EXISTING_WORK,
    MAP,
    ONE_RUN,
    existing_work,
    words_of,
)
from reprocess.cli.selection import chosen
from reprocess.cli.steps import (
    draw_difference,
    draw_map,
    finish,
    grid_of,
    write_page,
)
from reprocess.schema import EVENT_COLUMNS, IMAGE_FORMATS, UNCERTAINTIES

if TYPE_CHECKING:
    from reprocess.maps.stage import Split
    from reprocess.work.choice import Choice
    from reprocess.work.paths import Run


_LONGEST = 150
"""Bytes of a map's name: 255 are a file's, and figures have the parts of a split in theirs."""


def _plain(_: click.Context, __: click.Parameter, name: str) -> str:
    """Refuse what cannot be a file's name."""
    if name in {".", ".."} or "/" in name or "\0" in name:
        raise click.BadParameter(f"{name!r} cannot name a file; use a plain name without '/'")
    plain = name.removesuffix(".nc")
    if name and not plain:
        raise click.BadParameter(f"{name!r} is no name; give one before .nc, or leave --name out")
    if (size := len(os.fsencode(plain))) > _LONGEST:
        raise click.BadParameter(f"{plain[:20]}… is of {size} bytes; use at most {_LONGEST}")
    return plain


def _formats(_: click.Context, __: click.Parameter, words: str) -> tuple[str, ...]:
    """Return formats of figures, each once."""
    chosen = tuple(dict.fromkeys(word.strip().lower() for word in words.split(",")))
    if unknown := [word for word in chosen if word not in IMAGE_FORMATS]:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(IMAGE_FORMATS)}")
    return chosen


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
@CHOICE
@click.option(
    "--by",
    default="",
    callback=words_of,
    metavar="THING[,THING…]",
    help="Split the map by satellite, year, month, season, local_season, hemisphere, epoch, a flag, a "
    "property of events, or an index (with --index); writes maps/by_THING.nc unless --name is given.",
)
@click.option(
    "--bins",
    default="",
    callback=words_of,
    metavar="EDGE,EDGE,…",
    help="Edges of the bins of a property or an index that the map is split by, or dates of epochs.",
)
@INDEX
@click.option(
    "--passes",
    is_flag=True,
    help="Also count passes of each bin, and the share of them that have an event; needs --name or --by.",
)
@click.option(
    "--property",
    "of_property",
    default="",
    metavar="NAME",
    help="Also tell the quartiles of a property of events by bin (docs/columns.md), and of energy_flux_40 "
    "and energy_flux_612 the mean over time and the power over a hemisphere; writes maps/NAME.nc.",
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
@CLUSTER
@resumable()
def map_(work: Path, name: str | None, beside: str, choice: "Choice", **options: Any) -> None:
    """Make the L-MLT maps of a run from its events and exposure.

    The run remembers the bins: later runs draw its map in them again unless others are asked for.
    A map by an index, or with --name and edges off the grid of 0.1 in L and 0.25 h, looks through the
    archive's positions once, on workers; they are kept in the run's folder, so that it is quick from then on.
    """
    from reprocess.maps.stage import needs_positions
    from reprocess.work.surveyed import survey_of

    choice, split = chosen(choice, options), _split(options)
    if options["difference"] is not None and choice.classes:
        raise click.UsageError("--difference tells of each class by itself; leave --class out")
    kind = "" if options["difference"] is None else "difference_"
    split_by = f"by_{'_'.join(options['by'])}" if options["by"] else ""
    usual = kind + "_".join(word for word in (options["of_property"], split_by) if word)
    beside = beside or ("" if choice.words else usual)
    if "/" in beside or len(os.fsencode(beside)) > _LONGEST:
        raise click.UsageError(
            f"a map cannot be named {beside[:40]!r} after what it is split by; name it with --name"
        )
    if (choice.words or split) and not beside:
        raise click.UsageError(
            f"a map {choice.words or 'of passes'} stands beside the run's own, which is of everything; "
            "name it with --name"
        )
    target = existing_work(work)
    one = target.only_run(name)
    grid = grid_of(options, one, beside=bool(beside))
    if needs_positions(grid, split):
        _refuse(one, choice, split)
        look_through(target, one, grid, choice, options)
    surveyed = survey_of(target, one)
    if options["difference"] is not None:
        draw_difference(target, one, grid, options, beside, choice, split, surveyed)
        finish(target, surveyed.granules, one.name, surveyed=surveyed)
    draw_map(target, one, grid, options, beside, choice, split, surveyed)
    if one.report.exists() and not beside:
        write_page(target, one, surveyed=surveyed)  # a page must not show a map that is there no longer
    finish(target, surveyed.granules, one.name, surveyed=surveyed)


def _refuse(one: "Run", choice: "Choice", split: "Split | None") -> None:
    """Refuse what the map cannot be split by before the archive is looked through for it."""
    from reprocess.maps.stage import axes_of
    from reprocess.maps.tally import chosen_blocks

    axes_of(chosen_blocks(one, one.ledger.done(), choice), split)


def _split(options: dict[str, Any]) -> "Split | None":
    from reprocess.maps.stage import Split

    names, files = options["by"], options["index_files"]
    _require_uses(options)
    for option, given in (("--bins", options["bins"]), ("--index", files)):
        if given and not names:
            raise click.UsageError(f"{option} is for what --by splits the map by")
    require_index(options)
    of_property = options["of_property"]
    if not (names or of_property or options["passes"]):
        return None
    index = index_of(names, options) if files else None
    return Split(names, options["bins"], index, options["passes"], of_property)


def _require_uses(options: dict[str, Any]) -> None:
    """Refuse options that would say nothing of the map that is asked for, if they are typed."""
    differs, of_property = options["difference"] is not None, options["of_property"]
    if differs and not options["by"]:
        raise click.UsageError("--difference needs --by, which makes the parts that are compared")
    if differs and of_property:
        raise click.UsageError("--difference is of rates; leave --property out")
    which = "--by" if options["by"] else "--property" if of_property else ""
    of_one = f"--uncertainty is of the figure of one map, and {which} has others; leave it out: the file has"
    told = {
        "passes": "--difference is of rates; leave --passes out" if differs else "",
        "uncertainty": f"{of_one} all limits" if which else "",
    }
    for name, unused in (("passes", False), ("uncertainty", UNCERTAINTIES[0])):
        if told[name] and options[name] != unused:
            if _is_typed(name):
                raise click.UsageError(told[name])
            options[name] = unused
    if options["passes"] and not _is_typed("passes") and set(options["by"]) & EVENT_COLUMNS.keys():
        options["passes"] = False


def _is_typed(option: str) -> bool:
    """Tell whether an option is given on the command line, not by a settings file or the environment."""
    source = click.get_current_context().get_parameter_source(option)
    return source is click.core.ParameterSource.COMMANDLINE
