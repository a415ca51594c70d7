"""Options and arguments that several commands share."""

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess import schema
from reprocess.cli.numbers import MOST_PROCESSES, Bytes, Day, Edges, Number, Partition, cores

if TYPE_CHECKING:
    from reprocess.work.choice import Choice
    from reprocess.work.paths import Work


def _bins(name: str) -> str:
    """Return the bins of maps as a user would give them."""
    return ":".join(f"{value:g}" for value in schema.SHOWN[name])


def _storage(_: click.Context, __: click.Parameter, words: tuple[str, ...]) -> dict[str, Any]:
    """Return KEY=VALUE words as a dictionary; values are JSON where they can be."""
    options: dict[str, Any] = {}
    for word in words:
        key, found, value = word.partition("=")
        if not key or not found:
            raise click.BadParameter(f"{word!r} is not KEY=VALUE")
        try:
            options[key] = json.loads(value)
        except ValueError:
            options[key] = value
    return options


def _rules(_: click.Context, __: click.Parameter, words: tuple[str, ...]) -> dict[str, str]:
    """Return NAME=VALUE words as a dictionary; what names and values mean is the mode's to say."""
    pairs = [word.partition("=") for word in words]
    if wrong := ["".join(pair) for pair in pairs if not all(pair)]:
        raise click.BadParameter(f"{wrong[0]!r} is not NAME=VALUE")
    return {name: value for name, _, value in pairs}


def words_of(_: click.Context, __: click.Parameter, given: str) -> tuple[str, ...]:
    """Return words with commas between them."""
    return tuple(word.strip() for word in given.split(",") if word.strip())


