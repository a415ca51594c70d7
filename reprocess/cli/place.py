"""Where the blocks of a command are worked on, told from its options."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import click

from reprocess.schema import ENGINES

if TYPE_CHECKING:
    from reprocess.detect.plan import Settings


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

    context = click.get_current_context()
    given = [
        f"--{name.removesuffix('_file')}"
        for name in ("workers", "scheduler", "cluster_file", "partition")
        if context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE
    ]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other")
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
