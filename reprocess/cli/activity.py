"""What commands that take a geomagnetic index share: its options, its file, the pass over positions."""

from typing import TYPE_CHECKING, Any

import click

from reprocess.cli.options import options_of
from reprocess.cli.place import open_place
from reprocess.pages.words import numbered, to_be

if TYPE_CHECKING:
    from reprocess.indices.series import Index
    from reprocess.schema.grid import Grid
    from reprocess.work.choice import Choice
    from reprocess.work.paths import Run, Work


def _pairs(_: click.Context, __: click.Parameter, words: tuple[str, ...]) -> dict[str, str]:
    """Return KEY=VALUE words as a dictionary; what they mean is the index reader's to say."""
    pairs = [word.partition("=") for word in words]
    if wrong := ["".join(pair) for pair in pairs if not all(pair)]:
        raise click.BadParameter(f"{wrong[0]!r} is not KEY=VALUE")
    return {name: value for name, _, value in pairs}


def _look_back(_: click.Context, __: click.Parameter, word: str | None) -> tuple[str, float] | None:
    """Return how the values of a window become one, and its hours."""
    if word is None:
        return None
    how, _sep, hours = word.partition(":")
    try:
        number = float(hours.removesuffix("h"))
    except ValueError:
        number = 0.0
    if how not in {"max", "min", "mean"} or not 0 < number < float("inf"):
        raise click.BadParameter(f"{word!r} is not HOW:HOURS with HOW one of max, min, mean, such as max:6")
    return how, number


INDEX = options_of(
    click.option(
        "--index",
        "index_files",
        multiple=True,
        metavar="FILE",
        help="File or URL of the index that --by names, as GFZ, Kyoto, OMNI, SuperMAG or SWPC publish it, or "
        "a table with commas; may be repeated for several files of one index.",
    ),
    click.option(
        "--index-option",
        "index_options",
        multiple=True,
        callback=_pairs,
        metavar="KEY=VALUE",
        help="What a table does not tell: time and value (columns), at (start, middle or end of what a value "
        "is of), fill (a number for none); may be repeated.",
    ),
    click.option(
        "--look-back",
        callback=_look_back,
        metavar="HOW:HOURS",
        help="Split by the max, min or mean of the index over the hours up to the end of its own value: "
        "max:6.",
    ),
)


def require_index(options: dict[str, Any]) -> None:
    """Refuse what is of an index where there is none."""
    for option, given in (
        ("--index-option", options["index_options"]),
        ("--look-back", options["look_back"]),
    ):
        if given and not options["index_files"]:
            raise click.UsageError(f"{option} is for an index, whose file --index names")


def index_of(names: tuple[str, ...], options: dict[str, Any]) -> "Index":
    """Return the index that a map is to be split by: the one of the names that is nothing else."""
    from reprocess.indices.reading import read_index
    from reprocess.maps.axes import index_name

    index = read_index(options["index_files"], index_name(names), options["index_options"])
    if options["look_back"]:
        how, hours = options["look_back"]
        index = index.look_back(hours, how)
    return index


def look_through(work: "Work", one: "Run", grid: "Grid", choice: "Choice", options: dict[str, Any]) -> None:
    """Bring the position parts up to date that the map is made of."""
    from reprocess.detect.positions import find_positions
    from reprocess.monitoring.progress import show_progress

    def announce(text: str) -> None:
        click.echo(text, err=True)

    with (
        open_place(options) as where,
        show_progress(work, one, announce, options["report"]) as progress,
    ):
        days = find_positions(work, one, grid, choice, where, progress)
    be = to_be(days, "were")
    announce(f"{numbered(days, 'satellite-day')} {be} looked through for where they were when")