def options_of(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Combine option decorators, keeping their order in the help."""

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def former(old: str, new: str, **attributes: Any) -> Callable[[Any], Any]:
    """Keep a former name of an option working: hidden, and with a notice.

    Parameters
    ----------
    old, new : str
        As a user writes them; the function has a parameter called `attributes["name"]` for both.
    **attributes
        What the option under its new name has too, but for the default.
    """
    name = attributes.pop("name")
    hidden = f"former_{old.strip('-').replace('-', '_')}"

    def decorate(function: Any) -> Any:
        @wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            value = options.pop(hidden)
            if value not in (None, ()):
                click.echo(f"{old} is called {new} now", err=True)
                options[name] = value
            return function(*arguments, **options)

        return click.option(old, hidden, hidden=True, show_default=False, **attributes)(call)

    return decorate


def _excluded(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> "Choice":
    """Return the choice without the flags of all uses of an option, which have commas between them."""
    from reprocess.errors import FlagError
    from reprocess.work.choice import Choice

    try:
        return Choice(exclude=tuple(name.strip() for names in given for name in names.split(",")))
    except FlagError as e:
        raise click.BadParameter(str(e)) from e


class Satellites(click.Choice[str]):
    """Satellites by the names of NOAA's directories, one or several with commas between them."""

    def __init__(self) -> None:
        super().__init__(list(schema.SATELLITES))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the names."""
        if isinstance(value, tuple):
            return value
        return tuple(super(Satellites, self).convert(name, param, ctx) for name in value.split(","))


def _each_once(_: click.Context, __: click.Parameter, given: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """Return the satellites of all uses of an option."""
    return tuple(dict.fromkeys(name for names in given for name in names))


def satellites_option(name: str, **attributes: Any) -> Callable[[Any], Any]:
    """Return an option that takes satellites."""
    return click.option(
        name, "satellites", multiple=True, type=Satellites(), callback=_each_once, **attributes
    )


class Folder(click.Path):
    """A folder. An empty name, which Python takes for the current folder, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        if value == "":
            self.fail("the name is empty; is a shell variable not set?", param, ctx)
        return super().convert(value, param, ctx)


WORK = click.argument("work", type=Folder(path_type=Path, file_okay=False))
EXISTING_WORK = click.argument("work", type=Folder(path_type=Path, file_okay=False, exists=True))
SELECTION = options_of(
    satellites_option("--satellite", help="Only this satellite; may be repeated."),
    click.option("--start", type=Day(), help="First day."),
    click.option("--end", type=Day(), help="Last day, inclusive."),
)  # fmt: skip
SOURCE = click.option(
    "--storage-option", "storage", multiple=True, callback=_storage, metavar="KEY=VALUE",
    help="Option of ARCHIVE's file system, for example anon=true for a public S3 bucket; may be repeated.",
)  # fmt: skip
CONNECTIONS = click.option(
    "--connections", type=click.IntRange(1, 1000), default=schema.CONNECTIONS, show_default=True,
    help="Files read from a web server at a time, all workers together.",
)  # fmt: skip
RETRY = click.option(
    "--retry-quarantined", "retry", is_flag=True,
    help="Read quarantined satellite-days again, though their files are as they were.",
)  # fmt: skip
WORKERS = click.option(
    "--workers", type=click.IntRange(1, MOST_PROCESSES), default=cores,
    show_default="one per core", help="Worker processes on this machine, one thread each.",
)  # fmt: skip
MEMORY = click.option("--memory", type=Bytes(), help="Memory limit of each worker, for example 2GB.")
ONE_WORKER = click.option(
    "--workers", type=click.IntRange(1, MOST_PROCESSES), default=1, show_default=True,
    help="Worker processes on this machine, one thread each.",
)  # fmt: skip
SCHEDULER = click.option("--scheduler", help="Address of a running Dask scheduler (tcp://…) to use instead.")
CLUSTER = options_of(
    WORKERS,
    SCHEDULER,
    click.option(
        "--cluster", "cluster_file", type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="Get workers from the batch system that this file describes (see cluster/).",
    ),
    click.option("--tls", is_flag=True, help="Encrypt what Dask's processes say, and refuse strangers."),
    click.option(
        "--performance-report", "report", is_flag=True,
        help="Keep Dask's record of tasks and workers: performance.html in the run's folder, else in WORK.",
    ),
)  # fmt: skip
PARTITION = click.option(
    "--partition", type=Partition(),
    help="Do one of N shares of the blocks in this process, without Dask; the map when all are done.",
)  # fmt: skip
ENGINE = click.option(
    "--engine", type=click.Choice(schema.ENGINES), default=schema.ENGINES[0],
    show_default=True, help="What runs the network.",
)  # fmt: skip
KEEP_CLASSES = click.option(
    "--classes", is_flag=True, help="Also keep class and probabilities of every record; includes --dense."
)
CLASSIFIER = options_of(
    click.option(
        "--model",
        help=f"Name or folder of the model; if left out {schema.PUBLISHED_MODEL}, to be fetched once. Where "
        f"it is not here and the data are simulated, {schema.BUNDLED_MODEL}.",
    ),
    click.option(
        "--mode", type=click.Choice(schema.MODES), default=schema.DEFAULT_MODE, show_default=True,
        help="Rules that make events of classes.",
    ),
    click.option(
        "--rule", "rules", multiple=True, callback=_rules, metavar="NAME=VALUE",
        help=f"Set a rule of mode {schema.CONTINUOUS} otherwise (docs/continuous.md); may be repeated.",
    ),
    click.option(
        "--no-rule", "no_rules", multiple=True, metavar="NAME", help="Switch a rule off; may be repeated."
    ),
    ENGINE,
)  # fmt: skip
DETECTION = options_of(
    CLASSIFIER,
    click.option(
        "--dense", is_flag=True,
        help="Classify every window, not only those that events can depend on; the events are the same.",
    ),
    KEEP_CLASSES,
)  # fmt: skip
RUN_NAME = click.option("--run", "name", help="Name of the run; MODEL-MODE for a new one if left out.")
ONE_RUN = click.option("--run", "name", help="Name of the run; not needed if there is only one.")
MAP = options_of(
    click.option(
        "--l-edges", type=Edges(), default=_bins("L"), show_default=True,
        help="L bins, start:stop:step or a list; multiples of 0.1.",
    ),
    click.option(
        "--mlt-edges", type=Edges(), default=_bins("MLT"), show_default=True,
        help="MLT bins in hours, start:stop:step or a list; multiples of 0.25.",
    ),
    click.option(
        "--min-dwell", type=Number(0, 1e9), default=10.0, show_default=True,
        help="Minutes observed below which a bin gets no rate.",
    ),
)  # fmt: skip
EXCLUDE = click.option(
    "--exclude", "choice", multiple=True, callback=_excluded, metavar="FLAG[,FLAG…]",
    help="Leave out events and time with one of these flags (docs/columns.md); may be repeated.",
)  # fmt: skip
CHOICE = options_of(
    EXCLUDE,
    SELECTION,
    click.option(
        "--hemisphere", "hemispheres", type=click.Choice(schema.HEMISPHERES), multiple=True,
        help="Only this hemisphere of the satellite.",
    ),
    click.option(
        "--class", "event_class", type=click.Choice(list(schema.EVENT_CLASSES)),
        help="Only events of this class.",
    ),
)  # fmt: skip
DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be done and stop.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def classifies_all(options: dict[str, Any]) -> bool:
    """Tell whether the options of `DETECTION` ask for every window; keeping classes includes that."""
    return bool(options["dense"] or options["classes"])


def existing_work(path: Path) -> "Work":
    """Return the WORK directory that a user named, which must be one.

    Raises
    ------
    click.UsageError
        If the folder is something else.
    """
    work = open_work(path)
    if not work.is_one():
        raise click.UsageError(
            f"{work.root} is no WORK directory: it holds no ledger; give the folder that "
            "reprocess run or reprocess ingest was told to write to"
        )
    return work


def open_work(path: Path) -> "Work":
    """Return the WORK directory that a user named."""
    from reprocess.work.paths import Work

    return Work(path.resolve())
