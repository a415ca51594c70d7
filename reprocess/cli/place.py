"""Where the blocks of a command are worked on, told from its options."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from reprocess.schema import ENGINES

if TYPE_CHECKING:
    from reprocess.detect.plan import Settings

_PLACES = ("workers", "scheduler", "cluster_file", "partition")
_SOURCES = {
    ParameterSource.COMMANDLINE: "",
    ParameterSource.ENVIRONMENT: " of the environment",
    ParameterSource.DEFAULT_MAP: " of the --config file",
}
"""Where options are given, the first first."""


def open_place(options: dict[str, Any], settings: "Settings | None" = None) -> AbstractContextManager[Any]:
    """Provide where blocks are worked on: workers, or this process for a share of them or a single one.

    Parameters
    ----------
    options : dict
        Values of `CLUSTER`, and of `PARTITION` where the command has it.
    settings : Settings, optional
        What the run is made with; workers that cannot hold its engine are refused.

    Raises
    ------
    ReprocessError
        If the cluster file is wrong, or its workers have too little memory for a block.
    """
    from reprocess.execution.share import Share
    from reprocess.execution.workers import open_workers

    given = _given(options)
    if options["tls"] and given and given[0] in {"--scheduler", "--partition"}:
        raise click.UsageError(f"--tls is for Dask processes that are started here; {given[0]} starts none")
    if options.get("partition"):
        if options["report"]:
            raise click.UsageError("--performance-report tells about Dask's workers; --partition starts none")
        return nullcontext(Share(*options["partition"]))
    batch, engine = None, settings.engine if settings else ENGINES[0]
    if options["cluster_file"]:
        from reprocess.execution.batch import load_batch

        batch = load_batch(options["cluster_file"])
        batch.require_memory(engine)
    return open_workers(
        workers=options["workers"],
        scheduler=options["scheduler"],
        batch=batch,
        tls=options["tls"],
        engine=engine,
        always=options["report"],  # which tells about workers
        asked="--workers" in given,
        announce=lambda text: click.echo(text, err=True),
    )


def _given(options: dict[str, Any]) -> list[str]:
    """Return the option that says where blocks are worked on, if one is given.

    One on the command line goes before another from the environment, and that before one from a file; those
    that come after count as not given.

    Raises
    ------
    click.UsageError
        If two exclude each other.
    """
    context = click.get_current_context()
    sources = {name: context.get_parameter_source(name) for name in _PLACES}
    for source, words in _SOURCES.items():
        found = [name for name in _PLACES if sources[name] == source]
        if len(found) > 1:
            named = " and ".join(f"--{name.removesuffix('_file')}" for name in found)
            raise click.UsageError(f"{named}{words} exclude each other")
        if found:
            rest = {*_PLACES} - {
                "workers",
                found[0],
            }  # which says nothing where none is started
            options |= dict.fromkeys(rest & options.keys())
            return [f"--{found[0].removesuffix('_file')}"]
    return []
